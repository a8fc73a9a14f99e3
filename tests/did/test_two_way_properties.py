"""Two-way fixed effects against regressions with a dummy for everything, and what must not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.panels.panel import build_panel
from mentorship_eval.did.two_way.models import fit_poisson_model
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.wild_weights import wild_weights
from tests.did.panels import COLUMNS, simulated_panel

SEEDS = st.integers(0, 10_000)
SCORES = {key: COLUMNS[key] for key in ("unit", "time", "adopted")} | {"outcome": "score"}


def gappy(seed, units=10, periods=7):
    """A panel with gaps, weights, a covariate and clusters of units; scores and counts."""
    random = np.random.default_rng(seed)
    frame = simulated_panel(units=units, periods=periods, waves=(3, 4, 6), rate=4, seed=seed)
    code = frame["unit"].str[1:].astype(int)
    frame = frame.assign(
        score=random.normal(size=len(frame)) + code, w=random.uniform(0.2, 3, len(frame)), acuity=random.normal(size=len(frame)),
        site=np.where(code < 4, code // 2, code),
    )
    return frame.drop(index=random.choice(len(frame), 6, replace=False))


def dense(frame, covariates=()):
    """Dummies of units and periods, covariates, treatment last; treatment of the rows."""
    treated = (frame["period"] >= frame["start"]).to_numpy(dtype=float)
    dummies = pd.get_dummies(frame[["unit", "period"]].astype(str), dtype=float).to_numpy()
    return np.column_stack([dummies, frame[list(covariates)].to_numpy(), treated])


@given(SEEDS, st.booleans(), st.booleans())
@settings(deadline=None, max_examples=20)
def test_linear_equals_dummies(seed, weighted, adjusted):
    frame = gappy(seed)
    names = ["acuity"] if adjusted else []
    root = np.sqrt(frame["w"].to_numpy()) if weighted else np.ones(len(frame))
    full, y = dense(frame, names) * root[:, None], frame["score"].to_numpy() * root
    bread = np.linalg.pinv(full.T @ full)
    b = bread @ full.T @ y
    e = y - full @ b
    g = frame["site"].to_numpy()
    scores = np.array([full[g == code].T @ e[g == code] for code in np.unique(g)])
    count, n = len(scores), len(frame)
    k = 1 + len(names) + frame["period"].nunique()
    se = np.sqrt((bread @ scores.T @ scores @ bread)[-1, -1] * count / (count - 1) * (n - 1) / (n - k))
    options = {**SCORES, "weights": "w" if weighted else None, "covariates": names, "cluster": "site"}
    one = did.twfe(frame, **options)
    assert (one.estimate.value, one.estimate.se, one.estimate.df) == pytest.approx((b[-1], se, count - 1), rel=1e-8, abs=1e-10)
    plain = one.standard_errors.set_index("variance")["se"]
    rank = np.linalg.matrix_rank(full)
    assert plain["iid"] == pytest.approx(np.sqrt(bread[-1, -1] * e @ e / (n - rank)), rel=1e-8)
    robust = bread @ (full * e[:, None] ** 2).T @ full @ bread
    assert plain["HC1"] == pytest.approx(np.sqrt(robust[-1, -1] * n / (n - rank)), rel=1e-8)

    jackknife = did.twfe(frame, **options, variance="CR3")
    for row in jackknife.clusters.itertuples():
        keep = g != row.cluster
        assert row.estimate_without == pytest.approx(np.linalg.lstsq(full[keep], y[keep], rcond=None)[0][-1], rel=1e-7, abs=1e-9)

    maker = np.eye(n) - full @ bread @ full.T
    adjusted_scores, loads = [], []
    for code in np.unique(g):
        rows = g == code
        values, vectors = np.linalg.eigh(maker[np.ix_(rows, rows)])
        inverse_root = (vectors[:, values > 1e-9] / np.sqrt(values[values > 1e-9])) @ vectors[:, values > 1e-9].T
        a = inverse_root @ full[rows] @ bread[:, -1]
        adjusted_scores.append(a @ e[rows])
        loads.append(maker[:, rows] @ a)
    p = np.array(loads) @ np.array(loads).T
    reduced = did.twfe(frame, **options, variance="CR2").estimate
    assert reduced.se == pytest.approx(np.sqrt(np.square(adjusted_scores).sum()), rel=1e-7)
    assert reduced.df == pytest.approx(np.trace(p) ** 2 / (p**2).sum(), rel=1e-6)


def reweighted_least_squares(full, y, offset):
    """Poisson maximum likelihood with a column for everything: coefficients and means."""
    mean = y + 0.5
    for _ in range(100):
        working = np.log(mean) - offset + (y - mean) / mean
        root = np.sqrt(mean)
        b = np.linalg.lstsq(full * root[:, None], working * root, rcond=None)[0]
        mean = np.exp(full @ b + offset)
    return b, mean


@given(SEEDS, st.booleans())
@settings(deadline=None, max_examples=10)
def test_poisson_equals_dummies(seed, adjusted):
    from scipy.special import gammaln, xlogy

    frame = gappy(seed)
    names = ["acuity"] if adjusted else []
    mine = did.twfe(frame, **COLUMNS, covariates=names, cluster="site")
    # a unit without any event has no finite effect and is not counted among the cells, as in fixest
    frame = frame[frame.groupby("unit")["events"].transform("sum") > 0]
    assert mine.estimate.n == len(frame)
    full = dense(frame, names)
    full = np.delete(full, frame["unit"].nunique(), axis=1)  # one period the less, for full rank
    y = frame["events"].to_numpy(dtype=float)
    b, mean = reweighted_least_squares(full, y, np.log(frame["days"].to_numpy()))
    assert np.log(mine.estimate.value) == pytest.approx(b[-1], rel=1e-7, abs=1e-9)
    assert mine.deviance == pytest.approx(2 * (xlogy(y, y / mean) - (y - mean)).sum(), rel=1e-8)
    assert mine.log_likelihood == pytest.approx((y * np.log(mean) - mean - gammaln(y + 1)).sum(), rel=1e-8)
    n, k = len(frame), full.shape[1]
    bread = np.linalg.inv(full.T @ (full * mean[:, None]))
    iid = mine.standard_errors.set_index("variance")["se"]["iid"]
    assert iid == pytest.approx(np.sqrt(bread[-1, -1] * (n - 1) / (n - k)), rel=1e-6)
    g = frame["site"].to_numpy()
    scores = np.array([full[g == c].T @ (y - mean)[g == c] for c in np.unique(g)])
    count, kept = len(scores), 1 + len(names) + frame["period"].nunique()
    factor = count / (count - 1) * (n - 1) / (n - kept)
    assert mine.estimate.se == pytest.approx(np.sqrt(factor * (bread @ scores.T @ scores @ bread)[-1, -1]), rel=1e-6)


@given(SEEDS)
@settings(deadline=None, max_examples=8)
def test_poisson_jackknife_equals_refits_and_keeps_the_offset(seed):
    frame = gappy(seed)
    result = did.twfe(frame, **COLUMNS, variance="CR3")
    for row in result.clusters.itertuples():
        alone = did.twfe(frame[frame["unit"] != row.cluster], **COLUMNS)
        assert row.estimate_without == pytest.approx(alone.estimate.value, rel=1e-8)
    deviations = np.log(result.clusters["estimate_without"]) - np.log(result.estimate.value)
    count = len(deviations)
    assert result.estimate.se == pytest.approx(np.sqrt((count - 1) / count * (deviations**2).sum()), rel=1e-7)
    assert result.estimate.df == count - 1
    per_thousand = did.twfe(frame.assign(days=frame["days"] / 1000), **COLUMNS, variance="CR3")
    assert (per_thousand.estimate.value, per_thousand.estimate.se) == pytest.approx((result.estimate.value, result.estimate.se), rel=1e-7)


@given(SEEDS)
@settings(deadline=None, max_examples=8)
def test_order_and_names_do_not_matter(seed):
    frame = gappy(seed)
    names = dict(zip(frame["unit"].unique(), np.random.default_rng(seed).permutation(100), strict=False))
    shuffled = frame.assign(unit=frame["unit"].map(names)).sample(frac=1, random_state=seed)
    for columns in (SCORES, COLUMNS):
        for variance in ("CR1", "CR2", "CR3"):
            one, other = (did.twfe(f, **columns, variance=variance).estimate for f in (frame, shuffled))
            assert (other.value, other.se, other.df) == pytest.approx((one.value, one.se, one.df), rel=1e-7)


def test_units_and_periods_without_events_tell_nothing():
    frame = simulated_panel(units=9, periods=8, waves=(4, 6), rate=2, seed=3)
    ghosts = pd.concat([frame[frame["unit"] == "D00"].assign(unit=name, events=0) for name in ("none", "nil")])
    one, other = (did.twfe(f, **COLUMNS, variance="CR3") for f in (frame, pd.concat([frame, ghosts], ignore_index=True)))
    assert (other.estimate.value, other.estimate.se, other.estimate.n_clusters) == pytest.approx(
        (one.estimate.value, one.estimate.se, one.estimate.n_clusters), rel=1e-8)
    assert "units_without_events" in {caution.code for caution in other.warnings}
    quiet = frame.assign(events=frame["events"].where(frame["period"] != 2, 0))
    assert did.twfe(quiet, **COLUMNS).estimate.value == pytest.approx(did.twfe(quiet[quiet["period"] != 2], **COLUMNS).estimate.value)


def test_few_events_whose_effects_run_off_still_give_the_ratio():
    """A unit whose events all fall in a period that it has for itself: its other means run to 0, and it tells nothing."""
    frame = simulated_panel(units=10, periods=8, waves=(4, 6), rate=3, seed=5)
    unit = frame.loc[frame["start"].isna(), "unit"].iloc[0]
    of_unit, first = frame["unit"] == unit, frame["period"] == 1
    frame = frame.assign(events=np.where(of_unit, np.where(first, 4, 0), frame["events"]))[of_unit | ~first]
    rest = frame[frame["unit"] != unit]
    for variance in ("CR1", "CR3"):
        one, other = (did.twfe(f, **COLUMNS, variance=variance).estimate for f in (frame, rest))
        assert one.value == pytest.approx(other.value, rel=1e-7)
    assert one.se == pytest.approx(other.se, rel=1e-5)


def test_negative_weights_by_hand():
    """The coefficient is the weighted sum of the effects of the cells, whatever these are."""
    frame = simulated_panel(units=8, periods=10, waves=(3, 8), never=2, seed=1)
    result = did.twfe(frame.assign(score=0.0), **SCORES)
    effect = np.random.default_rng(0).normal(size=len(result.cell_weights))
    told = result.cell_weights.assign(effect=effect)
    cells = frame.merge(told, left_on=["unit", "period"], right_on=["unit", "time"], how="left")
    moved = did.twfe(frame.assign(score=cells["effect"].fillna(0).to_numpy()), **SCORES)
    assert moved.estimate.value == pytest.approx((told["weight"] * effect).sum(), rel=1e-9)
    weights = result.cell_weights["weight"]
    assert weights.sum() == pytest.approx(1)
    assert result.negative_weight_share == (weights < 0).mean() > 0
    assert result.negative_weight_sum == pytest.approx(weights[weights < 0].sum())


def test_growing_effects_bias_it_and_imputation_not():
    frame = simulated_panel(units=40, periods=24, waves=(5, 12, 20), never=0, rate=40, growth=-0.03, overdispersion=0.0, seed=2)
    two_way = did.twfe(frame, **COLUMNS)
    imputed = did.poisson_imputation(frame, **COLUMNS, permutations=0, min_controls=1)
    assert imputed.irr.value < 0.97 < two_way.estimate.value
    assert "biased when effects grow" in two_way.statement()


def test_score_bootstrap_of_counts():
    frame = simulated_panel(units=14, periods=12, waves=(5, 8), rate=6, seed=4)
    result = did.twfe(frame, **COLUMNS, wild=1999, variance="CR3")
    low, high = result.wild_interval
    assert low < result.estimate.value < high
    assert result.wild.p_value == pytest.approx(result.estimate.p_value, abs=0.1)
    model = fit_poisson_model(build_panel(frame, **COLUMNS))
    signs = wild_weights(14, draws=1999)
    assert model.score_test(0.0, signs)[0] == result.wild.p_value
    for limit, inwards in ((np.log(low), 1), (np.log(high), -1)):
        assert model.score_test(limit + inwards * 1e-3, signs)[0] > 0.05 >= model.score_test(limit - inwards * 1e-3, signs)[0] - 1e-3
    assert list(result.table["inference"]) == ["CR3", "wild cluster bootstrap"]
    assert "linearised" in result.statement()


def test_score_bootstrap_holds_its_size():
    """Twelve departments, overdispersed counts, true ratio 1: within three Monte Carlo standard errors of 5 % (200 replicates)."""
    rejected, count = 0, 200
    for seed in range(count):
        frame = simulated_panel(units=12, periods=10, waves=(4, 6, 8), rate=3, overdispersion=0.15, seed=seed)
        model = fit_poisson_model(build_panel(frame, **COLUMNS))
        with_events = len(np.unique(model.linearised.cluster))
        rejected += model.score_test(0.0, wild_weights(with_events, draws=999, seed=seed))[0] <= 0.05
    assert abs(rejected / count - 0.05) < 3 * np.sqrt(0.05 * 0.95 / count)


def test_result_reads_well():
    frame = gappy(1)
    result = did.twfe(frame, **SCORES, weights="w", wild=99, seed=1)
    assert result.warnings[0].code == "two_way_fixed_effects"
    assert "diagnostic" in result.statement() and "95 % CI" in result.statement() and "99 draws" in result.statement()
    assert "diagnostic" in result.estimate.method
    assert "<table" in result._repr_html_() and "diagnostic" in result._repr_html_()
    assert result.clusters["share_of_variance"].sum() == pytest.approx(1)
    assert "missing_cells" in {caution.code for caution in result.warnings}
    with pytest.raises(AttributeError):
        result.deviance = 1
    assert did.twfe(frame, **SCORES, weights="w", wild=99, seed=1).wild == result.wild
    with pytest.raises(EstimationError):
        did.twfe(frame.assign(start=np.nan), **SCORES)
