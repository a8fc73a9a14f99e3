"""The breakdown plot: the curve turns grey where it says, marks stand at their values, what was seen is shaded, bad frames are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import display
from mentorship_eval.did import breakdown, poisson_imputation
from mentorship_eval.display.violations_frame import read_curve
from mentorship_eval.errors import UsageError
from tests.did.panels import COLUMNS, simulated_panel
from tests.display import violation_scenes as scenes
from tests.display.test_figures import visible_texts

NAN = math.nan
CURVE = scenes.drifts()


def words(drawn):
    return [text.get_text().replace("\n", " ") for text, _ in visible_texts(drawn.figure)]


def line_of(drawn, gid):
    return [line for line in drawn.figure.axes[0].lines if line.get_gid() == gid]


def test_the_breakdown_value_is_marked_on_the_line_of_no_effect_and_labelled_over_it():
    drawn = scenes.breakdown_drift()
    axes = drawn.figure.axes[0]
    at = scenes.turning(-0.16)
    (point,) = line_of(drawn, "interval")
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (at, 1.0)
    text, box = next((text, box) for text, box in visible_texts(drawn.figure) if text.get_text() == "Interval reaches 1 at −1.22 %")
    place = axes.transData.transform((at, 1.0))
    assert min(abs(box.x0 - place[0]), abs(box.x1 - place[0])) < 20 and text.get_weight() == "bold"
    assert box.y0 > axes.get_window_extent().y1
    (other,) = line_of(drawn, "estimate")
    assert other.get_xdata()[0] == scenes.turning(-0.4) and other.get_marker() != point.get_marker()


def test_what_was_seen_is_hatched_from_limit_to_limit():
    drawn = scenes.breakdown_drift()
    (area,) = [patch for patch in drawn.figure.axes[0].patches if patch.get_hatch()]
    assert (area.get_x(), area.get_x() + area.get_width()) == pytest.approx((-1.1, 0.31))
    assert "Seen before go-live: −0.40 % (95 % CI −1.10 to 0.31)" in words(drawn)
    alone = scenes.breakdown_magnitudes()
    assert not [patch for patch in alone.figure.axes[0].patches if patch.get_hatch()] and "Hatched" not in alone.caption


def test_an_interval_that_goes_on_beyond_the_axis_ends_in_an_arrow_and_its_words_say_how_far():
    drawn = scenes.breakdown_wide()
    assert sum(line.get_gid() == "arrow" for line in drawn.figure.artists) == 2
    assert "(95 % CI −40.00 to ∞)" in drawn.alt
    low, high = drawn.figure.axes[0].get_xlim()
    assert low > -10 and high < 10


def test_no_line_from_words_to_the_plot_crosses_other_words():
    for scene in (scenes.breakdown_drift, scenes.breakdown_wide, scenes.breakdown_magnitudes, scenes.breakdown_differences):
        figure = scene().figure
        boxes = [(text.get_text(), box) for text, box in visible_texts(figure) if text.get_gid() == "mark"]
        leaders = [line.get_window_extent() for line in figure.artists if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1]
        assert boxes and len(leaders) >= len(boxes)
        for words_, box in boxes:
            for leader in leaders:
                crosses = box.x0 + 1 < leader.x0 < box.x1 - 1 and leader.y0 < box.y1 - 1 and leader.y1 > box.y0 + 1
                assert not crosses, words_


def test_the_words_give_the_estimate_without_violation_the_ends_and_the_values():
    alt = scenes.breakdown_drift().alt
    assert "Without violation: 0.67 (95 % CI 0.53 to 0.85)" in alt
    assert "At 3.05 %: 0.45" in alt and "Interval reaches 1 at −1.22 %" in alt and "Estimate reaches 1 at −3.03 %" in alt
    assert "Without violation: 95 % CI 0.52 to 0.83" in scenes.breakdown_magnitudes().alt
    differences = scenes.breakdown_differences()
    assert "Interval reaches 0 at 1.00 points" in differences.alt and differences.figure.axes[0].get_yscale() == "linear"


def test_the_band_is_blue_up_to_the_breakdown_value_and_grey_beyond():
    axes = scenes.breakdown_magnitudes().figure.axes[0]
    whole, apart = axes.collections[0], axes.collections[1]
    assert whole.get_datalim(axes.transData).x1 == 2.0
    assert apart.get_datalim(axes.transData).x1 == pytest.approx(0.58)


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.8, 0.8).filter(lambda x: abs(x) > 0.3), st.floats(0.02, 0.25), st.booleans())
def test_the_band_turns_where_the_breakdown_value_says(log_ratio, half, mirrored):
    """A straight curve: the interval reaches 1 where the estimate has moved by its distance less half the interval."""
    sign = -1 if mirrored else 1
    violation = np.linspace(-2, 2, 9)
    log = log_ratio + sign * violation
    at = -sign * (log_ratio - math.copysign(half, log_ratio))
    rows = CURVE.assign(violation=violation, estimate=np.exp(log), ci_low=np.exp(log - half), ci_high=np.exp(log + half))
    read = read_curve(rows, log=True, breakdown=at, of_estimate=NAN, seen=(NAN, NAN, NAN))
    grid, low, high = read.fine()
    apart = (low > 1 + 1e-9) | (high < 1 - 1e-9)
    inner = (grid * at >= 0) & (np.abs(grid) < abs(at) - 1e-9)
    assert apart[inner].all() and not apart[np.isclose(grid, at)].any()
    with pytest.raises(UsageError, match="does not turn at the breakdown value"):
        read_curve(rows, log=True, breakdown=-at, of_estimate=NAN, seen=(NAN, NAN, NAN))


def test_withheld_curves_and_missing_values_say_why():
    drawn = scenes.breakdown_withheld()
    assert "withheld (<10 events)" in words(drawn) and "No estimate: withheld (<10 events)." in drawn.alt
    reason = "There is no breakdown value: the interval contains 1 without any drift"
    assert reason in words(drawn) and reason in drawn.alt
    assert not line_of(drawn, "interval") and "nan" not in drawn.alt + drawn.caption
    part = CURVE.copy()
    part.loc[:3, ["estimate", "ci_low", "ci_high"]] = NAN
    assert "At −2.96 %: not shown" in display.breakdown(part).alt


def test_what_the_engine_returns_is_drawn_as_it_is():
    panel = simulated_panel(units=16, periods=18, waves=(7, 9, 11), log_irr=-0.6, seed=5)
    found = breakdown(poisson_imputation(panel, **COLUMNS, permutations=0), panel=panel)
    assert math.isfinite(found.drift) and found.trend_seen is not None
    rows = found.curve.assign(violation=100 * np.expm1(found.curve["drift"])).rename(columns={"ratio": "estimate"})
    seen = [100 * math.expm1(value) for value in (found.trend_seen.value, found.trend_seen.low, found.trend_seen.high)]
    drawn = display.breakdown(
        rows, breakdown=100 * math.expm1(found.drift), breakdown_of_estimate=100 * math.expm1(found.drift_of_estimate),
        seen=seen[0], seen_low=seen[1], seen_high=seen[2])
    assert found.irr.interval() in drawn.alt
    assert f"Interval reaches 1 at {100 * math.expm1(found.drift):.2f}".replace("-", "−") in drawn.alt


@pytest.mark.parametrize(
    ("curve", "options", "text"),
    [
        (CURVE.assign(violation=1.0), {}, "stands twice"), (CURVE.assign(violation=NAN), {}, "is missing"),
        (CURVE.assign(estimate=-0.1), {}, "at or below zero"),
        (CURVE.assign(ci_low=9.0), {}, "above the upper"), (CURVE.assign(ci_low="<10"), {}, "holds text"),
        (CURVE, {"seen": 2.0, "seen_low": 3.0, "seen_high": 4.0}, "not within its interval"), (CURVE, {"seen_low": 0.0}, "not within its interval"),
        (CURVE, {"breakdown": 1.0}, "does not turn at the breakdown value"),
    ],
)  # fmt: skip
def test_frames_that_cannot_be_drawn(curve, options, text):
    with pytest.raises(UsageError, match=text):
        display.breakdown(curve, **options)


def test_rows_in_any_order_and_a_single_one_are_drawn():
    shuffled = CURVE.sample(frac=1, random_state=1)
    assert display.breakdown(shuffled).render("svg") == display.breakdown(CURVE).render("svg")
    assert display.breakdown(CURVE.iloc[4:5]).render("png").startswith(b"\x89PNG")


def test_same_frame_same_bytes():
    assert scenes.breakdown_drift().render("png") == scenes.breakdown_drift().render("png")  # as SVG among all kinds of figures
