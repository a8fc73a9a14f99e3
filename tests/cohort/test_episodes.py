"""Person-time: every rule on hand-made people with numbers worked out by hand, then properties on random ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows, naive_rows
from mentorship_eval.errors import DataError, EstimationError, UsageError

WINDOW = {"start": "2022-01-01", "end": "2022-12-31"}  # day 0 to day 364 from the first of January
NOBODY = pd.DataFrame({"mentee_id": pd.Series(dtype=object), "start": pd.Series(dtype="datetime64[ns]")})


def spells(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["staff_id", "dept_id", "start", "end", "leaving_reason"])


def matches(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["mentee_id", "start", "end"])


def staff_of(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"staff_id": table["staff_id"].unique(), "birth_year": 1990, "profession": "nurse"})


def episodes(table: pd.DataFrame, met: pd.DataFrame = NOBODY, **options):
    return mentorship_episodes(staff=staff_of(table), spells=table, matches=met, **{**WINDOW, "calendar": None, **options})


def times(result, *columns: str) -> list[tuple]:
    return list(result.rows[["start", "stop", *columns]].itertuples(index=False, name=None))


# ---- entry, exit, the clock -----------------------------------------------------------------------------------

def test_entry_is_the_window_start_for_those_hired_before_and_hire_for_the_others():
    result = episodes(spells(("a", "D", "2021-12-22", None, None), ("b", "D", "2022-03-02", "2022-04-01", "voluntary")))
    assert times(result, "staff_id", "cause") == [(10, 374, "a", ""), (0, 30, "b", "voluntary")]
    assert result.persons["hire"].dt.strftime("%Y-%m-%d").tolist() == ["2021-12-22", "2022-03-02"]
    assert result.person_days == 364 + 30


def test_a_leave_on_the_last_day_counts_and_one_after_it_is_censored():
    result = episodes(spells(("a", "D", "2022-12-01", "2022-12-31", "voluntary"), ("b", "D", "2022-12-01", "2023-01-01", "voluntary")))
    assert times(result, "cause") == [(0, 30, "voluntary"), (0, 30, "")]


def test_who_left_on_the_first_day_or_was_hired_on_the_last_has_no_follow_up():
    result = episodes(spells(("a", "D", "2020-01-01", "2022-01-01", "voluntary"), ("b", "D", "2022-12-31", None, None),
                             ("c", "D", "2022-01-01", "2022-01-02", "retirement")))
    assert times(result, "staff_id", "cause") == [(0, 1, "c", "retirement")]
    flow = result.flow.set_index("reason")
    assert flow.loc["left on or before the first day of the window", "removed"] == 1
    assert flow.loc["hired on or after the last day of the window", "removed"] == 1


def test_a_spell_of_one_day_lasts_half_a_day_even_on_the_last_day():
    result = episodes(spells(("a", "D", "2022-05-01", "2022-05-01", "voluntary"), ("b", "D", "2022-12-31", "2022-12-31", "voluntary")),
                      calendar="quarter")
    assert times(result, "period", "cause") == [(0, 0.5, "2022Q2", "voluntary"), (0, 0.5, "2022Q4", "voluntary")]
    assert [note.code for note in result.notes] == ["half_day"]


def test_a_missing_reason_of_an_ended_spell_is_unknown_and_still_an_exit():
    assert times(episodes(spells(("a", "D", "2022-02-01", "2022-02-11", None))), "cause") == [(0, 10, "unknown")]


# ---- mentorship -----------------------------------------------------------------------------------------------

def test_exposure_begins_after_the_day_of_the_match():
    result = episodes(spells(("a", "D", "2022-01-01", "2022-04-11", "voluntary")), matches(("a", "2022-01-31", None)))
    assert times(result, "mentored", "cause") == [(0, 30, 0, ""), (30, 100, 1, "voluntary")]
    assert result.persons["mentored_from"].tolist() == [30]


def test_prevalent_matched_before_hire_and_matched_too_late():
    table = spells(("prevalent", "D", "2021-12-02", None, None), ("early", "D", "2022-02-01", None, None),
                   ("on_the_day", "D", "2022-02-01", "2022-03-01", "voluntary"), ("after", "D", "2022-02-01", "2022-03-01", "voluntary"))
    met = matches(("prevalent", "2021-12-12", None), ("early", "2022-01-05", None), ("on_the_day", "2022-03-01", None),
                  ("after", "2022-03-05", None), ("stranger", "2022-03-05", None))
    result = episodes(table, met)
    rows = result.rows.set_index("staff_id")
    assert rows["mentored"].to_dict() == {"prevalent": 1, "early": 1, "on_the_day": 0, "after": 0}
    assert rows["prevalent"].to_dict() == {"prevalent": 1, "early": 0, "on_the_day": 0, "after": 0}
    assert result.persons.set_index("staff_id")["mentored_from"].to_dict() == pytest.approx(
        {"prevalent": 10, "early": 0, "on_the_day": np.nan, "after": np.nan}, nan_ok=True)
    notes = {note.code: note.data["matches"] for note in result.notes}
    assert notes == {"match_before_hire": 1, "match_after_leave": 2, "match_of_others": 1}


def test_current_exposure_ends_with_the_match_and_two_overlapping_matches_are_one():
    table = spells(("a", "D", "2022-01-01", None, None))
    met = matches(("a", "2022-01-11", "2022-01-31"), ("a", "2022-01-21", "2022-02-10"), ("a", "2022-03-02", None))
    result = episodes(table, met, exposure="current")
    merged = result.rows.groupby(result.rows["mentored"].diff().ne(0).cumsum()).agg(start=("start", "first"), stop=("stop", "last"),
                                                                                  mentored=("mentored", "first"))
    assert list(merged.itertuples(index=False, name=None)) == [(0, 10, 0), (10, 40, 1), (40, 60, 0), (60, 364, 1)]
    assert times(episodes(table, met), "mentored") == [(0, 10, 0), (10, 20, 1), (20, 60, 1), (60, 364, 1)]
    assert episodes(table, met).mentored_days == 354


def test_lag_delays_exposure_and_an_unfinished_lag_gives_none():
    table = spells(("a", "D", "2022-01-01", "2022-02-20", "voluntary"))
    assert times(episodes(table, matches(("a", "2022-01-11", None)), lag=30), "mentored") == [(0, 40, 0), (40, 50, 1)]
    assert times(episodes(table, matches(("a", "2022-01-21", None)), lag=30), "mentored") == [(0, 50, 0)]
    # a match that ended within the lag never exposes
    assert episodes(table, matches(("a", "2022-01-11", "2022-02-01")), lag=30, exposure="current").mentored_days == 0


def test_the_lag_of_a_match_before_hire_runs_before_hire_too():
    table = spells(("a", "D", "2022-01-11", "2022-02-20", "voluntary"))  # 40 days
    assert times(episodes(table, matches(("a", "2021-12-01", None)), lag=30), "mentored") == [(0, 40, 1)]
    part = episodes(table, matches(("a", "2022-01-01", None)), lag=30)
    assert times(part, "mentored") == [(0, 20, 0), (20, 40, 1)]
    assert part.persons["mentored_from"].tolist() == [20]
    assert "end of the lag" in next(note.text for note in part.notes if note.code == "match_before_hire")
    # hired 10 days after the match and gone 25 days later: 35 days after the match, so 5 of them are exposed
    short = spells(("a", "D", "2022-01-11", "2022-02-05", "voluntary"))
    late = episodes(short, matches(("a", "2022-01-01", None)), lag=30)
    assert times(late, "mentored") == [(0, 20, 0), (20, 25, 1)]
    assert "match_after_leave" not in {note.code for note in late.notes}


def test_only_mentoring_exposes_and_a_missing_type_is_mentoring():
    table = spells(("a", "D", "2022-01-01", None, None), ("b", "D", "2022-01-01", None, None))
    met = matches(("a", "2022-02-01", None), ("b", "2022-02-01", None)).assign(relationship_type=["supervision", None])
    result = episodes(table, met)
    assert result.rows.groupby("staff_id")["mentored"].max().to_dict() == {"a": 0, "b": 1}
    assert "other_relationship" in {note.code for note in result.notes}


# ---- departments, programme, calendar -------------------------------------------------------------------------

def test_a_transfer_continues_at_the_organisation_and_ends_the_department():
    table = spells(("a", "D1", "2022-01-01", "2022-03-02", "transfer"), ("a", "D2", "2022-03-03", "2022-05-01", "voluntary"))
    assert times(episodes(table), "dept_id", "dept_at_entry", "cause") == [(0, 60, "D1", "D1", ""), (60, 120, "D2", "D1", "voluntary")]
    assert times(episodes(table, level="department"), "dept_id", "cause") == [(0, 60, "D1", "transfer")]


def test_two_posts_in_one_department_are_one_row():
    table = spells(("a", "D1", "2022-01-01", "2022-03-02", "transfer"), ("a", "D1", "2022-03-03", None, None))
    assert times(episodes(table)) == [(0, 364)]


def test_the_programme_is_active_from_its_day_in_the_current_department():
    table = spells(("a", "D1", "2022-01-01", "2022-03-31", "transfer"), ("a", "D2", "2022-04-01", "2022-05-01", "voluntary"),
                   ("b", "D1", "2022-01-01", "2022-03-01", "voluntary"))
    plan = pd.DataFrame({"dept_id": ["D1", "D2", "D2"], "active_from": ["2022-03-01", None, "2022-04-11"]})
    result = episodes(table, rollout=plan)
    assert times(result, "staff_id", "programme_active") == [(0, 58, "a", 0), (58, 89, "a", 1), (89, 99, "a", 0), (99, 120, "a", 1),
                                                             (0, 58, "b", 0), (58, 59, "b", 1)]


def test_calendar_cuts_put_the_first_of_a_period_into_it():
    table = spells(("a", "D", "2022-03-22", "2022-07-01", "voluntary"))
    assert times(episodes(table, calendar="quarter"), "period", "cause") == [(0, 9, "2022Q1", ""), (9, 100, "2022Q2", ""),
                                                                             (100, 101, "2022Q3", "voluntary")]
    assert [row[2] for row in times(episodes(table, calendar="month"), "period")] == ["2022-03", "2022-04", "2022-05", "2022-06", "2022-07"]
    assert times(episodes(table, calendar="year"), "period") == [(0, 101, "2022")]


# ---- rehires, suspension --------------------------------------------------------------------------------------

def test_a_return_within_thirty_days_is_bridged_and_a_later_one_is_left_out():
    table = spells(("a", "D", "2022-01-01", "2022-03-01", "voluntary"), ("a", "D", "2022-03-31", "2022-05-01", "voluntary"),
                   ("a", "D", "2022-08-01", None, None))
    result = episodes(table)
    assert times(result, "cause") == [(0, 120, "voluntary")]
    assert result.spell_flow.set_index("step").loc["first leave", "removed"] == 1
    assert [note.code for note in result.notes] == ["rehires_bridged"]
    assert times(episodes(table, bridge_gap=29), "cause") == [(0, 59, "voluntary")]


def test_an_employment_that_ended_before_the_window_does_not_hide_the_next():
    table = spells(("a", "D", "2015-01-01", "2019-01-01", "voluntary"), ("a", "D", "2021-12-02", None, None))
    assert times(episodes(table)) == [(30, 394)]


def test_suspended_time_is_kept_or_removed():
    table = spells(("a", "D", "2022-01-01", "2022-03-02", "transfer"), ("a", "D", "2022-03-03", "2022-05-01", "transfer"),
                   ("a", "D", "2022-05-02", "2022-06-10", "voluntary")).assign(status=["Active", "Career Break", "Active"])
    assert times(episodes(table), "suspended", "cause") == [(0, 60, 0, ""), (60, 120, 1, ""), (120, 160, 0, "voluntary")]
    result = episodes(table, suspended="remove")
    assert times(result, "cause") == [(0, 60, ""), (120, 160, "voluntary")]
    marked = table.drop(columns="status").assign(suspended=[False, True, False])
    pd.testing.assert_frame_equal(episodes(marked, suspended="remove").rows, result.rows)
    assert [(note.code, note.data) for note in result.notes] == [("suspended_removed", {"days": 60.0, "leavers": 0})]


def test_who_leaves_while_suspended_is_counted_when_suspension_is_removed():
    table = spells(("a", "D", "2022-01-01", "2022-03-02", "transfer"), ("a", "D", "2022-03-03", "2022-05-01", "voluntary"),
                   ("b", "D", "2022-01-01", "2022-03-02", "voluntary")).assign(status=["active", "maternity", "secondment"])
    result = episodes(table, suspended="remove")
    assert times(result, "staff_id", "cause") == [(0, 60, "a", "")]
    assert result.notes[0].data["leavers"] == 2
    assert result.flow["kept"].iloc[-1] == 1 == len(result.persons)


# ---- flow, covariates, bad input ------------------------------------------------------------------------------

def test_flow_reconciles_and_names_every_removal():
    table = spells(("a", "D", "2022-02-01", None, None), ("stranger", "D", "2022-02-01", None, None),
                   ("old", "D", "2019-01-01", "2020-01-01", "death"))
    staff = pd.DataFrame({"staff_id": ["a", "old", "no_spell"]})
    result = mentorship_episodes(staff=staff, spells=table, matches=NOBODY, **WINDOW)
    assert result.flow["persons_in"].iloc[0] == 4
    assert (result.flow["persons_in"] - result.flow["removed"] == result.flow["kept"]).all()
    assert (result.flow["persons_in"].iloc[1:].to_numpy() == result.flow["kept"].iloc[:-1].to_numpy()).all()
    assert result.flow["kept"].iloc[-1] == 1 == result.rows["staff_id"].nunique()
    assert result.flow["removed"].tolist()[:3] == [1, 1, 1]


def test_covariates_and_age_at_entry_are_carried():
    table = spells(("a", "D", "2021-06-01", None, None))
    staff = pd.DataFrame({"staff_id": ["a"], "birth_year": [1990], "gender": ["female"], "shoe_size": [40]})
    rows = mentorship_episodes(staff=staff, spells=table, matches=NOBODY, covariates=("shoe_size",), **WINDOW).rows
    assert (rows["age_at_entry"] == 32).all() and (rows["shoe_size"] == 40).all() and (rows["gender"] == "female").all()


@pytest.mark.parametrize(("table", "rows"), [
    (spells(("a", "D", "2022-02-01", "2022-03-01", "transfer"), ("a", "E", "2022-02-20", None, None)), (1,)),
    (spells(("b", "D", "2022-01-01", None, None), ("a", "D", "2022-02-01", None, None), ("a", "E", "2022-02-20", None, None)), (2,)),
    (spells(("a", "D", "2022-02-01", "2022-01-01", "voluntary")), (0,)),
    (spells(("a", "D", None, "2022-01-01", "voluntary")), (0,)),
])
def test_spells_that_cannot_be_read_stop_with_their_rows(table, rows):
    with pytest.raises(DataError) as caught:
        episodes(table)
    assert caught.value.rows == rows and caught.value.fix


def test_other_bad_input_is_refused():
    table = spells(("a", "D", "2022-02-01", None, None))
    with pytest.raises(DataError, match="same person"):
        mentorship_episodes(staff=pd.DataFrame({"staff_id": ["a", "a"]}), spells=table, matches=NOBODY, **WINDOW)
    with pytest.raises(DataError, match="no column start"):
        mentorship_episodes(staff=staff_of(table), spells=table.drop(columns="start"), matches=NOBODY, **WINDOW)
    with pytest.raises(DataError, match="not a date"):
        episodes(table.assign(start="03/04/2022"))
    with pytest.raises(DataError, match="shoe_size"):
        episodes(table, covariates=("shoe_size",))
    with pytest.raises(DataError, match="ends before"):
        episodes(table, start="2023-01-01")
    for option in ({"exposure": "ever"}, {"calendar": "week"}, {"level": "ward"}, {"suspended": "drop"}, {"lag": -1}):
        with pytest.raises(UsageError):
            episodes(table, **option)


def test_empty_tables_give_empty_rows():
    result = episodes(spells())
    assert len(result.rows) == 0 and result.person_days == 0 and result.leavers() == 0


# ---- the naive design and the landmark ------------------------------------------------------------------------

TRIO = spells(("a", "D", "2021-12-02", "2022-06-30", "voluntary"), ("b", "D", "2022-01-01", "2022-01-31", "voluntary"),
              ("c", "E", "2022-01-01", None, None))
TRIO_MET = matches(("a", "2022-03-02", None), ("c", "2021-12-01", None), ("b", "2022-01-31", None))


def test_the_naive_rows_misclassify_exactly_the_time_before_mentoring():
    result = episodes(TRIO, TRIO_MET)
    naive = naive_rows(result)
    assert list(naive.rows[["start", "stop", "ever_mentored", "cause"]].itertuples(index=False, name=None)) == [
        (30, 210, 1, "voluntary"), (0, 30, 0, "voluntary"), (0, 364, 1, "")]
    # a: mentored 90 days after hire, entered at 30; c: from hire; b: never (matched on the day of leaving)
    assert (naive.misclassified_days, naive.claimed_days, naive.ever_mentored) == (60, 180 + 364, 2)
    assert naive.claimed_days - naive.misclassified_days == result.mentored_days
    from_hire = naive_rows(result, origin="hire")
    assert from_hire.rows["start"].eq(0).all() and from_hire.misclassified_days == 90
    with pytest.raises(UsageError):
        naive_rows(result, origin="birth")


def test_the_landmark_takes_those_under_observation_and_freezes_mentorship():
    result = episodes(TRIO, TRIO_MET)
    at_30 = landmark_rows(result, 30)  # b left on day 30; a came under observation on day 30
    assert list(at_30.rows[["staff_id", "start", "stop", "mentored", "cause", "dept_id"]].itertuples(index=False, name=None)) == [
        ("a", 0, 180, 0, "voluntary", "D"), ("c", 0, 334, 1, "", "E")]
    assert (at_30.later_starters, at_30.share_later) == (1, 0.5)
    assert at_30.flow["removed"].tolist() == [0, 1, 0]
    at_29 = landmark_rows(result, 29)
    assert at_29.rows["staff_id"].tolist() == ["b", "c"] and at_29.flow["removed"].tolist() == [1, 0, 0]
    assert landmark_rows(result, 90).rows["mentored"].tolist() == [1, 1]


def test_the_default_landmark_is_the_ninetieth_of_a_hundred_matches():
    number = 101
    table = spells(*((f"s{index:03d}", "D", "2022-01-01", None, None) for index in range(number)), ("old", "D", "2011-01-01", None, None))
    day = pd.Timestamp("2022-01-01")
    met = matches(*((f"s{index:03d}", day + pd.Timedelta(days=index), None) for index in range(1, number)), ("old", day, None))
    result = episodes(table, met)
    assert default_landmark(result) == 90
    assert default_landmark(result, share=0.5) == 50
    assert default_landmark(result, share=1.0, population="all") == 4018  # 2011-01-01 to 2022-01-01
    assert landmark_rows(result).later_starters == 10
    with pytest.raises(EstimationError, match="matched"):
        default_landmark(episodes(table))


# ---- properties -----------------------------------------------------------------------------------------------

ORIGIN = pd.Timestamp("2021-06-01")


@st.composite
def cohorts(draw):
    """Random people with up to three posts, gaps of 0 to 60 days, and up to two matches each."""
    rows, met = [], []
    for person in range(draw(st.integers(1, 6))):
        day = draw(st.integers(0, 500))
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.one_of(st.none(), st.integers(0, 300)))
            end = None if length is None else ORIGIN + pd.Timedelta(days=day + length)
            reason = draw(st.sampled_from(["voluntary", "transfer", "retirement"])) if length is not None else None
            rows.append((f"p{person}", draw(st.sampled_from(["D1", "D2"])), ORIGIN + pd.Timedelta(days=day), end, reason))
            if length is None:
                break
            day += length + draw(st.integers(1, 60))
        for _ in range(draw(st.integers(0, 2))):
            begin = draw(st.integers(-50, 700))
            length = draw(st.one_of(st.none(), st.integers(0, 200)))
            end = None if length is None else ORIGIN + pd.Timedelta(days=begin + length)
            met.append((f"p{person}", ORIGIN + pd.Timedelta(days=begin), end))
    dated = matches(*met).astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return spells(*rows).astype({"start": "datetime64[ns]", "end": "datetime64[ns]"}), dated


@settings(max_examples=40, deadline=None)
@given(cohorts(), st.sampled_from([{}, {"exposure": "current"}, {"lag": 30}, {"level": "department"}, {"bridge_gap": 0}]),
       st.sampled_from([None, "month", "quarter"]))
def test_rows_are_disjoint_and_lose_neither_time_nor_leavers(cohort, option, calendar):
    table, met = cohort
    plan = pd.DataFrame({"dept_id": ["D1"], "active_from": ["2022-04-15"]})
    result = episodes(table, met, calendar=calendar, rollout=plan, **option)
    rows, persons = result.rows, result.persons
    assert (rows["stop"] > rows["start"]).all()
    same = rows["staff_id"].eq(rows["staff_id"].shift())
    assert (rows.loc[same, "start"] == rows["stop"].shift()[same]).all()  # contiguous, hence disjoint
    assert rows.loc[rows["staff_id"].eq(rows["staff_id"].shift(-1)), "cause"].eq("").all()
    assert result.person_days == (persons["stop"] - persons["entry"]).sum()
    assert sorted(rows.loc[rows["cause"] != "", "cause"]) == sorted(persons.loc[persons["cause"] != "", "cause"])
    assert (persons["stop"] + (persons["hire"] - pd.Timestamp(WINDOW["start"])).dt.days <= 364.5).all()
    assert result.flow["kept"].iloc[-1] == len(persons)
    if option.get("exposure", "absorbing") == "absorbing":
        assert rows.groupby("staff_id")["mentored"].apply(lambda column: column.is_monotonic_increasing).all()
        naive = naive_rows(result)
        assert naive.claimed_days - naive.misclassified_days == result.mentored_days
    # neither calendar cuts nor the roll-out nor the matches change who is followed for how long
    plain = episodes(table, NOBODY, calendar=None, **{key: value for key, value in option.items() if key in ("level", "bridge_gap")})
    assert plain.person_days == result.person_days and plain.leavers() == result.leavers()


@settings(max_examples=25, deadline=None)
@given(cohorts(), st.integers(0, 2))
def test_mentored_days_equal_a_count_day_by_day(cohort, which):
    """The slow way: ask of every person-day whether a match covers it."""
    table, met = cohort
    exposure, lag = [("absorbing", 0), ("current", 0), ("current", 14)][which]
    result = episodes(table, met, exposure=exposure, lag=lag)
    expected = 0
    for person in result.persons.itertuples():
        if person.stop % 1:
            continue  # half a day is never mentored unless matched before hire; left to the examples above
        mine = met[met["mentee_id"] == person.staff_id]
        begins = np.maximum((mine["start"] - person.hire).dt.days.to_numpy() + lag, 0)
        ends = (mine["end"] - person.hire).dt.days.fillna(10**6).to_numpy() if exposure == "current" else np.full(len(mine), 10**6)
        for day in range(int(person.entry) + 1, int(person.stop) + 1):
            expected += bool(((begins < day) & (ends >= day)).any())
    whole = result.rows[result.rows["stop"] % 1 == 0]
    assert ((whole["stop"] - whole["start"]) * whole["mentored"]).sum() == expected
