"""The threshold rule: what is small goes, with all that rests on it, and nothing else changes."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Result, Statement


def an_answer(*, n=500, n_events=40, frame=None, counted=None, text="", counts=None, rests_on=(), options=None, caution=None) -> Answer:
    estimate = Estimate(value=0.8, se=0.1, ci_low=0.66, ci_high=0.97, p_value=0.03, scale="rate ratio", n=n, n_events=n_events)
    exhibits = () if frame is None else (Exhibit("x.table", "table", "T", {"rows": frame}, {"rows": counted}, options or {}),)
    return Answer(
        "x",
        "X",
        (Statement(text, counts or {}, rests_on),),
        (Result("x.a", "o", "e", "p", estimate, "label"),),
        exhibits,
        (caution,) if caution else (),
    )


def test_a_result_on_few_events_loses_every_number_and_is_logged():
    [shown], log = protect([an_answer(n_events=9)], Rule(10))
    estimate = shown.results[0].estimate
    assert all(math.isnan(v) for v in (estimate.value, estimate.se, estimate.ci_low, estimate.ci_high, estimate.p_value))
    assert estimate.n == 500 and estimate.n_events is None
    assert [caution.code for caution in estimate.warnings] == ["suppressed"]
    assert log[["chapter", "item", "part"]].to_dict("records") == [{"chapter": "x", "item": "x.a", "part": "estimate"}]


@pytest.mark.parametrize(("events", "kept"), [(0, True), (1, False), (9, False), (10, True)])
def test_the_threshold_is_the_smallest_count_that_may_be_shown_and_zero_may(events, kept):
    [shown], _ = protect([an_answer(n_events=events)], Rule(10))
    assert math.isnan(shown.results[0].estimate.value) is not kept


def test_a_small_count_takes_the_derived_columns_of_its_row_along():
    frame = pd.DataFrame({"level": ["a", "b"], "people": [4, 40], "share": [0.5, 0.25]})
    [shown], log = protect([an_answer(frame=frame, counted=Counted(("people",), ("share",)))], Rule(10))
    rows = shown.exhibits[0].frames["rows"]
    assert rows["people"].tolist() == ["<10", 40]
    assert math.isnan(rows["share"][0]) and rows["share"][1] == 0.25
    assert log["withheld"].tolist() == [1]
    assert frame["people"].tolist() == [4, 40], "the private frame must stay as it was"


def test_in_a_flow_the_neighbours_of_a_small_count_do_not_give_it_away():
    flow = pd.DataFrame({"read": [1234, 1231], "removed": [3, 0], "kept": [1231, 1231]})
    [shown], _ = protect([an_answer(frame=flow, counted=Counted(("read", "removed", "kept"), adds_up=True))], Rule(10))
    rows = shown.exhibits[0].frames["rows"]
    assert rows["removed"].tolist() == ["<10", 0]
    text = rows.to_string()
    assert "1234" not in text and "1,234" not in text and "1231" not in text and "1,231" not in text


def test_a_sentence_is_filled_with_protected_counts_or_withheld():
    [shown], _ = protect([an_answer(text="{n} of {all} left.", counts={"n": 3, "all": 2000})], Rule(10))
    assert str(shown.lead[0]) == "fewer than 10 of 2,000 left."
    [shown], _ = protect([an_answer(text="Hazard ratio 0.5.", rests_on=(2000, 4))], Rule(10))
    assert "0.5" not in str(shown.lead[0]) and "withheld" in str(shown.lead[0])


def test_braces_in_a_name_are_not_taken_for_a_count():
    [shown], _ = protect([an_answer(text="Cohort {2024}.")], Rule(10))
    assert str(shown.lead[0]) == "Cohort {2024}."


def test_counts_in_captions_and_cautions_are_masked():
    caution = Caution("boundary", "12 cells stay, with 7 observed events.", {"cells": 12, "observed": 7.0})
    frame = pd.DataFrame({"people": [50]})
    private = an_answer(frame=frame, counted=Counted(("people",)), options={"n": 5, "n_events": 70}, caution=caution)
    [shown], _ = protect([private], Rule(10))
    assert shown.cautions[0].text == "12 cells stay, with fewer than 10 observed events."
    assert shown.exhibits[0].options == {"n": "<10", "n_events": 70}


def test_switched_off_nothing_changes():
    answer = an_answer(n_events=2, text="{n} left.", counts={"n": 2})
    [shown], log = protect([answer], Rule(0, "none"))
    assert shown.results == answer.results and str(shown.lead[0]) == "2 left." and log.empty


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8), st.integers(2, 12))
def test_no_count_below_the_threshold_is_ever_left(pairs, threshold):
    frame = pd.DataFrame(pairs, columns=["a", "b"]).assign(rate=0.5)
    for adds_up in (False, True):
        [shown], _ = protect([an_answer(frame=frame, counted=Counted(("a", "b"), ("rate",), adds_up))], Rule(threshold))
        rows = shown.exhibits[0].frames["rows"]
        for column in ("a", "b"):
            for raw, kept in zip(frame[column], rows[column], strict=True):
                assert kept == f"<{threshold}" if 0 < raw < threshold else str(kept).startswith("≈") or kept == raw
        blank = frame[["a", "b"]].apply(lambda c: (c > 0) & (c < threshold)).any(axis=1)
        # in a sum a rate beside a rounded count would undo the rounding
        assert (rows["rate"].isna() == (blank.any() if adds_up else blank)).all()
