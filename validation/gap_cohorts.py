"""Cohorts of `simulate_cohort` in which groups differ in nothing but in who is mentored: every gap, and every change of a gap, is none.

Parts of the chapters on careers and equity whose truth no formula gives once mentorship acts: promotion by group and from a landmark, the change of
gaps in staying. Excess risk and ratios of ratios are none too where mentorship acts on everybody alike, since no group leaves more than another.
"""

from __future__ import annotations

from typing import Any

from mentorship_eval import simulate_cohort
from mentorship_eval.estimate import Estimate
from validation.analyses import Found
from validation.once import asked_once
from validation.people_cohorts import found_of, in_memory

__all__ = ["GAP_DIFFERENCES", "GAP_LABELS", "gaps"]

_PROMOTED = {
    "careers.promotion.difference.12": "promoted 12 months after the landmark, mentored minus not",
    "careers.promotion.gender.male": "promotion, men against women",
    "careers.promotion.ethnicity_group.asian": "promotion, Asian against white",
    "careers.promotion.ethnicity_group.black": "promotion, Black against white",
    "careers.promotion.profession.physician": "promotion, physicians against nurses",
    "careers.promotion.profession.allied_health": "promotion, allied health against nurses",
}
_STAYING = {
    "equity.staying.gender.male": "change of the gap in staying, men against women",
    "equity.staying.ethnicity_group.asian": "change of the gap in staying, Asian against white",
    "equity.staying.ethnicity_group.black": "change of the gap in staying, Black against white",
    "equity.staying.profession.physician": "change of the gap in staying, physicians against nurses",
}
_EXCESS = {
    "equity.reri.gender.male": "excess risk of leaving (RERI), men against women",
    "equity.reri.ethnicity_group.other": "excess risk of leaving (RERI), joined minority groups against white",
    "equity.interaction.gender.male": "ratio of ratios of leaving, men against women",
    "equity.interaction.ethnicity_group.other": "ratio of ratios of leaving, joined minority groups against white",
}
GAP_LABELS = {**_PROMOTED, **_STAYING, **_EXCESS}
GAP_DIFFERENCES = frozenset(name for name in GAP_LABELS if any(word in name for word in (".difference.", ".staying.", ".reri.")))


def _answered(cohort: Any, whole: bool) -> dict[str, Estimate]:
    from mentorship_eval.questions.careers.being_mentored import by_landmark
    from mentorship_eval.questions.careers.groups import promotion_by_group
    from mentorship_eval.questions.careers.steps import career_study
    from mentorship_eval.questions.equity.eligible import equity_study
    from mentorship_eval.questions.equity.staying import excess_risk, gaps_in_staying

    results = list(excess_risk(equity_study(cohort)).results)
    if whole:
        careers = career_study(cohort)
        results += [*by_landmark(careers).results, *promotion_by_group(careers).results, *gaps_in_staying(equity_study(cohort)).results]
    return {result.id: result.estimate for result in results}


def gaps(seed: int, *, scenario: str, **changes: Any) -> dict[str, Found]:
    """One replicate. Where mentorship acts (any scenario but ``null``), excess risk and ratios of ratios alone."""
    names = GAP_LABELS if scenario == "null" else _EXCESS
    with asked_once():
        made = simulate_cohort(scenario, seed=seed, outcomes=True, **changes)
        answered = _answered(in_memory(made), scenario == "null")
    return found_of(answered, {name: 0.0 if name in GAP_DIFFERENCES else 1.0 for name in names}, GAP_DIFFERENCES)
