"""Linear imputation against regressions on dummies and refits, and what must not change it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.panels.panel import build_score_panel
from mentorship_eval.did.scores.effects import group_means, impute_scores
from mentorship_eval.did.scores.leave_out import leave_out_steps
from mentorship_eval.did.scores.two_way import fit_two_way
from mentorship_eval.errors import EstimationError
from tests.did.linear_panels import COLUMNS, imputed_effects, score_panel

SEEDS = st.integers(0, 10_000)


def fit(frame, **options):
    return did.linear_imputation(frame, **{**COLUMNS, "permutations": 0, "min_controls": 1, **options})


@given(SEEDS, st.sampled_from([0.0, 0.2, 0.5]), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=40)
def test_equals_regression_on_dummies(seed, missing, weighted, covariate):
    """Sparse panels fall apart into unlinked groups: then fewer cells are determined, and they are the same ones."""
    frame = score_panel(units=8, periods=7, waves=(3, 5, 6), effect=1.0, missing=missing, seed=seed)
    extra, weights = (("acuity",) if covariate else ()), ("weight" if weighted else None)
    effects = imputed_effects(frame, weights, extra)
    try:
        result = fit(frame, weights=weights, covariates=list(extra) or None)
    except EstimationError as error:
        assert effects.empty or "collinear" in str(error)
        return
    rows = frame.loc[effects.index]
    assert result.estimate.n == len(effects)
    wanted = np.average(effects, weights=rows["weight"] if weighted else None)
    assert result.estimate.value == pytest.approx(wanted, rel=1e-8, abs=1e-8)
    mine = result.expected.set_index(["unit", "time"])["effect"]
    assert mine.loc[list(zip(rows["unit"], rows["period"], strict=True))].to_numpy() == pytest.approx(effects.to_numpy(), rel=1e-7, abs=1e-7)


@given(SEEDS, st.sampled_from([0.0, 0.3]), st.sampled_from([None, "weight"]), st.booleans(), st.sampled_from([None, "site"]))
@settings(deadline=None, max_examples=30)
def test_jackknife_equals_refits(seed, missing, weights, covariate, cluster):
    """Target cells are those of the full fit; a refit drops those that it cannot project."""
    frame = score_panel(units=8, periods=6, waves=(3, 5), effect=1.0, missing=missing, seed=seed)
    covariates = ["acuity"] if covariate else None
    panel = build_score_panel(frame, **COLUMNS, weights=weights, covariates=covariates, cluster=cluster)
    targets = choose_targets(panel, min_controls=1)
    if not targets.target.any():
        return
    try:
        imputed = impute_scores(panel, targets.untreated)
    except EstimationError:
        return
    code = np.nonzero(targets.target)[1] % 2
    means = group_means(panel, imputed, targets.target, code, 2)
    for c in range(len(panel.cluster_labels)):
        keep = panel.cluster != c
        rest = panel.keep_units(keep)
        try:
            alone = fit_two_way(rest.outcome, np.where(targets.untreated[keep], rest.exposure, 0.0), rest.covariates)
        except EstimationError:
            assert np.isnan(means.without[c]).all()
            continue
        cells = targets.target[keep] & np.isfinite(alone.expected)
        for k in range(2):
            mine = cells & (np.arange(panel.shape[1]) % 2 == k)
            if mine.any():
                wanted = np.average((rest.outcome - alone.expected)[mine], weights=rest.exposure[mine])
                assert means.without[c, k] == pytest.approx(wanted, rel=1e-7, abs=1e-7)
            else:
                assert np.isnan(means.without[c, k])


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_shared_factors_and_single_updates_agree(missing):
    """Units of one wave share a factor; shuffling the cluster codes, or giving each unit its own weights, must not matter."""
    frame = score_panel(units=16, periods=8, missing=missing, seed=3)
    panel = build_score_panel(frame, **COLUMNS)
    weights = np.where(choose_targets(panel, min_controls=1).untreated, 1.0, 0.0)
    whole = fit_two_way(panel.outcome, weights)
    order = np.random.default_rng(0).permutation(16)
    one, other = leave_out_steps(whole, np.arange(16), 16), leave_out_steps(whole, order, 16)
    assert other.change[order] == pytest.approx(one.change, nan_ok=True)
    scaled = weights * (1 + 1e-11 * np.arange(16))[:, None]  # no two rows equal: nothing to share
    assert leave_out_steps(fit_two_way(panel.outcome, scaled), np.arange(16), 16).change == pytest.approx(one.change, abs=1e-7, nan_ok=True)


@given(SEEDS, st.floats(-1e6, 1e6), st.sampled_from([None, "weight"]))
@settings(deadline=None, max_examples=15)
def test_levels_of_units_and_periods_cancel(seed, level, weights):
    frame = score_panel(units=9, periods=8, missing=0.1, seed=seed)
    unit, period = frame["unit"].str[1:].astype(int), frame["period"]
    moved = frame.assign(score=frame["score"] + level * np.sin(unit) - level / 2 * np.cos(period))
    one, other = fit(frame, weights=weights), fit(moved, weights=weights)
    scale = 1e-12 * (1 + abs(level))
    assert other.estimate.value == pytest.approx(one.estimate.value, rel=1e-9, abs=100 * scale)
    assert other.se_jackknife == pytest.approx(one.se_jackknife, rel=1e-7, abs=1e3 * scale)
    assert other.se_bjs == pytest.approx(one.se_bjs, rel=1e-7, abs=1e3 * scale)


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_order_and_names_do_not_matter(seed):
    frame = score_panel(units=9, periods=8, missing=0.1, seed=seed)
    mixed = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    names = {name: f"x{i * 7 % 11}" for i, name in enumerate(frame["unit"].unique())}
    renamed = mixed.assign(unit=mixed["unit"].map(names), period=mixed["period"] + 2000, start=mixed["start"] + 2000)
    one, two, three = fit(frame, permutations=200), fit(mixed, permutations=200), fit(renamed)
    assert two.estimate == one.estimate and two.permutation == one.permutation
    for name in ("value", "se", "df"):
        assert getattr(three.estimate, name) == pytest.approx(getattr(one.estimate, name), nan_ok=True)
    assert three.event_study["estimate"].to_numpy() == pytest.approx(one.event_study["estimate"].to_numpy())


@given(SEEDS, st.floats(-5, 5), st.floats(-1, 1))
@settings(deadline=None, max_examples=15)
def test_an_effect_without_noise_is_recovered(seed, effect, growth):
    frame = score_panel(units=9, periods=8, effect=effect, growth=growth, noise=0.0, missing=0.1, seed=seed)
    result = fit(frame)
    after = result.event_study[result.event_study["phase"] == "after"]
    assert after["estimate"].to_numpy() == pytest.approx((effect + growth * after["event_time"]).to_numpy(), abs=1e-9)
    before = result.event_study[result.event_study["phase"] == "before"]
    assert before["estimate"].to_numpy() == pytest.approx(np.zeros(len(before)), abs=1e-9)


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_tables_add_up(seed):
    result = fit(score_panel(units=12, periods=9, missing=0.1, seed=seed), weights="weight")
    study = result.event_study[result.event_study["phase"] == "after"]
    assert study["n_cells"].sum() == result.estimate.n
    for table in (result.by_wave, result.by_period):
        assert np.average(table["estimate"], weights=table["weight"]) == pytest.approx(result.estimate.value)
        assert table["n_cells"].sum() == result.estimate.n
    assert result.weights_by_unit["share"].sum() == pytest.approx(1)
    assert np.average(result.expected["effect"], weights=result.expected["weight"]) == pytest.approx(result.estimate.value)


def test_conservative_variance_by_its_formula():
    """Theorem 3 with weights on every cell written out: residuals of untreated cells, effects less their wave's mean in the period."""
    frame = score_panel(units=12, periods=8, missing=0.15, effect=1.0, seed=7)
    result = fit(frame, weights="weight", variance="bjs")
    treated = (frame["period"] >= frame["start"]).to_numpy()
    x = np.column_stack([pd.get_dummies(frame["unit"], dtype=float), pd.get_dummies(frame["period"], dtype=float)])
    target = treated & frame.set_index(["unit", "period"]).index.isin(result.expected.set_index(["unit", "time"]).index)
    w = frame["weight"].to_numpy()
    share = np.where(target, w, 0.0) / w[target].sum()
    inverse = np.linalg.pinv((x[~treated] * w[~treated, None]).T @ x[~treated])
    v = np.where(target, share, np.where(treated, 0.0, -w * (x @ inverse @ (x.T @ share))))
    effect = frame["score"].to_numpy() - x @ (inverse @ (x[~treated].T @ (w * frame["score"].to_numpy())[~treated]))
    part = pd.DataFrame({"unit": frame["unit"], "start": frame["start"], "period": frame["period"], "v": v, "effect": effect})[target]
    mean = part.groupby(["start", "period"]).apply(lambda g: (g["v"] ** 2 * g["effect"]).sum() / (g["v"] ** 2).sum(), include_groups=False)
    effect[target] -= mean.loc[list(zip(part["start"], part["period"], strict=True))].to_numpy()
    wanted = np.sqrt((pd.Series(v * effect).groupby(frame["unit"]).sum() ** 2).sum())
    assert result.estimate.se == pytest.approx(wanted, rel=1e-9)
    assert result.se_bjs == result.estimate.se
