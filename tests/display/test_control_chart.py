"""What a control chart must show, and what it must not give away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.errors import UsageError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.report.exhibits import draw
from tests.display import control_scenes as scenes
from tests.display.test_figures import visible_texts

NAN = float("nan")
POINTS = pd.DataFrame(
    {
        "group": "Ward A", "period": range(1, 13), "value": [5, 6, 4, 5, 7, 5, 3, 2, 3, 2, 9, 3.0], "centre": 5.0, "lower": [1.5, 1.2] * 6,
        "upper": [8.5, 8.8] * 6, "phase": "", "used_for_limits": [True] * 6 + [False] * 6,
        "signal": [""] * 6 + ["long_run"] * 4 + ["beyond_limits", ""],
    }
)  # fmt: skip
SIGNALS = pd.DataFrame(
    {
        "group": "Ward A", "rule": ["long_run", "beyond_limits"], "text": ["a long run", "beyond a control limit"], "first": [7, 11],
        "last": [10, 11], "direction": ["low", "high"], "phase": "",
    }
)  # fmt: skip


def marks(figure, gid, panel=0):
    """(place, value, marker) of every mark of a kind in a panel."""
    lines = [line for line in figure.figure.axes[panel].lines if line.get_gid() == gid]
    return sorted((x, y, line.get_marker()) for line in lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True))


def words_of(figure, gid=None):
    return [text.get_text() for text, _ in visible_texts(figure.figure) if gid is None or text.get_gid() == gid]


def test_signals_are_told_by_shape_and_stand_on_their_points():
    figure = display.control_chart(POINTS, SIGNALS, {"Ward A": 7})
    assert marks(figure, "signal") == [(7, 3, "s"), (8, 2, "s"), (9, 3, "s"), (10, 2, "s"), (11, 9, "D")]
    assert "a long run (low), 7 to 10" in figure.alt.replace("period ", "") and "beyond a control limit (high), period 11" in figure.alt


def test_marks_are_told_apart_in_grey():
    figure = display.control_chart(POINTS, SIGNALS)
    import matplotlib.colors as colors

    def lightness(colour):
        return float(np.dot(colors.to_rgb(colour), (0.299, 0.587, 0.114)))

    faces = [lightness(line.get_markerfacecolor()) for line in figure.figure.axes[0].lines if line.get_gid() == "signal" and len(line.get_xdata())]
    assert len(faces) == 2 and abs(faces[0] - faces[1]) > 0.3


def test_limits_step_with_the_exposure_and_are_dashed_where_carried_forward():
    axes = display.control_chart(POINTS, SIGNALS).figure.axes[0]
    lines = [line for line in axes.lines if line.get_gid() == "limit"]
    solid = [line for line in lines if line.get_linestyle() == "-"]
    dashed = [line for line in lines if line.get_linestyle() != "-"]
    assert len(solid) == len(dashed) == 2
    x, y = solid[1].get_xdata(), solid[1].get_ydata()
    assert list(x[:4]) == [0.5, 1.5, 1.5, 2.5] and list(y[:4]) == [8.5, 8.5, 8.8, 8.8] and max(x) == 6.5
    assert min(dashed[0].get_xdata()) == 6.5 and max(dashed[0].get_xdata()) == 12.5
    caption = display.control_chart(POINTS).caption
    assert "dashed where carried forward" in caption
    assert "dashed" not in display.control_chart(POINTS.assign(used_for_limits=True)).caption


def test_limits_are_broken_between_phases_and_their_lines_are_named():
    points = POINTS.assign(phase=["before"] * 6 + ["after"] * 6, used_for_limits=True, centre=[5.0] * 6 + [3.5] * 6)
    figure = display.control_chart(points, None, None, pd.DataFrame({"period": [7], "label": ["new system"]}))
    lines = [line for line in figure.figure.axes[0].lines if line.get_gid() == "centre"]
    assert [(min(line.get_xdata()), max(line.get_xdata())) for line in lines] == [(0.5, 6.5), (6.5, 12.5)]
    assert set(words_of(figure, "line-name")) == {"new system period 7", "mean 3.50", "upper limit 8.80", "lower limit 1.20"}
    assert "Dotted vertical line: new system" in figure.caption


def test_a_withheld_point_is_a_gap_that_says_so_and_nothing_else():
    points = POINTS.astype({"value": float}).assign(reason="")
    points.loc[10, ["value", "reason"]] = [NAN, "withheld: fewer than 10"]
    figure = display.control_chart(points, SIGNALS)
    assert (11, 9, "D") not in marks(figure, "signal") and len(marks(figure, "signal")) == 4
    assert marks(figure, "gap") == [(11, 0.0, "x")]
    assert "1 point not shown (withheld: fewer than 10)" in figure.caption
    assert "beyond a control limit" not in figure.alt and len(figure.data["signals"]) == 1
    assert "beyond a limit" not in words_of(figure) and "not shown" in words_of(figure)


def test_signals_are_told_only_as_far_as_their_points_are_shown():
    points = POINTS.astype({"value": float, "signal": object}).assign(n_events=20, signal=["beyond_limits"] * 5 + ["long_run"] * 7)
    points["n_events"] = points["n_events"].astype(object)
    points.loc[[2, 6, 7], ["value", "signal", "n_events"]] = [NAN, NAN, "<10"]
    signals = pd.DataFrame(
        {"group": "Ward A", "rule": ["beyond_limits", "long_run"], "text": ["beyond", "run"], "first": [1, 7], "last": [5, 12], "n_points": [5, 6]}
    )
    figure = display.control_chart(points, signals)
    told = figure.data["signals"]
    assert list(zip(told["rule"], told["first"], told["last"], strict=True)) == [
        ("beyond_limits", 1, 2), ("beyond_limits", 4, 5), ("long_run", 9, 12),
    ]  # fmt: skip
    assert "n_points" not in told and "run, period 9 to period 12" in figure.alt and "3 points not shown (withheld (<10 events))" in figure.caption
    assert not {3, 7, 8} & {int(place) for place, _, _ in marks(figure, "signal")}


def test_the_line_does_not_run_across_a_gap():
    points = POINTS.astype({"value": float})
    points.loc[5, "value"] = NAN
    axes = display.control_chart(points).figure.axes[0]
    observed = next(line for line in axes.lines if line.get_marker() == "o")
    assert np.isnan(observed.get_ydata()[5])


def test_go_live_stands_before_its_first_period_in_every_panel_that_has_one():
    figure = scenes.control_twelve()
    panels = figure.figure.axes
    assert len(panels) == 12
    heavy = [[line.get_xdata()[0] for line in axes.lines if line.get_linewidth() == 1.1 and len(line.get_xdata()) == 2 and line.get_gid() is None]
             for axes in panels]  # fmt: skip
    assert heavy[1] == [2023 * 12 + 2 - 0.5] and heavy[0] == []
    assert "go-live Mar 2023, 2 signals" in words_of(figure) and "never active, no signal" in words_of(figure)
    assert "Of 12 such charts about 2.9 show a signal although nothing has changed" in figure.caption


def test_panels_of_one_height_share_a_scale_and_others_do_not():
    shared = {axes.get_ylim() for axes in scenes.control_twelve().figure.axes}
    own = scenes.control_four_scales()
    assert len(shared) == 1 and len({axes.get_ylim() for axes in own.figure.axes}) > 1
    assert "Each panel has its own scale" in own.caption and "never active, no limits" in words_of(own)


def test_an_open_interval_has_its_own_mark():
    figure = scenes.control_rare()
    assert (32, 290, "^") in marks(figure, "signal") and "interval still open" in words_of(figure)


def test_few_crossings_mark_the_centre_line():
    signals = pd.DataFrame({"group": ["Ward A"], "rule": ["few_crossings"], "text": ["few crossings"], "first": [1], "last": [12], "phase": [""]})
    axes = display.control_chart(POINTS, signals).figure.axes[0]
    assert [line.get_linestyle() for line in axes.lines if line.get_gid() == "centre"] == ["--"]
    plain = display.control_chart(POINTS, SIGNALS).figure.axes[0]
    assert [line.get_linestyle() for line in plain.lines if line.get_gid() == "centre"] == ["-"]


def test_an_exhibit_of_this_kind_is_drawn_from_its_frames():
    frames = {"points": POINTS, "signals": SIGNALS, "go_live": pd.DataFrame({"group": ["Ward A"], "go_live": [7]})}
    figure = draw(Exhibit("incidents.control", "control_chart", "Control chart", frames, options={"value_label": "Falls per 1,000 days"}))
    assert figure.caption.startswith("Control chart. Falls per 1,000 days, with mean") and figure.name == "incidents-control"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": POINTS.assign(period=1)}, "two rows in one period"),
        ({"signals": SIGNALS.assign(group="Ward B")}, "no points for Ward B"),
        ({"go_live": {"Ward B": 3}}, "no points for Ward B"),
        ({"changes": pd.DataFrame({"period": [3], "label": ["x"], "group": ["Ward B"]})}, "no points for Ward B"),
        ({"points": POINTS.assign(upper="wide")}, "upper holds text"),
        ({"points": pd.concat([POINTS.assign(group=k) for k in range(13)])}, "13 groups are more than 12"),
        ({"signals": SIGNALS.drop(columns="first")}, "lacks the column"),
    ],
)
def test_frames_that_cannot_be_drawn_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        display.control_chart(**{"points": POINTS, **change})


def test_words_never_name_a_cause():
    for scene in scenes.SCENES.values():
        figure = scene()
        words = (figure.caption + figure.alt).lower()
        assert not any(word in words for word in ("because", "due to", "caused", "effect", "improve", "thanks to"))
        assert "not why" in figure.caption
