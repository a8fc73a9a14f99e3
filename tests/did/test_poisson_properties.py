"""What must not matter, and what must."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from tests.did.panels import COLUMNS, simulated_panel

SEEDS = st.integers(0, 10_000)


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


def small(seed):
    return simulated_panel(units=9, periods=10, waves=(5, 7), rate=1.5, seed=seed)


@given(SEEDS, st.floats(0.01, 500))
@settings(deadline=None, max_examples=15)
def test_unit_of_exposure_does_not_matter(seed, factor):
    frame = small(seed)
    one, other = fit(frame), fit(frame.assign(days=frame["days"] * factor), per=1000 * factor)
    for quantity in ("irr", "rate_difference", "events_avoided"):
        a, b = getattr(one, quantity), getattr(other, quantity)
        assert (b.value, b.se) == pytest.approx((a.value, a.se), rel=1e-7, abs=1e-9)


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_order_and_names_of_units_do_not_matter(seed):
    frame = small(seed)
    names = dict(zip(frame["unit"].unique(), np.random.default_rng(seed).permutation(100), strict=False))
    shuffled = frame.assign(unit=frame["unit"].map(names)).sample(frac=1, random_state=seed)
    one, other = fit(frame, permutations=50), fit(shuffled, permutations=50)
    assert (other.irr.value, other.irr.se) == pytest.approx((one.irr.value, one.irr.se), rel=1e-9)
    np.testing.assert_allclose(other.event_study[["ratio", "se"]], one.event_study[["ratio", "se"]], rtol=1e-6, atol=1e-9)


@given(SEEDS, st.integers(2, 9))
@settings(deadline=None, max_examples=10)
def test_counting_every_event_several_times_keeps_the_ratio_and_its_jackknife(seed, times):
    frame = small(seed)
    one, other = fit(frame), fit(frame.assign(events=frame["events"] * times))
    assert (other.irr.value, other.irr.se) == pytest.approx((one.irr.value, one.irr.se), rel=1e-8)
    assert other.rate_difference.value == pytest.approx(times * one.rate_difference.value, rel=1e-7, abs=1e-10)


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_a_unit_without_exposure_changes_nothing_and_is_listed(seed):
    frame = small(seed)
    ghost = pd.DataFrame({"unit": "ghost", "period": range(1, 11), "start": np.nan, "events": 0, "days": 0.0})
    one, other = fit(frame), fit(pd.concat([frame, ghost], ignore_index=True))
    assert (other.irr.value, other.irr.se, other.irr.n_clusters) == (pytest.approx(one.irr.value), pytest.approx(one.irr.se),
        one.irr.n_clusters)
    assert (other.dropped["unit"] == "ghost").sum() == 10
    assert set(other.dropped["reason"]) >= {"no exposure"}


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_counts_do_not_choose_the_cells(seed):
    frame = small(seed)
    other = frame.assign(events=np.random.default_rng(seed).permutation(frame["events"].to_numpy()))
    a, b = fit(frame), fit(other)
    pd.testing.assert_frame_equal(a.dropped[["unit", "time", "reason"]], b.dropped[["unit", "time", "reason"]])
    pd.testing.assert_frame_equal(a.expected[["unit", "time"]], b.expected[["unit", "time"]])


@pytest.mark.parametrize("kind", ["month", "month_end", "period", "quarter", "week"])
def test_dates_and_numbers_agree(kind):
    frame = small(5)
    one = fit(frame, anticipation=1)
    grid = {
        "month": pd.date_range("2022-11-01", periods=10, freq="MS"), "month_end": pd.date_range("2022-11-30", periods=10, freq="ME"),
        "period": pd.period_range("2022-11", periods=10, freq="M"), "quarter": pd.date_range("2022-10-01", periods=10, freq="QS"),
        "week": pd.date_range("2022-11-07", periods=10, freq="7D"),
    }[kind]
    dated = frame.assign(period=[grid[p - 1] for p in frame["period"]],
        start=[pd.NaT if np.isnan(s) else grid[int(s) - 1] for s in frame["start"]])
    other = fit(dated, anticipation=1)
    assert (other.irr.value, other.irr.se) == pytest.approx((one.irr.value, one.irr.se))
    pd.testing.assert_series_equal(other.event_study["event_time"], one.event_study["event_time"])
    assert list(other.by_wave["adopted"]) == [grid[4], grid[6]]


def test_a_missing_month_counts_as_a_gap():
    frame = small(2)
    months = pd.date_range("2022-01-01", periods=10, freq="MS")
    dated = frame.assign(period=[months[p - 1] for p in frame["period"]],
        start=[pd.NaT if np.isnan(s) else months[int(s) - 1] for s in frame["start"]])
    gap = fit(dated[frame["period"] != 8])
    assert sorted(gap.event_study.loc[gap.event_study["event_time"] >= 0, "event_time"]) == [0, 1, 2, 3, 4, 5]
    only_five = gap.event_study.set_index("event_time")["n_units"]
    assert only_five[3] == 3 and only_five[1] == 3 and only_five[2] == 6


def test_anticipation_cells_are_in_neither():
    frame = small(3)
    result = fit(frame, anticipation=2)
    roles = result.cells.set_index(["unit", "time"])["role"]
    for unit, start in frame.dropna().groupby("unit")["start"].first().items():
        assert [roles[unit, start - k] for k in (3, 2, 1, 0)] == ["untreated", "anticipation", "anticipation", "target"]
    assert list(result.event_study.loc[result.event_study["phase"] == "anticipation", "event_time"]) == [-2, -1]
    changed = frame.assign(events=frame["events"] + 50 * ((frame["start"] - frame["period"]) == 1))
    assert fit(changed, anticipation=2).irr.value == pytest.approx(result.irr.value)
    assert fit(changed).irr.value != pytest.approx(fit(frame).irr.value)
    assert "anticipation" in {caution.code for caution in result.warnings}


def test_event_study_adds_up():
    frame = simulated_panel(units=24, periods=18, waves=(7, 10, 13), seed=8)
    result = fit(frame)
    study = result.event_study
    after = study[study["phase"] == "after"]
    assert after["observed"].sum() == result.observed
    assert after["expected"].sum() == pytest.approx(result.expected_total)
    assert result.by_wave["expected"].sum() == pytest.approx(result.expected_total)
    shown = study[study["note"] == ""]
    assert len(shown) > 10
    assert (shown["band_low"] < shown["ci_low"]).all() and (shown["band_high"] > shown["ci_high"]).all()
    few = study[study["n_units"] < 6]
    assert few["ci_low"].isna().all() and (few["note"] != "").all()


def test_placebo_periods_are_left_out_of_their_own_fit():
    """A jump at one event time before adoption shows in full there: its cells do not pull their own expectation up."""
    frame = simulated_panel(units=24, periods=16, waves=(8,), rate=6, seed=1)
    since = frame["period"] - frame["start"]
    before = fit(frame).event_study.set_index("event_time")
    jumped = fit(frame.assign(events=np.where(since == -3, 3 * frame["events"], frame["events"]))).event_study.set_index("event_time")
    assert jumped.loc[-3, "expected"] == pytest.approx(before.loc[-3, "expected"], rel=1e-9)
    assert jumped.loc[-3, "ratio"] == pytest.approx(3 * before.loc[-3, "ratio"], rel=1e-9)


def test_result_reads_well():
    result = did.poisson_imputation(simulated_panel(seed=4), **COLUMNS, permutations=99)
    assert result.estimate is result.irr
    assert result.events_avoided.value == pytest.approx(result.expected_total - result.observed)
    assert result.rate_difference.value == pytest.approx(1000 * (result.observed - result.expected_total) / result.exposure_total)
    assert np.isnan(result.rate_difference.p_value) and np.isnan(result.events_avoided.p_value)
    sentence = result.statement()
    assert "95 % CI" in sentence and "smallest attainable p" in sentence and "Placebo test" in sentence
    assert "<table" in result._repr_html_()
    assert list(result.table["quantity"]) == ["rate ratio", "rate difference", "events avoided", "rate ratio, min_controls 1"]
    with pytest.raises(AttributeError):
        result.observed = 1
