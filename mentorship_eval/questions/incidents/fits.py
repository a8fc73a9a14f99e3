"""What incident records and ready-made counts have in common: one fit per outcome, and the chapter put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import allocations
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.incidents.reporting import NOTE, reporting_bound
from mentorship_eval.questions.rates import RateFit, caution_list, dropped_table, fit_rates, rate_results
from mentorship_eval.questions.truth import with_truth

__all__ = ["TITLE", "Kind", "Told", "assemble", "fit_all", "tell_the_pair", "who_was_observed"]

TITLE = "Incidents"
_METHOD = (
    "Department-months; Poisson quasi-likelihood with department and month effects, fitted where the programme is not active, log exposure "
    "as offset; expected counts projected on treated department-months; rate ratio = observed / expected. Leave-one-department-out "
    "jackknife on the log ratio, t(G-1). Permutation test by reassigning the go-live dates."
)


@dataclass(frozen=True)
class Kind:
    """column of the panel; outcome: its name in the plan; label: for readers; role of its result."""

    column: str
    outcome: str
    label: str
    role: str


@dataclass
class Told:
    """A chapter while it is put together."""

    fits: dict[str, RateFit] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    lead: list[Statement] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def fit_all(
    cohort: Cohort, told: Told, panel: pd.DataFrame, kinds: list[Kind], *, exposure: str, unit: str, adopted: str, words: str,
    month_of: Callable[[float], Any], time_unit: str, drop: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """One fit per kind into ``told``; ``drop``: codes of cautions that the caller tells better."""
    plan = cohort.study.plan
    for kind in kinds:
        try:
            # The permutation test of a mixture, or of a companion, says nothing more: it is spared.
            fit = fit_rates(
                panel, outcome=kind.outcome, label=kind.label, count=kind.column, exposure=exposure, unit=unit, adopted=adopted,
                rate_label=f"{kind.label.split(' (')[0]} {words}", per=1000, min_controls=cohort.study.rules.min_controls,
                anticipation=plan.anticipation, permutations=plan.permutations if kind.role == "headline" else 0, seed=plan.seed,
                month_of=month_of, time_unit=time_unit,
            )  # fmt: skip
        except EstimationError as error:
            told.gaps.append(Gap(f"{kind.label}: rate ratio", str(error), "More departments or months without the programme, or more events."))
            continue
        told.fits[kind.column] = fit
        estimand = f"rate of {kind.label.lower()} where the programme is active, against the rate expected without it"
        results = rate_results(
            fit, result_id=f"incidents.{kind.column}", estimand=estimand, population="department-periods with the programme", role=kind.role,
            random_timing=allocations(cohort) == {"random"},
        )  # fmt: skip
        told.results += results if kind.role != "audit" else results[:1]
        if kind.role == "headline":
            told.cautions += caution_list(fit, drop=drop)


def tell_the_pair(told: Told, why_not: str, unlock: str) -> None:
    """The reporting bound where both ratios exist; otherwise what lacks for it."""
    told.cautions.append(NOTE)
    pair = [told.fits[name].fit for name in ("harm", "no_harm") if name in told.fits]
    bound = reporting_bound(*pair) if len(pair) == 2 else None
    if bound is None:
        reason = why_not if len(pair) < 2 else "One of the two rate ratios is 0 or unknown."
        told.gaps.append(Gap("What a change in reporting can explain", reason, unlock))
        return
    told.results.append(bound[0])
    told.lead.append(bound[1])


def who_was_observed(told: Told, rows: pd.DataFrame, exposure: str, words: str, places: str, kinds: list[Kind]) -> None:
    """First sentences: how much was observed, and how many of each kind."""
    told.lead.append(
        Statement(f"{rows['dept_id'].nunique():,} {places} over {rows['period'].nunique():,} periods, {rows[exposure].sum():,.0f} {words}.")
    )
    told.lead += [Statement(f"{kind.label}: " + "{n}.", {"n": float(rows[kind.column].sum())}) for kind in kinds]


def _once(cautions: list[Caution]) -> list[Caution]:
    """A caution about the design is the same for every outcome and said once."""
    seen: dict[tuple[str, str], Caution] = {}
    for caution in cautions:
        seen.setdefault((caution.code, caution.text.split(": ", 1)[-1]), caution)
    return list(seen.values())


def assemble(cohort: Cohort, told: Told) -> Answer:
    """The chapter, the forest of all outcomes first."""
    results = with_truth(told.results, cohort)
    shown = [r for r in results if r.estimate.is_ratio and r.role != "diagnostic" and np.isfinite(r.estimate.value)]
    exhibits = list(told.exhibits)
    if shown:
        forest = forest_exhibit(
            "incidents.forest", "Rate ratios while the programme is active", shown, value_label="Rate ratio", sides=("fewer", "more"),
            unit="department-periods", note="The column n counts department-periods with the programme, events those observed in them.",
        )  # fmt: skip
        exhibits.insert(0, forest)
    dropped = next((table for table in (dropped_table(rates, "incidents.dropped") for rates in told.fits.values()) if table), None)
    if dropped:
        exhibits.append(dropped)
    return Answer("incidents", TITLE, tuple(told.lead), tuple(results), tuple(exhibits), tuple(_once(told.cautions)), tuple(told.gaps), (_METHOD,))
