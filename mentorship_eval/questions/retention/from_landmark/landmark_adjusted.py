"""From a landmark, adjusted: the curves that a Cox model expects if everybody, or nobody, had been mentored by then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, counted_curve, in_months, just_after, monthly_grid
from mentorship_eval.questions.retention.from_landmark.landmark import ARMS, AtLandmark, capital
from mentorship_eval.questions.retention.model_rows import OUTCOME, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import adjusted_survival, cox, kaplan_meier, largest_tau
from mentorship_eval.survival.hazards.standardised_result import AdjustedSurvival

__all__ = ["adjusted_from_landmark"]

_QUESTION = "Adjusted curves from the landmark"
_LAST = 24  # months
POPULATION = "still employed at the landmark, in departments with both arms that are followed to the last time"


@on_both_arms
def adjusted_from_landmark(study: Prepared, at: AtLandmark) -> Section:
    """Standardised curves of every exit, and their difference at the horizons of the plan."""
    rows, told = at.comparable, Section()
    if rows["mentored"].nunique() < 2 or not rows["exit"].any():
        return told.lacks(_QUESTION, "No department has both mentored and not mentored staff of whom somebody left.", "More follow-up.")
    try:
        fit = cox(
            rows, stop="stop", event="exit", covariates=["mentored", *varying(rows, list(at.covariates))],
            strata="dept_id", cluster="dept_at_entry",
        )
        last = min(float(largest_tau(rows, stop="stop", by="arm", at_risk=10)), _LAST * DAYS_PER_MONTH)
        grid = monthly_grid(last)
        adjusted = adjusted_survival(
            fit, rows, exposure="mentored", times=list(just_after(grid)), subject="staff_id", levels=[0, 1], short_strata="leave_out"
        )
    except EstimationError as error:
        return told.lacks(_QUESTION, error.problem, "More follow-up after the landmark.")
    told.cautions += [Caution(c.code, f"Adjusted curves from the landmark: {c.text}", c.data) for c in adjusted.warnings]
    told.exhibits.append(_curves(study, at, rows, adjusted))
    for months in (6, 12, 24):
        if months > grid[-1]:
            continue
        estimate = _in_points(adjusted.estimates[(1, float(months * DAYS_PER_MONTH))])
        estimand = f"difference in the share {study.words.still} {months} months after the landmark, mentored by then minus not, adjusted"
        told.results.append(
            Result(
                f"retention.landmark.adjusted.{months}", OUTCOME, estimand, POPULATION,
                persons_not_rows(estimate, adjusted.n, int(rows["exit"].sum()), estimand),
                f"{capital(study.words.still)} {months} months after the landmark: adjusted difference", "companion",
                "Share employed after the landmark",
            )
        )
    told.methods.append(
        "Adjusted curves average the survival that a Cox model of all exits (stratified by department, covariates of the plan) expects for every "
        "person, once as mentored and once as not."
    )
    return told


def _in_points(estimate: Estimate) -> Estimate:
    """A difference of shares told in percentage points."""
    parts = {name: 100 * getattr(estimate, name) for name in ("value", "se", "ci_low", "ci_high")}
    return replace(estimate, **parts, scale="difference", unit="percentage points")


def _curves(study: Prepared, at: AtLandmark, rows: pd.DataFrame, adjusted: AdjustedSurvival) -> Exhibit:
    table = adjusted.table.assign(by=adjusted.table["level"].map(ARMS))
    # the arms in the order, and so the colours, of the other curves
    table = in_months(table).rename(columns={"survival": "estimate"}).sort_values(["level", "time"], ascending=[False, True])
    # an adjusted curve has no risk set; it ends where too few people of its arm are still followed
    plain = kaplan_meier(rows, stop="stop", event="exit", by="arm").at(np.sort(adjusted.table["time"].unique()))
    counts = in_months(plain).set_index(["by", "time"])["n_risk"]
    # one model: each of its curves steps at the exits of either arm
    table["n_event"] = table["time"].map(in_months(plain).groupby("time")["n_event"].sum())
    table["n_risk"] = counts.reindex(pd.MultiIndex.from_frame(table[["by", "time"]])).to_numpy()
    curve = table[["by", "time", "estimate", "ci_low", "ci_high", "n_risk", "n_event"]].dropna(subset=["estimate"]).reset_index(drop=True)
    return Exhibit(
        "retention.landmark.adjusted", "survival_curves",
        f"{capital(study.words.still)}, adjusted, from {at.months:.0f} months after hire",
        {"curve": curve}, {"curve": counted_curve()["curve"]},
        {
            "by_label": f"Mentorship at {at.months:.0f} months", "time_from": "the landmark", "time_unit": "months",
            "y_label": f"{capital(study.words.still)} ({study.words.exits})", "n": adjusted.n, "n_events": int(rows["exit"].sum()),
            "method": "Cox model stratified by department, averaged over everybody (g-formula)",
        },
        "What the model expects if everybody, or nobody, had been mentored by the landmark; it takes the hazard ratio as constant.",
    )
