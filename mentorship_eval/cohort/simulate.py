"""Cohorts with known truth: `simulate_cohort` and what it returns.

A continuous-time simulation of careers under a staggered roll-out, and of incident reports in the same
departments. What it assumes: mentorship multiplies the hazard of voluntary leaving while a match lasts and, less so,
after it; whom it reaches depends on what also drives leaving (newly qualified, profession, department); the
programme lowers harm gradually and raises the reporting of incidents without harm at once. ``truth`` gives the
value that each default analysis aims at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation import tables as make
from mentorship_eval.cohort.simulation.access import access_truth
from mentorship_eval.cohort.simulation.delivered import delivered_tables, delivered_truth
from mentorship_eval.cohort.simulation.departments import draw_departments, identifiers
from mentorship_eval.cohort.simulation.files import write_json, write_study, write_tables
from mentorship_eval.cohort.simulation.further import further_tables
from mentorship_eval.cohort.simulation.incidents import draw_incidents, draw_patient_days
from mentorship_eval.cohort.simulation.innovated import innovated_tables
from mentorship_eval.cohort.simulation.instruments import directions_of
from mentorship_eval.cohort.simulation.lessons import lesson
from mentorship_eval.cohort.simulation.merger import merge_departments, merging_pair
from mentorship_eval.cohort.simulation.messy.cohort import Messy, make_messy
from mentorship_eval.cohort.simulation.messy.listed import as_listed, rounded_to_lists
from mentorship_eval.cohort.simulation.paired import paired_tables, paired_truth
from mentorship_eval.cohort.simulation.parameters import SCENARIOS, Parameters, parameters_of, streams
from mentorship_eval.cohort.simulation.population import populate
from mentorship_eval.cohort.simulation.sessions import dose_truth, mentor_table, session_table
from mentorship_eval.cohort.simulation.steps import SENIOR
from mentorship_eval.cohort.simulation.truth import incident_truth, retention_truth
from mentorship_eval.cohort.simulation.wards import calendar_table, cost_truth
from mentorship_eval.errors import UsageError

__all__ = ["SCENARIOS", "Parameters", "SimulatedCohort", "simulate_cohort"]


@dataclass(frozen=True)
class SimulatedCohort:
    """tables: DataFrames by name; truth: JSON-able; study: the content of study.yaml; parameters: what it was drawn with."""

    tables: dict[str, pd.DataFrame]
    truth: dict[str, Any]
    study: dict[str, Any]
    parameters: Parameters

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def write(self, folder: str | Path, format: str = "csv") -> Path:
        """The tables (``csv`` or ``parquet``, in blocks of rows), study.yaml and truth.json in ``folder``; the same cohort gives the same bytes."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_tables(folder, self.tables, format)
        write_study(folder, _with_suffix(self.study, format))
        write_json(folder / "truth.json", self.truth)
        return folder

    def aggregated(self) -> SimulatedCohort:
        """The same cohort in the aggregated forms: durations in place of spells and matches, counts in place of incidents and exposure."""
        from mentorship_eval.cohort.simulation.aggregated import aggregated_tables

        tables, study = aggregated_tables(self.tables, self.study)
        return SimulatedCohort(tables, self.truth, study, self.parameters)

    def statement(self) -> str:
        counts = ", ".join(f"{len(table):,} {name}" for name, table in self.tables.items())
        return f"A simulated cohort (scenario {self.truth['scenario']}, seed {self.truth['seed']}): {counts}."


@dataclass(frozen=True)
class MessyCohort(SimulatedCohort):
    """tables: what is true, as far as the extracts can show it; raw: the extracts, with the study file that reads them."""

    raw: Messy
    lost: dict[str, Any]

    def with_faults(self, faults: str | list[str]) -> MessyCohort:
        """The same cohort with other faults in its extracts."""
        raw = make_messy(self.parameters, self.tables, self.lost, self.study, self.truth["seed"], faults)
        return replace(self, raw=raw)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """kind, code, file, rows, column, what, undone, bound of everything that was planted."""
        return list(self.raw.faults["faults"])

    def clean(self) -> SimulatedCohort:
        """The same cohort in our own tables; with the fault ``months_only`` its spells are rounded as lists without days round them."""
        tables = dict(self.tables)
        if any(fault["kind"] == "months_only" for fault in self.faults):
            tables["spells"] = rounded_to_lists(self.parameters, tables["spells"])[0]
        return SimulatedCohort(tables, self.truth, self.study, self.parameters)

    def write(self, folder: str | Path, format: str = "csv") -> Path:
        """The extracts, study.yaml, truth.json and faults.json in ``folder``; the key file of e-mail addresses in ``keys``.

        Extracts come as their systems write them: another ``format`` than csv raises `UsageError`.
        """
        if format != "csv":
            raise UsageError("Raw extracts have formats of their own.", fix="Leave format out; clean() can be written in any.")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.raw.write(folder)
        write_study(folder, self.raw.study)
        write_json(folder / "truth.json", self.truth)
        write_json(folder / "faults.json", self.raw.faults)
        return folder


def _with_suffix(study: dict[str, Any], format: str) -> dict[str, Any]:
    """The study with its files under the ending of ``format``."""

    def renamed(source: Any) -> Any:
        return {**source, "file": renamed(source["file"])} if isinstance(source, dict) else source.removesuffix(".csv") + f".{format}"

    return {**study, "tables": {name: renamed(source) for name, source in study["tables"].items()}}


def _rounded(value: Any) -> Any:
    """Truth to nine significant digits, so that the last bits of a sum do not change the file."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def simulate_cohort(scenario: str = "default", *, seed: int = 0, name: str | None = None, faults: str | list[str] | None = None,
                    **changes: Any) -> SimulatedCohort:
    """A cohort of a named scenario, with any parameter changed by keyword.

    scenario: a name of `SCENARIOS`, each with a line about what it shows: ``default``, ``null`` (no effect of any kind), ``confounded``,
    ``immortal``, ``reporting_culture``, ``regression_to_mean``, ``few_departments``, ``one_pilot_ward``, ``tiny_programme``,
    ``late_effect``, ``competing_exits``, ``informative_missing``, ``system_switch``, ``messy``.
    faults: of ``messy``, what is planted in its extracts: ``none``, ``exact`` (what can be undone without a trace), ``repairable`` (the default:
    also what may move the estimates within a bound), ``all`` (also what stops), or a list of kinds of faults.
    changes: fields of `Parameters`, such as ``departments=24, staff=2400, months=36, start="2022-01-01", hazard_ratio=0.75,
    harm_irr=0.85, reporting=1.25``.

    With ``outcomes=True`` also every optional table: surveys, survey_invites, projects, career_events, goals, feedback, programmes,
    training, collaboration, audits, costs, calendar, dept_lineage; `SimulatedCohort.aggregated` gives durations and counts.
    With ``instruments="all"`` besides, a score of every scale that a shipped scoring key holds.
    With ``innovated=True`` besides, projects with what came of them, innovation labs in rollout, and outcomes_monthly.
    With ``paired=True``, scores of matches, wishes for the next round, and mentors who differ in their mentees' eyes.
    staff is the number of people who were employed at the start of the window or hired in it. Raises `UsageError` for
    an unknown scenario or parameter.
    """
    parameters = parameters_of(scenario, changes)
    if faults is not None and scenario != "messy":
        raise UsageError("faults are planted in the scenario messy alone.", fix='Say simulate_cohort("messy", faults=...).')
    rng = streams(seed)
    departments = draw_departments(parameters, rng["departments"], rng["rollout"])
    patient_days = draw_patient_days(parameters, departments, rng["exposure"])
    departments, expected, counts = draw_incidents(parameters, departments, patient_days, rng)
    population = populate(parameters, departments, rng)
    dept_ids, staff_ids = identifiers("D", parameters.departments), identifiers("S", parameters.staff)
    # numbered in random order, so that an id tells nothing about tenure
    shuffled = np.empty(parameters.staff, dtype=object)
    shuffled[rng["details"].permutation(parameters.staff)] = staff_ids
    tables = {
        "staff": make.staff_table(population, shuffled).sort_values("staff_id", ignore_index=True),
        "departments": make.department_table(departments, dept_ids),
        "spells": make.spell_table(parameters, population, shuffled, dept_ids, rng["details"])
        .sort_values(["staff_id", "start"], kind="stable", ignore_index=True),
        "rollout": make.rollout_table(parameters, departments, dept_ids),
        "matches": make.match_table(parameters, population, shuffled),
        "incidents": make.incident_table(parameters, counts, dept_ids, rng["details"]),
        "exposure": make.exposure_table(parameters, population, dept_ids, patient_days),
    }
    tables["mentors"] = mentor_table(parameters, shuffled, population.is_mentor, rng["sessions"])
    tables["sessions"] = session_table(parameters, tables["matches"], tables["staff"], rng["sessions"])
    retained = retention_truth(parameters, departments, population)
    truth = {
        "scenario": scenario,
        "seed": seed,
        "retention": retained,
        "dose": dose_truth(parameters, tables["sessions"]),
        "incidents": incident_truth(parameters, expected),
        "parameters": parameters.as_dict(),
    }
    if parameters.outcomes:
        more, outcome_truth = further_tables(parameters, departments, tables, rng)
        avoided = retained["leavers_avoided_programme_active"]
        truth["outcomes"] = {**outcome_truth, **cost_truth(parameters, tables | more, avoided), **access_truth(parameters, departments, population)}
        tables |= more
    elif parameters.systems:
        tables["calendar"] = calendar_table(parameters)
    if parameters.delivered:
        tables |= delivered_tables(parameters, tables, rng["delivered"])
        truth["delivery"] = delivered_truth(parameters)
    if parameters.innovated and parameters.outcomes:
        more, innovated = innovated_tables(parameters, tables, rng["innovated"])
        tables |= more
        truth["innovation"] = innovated
    if parameters.paired:
        tables |= paired_tables(parameters, tables, rng["paired"])
        truth["pairing"] = paired_truth(parameters)
    if parameters.merger_month >= 0:
        gone, stays = merging_pair(departments)
        tables = merge_departments(parameters, tables, dept_ids[gone], dept_ids[stays])
    told = lesson(scenario, parameters, departments, population, expected, tables, patient_days, truth)
    if told is not None:
        truth["lesson"] = told
    study = study_of(parameters, scenario, name, list(tables))
    if scenario != "messy":
        return SimulatedCohort(tables, _rounded(truth), study, parameters)
    tables, lost = as_listed(parameters, tables)
    raw = make_messy(parameters, tables, lost, study, seed, "repairable" if faults is None else faults)
    return MessyCohort(tables, _rounded(truth), study, parameters, raw, lost)


def study_of(parameters: Parameters, scenario: str, name: str | None, tables: list[str]) -> dict[str, Any]:
    """The content of study.yaml."""
    end = (pd.Timestamp(parameters.start) + pd.DateOffset(months=parameters.months) - pd.Timedelta(days=1)).date()
    plan: dict[str, Any] = {"primary": ["retention", "harm_incidents"], "covariates": {"retention": ["profession", "newly_qualified"]}}
    if parameters.outcomes:
        plan["senior_grades"] = list(SENIOR)
    # the extracts of a messy cohort hold other instruments
    directions = {"surveys": {"higher_is_better": directions_of(parameters)}} if parameters.outcomes and scenario != "messy" else {}
    return {
        "study": {"name": name or f"Simulated cohort ({scenario})", "start": pd.Timestamp(parameters.start).date(), "end": end},
        "tables": {table: f"{table}.csv" for table in tables},
        "plan": plan,
        **directions,
    }
