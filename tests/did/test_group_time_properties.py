"""What must not move a group-time effect, and what must."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from tests.did.scores import SCORES, score_panel

panels = st.builds(
    lambda seed, units, waves, holes: (frame := score_panel(units=units, waves=waves, effect=1.0, growth=0.2, seed=seed)).drop(
        index=frame.sample(holes, random_state=seed).index),
    seed=st.integers(0, 10_000), units=st.integers(14, 28), waves=st.sampled_from([(4,), (4, 6), (3, 5, 8)]), holes=st.sampled_from([0, 0, 12]),
)
options = st.sampled_from([
    {}, {"control": "never_treated"}, {"base": "universal"}, {"weights": "size"}, {"weights": "days", "weighting": "varying"},
    {"covariates": ["x"], "method": "reg"}, {"anticipation": 1}, {"cluster": "ward"},
])
quickly = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
KINDS = ("simple", "dynamic", "group", "calendar")


def _figures(frame: pd.DataFrame, **options: object) -> np.ndarray:
    """att and se of the table, then value and se of the aggregates."""
    result = did.callaway_santanna(frame, **SCORES, **options)
    parts = [result.table["att"].to_numpy(), result.table["se"].to_numpy()]
    return np.concatenate([*parts, *([e.value, e.se] for e in (result.aggregate(kind).estimate for kind in KINDS))])


def _same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@quickly
@given(panels, options, st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_units_do_not_matter(frame, chosen, random):
    names = sorted(frame["unit"].unique())
    shuffled = random.sample(names, len(names))
    other = frame.assign(unit=frame["unit"].map(dict(zip(names, shuffled, strict=True)))).sample(frac=1, random_state=random.randrange(1000))
    _same(_figures(frame, **chosen), _figures(other, **chosen))


@quickly
@given(panels, options.filter(lambda chosen: chosen.get("weighting") != "varying"), st.integers(0, 1000))
def test_unit_and_period_effects_do_not_matter(frame, chosen, seed):
    random = np.random.default_rng(seed)
    unit = pd.Series(random.normal(0, 30, frame["unit"].nunique()), index=frame["unit"].unique())
    period = pd.Series(random.normal(0, 30, 8), index=range(1, 9))
    other = frame.assign(score=frame["score"] + frame["unit"].map(unit) + frame["period"].map(period))
    _same(_figures(frame, **chosen), _figures(other, **chosen))


@quickly
@given(panels, st.sampled_from(["fixed", "varying"]), st.floats(1e-4, 1e6))
def test_scale_of_weights_does_not_matter(frame, weighting, factor):
    other = frame.assign(days=frame["days"] * factor)
    _same(_figures(frame, weights="days", weighting=weighting), _figures(other, weights="days", weighting=weighting))


@quickly
@given(panels)
def test_equal_weights_are_no_weights(frame):
    for weighting in ("fixed", "varying"):
        result = did.callaway_santanna(frame.assign(one=2.5), **SCORES, weights="one", weighting=weighting)
        _same(result.table["att"].to_numpy(), did.callaway_santanna(frame, **SCORES).table["att"].to_numpy())
    _same(_figures(frame.assign(one=2.5), weights="one"), _figures(frame))


@quickly
@given(panels, options.filter(lambda chosen: "cluster" not in chosen))
def test_units_as_clusters_are_the_default(frame, chosen):
    _same(_figures(frame.assign(same=frame["unit"]), cluster="same", **chosen), _figures(frame, **chosen))


@quickly
@given(panels, options, st.floats(-5, 5).filter(lambda value: abs(value) > 0.01))
def test_scaling_the_score_scales_everything(frame, chosen, factor):
    result = _figures(frame.assign(score=frame["score"] * factor), **chosen)
    plain = _figures(frame, **chosen)
    np.testing.assert_allclose(np.abs(result), np.abs(plain * factor), rtol=1e-6, atol=1e-9)


@quickly
@given(panels, st.floats(0.5, 5))
def test_an_effect_that_is_added_is_found(frame, effect):
    since = frame["period"] - frame["start"]
    other = frame.assign(score=frame["score"] + np.where(since >= 0, effect, 0.0))
    before, after = (did.callaway_santanna(data, **SCORES) for data in (frame, other))
    moved = after.table["att"] - before.table["att"]
    np.testing.assert_allclose(moved, np.where(before.table["event_time"] >= 0, effect, 0.0), atol=1e-9)
    for kind in KINDS:
        assert after.aggregate(kind).estimate.value - before.aggregate(kind).estimate.value == pytest.approx(effect)


@quickly
@given(panels, options)
def test_dates_are_periods(frame, chosen):
    first = pd.Timestamp("2022-01-01")
    month = {n: first + pd.DateOffset(months=n - 1) for n in range(1, 9)}
    dated = frame.assign(period=frame["period"].map(month), start=pd.to_datetime(frame["start"].map(month)))
    _same(_figures(frame, **chosen), _figures(dated, **chosen))


def test_a_missing_period_counts_as_a_gap():
    """Event times follow the calendar, not the rows: without period 5, a unit that starts at 4 is seen 0, 2, 3 and 4 periods on."""
    frame = score_panel(waves=(4,), effect=1.0)
    result = did.callaway_santanna(frame[frame["period"] != 5], **SCORES)
    assert list(result.table["event_time"]) == [-2, -1, 0, 2, 3, 4]


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_covariates_repair_a_trend_that_follows_them(method):
    """Units with a high x adopt more often and grow faster: only the estimates given x are right (effect 1)."""
    random = np.random.default_rng(11)
    units = 1500
    x = random.normal(size=units)
    start = np.where(random.random(units) < 1 / (1 + np.exp(-x)), 3.0, np.nan)
    period = np.arange(1, 5)
    score = random.normal(size=(units, 1)) + 0.5 * x[:, None] * period + 0.3 * random.normal(size=(units, 4))
    score += (period[None, :] >= start[:, None]) * 1.0
    frame = pd.DataFrame({"unit": np.repeat(np.arange(units), 4), "period": np.tile(period, units), "start": np.repeat(start, 4),
        "score": score.ravel(), "x": np.repeat(x, 4)})
    plain = did.callaway_santanna(frame, **SCORES).estimate
    given = did.callaway_santanna(frame, **SCORES, covariates=["x"], method=method).estimate
    assert plain.ci_low > 1.3
    assert given.ci_low < 1 < given.ci_high
    assert given.se < 0.1
    assert not did.callaway_santanna(frame.assign(score=frame["score"] - (frame["period"] >= frame["start"])), **SCORES, covariates=["x"],
        method=method).estimate.ci_low > 0
