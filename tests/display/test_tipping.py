"""The tipping point as a figure: the interval over the shift, marks where it meets no effect, and words for where it does not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.errors import UsageError
from tests.display.test_figures import visible_texts

DELTA = np.linspace(-8, 8, 9)


def curve(at: float, half: float = 2.0) -> pd.DataFrame:
    """An estimate that rises by half a point with every point of the shift, ``at`` without one."""
    value = at + DELTA / 2
    return pd.DataFrame({"delta": DELTA, "estimate": value, "ci_low": value - half, "ci_high": value + half})


def words(drawn):
    return [text.get_text().replace("\n", " ") for text, _ in visible_texts(drawn.figure)]


def points(drawn):
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in drawn.figure.axes[0].lines if line.get_gid() == "interval"]


def test_where_the_interval_reaches_no_effect_is_marked_on_the_line_of_no_effect():
    drawn = display.tipping(curve(-3.0), pd.DataFrame({"delta": [2.0]}), sd=8.0, title="Burnout")
    assert points(drawn) == [(2.0, 0.0)]
    assert "Interval reaches 0 at 2.0 points higher (0.25 SD)" in words(drawn) and "Interval reaches 0" in drawn.alt
    assert "Without a shift: −3.00 (95 % CI −5.00 to −1.00)" in drawn.alt and "grey where it includes 0" in drawn.caption
    edge = [line for line in drawn.figure.axes[0].lines if len(line.get_xdata()) == 2 and list(line.get_ydata()) == [0, 0]]
    assert edge, "the line of no effect"
    assert list(drawn.data) == ["curve", "tips"]


def test_an_interval_that_holds_no_effect_leaves_it_on_either_side():
    drawn = display.tipping(curve(0.5), pd.DataFrame({"delta": [-5.0, 3.0]}), sd=10.0)
    assert points(drawn) == [(-5.0, 0.0), (3.0, 0.0)]
    said = words(drawn)
    assert "Interval leaves 0 at 5.0 points lower (0.50 SD)" in said and "Interval leaves 0 at 3.0 points higher (0.30 SD)" in said


@pytest.mark.parametrize("tips", [None, pd.DataFrame({"delta": []}), pd.DataFrame({"delta": [math.nan]})])
def test_what_does_not_turn_says_how_far_was_looked(tips):
    drawn = display.tipping(curve(-9.0), tips)
    assert not points(drawn) and "This does not change within 8.0 points either way" in drawn.alt


def test_bad_frames_are_refused():
    with pytest.raises(UsageError, match="stands twice"):
        display.tipping(curve(0.0).assign(delta=1.0))
    with pytest.raises(UsageError, match="does not meet no effect at the shift 5"):
        display.tipping(curve(-3.0), pd.DataFrame({"delta": [5.0]}))
    with pytest.raises(UsageError, match="lower limits above"):
        display.tipping(curve(0.0, half=-1.0))
