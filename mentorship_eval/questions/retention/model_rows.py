"""Rows ready for a model of leaving: person-time, baseline covariates, calendar quarters, and the default Cox fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes, mentorship_episodes
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.covariates import planned_covariates, varying
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = [
    "CAUSE",
    "OUTCOME",
    "calendar_periods",
    "cohort_episodes",
    "default_cox",
    "persons_not_rows",
    "share_on_curve",
]

OUTCOME = "retention"
CAUSE = "voluntary"


def calendar_periods(rows: pd.DataFrame, fewest: int = 5) -> tuple[pd.Series, list[Caution]]:
    """Calendar quarters, each joined with the next until it holds ``fewest`` events: one without any cannot be fitted."""
    events = rows.groupby("period")["event"].sum().sort_index()
    names, current, held = {}, [], 0
    for period, count in events.items():
        current.append(period)
        held += int(count)
        if held >= fewest:
            names.update(dict.fromkeys(current, current[0]))
            current, held = [], 0
    last = next(reversed(names.values()), "all")
    names.update(dict.fromkeys(current, last))
    joined = len(events) - len(set(names.values()))
    text = f"{joined} calendar quarters hold too few events for a term of their own and are joined with a neighbour."
    return rows["period"].map(names), [Caution("quarters_joined", text, {"joined": joined})] if joined else []


def cohort_episodes(cohort: Cohort, *, calendar: str | None = "quarter", **changes: Any) -> Episodes:
    """Person-time of the cohort under the plan's definition of exposure; changes: options of `mentorship_episodes` that differ."""
    plan, rules = cohort.study.plan, cohort.study.rules
    start, end = cohort.window
    known = [name for name in planned_covariates(cohort, OUTCOME) if name in cohort.table("staff")]
    options: dict[str, Any] = {
        "staff": cohort.table("staff"),
        "spells": cohort.table("spells"),
        "matches": cohort.table("matches"),
        "start": start,
        "end": end,
        "rollout": own_rollout(cohort) if cohort.has("rollout") else None,
        "exposure": plan.exposure.definition,
        "lag": int(plan.exposure.lag_days),
        "grace": int(plan.exposure.grace_days),
        "covariates": tuple(known),
        "calendar": calendar,
        "suspended": rules.suspended,
        # a start on the next day goes on with the same employment under any rule
        "bridge_gap": max(int(rules.rehire_gap_days), 1),
        "level": plan.leaving,
        "destinations": rules.profession_destinations,
    }
    return mentorship_episodes(**{**options, **changes})


def persons_not_rows(estimate: Estimate, persons: int, events: int, estimand: str) -> Estimate:
    """A Cox estimate told per person: the engine counts rows, a reader counts people."""
    return replace(estimate, n=persons, n_events=events, estimand=estimand)


def default_cox(rows: pd.DataFrame, first: str, covariates: list[str], event: str, strata: str | None) -> CoxResult:
    """Cox with delayed entry; the first covariate is the exposure; clusters are the departments at entry."""
    usable = varying(rows, covariates)
    return cox(rows, start="start", stop="stop", event=event, covariates=[first, *usable], strata=strata, cluster="dept_at_entry")


def share_on_curve(value: float, row: pd.Series, *, n: int, n_events: int, method: str, estimand: str) -> Estimate:
    """A probability read off a curve, with the curve's own se, ci_low and ci_high; nothing is tested."""
    return Estimate(
        value=float(value),
        se=float(row["se"]),
        ci_low=float(row["ci_low"]),
        ci_high=float(row["ci_high"]),
        scale="probability",
        n=n,
        n_events=n_events,
        method=method,
        estimand=estimand,
    )
