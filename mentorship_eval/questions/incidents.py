"""Did care become safer? Harm and no-harm incidents, always as a pair.

A programme that makes people speak up raises reports without harming anybody. So no incident rate is told
alone: harm is told beside no-harm, and the ratio of the two bounds what reporting can explain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import department_months
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.rates import RateFit, caution_list, dropped_table, fit_rates, rate_exhibits, rate_results
from mentorship_eval.questions.reporting import reporting_bound
from mentorship_eval.questions.truth import with_truth

__all__ = ["answer"]

_TITLE = "Incidents"
# (column of the panel, outcome, label, role)
_KINDS = (
    ("harm", "harm_incidents", "Incidents with harm", "headline"),
    ("no_harm", "no_harm_incidents", "Incidents without harm", "headline"),
    ("near_miss", "near_miss_incidents", "Near misses", "companion"),
    ("all_incidents", "all_incidents", "All incidents together (a mixture)", "audit"),
)
_METHOD = (
    "Department-months; Poisson quasi-likelihood with department and month effects, fitted where the programme is not active, log exposure "
    "as offset; expected counts projected on treated department-months; rate ratio = observed / expected. Leave-one-department-out "
    "jackknife on the log ratio, t(G-1). Placebo test by reassigning the go-live dates."
)


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The incidents chapter of a cohort; says what lacks when it cannot be answered."""
    lacking = cohort.missing_for("incidents")
    if lacking:
        return Answer("incidents", _TITLE, gaps=(Gap("Did care become safer?", "The tables for it are not in this cohort.", lacking),))
    return _from_incidents(cohort) if cohort.has("incidents", "exposure", "rollout") else _from_counts(cohort)


def _allocation(cohort: Cohort) -> str | None:
    if not cohort.has("rollout") or "allocation" not in cohort.table("rollout"):
        return None
    values = cohort.table("rollout")["allocation"].dropna().unique()
    return str(values[0]) if len(values) == 1 else None


def _from_incidents(cohort: Cohort) -> Answer:
    start, end = cohort.window
    made = department_months(
        incidents=cohort.table("incidents"), exposure=cohort.table("exposure"), rollout=cohort.table("rollout"), start=start, end=end
    )
    first = pd.Timestamp(start).to_period("M")
    kinds = [kind for kind in _KINDS if made.rows[kind[0]].sum() > 0]
    fits, results, cautions, gaps = _fit_all(
        cohort,
        made.rows,
        kinds,
        exposure="patient_days",
        unit="dept_id",
        adopted="adopted",
        words="per 1,000 patient-days",
        month_of=lambda period: str(first + int(period) - 1),
        time_unit="month",
    )
    exhibits: list[Exhibit] = []
    if "harm" in fits and "no_harm" in fits:
        bound, sentence, note = reporting_bound(fits["harm"].fit, fits["no_harm"].fit)
        results.append(bound)
        cautions.append(note)
    else:
        sentence = None
        gaps.append(
            Gap("What reporting can explain", "There is no pair of harm and no-harm incidents.", "the column harm in incidents, filled in")
        )
    cautions += _panel_cautions(made, cohort)
    lead = _lead(made.rows, "patient_days", "patient-days", "departments", "dept_id", [(k, label) for k, _, label, _ in kinds if k in fits])
    if sentence:
        lead.append(sentence)
    flow = Exhibit(
        "incidents.flow",
        "flow_diagram",
        "Incidents, from the table to the analysis",
        {"flow": made.flow.rename(columns={"incidents_in": "read"})},
        {"flow": Counted(("read", "removed", "kept"), adds_up=True)},
        {"unit": "incidents", "start_label": "In incidents"},
    )
    for name, rates in fits.items():
        if name != "all_incidents":
            exhibits += rate_exhibits(rates, f"incidents.{name}", brief=name == "near_miss")
    return _assemble(cohort, fits, results, [*exhibits, flow], cautions, gaps, lead)


def _from_counts(cohort: Cohort) -> Answer:
    rows = cohort.table("counts")
    declared = list(cohort.study.tables["counts"].outcomes)
    kinds = [(name, name, name.replace("_", " ").capitalize(), "headline") for name in declared]
    source = cohort.study.tables["counts"].columns.get("exposure", "exposure").replace("_", " ")
    fits, results, cautions, gaps = _fit_all(
        cohort,
        rows,
        kinds,
        exposure="exposure",
        unit="dept_id",
        adopted="active_from",
        words=f"per 1,000 {source} and period",
        month_of=_period_name(rows["period"]),
        time_unit="period",
    )
    waves = rows.groupby("active_from")["dept_id"].nunique() if rows["active_from"].notna().any() else pd.Series(dtype=int)
    lead = _lead(rows, "exposure", f"{source} summed over periods", "units", "dept_id", [(k, label) for k, _, label, _ in kinds if k in fits])
    never = rows.loc[rows["active_from"].isna(), "dept_id"].nunique()
    lead.append(
        Statement(f"The programme began in {len(waves)} waves; " + (f"{never} units never had it." if never else "no unit never had it."))
    )
    if not never and len(waves):
        last = waves.index.max()
        lead.append(
            Statement(f"The last wave ({last:g}) serves only as a comparison: once it has begun, nobody is left to compare it with.")
        )
        cautions.append(
            Caution(
                "nobody_never",
                f"Every unit adopts in the end: units that adopt later are the comparison, and the last wave ({last:g}) "
                "is never estimated.",
                {"last_wave": float(last)},
            )
        )
    if not {"harm", "no_harm"} <= set(declared):
        gaps.append(
            Gap(
                "What a change in reporting can explain",
                "The counts are not split into incidents with and without harm.",
                "outcomes harm and no_harm in counts, or the tables incidents (with harm), exposure and rollout",
            )
        )
    exhibits: list[Exhibit] = []
    for name, rates in fits.items():
        exhibits += rate_exhibits(rates, f"incidents.{name}")
    if "harm" in fits and "no_harm" in fits:
        bound, sentence, note = reporting_bound(fits["harm"].fit, fits["no_harm"].fit)
        results.append(bound)
        cautions.append(note)
        lead.append(sentence)
    return _assemble(cohort, fits, results, exhibits, cautions, gaps, lead)


def _period_name(periods: pd.Series) -> Callable[[float], object]:
    if pd.api.types.is_datetime64_any_dtype(periods):
        return lambda value: str(pd.Timestamp(value).to_period("M"))
    return lambda value: int(value)


def _fit_all(
    cohort: Cohort,
    panel: pd.DataFrame,
    kinds: list[tuple[str, str, str, str]],
    *,
    exposure: str,
    unit: str,
    adopted: str,
    words: str,
    month_of: Callable[[float], object],
    time_unit: str,
) -> tuple[dict[str, RateFit], list[Result], list[Caution], list[Gap]]:
    plan = cohort.study.plan
    fits: dict[str, RateFit] = {}
    results: list[Result] = []
    cautions: list[Caution] = []
    gaps: list[Gap] = []
    for column, outcome, label, role in kinds:
        try:
            # The permutation test of a mixture, or of a companion, says nothing more: it is spared.
            fit = fit_rates(
                panel,
                outcome=outcome,
                label=label,
                count=column,
                exposure=exposure,
                unit=unit,
                adopted=adopted,
                rate_label=f"{label.split(' (')[0]} {words}",
                per=1000,
                min_controls=cohort.study.rules.min_controls,
                anticipation=plan.anticipation,
                permutations=plan.permutations if role == "headline" else 0,
                seed=plan.seed,
                month_of=month_of,
                time_unit=time_unit,
            )
        except EstimationError as error:
            gaps.append(Gap(f"{label}: rate ratio", str(error), "More departments or months without the programme, or more events."))
            continue
        fits[column] = fit
        estimand = f"rate of {label.lower()} where the programme is active, against the rate expected without it"
        told = rate_results(
            fit, result_id=f"incidents.{column}", estimand=estimand, population="department-periods with the programme", role=role
        )
        results += told if role != "audit" else told[:1]
        if role == "headline":
            cautions += caution_list(fit)
    return fits, results, _once(cautions), gaps


def _once(cautions: list[Caution]) -> list[Caution]:
    """A caution about the design is the same for every outcome and said once."""
    seen: dict[tuple[str, str], Caution] = {}
    for caution in cautions:
        seen.setdefault((caution.code, caution.text.split(": ", 1)[-1]), caution)
    return list(seen.values())


def _panel_cautions(made: object, cohort: Cohort) -> list[Caution]:
    out = []
    missing, partial = len(made.missing), len(made.partial)  # type: ignore[attr-defined]
    if missing:
        out.append(
            Caution("missing_months", f"{missing} department-months have no patient-days and are not in the analysis.", {"cells": missing})
        )
    if partial:
        out.append(
            Caution(
                "partial_months", f"{partial} department-months in which the programme went live part-way are left out.", {"cells": partial}
            )
        )
    allocation = _allocation(cohort)
    if allocation == "targeted":
        out.append(
            Caution(
                "regression_to_mean",
                "The departments were chosen for the programme (targeted). If they were chosen for bad months, "
                "part of any improvement is regression to the mean.",
                {"allocation": allocation},
            )
        )
    elif allocation not in ("random", None):
        out.append(
            Caution(
                "timing_not_random",
                f"The order of go-live was {allocation}, not random: the permutation p-value is a placebo test.",
                {"allocation": allocation},
            )
        )
    return out


def _lead(rows: pd.DataFrame, exposure: str, unit_words: str, place_words: str, unit: str, kinds: list[tuple[str, str]]) -> list[Statement]:
    lead = [
        Statement(
            f"{rows[unit].nunique():,} {place_words} over {rows['period'].nunique():,} periods, {rows[exposure].sum():,.0f} {unit_words}."
        )
    ]
    for column, label in kinds:
        lead.append(Statement(f"{label}: " + "{n}.", {"n": float(rows[column].sum())}))
    return lead


def _assemble(
    cohort: Cohort,
    fits: dict[str, RateFit],
    results: list[Result],
    exhibits: list[Exhibit],
    cautions: list[Caution],
    gaps: list[Gap],
    lead: list[Statement],
) -> Answer:
    results = with_truth(results, cohort)
    shown = [r for r in results if r.estimate.is_ratio and r.role != "diagnostic" and np.isfinite(r.estimate.value)]
    first = (
        [
            forest_exhibit(
                "incidents.forest",
                "Rate ratios while the programme is active",
                shown,
                value_label="Rate ratio",
                sides=("fewer", "more"),
                unit="department-periods",
                note="The column n counts department-periods with the programme, events those observed in them.",
            )
        ]
        if shown
        else []
    )
    dropped = next((table for table in (dropped_table(rates, "incidents.dropped") for rates in fits.values()) if table), None)
    return Answer(
        "incidents",
        _TITLE,
        tuple(lead),
        tuple(results),
        (*first, *exhibits, *([dropped] if dropped else [])),
        tuple(cautions),
        tuple(gaps),
        (_METHOD,),
    )
