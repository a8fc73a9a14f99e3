"""Dose by t: what was held before t and nothing later, without losing a day or a leaver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.person_time.dose import dose_rows, held_sessions
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.person_time.splitting import split_rows
from mentorship_eval.cohort.simulate import simulate_cohort
from mentorship_eval.errors import DataError, UsageError

START, END = pd.Timestamp("2023-01-01"), pd.Timestamp("2023-12-31")


def day(number):
    return START + pd.Timedelta(days=number)


@pytest.fixture
def one():
    """A was hired on day 0, matched on day 10 and left on day 100; B was hired on day 0 and stays, matched from day 50 to day 80."""
    tables = {
        "staff": pd.DataFrame({"staff_id": ["A", "B"]}),
        "spells": pd.DataFrame({"staff_id": ["A", "B"], "dept_id": "W", "start": day(0), "end": [day(100), pd.NaT],
                                "leaving_reason": ["voluntary", None]}),
        "matches": pd.DataFrame({"match_id": ["m", "n"], "mentee_id": ["A", "B"], "start": [day(10), day(50)], "end": [pd.NaT, day(80)]}),
    }  # fmt: skip
    return mentorship_episodes(**tables, start=START, end=END, calendar=None), tables["matches"]


def sessions(*lines):
    return pd.DataFrame(lines, columns=["match_id", "date", "status", "mode"]).assign(date=lambda f: pd.to_datetime(f["date"]))


def counted(one, table):
    episodes, matches = one
    held = held_sessions(episodes=episodes, matches=matches, sessions=table)
    return dose_rows(episodes.rows, held, matches, episodes.persons.set_index("staff_id")["hire"]), held


def test_a_session_counts_from_the_end_of_its_day(one):
    rows, _ = counted(one, sessions(("m", day(20), "held", "remote"), ("m", day(60), "held", "on_site"), ("m", day(40), "no_show", "remote")))
    a = rows[rows["staff_id"] == "A"]
    assert list(zip(a["start"], a["stop"], a["sessions"], strict=True)) == [(0, 10, 0), (10, 20, 0), (20, 60, 1), (60, 100, 2)]
    assert a["sessions, remote"].tolist() == [0, 0, 1, 1] and a["sessions, on_site"].tolist() == [0, 0, 0, 1]
    assert a["cause"].tolist() == ["", "", "", "voluntary"]
    assert np.isnan(a["since_match"].iloc[0]) and a["since_match"].tolist()[1:] == [0, 10, 50]
    assert a["matched"].tolist() == [0, 1, 1, 1]
    b = rows[rows["staff_id"] == "B"]
    assert b["matched"].tolist() == [0, 1, 0] and b["sessions"].eq(0).all() and b["mentored"].tolist() == [0, 1, 1]


def test_a_session_on_the_day_of_leaving_or_later_is_no_dose(one):
    rows, held = counted(one, sessions(("m", day(100), "held", ""), ("m", day(130), "held", ""), ("m", day(99), "held", "")))
    assert rows["sessions"].max() == 1 and len(held.table) == 1
    [note] = [note for note in held.notes if note.code == "session_after_exit"]
    assert note.data["share"] == pytest.approx(1 / 3)


def test_sessions_outside_their_match_are_left_out_and_said(one):
    _, held = counted(one, sessions(("n", day(49), "held", ""), ("n", day(81), "held", ""), ("n", day(50), "held", ""), ("n", day(80), "held", "")))
    assert len(held.table) == 2 and [note.code for note in held.notes] == ["session_outside_match"]


def test_two_sessions_on_one_day_are_two(one):
    rows, _ = counted(one, sessions(("m", day(20), "held", "a"), ("m", day(20), "held", "a")))
    assert rows.loc[rows["staff_id"] == "A", "sessions"].tolist() == [0, 0, 2]


def test_without_a_status_every_session_counts_as_held_and_that_is_said(one):
    table = sessions(("m", day(20), None, ""), ("m", day(30), None, "")).drop(columns=["status", "mode"])
    rows, held = counted(one, table)
    assert rows["sessions"].max() == 2 and held.notes[0].code == "sessions_without_status"
    assert not [name for name in rows if str(name).startswith("sessions, ")]


def test_supervision_is_no_dose(one):
    episodes, matches = one
    matches = matches.assign(relationship_type=["supervision", "mentoring"])
    held = held_sessions(episodes=episodes, matches=matches, sessions=sessions(("m", day(20), "held", "")))
    assert held.table.empty
    with pytest.raises(DataError, match="date"):
        held_sessions(episodes=episodes, matches=matches, sessions=pd.DataFrame({"match_id": ["m"]}))


def test_sessions_before_the_window_count(one):
    episodes, matches = one
    earlier = replace(episodes, start=START)
    matches = matches.assign(start=[day(-40), day(50)])
    held = held_sessions(episodes=earlier, matches=matches, sessions=sessions(("m", day(-10), "held", "")))
    rows = dose_rows(earlier.rows, held, matches, earlier.persons.set_index("staff_id")["hire"])
    assert rows.loc[rows["staff_id"] == "A", "sessions"].eq(1).all()


def test_exposure_that_ends_with_the_match_can_last_some_days_longer(one):
    _, matches = one
    tables = {
        "staff": pd.DataFrame({"staff_id": ["A", "B"]}), "matches": matches,
        "spells": pd.DataFrame({"staff_id": ["A", "B"], "dept_id": "W", "start": day(0), "end": pd.NaT, "leaving_reason": None}),
    }  # fmt: skip
    for grace, end in ((0, 80), (30, 110)):
        rows = mentorship_episodes(**tables, start=START, end=END, calendar=None, exposure="current", grace=grace).rows
        exposed = rows[(rows["staff_id"] == "B") & (rows["mentored"] == 1)]
        assert (exposed["start"].min(), exposed["stop"].max()) == (50, end)
    with pytest.raises(UsageError):
        mentorship_episodes(**tables, start=START, end=END, grace=-1)


def test_on_a_whole_cohort_nothing_is_lost_and_the_last_count_is_that_of_the_table():
    made = simulate_cohort(departments=8, staff=600, months=24, seed=2)
    tables = {name: made[name] for name in ("staff", "spells", "matches", "rollout")}
    episodes = mentorship_episodes(**tables, start="2022-01-01", end="2023-12-31")
    held = held_sessions(episodes=episodes, matches=made["matches"], sessions=made["sessions"])
    rows = dose_rows(episodes.rows, held, made["matches"], episodes.persons.set_index("staff_id")["hire"])
    assert (rows["stop"] - rows["start"]).sum() == pytest.approx(episodes.person_days) and (rows["stop"] > rows["start"]).all()
    assert rows["cause"].ne("").sum() == episodes.leavers()
    follows = rows["staff_id"].eq(rows["staff_id"].shift())
    assert (rows["sessions"] >= rows["sessions"].shift())[follows].all()
    last = rows.groupby("staff_id")["sessions"].last()
    by_hand = held.table.groupby("staff_id").size().reindex(last.index).fillna(0)
    assert (last == by_hand).all()
    assert (rows.loc[rows["sessions"] > 0, "mentored"] == 1).all()
    modes = [name for name in rows if str(name).startswith("sessions, ")]
    assert (rows[modes].sum(axis=1) == rows["sessions"]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 60, allow_nan=False)), max_size=25))
def test_splitting_conserves_time_and_events(cuts):
    rows = pd.DataFrame({"start": [0.0, 10.0, 0.0, 3.0, 20.0], "stop": [10.0, 30.0, 0.5, 50.0, 21.0], "event": [0, 1, 1, 0, 1],
                         "cause": ["", "x", "y", "", "z"], "who": list("AABCD")})  # fmt: skip
    out = split_rows(rows, np.array([row for row, _ in cuts], dtype=int), np.array([time for _, time in cuts], dtype=float))
    assert (out["stop"] > out["start"]).all()
    days = (out["stop"] - out["start"]).groupby(out["who"]).sum()
    assert np.allclose(days, (rows["stop"] - rows["start"]).groupby(rows["who"]).sum())
    ended = out[out["event"] == 1]
    assert list(zip(ended["who"], ended["stop"], ended["cause"], strict=True)) == [("A", 30.0, "x"), ("B", 0.5, "y"), ("D", 21.0, "z")]
    inside = {(row, time) for row, time in cuts if rows["start"][row] < time < rows["stop"][row]}
    assert len(out) == len(rows) + len(inside)
