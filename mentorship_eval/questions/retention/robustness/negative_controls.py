"""Associations that mentorship cannot have made: exits that it should not move, and a programme that is not there yet.

A ratio away from 1 here says that the groups differ in something that the model does not hold. A person who will be mentored
cannot leave before it, so a later match is no negative-control exposure (it has no events by construction); the months before
a department's go-live are one, for the go-live does not depend on who stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.retention.model_rows import OUTCOME, calendar_periods, cohort_episodes, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared, model_rows
from mentorship_eval.questions.retention.robustness.sensitivity_fits import restricted_fit
from mentorship_eval.questions.retention.support import arms, on_both_arms
from mentorship_eval.questions.section import Section

__all__ = ["before_go_live", "negative_controls"]

OUTCOMES, EXPOSURE = "Negative-control outcome, while mentored", "Negative-control exposure"
READING = "A ratio away from 1 here says that the groups differ in something that the model does not hold."


@on_both_arms
def negative_controls(study: Prepared) -> Section:
    """Results (role sensitivity, group "Negative-control ..."), one forest, and what could not be had."""
    told = Section()
    for cause in study.cohort.study.plan.sensitivity.negative_outcomes:
        _outcome(told, study, cause)
    _exposure(told, study)
    if told.results:
        told.exhibits.append(
            forest_exhibit(
                "retention.negative_controls",
                "Negative controls: where mentorship should have no effect",
                told.results,
                note=f"{READING} It does not say by how much the estimate of leaving is off.",
                value_label="Hazard ratio",
            )
        )
        told.cautions += _off(told.results)
        told.methods.append(
            "Negative controls: the default model with an exit that mentorship should not move as its outcome, and leaving before the go-live "
            "of the programme in one's department (Lipsitch, Tchetgen Tchetgen and Cohen 2010)."
        )
    return told


def _off(results: list[Result]) -> list[Caution]:
    """Negative controls whose interval does not hold 1: a reader must not have to find them in a figure."""
    off = [r for r in results if r.estimate.ci_low > 1 or r.estimate.ci_high < 1]
    if not off:
        return []
    which = "; ".join(f"{r.label[:1].lower()}{r.label[1:]}: {r.estimate.interval()}" for r in off)
    text = f"A negative control is off 1, where mentorship should have no effect ({which}). {READING} With several controls one may be off by chance."
    # the sentence goes when one of its numbers does
    return [Caution("negative_control_off", text, {"controls": [r.id for r in off], "rests_on": sum((r.rests_on for r in off), ())})]


def _outcome(told: Section, study: Prepared, cause: str) -> None:
    word = cause.replace("_", " ")
    if cause in study.episodes.outcome:
        unlock = "Another reason in plan.sensitivity.negative_outcomes."
        told.lacks(f"Negative control: leaving by {word}", f"{word.capitalize()} is part of the outcome here.", unlock)
        return
    rows = study.rows.assign(event=(study.rows["cause"] == cause).astype(int))
    if not rows["event"].any():
        # the default list names what some cohorts do not have
        if "negative_outcomes" in study.cohort.study.plan.sensitivity.model_fields_set:
            told.lacks(f"Negative control: leaving by {word}", f"Nobody left by {word}.", f"Reasons for leaving that name {word}, if there were any.")
        return
    fitted, without, problem = None, "", ""
    # few such exits: the baseline covariates may separate them, then the calendar
    for covariates, left_out in ((study.model, ""), (("period",), "the baseline covariates"), ((), "covariates and calendar quarters")):
        try:
            fitted, without = restricted_fit(rows, list(covariates)), left_out if study.covariates or not covariates else ""
            break
        except EstimationError as error:
            problem = error.problem
    if fitted is None or fitted.estimate is None:
        told.lacks(f"Negative control: leaving by {word}", problem, "More such exits.")
        return
    if without:
        text = f"The negative control by {word} is told without {without}, which separate such exits."
        told.cautions.append(Caution("unadjusted_negative_control", text, {"cause": cause}))
    estimand = f"negative control: hazard of leaving by {word} while mentored, against not yet mentored"
    estimate = persons_not_rows(fitted.estimate, study.persons, fitted.leavers, estimand)
    told.results.append(
        Result(
            f"retention.negative_control.outcome.{cause}", f"exit_{cause}", estimand, "all staff followed", estimate,
            f"{word.capitalize()} while mentored", "sensitivity", OUTCOMES, rests_on=arms(rows),
        )
    )


def before_go_live(study: Prepared, lead_days: int) -> pd.DataFrame:
    """Rows of the default analysis before the programme is active in the department and before the person is mentored, cut
    ``lead_days`` before the go-live; ``soon`` is 1 from there on."""
    cohort = study.cohort
    rollout = own_rollout(cohort)
    earlier = rollout.assign(active_from=pd.to_datetime(rollout["active_from"]) - pd.Timedelta(days=lead_days))
    episodes = cohort_episodes(cohort, rollout=earlier)
    rows, _ = model_rows(episodes, list(study.covariates))
    live = pd.to_datetime(rollout["active_from"]).groupby(rollout["dept_id"].to_numpy()).min()
    hire = pd.Series(episodes.persons["hire"].to_numpy(), index=episodes.persons["staff_id"])
    # the day itself belongs to the programme: what stops on the eve is before it
    end = (rows["dept_id"].map(live) - rows["staff_id"].map(hire)).dt.days - 1
    rows = rows[(rows["mentored"] == 0) & ~(rows["start"] >= end)].copy()
    end = end[rows.index]
    cut = (rows["stop"] > end).to_numpy()
    rows.loc[cut, "stop"] = end[cut].astype(float)
    rows.loc[cut, "cause"] = ""
    rows.loc[cut, "event"] = 0
    rows["soon"] = rows["programme_active"]
    rows["period"], _ = calendar_periods(rows)
    return rows.reset_index(drop=True)


def _exposure(told: Section, study: Prepared) -> None:
    days = int(study.cohort.study.plan.sensitivity.lead_days)
    question = "Negative control: leaving before the programme is there"
    if not days:
        return
    if not study.cohort.has("rollout"):
        told.lacks(question, "The cohort has no table rollout.", "rollout (programme_id, dept_id, active_from)")
        return
    rows = before_go_live(study, days)
    if rows.empty or rows["soon"].nunique() < 2 or not rows["event"].any():
        told.lacks(question, "Nobody was followed, or nobody left, in and outside the months before a go-live.", "A window that begins earlier.")
        return
    try:
        fitted = restricted_fit(rows, list(study.model), first="soon")
    except EstimationError as error:
        told.lacks(question, error.problem, "More departments with a go-live, or a window that begins earlier.")
        return
    assert fitted.estimate is not None
    estimand = (
        f"negative control: hazard of {study.words.leaving} in the {days} days before the programme goes live in the department, against "
        "before that, among staff not mentored"
    )
    estimate = persons_not_rows(fitted.estimate, fitted.persons, fitted.leavers, estimand)
    if np.isfinite(estimate.value):
        estimate = replace(estimate, method=f"{estimate.method}; person-time before the go-live only")
    told.results.append(
        Result(
            "retention.negative_control.go_live", OUTCOME, estimand, "staff not mentored, programme not yet active", estimate,
            f"Go-live in the next {days} days", "sensitivity", EXPOSURE, rests_on=arms(rows, exposure="soon"),
        )
    )
