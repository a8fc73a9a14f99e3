"""Frames that cannot be drawn are refused in words; frames without numbers say why they have none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import display
from mentorship_eval.display.frames import Periods
from mentorship_eval.display.scales import ratio_ticks
from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.words import count, digits_for, interval
from mentorship_eval.errors import UsageError

NAN = math.nan
CURVE = pd.DataFrame({"by": "a", "time": [1.0, 2.0], "estimate": [0.9, 0.8], "ci_low": [0.8, 0.7], "ci_high": [0.95, 0.9]})
ROWS = pd.DataFrame({"label": ["a"], "estimate": [0.8], "ci_low": [0.7], "ci_high": [0.9]})
RATES = pd.DataFrame({"group": ["a", "a"], "period": [1, 2], "rate": [3.0, 2.0]})
STUDY = pd.DataFrame({"event_time": [-1, 0], "ratio": [1.0, 0.9], "ci_low": [0.9, 0.8], "ci_high": [1.1, 1.0]})
EXPECTED = pd.DataFrame({"period": [1, 2], "observed": [3.0, 2.0], "expected": [3.0, 3.0]})
FLOW = pd.DataFrame({"step": ["a"], "reason": ["b"], "removed": [1], "kept": [2]})
HISTOGRAM = pd.DataFrame({"bin_low": [-1.0, 0.0], "bin_high": [0.0, 1.0], "count": [5, 5]})
SHARES = pd.DataFrame({"by": "a", "time": [1.0, 2.0], "estimate": [0.1, 0.2]})
SMOOTH = pd.DataFrame({"time": [1.0, 2.0], "estimate": [-0.2, -0.3], "ci_low": [-0.4, -0.5], "ci_high": [0.0, -0.1]})
BALANCE = pd.DataFrame({"label": ["a", "b"], "before": [0.3, -0.2], "after": [0.05, 0.0]})
BINS = pd.DataFrame({"arm": ["a", "b"], "bin_low": [0.0, 0.0], "bin_high": [0.5, 0.5], "count": [20, 30]})
RATE = pd.DataFrame({"label": ["a"], "rate": [0.1], "ci_low": [0.05], "ci_high": [0.2]})
COMPARISONS = pd.DataFrame({"type": ["a", "b"], "treated": [1, 2], "control": [2, 3], "weight": [0.4, 0.6], "estimate": [-1.0, -2.0]})
VIOLATION = pd.DataFrame({"violation": [0.0, 1.0], "estimate": [0.8, 0.9], "ci_low": [0.7, 0.8], "ci_high": [0.9, 1.01]})
CONTROL = pd.DataFrame({"group": ["a", "a"], "period": [1, 2], "value": [3.0, 2.0]})
SHIFTED = pd.DataFrame({"delta": [-1.0, 0.0, 1.0], "estimate": [-3.0, -2.0, -1.0], "ci_low": [-4.0, -3.0, -2.0], "ci_high": [-2.0, -1.0, 0.5]})
CALLS = {
    "tipping": (SHIFTED, display.tipping),
    "bacon_plot": (COMPARISONS, display.bacon_plot),
    "breakdown": (VIOLATION, display.breakdown),
    "control_chart": (CONTROL, display.control_chart),
    "stacked_cif": (SHARES, display.stacked_cif),
    "schoenfeld": (SMOOTH, display.schoenfeld),
    "love_plot": (BALANCE, display.love_plot),
    "overlap": (BINS, display.overlap),
    "weights": (BINS, display.weights),
    "leave_one_out": (ROWS, display.leave_one_out),
    "dose_response": (ROWS, display.dose_response),
    "dot_rates": (RATE, display.dot_rates),
    "survival_curves": (CURVE, display.survival_curves),
    "forest": (ROWS, display.forest),
    "rate_trend": (RATES, display.rate_trend),
    "event_study": (STUDY, lambda frame: display.event_study(frame, base=-1)),
    "observed_expected": (EXPECTED, display.observed_expected),
    "flow_diagram": (FLOW, display.flow_diagram),
    "placebo_distribution": (HISTOGRAM, lambda frame: display.placebo_distribution(frame, -0.2, 0.1)),
    "audit_contrast": (ROWS, display.audit_contrast),
}


@pytest.mark.parametrize("name", CALLS)
def test_empty_incomplete_and_foreign_input_is_refused(name):
    frame, call = CALLS[name]
    assert call(frame).render("png").startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="no rows"):
        call(frame.iloc[:0])
    with pytest.raises(UsageError, match=f"lacks the column.*{frame.columns[1]}"):
        call(frame.drop(columns=frame.columns[1]))
    with pytest.raises(UsageError, match="takes a DataFrame"):
        call(None)


NO_COUNTS_ONLY = [name for name in CALLS if name not in ("flow_diagram", "placebo_distribution", "overlap", "weights")]


@pytest.mark.parametrize("name", NO_COUNTS_ONLY)
def test_frames_without_any_number_are_drawn_with_the_reason(name):
    frame, call = CALLS[name]
    values = ("estimate", "ci_low", "ci_high", "rate", "ratio", "observed", "expected", "before", "after", "value")
    blank = frame.assign(**{c: NAN for c in values if c in frame})
    figure = call(blank.assign(reason="suppressed: fewer than 10"))
    figure.render("png")
    assert "nan" not in figure.alt
    if name in ("rate_trend", "event_study", "observed_expected"):
        assert "not shown" in figure.alt or "No estimate" in figure.alt
    else:
        assert "suppressed: fewer than 10" in figure.alt + figure.caption


NUMBERS = [
    ("forest", "estimate"), ("survival_curves", "ci_low"), ("rate_trend", "rate"), ("event_study", "ratio"), ("stacked_cif", "estimate"),
    ("schoenfeld", "ci_high"), ("love_plot", "before"), ("leave_one_out", "estimate"), ("dose_response", "ci_low"), ("dot_rates", "rate"),
    ("overlap", "bin_low"), ("bacon_plot", "weight"), ("breakdown", "ci_high"), ("tipping", "ci_low"),
]  # fmt: skip


@pytest.mark.parametrize("name, column", NUMBERS)
def test_text_where_a_number_belongs_is_refused(name, column):
    frame, call = CALLS[name]
    with pytest.raises(UsageError, match=rf"{column} holds text.*<10") as caught:
        call(frame.astype({column: object}).assign(**{column: "<10"}))
    assert caught.value.rows


def test_many_waves_are_refused_with_the_way_out():
    rates = pd.DataFrame({"group": np.repeat(np.arange(48), 72), "period": np.tile(np.arange(72), 48), "rate": 0.05})
    with pytest.raises(UsageError, match=r"48 groups.*observed_expected"):
        display.rate_trend(rates)


def test_refusals_name_the_fault():
    with pytest.raises(UsageError, match="ratios at or below zero"):
        display.forest(ROWS.assign(estimate=-0.2))
    with pytest.raises(UsageError, match="out of order"):
        display.survival_curves(CURVE.iloc[::-1])
    with pytest.raises(UsageError, match="outside 0 to 1"):
        display.survival_curves(CURVE.assign(estimate=[90, 80]))
    with pytest.raises(UsageError, match="cannot be told apart"):
        display.survival_curves(pd.concat([CURVE.assign(by=i) for i in range(8)]))
    with pytest.raises(UsageError, match="two rows in one period"):
        display.rate_trend(RATES.assign(period=1))
    with pytest.raises(UsageError, match="neither numbers nor months"):
        display.rate_trend(RATES.assign(period=["soon", "later"]))
    with pytest.raises(UsageError, match="no rates for b"):
        display.rate_trend(RATES, {"b": 2})
    with pytest.raises(UsageError, match="stands twice"):
        display.event_study(STUDY.assign(event_time=0), base=-1)
    with pytest.raises(UsageError, match="bins need finite limits"):
        display.placebo_distribution(HISTOGRAM.assign(bin_low=NAN), 0.1, 0.5)
    with pytest.raises(UsageError, match="not written as 'gif'"):
        display.forest(ROWS).render("gif")


def test_curve_is_not_read_beyond_its_follow_up():
    figure = display.survival_curves(CURVE, say_at=[1, 30])
    assert "90.0 % (95 % CI 80.0 to 95.0) at 1 month" in figure.alt and "outside the follow-up at 30 months" in figure.alt


def test_table_holds_the_curve_as_long_as_somebody_is_at_risk():
    at_risk = pd.DataFrame({"by": "a", "time": [0, 12, 24], "n_risk": [50, 20, 0]})
    alt = display.survival_curves(CURVE, at_risk, say_at=[12, 24]).alt
    assert "80.0 % (95 % CI 70.0 to 90.0) at 12 months" in alt and "outside the follow-up at 24 months" in alt


def test_suppressed_removals_are_not_worked_out_from_the_rest():
    flow = pd.DataFrame({"step": ["a", "a"], "reason": ["b", "c"], "removed": ["<10", 30], "kept": [200, 200]})
    assert "a: – rows" in display.flow_diagram(flow).alt.replace("A: ", "a: ")


def test_interval_that_leaves_the_axis_ends_in_an_arrow():
    rows = pd.concat([ROWS, ROWS.assign(label="b", ci_low=0.0, ci_high=math.inf)] * 2)
    figure = display.forest(rows)
    assert sum(line.get_gid() == "arrow" for line in figure.figure.axes[0].lines) == 4
    assert "Arrows" in figure.caption and "Arrows" not in display.forest(ROWS).caption


def test_html_is_escaped_and_self_contained(tmp_path):
    hostile = '<script>alert("x")</script> & co'
    figure = display.forest(ROWS.assign(label=hostile), note=hostile, name='a"b')
    html = figure._repr_mimebundle_()["text/html"]
    assert "<script>" not in html and "&lt;script&gt;" in html and 'src="data:image/png;base64,' in html and "http" not in html
    assert html.count("<img") == 1 and "<figcaption" in html and ' alt="Forest plot' in html
    assert b"<script>" not in figure.render("svg")
    files = figure.save(tmp_path / "one.png") + display.forest(ROWS).save(tmp_path / "new", formats=("svg",))
    assert [file.name for file in files] == ["one.png", "forest.svg"] and all(file.stat().st_size > 1000 for file in files)


@settings(max_examples=60, deadline=None)
@given(low=st.floats(0.001, 50), factor=st.floats(1.2, 1e4))
def test_ratio_ticks_are_few_inside_and_sorted(low, factor):
    ticks = ratio_ticks(low, low * factor)
    assert len(ticks) <= 7 and ticks == sorted(set(ticks))
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)
    if low < 0.9 and low * factor > 1.1 and factor > 2:
        assert 1.0 in ticks


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=120), st.floats(0.5, 3))
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    sheet = Sheet()
    wrapped = sheet.wrap(text, width)
    assert sheet.width_of(wrapped) <= width + 0.02
    assert "".join(wrapped.split()) == "".join(text.split())


def test_months_in_any_usual_form_stand_at_the_same_place():
    calendar = Periods(calendar=True)
    forms = ["2024-03", pd.Timestamp("2024-03-15"), pd.Period("2024-03", "M")]
    assert {float(calendar.place(pd.Series([form], dtype=object), "x")[0]) for form in forms} == {2024 * 12 + 2.0}
    assert calendar.label(2024 * 12 + 2) == "Mar 2024"


def test_numbers_in_words():
    assert count("<10") == "<10" and count(12345) == "12,345" and count(None) == "–" and count(NAN) == "–"
    assert interval(0.75, 0.68, 0.83) == "0.75 (95 % CI 0.68 to 0.83)" and interval(NAN, NAN, NAN) == "not shown"
    assert digits_for([0.052, 0.01]) == 4 and digits_for([5.2]) == 2
