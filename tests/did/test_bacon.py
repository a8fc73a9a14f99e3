"""The decomposition of a two-way coefficient: what it is made of and that it adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.two_way.comparisons import TYPES
from mentorship_eval.errors import EstimationError, UsageError

COLUMNS = {"outcome": "score", "unit": "ward", "time": "month", "adopted": "start"}


def panel(starts, periods, seed=0, weights=None):
    """A balanced panel of random scores: one ward per start, None for never."""
    random = np.random.default_rng(seed)
    wards = [f"W{i:02d}" for i in range(len(starts))]
    frame = pd.DataFrame({"ward": np.repeat(wards, periods), "month": np.tile(np.arange(1, periods + 1), len(wards))})
    frame["start"] = np.repeat([np.nan if s is None else float(s) for s in starts], periods)
    frame["score"] = random.normal(size=len(frame)) + np.repeat(random.normal(size=len(wards)), periods)
    frame["w"] = np.repeat(random.uniform(0.3, 4, len(wards)), periods)
    return frame


STARTS = st.lists(st.one_of(st.none(), st.integers(-1, 9)).filter(lambda s: s != 0), min_size=3, max_size=9)


@given(STARTS, st.integers(3, 7), st.integers(0, 10_000), st.booleans())
@settings(deadline=None, max_examples=80)
def test_comparisons_add_up_to_the_coefficient(starts, periods, seed, weighted):
    """Whatever waves there are: never, always (from the first month or before), after the end."""
    status = {min(s or 99, periods + 1) if (s or 99) > 1 else 1 for s in starts}
    frame = panel(starts, periods, seed)
    options = {**COLUMNS, "weights": "w"} if weighted else COLUMNS
    if not any(1 < s <= periods for s in status) or len(status) < 2:
        with pytest.raises(EstimationError):
            did.goodman_bacon(frame, **options)
        return
    result = did.goodman_bacon(frame, **options)
    two_way = did.twfe(frame, **options)
    assert result.estimate.value == two_way.estimate.value
    table = result.table
    assert (table["weight"] * table["estimate"]).sum() == pytest.approx(two_way.estimate.value, rel=1e-9, abs=1e-9)
    assert table["weight"].sum() == pytest.approx(1) and (table["weight"] > 0).all()
    by_type = result.by_type
    assert (by_type["weight"] * by_type["estimate"]).sum() == pytest.approx(two_way.estimate.value, rel=1e-9, abs=1e-9)
    assert by_type["comparisons"].sum() == len(table)


def test_each_comparison_is_a_two_way_coefficient_of_its_own():
    frame = panel([3, 3, 5, 5, 5, None, None, 1], 7, seed=2)
    result = did.goodman_bacon(frame, **COLUMNS)
    assert set(result.by_type["type"]) == set(TYPES)
    for row in result.table.itertuples():
        own = row.treated
        since = 1 if row.control == "always treated" else row.control
        is_control = frame["start"].isna() if row.control == "never treated" else frame["start"] == since
        window = frame[(frame["start"] == own) | is_control]
        if row.type == "Earlier vs Later Treated":
            window = window[window["month"] < row.control]
        elif row.type == "Later vs Earlier Treated":
            window = window[window["month"] >= row.control]
        # as if the control did not change: it does not, within the window
        alone = window.assign(start=window["start"].where(window["start"] == own))
        assert row.estimate == pytest.approx(did.twfe(alone, **COLUMNS).estimate.value, rel=1e-9)
        assert row.treated_units == (frame.loc[frame["start"] == own, "ward"].nunique())
        assert row.forbidden == (row.type in ("Later vs Earlier Treated", "Later vs Always Treated"))


def test_two_groups_have_one_comparison():
    frame = panel([4, 4, None], 6, seed=1)
    result = did.goodman_bacon(frame, **COLUMNS)
    assert len(result.table) == 1 and result.table.loc[0, "weight"] == 1
    assert result.forbidden_share == 0 and result.negative_weight_share == 0
    assert "forbidden_comparisons" not in {caution.code for caution in result.warnings}
    assert "no such comparison is made" in result.statement()


def test_effects_that_grow_show_in_the_forbidden_comparisons():
    frame = panel([4] * 6 + [9] * 6, 12, seed=3)
    since = frame["month"] - frame["start"]
    frame["score"] = np.where(since >= 0, 1.0 + since, 0.0)
    result = did.goodman_bacon(frame, **COLUMNS)
    by_type = result.by_type.set_index("type")["estimate"]
    assert by_type["Earlier vs Later Treated"] == pytest.approx(3.0)
    assert by_type["Later vs Earlier Treated"] < 0 < by_type["Earlier vs Later Treated"]
    assert result.negative_weight_share > 0 and result.negative_weight_sum < 0
    caution = next(caution for caution in result.warnings if caution.code == "forbidden_comparisons")
    assert caution.data["weight"] == pytest.approx(result.forbidden_share)


def test_gaps_are_refused_with_the_units():
    frame = panel([3, 4, None, None], 5).drop(index=[7, 11])
    with pytest.raises(EstimationError, match=r"W01, W02.*did\.twfe takes panels with gaps"):
        did.goodman_bacon(frame, **COLUMNS)
    assert np.isfinite(did.twfe(frame, **COLUMNS).estimate.value)


def test_weights_that_change_are_refused():
    frame = panel([3, 4, None, None], 5)
    frame.loc[6, "w"] = 9.0
    with pytest.raises(EstimationError, match="change within unit W01"):
        did.goodman_bacon(frame, **COLUMNS, weights="w")


def test_input_is_refused_in_the_words_of_the_panel():
    frame = panel([3, 4, None], 5)
    with pytest.raises(UsageError, match="Did you mean 'score'"):
        did.goodman_bacon(frame, **{**COLUMNS, "outcome": "scores"})
    with pytest.raises(EstimationError, match="More than one row"):
        did.goodman_bacon(pd.concat([frame, frame.iloc[[0]]]), **COLUMNS)
    with pytest.raises(EstimationError, match="No unit is treated"):
        did.goodman_bacon(frame.assign(start=np.nan), **COLUMNS)
    with pytest.raises(UsageError, match="ci_level"):
        did.goodman_bacon(frame, **COLUMNS, ci_level=95)


def test_dates_label_the_waves():
    frame = panel([3, 4, None, None], 5)
    months = pd.date_range("2024-01-01", periods=5, freq="MS")
    dated = frame.assign(month=[months[m - 1] for m in frame["month"]], start=[pd.NaT if np.isnan(s) else months[int(s) - 1] for s in frame["start"]])
    one, other = did.goodman_bacon(frame, **COLUMNS), did.goodman_bacon(dated, **COLUMNS)
    np.testing.assert_allclose(other.table["estimate"], one.table["estimate"])
    assert set(other.table["treated"]) == {months[2], months[3]}


def test_result_reads_well():
    result = did.goodman_bacon(panel([3, 3, 4, 5, None, None, 4], 8, seed=4), **COLUMNS)
    assert "weighted mean of" in result.statement() and "diagnostic" in result.statement()
    assert "<table" in result._repr_html_()
    assert list(result.table.columns) == ["type", "treated", "control", "weight", "estimate", "treated_units", "control_units", "forbidden"]
    with pytest.raises(AttributeError):
        result.table = None
