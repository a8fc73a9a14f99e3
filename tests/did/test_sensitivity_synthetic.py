"""Synthetic difference-in-differences: the published example, the programs that it solves, and invariances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.sensitivity.simplex import simplex_weights
from mentorship_eval.errors import EstimationError, UsageError

NAMES = {"outcome": "score", "unit": "unit", "time": "period", "adopted": "start"}


def scores(*, controls=15, treated=6, periods=14, waves=(9,), effect=1.0, noise=0.4, seed=0) -> pd.DataFrame:
    """A rank-one factor model on top of unit and period effects, in which the treated load on the factor more than others."""
    random = np.random.default_rng(seed)
    units = controls + treated
    start = np.r_[np.full(controls, np.nan), np.resize(waves, treated)]
    loading = np.where(np.isnan(start), random.uniform(0, 2, units), random.uniform(1, 2, units))
    period = np.arange(1, periods + 1)
    y = random.normal(0, 3, (units, 1)) + random.normal(0, 1, (1, periods)) + loading[:, None] * (period / 4)[None, :]
    y = y + effect * (period[None, :] >= start[:, None]) + noise * random.standard_normal(y.shape)
    return pd.DataFrame({
        "unit": np.repeat([f"W{i:02d}" for i in range(units)], periods), "period": np.tile(period, units),
        "start": np.repeat(start, periods), "score": y.ravel()})


def test_california_tobacco_control():
    """Arkhangelsky et al. (2021), table 1: SDID -15.6 (8.4), DID -27.3, SC -19.6; sdid of Stata: -15.604, -27.349, -19.48.

    Their weights come from Frank-Wolfe steps that stop early, ours are the optimum; their standard error is of 200 or so random placebos,
    with which the standard deviation of all 38 would lie between 8.1 and 10.6 in 95 of 100 seeds.
    """
    # packs of cigarettes sold per head, 1970 to 2000, as Abadie, Diamond & Hainmueller (2010) took them from The Tax Burden on Tobacco
    wide = pd.read_csv(Path(__file__).with_name("cigarette_packs.csv"), index_col="Year")
    frame = wide.reset_index().melt("Year", var_name="State", value_name="PacksPerCapita")
    frame["first"] = np.where(frame["State"] == "California", 1989.0, np.nan)
    found = did.synthetic_did(frame, outcome="PacksPerCapita", unit="State", time="Year", adopted="first")
    values = found.companions.set_index("method")["value"]
    assert values["synthetic difference-in-differences"] == pytest.approx(-15.604, abs=0.005)
    assert values["difference-in-differences"] == pytest.approx(-27.349, abs=5e-4)
    assert values["synthetic control"] == pytest.approx(-19.55, abs=0.1)
    assert found.exact and len(found.placebos) == 38
    assert 8.1 < found.placebo_sd < 10.6
    heaviest = found.unit_weights.nlargest(3, "weight")
    assert list(heaviest["unit"]) == ["Nevada", "New Hampshire", "Connecticut"]
    np.testing.assert_allclose(heaviest["weight"], [0.124, 0.105, 0.078], atol=2e-3)
    np.testing.assert_allclose(found.time_weights["weight"].tail(3), [0.366, 0.206, 0.427], atol=2e-3)
    assert np.isnan(found.estimate.ci_low)
    assert "no interval is given" in found.statement()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 20), st.sampled_from([0.0, 1e-6, 0.3, 20.0]), st.booleans())
def test_simplex_weights_meet_the_conditions_of_an_optimum(seed, rows, count, ridge, intercept):
    random = np.random.default_rng(seed)
    columns, target = random.normal(size=(rows, count)), random.normal(size=rows)
    w = simplex_weights(columns, target, ridge=ridge, intercept=intercept)
    assert w.min() >= 0 and w.sum() == pytest.approx(1)
    if intercept:
        columns, target = columns - columns.mean(axis=0), target - target.mean()
    slope = columns.T @ (columns @ w - target) + ridge * w
    # no weight could be moved to a unit with a smaller slope
    assert slope[w > 1e-9].max() - slope.min() < 1e-6 * max(1.0, np.abs(slope).max())


def test_the_estimate_is_the_weighted_regression():
    """The coefficient of treatment in least squares on unit and period effects with weights unit x period (their equation 1)."""
    frame = scores(seed=3)
    found = did.synthetic_did(frame, **NAMES, replications=5)
    treated, before = frame["start"].notna(), frame["period"] < 9
    unit = frame["unit"].map(found.unit_weights.set_index("unit")["weight"]).where(~treated, 1 / 6)
    time = frame["period"].map(found.time_weights.set_index("time")["weight"]).where(before, 1 / 6)
    weight = np.sqrt((unit * time).to_numpy())
    design = np.column_stack([
        (treated & ~before).astype(float), pd.get_dummies(frame["unit"]).astype(float), pd.get_dummies(frame["period"]).astype(float)])
    coefficient = np.linalg.lstsq(design * weight[:, None], frame["score"] * weight, rcond=None)[0][0]
    assert found.estimate.value == pytest.approx(coefficient, abs=1e-8)


def test_unit_effects_scale_and_order_change_nothing():
    """Period effects do change a little: the penalty is set by the variance of all first differences, as the authors define it."""
    frame = scores(seed=4)
    plain = did.synthetic_did(frame, **NAMES, replications=20)
    shift = frame["unit"].map(dict(zip(frame["unit"].unique(), np.random.default_rng(1).normal(0, 50, 21), strict=True)))
    moved = did.synthetic_did(frame.assign(score=shift + 3 * frame["score"]).sample(frac=1, random_state=0), **NAMES, replications=20)
    assert moved.estimate.value == pytest.approx(3 * plain.estimate.value, rel=1e-6)
    assert moved.placebo_sd == pytest.approx(3 * plain.placebo_sd, rel=1e-6)
    season = frame["period"].map(dict(zip(range(1, 15), np.random.default_rng(2).normal(0, 0.2, 14), strict=True)))
    assert did.synthetic_did(frame.assign(score=frame["score"] + season), **NAMES).estimate.value == pytest.approx(plain.estimate.value, abs=0.1)


def test_a_steeper_course_of_the_treated_is_matched():
    values = np.array([did.synthetic_did(scores(noise=0.1, seed=seed), **NAMES, replications=2).companions["value"] for seed in range(12)])
    off = np.abs(values - 1.0).mean(axis=0)
    # plain difference-in-differences takes the steeper course for an effect
    assert off[1] > 0.7
    assert off[0] < 0.5 * off[1]


def test_waves_are_averaged_by_treated_cells():
    frame = scores(treated=7, waves=(7, 10), seed=5)
    found = did.synthetic_did(frame, **NAMES, replications=20)
    alone = [did.synthetic_did(frame[frame["start"].isna() | (frame["start"] == g)], **NAMES, replications=2).estimate.value for g in (7, 10)]
    np.testing.assert_allclose(found.by_wave["value"], alone, rtol=1e-9)
    assert list(found.by_wave["n_cells"]) == [4 * 8, 3 * 5]
    assert found.estimate.value == pytest.approx(np.average(alone, weights=[32, 15]))
    np.testing.assert_allclose(found.unit_weights.groupby("adopted")["weight"].sum(), 1)
    assert found.estimate.ci_low < found.estimate.value < found.estimate.ci_high
    assert "<table" in found._repr_html_() and found.table["se"].notna().tolist() == [True, False, False]


def test_the_interval_covers_where_treated_units_are_like_the_controls():
    from mentorship_eval.did.sensitivity.synthetic import _combined, _placebos

    hits, repeats, random = 0, 120, np.random.default_rng(7)
    for seed in range(repeats):
        y = random.normal(0, 1, (20, 8))
        value = _combined(y[6:], [(y[:6], 5)])[0]
        placebos = _placebos(y[6:], [(6, 5)], 30, seed)
        hits += abs(value) <= 1.96 * placebos.std()
    # three Monte-Carlo errors of 2 points; 30 placebos leave the standard error itself uncertain by an eighth, which costs about 2
    assert hits / repeats >= 0.93 - 3 * 0.02


def test_few_treated_and_few_controls_get_no_interval():
    one = did.synthetic_did(scores(treated=1, seed=6), **NAMES)
    assert np.isnan(one.estimate.ci_low) and one.exact and one.rank[1] == 16
    assert one.placebo_sd > 0 and np.isnan(one.estimate.p_value)
    many = did.synthetic_did(scores(controls=5, treated=8, seed=6), **NAMES)
    assert many.rank is None and np.isnan(many.estimate.se)
    assert [caution.code for caution in many.warnings] == ["no_placebos"]
    with pytest.raises(AttributeError):
        one.seed = 1


def test_refusals():
    frame = scores()
    with pytest.raises(EstimationError, match="rows of 'unit' and 'period' are missing, in W03"):
        did.synthetic_did(frame[~((frame["unit"] == "W03") & (frame["period"] == 4))], **NAMES)
    with pytest.raises(EstimationError, match="never treated"):
        did.synthetic_did(frame[frame["start"].notna()], **NAMES)
    with pytest.raises(EstimationError, match="No unit is treated"):
        did.synthetic_did(frame.assign(start=np.nan), **NAMES)
    with pytest.raises(EstimationError, match="Fewer than two periods before"):
        did.synthetic_did(scores(waves=(2, 9)), **NAMES)
    with pytest.raises(UsageError, match="replications"):
        did.synthetic_did(frame, **NAMES, replications=1)
    with pytest.raises(EstimationError):
        did.synthetic_did(frame.assign(score=np.nan), **NAMES)
    with pytest.raises(UsageError):
        did.synthetic_did(frame, **{**NAMES, "outcome": "nothing"})
