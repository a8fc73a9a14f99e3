"""What the figures of the retention chapter must show, and what they must not give away."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import display
from mentorship_eval.display.curve_page import round_times
from mentorship_eval.display.labels import spread
from mentorship_eval.display.words import many
from mentorship_eval.errors import UsageError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.report.exhibits import FIGURES, draw
from tests.display import retention_scenes as scenes
from tests.display.test_figures import visible_texts

NAN = math.nan
CURVE = pd.DataFrame({"by": "a", "time": [1.0, 2.0], "estimate": [0.9, 0.8], "ci_low": [0.8, 0.7], "ci_high": [0.95, 0.9]})
ROWS = pd.DataFrame({"label": ["a", "b"], "estimate": [0.8, 0.9], "ci_low": [0.7, 0.8], "ci_high": [0.9, 1.0]})


def words_of(figure, gid=None):
    return [text.get_text() for text, _ in visible_texts(figure.figure) if gid is None or text.get_gid() == gid]


def test_every_kind_of_the_display_floor_can_be_an_exhibit():
    drawing = {name for name in display.__all__ if name not in ("Drawn", "HtmlTable", "format_cell", "house_style", "html_table", "save")}
    assert drawing == FIGURES
    bins = pd.DataFrame({"arm": ["a"], "bin_low": [0.0], "bin_high": [1.0], "count": ["<10"]})
    figure = draw(Exhibit("retention.weights", "weights", "Weights", {"rows": bins}, options={"x_label": "Stabilised weight"}))
    assert figure.name == "retention-weights" and figure.caption.startswith("Weights. Stabilised weights by arm")


# forest


def test_interaction_stands_once_on_the_heading_of_its_group():
    figure = scenes.subgroups()
    assert words_of(figure, "interaction") == ["Interaction: p = 0.031", "Interaction: p < 0.001", "Interaction: not estimable"]
    assert "Profession, interaction: p = 0.031." in figure.alt and "Career stage" in figure.alt


def test_a_withheld_row_keeps_its_place_and_says_why():
    figure = scenes.subgroups()
    numbers = words_of(figure, "number")
    assert numbers.count("withheld (<10 events)") == 2 and "withheld" in numbers and len(numbers) == 10
    assert "Pharmacists: withheld (<10 events)" in figure.alt


def test_overall_line_stands_at_the_overall_estimate_and_the_headline_is_larger():
    axes = scenes.subgroups().figure.axes[0]
    assert [line.get_xdata()[0] for line in axes.lines if line.get_gid() == "overall"] == [0.75]
    sizes = [line.get_markersize() for line in axes.lines if line.get_marker() == "s"]
    assert sizes[0] > sizes[1] and len(set(sizes[1:])) == 1
    with pytest.raises(UsageError, match="overall is a ratio at or below zero"):
        display.forest(ROWS, overall=-0.3)


def test_plural_of_a_quantity_is_made_at_its_noun():
    assert many("Hazard ratio of voluntary leaving") == "Hazard ratios of voluntary leaving"
    assert many("Rate difference per 1,000 patient-days") == "Rate differences per 1,000 patient-days" and many("Ratio") == "Ratios"


# survival curves


def test_weighted_numbers_at_risk_are_a_block_of_their_own():
    words = words_of(scenes.weighted_entry())
    assert "At risk (events so far)" in words and "At risk, weighted" in words
    assert "690 (31)" in words and "718" in words and "<10 (withheld)" in words
    assert "people enter the risk set when they come under observation" in scenes.weighted_entry().caption


def test_conditional_curves_say_where_they_begin_and_why():
    figure = scenes.conditional_curves()
    axes = figure.figure.axes[0]
    assert any(word.startswith("Curves begin at 9 months: mentoring is fixed") for word in words_of(figure))
    assert min(min(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) > 2) == 9 and axes.get_xlim()[0] == 0
    assert "Curves begin at 9 months" in figure.caption and "Curves begin at 9 months" in figure.alt
    assert "outside the follow-up at 6 months" in display.survival_curves(CURVE.assign(time=[12.0, 18.0]), start=9, say_at=[6]).alt


def test_the_axis_of_curves_cannot_cut_them_off():
    assert scenes.adjusted_curves().figure.axes[0].get_ylim() == (0.6, 1.0)
    assert "The vertical axis begins at 60 %" in scenes.adjusted_curves().caption
    with pytest.raises(UsageError, match=r"y_from=0.75 would cut curves off \(lowest value 0.700\)"):
        display.survival_curves(CURVE, y_from=0.75)


@given(st.floats(0, 30), st.floats(1, 700))
def test_round_times_of_months_are_parts_or_multiples_of_a_year(first, length):
    ticks = round_times(first, first + length, "months")
    assert len(ticks) <= 9 and all(first - 1e-9 <= tick <= first + length + 1e-6 for tick in ticks)
    assert len({round(b - a) for a, b in pairwise(ticks)} - {1, 2, 3, 6, 12, 24, 36, 60, 120}) == 0
    assert round_times(0, 36, "months") == [0, 6, 12, 18, 24, 30, 36] and round_times(0, 1, "years")[-1] == 1


# stacked cumulative incidence


def test_a_withheld_cause_is_named_in_the_band_that_holds_it():
    figure = scenes.causes_stacked()
    labels = [word.replace("\n", " ") for word in words_of(figure, "cause")]
    assert labels[0].startswith("Still employed or dismissal (withheld): 64.1 %") and len(labels) == 4
    assert "part of the top band: dismissal (withheld)" in figure.caption


def test_stack_ends_where_the_first_cause_ends_and_cannot_exceed_one():
    figure = scenes.causes_crowded()
    assert figure.figure.axes[0].get_xlim()[1] == 30 and "The bands end at 30 months" in figure.caption
    shares = pd.DataFrame({"by": ["a", "b"], "time": 1.0, "estimate": [0.7, 0.6]})
    with pytest.raises(UsageError, match=r"add up to 1\.300"):
        display.stacked_cif(shares)
    with pytest.raises(UsageError, match="would cut a cause off"):
        display.stacked_cif(shares.assign(estimate=0.3), y_to=0.5)
    with pytest.raises(UsageError, match="7 causes cannot be told apart"):
        display.stacked_cif(pd.DataFrame({"by": range(7), "time": 1.0, "estimate": 0.1}))


def test_band_heights_are_the_sums_of_the_incidences():
    curve = pd.DataFrame({"by": ["a", "a", "b", "b"], "time": [1.0, 3.0, 2.0, 3.0], "estimate": [0.1, 0.2, 0.3, 0.4]})
    axes = display.stacked_cif(curve).figure.axes[0]
    tops = [line.get_ydata() for line in axes.lines]
    np.testing.assert_allclose(tops[0], [0, 0.1, 0.1, 0.2])
    np.testing.assert_allclose(tops[1], [0, 0.1, 0.4, 0.6])
    hatches = [collection.get_hatch() for collection in axes.collections]
    assert len(set(hatches)) >= 2 and len(hatches) == 3


# Schoenfeld residuals


def test_both_axes_of_the_residuals_read_the_same_height():
    left, right = scenes.residuals().figure.axes
    assert left.get_ylim() == right.get_ylim()
    for place, label in zip(right.get_yticks(), right.get_yticklabels(), strict=True):
        assert math.exp(place) == pytest.approx(float(label.get_text()), rel=1e-9)


def test_residuals_of_single_people_are_not_drawn():
    lines = scenes.residuals().figure.axes[0].lines
    assert sum(len(line.get_xdata()) for line in lines if line.get_marker() == "o") == 9  # the bins, one of them withheld
    assert not any(line.get_marker() == "o" for line in scenes.residuals_withheld().figure.axes[0].lines)
    assert "1 point withheld" in scenes.residuals().caption and "p = 0.021" in scenes.residuals().caption


# balance


def test_love_plot_is_sorted_by_the_difference_before():
    figure = scenes.balance()
    first = [line.get_xdata()[0] for line in figure.figure.axes[0].lines if line.get_marker() == "o"]
    size = [abs(x) for x in first if not math.isnan(x)]
    assert size == sorted(size, reverse=True) and math.isnan(first[-1])
    assert words_of(figure, "label")[-1] == "Gender: Not recorded" and "withheld (n <10)" in words_of(figure, "number")
    assert "8 of 12 levels before weighting, 1 after weighting" in figure.caption


def test_love_plot_keeps_the_largest_and_says_how_many_there_are():
    figure = scenes.balance_crowded()
    assert len(words_of(figure, "label")) == 36 and "The 36 largest of 62 are drawn" in figure.caption and len(figure.data["rows"]) == 62


def test_love_plot_writes_two_decimals_and_no_minus_zero():
    figure = display.love_plot(pd.DataFrame({"label": ["a", "b"], "before": [math.inf, -0.3], "after": [-0.0009, 0.0049]}))
    assert words_of(figure, "number") == ["∞", "0.00", "−0.30", "0.00"]


# overlap and weights


@pytest.mark.parametrize("scene, axes", [("scores_overlap", 0), ("weights_arms", 1)])
def test_withheld_bins_are_stubs_of_one_height(scene, axes):
    bars = [bar for bar in getattr(scenes, scene)().figure.axes[axes].patches if bar.get_hatch()]
    assert len(bars) > 2 and len({round(abs(bar.get_height()), 9) for bar in bars}) == 1


def test_words_of_a_histogram_hold_no_withheld_count():
    rows = pd.DataFrame({"arm": "a", "bin_low": [0, 1, 2], "bin_high": [1, 2, 3], "count": ["<10", 40, "withheld"]})
    for figure in (display.overlap(rows), display.weights(rows)):
        assert "bins from 0 to 3, most in 1 to 2 (40), 2 bins withheld" in figure.alt
    with pytest.raises(UsageError, match="3 arms cannot be mirrored"):
        display.overlap(rows.assign(arm=[1, 2, 3]))
    with pytest.raises(UsageError, match="bins need finite limits"):
        display.weights(rows.assign(bin_high=0))


def test_summary_of_weights_is_on_the_page_and_in_the_words():
    figure = scenes.weights_arms()
    assert "Effective n" in words_of(figure) and "1,096" in words_of(figure)
    assert "Not yet mentored: n 811, mean 1.00, SD 0.52, median 0.90, 99th percentile 3.40, maximum –, effective n 640" in figure.alt


# leave one out


def test_anonymous_departments_leave_no_trace_of_their_ids():
    figure = scenes.departments_crowded()
    everything = figure.alt + figure.caption + " ".join(words_of(figure)) + figure.data["rows"].to_csv()
    assert "D0" not in everything and "D1" not in everything
    assert len(words_of(figure, "label")) == 6 and "Without department 1: 0.64" in figure.alt


def test_departments_are_sorted_and_those_without_an_estimate_named():
    figure = scenes.departments_left_out()
    points = [line for line in figure.figure.axes[0].lines if line.get_marker() == "o"]
    places = [line.get_xdata()[0] for line in sorted(points, key=lambda line: line.get_ydata()[0])]
    assert places == sorted(places) and len(places) == 23
    assert "No estimate without 1 department (D005): withheld (<10 events)" in figure.caption
    assert "The largest department contributes 31.0 % of the variance" in figure.caption


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=12), st.floats(0.05, 0.8))
def test_labels_keep_their_order_and_never_touch(wanted, height):
    wanted = sorted(wanted)
    placed = spread(wanted, [height] * len(wanted), 0.0, 10.0)
    assert all(b - a >= height - 1e-9 for a, b in pairwise(placed))
    assert placed[0] >= height / 2 - 1e-9 and placed[-1] <= 10 - height / 2 + 1e-9
    if all(b - a >= height for a, b in pairwise(wanted)):
        inside = [min(max(w, height / 2), 10 - height / 2) for w in wanted]
        assert max(abs(a - b) for a, b in zip(placed, inside, strict=True)) <= len(wanted) * height


# dose and rates


def test_doses_stand_where_they_are_when_there_is_room():
    axes = scenes.dose_line().figure.axes[0]
    places = np.array(axes.get_xticks())
    np.testing.assert_allclose((places - places[0]) / (places[-1] - places[0]), np.array([0, 2, 5.5, 12]) / 12)
    crowded = scenes.dose_crowded()
    assert np.ptp(np.diff(crowded.figure.axes[0].get_xticks())) < 1e-9 and "Categories at equal distances" in crowded.caption
    assert "<10" in words_of(crowded, "cell") and "20 or more: withheld (<10 events)" in crowded.alt


def test_reference_category_is_an_open_marker_at_one():
    axes = scenes.dose_line().figure.axes[0]
    open_ones = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "s" and line.get_markerfacecolor() == "white"]
    assert open_ones == [1.0]
    with pytest.raises(UsageError, match="doses are missing or out of order"):
        display.dose_response(ROWS.assign(dose=[2, 1]))
    with pytest.raises(UsageError, match="9 categories have no room"):
        display.dose_response(pd.concat([ROWS] * 5).iloc[:9])


def test_rates_are_read_in_percent_on_an_axis_from_zero():
    figure = scenes.rates_by_profession()
    rate, stability = figure.figure.axes
    assert rate.get_xlim()[0] == 0 and stability.get_xlim()[1] <= 100
    assert "Nurses: heads 11.0 (95 % CI 9.8 to 12.3), whole-time equivalents 10.4" in figure.alt
    assert words_of(figure, "reason") == ["withheld (<10 events)"] and len(scenes.rates_crowded().figure.axes) == 1


# audit


def test_audit_shows_the_share_of_time_to_scale():
    figure = display.audit_contrast(ROWS, misclassified_days=250, total_days=1000)
    share = next(patch for patch in figure.figure.findobj() if patch.get_gid() == "share")
    assert share.get_width() == pytest.approx(0.25 * 6.9) and "25.0 % of the 1,000" in figure.alt
    hidden = display.audit_contrast(ROWS, misclassified_days="<10", total_days=1000)
    assert not [patch for patch in hidden.figure.findobj() if patch.get_gid() == "share"]
    assert "naive analysis" in words_of(figure)


def test_a_curve_whose_later_steps_are_withheld_is_not_drawn_as_a_level_line():
    from mentorship_eval.display.curve_steps import steps_of

    curve = pd.DataFrame({"time": [0.0, 6.0], "estimate": [1.0, 0.93], "ci_low": [1.0, 0.88], "ci_high": [1.0, 0.96]})
    risk = pd.DataFrame({"by": "A", "time": [0.0, 6.0, 12.0], "n_risk": [100, 80, 60]})
    assert steps_of(curve, risk.assign(n_event=[0, 10, "\u224820"]), "A")["time"].max() == 6.0
    assert steps_of(curve, risk.assign(n_event=[0, 10, 15]), "A")["time"].max() == 6.0
    assert steps_of(curve, risk.assign(n_event=[0, 10, 10]), "A")["time"].max() == 12.0
    assert steps_of(curve, risk, "A")["time"].max() == 12.0
    # a last step whose value is withheld: nobody knows what lies on the way to it
    late = pd.concat([curve, pd.DataFrame({"time": [15.0], "estimate": [NAN], "ci_low": [NAN], "ci_high": [NAN]})])
    assert steps_of(late, risk.assign(n_event=[0, 10, 15]), "A")["time"].max() == 6.0
    assert steps_of(late.assign(estimate=NAN), None, "A")["time"].max() == 15.0


def test_means_may_exceed_one_and_are_said_as_numbers():
    from mentorship_eval.errors import UsageError
    from tests.display.scenes import projects_per_person

    drawn = projects_per_person()
    assert "1.20 (95 % CI 0.96 to 1.50) at 24 months" in drawn.alt and "1.80" not in drawn.alt and "rising" in drawn.alt
    assert "enough events since the one before" in drawn.caption
    axes = drawn.figure.axes[0]
    assert axes.get_ylim()[1] > 1.8 and not any("%" in tick.get_text() for tick in axes.get_yticklabels())
    with pytest.raises(UsageError, match="outside 0 to 1"):
        display.survival_curves(drawn.data["curve"])
