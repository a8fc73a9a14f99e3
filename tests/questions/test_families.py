"""Families of comparisons: what the plan names is adjusted together, and apart from the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.inference.multiplicity import holm, within_families
from mentorship_eval.questions.careers.groups import promotion_by_group
from mentorship_eval.questions.careers.steps import career_study
from mentorship_eval.questions.equity.concordance import concordance
from mentorship_eval.questions.equity.eligible import equity_study
from mentorship_eval.questions.families import adjusted_table, planned_families
from mentorship_eval.questions.wellbeing.asked import survey_study
from mentorship_eval.questions.wellbeing.effects import by_scale
from tests.questions.cohorts import simulated


def test_ids_and_whole_parts_of_them_name_a_family():
    ids = ["equity.reach.gender", "equity.reach.genders", "wellbeing.mbi_ee", "wellbeing.mbi_ee.programme"]
    assert planned_families({"a": ["gender"], "b": ["wellbeing.mbi_ee.programme"], "c": ["mbi_ee"]}, ids, "rest") == ["a", "rest", "c", "b"]
    assert planned_families({}, ids, list("wxyz")) == list("wxyz")


def test_adjusted_within_each_family_alone():
    p = np.array([0.01, 0.02, 0.03, 0.04])
    found = within_families(["a", "b", "a", "b"], p, holm)
    np.testing.assert_allclose(found, [*holm(p[[0, 2]])[:1], *holm(p[[1, 3]])[:1], holm(p[[0, 2]])[1], holm(p[[1, 3]])[1]])


def test_scales_and_gaps_are_adjusted_within_the_families_of_the_plan():
    tables = ("staff", "departments", "spells", "matches", "rollout", "surveys", "survey_invites")
    cohort = simulated("default", 6, departments=8, staff=500, months=30, outcomes=True, only=tables)
    plan = cohort.study.plan.model_copy(update={"families": {"safety": ["hsopsc_communication_openness", "hsopsc_overall_perceptions"]}})
    planned = replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))
    one, several = (by_scale(survey_study(each)) for each in (cohort, planned))
    whole, apart = (next(e for e in each.exhibits if e.id == "wellbeing.adjusted").frames["rows"] for each in (one, several))
    assert "family" not in whole and apart["family"].value_counts().to_dict()["safety"] == 2
    own = apart[apart["family"] == "safety"]
    np.testing.assert_allclose(own["holm"], holm(own["p_value"].to_numpy()))
    assert (apart["holm"].to_numpy() <= whole.set_index("id").loc[apart["id"], "holm"].to_numpy() + 1e-12).all()

    shown = adjusted_table("x", "t", several.results[:4], plan).frames["rows"]
    assert set(shown["family"]) <= {"safety", "asked first", "others"} and len(shown) == 4


def test_concordance_and_promotion_by_group_heed_the_families_of_the_plan():
    tables = ("staff", "departments", "spells", "matches", "mentors", "rollout", "career_events")
    cohort = simulated("default", 6, departments=8, staff=500, months=30, outcomes=True, promotion=0.2, promotion_mentored=0.2, only=tables)
    plan = cohort.study.plan.model_copy(update={"families": {"of gender": ["gender"]}})
    planned = replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))
    for part, study, exhibit in (
        (concordance, equity_study, "equity.concordance.table"), (promotion_by_group, career_study, "careers.groups.adjusted"),
    ):
        one, several = (part(study(each)) for each in (cohort, planned))
        whole, apart = (next(e for e in each.exhibits if e.id == exhibit).frames["rows"] for each in (one, several))
        np.testing.assert_allclose(whole["adjusted"], holm(whole["p"].to_numpy()))
        own = np.array([".gender" in each.id for each in several.results])
        assert 0 < own.sum() < len(own)
        for family in (own, ~own):
            np.testing.assert_allclose(apart["adjusted"][family], holm(apart["p"].to_numpy()[family]))
