"""Promotion by group and of recognised mentors: hazards that differ by a known ratio are found to, curves are those of an independent estimator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions.careers.groups import promotion_by_group, senior_by_group
from mentorship_eval.questions.careers.mentors import recognised_mentors
from mentorship_eval.questions.careers.steps import CareerStudy, career_study, until_step
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from tests.questions.built import built
from tests.questions.promoted import promoted

PEOPLE, STEP = 4000, 1 / 700
SLOWER = {"effect": 0.5, "none": 1.0}  # women, against men


@pytest.fixture(scope="module")
def staff():
    cohort = built(31, PEOPLE, ratio=lambda group, sessions: 1.0, rate=1 / 600, shares=(0.4, 0.6))
    known = cohort.table("staff")
    # of the same people the women of band 5 are the newly qualified: three ways to tell the same groups apart
    female = known["gender"].eq("female")
    known = known.assign(grade=female.map({True: "band 6", False: "band 5"}), newly_qualified=female)
    return replace(cohort, tables={**cohort.tables, "staff": known})


@pytest.fixture(scope="module", params=["effect", "none"])
def study(request: pytest.FixtureRequest, staff) -> tuple[float, CareerStudy]:
    ratio = SLOWER[request.param]
    hazard = STEP * np.where(staff.table("staff")["gender"] == "female", ratio, 1.0)
    return ratio, career_study(promoted(staff, 32, hazard, hazard))


def found(section, name):
    return next(r for r in section.results if r.id == name).estimate


def test_a_gap_in_promotion_is_found_by_gender_grade_and_career_stage_and_none_where_there_is_none(study):
    ratio, made = study
    told = promotion_by_group(made)
    for name in ("gender.female", "grade.band_6", "career_stage.newly_qualified_under_two_years"):
        estimate = found(told, f"careers.promotion.{name}")
        assert abs(math.log(estimate.value / ratio)) < 3 * estimate.se and estimate.se < 0.1
        assert (estimate.ci_high < 1) == (ratio < 1) and estimate.n == PEOPLE


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_senior_grades_by_career_stage_differ_by_what_was_put_in(study, share):
    _, made = study
    known, rng = made.cohort.table("staff"), np.random.default_rng(35)
    senior = rng.random(PEOPLE) < np.where(known["newly_qualified"], share, 0.5)
    known = known.assign(grade=np.where(senior, "band 7", "band 5"))
    plan = made.cohort.study.plan.model_copy(update={"senior_grades": ["band 7"]})
    cohort = replace(made.cohort, tables={**made.cohort.tables, "staff": known}, study=made.cohort.study.model_copy(update={"plan": plan}))
    told = senior_by_group(replace(made, cohort=cohort))
    estimate = found(told, "careers.senior.career_stage.newly_qualified_under_two_years")
    assert abs(estimate.value - 100 * (share - 0.5)) < 3 * estimate.se and (estimate.ci_high < 0) == (share < 0.5)
    assert not [r for r in told.results if ".grade." in r.id]


def aalen_johansen_by_hand(persons: pd.DataFrame, horizon: float) -> float:
    """Risk sets counted time by time; persons: entry, stop, ended."""
    free, incidence = 1.0, 0.0
    ended = persons[(persons["ended"] != "") & (persons["stop"] <= horizon)]
    for time, now in ended.groupby("stop"):
        at_risk = int(((persons["entry"] < time) & (persons["stop"] >= time)).sum())
        incidence += free * (now["ended"] == "step").sum() / at_risk
        free *= 1 - len(now) / at_risk
    return incidence


@pytest.mark.slow
def test_curves_of_promotion_by_group_are_those_of_risk_sets_counted_by_hand(study):
    ratio, made = study
    told = promotion_by_group(made)
    rows = until_step(made, made.kinds[0])
    persons = rows.groupby("staff_id").agg(entry=("start", "first"), stop=("stop", "last"), ended=("ended", "last")).reset_index()
    gender = persons["staff_id"].map(made.cohort.table("staff").set_index("staff_id")["gender"])
    curves = {name: next(e for e in told.exhibits if e.id == f"careers.promotion.by.{name}").frames["curve"] for name in ("gender", "career_stage")}
    for who, stage in (("female", "Newly qualified, under two years"), ("male", "Others under two years")):
        mine = persons[gender == who]
        for month in (6, 12, 18):
            expected = aalen_johansen_by_hand(mine, month * DAYS_PER_MONTH)
            for curve, level in ((curves["gender"], who.capitalize()), (curves["career_stage"], stage)):
                at = curve[(curve["by"] == level) & (curve["time"] == month)]
                assert at["estimate"].item() == pytest.approx(expected, rel=1e-9)
    at_a_year = curves["gender"][curves["gender"]["time"] == 12].set_index("by")
    # leaving (1/600 on average, more in some departments) competes with promotion
    gap = at_a_year.loc["Male", "estimate"] - at_a_year.loc["Female", "estimate"]
    assert (gap > 0.1) == (ratio < 1) and abs(gap) < 0.2


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_recognised_mentors_are_promoted_sooner_where_they_were_made_to(staff, ratio):
    rng = np.random.default_rng(33)
    ids, hire = staff.table("staff")["staff_id"], staff.table("spells").set_index("staff_id")["start"]
    mentors = ids[rng.random(PEOPLE) < 0.6]
    recognised = rng.random(len(mentors)) < 0.5
    table = pd.DataFrame({"staff_id": mentors, "appraisal_recognised": recognised, "trained_on": mentors.map(hire) + pd.Timedelta(days=30)})
    # whoever is no mentor is promoted ten times as often, and would be seen if taken into the comparison
    hazard = STEP * np.where(ids.isin(mentors[recognised]), ratio, np.where(ids.isin(mentors), 1.0, 10.0))
    cohort = promoted(replace(staff, tables={**staff.tables, "mentors": table}), 34, hazard, hazard)
    estimate = found(recognised_mentors(career_study(cohort)), "careers.mentors.recognised")
    assert abs(math.log(estimate.value / ratio)) < 3 * estimate.se and (estimate.ci_low > 1) == (ratio > 1)
    assert estimate.n <= len(mentors)
