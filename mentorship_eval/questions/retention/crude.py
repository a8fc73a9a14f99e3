"""Crude beside adjusted: the models of the chapter again without covariates, and the table that sets the two side by side.

The hazard ratios of covariates are not told. In a model made for one exposure they are no effects: what the exposure is adjusted for was
chosen for it and not for them (the "Table 2 fallacy", Westreich & Greenland 2013, Am J Epidemiol 177:292-298).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.from_landmark.landmark import POPULATION, AtLandmark
from mentorship_eval.questions.retention.model_rows import OUTCOME, default_cox, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox

__all__ = ["crude_and_adjusted", "crude_being_mentored", "crude_from_landmark"]

_CRUDE = ".crude"
_MODELS = {
    "retention.being_mentored": ("Being mentored, against not yet (time-varying)", "hazard ratio"),
    "retention.landmark": ("Mentored by the landmark, followed from it", "hazard ratio"),
    "retention.programme_active": ("Programme active in the department", "rate ratio"),
}


@on_both_arms
def crude_being_mentored(study: Prepared) -> Section:
    """The default model with its strata of department and without any covariate."""
    if study.main is None:
        return Section()
    estimand = f"{study.estimand}, without covariates"
    try:
        fit = default_cox(study.rows, "mentored", [], "event", "dept_id")
    except EstimationError as error:
        return Section().lacks("Being mentored, without covariates", error.problem, "More people or more follow-up.")
    estimate = replace(study.told(fit.estimate, estimand), method=f"Cox model stratified by department, no covariates; {fit.method}")
    label = f"{study.words.label} while mentored, without covariates"
    name = f"retention.being_mentored{_CRUDE}"
    return Section(results=[Result(name, OUTCOME, estimand, "all staff followed", estimate, label, "sensitivity", MENTORED)])


@on_both_arms
def crude_from_landmark(study: Prepared, at: AtLandmark) -> Section:
    """The model from the landmark with its strata of department and without any covariate."""
    if not at.rows["event"].any():
        return Section()
    try:
        fit = cox(at.rows, stop="stop", event="event", covariates=["mentored"], strata="dept_id", cluster="dept_at_entry")
    except EstimationError as error:
        return Section().lacks("Mentored by the landmark, without covariates", error.problem, "More follow-up after the landmark.")
    estimand = f"hazard of {study.words.leaving}, mentored within {at.months:.0f} months of hire against not, without covariates"
    estimate = persons_not_rows(fit.estimate, len(at.rows), int(at.rows["event"].sum()), estimand)
    label = f"Mentored by the landmark ({at.months:.0f} months), without covariates"
    return Section(results=[Result(f"retention.landmark{_CRUDE}", OUTCOME, estimand, POPULATION, estimate, label, "sensitivity", MENTORED)])


def crude_and_adjusted(study: Prepared, results: Sequence[Result]) -> list[Exhibit]:
    """The table, from the results of the chapter; nothing where none of its models could be fitted."""
    by_id = {result.id: result for result in results}
    lines, notes = [], {}
    for name, (label, scale) in _MODELS.items():
        adjusted, crude = by_id.get(name), by_id.get(name + _CRUDE)
        if adjusted is None:
            continue
        if crude is None:  # the design is all that it is adjusted for
            crude, adjusted = adjusted, None
            notes[f"{label}, {scale}"] = (
                "No covariates: what is expected without the programme comes from the department and the month. The number is of "
                "department-months with the programme."
            )
        lines.append(_line(f"{label}, {scale}", crude, adjusted))
    if not lines:
        return []
    frame = pd.DataFrame(lines)
    sides = ("crude", "adjusted")
    covariates = ", ".join(name.replace("_", " ") for name in study.covariates) or "no covariate of the plan"
    note = (
        f"Crude: no covariates, but the strata of department that the design has. Adjusted: also {covariates} and, of being mentored against not "
        "yet, the calendar quarter. Intervals allow for departments (clusters). The ratios of the covariates are not told: they were chosen to "
        "adjust for, and are themselves adjusted for nothing. –, there is none, or it is withheld."
    )
    return [table_exhibit(
        "retention.models", f"{study.words.label}: crude and adjusted", frame, counts=("n", "n_events"),
        derived=tuple(f"{side}{end}" for side in sides for end in ("", "_low", "_high")), behind=("fewest",), results={"told": ""},
        columns=["label", "n", "n_events", "clusters", "crude_interval", "adjusted_interval"],
        joined={f"{side}_interval": f"{{{side}:2}} ({{{side}_low:2}} to {{{side}_high:2}})" for side in sides},
        formats={"label": "text", "clusters": "count"}, spanners={"Ratio (95 % CI)": [f"{side}_interval" for side in sides]},
        labels={
            "label": "Model", "n": "Persons", "n_events": "Leavers", "clusters": "Clusters", "crude_interval": "Crude",
            "adjusted_interval": "Adjusted",
        },
        footnotes=notes, note=note,
    )]  # fmt: skip


def _line(label: str, crude: Result, adjusted: Result | None) -> dict[str, object]:
    main = adjusted or crude
    line: dict[str, object] = {
        "told": " ".join(one.id for one in (crude, adjusted) if one is not None), "label": label, "n": main.estimate.n,
        "n_events": main.estimate.n_events, "clusters": main.estimate.n_clusters,
        "fewest": min((float(c) for c in (*crude.rests_on, *main.rests_on) if c is not None and c > 0), default=np.nan),
    }  # fmt: skip
    for side, one in (("crude", crude), ("adjusted", adjusted)):
        estimate = one.estimate if one is not None else None
        values = (estimate.value, estimate.ci_low, estimate.ci_high) if estimate is not None else (math.nan,) * 3
        line |= dict(zip((side, f"{side}_low", f"{side}_high"), values, strict=True))
    return line
