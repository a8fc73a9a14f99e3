"""Placebo test by hand, few treated units, trends before adoption, size under no effect and recovery of an effect."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.panels.panel import build_score_panel
from mentorship_eval.did.scores.placebo import PlaceboMeans
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.intervals import critical_value
from tests.did.linear_panels import COLUMNS, score_panel


@pytest.fixture
def quick(monkeypatch):
    """Without the tables that a test of the main estimate does not look at: they take most of the time."""
    for name in ("event_study", "by_wave", "by_period"):
        monkeypatch.setattr(f"mentorship_eval.did.scores.linear.{name}", lambda *_: pd.DataFrame())


def fit(frame, **options):
    return did.linear_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


@pytest.mark.parametrize("options", [{}, {"weights": "weight"}, {"covariates": ["acuity"]}, {"min_controls": 1, "anticipation": 1}])
def test_permutation_p_by_brute_force(quick, options):
    frame = score_panel(units=5, periods=6, waves=(3, 5), never=2, seed=3)
    result = fit(frame, permutations=9999, **options)
    names = sorted(frame["unit"].unique())
    dates = frame.groupby("unit")["start"].first().fillna(-1).reindex(names).to_numpy()
    every = sorted(set(permutations(dates)))
    extreme = 0
    for order in every:
        moved = frame.assign(start=frame["unit"].map(dict(zip(names, order, strict=True))).replace(-1, np.nan))
        try:
            value = abs(fit(moved, **options).estimate.value)
        except EstimationError:
            value = np.inf
        extreme += value >= abs(result.estimate.value) - 1e-9
    assert result.permutation.exact and result.permutation.draws == len(every) == 30
    assert result.permutation_p == pytest.approx(extreme / 30)


@pytest.mark.parametrize("blocks", [None, "site"])
def test_sums_from_one_table_equal_draw_by_draw_solutions(blocks):
    panel = build_score_panel(score_panel(units=20, periods=12, waves=(4, 7, 12), seed=5), **COLUMNS, permute_within=blocks)
    statistic = PlaceboMeans(panel, anticipation=1, min_controls=2)
    random = np.random.default_rng(1)
    draws = random.permuted(np.tile(panel.adopted, (40, 1)), axis=1)
    assert statistic.values is not None
    assert statistic(draws) == pytest.approx(statistic._solved(draws), rel=1e-10, abs=1e-12)


def test_seed_and_number_of_draws_are_recorded():
    frame = score_panel(units=16, seed=6)
    one, again, other = (fit(frame, permutations=199, seed=seed) for seed in (7, 7, 8))
    assert one.permutation == again.permutation
    assert one.permutation.seed == 7 and one.permutation.draws == 199 and not one.permutation.exact
    assert other.permutation_p != one.permutation_p
    assert did.linear_imputation(frame, **COLUMNS).permutation.draws == 9999


def test_scale_of_the_outcome_does_not_matter_to_the_placebo_test():
    frame = score_panel(units=8, periods=8, waves=(4, 6), never=3, seed=9)
    plain = fit(frame, permutations=9999)
    for factor in (1e-9, 1e9):
        assert fit(frame.assign(score=frame["score"] * factor), permutations=9999).permutation_p == plain.permutation_p


def test_one_treated_unit_gets_a_rank_only():
    frame = score_panel(units=9, periods=14, waves=(8,), never=8, seed=4)
    result = fit(frame, permutations=9999)
    e = result.estimate
    assert np.isnan([e.se, e.ci_low, e.p_value, result.permutation_p, result.se_bjs, result.se_jackknife]).all()
    rank, of = result.placebo_rank
    cautions = {caution.code: caution for caution in result.warnings}
    assert of == 9 and 1 <= rank <= 9 and f"ranks {rank} of 9" in cautions["one_treated"].text
    assert cautions["one_treated"].data == {"treated": 1, "rank": rank, "of": 9}
    assert "no interval is given" in result.statement() and "ranks" in result.statement()
    assert result.event_study["se"].isna().all() and np.isnan(result.pretrend.p_value)


@pytest.mark.parametrize(("treated", "interval"), [(5, False), (6, True)])
def test_fewer_than_six_treated_get_a_permutation_p_only(treated, interval):
    frame = score_panel(units=14, periods=10, waves=(5,), never=14 - treated, seed=2)
    for variance in ("jackknife", "bjs"):
        result = fit(frame, permutations=300, variance=variance)
        assert np.isfinite(result.estimate.ci_low) == interval and np.isfinite(result.estimate.p_value) == interval
        assert np.isfinite(result.permutation_p) and np.isfinite(result.estimate.se)
        assert ("few_treated" in {caution.code for caution in result.warnings}) != interval
        assert np.isfinite(result.pretrend.p_value) == interval


def test_the_only_control_is_said_and_its_refit_loses_its_periods():
    frame = score_panel(units=10, periods=8, waves=(3, 6), never=1, seed=3)
    result = fit(frame, min_controls=1)
    cautions = {caution.code: caution for caution in result.warnings}
    (name,) = cautions["only_control"].data["clusters"]
    assert frame.loc[frame["unit"] == name, "start"].isna().all()
    rest = fit(frame[frame["unit"] != name], min_controls=1)
    assert result.leave_one_out.set_index("cluster").loc[name, "estimate"] == pytest.approx(rest.estimate.value)


def test_a_difference_just_before_adoption_shows_there():
    frame = score_panel(units=24, periods=14, waves=(8, 11), never=8, seed=1)
    since = frame["period"] - frame["start"]
    jumped = fit(frame.assign(score=frame["score"] + np.where(since == -2, 5.0, 0.0)))
    before = fit(frame)
    change = jumped.event_study.set_index("event_time")["estimate"] - before.event_study.set_index("event_time")["estimate"]
    # other leads and the reference are untouched by a jump that its own indicator takes up
    assert change[-2] == pytest.approx(5.0)
    assert change[[-5, -4, -3, -1]].to_numpy() == pytest.approx(np.zeros(4), abs=1e-9)
    assert jumped.pretrend.p_value < 1e-4 < before.pretrend.p_value
    assert jumped.pretrend.df1 == 5 and "passed" not in jumped.pretrend.statement()


@pytest.mark.parametrize("whole", [True, False])
def test_leads_equal_a_regression_on_dummies_and_the_test_its_formula(quick, whole):
    """Whole panels of equal weights share the factors of their refits; others do not."""
    frame = score_panel(units=20, periods=10, waves=(6, 8), never=6, missing=0.0 if whole else 0.1, seed=11)
    frame = frame.assign(weight=1.0) if whole else frame
    result = fit(frame, weights="weight", pretrend_periods=2)
    study = result.pretrend.table.set_index("event_time")

    def leads(part):
        part = part[~(part["period"] >= part["start"])]
        since = part["period"] - part["start"]
        x = np.column_stack([pd.get_dummies(part["unit"], dtype=float), pd.get_dummies(part["period"], dtype=float), since == -1, since == -2])
        root = np.sqrt(part["weight"].to_numpy())
        return np.linalg.lstsq(x * root[:, None], part["score"].to_numpy() * root, rcond=None)[0][-2:]

    full = leads(frame)
    assert study.loc[[-1, -2], "estimate"].to_numpy() == pytest.approx(full)
    without = np.array([leads(frame[frame["unit"] != name]) for name in sorted(frame["unit"].unique())])
    count = len(without)
    spread = (count - 1) / count * (without - full).T @ (without - full)
    assert study.loc[[-1, -2], "se"].to_numpy() == pytest.approx(np.sqrt(np.diag(spread)))
    hotelling = (count - 2) / (2 * (count - 1)) * full @ np.linalg.solve(spread, full)
    assert result.pretrend.statistic == pytest.approx(hotelling) and result.pretrend.df2 == count - 2


def test_the_stated_drift_is_found_with_the_stated_power(quick):
    """Drift added to adopters at the size of ``slope`` moves the Wald statistic by its noncentrality for power 0.8."""
    from scipy.stats import f, ncf

    frame = score_panel(units=16, periods=12, waves=(8,), never=8, seed=3)
    test = fit(frame).pretrend
    flat = frame.assign(score=frame["unit"].map(dict.fromkeys(frame["unit"].unique(), 0.0)))
    since = (frame["period"] - frame["start"]).fillna(0)
    drifted = fit(flat.assign(score=test.slope * since)).pretrend.table["estimate"].to_numpy()
    # the covariance of the actual test, rebuilt from leaving each unit out
    rows = [fit(frame[frame["unit"] != name]).pretrend.table["estimate"].to_numpy() for name in sorted(frame["unit"].unique())]
    centre = test.table["estimate"].to_numpy()
    spread = 15 / 16 * (np.array(rows) - centre).T @ (np.array(rows) - centre)
    ncp = drifted @ np.linalg.solve(spread, drifted)
    assert 1 - ncf.cdf(f.ppf(0.95, test.df1, test.df2), test.df1, test.df2, ncp) == pytest.approx(0.8, abs=1e-4)


def _runs(effect, replicates, **options):
    """Rejection of the truth at 5 % by the jackknife, the placebo test of no effect, and the estimates."""
    values, missed, placebo, pre, bjs = [], 0, 0, 0, 0
    for seed in range(replicates):
        frame = score_panel(units=16, periods=10, waves=(5, 7, 9), never=4, effect=effect, seed=1_000 + seed)
        result = fit(frame, permutations=199, seed=seed, pretrend_periods=2, **options)
        e = result.estimate
        values.append(e.value)
        missed += not e.ci_low <= effect <= e.ci_high
        bjs += abs(e.value - effect) > critical_value(0.95, 15) * result.se_bjs
        placebo += result.permutation_p <= 0.05
        pre += result.pretrend.p_value <= 0.05
    return np.array(values), missed / replicates, placebo / replicates, pre / replicates, bjs / replicates


def test_size_without_an_effect(quick):
    """100 replicates: Monte-Carlo standard error of a 5 % rate is 2.2 points; the limits are 3.3 of them away."""
    values, missed, placebo, pre, bjs = _runs(0.0, 100)
    assert abs(values.mean()) < 3.3 * values.std() / np.sqrt(len(values))
    assert missed <= 0.12 and placebo <= 0.12 and pre <= 0.12
    assert bjs >= missed, "the conservative standard error is the smaller one with few units, which is why it is not the default"


def test_recovery_and_power_with_an_effect(quick):
    values, missed, placebo, _, _ = _runs(1.5, 60)
    assert abs(values.mean() - 1.5) < 3.3 * values.std() / np.sqrt(len(values))
    assert missed < 0.14
    assert placebo > 0.6
