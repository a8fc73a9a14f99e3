"""Careers on simulated staff: what was put in is found, nothing is found where nothing was put in, and leaving competes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.careers.being_mentored import by_landmark, while_mentored
from mentorship_eval.questions.careers.groups import promotion_by_group, senior_by_group
from mentorship_eval.questions.careers.mentors import recognised_mentors
from mentorship_eval.questions.careers.steps import KINDS, career_study, until_step
from mentorship_eval.questions.groups import MISSING, OTHER, levels_of
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "career_events")
SIZE = {"departments": 24, "staff": 2600, "months": 36, "uptake_delay": 1.5, "outcomes": True, "only": TABLES}
STRONG = {"promotion": 0.15, "promotion_mentored": 0.35, "leadership": (0.08, 0.24), "certification": (0.10, 0.30),
          "senior": (0.55, 0.30)}  # fmt: skip
NONE = {"promotion": 0.20, "promotion_mentored": 0.20, "leadership": (0.08, 0.08), "certification": (0.10, 0.10),
        "senior": (0.40, 0.40)}  # fmt: skip


@pytest.fixture(scope="module", params=["effect", "none"])
def study(request):
    changes = STRONG if request.param == "effect" else NONE
    cohort = simulated("default" if request.param == "effect" else "null", 4, **{**SIZE, **changes})
    return career_study(cohort), request.param == "effect"


def result(section, name):
    return next(r for r in section.results if r.id == name).estimate


def test_a_ratio_that_was_put_in_is_found_and_none_where_there_is_none(study):
    made, effect = study
    told = while_mentored(made)
    truth = math.log1p(-0.35) / math.log1p(-0.15) if effect else 1.0
    found = result(told, "careers.promotion")
    assert found.ci_low < truth < found.ci_high
    assert (found.ci_low > 1) == effect
    assert {r.role for r in told.results if r.id == "careers.promotion"} == {"headline"}


@pytest.mark.parametrize(("kind", "change"), [("leadership_role", "leadership"), ("certification", "certification")])
def test_leadership_posts_and_certification_come_sooner_while_mentored_where_they_were_made_to(study, kind, change):
    made, effect = study
    before, mentored = (STRONG if effect else NONE)[change]
    truth = math.log1p(-mentored) / math.log1p(-before)
    found = result(while_mentored(made), f"careers.{kind}")
    assert abs(math.log(found.value / truth)) < 3 * found.se and (found.ci_low > 1) == effect == (truth > 1)


def test_time_at_risk_ends_with_the_first_step_and_every_step_in_follow_up_is_counted_once(study):
    made, _ = study
    rows = until_step(made, KINDS[0])
    events = made.cohort.table("career_events").query("event == 'promotion'").merge(made.episodes.persons, on="staff_id")
    day = (pd.to_datetime(events["date"]) - events["hire"]).dt.days
    inside = events[(day > events["entry"]) & (day <= events["stop"])]
    assert rows["event"].sum() == inside["staff_id"].nunique()
    last = rows.groupby("staff_id").tail(1)
    assert (rows["event"].sum() == last["event"].sum()) and (rows["stop"] > rows["start"]).all()
    assert set(last["ended"]) <= {"step", "left", ""} and not ((last["event"] == 1) & (last["ended"] != "step")).any()
    assert last.set_index("staff_id")["stop"].le(made.episodes.persons.set_index("staff_id")["stop"]).all()


def test_the_difference_from_the_landmark_is_that_of_two_curves_and_its_error_that_of_refits(study):
    made, effect = study
    told = by_landmark(made)
    estimate = result(told, "careers.promotion.difference.12")
    curve = next(e for e in told.exhibits if e.id == "careers.promotion.landmark").frames["curve"]
    at = curve[curve["time"] == 12].set_index("by")["estimate"]
    # the curve is read at 12 months of 30.4375 days, the difference at 365 days
    assert estimate.value == pytest.approx(100 * (at["Mentored"] - at["Not mentored"]), abs=0.4)
    assert (estimate.ci_low > 0) == effect


def test_the_gap_in_senior_grades_is_found_and_none_where_there_is_none(study):
    made, effect = study
    told = senior_by_group(made)
    gap = result(told, "careers.senior.gender.male")
    assert gap.ci_low < (25 if effect else 0) < gap.ci_high and (gap.ci_low > 0) == effect
    there = made.episodes.persons.loc[made.episodes.persons["cause"] == "", "staff_id"]
    people = made.cohort.table("staff").set_index("staff_id").loc[there]
    share = people["grade"].isin(["band 7", "band 8"]).groupby(people["gender"]).mean()
    assert gap.value == pytest.approx(100 * (share["male"] - share["female"]), rel=1e-12)
    table = next(e for e in told.exhibits if e.id == "careers.senior.gender").frames["rows"]
    assert table["people"].iloc[-1] == len(people) == table["people"].iloc[:-1].sum()


def test_groups_do_not_differ_in_promotion_where_nothing_makes_them(study):
    told = promotion_by_group(study[0])
    p = [r.estimate.p_value for r in told.results]
    adjusted = next(e for e in told.exhibits if e.id == "careers.groups.adjusted").frames["rows"]["adjusted"]
    assert len(p) >= 8 and (adjusted >= np.array(p) - 1e-12).all() and adjusted.min() > 0.01


def test_small_levels_are_joined_by_size_and_take_nobody_elses_name():
    values = pd.Series(["a"] * 200 + ["b_c"] * 80 + ["d"] * 30 + ["e"] * 4 + [None] * 5)
    assert levels_of(values).value_counts().to_dict() == {"A": 200, "B c": 80, OTHER: 34, MISSING: 5}
    assert levels_of(pd.Series(["a"] * 100 + ["b"] * 100)).nunique() == 2


def test_a_level_of_few_people_is_neither_compared_nor_drawn(study):
    cohort, gender = study[0].cohort, study[0].cohort.table("staff")["gender"].copy()
    gender.iloc[:4], gender.iloc[4:7] = "nonbinary", None
    few = career_study(replace(cohort, tables={**cohort.tables, "staff": cohort.table("staff").assign(gender=gender)}))
    for part in (promotion_by_group, senior_by_group):
        told = part(few)
        assert {r.id.rsplit(".", 1)[1] for r in told.results if ".gender." in r.id} == {"male"}
    curve = next(e for e in promotion_by_group(few).exhibits if e.id == "careers.promotion.by.gender")
    assert set(curve.frames["curve"]["by"]) == {"Female", "Male"}


def test_recognised_mentors_are_compared_with_other_mentors_alone(study):
    told = recognised_mentors(study[0])
    estimate = result(told, "careers.mentors.recognised")
    assert estimate.n <= len(study[0].cohort.table("mentors")) and estimate.ci_low < 1 < estimate.ci_high


def test_protected_chapters_can_be_drawn_and_small_counts_are_withheld():
    cohort = simulated("default", 5, **{**SIZE, "departments": 8, "staff": 400, "months": 24})
    answer = answer_chapter("careers", cohort)
    [shown], log = protect([answer], Rule())
    assert len(log) and all(draw(exhibit) is not None for exhibit in shown.exhibits)
    for exhibit in shown.exhibits:
        for frame in exhibit.frames.values():
            counts = frame[[c for c in ("n", "n_events", "people", "senior", "others") if c in frame]]
            numbers = counts.apply(pd.to_numeric, errors="coerce")
            assert not ((numbers > 0) & (numbers < 10)).any().any(), exhibit.id


def test_what_lacks_is_named_with_the_table_that_unlocks_it(study):
    made, _ = study
    cohort = made.cohort
    none = replace(cohort, tables={name: table for name, table in cohort.tables.items() if name != "career_events"})
    [gap] = answer_chapter("careers", none).gaps
    assert "career_events" in gap.unlock
    plan = cohort.study.plan.model_copy(update={"senior_grades": []})
    untold = senior_by_group(replace(made, cohort=replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))))
    assert not untold.results and "senior_grades" in untold.gaps[0].unlock
    early = replace(cohort, tables={**cohort.tables, "career_events": cohort.table("career_events").assign(date=pd.Timestamp("1999-01-01"))})
    assert "No step" in answer_chapter("careers", early).gaps[0].reason
