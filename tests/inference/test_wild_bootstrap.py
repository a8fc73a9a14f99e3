"""The wild cluster bootstrap in closed form against a loop of refits, and its size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.wild_bootstrap import inverted_interval, wild_cluster_bootstrap, wild_draws, wild_test
from mentorship_eval.inference.wild_weights import wild_weights


def data(seed, clusters=7, nested=True):
    """Columns (nested effects, shared ones, treatment last), response and cluster codes, autocorrelated within clusters."""
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(clusters), 6)
    time = np.tile(np.arange(6), clusters)
    treated = (time >= random.integers(1, 7, clusters)[g]).astype(float)
    treated[:3] = (0.0, 1.0, 0.0)  # it changes in some cluster, whatever was drawn
    shared = np.column_stack([(time[:, None] == np.arange(1, 6)).astype(float), random.normal(size=len(g))])
    effects = (g[:, None] == np.arange(clusters)).astype(float) if nested else np.ones((len(g), 1))
    y = random.normal(size=len(g)) + random.normal(size=clusters)[g] * (1 + treated)
    return effects, shared, treated, y, g


def without(columns, *from_these):
    full = np.column_stack(from_these)
    return columns - full @ np.linalg.lstsq(full, columns, rcond=None)[0]


def brute_force(full, y, g, hypothesis, signs):
    """t of the hypothesis, and t of every draw, each from a refit with the hypothesis imposed on the residuals."""
    bread = np.linalg.pinv(full.T @ full)

    def t(response):
        b = bread @ full.T @ response
        e = response - full @ b
        scores = np.array([full[g == code].T @ e[g == code] for code in np.unique(g)])
        return (b[-1] - hypothesis) / np.sqrt((bread @ scores.T @ scores @ bread)[-1, -1])

    response = y - hypothesis * full[:, -1]
    residual = without(response, full[:, :-1])
    return t(y), np.array([t(y - residual + residual * v[g]) for v in signs.T])


@given(st.integers(0, 10_000), st.sampled_from(["rademacher", "webb"]), st.floats(-1, 1), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=25)
def test_closed_form_equals_refits(seed, kind, hypothesis, nested, few_columns):
    effects, shared, treated, y, g = data(seed, nested=nested)
    if few_columns:  # the other branch: fewer shared columns than clusters
        shared = shared[:, -1:]
    full = np.column_stack([effects, shared, treated])
    weights = wild_weights(7, draws=150, kind=kind, seed=seed)
    x = without(treated, effects, shared)
    estimate = x @ y / (x @ x)
    residual = without(y, full)
    others = without(shared, effects) if nested else np.column_stack([effects, shared])
    mine = wild_draws(x, residual, g, others, weights)
    signs = np.concatenate(list(weights.batches()), axis=1)
    actual, draws = brute_force(full, y, g, hypothesis, signs)
    assert mine.statistic(hypothesis - estimate) == pytest.approx(actual, rel=1e-10)
    np.testing.assert_allclose(mine.statistics(hypothesis - estimate), draws, rtol=1e-10, atol=1e-10)
    extreme = (np.abs(draws) >= abs(actual) * (1 - 1e-9)).sum()
    expected = extreme / len(draws) if weights.enumerated else (1 + extreme) / (1 + len(draws))
    assert mine.p_value(hypothesis - estimate) == pytest.approx(expected, abs=1e-12)
    alone = wild_test(x, without(y - hypothesis * treated, effects, shared), g, others, weights)
    assert alone == pytest.approx((expected, actual * np.sqrt(6 / 7)), rel=1e-9)


def fitted(case, **options):
    effects, shared, treated, y, g = data(case, clusters=options.pop("clusters", 12))
    return wild_cluster_bootstrap(
        without(treated, effects, shared), without(y, effects, shared), g, others=without(shared, effects), **options
    )


def test_all_sign_vectors_are_enumerated_when_they_are_few():
    every = wild_weights(5, draws=9999, kind="rademacher")
    vectors = np.concatenate(list(every.batches()), axis=1)
    both = np.concatenate([vectors, -vectors], axis=1)
    assert every.enumerated and every.draws == 32 and len({tuple(v) for v in both.T}) == 32
    assert every.smallest_p == 1 / 16 and every.seed is None
    result = fitted(1, clusters=8, weights="rademacher", seed=3)
    assert result.enumerated and result.draws == 256 and result.p_value * 128 == pytest.approx(round(result.p_value * 128))
    assert result == fitted(1, clusters=8, weights="rademacher", seed=4)
    assert "all 256 sign vectors" in result.statement()


def test_draws_are_random_signs_and_repeat():
    some = wild_weights(12, draws=3999, kind="rademacher", seed=5)
    assert not some.enumerated and some.smallest_p == 2.0**-11
    v = np.concatenate(list(some.batches()), axis=1)
    assert v.shape == (12, 3999) and set(np.unique(v)) == {-1.0, 1.0} and abs(v.mean()) < 0.02
    np.testing.assert_array_equal(v, np.concatenate(list(some.batches()), axis=1))
    webb = np.concatenate(list(wild_weights(4, draws=200_000, kind="webb").batches()), axis=1)
    assert [(webb**k).mean() for k in (1, 2, 3)] == pytest.approx([0, 1, 0], abs=0.01)
    assert [wild_weights(g).kind for g in (5, 6)] == ["webb", "rademacher"]


def test_batches_do_not_change_with_what_is_kept(monkeypatch):
    kept = np.concatenate(list(wild_weights(30, draws=500).batches()), axis=1)
    monkeypatch.setattr("mentorship_eval.inference.wild_weights.NUMBERS_KEPT", 0)
    formed = wild_weights(30, draws=500)
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(formed.batches()), axis=1), kept)


def test_interval_holds_what_is_not_rejected():
    effects, shared, treated, y, g = data(4, clusters=14)
    x, response, others = without(treated, effects, shared), without(y, effects, shared), without(shared, effects)
    result = wild_cluster_bootstrap(x, response, g, others=others, draws=1999, weights="rademacher")
    for limit, inwards in ((result.ci_low, 1), (result.ci_high, -1)):
        p = [wild_cluster_bootstrap(x, response, g, others=others, draws=1999, null=limit + inwards * d).p_value for d in (1e-6, -1e-6)]
        assert p[0] > 0.05 >= p[1]
    wide = wild_cluster_bootstrap(x, response, g, others=others, draws=1999, ci_level=0.99)
    assert wide.ci_low < result.ci_low < result.ci_high < wide.ci_high


def test_interval_without_an_end():
    """With five clusters no sign vector can reject at 5 %."""
    result = fitted(2, clusters=5, weights="rademacher")
    assert result.ci_low == -np.inf and result.ci_high == np.inf
    assert "−∞ to ∞" in result.statement()


def test_interval_of_a_disconnected_set_is_its_hull():
    low, high = inverted_interval(lambda d: 0.5 if abs(d) < 1 or 1.2 < d < 1.8 else 0.0, 1.0, 0.95)
    assert (low, high) == pytest.approx((-1, 1.8), abs=1e-6)


@pytest.mark.parametrize(("clusters", "weights"), [(6, "rademacher"), (12, "rademacher"), (12, "webb")])
def test_size_under_the_null(clusters, weights):
    """Staggered treatment, AR(1) noise of different size in each cluster: 5 % of true hypotheses are rejected, within three Monte
    Carlo standard errors of 600 replicates (for six clusters the attainable p-values make it coarser)."""
    periods, replicates, rejected = 12, 600, 0
    drawn = wild_weights(clusters, draws=1999, kind=weights)
    waves = np.resize([4.0, 6.0, 9.0, np.inf] if clusters > 6 else [4.0, 6.0, 9.0], clusters)
    codes = np.repeat(np.arange(clusters), periods)
    dummies = (codes[:, None] == np.arange(clusters)).astype(float)
    times = np.tile(np.eye(periods), (clusters, 1))[:, 1:]
    others = without(times, dummies)
    hat = np.eye(len(codes)) - np.column_stack([dummies, times]) @ np.linalg.pinv(np.column_stack([dummies, times]))
    for replicate in range(replicates):
        random = np.random.default_rng([clusters, replicate])
        e = random.normal(size=(clusters, periods))
        for t in range(1, periods):
            e[:, t] += 0.5 * e[:, t - 1]
        y = hat @ (e * np.exp(random.normal(0, 0.4, (clusters, 1)))).ravel()
        x = hat @ (np.arange(periods) >= random.permutation(waves)[:, None]).astype(float).ravel()
        estimate = x @ y / (x @ x)
        rejected += wild_draws(x, y - estimate * x, codes, others, drawn).p_value(-estimate) <= 0.05
    error = np.sqrt(0.05 * 0.95 / replicates)
    low = 1 / 32 if clusters == 6 else 0.05
    assert low - 3 * error < rejected / replicates < 0.05 + 3 * error


def test_wrong_use():
    x, y, g = np.arange(4.0), np.ones(4), np.array([0, 0, 1, 1])
    with pytest.raises(UsageError, match="two clusters"):
        wild_cluster_bootstrap(x, y, np.zeros(4))
    with pytest.raises(UsageError, match="not of one length"):
        wild_cluster_bootstrap(x, y, g[:3])
    with pytest.raises(UsageError, match="mammen"):
        wild_cluster_bootstrap(x, y, g, weights="mammen")
    with pytest.raises(UsageError, match="draws"):
        wild_cluster_bootstrap(x, y, g, draws=0)


def test_a_perfect_fit_has_no_test():
    x = np.array([1.0, -1.0, 2.0, -2.0])
    result = wild_cluster_bootstrap(x, 2 * x, np.array([0, 0, 1, 1]))
    assert np.isnan([result.p_value, result.ci_low, result.ci_high, result.statistic]).all()
