"""What careers and collaboration say: the step that was analysed by its own name, which minus which, grades as recorded, families in their table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.inference.multiplicity import holm
from mentorship_eval.questions.careers import being_mentored
from mentorship_eval.questions.careers.being_mentored import by_landmark
from mentorship_eval.questions.careers.groups import promotion_by_group, senior_by_group
from mentorship_eval.questions.careers.mentors import recognised_mentors
from mentorship_eval.questions.careers.steps import career_study
from mentorship_eval.questions.collaboration import people
from mentorship_eval.questions.collaboration.indices import by_year
from mentorship_eval.questions.collaboration.people import between_professions
from mentorship_eval.questions.collaboration.ties import tie_study
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "career_events", "collaboration")
SIZE = {"departments": 10, "staff": 900, "months": 30, "waves": (4, 7, 10), "uptake_delay": 1.5, "outcomes": True, "promotion": 0.25,
        "leadership": (0.2, 0.2), "only": TABLES}  # fmt: skip


@pytest.fixture(scope="module")
def cohort():
    return simulated("default", 6, **SIZE)


def with_families(cohort, families):
    plan = cohort.study.plan.model_copy(update={"families": families, "permutations": 19})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def words(section):
    """Everything that a reader sees of it."""
    told = [str(line) for line in section.lead] + section.methods + [f"{gap.question} {gap.reason} {gap.unlock}" for gap in section.gaps]
    told += [text for r in section.results for text in (r.label, r.group, r.estimate.estimand)]
    return " ".join([*told, *(f"{e.title} {e.note} {e.options}" for e in section.exhibits)]).lower()


def test_a_leadership_post_is_never_called_a_promotion(cohort):
    events = cohort.table("career_events")
    study = career_study(replace(cohort, tables={**cohort.tables, "career_events": events[events["event"] == "leadership_role"]}))
    for part in (by_landmark, promotion_by_group, recognised_mentors):
        told = part(study)
        assert told.exhibits or told.results
        assert "promot" not in words(told) and "leadership post" in words(told), part.__name__


def test_a_difference_says_which_minus_which_and_is_no_sentence_without_a_value(cohort, monkeypatch):
    monkeypatch.setattr(being_mentored, "enough_steps", lambda rows, horizon: True)
    lines = [by_landmark(career_study(cohort)).lead[0].text, between_professions(tie_study(with_families(cohort, {}))).lead[0].text]
    assert "mentored minus not: " in lines[0] and "mentored people minus others" in lines[1] and not any("differed" in line for line in lines)
    monkeypatch.setattr(being_mentored, "_difference", lambda *args, made=being_mentored._difference: replace(made(*args), value=np.nan))
    assert not by_landmark(career_study(cohort)).lead
    made = people.share_difference

    def unknown(*args, **options):
        estimate, test = made(*args, **options)
        return replace(estimate, value=np.nan, ci_low=np.nan, ci_high=np.nan), test

    monkeypatch.setattr(people, "share_difference", unknown)
    assert not between_professions(tie_study(with_families(cohort, {}))).lead


def test_grades_are_said_to_be_as_recorded_and_curves_to_be_of_those_followed(cohort):
    senior = senior_by_group(career_study(cohort))
    assert all("recorded" in exhibit.title and "of hire" in exhibit.note for exhibit in senior.exhibits)
    assert all("as recorded in staff" in r.estimate.estimand for r in senior.results) and "no date" in senior.methods[0]
    curve = next(e for e in promotion_by_group(career_study(cohort)).exhibits if e.id == "careers.promotion.by.gender")
    assert curve.title == "First promotion while followed, by gender" and "as if without one" in curve.note


def test_families_of_promotion_by_group_stand_in_its_table(cohort):
    told = promotion_by_group(career_study(with_families(cohort, {"gender gaps": ["gender"]})))
    table = next(e for e in told.exhibits if e.id == "careers.groups.adjusted")
    rows = table.frames["rows"]
    assert set(rows["family"]) == {"gender gaps", "all"} and table.options["labels"]["family"] == "Family" and "within this table" in table.note
    others = rows[rows["family"] == "all"]
    np.testing.assert_allclose(others["adjusted"], holm(others["p"].to_numpy()))


def test_a_characteristic_that_hardly_anybody_has_is_a_gap(cohort):
    gender = pd.Series(None, index=cohort.table("staff").index, dtype=object)
    gender.iloc[:20] = "female"
    few = replace(cohort, tables={**cohort.tables, "staff": cohort.table("staff").assign(gender=gender)})
    told = promotion_by_group(career_study(few))
    assert any(gap.question == "Promotion by gender" for gap in told.gaps)
    assert not any(e.id == "careers.promotion.by.gender" for e in told.exhibits)


def test_a_tie_is_answered_within_its_year(cohort):
    made = next(e for e in by_year(tie_study(with_families(cohort, {}))).exhibits if e.id == "collaboration.indices")
    assert made.options["labels"]["reciprocity"] == "Answered in the same year" and "new ties" in made.note
