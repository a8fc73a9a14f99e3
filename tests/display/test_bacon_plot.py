"""The Bacon plot: every comparison at its weight, forbidden ones open, means that agree with the line, nothing withheld given away."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import display
from mentorship_eval.did import goodman_bacon
from mentorship_eval.errors import UsageError
from tests.did.panels import simulated_panel
from tests.display import violation_scenes as scenes
from tests.display.test_figures import visible_texts

FRAME = scenes.comparisons()


def words(drawn):
    return [text.get_text().replace("\n", " ") for text, _ in visible_texts(drawn.figure)]


def clouds(drawn):
    return [artist for artist in drawn.figure.axes[0].collections if artist.get_gid() == "points"]


def means(drawn):
    return {round(float(line.get_ydata()[0]), 9) for line in drawn.figure.axes[1].lines if line.get_gid() == "mean"}


def test_each_comparison_stands_at_its_weight_and_estimate():
    points = np.concatenate([np.asarray(cloud.get_offsets()) for cloud in clouds(scenes.bacon_few())])
    assert sorted(map(tuple, points)) == sorted(zip(FRAME["weight"], FRAME["estimate"], strict=True))


def test_forbidden_comparisons_are_open_and_types_differ_in_shape():
    drawn = scenes.bacon_few()
    filled = [len(cloud.get_facecolors()) > 0 for cloud in clouds(drawn)]
    assert sorted(filled) == [False, True, True]
    shapes = {cloud.get_paths()[0].vertices.tobytes() for cloud in clouds(drawn)}
    assert len(shapes) == 3
    assert any("(forbidden)" in text for text in words(drawn)) and "Open marks: forbidden comparisons" in drawn.caption
    clean = display.bacon_plot(FRAME[~FRAME["forbidden"]].drop(columns="forbidden"))
    assert "orbidden" not in clean.caption + clean.alt
    renamed = display.bacon_plot(FRAME.assign(forbidden=False))
    assert all(len(cloud.get_facecolors()) for cloud in clouds(renamed)) and "orbidden" not in renamed.caption + renamed.alt
    mixed = [len(cloud.get_facecolors()) > 0 for cloud in clouds(scenes.bacon_withheld())]  # a type that does not say it goes by its name
    assert sorted(mixed) == [False, False, True, True, True]


def test_line_and_means_are_labelled_beside_the_plot():
    drawn = scenes.bacon_few()
    line = next(line for line in drawn.figure.axes[0].lines if line.get_gid() == "two-way")
    assert line.get_ydata()[0] == scenes.ESTIMATE
    by_type = FRAME.assign(part=FRAME["weight"] * FRAME["estimate"]).groupby("type")[["weight", "part"]].sum()
    assert means(drawn) == {round(float(value), 9) for value in by_type["part"] / by_type["weight"]}
    labels = words(drawn)
    assert any(text.startswith("−0.60 Two-way fixed effects".replace(" ", "  ", 1)) and "95 % CI −1.12 to −0.08" in text for text in labels)
    assert any(text == "−0.81  treated with never treated" for text in labels)
    assert {"57.0 %", "17.0 %", "26.0 %"} <= set(labels)


def test_the_words_give_estimate_shares_means_and_the_heaviest():
    alt = scenes.bacon_few().alt
    assert "Two-way fixed effects: −0.60 (95 % CI −1.12 to −0.08)" in alt
    assert "Later with already treated (forbidden): 3 comparisons, 26.0 % of the weight, weighted mean −0.10, from −0.30 to 0.10" in alt
    assert "Largest weights: 2023-04 with never treated, 21.0 %, −0.90" in alt


def test_many_comparisons_are_small_and_pale_and_those_off_the_axis_counted():
    few, many = scenes.bacon_few(), scenes.bacon_many()
    assert max(cloud.get_sizes()[0] for cloud in clouds(many)) < min(cloud.get_sizes()[0] for cloud in clouds(few)) / 3
    assert all(cloud.get_alpha() < 0.6 for cloud in clouds(many))
    frame, (low, high) = scenes.many_comparisons(), many.figure.axes[0].get_ylim()
    out = ~frame["estimate"].between(low, high)
    assert 0 < out.sum() < 120 and f"Arrows: {out.sum()} comparisons beyond the axis" in many.caption
    assert sum(len(line.get_xdata()) for line in many.figure.axes[0].lines if line.get_gid() == "arrow") == out.sum()
    assert frame["weight"][out].sum() < 0.011
    assert "Arrows" not in few.caption


def test_weights_of_different_order_stand_on_a_logarithmic_axis():
    drawn = scenes.bacon_skewed()
    assert drawn.figure.axes[0].get_xscale() == "log" and "logarithmic axis of weight" in drawn.caption
    assert scenes.bacon_few().figure.axes[0].get_xscale() == "linear"


def test_a_withheld_comparison_takes_the_mean_of_its_type_with_it():
    drawn = scenes.bacon_withheld()
    assert sum(len(cloud.get_offsets()) for cloud in clouds(drawn)) == 9
    labels = words(drawn)
    assert "3 (2 not shown)" in labels and not any("with never treated" in text and "−" in text for text in labels)
    assert "Treated with never treated: 3 comparisons, 57.0 % of the weight, 2 not shown (withheld (<10 events))." in drawn.alt
    assert "2 comparisons not shown (withheld (<10 events))" in drawn.caption
    hidden = display.bacon_plot(FRAME.assign(weight=np.where(FRAME.index == 0, np.nan, FRAME["weight"]), n_events="<10"))
    assert "withheld (<10 events)" in hidden.alt and "nan" not in hidden.alt + hidden.caption
    nothing = display.bacon_plot(FRAME.assign(estimate=math.nan, reason="suppressed"))
    assert "suppressed" in words(nothing) and nothing.render("png")


def test_what_the_engine_returns_is_drawn_as_it_is():
    panel = simulated_panel(units=8, periods=16, waves=(5, 8, 11), log_irr=-0.3, seed=2)
    result = goodman_bacon(panel.assign(rate=panel["events"] / panel["days"] * 1000), outcome="rate", unit="unit", time="period", adopted="start")
    one = result.estimate
    drawn = display.bacon_plot(result.table, estimate=one.value, ci_low=one.ci_low, ci_high=one.ci_high)
    assert means(drawn) == {round(value, 9) for value in result.by_type["estimate"]}
    for row in result.by_type.itertuples():
        assert f"{100 * row.weight:.1f} % of the weight" in drawn.alt
    assert drawn.alt.count("(forbidden)") == 1


def test_order_of_rows_and_unknown_types_do_not_matter():
    shuffled = FRAME.sample(frac=1, random_state=3)
    assert display.bacon_plot(shuffled).alt == display.bacon_plot(FRAME).alt
    other = display.bacon_plot(FRAME.replace({"type": {scenes.NEVER: "Site A"}}), labels={"Site A": "Against site A"})
    assert "Against site A: 3 comparisons" in other.alt


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (FRAME.assign(weight=-0.1), "shares of 0 to 1"), (FRAME.assign(weight=20.0), "add up to 1"), (FRAME.assign(estimate=math.inf), "finite"),
        (FRAME.assign(type=None), "rows without a type"), (FRAME.assign(type=[str(k) for k in range(9)]), "9 types of comparison"),
        (FRAME.assign(estimate="<10"), "holds text"), (FRAME.drop(columns="control"), "lacks the column"),
    ],
)
def test_frames_that_cannot_be_drawn(frame, text):
    with pytest.raises(UsageError, match=text):
        display.bacon_plot(frame)


def test_same_frame_same_bytes():
    for format in ("png", "svg", "pdf"):
        assert scenes.bacon_few().render(format) == scenes.bacon_few().render(format)


def test_one_comparison_without_weight_is_drawn():
    assert display.bacon_plot(pd.DataFrame(FRAME.iloc[:1].assign(weight=0.0))).render("png").startswith(b"\x89PNG")
