"""The true value of every default estimand, from the generator's own hazards and means, never from events.

Hazards are integrated over the person-time that was lived, in steps of a few days, which conditions on who was
at risk and mentored, as the analyses do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentorship_eval.cohort.simulation.careers import Hazards
from mentorship_eval.cohort.simulation.departments import Departments
from mentorship_eval.cohort.simulation.incidents import KINDS, ExpectedIncidents
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.population import Population

__all__ = ["incident_truth", "retention_truth"]

_BLOCK = 1_000_000  # posts at a time


def retention_truth(parameters: Parameters, departments: Departments, population: Population, step: float = 7.0) -> dict[str, Any]:
    """Hazard ratios of being mentored, and the ratio of expected voluntary leavers under the programme to without it."""
    hazards, careers, people = Hazards(parameters, departments), population.careers, population.people.at_risk
    last = int(window_days(parameters)[-1]) - 1
    with_, without, logs, active_days, after_days = 0.0, 0.0, 0.0, 0.0, 0.0
    programme_with, programme_without = 0.0, 0.0
    for low in range(0, len(careers.post_person), _BLOCK):
        block = slice(low, low + _BLOCK)
        start, stop = np.maximum(careers.post_start[block], 0), np.minimum(careers.post_stop[block], last)
        alive = np.flatnonzero(stop > start)
        post_person, post_dept = careers.post_person[block], careers.post_dept[block]
        # before both the match and the go-live nothing of a post enters a sum
        touched = np.minimum(careers.match_start[post_person], hazards.active_from[post_dept] - 1)[alive]
        first, end = start[alive], stop[alive]
        for day in np.arange(0, last, step) + step / 2:
            low, high = day - step / 2, day + step / 2
            some = np.flatnonzero((first < high) & (end > low) & (touched < high))
            open_ = alive[some]
            # the part of this step that each post was open for
            days = np.minimum(end[some], high) - np.maximum(first[some], low)
            person, dept = post_person[open_], post_dept[open_]
            middle = np.clip(day, start[open_] + 0.5, stop[open_] - 0.5)
            plain = hazards.voluntary(people.take(person), dept, middle) * days
            mentored = middle > careers.match_start[person]
            ratio = hazards.effect(middle, careers.match_start[person], careers.match_end[person])
            with_ += float((plain * ratio)[mentored].sum())
            without += float(plain[mentored].sum())
            logs += float((plain * ratio * np.log(ratio))[mentored].sum())
            active_days += float(days[mentored & (middle <= careers.match_end[person])].sum())
            after_days += float(days[mentored & (middle > careers.match_end[person])].sum())
            programme = middle > hazards.active_from[dept] - 1
            programme_with += float((plain * ratio)[programme].sum())
            programme_without += float(plain[programme].sum())
    return {
        "hazard_ratio_while_active": parameters.hazard_ratio,
        "hazard_ratio_after_end": parameters.hazard_ratio_after,
        "hazard_ratio_absorbing": math.exp(logs / with_) if with_ else None,
        "hazard_ratio_absorbing_of_sums": with_ / without if without else None,
        "mentored_person_days": {"while_active": round(active_days), "after_end": round(after_days)},
        "leaver_rate_ratio_programme_active": programme_with / programme_without if programme_without else None,
        "leavers_avoided_programme_active": programme_without - programme_with,
        "acts_on": "voluntary leaving only; retirement, end of contract and transfer are left as they are",
        "measured_confounders": ["newly_qualified", "profession", "department"],
        "unmeasured_confounding": parameters.commitment_hr != 1.0 and parameters.commitment_uptake != 0.0,
    }


def incident_truth(parameters: Parameters, expected: ExpectedIncidents, min_controls: int = 2) -> dict[str, Any]:
    """Ratios of expected counts under the programme to expected without it, over treated department-months."""
    controls = (~expected.treated).sum(axis=0)
    cells = {"all_treated_months": expected.treated, f"months_with_{min_controls}_controls": expected.treated & (controls >= min_controls)}
    result: dict[str, Any] = {"harm_irr_after_ramp": parameters.harm_irr, "ramp_months": parameters.ramp_months,
                              "reporting_ratio": parameters.reporting}
    for name, chosen in cells.items():
        values: dict[str, Any] = {"department_months": int(chosen.sum())}
        for index, kind in enumerate(KINDS):
            without = float(expected.without[index][chosen].sum())
            values[kind] = float(expected.mean[index][chosen].sum()) / without if without else None
        total = float(expected.without[:, chosen].sum())
        values["all_incidents"] = float(expected.mean[:, chosen].sum()) / total if total else None
        values["harm_avoided"] = float((expected.without - expected.mean)[0][chosen].sum())
        result[name] = values
    return result
