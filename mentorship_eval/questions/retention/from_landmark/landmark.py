"""From a landmark: the only point of time from which mentored and not mentored staff may be drawn as two curves.

A time-varying exposure has no value after exit, and a curve from hire would give the mentored the time that they had to
survive to be matched. So the people still followed at the landmark are divided by what they were then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.covariates import varying, with_covariates
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, curve_exhibit, in_months, just_after, monthly_grid
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.model_rows import OUTCOME, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox, fine_gray, kaplan_meier
from mentorship_eval.survival.hazards.cox_result import CoxResult

__all__ = ["ARMS", "AtLandmark", "at_landmark", "from_landmark"]

ARMS = {1: "Mentored", 0: "Not mentored"}
POPULATION = "still employed at the landmark"


@dataclass(frozen=True)
class AtLandmark:
    """rows: one a person still followed ``days`` after hire, timed from then: stop, mentored (by then), arm, exit (any, 0/1), event
    (the outcome at the level of leaving, 0/1), ended ("outcome", "other" or "" for censored), cause, dept_id (then), dept_at_entry,
    covariates ready for a model; covariates: those that vary.
    """

    rows: pd.DataFrame
    days: float
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]

    @property
    def months(self) -> float:
        return self.days / DAYS_PER_MONTH

    @property
    def comparable(self) -> pd.DataFrame:
        """The people of departments that have both mentored and not mentored staff at the landmark."""
        share = self.rows.groupby("dept_id")["mentored"].transform("mean")
        return self.rows[(share > 0) & (share < 1)].reset_index(drop=True)


def at_landmark(study: Prepared) -> AtLandmark | Section:
    """The people at the landmark of the plan, or at the default one; a section that says why, when there is no such comparison."""
    question = "Curves by mentorship"
    chosen = study.cohort.study.plan.landmark_days
    try:
        days = default_landmark(study.episodes) if chosen is None else float(chosen)
        made = landmark_rows(study.episodes, days)
    except EstimationError as error:
        return Section().lacks(question, error.problem, "Matches that begin during follow-up.")
    months = days / DAYS_PER_MONTH
    if made.rows["mentored"].nunique() < 2:
        return Section().lacks(question, f"Everybody at {months:.1f} months after hire is in one arm.", "A longer window.")
    by_dates = "the tenure by which 90 % of the matches of people hired in the window had begun, set without looking at leaving"
    how = "named in study.yaml" if chosen else by_dates
    text = f"The landmark is {months:.1f} months after hire ({how}); {made.share_later:.0%} of the people followed "
    text += "from there were matched later and count as not mentored."
    later_ones = round(made.share_later * len(made.rows))
    later = {"persons": later_ones, "complement": len(made.rows) - later_ones}
    caution = Caution("landmark", text, {"days": days, "share_later": made.share_later, **later})
    rows, _ = with_covariates(made.rows, [name for name in study.covariates if name in made.rows])
    left, wanted = rows["cause"] != "", rows["cause"].isin(study.episodes.outcome)
    ended = np.where(wanted, "outcome", np.where(left, "other", ""))
    rows = rows.assign(exit=left.astype(int), event=wanted.astype(int), ended=ended, arm=rows["mentored"].map(ARMS))
    if not rows["exit"].any():
        return Section(cautions=[caution]).lacks(question, "Nobody left after the landmark.", "More follow-up after the landmark.")
    usable = varying(rows, [name for name in study.covariates if name in rows])
    return AtLandmark(rows, days, tuple(usable), (caution,))


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def arm_curves(
    study: Prepared, at: AtLandmark, rows: pd.DataFrame, exhibit_id: str, title: str, *, weights: str | None = None, method: str, note: str
) -> Exhibit:
    """Still employed by arm, in months from the landmark, with the people at risk at the start of each period."""
    km = kaplan_meier(rows, stop="stop", event="exit", by="arm", cluster="dept_at_entry", weights=weights)
    grid = monthly_grid(float(rows["stop"].max()))
    looked = in_months(km.at(just_after(grid)))
    at_risk = None
    if weights is not None:
        # people are counted, not weights: the sum of weights stands beside them
        plain = in_months(kaplan_meier(rows, stop="stop", event="exit", by="arm").at(just_after(grid)))
        at_risk = plain.assign(n_risk_weighted=looked["n_risk"].to_numpy())
        looked = looked.assign(n_risk=plain["n_risk"].to_numpy(), n_event=plain["n_event"].to_numpy())
    return curve_exhibit(
        exhibit_id, title, looked, by="by", value="survival", at_risk=at_risk, by_label=f"Mentorship at {at.months:.0f} months",
        time_from="the landmark", y_label=f"{capital(study.words.still)} ({study.words.exits})", n=len(rows),
        n_events=int(rows["exit"].sum()), method=method, note=note, plain=weights is None,
        population="landmark" if weights is None else "landmark, weighted",
    )


@on_both_arms
def from_landmark(study: Prepared, at: AtLandmark) -> Section:
    """Curves as they are, the hazard ratio from the landmark, and the subdistribution hazard ratio of voluntary leaving."""
    told = Section(cautions=list(at.cautions))
    told.exhibits.append(
        arm_curves(
            study, at, at.rows, "retention.landmark.plain",
            f"{capital(study.words.still)}, from {at.months:.0f} months after hire, by mentorship at that time",
            method="Kaplan-Meier, intervals clustered by department",
            note="Nobody was assigned to be mentored: the two groups differ in other ways too.",
        )
    )
    within = f"mentored within {at.months:.0f} months of hire against not, among those still there then"
    covariates = ["mentored", *at.covariates]
    fits: list[tuple[str, str, str, Callable[[], object]]] = [
        (
            "retention.landmark", f"hazard of {study.words.leaving}, {within}", f"Mentored by the landmark ({at.months:.0f} months)",
            partial(cox, at.rows, stop="stop", event="event", covariates=covariates, strata="dept_id", cluster="dept_at_entry"),
        ),
        (
            "retention.landmark.subdistribution", f"subdistribution hazard of {study.words.leaving}, {within}",
            "Mentored by the landmark, Fine-Gray (other exits competing, not stratified by department)",
            partial(fine_gray, at.rows, stop="stop", cause="ended", of="outcome", covariates=covariates, cluster="dept_at_entry"),
        ),
    ]
    for name, estimand, label, fit in fits:
        if not at.rows["event"].any():
            told.lacks(label, f"After the landmark nobody {study.words.left}.", "More follow-up after the landmark.")
            continue
        try:
            fitted = fit()
        except EstimationError as error:
            told.lacks(label, error.problem, "More follow-up after the landmark.")
            continue
        estimate = persons_not_rows(fitted.estimate, len(at.rows), int(at.rows["event"].sum()), estimand)  # type: ignore[attr-defined]
        role = "sensitivity" if isinstance(fitted, CoxResult) else "companion"
        told.results.append(Result(name, OUTCOME, estimand, POPULATION, estimate, label, role, MENTORED))
        if isinstance(fitted, CoxResult):
            told.cautions += [Caution(c.code, f"From the landmark: {c.text}", c.data) for c in fitted.warnings]
    told.methods.append(
        "Curves by mentorship start at a landmark; from there also a Cox model stratified by department and a Fine-Gray model, other exits "
        "competing."
    )
    return told
