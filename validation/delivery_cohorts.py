"""Cohorts of `simulate_cohort` in memory, answered by the parts of the delivery chapter whose estimates have a known truth."""

from __future__ import annotations

from typing import Any

from mentorship_eval import simulate_cohort
from mentorship_eval.questions.truth import truth_in
from validation.analyses import Found
from validation.people_cohorts import found_of, in_memory

__all__ = ["DELIVERY_DIFFERENCES", "DELIVERY_LABELS", "delivered"]

READ = ("staff", "departments", "spells", "rollout", "matches", "mentors", "sessions", "feedback", "events", "surveys", "survey_invites", "wishes",
        "programmes")  # fmt: skip
DELIVERY_LABELS = {
    "delivery.matching.ends": "ending early, per tenth of the score of a match",
    "delivery.mentor_effects.between": "SD between mentors of a department in their mentees' ratings",
    "delivery.versions.remote": "sessions held remotely, second version minus first",
    "delivery.events": "workshops and events while mentored",
    "delivery.mentors.mentoring_competence_total": "competence of mentors, after minus before",
    "delivery.reverse.digital_confidence_total": "digital confidence of those mentored in reverse, after minus before",
    "delivery.cancelled.workload": "cancelled for workload, of the sessions cancelled",
    "delivery.topic.career": "sessions on careers, of those held",
    "delivery.direction.reverse": "reverse, of the matches",
    "delivery.format.group": "in groups, of the matches",
    "delivery.case_days": "days from a case to the session on it",
    "delivery.slippage": "days from the planned go-live to the actual one",
}
DELIVERY_DIFFERENCES = frozenset(DELIVERY_LABELS) - {"delivery.matching.ends", "delivery.events"}


def _results(seed: int, scenario: str, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    from mentorship_eval.questions.delivery import changes as scores
    from mentorship_eval.questions.delivery import kinds, matching, meetings, mentor_effects, setting, versions
    from mentorship_eval.questions.delivery.study import delivery_study

    made = simulate_cohort(scenario, seed=seed, outcomes=True, delivered=True, paired=True, **changes)
    study = delivery_study(in_memory(made, read=READ))
    parts = (matching.early_ends, mentor_effects.mentor_effects, versions.versions, setting.beside, setting.slippage, scores.mentor_benefits,
             scores.reverse_mentoring, meetings.held, meetings.topics, meetings.cases, kinds.kinds)  # fmt: skip
    return {result.id: result.estimate for part in parts for result in part(study).results}, truth_in(made.truth)


def delivered(seed: int, *, scenario: str, **changes: Any) -> dict[str, Found]:
    """One replicate: every estimate of the chapter that has a truth in this cohort; what is not told is a row without a figure."""
    answered, truths = _results(seed, scenario, changes)
    return found_of(answered, {name: truths[name] for name in DELIVERY_LABELS}, DELIVERY_DIFFERENCES)
