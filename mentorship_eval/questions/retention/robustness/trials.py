"""Sensitivity: a sequence of target trials, each comparing those who began to be mentored lately with those not mentored yet."""

from __future__ import annotations

from dataclasses import replace

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import varying, with_covariates
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import sequential_trials

__all__ = ["trials"]

_QUESTION = "Sequential trials of being mentored"
EVERY = 3  # months


@on_both_arms
def trials(study: Prepared) -> Section:
    """The hazard ratio pooled over trials that begin every quarter of tenure."""
    told = Section()
    options = study.episodes.options
    if options.get("exposure") != "absorbing" or options.get("suspended") == "remove":
        unlock = "exposure: absorbing in the plan, and rules.suspended: keep"
        return told.lacks(_QUESTION, "They are for an exposure that stays once begun, in follow-up without gaps.", unlock)
    persons, _ = with_covariates(study.episodes.persons, [name for name in study.covariates if name in study.episodes.persons])
    persons["event"] = persons["cause"].isin(study.episodes.outcome).astype(int)
    try:
        fit = sequential_trials(
            persons, person="staff_id", start="entry", stop="stop", event="event", exposed_from="mentored_from", every=EVERY * DAYS_PER_MONTH,
            covariates=varying(persons, list(study.covariates)), strata="dept_at_entry", cluster="dept_at_entry",
        )
    except EstimationError as error:
        return told.lacks(_QUESTION, error.problem, "More follow-up, or more staff who begin to be mentored while followed.")
    estimand = f"hazard of {study.words.leaving} after mentoring began lately, against not mentored yet (sequential trials, per protocol)"
    estimate = replace(fit.estimate, estimand=estimand)
    told.results.append(
        Result(
            "retention.sensitivity.sequential_trials", OUTCOME, estimand, "all staff followed", estimate,
            "Sequential trials, one a quarter of tenure", "sensitivity", MENTORED,
        )
    )
    told.methods.append(
        f"Sequential trials: every {EVERY} months of tenure, those whose mentoring began in the {EVERY} months before against those not mentored "
        f"yet, who are censored when theirs begins; Cox model stratified by trial and department at entry; {fit.method}."
    )
    return told
