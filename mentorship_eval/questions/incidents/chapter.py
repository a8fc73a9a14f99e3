"""Did care become safer? Harm and no-harm incidents, always as a pair.

A programme that makes people speak up raises reports without harming anybody. So no incident rate is told
alone: harm is told beside no-harm, and the ratio of the two bounds what reporting can explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import Panel, department_months
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import allocation_cautions
from mentorship_eval.questions.answer import Answer, Counted, Exhibit, Gap
from mentorship_eval.questions.incidents.counts import from_counts
from mentorship_eval.questions.incidents.fits import (
    TITLE,
    Kind,
    Told,
    assemble,
    fit_all,
    tell_the_pair,
    who_was_observed,
)
from mentorship_eval.questions.rates import rate_exhibits

__all__ = ["answer"]

_KINDS = (
    Kind("harm", "harm_incidents", "Incidents with harm", "headline"),
    Kind("no_harm", "no_harm_incidents", "Incidents without harm", "headline"),
    Kind("near_miss", "near_miss_incidents", "Near misses", "companion"),
    Kind("all_incidents", "all_incidents", "All incidents together (a mixture)", "audit"),
)


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The incidents chapter of a cohort; says what lacks when it cannot be answered."""
    lacking = cohort.missing_for("incidents")
    if lacking:
        return Answer("incidents", TITLE, gaps=(Gap("Did care become safer?", "The tables for it are not in this cohort.", lacking),))
    return _from_incidents(cohort) if cohort.has("incidents", "exposure", "rollout") else from_counts(cohort)


def _from_incidents(cohort: Cohort) -> Answer:
    start, end = cohort.window
    made = department_months(
        incidents=cohort.table("incidents"), exposure=cohort.table("exposure"), rollout=cohort.table("rollout"), start=start, end=end
    )
    first = pd.Timestamp(start).to_period("M")
    kinds = [kind for kind in _KINDS if made.rows[kind.column].sum() > 0]
    if not {"harm", "no_harm"} <= {kind.column for kind in kinds}:
        # half of a pair is no headline
        kinds = [replace(kind, role="companion" if kind.role == "headline" else kind.role) for kind in kinds]
    told = Told()
    fit_all(
        cohort, told, made.rows, kinds, exposure="patient_days", unit="dept_id", adopted="adopted", words="per 1,000 patient-days",
        month_of=lambda period: str(first + int(period) - 1), time_unit="month",
        # months left out by design are not missing: they are told below
        drop=("missing_cells",) if len(made.partial) else (),
    )  # fmt: skip
    who_was_observed(told, made.rows, "patient_days", "patient-days", "departments", kinds)
    told.cautions += _panel_cautions(made) + allocation_cautions(cohort)
    recorded = "harm" in cohort.table("incidents") and cohort.table("incidents")["harm"].notna().any()
    tell_the_pair(
        told,
        "Incidents of one of the two kinds were never recorded." if recorded else "The incidents do not say whether there was harm.",
        "more months of records" if recorded else "the column harm in incidents, filled in",
    )
    for name, rates in told.fits.items():
        if name != "all_incidents":
            told.exhibits += rate_exhibits(rates, f"incidents.{name}", brief=name == "near_miss")
    told.exhibits.append(
        Exhibit(
            "incidents.flow", "flow_diagram", "Incidents, from the table to the analysis",
            {"flow": made.flow.rename(columns={"incidents_in": "read"})}, {"flow": Counted(("read", "removed", "kept"), adds_up=True)},
            {"unit": "incidents", "start_label": "In incidents"},
        )
    )
    return assemble(cohort, told)


def _panel_cautions(made: Panel) -> list[Caution]:
    out = []
    missing, partial = len(made.missing), len(made.partial)
    if missing:
        text = f"{missing} department-months have no patient-days and are not in the analysis."
        out.append(Caution("missing_months", text, {"cells": missing}))
    if partial:
        text = f"{partial} department-months in which the programme went live part-way are left out."
        out.append(Caution("partial_months", text, {"cells": partial}))
    return out
