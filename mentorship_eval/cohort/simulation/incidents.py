"""Incident reports: expected counts by department and month, and the counts drawn around them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.cohort.simulation.departments import Departments, chosen_for_harm
from mentorship_eval.cohort.simulation.parameters import Parameters

__all__ = ["KINDS", "ExpectedIncidents", "draw_counts", "draw_incidents", "draw_patient_days", "expected_incidents", "month_factors",
           "programme_ratio"]

KINDS = ("harm", "no_harm", "near_miss")


@dataclass(frozen=True)
class ExpectedIncidents:
    """Arrays kind x department x month. mean: expected counts; without: expected without the programme; treated: department x month."""

    mean: np.ndarray
    without: np.ndarray
    treated: np.ndarray


def month_factors(parameters: Parameters) -> np.ndarray:
    """Secular trend, season and the new reporting system: a factor on all rates in each month."""
    month = np.arange(parameters.months)
    year_month = int(parameters.start[5:7]) - 1 + month
    season = parameters.seasonal * np.cos(2 * np.pi * (year_month % 12) / 12)  # highest in January
    return np.exp(parameters.secular * month + season) * np.where(month >= parameters.switch_month, parameters.switch_recording, 1.0)


def programme_ratio(parameters: Parameters, go_live: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ratio on each kind (kind x department x month), and which department-months are treated."""
    month = np.arange(parameters.months)[None, :]
    treated = (go_live[:, None] >= 0) & (month >= go_live[:, None])
    ramp = np.clip((month - go_live[:, None] - parameters.harm_delay + 1) / max(parameters.ramp_months, 1), 0.0, 1.0)
    harm = np.where(treated, parameters.harm_irr**ramp, 1.0)
    reporting = np.where(treated, parameters.reporting, 1.0)
    return np.stack([harm, reporting, reporting]), treated


def shocked_patient_days(parameters: Parameters, departments: Departments) -> np.ndarray:
    """Expected patient-days, department x month."""
    month = np.arange(parameters.months)
    factor = np.where((month >= parameters.shock_months[0]) & (month < parameters.shock_months[2]), parameters.shock_patient_days, 1.0)
    return departments.patient_days[:, None] * factor


def draw_patient_days(parameters: Parameters, departments: Departments, rng: np.random.Generator) -> np.ndarray:
    expected = shocked_patient_days(parameters, departments)
    return np.maximum(np.round(expected * np.exp(0.05 * rng.standard_normal(expected.shape))), 1.0)


def expected_incidents(parameters: Parameters, departments: Departments, patient_days: np.ndarray) -> ExpectedIncidents:
    rates = np.array([parameters.harm_rate, parameters.no_harm_rate, parameters.near_miss_rate]) / 1000
    level = patient_days * np.exp(departments.incident_effect)[:, None] * month_factors(parameters)
    without = rates[:, None, None] * level
    ratio, treated = programme_ratio(parameters, departments.go_live)
    return ExpectedIncidents(without * ratio, without, treated)


def draw_counts(parameters: Parameters, expected: ExpectedIncidents, rng: np.random.Generator) -> np.ndarray:
    """Counts with variance mean + dispersion x mean squared (negative binomial)."""
    noise = np.ones_like(expected.mean)
    if parameters.dispersion > 0:
        noise = rng.gamma(1 / parameters.dispersion, parameters.dispersion, size=expected.mean.shape)
    return rng.poisson(expected.mean * noise)


def draw_incidents(parameters: Parameters, departments: Departments, patient_days: np.ndarray,
                   rng: dict[str, np.random.Generator]) -> tuple[Departments, ExpectedIncidents, np.ndarray]:
    """Departments with their final go-live, expected counts and counts.

    With selection_months the counts before the first go-live decide who gets the programme, and stay as they were drawn.
    """
    if not parameters.selection_months:
        expected = expected_incidents(parameters, departments, patient_days)
        return departments, expected, draw_counts(parameters, expected, rng["incidents"])
    nobody = replace(departments, go_live=np.full(parameters.departments, -1))
    before = draw_counts(parameters, expected_incidents(parameters, nobody, patient_days), rng["selection"])
    departments = chosen_for_harm(parameters, departments, before[0], patient_days)
    expected = expected_incidents(parameters, departments, patient_days)
    early = np.arange(parameters.months) < min(parameters.waves)
    return departments, expected, np.where(early, before, draw_counts(parameters, expected, rng["incidents"]))
