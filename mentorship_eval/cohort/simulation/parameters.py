"""What the generator knows: every parameter with its default, and the streams of random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.scenarios import SCENARIOS
from mentorship_eval.errors import UsageError, listing

__all__ = ["COMPONENTS", "DAYS_PER_MONTH", "SCENARIOS", "Parameters", "parameters_of", "streams", "window_days"]

DAYS_PER_MONTH = 30.4375
# One stream of random numbers each, so that a change in one component leaves the others as they were.
# New components go to the end.
COMPONENTS = ("departments", "rollout", "people", "history", "mentors", "careers", "exposure", "incidents", "details", "outcomes", "sessions",
              "selection", "instruments", "goals", "feedback", "training", "collaboration", "audits", "steps", "handoffs", "sampled", "delivered",
              "innovated", "paired", "questionnaires")


def _later(default: Any, *, of: str = "") -> Any:
    """A parameter that came after cohorts had been published: told in truth.json only where it is not at its default.

    of: another parameter without which this one does nothing.
    """
    return field(default=default, metadata={"later": True, "of": of})


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Rates are per month of 30.4375 days unless said; log effects are natural logarithms."""

    departments: int = 24
    staff: int = 2400
    months: int = 36
    start: str = "2022-01-01"
    organisations: int = 2
    sites: int = 4
    # programme: go-live months (0 = the first of the window) of equal groups of departments; one more group never
    waves: tuple[int, ...] = (10, 16, 22)
    treated_departments: int | None = None  # overrides the equal groups: that many departments, spread over the waves
    uptake: float = 0.60
    uptake_delay: float = 4.0
    match_months: tuple[float, float] = (6.0, 12.0)
    early_end: float = 0.15
    mentor_share: float = 0.25
    # sessions: one a month while the match lasts
    session_delivery: tuple[float, float] = (0.60, 0.80)  # share held, between pairs
    session_remote: float = 0.40  # pairs that prefer to meet remotely
    session_protected: float = 0.55  # of those held
    # leaving
    hazard_ratio: float = 0.75
    hazard_ratio_after: float = 0.85
    hazard: tuple[float, float, float] = (0.0186, 0.0116, 0.0079)  # tenure 0-11, 12-23, 24+ months, all exits
    bump: float = 1.25  # at 5 to 8 months
    share_voluntary: float = 0.65
    share_retirement: float = 0.10
    share_end_of_contract: float = 0.10
    share_transfer: float = 0.15
    rehire: float = 0.03
    frailty_sd: float = 0.25
    high_burnout: float = 0.25
    high_burnout_hr: float = 1.15
    newly_qualified: float = 0.30
    newly_qualified_hr: float = 1.30
    newly_qualified_uptake: float = 0.80  # log odds
    frailty_uptake: float = 0.40  # log odds per SD of department frailty
    commitment_hr: float = 1.0  # of leaving, per SD of an unmeasured commitment
    commitment_uptake: float = 0.0  # log odds per SD of it
    history_years: float = 15.0
    # incidents per 1,000 patient-days
    harm_rate: float = 1.2
    no_harm_rate: float = 4.0
    near_miss_rate: float = 1.5
    harm_irr: float = 0.85
    ramp_months: int = 6
    reporting: float = 1.25
    dispersion: float = 0.05
    department_sd: float = 0.35
    secular: float = -0.005
    seasonal: float = 0.08
    patient_days: float = 700.0
    patient_days_cv: float = 0.35
    # shocks, by month of the window
    shock_months: tuple[int, int, int] = (12, 15, 18)
    shock_hazard: tuple[float, float] = (0.8, 1.4)
    shock_patient_days: float = 0.6
    switch_month: int = 20
    switch_recording: float = 1.15
    # surveys, projects and promotions: drawn when outcomes is True
    outcomes: bool = False
    survey_months: tuple[int, ...] = (0, 6, 12)  # from the month before the first go-live
    exhaustion: tuple[float, float] = (24.0, 9.0)  # MBI emotional exhaustion: mean, SD
    exhaustion_change: float = -2.5  # once mentored
    environment: tuple[float, float] = (2.61, 0.35)  # PES-NWI: mean, SD
    environment_change: float = 0.12
    response: tuple[float, ...] = (0.70, 0.58, 0.50)  # by wave
    response_per_sd: float = -0.4  # log odds of answering per SD of exhaustion
    project_rate: float = 0.10  # per staff-year
    project_ratio: float = 1.6
    promotion: float = 0.05  # within 12 months
    promotion_mentored: float = 0.06
    # when the effects begin
    hazard_delay: float = _later(0.0)  # months of mentoring before it acts on leaving
    harm_delay: int = _later(0)  # months with the programme before its ramp begins
    # contracts: shares of permanent, fixed-term and rotational; share of posts with an end among those held
    contracts: tuple[float, float, float] = _later((0.88, 0.07, 0.05))
    limited_share: float = _later(0.08)
    post_details: bool = _later(False)  # wte and contract in spells
    # departments chosen by their harm rate of so many months before the first go-live; 0 = a lottery
    selection_months: int = _later(0)
    merger_month: int = _later(-1)  # two departments become one on the first of this month; -1 = never
    systems: tuple[str, ...] = _later(())  # names of the reporting systems before and from switch_month on
    # further outcomes, with outcomes=True; pairs are (without, with mentorship or the programme)
    response_mentored: float = _later(0.0, of="outcomes")  # log odds of answering once mentored
    resilience: tuple[float, float, float] = _later((30.0, 6.0, 1.2), of="outcomes")  # CD-RISC-10: mean, SD, change once mentored
    engagement: tuple[float, float, float] = _later((4.0, 1.1, 0.15), of="outcomes")  # UWES-9
    wellbeing: tuple[float, float, float] = _later((56.0, 19.0, 3.0), of="outcomes")  # WHO-5
    self_efficacy: tuple[float, float, float] = _later((31.0, 4.5, 0.8), of="outcomes")  # General Self-Efficacy Scale
    openness: tuple[float, float, float] = _later((62.0, 20.0, 4.0), of="outcomes")  # HSOPSC composites, percentage positive
    safety_culture: tuple[float, float, float] = _later((64.0, 18.0, 3.0), of="outcomes")
    across_units: tuple[float, float, float] = _later((58.0, 18.0, 3.0), of="outcomes")
    work_family: tuple[float, float, float] = _later((4.2, 1.2, -0.2), of="outcomes")  # Work-Family Conflict Scale
    belonging: tuple[float, float, float] = _later((3.6, 0.7, 0.12), of="outcomes")
    satisfaction: tuple[float, float, float] = _later((4.9, 1.0, 0.2), of="outcomes")
    instruments: str = _later("", of="outcomes")  # "all": every scale that a shipped scoring key holds
    instrument_shift: float = _later(0.3, of="instruments")  # change of the scales that this adds once mentored, SD for the better
    goals_per_match: float = _later(2.0, of="outcomes")
    goal_attained: float = _later(0.60, of="outcomes")
    match_quality: tuple[float, float] = _later((74.0, 12.0), of="outcomes")  # 0 to 100: mean, SD between matches
    training_in_time: tuple[float, float] = _later((0.78, 0.84), of="outcomes")
    ties: tuple[float, float] = _later((1.2, 0.8), of="outcomes")  # per staff-year: within the own profession, across professions
    ties_across_ratio: float = _later(1.4, of="outcomes")  # on ties across professions, once mentored
    ties_near: float = _later(0.0, of="outcomes")  # share of ties whose partner is sought in the own department
    sampled: float = _later(1.0, of="outcomes")  # share of staff, drawn at random, who are asked in surveys and whose training is listed
    handoffs: tuple[float, float] = _later((0.0, 1.0), of="outcomes")  # to another department: per staff-year; ratio once the programme is active
    leadership: tuple[float, float] = _later((0.02, 0.027), of="outcomes")  # within 12 months: without, once mentored
    acting_up: tuple[float, float] = _later((0.03, 0.03), of="outcomes")
    certification: tuple[float, float] = _later((0.10, 0.13), of="outcomes")
    senior: tuple[float, float] = _later((0.40, 0.32), of="outcomes")  # in the upper grades: men, women
    uptake_gaps: tuple[float, float] = _later((-0.16, -0.45), of="outcomes")  # log odds of uptake: women, minority ethnic groups
    sessions_minority: float = _later(1.0)  # ratio of the share of sessions held, minority ethnic groups to white
    alike: float = _later(0.0)  # 0 to 1: pull towards a mentor of one's own gender
    quality_alike: float = _later(0.0, of="outcomes")  # points of match quality, pairs of one gender against others
    audit_compliance: float = _later(0.78, of="outcomes")
    audit_odds_ratio: float = _later(1.35, of="outcomes")  # under the programme, from the month of go-live on
    audit_cases: int = _later(20, of="outcomes")  # audited a month and measure
    # the detail that coordinators keep: offers, kinds of match, content of sessions, slippage, events beside it
    delivered: bool = _later(False)
    offer_wait: float = _later(21.0, of="delivered")  # mean days from offer to start
    declined: float = _later(0.10, of="delivered")  # offers that came to nothing, per match
    supervised: float = _later(0.15, of="delivered")  # line supervision listed beside the programme, per match
    directions: tuple[float, float] = _later((0.15, 0.15), of="delivered")  # share of matches that are reverse, peer
    grouped: float = _later(0.20, of="delivered")  # share in groups
    cancelled_for_workload: float = _later(0.50, of="delivered")  # of the sessions cancelled
    topics: tuple[float, float, float, float] = _later((0.35, 0.30, 0.20, 0.15), of="delivered")  # career, clinical, emotional support, safety
    on_a_case: float = _later(0.20, of="delivered")  # sessions held that give feedback on a case
    case_days: float = _later(6.0, of="delivered")  # mean days from the case to them
    remote_waits: float = _later(0.80, of="delivered")  # remote sessions held on site before the second version of the programme
    training_valid: int = _later(540, of="delivered")  # days for which a mentor's training counts
    slip_days: float = _later(40.0, of="delivered")  # mean days from the planned go-live to the actual one
    events: tuple[float, float] = _later((0.8, 1.3), of="delivered")  # workshops per staff-year; ratio once mentored
    reverse_gain: float = _later(0.4, of="delivered")  # digital confidence (1 to 5) of those mentored in reverse
    mentor_gain: float = _later(0.3, of="delivered")  # mentoring competence (1 to 7) of mentors once they mentor

    # projects with what came of them, innovation labs, patient outcomes by month; needs outcomes
    innovated: bool = _later(False)
    labs: tuple[int, ...] = _later((8, 14), of="innovated")  # months in which labs go live, in half of the departments
    lab_ratio: tuple[float, float] = _later((1.5, 1.0), of="innovated")  # on projects: a lab alone; beyond the product, with the programme
    adoption: tuple[float, float] = _later((0.8, 0.5), of="innovated")  # a year, of projects going on: adopted, given up
    adoption_ratio: float = _later(1.5, of="innovated")  # of adoption, begun by the mentored
    outcome_ratio: float = _later(1.0, of="innovated")  # of patient outcomes by month, under the programme

    # how pairs were made: scores of matches, wishes, differences between mentors
    paired: bool = _later(False)
    score_ratio: float = _later(0.8, of="paired")  # hazard ratio of a match ending early, per 0.1 of its score
    suited: float = _later(0.4, of="paired")  # share of mentees whose domain was taken from those that their mentor offers
    mentor_sd: float = _later(5.0, of="paired")  # of the quality of the match, between mentors, points of 100

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; parameters that came later only where they are not at their default."""
        told = {
            item.name for item in fields(self)
            if not item.metadata or (getattr(self, item.name) != item.default and (not item.metadata["of"] or getattr(self, item.metadata["of"])))
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items() if name in told}


def parameters_of(scenario: str, changes: Mapping[str, Any]) -> Parameters:
    """Defaults, then the scenario, then ``changes``; unknown names and impossible values raise `UsageError`."""
    if scenario not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario!r}.", fix=f"Known: {listing(SCENARIOS, 20)}.")
    known = {item.name for item in fields(Parameters)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise UsageError(f"simulate_cohort has no parameter {listing(unknown)}.", fix=f"Known: {listing(sorted(known), 60)}.")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in {**SCENARIOS[scenario].changes, **changes}.items()}
    parameters = replace(Parameters(), **values)
    for name in ("departments", "staff", "months"):
        if getattr(parameters, name) < 1:
            raise UsageError(f"{name} is {getattr(parameters, name)}.", fix="It must be 1 or more.")
    for name in ("hazard_ratio", "hazard_ratio_after", "harm_irr", "reporting", "commitment_hr", "limited_share", "ties_across_ratio",
                 "audit_odds_ratio", "score_ratio"):
        if not getattr(parameters, name) > 0:
            raise UsageError(f"{name} is {getattr(parameters, name)}.", fix="A ratio is above 0.")
    if parameters.instruments not in ("", "all"):
        raise UsageError(f"instruments is {parameters.instruments!r}.", fix='Say instruments="all", or leave it out.')
    if parameters.instruments and not parameters.outcomes:
        raise UsageError("instruments are drawn with the other outcomes.", fix="Say outcomes=True beside it.")
    if abs(sum(parameters.contracts) - 1) > 1e-9 or min(parameters.contracts) < 0:
        raise UsageError(f"contracts are {listing(parameters.contracts)}.", fix="They are three shares that sum to 1.")
    if parameters.selection_months and not 0 < parameters.selection_months <= min(parameters.waves, default=0):
        raise UsageError(f"selection_months is {parameters.selection_months}.", fix="So many months must lie before the first go-live.")
    if pd.Timestamp(parameters.start).day != 1:
        raise UsageError(f"start is {parameters.start}.", fix="Simulated windows start on the first of a month.")
    return parameters


def streams(seed: int) -> dict[str, np.random.Generator]:
    """One independent generator per component."""
    return dict(zip(COMPONENTS, map(np.random.default_rng, np.random.SeedSequence(seed).spawn(len(COMPONENTS))), strict=True))


def window_days(parameters: Parameters) -> np.ndarray:
    """The first day of each month of the window and of the month after it, in days from the first day of the window."""
    first = np.datetime64(parameters.start, "M")
    days = (first + np.arange(parameters.months + 1)).astype("datetime64[D]")
    return (days - days[0]).astype("int64")
