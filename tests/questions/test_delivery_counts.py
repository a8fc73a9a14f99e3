"""Who and what the delivery chapter counts, on small cohorts by hand: each line is a case in which a count was once wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions.delivery.cascade import cascade
from mentorship_eval.questions.delivery.changes import mentor_benefits
from mentorship_eval.questions.delivery.chapter import _rest
from mentorship_eval.questions.delivery.matching import early_ends, match_scores
from mentorship_eval.questions.delivery.meetings import cases, protected
from mentorship_eval.questions.delivery.preparation import preparation
from mentorship_eval.questions.delivery.setting import beside
from mentorship_eval.questions.delivery.study import delivery_study
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "events", "surveys", "survey_invites", "feedback", "wishes")
SIZE = {"departments": 10, "staff": 700, "months": 30, "waves": (4, 7, 10), "outcomes": True, "delivered": True, "paired": True, "only": TABLES}


@pytest.fixture(scope="module")
def cohort():
    return simulated("default", 3, **SIZE)


def changed(cohort, **tables):
    return replace(cohort, tables={**cohort.tables, **tables})


def found(section, name):
    return next(r.estimate for r in section.results if r.id == f"delivery.{name}")


def codes(section):
    return [caution.code for caution in section.cautions]


def test_an_end_without_a_reason_is_neither_planned_nor_early(cohort):
    matches = cohort.table("matches")
    whole = delivery_study(cohort)
    before, told = found(early_ends(whole), "matching.ends"), found(cascade(whole), "finished")
    # capitals and another word for the same
    spelt = matches.assign(end_reason=matches["end_reason"].astype(object).replace({"completed": "Goals met"}))
    again = delivery_study(changed(cohort, matches=spelt))
    assert found(early_ends(again), "matching.ends").value == pytest.approx(before.value) and found(cascade(again), "finished").value == told.value
    # half of the reasons unknown: fewer early ends, the same share of planned ones
    blank = matches.index % 2 == 0
    half = delivery_study(changed(cohort, matches=matches.assign(end_reason=matches["end_reason"].astype(object).mask(blank))))
    fewer, share = found(early_ends(half), "matching.ends"), cascade(half)
    assert 0.3 * before.n_events < fewer.n_events < 0.7 * before.n_events and fewer.n == before.n
    assert found(share, "finished").n < 0.7 * told.n and found(share, "finished").value == pytest.approx(told.value, abs=0.12)
    assert "ends_unsaid" in codes(share) and "ends_unsaid" not in codes(cascade(whole))
    # none known: nothing is told, rather than every end an early one
    none = delivery_study(changed(cohort, matches=matches.drop(columns="end_reason")))
    for part in (early_ends, cascade):
        made = part(none)
        assert any("end_reason" in gap.unlock for gap in made.gaps) and not any(r.id in ("delivery.matching.ends", "delivery.finished")
                                                                                for r in made.results)  # fmt: skip


@pytest.mark.parametrize("who", ["mentee_left", "mentor_left"])
def test_a_match_that_nobody_closed_ends_when_its_mentee_or_mentor_leaves(cohort, who):
    study = delivery_study(cohort)
    left = study.mentoring[study.mentoring["end_reason"] == who]
    assert len(left) > 5
    matches = cohort.table("matches")
    mine = matches["match_id"].isin(left["match_id"])
    forgotten = matches.assign(end=pd.to_datetime(matches["end"]).mask(mine), end_reason=matches["end_reason"].astype(object).mask(mine))
    again = delivery_study(changed(cohort, matches=forgotten))
    for name in ("last", "ended", "end_reason", "months", "planned"):
        assert again.mentoring[name].equals(study.mentoring[name]), name
    assert again.mentoring["left_open"].sum() == len(left) and "left_open" in codes(cascade(again))
    assert found(cascade(again), "finished").value == found(cascade(study), "finished").value
    # that some left says nothing of how the others ended
    assert not delivery_study(changed(cohort, matches=forgotten.drop(columns="end_reason"))).reasons_told


def test_a_mentor_who_left_may_go_on_where_the_record_says_so(cohort):
    study, matches = delivery_study(cohort), cohort.table("matches")
    left = study.mentoring.loc[study.mentoring["end_reason"] == "mentor_left", "match_id"]
    mine = matches["match_id"].isin(left)
    later = pd.to_datetime(matches["end"]) + pd.Timedelta(days=1)
    again = delivery_study(changed(cohort, matches=matches.assign(end=later.where(mine, matches["end"])))).mentoring
    stays = again["match_id"].isin(left)
    assert (again.loc[stays, "last"] > study.mentoring.loc[stays, "last"]).mean() > 0.9 and again.loc[stays, "left_open"].sum() <= 0.1 * stays.sum()
    # nobody knows when strangers leave: a match with a mentor who is not on the staff runs on
    strange = matches.assign(mentor_id="a volunteer", end=pd.to_datetime(matches["end"]).mask(mine), end_reason=matches["end_reason"].mask(mine))
    open_ = delivery_study(changed(cohort, matches=strange)).mentoring
    assert (open_.loc[stays, "last"] > study.mentoring.loc[stays, "last"]).mean() > 0.9
    nobody = delivery_study(changed(cohort, matches=strange.drop(columns="mentor_id"))).mentoring
    assert nobody["last"].equals(open_["last"])


def test_offers_are_of_mentoring_and_since_somebody_was_eligible(cohort):
    study, matches = delivery_study(cohort), cohort.table("matches")
    told = found(cascade(study), "offered")
    people = study.eligible.people
    never = people[(people["year"] == 1) & (people["matched"] == 0) & ~people["staff_id"].isin(matches["mentee_id"])].head(40)
    assert len(never) == 40
    rows = pd.DataFrame({"match_id": [f"S{i}" for i in range(40)], "mentee_id": never["staff_id"].to_numpy(),
                         "mentor_id": matches["mentor_id"].iloc[0], "start": pd.NaT, "end": pd.NaT})  # fmt: skip
    for kind, shift, more in (("supervision", 30, 0), ("mentoring", -30, 0), ("mentoring", 30, 40)):
        offered = (never["day"] + pd.Timedelta(days=shift)).to_numpy()
        wider = pd.concat([matches, rows.assign(relationship_type=kind, offered_on=offered)], ignore_index=True)
        made = found(cascade(delivery_study(changed(cohort, matches=wider))), "offered")
        assert made.n_events == told.n_events + more and made.n == told.n


def test_who_was_mentored_before_the_window_was_mentored(cohort):
    """The same people and days, seen from a window that begins later."""
    start, end = (pd.Timestamp(day) for day in cohort.window)
    late = start + pd.Timedelta(days=480)
    window = cohort.study.study.model_copy(update={"start": late.date()})
    seen = replace(cohort, study=cohort.study.model_copy(update={"study": window}))
    study = delivery_study(seen)
    first = pd.to_datetime(cohort.mentoring().dropna(subset=["start"]).groupby("mentee_id")["start"].min())
    assert (first < late).sum() > 50
    spells = cohort.table("spells")
    begin, stop = spells["start"].clip(lower=late), pd.to_datetime(spells["end"]).fillna(end).clip(upper=end)
    switch = spells["staff_id"].map(first).fillna(end)
    years = {1: (stop - switch.clip(lower=begin)).dt.days.clip(lower=0).sum(), 0: (switch.clip(upper=stop) - begin).dt.days.clip(lower=0).sum()}
    events = cohort.table("events")
    day = pd.to_datetime(events["date"])
    inside = (day >= late) & (day <= end)
    after = day >= events["staff_id"].map(first)
    number = {1: (inside & after).sum(), 0: (inside & ~after).sum()}
    ratio = number[1] / years[1] / (number[0] / years[0])
    assert found(beside(study), "events").value == pytest.approx(ratio, rel=0.02)
    # a mentor's first mentee is the first ever, wherever the window begins
    told = [{r.id: (r.estimate.value, r.estimate.n) for r in mentor_benefits(one).results} for one in (study, delivery_study(cohort))]
    assert told[0] == told[1] and len(told[0]) == 3


def test_mentors_on_no_list_count_as_not_trained(cohort):
    whole = preparation(delivery_study(cohort))
    mentors = cohort.table("mentors")
    trained = pd.to_datetime(mentors["trained_on"]).notna()
    without = preparation(delivery_study(changed(cohort, mentors=mentors[trained])))
    assert found(without, "trained").value == found(whole, "trained").value < 0.95 and found(without, "trained").n == found(whole, "trained").n
    assert "mentors_unlisted" in codes(without) and "mentors_unlisted" not in codes(whole)
    strangers = mentors.assign(staff_id="Z" + mentors["staff_id"].astype(str))
    assert not preparation(delivery_study(changed(cohort, mentors=strangers))).results


def test_sessions_without_a_word_on_protected_time_are_not_sessions_without_it(cohort):
    sessions = cohort.table("sessions")
    whole = protected(delivery_study(cohort))
    rng = np.random.default_rng(1)
    for name in ("protected", "minutes"):
        blank = sessions.assign(**{name: sessions[name].mask(rng.random(len(sessions)) < 0.5)})
        made = protected(delivery_study(changed(cohort, sessions=blank)))
        was, now = (found(one, "protected_delivered") for one in (whole, made))
        assert now.value == pytest.approx(was.value, rel=0.12) and "protected_unrecorded" in codes(made)
    assert "protected_unrecorded" not in codes(whole)


def test_a_mentee_of_whom_nothing_is_known_has_no_score(cohort):
    study = delivery_study(cohort)
    whole, pairs = found(match_scores(study), "matching.score"), study.mentoring
    unknown = set(pairs["mentee_id"].drop_duplicates().iloc[::4]) - set(pairs["mentor_id"])
    staff, wishes = cohort.table("staff"), cohort.table("wishes")
    silent = changed(cohort, staff=staff.assign(profession=staff["profession"].astype(object).mask(staff["staff_id"].isin(unknown))),
                     wishes=wishes[~wishes["staff_id"].isin(unknown)])  # fmt: skip
    made = match_scores(delivery_study(silent))
    few = changed(cohort, matches=cohort.table("matches")[~cohort.table("matches")["mentee_id"].isin(unknown)])
    known = match_scores(delivery_study(few))
    assert found(made, "matching.score").n == found(known, "matching.score").n < whole.n and "nothing_asked" in codes(made)
    row, other = (one.exhibits[0].frames["rows"].iloc[0] for one in (made, known))
    assert row["observed"] == pytest.approx(other["observed"]) and row["expected"] == pytest.approx(other["expected"])


def test_the_note_says_which_shares_leave_out_mentors(cohort):
    section = cases(delivery_study(cohort))
    assert "one mentor" in _rest(section)[0].note
    section.results = [replace(result, id=result.id.replace("case_", "other_")) for result in section.results]
    assert "mentor" not in _rest(section)[0].note
