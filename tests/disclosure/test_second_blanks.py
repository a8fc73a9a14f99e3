"""What is withheld cannot be had from what is shown: sums, running totals, arms, and a table beside its results."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result, Statement

RULE = Rule(10)


def a_result(name: str, events: float, *, rests_on: tuple[float, ...] = ()) -> Result:
    estimate = Estimate(value=0.8, se=0.1, ci_low=0.66, ci_high=0.97, p_value=0.03, scale="hazard ratio", n=500, n_events=events)
    return Result(name, "o", "e", "p", estimate, "label", rests_on=rests_on)


def an_exhibit(frame: pd.DataFrame, counted: Counted, **more) -> Exhibit:
    return Exhibit("x.table", "table", "T", {"rows": frame}, {"rows": counted}, **more)


def shown(**parts) -> Answer:
    [answer], _ = protect([Answer("x", "X", **parts)], RULE)
    return answer


def numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(float)


def test_a_result_goes_with_its_cell_whatever_the_cell_is_blanked_for():
    frame = pd.DataFrame({"cause": ["All", "a", "b", "c"], "left": [67, 51, 11, 5], "told": ["", "r.a", "r.b", "r.c"]})
    counted = Counted(("left",), results={"told": ""}, within="*", totals=("All",))
    results = (a_result("r.a", 51), a_result("r.b", 11), a_result("r.c", 5))
    forest = pd.DataFrame({"id": ["r.a", "r.b", "r.c"], "n_events": [51, 11, 5], "estimate": 0.8})
    other = Exhibit("x.forest", "forest", "F", {"rows": forest}, {"rows": Counted(("n_events",), ("estimate",), results={"id": ""})})
    answer = shown(results=results, exhibits=(an_exhibit(frame, counted), other))
    assert answer.exhibits[0].frames["rows"]["left"].tolist() == [67, 51, "withheld", "withheld"]
    assert "told" not in answer.exhibits[0].frames["rows"]
    assert [r.estimate.n_events for r in answer.results] == [51, None, None]
    assert [math.isnan(r.estimate.value) for r in answer.results] == [False, True, True]
    assert answer.exhibits[1].frames["rows"]["n_events"].tolist() == [51, "withheld", "withheld"]
    assert answer.exhibits[1].frames["rows"]["estimate"].isna().tolist() == [False, True, True]


def test_a_part_of_a_row_is_covered_by_the_other_part_and_not_by_the_total():
    frame = pd.DataFrame({"left": [30], "voluntary": [26], "other": [4], "rate": [0.1], "voluntary_rate": [0.09]})
    counted = Counted(
        ("left", "voluntary", "other"), ("rate", "voluntary_rate"), sums=(("left", "voluntary", "other"),),
        of={"rate": "left", "voluntary_rate": "voluntary"},
    )  # fmt: skip
    row = shown(exhibits=(an_exhibit(frame, counted),)).exhibits[0].frames["rows"].iloc[0]
    assert (row["left"], row["voluntary"], row["other"]) == (30, "withheld", "withheld")
    assert row["rate"] == 0.1 and math.isnan(row["voluntary_rate"])
    hidden = Counted(("left", "voluntary"), sums=(("left", "voluntary", "other"),), behind=("other",))
    row = shown(exhibits=(an_exhibit(frame[["left", "voluntary", "other"]], hidden),)).exhibits[0].frames["rows"].iloc[0]
    assert row.to_dict() == {"left": 30, "voluntary": "withheld"}


@pytest.mark.parametrize(("fewest", "gone"), [(0.0, False), (1.0, True), (9.0, True), (10.0, False)])
def test_a_ratio_rests_on_the_weaker_arm(fewest, gone):
    result = a_result("r.a", 140, rests_on=(fewest, 130.0))
    exhibit = an_exhibit(pd.DataFrame({"p": [0.03]}), Counted(), rests_on=(fewest, 130.0))
    caution = Caution("jackknife_failed", "Without D02 there is no estimate.", {"rests_on": (fewest, 130.0)})
    gap = Gap("Without each", "Without D02 there is none.", "", (fewest,))
    lead = (Statement(result.estimate.statement()), Statement("It stands at 0.8.", results=("r.a",)))
    answer = shown(lead=lead, results=(result,), exhibits=(exhibit,), cautions=(caution,), gaps=(gap,))
    assert math.isnan(answer.results[0].estimate.value) is gone
    assert (len(answer.exhibits) == 0) is gone
    assert ("D02" in answer.cautions[0].text) is not gone and ("D02" in answer.gaps[0].reason) is not gone
    assert any("0.8" in str(one) for one in answer.lead) is not gone
    assert [one.question for one in answer.gaps] == (["Without each", "T"] if gone else ["Without each"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=3, max_size=30))
def test_no_two_points_of_a_curve_differ_by_few_events(steps):
    so_far = np.cumsum(steps)
    frame = pd.DataFrame({"by": "a", "time": range(len(steps)), "estimate": 1 - so_far / 1000, "n_event": so_far.astype(float)})
    drop = Counted((), ("estimate",), cumulative="n_event", by="by")
    answer = shown(exhibits=(an_exhibit(frame, drop),))
    if not answer.exhibits:
        assert not (so_far == 0).any() and so_far[-1] < 10
        return
    times = answer.exhibits[0].frames["rows"]["time"].to_numpy()
    assert "n_event" not in answer.exhibits[0].frames["rows"]
    assert not any(RULE.small(d) for d in np.diff(so_far[times], prepend=0))
    carried = Counted((), ("estimate",), cumulative="n_event", by="by", carry=True)
    values = 1000 * (1 - shown(exhibits=(an_exhibit(frame.assign(estimate=so_far / 1000), carried),)).exhibits[0].frames["rows"]["estimate"])
    assert len(values) == len(steps) and not any(RULE.small(round(d)) for d in -np.diff(values, prepend=1000))
    table = shown(exhibits=(an_exhibit(frame, Counted(("n_event",), cumulative="n_event", by="by")),)).exhibits[0].frames["rows"]
    exact = [value for value in numbers(table["n_event"]) if not math.isnan(value)]
    assert not any(RULE.small(d) for d in np.diff(exact, prepend=0))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=7))
def test_with_the_total_shown_no_small_part_or_group_of_parts_can_be_had(parts):
    frame = pd.DataFrame({"group": ["All", *"abcdefg"[: len(parts)]], "n": [sum(parts), *parts]})
    answer = shown(exhibits=(an_exhibit(frame, Counted(("n",), within="*", totals=("All",))),))
    kept = numbers(answer.exhibits[0].frames["rows"]["n"])
    hidden = np.isnan(kept[1:])
    assert all(hidden[i] for i, value in enumerate(parts) if RULE.small(value))
    if hidden.any() and not math.isnan(kept[0]):
        assert not RULE.small(kept[0] - np.nansum(kept[1:]))
        assert hidden.sum() > 1
    if not any(RULE.small(value) for value in [*parts, sum(parts)]):
        assert not np.isnan(kept).any()


def test_the_caption_does_not_tell_what_a_frame_withholds():
    frame = pd.DataFrame({"arm": ["Mentored", "Not"], "n": [8, 68]})
    answer = shown(exhibits=(an_exhibit(frame, Counted(("n",)), options={"n": 76, "n_events": 40}),))
    assert answer.exhibits[0].options == {"n": "withheld", "n_events": 40}


@pytest.mark.parametrize(
    ("text", "data", "told"),
    [
        ("Fewer than 5 people in an arm.", {}, "Fewer than 5 people in an arm."),
        ("7 rows (19.4 %) have none.", {"rows": 7, "share": 7 / 36}, "Fewer than 10 rows have none."),
        ("7 rows could only be untreated and 1 rows only treated.", {"never": 7, "always": 1}, None),
        ("For 7 of them (0, 3, 9, 12 and 3 more) there is nobody.", {}, None),
        ("5% of the people came later.", {"share_later": 0.05, "persons": 8}, "A share (withheld) of the people came later."),
        ("95 % of the people came later.", {"share_later": 0.95, "persons": 152, "complement": 8}, "A share (withheld) of the people came later."),
        ("28% of the people came later.", {"share_later": 0.28, "persons": 51}, "28% of the people came later."),
    ],
)  # fmt: skip
def test_sentences_hold_no_small_count_no_share_of_one_and_no_list_of_rows(text, data, told):
    caution = shown(cautions=(Caution("c", text, data),)).cautions[0]
    if told is not None:
        assert caution.text == told
    assert "7" not in caution.text and "12 and" not in caution.text and " 1 " not in caution.text and "19.4" not in caution.text
    assert "0.05" not in str(caution.data)


def test_cells_can_be_withheld_besides_and_take_their_results_and_a_second_along():
    frame = pd.DataFrame({"cause": ["All", "a", "b", "c"], "left": [90, 50, 22, 18], "told": ["", "r.a", "r.b", "r.c"]})
    counted = Counted(("left",), results={"told": ""}, within="*", totals=("All",))
    private = [Answer("x", "X", results=(a_result("r.b", 22),), exhibits=(an_exhibit(frame, counted),))]
    [answer], log = protect(private, RULE, frozenset({("x.table", "rows", 2, "left")}))
    assert answer.exhibits[0].frames["rows"]["left"].tolist() == [90, 50, "withheld", "withheld"]
    assert math.isnan(answer.results[0].estimate.value)
    assert set(log["item"]) == {"x.table", "r.b"}


def test_a_cell_beside_is_found_by_its_place_in_the_private_frame():
    frame = pd.DataFrame({"by": "a", "time": range(5), "n_risk": [90, 80, 70, 60, 50], "estimate": 1.0, "n_event": [0, 4, 12, 14, 30]})
    counted = Counted(("n_risk",), ("estimate",), cumulative="n_event", by="by")
    [answer], _ = protect([Answer("x", "X", exhibits=(an_exhibit(frame, counted),))], RULE, frozenset({("x.table", "rows", 4, "n_risk")}))
    rows = answer.exhibits[0].frames["rows"]
    assert rows["time"].tolist() == [0, 2, 4] and rows["n_risk"].tolist() == [90, 70, "withheld"]
    assert rows["estimate"].isna().tolist() == [False, False, True]
