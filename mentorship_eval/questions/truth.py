"""The known truth of a simulated cohort, by the id of the result that aims at it.

A cohort folder with a ``truth.json`` is simulated; its numbers are shown beside the estimates and
enter no computation.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Result

__all__ = ["known_truth", "truth_in", "with_truth"]

# result id -> where truth.json says it
_PLACES = {
    "retention.being_mentored": ("retention", "hazard_ratio_absorbing"),
    "retention.programme_active": ("retention", "leaver_rate_ratio_programme_active"),
    "incidents.harm": ("incidents", "months_with_2_controls", "harm"),
    "incidents.no_harm": ("incidents", "months_with_2_controls", "no_harm"),
    "incidents.near_miss": ("incidents", "months_with_2_controls", "near_miss"),
    "incidents.all_incidents": ("incidents", "months_with_2_controls", "all_incidents"),
    "wellbeing.mbi_ee": ("outcomes", "exhaustion_change_mentored"),
    "wellbeing.pes_nwi": ("outcomes", "environment_change_mentored"),
    "wellbeing.cd_risc_10": ("outcomes", "resilience_change_mentored"),
    "wellbeing.uwes_9": ("outcomes", "engagement_change_mentored"),
    "wellbeing.who_5": ("outcomes", "wellbeing_change_mentored"),
    "wellbeing.gse": ("outcomes", "self_efficacy_change_mentored"),
    "wellbeing.hsopsc_communication_openness": ("outcomes", "openness_change_mentored"),
    "wellbeing.hsopsc_overall_perceptions": ("outcomes", "safety_culture_change_mentored"),
    "wellbeing.hsopsc_teamwork_across_units": ("outcomes", "across_units_change_mentored"),
    "wellbeing.wfc": ("outcomes", "work_family_change_mentored"),
    "wellbeing.belonging": ("outcomes", "belonging_change_mentored"),
    "wellbeing.job_satisfaction": ("outcomes", "satisfaction_change_mentored"),
    "innovation.projects": ("outcomes", "project_rate_ratio_mentored"),
    "innovation.where_active": ("innovation", "projects_rate_ratio_programme_active"),
    "innovation.digital_where_active": ("innovation", "projects_rate_ratio_programme_active"),
    "innovation.adoption": ("innovation", "adoption_hazard_ratio_mentored"),
    "innovation.together.LAB.projects.other": ("innovation", "lab_rate_ratio_alone"),
    "innovation.together.LAB.projects.interaction": ("innovation", "lab_rate_ratio_together_over_product"),
    "innovation.patients.falls": ("innovation", "monthly_outcomes_rate_ratio_programme_active"),
    "innovation.patients.pressure_injuries": ("innovation", "monthly_outcomes_rate_ratio_programme_active"),
    "innovation.patients.readmissions": ("innovation", "monthly_outcomes_rate_ratio_programme_active"),
    "careers.promotion": ("outcomes", "promotion_hazard_ratio_mentored"),
    "careers.leadership_role": ("outcomes", "leadership_role_hazard_ratio_mentored"),
    "careers.acting_up": ("outcomes", "acting_up_hazard_ratio_mentored"),
    "careers.certification": ("outcomes", "certification_hazard_ratio_mentored"),
    "collaboration.across_professions": ("outcomes", "ties_across_professions_rate_ratio_mentored"),
    "collaboration.within_profession": ("outcomes", "ties_within_profession_rate_ratio_mentored"),
    "collaboration.across_departments": ("outcomes", "ties_across_departments_rate_ratio_mentored"),
    "collaboration.share_across": ("outcomes", "tie_share_across_percentage_points_mentored"),
    "collaboration.handoffs": ("outcomes", "handoffs_rate_ratio_programme_active"),
    "careers.senior.gender.male": ("outcomes", "senior_percentage_points_men_minus_women"),
    "equity.reach.gender.male": ("outcomes", "reach_percentage_points_men_minus_women"),
    "equity.reach.ethnicity_group.others": ("outcomes", "reach_percentage_points_minority_minus_white"),
    "equity.reach.ethnicity_group.asian": ("outcomes", "reach_percentage_points_minority_minus_white"),
    "equity.reach.ethnicity_group.black": ("outcomes", "reach_percentage_points_minority_minus_white"),
    "equity.ratio.gender.female": ("outcomes", "reach_ratio_women"),
    "equity.ratio.gender.male": ("outcomes", "reach_ratio_men"),
    "equity.ratio.ethnicity_group.white": ("outcomes", "reach_ratio_white"),
    "equity.ratio.ethnicity_group.asian": ("outcomes", "reach_ratio_minority"),
    "equity.ratio.ethnicity_group.black": ("outcomes", "reach_ratio_minority"),
    "equity.dose.ethnicity_group.asian": ("outcomes", "session_ratio_minority"),
    "economics.net_benefit": ("outcomes", "net_benefit"),
    "economics.programme_cost": ("outcomes", "programme_cost"),
    "equity.dose.ethnicity_group.black": ("outcomes", "session_ratio_minority"),
    "delivery.cancelled.workload": ("delivery", "cancelled_for_workload_share"),
    "delivery.topic.career": ("delivery", "topic_career_share"),
    "delivery.direction.reverse": ("delivery", "reverse_share"),
    "delivery.format.group": ("delivery", "group_share"),
    "delivery.case_days": ("delivery", "days_from_case_to_session"),
    "delivery.slippage": ("delivery", "slippage_days"),
    "delivery.events": ("delivery", "events_rate_ratio_mentored"),
    "delivery.reverse.digital_confidence_total": ("delivery", "digital_confidence_change_reverse"),
    "delivery.mentors.mentoring_competence_total": ("delivery", "mentor_competence_change"),
    "delivery.matching.ends": ("pairing", "early_end_hazard_ratio_per_tenth_of_score"),
    "delivery.mentor_effects.between": ("pairing", "match_quality_sd_between_mentors"),
    "delivery.versions.remote": ("delivery", "remote_percentage_points_between_versions"),
}


def known_truth(cohort: Cohort) -> dict[str, float]:
    """Result id -> true value; empty for real data."""
    path = cohort.folder / "truth.json"
    if not path.is_file():
        return {}
    return truth_in(json.loads(path.read_text(encoding="utf-8")), cohort.study.plan.leaving)


def truth_in(told: dict[str, Any], leaving: str = "organisation") -> dict[str, float]:
    """Result id -> true value, from what truth.json tells; leaving: what the plan takes for it."""
    truth: dict[str, float] = {}
    for result_id, place in _PLACES.items():
        if result_id.startswith("retention.") and leaving != "organisation":
            continue  # the truth is of leaving the organisation
        value: Any = told
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            truth[result_id] = float(value)
    scales = told.get("outcomes", {}).get("scale_change_mentored", {})  # by the name of the scale
    return truth | {f"wellbeing.{name}": float(value) for name, value in scales.items()}


def with_truth(results: list[Result], cohort: Cohort) -> list[Result]:
    """The results, each with the truth it aims at where one is known."""
    truth = known_truth(cohort)
    return [replace(result, truth=truth.get(result.id)) for result in results]
