"""What incident figures do with withheld periods: crosses in the gaps, no empty stretches of axis, ticks on both sides of 1."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.display.scales import ratio_ticks
from tests.display.test_figures import visible_texts

NAN = math.nan


def crosses(figure):
    return [x for axes in figure.axes for line in axes.lines if line.get_gid() == "gap" for x in line.get_xdata()]


def texts(drawn):
    return [text.get_text().replace("\n", " ") for text, _ in visible_texts(drawn.figure)]


def test_withheld_periods_of_a_trend_are_crosses_told_in_the_caption():
    rates = pd.DataFrame({"group": ["a"] * 4 + ["b"] * 4, "period": [1, 2, 3, 4] * 2, "rate": [3.0, NAN, 2.0, 2.5, 1.0, 1.2, NAN, 1.1]})
    drawn = display.rate_trend(rates.assign(n_events=[30, "<10", 20, 25, 10, 12, "withheld", 11]), {"a": 3})
    assert crosses(drawn.figure) == [2, 3] and "not shown" in texts(drawn)
    assert "Crosses: 2 periods not shown (withheld and withheld (<10 events))" in drawn.caption
    whole = display.rate_trend(rates.fillna(1.0), {"a": 3})
    assert not crosses(whole.figure) and "not shown" not in texts(whole) and "Crosses" not in whole.caption


def test_withheld_periods_of_observed_against_expected_are_crosses():
    rows = pd.DataFrame({"period": [1, 2, 3], "observed": [3.0, NAN, 2.0], "expected": [3.0, 3.0, 3.0], "reason": [None, "suppressed", None]})
    drawn = display.observed_expected(rows)
    assert crosses(drawn.figure) == [2] and "observed not shown" in texts(drawn) and "Crosses: 1 period not shown (suppressed)" in drawn.caption
    assert not crosses(display.observed_expected(rows.fillna({"observed": 2.0})).figure)


def study(first, last, known):
    times = np.arange(first, last + 1)
    shown = (times >= known[0]) & (times <= known[1])
    rows = pd.DataFrame({"event_time": times, "ratio": 0.9, "ci_low": 0.8, "ci_high": 1.1})
    return rows.assign(**{column: rows[column].where(shown) for column in ("ratio", "ci_low", "ci_high")})


def test_event_times_without_numbers_at_the_ends_take_no_room_and_are_named():
    drawn = display.event_study(study(-40, 30, (-12, 8)), base="all untreated months, each left out in turn")
    low, high = drawn.figure.axes[0].get_xlim()
    assert (low, high) == pytest.approx((-12.8, 8.8))
    assert "Without a number, and beyond the axis: months −40 to −13 and 9 to 30" in drawn.caption
    inside = study(-4, 4, (-4, 4))
    inside.loc[inside["event_time"] == 2, ["ratio", "ci_low", "ci_high"]] = NAN
    assert "beyond the axis" not in display.event_study(inside, base="x").caption


def test_a_base_at_the_end_keeps_its_place_and_none_is_not_called_a_reference():
    drawn = display.event_study(study(-1, 6, (0, 6)), base=-1)
    assert drawn.figure.axes[0].get_xlim()[0] < -1 and "beyond the axis" not in drawn.caption and "Reference: month −1" in texts(drawn)
    none = display.event_study(study(-3, 6, (-3, 6)), base="No base period: each is a placebo")
    assert "No base period: each is a placebo" in texts(none)
    assert "eference" not in none.caption + none.alt


@pytest.mark.parametrize(("low", "high"), [(0.83, 1.19), (0.85, 1.27), (0.9, 1.12), (0.7, 1.35)])
def test_narrow_ratio_axes_have_a_tick_on_each_side_of_one(low, high):
    """As in a forest whose labels leave two inches for the axis."""
    ticks = ratio_ticks(low, high, 5, 1 / 6)
    assert min(ticks) < 1 < max(ticks) and 1 in ticks
