"""Whom the programme reaches: the true share ever matched within 12 months of becoming eligible, by group, from hazards and never from matches.

Everybody eligible is given each group's odds in turn, all else as it is, so that a scenario without an access gap has none at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mentorship_eval.cohort.simulation.careers import Hazards
from mentorship_eval.cohort.simulation.departments import Departments, is_minority, uptake_gaps, uptake_probability
from mentorship_eval.cohort.simulation.parameters import DAYS_PER_MONTH, Parameters, window_days
from mentorship_eval.cohort.simulation.population import Population

__all__ = ["access_truth"]

_STEP, _YEAR = 7.0, 365.0


def access_truth(parameters: Parameters, departments: Departments, population: Population) -> dict[str, Any]:
    """Shares in percentage points and their ratios to everybody's share."""
    hazards, careers, people = Hazards(parameters, departments), population.careers, population.people
    last, year = int(window_days(parameters)[-1]) - 1, int(parameters.start[:4])
    since = np.maximum.reduce([careers.post_start, hazards.active_from[careers.post_dept] - 1, np.zeros(len(careers.post_start))])
    able = (since < np.minimum(careers.post_stop, last)) & ~population.is_mentor[careers.post_person]
    order = np.lexsort((since[able], careers.post_person[able]))
    person, first = np.unique(careers.post_person[able][order], return_index=True)
    if not len(person):
        return {}
    begin, dept = since[able][order][first], careers.post_dept[able][order][first]
    some = people.take(person)
    risk, unmatched = some.at_risk, np.ones(len(person))  # of a willing person: neither matched nor gone
    reached, rate = np.zeros(len(person)), 1 / (parameters.uptake_delay * DAYS_PER_MONTH)
    organisation = np.bincount(departments.organisation)
    for day in np.arange(0, _YEAR, _STEP):
        width = min(_STEP, _YEAR - day)
        now = begin + day + width / 2
        retirement, contract, transfer = hazards.others(risk, now, year)
        off = np.array([(hazards.active_from[departments.organisation == each] > np.median(now)).mean() for each in range(len(organisation))])
        away = hazards.voluntary(risk, dept, now) + retirement + contract + transfer * off[departments.organisation[dept]]
        total = rate + away
        reached += unmatched * rate / total * -np.expm1(-total * width)
        unmatched *= np.exp(-total * width)
    chance = uptake_probability(parameters, people, departments)[person]
    women, minority = uptake_gaps(parameters)
    logit, female, other = np.log(chance / (1 - chance)), some.female, is_minority(some.ethnicity)

    def share(shift: np.ndarray) -> float:
        return float((reached / (1 + np.exp(-logit - shift))).mean())

    as_is = share(np.zeros(len(person)))
    by = {"women": share(women * (1.0 - female)), "men": share(-women * female),
          "minority": share(minority * (1.0 - other)), "white": share(-minority * other)}
    return {
        "reach_12_months": as_is,
        "reach_percentage_points_men_minus_women": 100 * (by["men"] - by["women"]),
        "reach_percentage_points_minority_minus_white": 100 * (by["minority"] - by["white"]),
        **{f"reach_ratio_{name}": value / as_is for name, value in by.items()},
        "session_ratio_minority": parameters.sessions_minority,
        "concordance_beyond_chance": "none" if parameters.alike == 0 else "mentors of the own gender are preferred",
        "match_quality_same_gender": parameters.quality_alike,
    }
