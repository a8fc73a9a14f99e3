"""What was simulated, as the tables of a cohort folder."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.careers import NEVER
from mentorship_eval.cohort.simulation.departments import PROFESSIONS, Departments, identifiers
from mentorship_eval.cohort.simulation.parameters import DAYS_PER_MONTH, Parameters, window_days
from mentorship_eval.cohort.simulation.population import Population

__all__ = ["department_table", "exposure_table", "incident_table", "match_table", "rollout_table", "spell_table", "staff_table"]

PROGRAMME = "P1"
CATEGORIES = {"falls": 0.32, "medication": 0.22, "pressure": 0.12, "equipment": 0.10, "teamwork": 0.14, "records": 0.10}
# the new reporting system names some categories differently
RECODED = {"equipment": "device", "teamwork": "handover"}
HARM_MIX = {"low": 0.78, "moderate": 0.17, "severe": 0.04, "death": 0.01}


def dates(parameters: Parameters, days: np.ndarray) -> pd.Series:
    """Days from the first day of the window as dates; missing from `NEVER` on."""
    days = np.asarray(days)
    known = days < NEVER
    values = np.datetime64(parameters.start, "D") + np.where(known, days, 0).astype("timedelta64[D]")
    return pd.Series(np.where(known, values, np.datetime64("NaT"))).astype("datetime64[ns]")


def pick(table: dict[str, float], size: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(list(table), object)[rng.choice(len(table), p=list(table.values()), size=size)]


def staff_table(population: Population, ids: np.ndarray) -> pd.DataFrame:
    people = population.people
    return pd.DataFrame({"staff_id": ids, "birth_year": people.birth_year, "gender": np.where(people.female, "female", "male"),
                         "ethnicity_group": people.ethnicity, "profession": np.asarray(list(PROFESSIONS), object)[people.profession],
                         "newly_qualified": people.newly_qualified.astype(int)})


def department_table(departments: Departments, ids: np.ndarray) -> pd.DataFrame:
    name = [f"{specialty.replace('_', ' ').capitalize()} {index}" for index, specialty in enumerate(departments.specialty, start=1)]
    return pd.DataFrame({"dept_id": ids, "site_id": [f"T{site + 1}" for site in departments.site],
                         "org_id": [f"O{organisation + 1}" for organisation in departments.organisation], "name": name,
                         "specialty": departments.specialty, "high_burnout": departments.high_burnout.astype(int),
                         "beds": departments.beds})


def rollout_table(parameters: Parameters, departments: Departments, ids: np.ndarray) -> pd.DataFrame:
    """Random allocation, or, with selection_months, targeted: by which metric, and in which months."""
    go_live = departments.go_live
    active = dates(parameters, np.where(go_live < 0, NEVER, window_days(parameters)[np.maximum(go_live, 0)]))
    table = pd.DataFrame({"programme_id": PROGRAMME, "dept_id": ids, "planned_from": active, "active_from": active, "active_to": pd.NaT,
                          "allocation": "targeted" if parameters.selection_months else "random"})
    if parameters.selection_months:
        month = np.datetime64(parameters.start, "M") + min(parameters.waves)
        table["selection_metric"] = "harm incidents per 1,000 patient-days"
        table["selection_window"] = f"{month - parameters.selection_months}/{month - 1}"
    return table


def spell_table(parameters: Parameters, population: Population, staff: np.ndarray, departments: np.ndarray,
                rng: np.random.Generator) -> pd.DataFrame:
    """Posts as spells; after a transfer the next one starts the next day. A few who left are hired again, well after 30 days."""
    careers, last = population.careers, int(window_days(parameters)[-1]) - 1
    first = np.append(True, careers.post_person[1:] != careers.post_person[:-1])
    start = careers.post_start + np.where(first, 0, 1)
    person, place, stop, reason = careers.post_person, careers.post_dept, careers.post_stop, careers.post_reason
    leavers = np.flatnonzero((reason == "voluntary") & (stop > 0))
    back = leavers[rng.random(len(leavers)) < parameters.rehire]
    again = stop[back] + 45 + np.round(rng.exponential(120, len(back))).astype(int)
    length = 1 + np.round(rng.exponential(DAYS_PER_MONTH / parameters.hazard[1], len(back))).astype(int)
    back, again, length = (values[again <= last] for values in (back, again, length))
    finish = np.where(again + length <= last, again + length, NEVER)
    table = pd.DataFrame({"person": np.concatenate([person, person[back]]), "dept": np.concatenate([place, place[back]]),
                          "start": np.concatenate([start, again]), "stop": np.concatenate([stop, finish]),
                          "reason": np.concatenate([reason, np.where(finish < NEVER, "voluntary", "")])})
    table = table.sort_values(["person", "start"], kind="stable", ignore_index=True)
    made = pd.DataFrame({"staff_id": staff[table["person"]], "dept_id": departments[table["dept"]],
                         "start": dates(parameters, table["start"]), "end": dates(parameters, table["stop"]),
                         "leaving_reason": table["reason"].where(table["reason"] != "", None)})
    if parameters.post_details:
        made["wte"], made["contract"] = population.people.wte[table["person"]], population.people.contract[table["person"]]
    return made


def match_table(parameters: Parameters, population: Population, staff: np.ndarray) -> pd.DataFrame:
    careers, last = population.careers, int(window_days(parameters)[-1]) - 1
    mentee = np.flatnonzero(careers.match_start <= last)
    mentee = mentee[np.lexsort((mentee, careers.match_start[mentee]))]
    finish, reason, left = careers.match_end[mentee], careers.match_reason[mentee], careers.exit[mentee]
    reason = np.where(left < finish, "mentee_left", reason)
    finish = np.minimum(finish, left)
    ended = finish <= last
    return pd.DataFrame({"match_id": identifiers("M", len(mentee)), "programme_id": PROGRAMME,
                         "mentor_id": staff[population.mentor[mentee]], "mentee_id": staff[mentee],
                         "start": dates(parameters, careers.match_start[mentee]),
                         "end": dates(parameters, np.where(ended, finish, NEVER)), "end_reason": np.where(ended, reason, None),
                         "relationship_type": "mentoring"})


def exposure_table(parameters: Parameters, population: Population, ids: np.ndarray, patient_days: np.ndarray) -> pd.DataFrame:
    """Patient-days, and the whole-time equivalents in post on the first of the month."""
    careers, days = population.careers, window_days(parameters)[:-1]
    wte = np.zeros(patient_days.shape)
    weight = population.people.wte[careers.post_person]
    for month, day in enumerate(days):
        there = (careers.post_start <= day) & (careers.post_stop > day)
        wte[:, month] = np.bincount(careers.post_dept[there], weights=weight[there], minlength=len(ids))
    number, months = patient_days.shape
    return pd.DataFrame({"dept_id": np.repeat(ids, months), "month": np.tile(dates(parameters, days), number),
                         "patient_days": patient_days.ravel().astype(int), "staffed_wte": np.round(wte.ravel(), 1)})


def incident_table(parameters: Parameters, counts: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """One row per incident: counts is kind x department x month."""
    edges = window_days(parameters)
    kind, dept, month = (np.repeat(index, counts.ravel()) for index in (axis.ravel() for axis in np.indices(counts.shape)))
    number = len(kind)
    occurred = edges[month] + np.floor(rng.random(number) * (edges[month + 1] - edges[month])).astype(int)
    reported = occurred + rng.geometric(0.4, size=number) - 1 + np.where(rng.random(number) < 0.05, rng.integers(7, 60, size=number), 0)
    category = pick(CATEGORIES, number, rng)
    after = month >= parameters.switch_month
    for old, new in RECODED.items():
        category = np.where(after & (category == old), new, category)
    harm = np.where(kind == 0, pick(HARM_MIX, number, rng), np.where(kind == 1, "none", "near_miss"))
    table = pd.DataFrame({"dept_id": ids[dept], "occurred": dates(parameters, occurred), "reported": dates(parameters, reported),
                          "category": category, "harm": harm})
    if parameters.systems:
        table["system"] = np.where(after, parameters.systems[-1], parameters.systems[0])
    table = table.sort_values(["occurred", "dept_id", "harm", "category", "reported"], kind="stable", ignore_index=True)
    table.insert(0, "incident_id", identifiers("I", number))
    return table
