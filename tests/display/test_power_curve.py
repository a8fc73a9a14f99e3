"""The power curve: marks where power reaches its target, the size always told, curves told apart in grey, bad frames refused."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.errors import UsageError
from tests.display import power_scenes as scenes
from tests.display.test_figures import visible_texts

CURVE, MARKS = scenes.curve(0.14), scenes.marks(0.14)


def words(drawn):
    return [text.get_text() for text, _ in visible_texts(drawn.figure)]


def test_marks_stand_on_the_target_and_are_labelled_beside_themselves():
    drawn = scenes.power_one()
    axes = drawn.figure.axes[0]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == [(ratio, 0.8) for ratio in MARKS["ratio"]]
    for text, box in visible_texts(drawn.figure):
        if text.get_gid() == "mark":
            ratio = float(re.match(r"[\d.]+", text.get_text())[0])
            x, y = axes.transData.transform((ratio, 0.8))
            assert min(abs(box.x0 - x), abs(box.x1 - x)) < 30 and abs(box.y1 - y) < 40
    assert "0.68 or lower\n(0.67 to 0.69)" in words(drawn)
    low, high = axes.get_xlim()
    assert 0.4 < low < 0.6 and 1.6 < high < 2.5  # the far ends, where nothing moves, are left out
    assert axes.get_xscale() == "log"


def test_the_words_give_power_size_and_what_it_is_not():
    drawn = scenes.power_one()
    assert "power reaches 80 % at 0.68 or lower (Monte-Carlo interval 0.67 to 0.69); 1.48 or higher" in drawn.alt.lower().replace(
        "monte-carlo", "Monte-Carlo")
    assert "size 5.0 % where 5 % is nominal" in drawn.alt
    assert "400 simulations" in drawn.caption and "only restate the p-value" in drawn.caption
    assert "Dotted: nominal level 5 %; without effect the test rejects in 5.0 %." in words(drawn)


def test_several_curves_differ_in_line_and_marker_and_are_named_in_the_order_of_their_power():
    drawn = scenes.power_levels()
    axes = drawn.figure.axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 3
    assert len({line.get_marker() for line in axes.lines if line.get_marker() not in ("None", "", None)}) == 3
    names = [(box.y1, text.get_text()) for text, box in visible_texts(drawn.figure) if text.get_text().startswith("overdispersion")]
    assert [name.split("\n")[0][:18].strip() for _, name in sorted(names, reverse=True)] == [
        "overdispersion 0", "overdispersion 0.1", "overdispersion 0.3"]
    assert drawn.alt.count("power reaches 80 %") == 3


def test_what_is_not_reached_and_what_is_withheld_is_said():
    assert "power reaches 80 % at no ratio shown" in scenes.power_out_of_reach().alt.lower()
    withheld = scenes.power_withheld()
    assert "surgery: suppressed: fewer than 10" in withheld.alt.lower() and any("suppressed" in text for text in words(withheld))
    alone = display.power_curve(CURVE.assign(power=math.nan, ci_low=math.nan, ci_high=math.nan, reason="suppressed: fewer than 10"))
    assert "suppressed: fewer than 10" in alone.alt.lower() and any("suppressed" in text for text in words(alone))
    assert "nan" not in alone.alt


@pytest.mark.parametrize(
    ("curves", "detectable", "text"),
    [
        (None, None, "takes a DataFrame"), (CURVE.iloc[:0], None, "no rows"), (CURVE.drop(columns="power"), None, r"lacks the column\(s\) power"),
        (CURVE.assign(ratio=0.0), None, "ratios at or below zero"), (CURVE.assign(power=50.0), None, "outside 0 to 1"),
        (pd.concat([CURVE, CURVE]), None, "two rows at one ratio"), (CURVE.assign(power="high"), None, "holds text"),
        (pd.concat([CURVE.assign(label=str(k)) for k in range(6)]), None, "6 curves cannot be told apart"),
        (CURVE.assign(label="a"), MARKS.assign(label="b"), "there is no curve 'b'"),
        (pd.concat([CURVE.assign(label=k) for k in "ab"]), MARKS, "which curve its rows belong to"),
        (CURVE, MARKS.drop(columns="mc_low"), r"lacks the column\(s\) mc_low"),
    ],
)
def test_frames_that_cannot_be_drawn(curves, detectable, text):
    with pytest.raises(UsageError, match=text):
        display.power_curve(curves, detectable)


def test_one_ratio_and_rows_in_any_order_are_drawn():
    assert display.power_curve(CURVE[np.isclose(CURVE["ratio"], 1)]).render("png").startswith(b"\x89PNG")
    shuffled = CURVE.sample(frac=1, random_state=1)
    assert display.power_curve(shuffled, MARKS).render("svg") == display.power_curve(CURVE, MARKS).render("svg")
