"""Person-time cut at events that come again: nothing is lost, nothing counted twice, and the fit is that of one row an event."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.person_time.recurrent import with_recurrent_events

ROWS = pd.DataFrame({"staff_id": ["a", "a", "b"], "start": [0, 10, 5], "stop": [10, 30, 20], "mentored": [0, 1, 0]})


def test_an_event_on_the_day_of_a_change_belongs_to_the_row_that_ends_with_it():
    cut = with_recurrent_events(ROWS, pd.DataFrame({"staff_id": ["a", "a", "a", "b"], "time": [10, 12, 12, 20]}))
    mine = cut[cut["staff_id"] == "a"]
    assert mine["stop"].tolist() == [10, 11.5, 12, 30] and mine["start"].tolist() == [0, 10, 11.5, 12]
    assert mine["event"].tolist() == [1, 1, 1, 0] and mine["mentored"].tolist() == [0, 1, 1, 1]
    assert cut[cut["staff_id"] == "b"][["start", "stop", "event"]].to_numpy().tolist() == [[5, 20, 1]]


def test_leaving_stands_on_the_last_piece_of_a_row_alone():
    rows = ROWS.assign(cause=["", "voluntary", "retirement"])
    cut = with_recurrent_events(rows, pd.DataFrame({"staff_id": ["a", "a", "b"], "time": [12, 30, 7]}))
    # an event on the day of leaving and the leaving end one row
    assert cut["cause"].tolist() == ["", "", "voluntary", "", "retirement"] and cut["event"].tolist() == [0, 1, 1, 1, 0]
    assert cut["stop"].tolist() == [10, 12, 30, 7, 20] and "cause" not in with_recurrent_events(ROWS, rows.assign(time=rows["stop"]))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 40)), max_size=25))
def test_time_is_kept_and_every_event_inside_a_row_is_there_once(events):
    frame = pd.DataFrame(events, columns=["staff_id", "time"]).astype({"staff_id": object, "time": "int64"})
    cut = with_recurrent_events(ROWS, frame)
    assert np.isclose((cut["stop"] - cut["start"]).sum(), 45) and (cut["stop"] > cut["start"]).all()
    inside = {"a": (0, 30), "b": (5, 20)}
    wanted = sum(person in inside and inside[person][0] < day <= inside[person][1] for person, day in events)
    assert cut["event"].sum() == wanted
    at = cut[(cut["mentored"] == 1) & (cut["event"] == 1)]
    assert ((at["stop"] > 10) & (at["staff_id"] == "a")).all()
