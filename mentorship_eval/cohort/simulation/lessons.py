"""What each scenario is there to show: the value that the default analysis aims at, and what a naive one would show.

Naive values come from the generator's expectations where an expectation can be had, else from the records of this very
cohort; each says which.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.careers import Hazards
from mentorship_eval.cohort.simulation.departments import Departments
from mentorship_eval.cohort.simulation.incidents import ExpectedIncidents
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days
from mentorship_eval.cohort.simulation.population import Population

__all__ = ["lesson"]

_EXPECTED, _RECORDS = "expected values of the generator", "records of this cohort"


def lesson(scenario: str, parameters: Parameters, departments: Departments, population: Population, expected: ExpectedIncidents,
           tables: dict[str, pd.DataFrame], patient_days: np.ndarray, truth: dict[str, Any]) -> dict[str, Any] | None:
    """default: analysis, aims_at. naive: analysis, shows, computed_from. None for scenarios without a lesson of their own."""
    cells = truth["incidents"]["months_with_2_controls"]
    leaving, harm = truth["retention"]["hazard_ratio_absorbing"], cells["harm"]
    if scenario == "immortal":
        return _told("hazard ratio of leaving, mentored from the day of the match on", leaving,
                     "rate of leaving of those ever mentored over those never mentored", ever_over_never(parameters, tables), _RECORDS)
    if scenario == "reporting_culture":
        return _told("rate ratio of harm", harm, "rate ratio of all incidents", cells["all_incidents"], _EXPECTED)
    if scenario == "regression_to_mean" and parameters.selection_months:
        return _told("rate ratio of harm without the months of selection", harm,
                     "harm after over harm in the months of selection, departments with the programme",
                     after_over_selection(parameters, departments, tables, patient_days), _RECORDS)
    if scenario == "late_effect":
        return _told("hazard ratio of leaving while or after being mentored, averaged over the time since the match", leaving,
                     f"hazard ratio in the first {parameters.hazard_delay:g} months of mentoring", 1.0, _EXPECTED) | {
            "hazard_ratio_after_the_delay": parameters.hazard_ratio, "harm_irr_after_the_delay": parameters.harm_irr,
            "delay_months": {"leaving": parameters.hazard_delay, "harm": parameters.harm_delay}}
    if scenario == "competing_exits":
        return _told("hazard ratio of voluntary leaving", leaving, "hazard ratio of leaving for any reason",
                     any_reason(parameters, departments, population), _EXPECTED)
    if scenario == "informative_missing":
        return _told("difference in emotional exhaustion, mentored against not", parameters.exhaustion_change,
                     "difference among those who answer the second wave", among_answers(parameters, 1), _EXPECTED)
    if scenario == "system_switch":
        return _told("rate ratio of harm", harm, "harm from go-live on over harm before it, departments with the programme",
                     after_over_before(expected, patient_days), _EXPECTED)
    return None


def _told(default: str, aims_at: float | None, naive: str, shows: float | None, computed: str) -> dict[str, Any]:
    return {"default": {"analysis": default, "aims_at": aims_at}, "naive": {"analysis": naive, "shows": shows, "computed_from": computed}}


def ever_over_never(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> float | None:
    """Crude ratio of voluntary leavers per person-day of those ever mentored to those never."""
    start, last = pd.Timestamp(parameters.start), int(window_days(parameters)[-1]) - 1
    spells = tables["spells"]
    begin = (spells["start"] - start).dt.days.clip(lower=0)
    finish = (spells["end"] - start).dt.days.fillna(last).clip(upper=last)
    ever = spells["staff_id"].isin(tables["matches"]["mentee_id"])
    days = (finish - begin).clip(lower=0).groupby(ever).sum()
    left = (spells["leaving_reason"].eq("voluntary") & (spells["end"] > start)).groupby(ever).sum()
    rate = left / days
    return float(rate[True] / rate[False]) if True in rate and rate.get(False, 0) > 0 else None


def _harm(parameters: Parameters, departments: Departments, tables: dict[str, pd.DataFrame]) -> np.ndarray:
    """Counts of harm, department x month."""
    records = tables["incidents"]
    records = records[records["harm"].isin(["low", "moderate", "severe", "death"])]
    month = (records["occurred"].to_numpy().astype("datetime64[M]") - np.datetime64(parameters.start, "M")).astype(int)
    dept = pd.Index(tables["departments"]["dept_id"]).get_indexer(records["dept_id"])
    counts = np.zeros((parameters.departments, parameters.months))
    np.add.at(counts, (dept, month), 1.0)
    return counts


def after_over_selection(parameters: Parameters, departments: Departments, tables: dict[str, pd.DataFrame],
                         patient_days: np.ndarray) -> float | None:
    counts, live = _harm(parameters, departments, tables), min(parameters.waves)
    chosen = np.flatnonzero(departments.go_live >= 0)
    window = slice(live - parameters.selection_months, live)
    before = counts[chosen, window].sum() / patient_days[chosen, window].sum()
    after = counts[chosen, live:].sum() / patient_days[chosen, live:].sum()
    return float(after / before) if before > 0 else None


def after_over_before(expected: ExpectedIncidents, patient_days: np.ndarray) -> float | None:
    """Expected harm per patient-day with the programme over that before it, in the departments that ever have it."""
    ever = np.asarray(expected.treated.any(axis=1))[:, None]
    with_ = np.asarray(expected.treated)
    before = np.asarray(ever & ~with_)
    if not (with_.any() and before.any()):
        return None
    harm = expected.mean[0]
    return float(harm[with_].sum() / patient_days[with_].sum() / (harm[before].sum() / patient_days[before].sum()))


def any_reason(parameters: Parameters, departments: Departments, population: Population, step: float = 7.0) -> float | None:
    """Expected leavers of the organisation among the mentored over what they would have been without mentoring, all reasons alike."""
    hazards, careers, people = Hazards(parameters, departments), population.careers, population.people.at_risk
    year, last = int(parameters.start[:4]), int(window_days(parameters)[-1]) - 1
    start, stop = np.maximum(careers.post_start, 0), np.minimum(careers.post_stop, last)
    with_, without = 0.0, 0.0
    for day in np.arange(0, last, step) + step / 2:
        share = np.minimum(stop, day + step / 2) - np.maximum(start, day - step / 2)
        open_ = np.flatnonzero((share > 0) & (day > careers.match_start[careers.post_person]))
        person, days = careers.post_person[open_], share[open_]
        middle = np.clip(day, start[open_] + 0.5, stop[open_] - 0.5)
        some = people.take(person)
        plain = hazards.voluntary(some, careers.post_dept[open_], middle) * days
        retirement, contract, _ = hazards.others(some, middle, year)
        rest = float(((retirement + contract) * days).sum())
        with_ += float((plain * hazards.effect(middle, careers.match_start[person], careers.match_end[person])).sum()) + rest
        without += float(plain.sum()) + rest
    return with_ / without if without else None


def among_answers(parameters: Parameters, wave: int) -> float:
    """Difference of mean exhaustion among those who answer, by the midpoint rule over +- 8 SD of the score."""
    mean, spread = parameters.exhaustion
    z = np.linspace(-8, 8, 16001)
    share = parameters.response[min(wave, len(parameters.response) - 1)]
    level = []
    for mentored in (0.0, 1.0):
        score = mean + spread * z + parameters.exhaustion_change * mentored
        logit = np.log(share / (1 - share)) + parameters.response_per_sd * (score - mean) / spread + parameters.response_mentored * mentored
        weight = np.exp(-(z**2) / 2) / (1 + np.exp(-logit))
        level.append(float((weight * np.clip(score, 0, 54)).sum() / weight.sum()))
    return level[1] - level[0]
