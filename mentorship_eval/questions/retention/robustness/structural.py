"""Sensitivity: a marginal structural model, for what changes with time and drives both being mentored and leaving."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.model_rows import OUTCOME, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import marginal_structural, person_periods

__all__ = ["structural"]

_QUESTION = "A marginal structural model of leaving"


@on_both_arms
def structural(study: Prepared) -> Section:
    """Odds of leaving per month after mentoring began, weighted for suspension, department and calendar as they change."""
    told = Section()
    if study.episodes.options.get("exposure") != "absorbing":
        return told.lacks(_QUESTION, "It is for an exposure that stays once begun.", "plan.exposure.definition: absorbing")
    rows = _treatable(study).rename(columns={"period": "quarter"})
    if rows["mentored"].nunique() < 2 or not rows["event"].any():
        return told.lacks(_QUESTION, "Where the programme is active, nobody or everybody is mentored.", "More follow-up.")
    try:
        months = person_periods(
            rows, person="staff_id", start="start", stop="stop", event="event", treatment="mentored", width=DAYS_PER_MONTH,
            covariates=["dept_id", "dept_at_entry", "suspended", "quarter", *study.covariates],
        )
        changing = varying(months, ["suspended", "quarter"])
        fit = marginal_structural(
            months, person="staff_id", period="period", treatment="mentored", event="event",
            time_varying=changing, baseline=varying(months, list(study.covariates)), strata="dept_id", cluster="dept_at_entry",
        )
    except EstimationError as error:
        return told.lacks(_QUESTION, error.problem, "More follow-up, or fewer departments without leavers.")
    estimand = f"odds of {study.words.leaving} per month while mentored, against not yet, weighted for what changes with time"
    estimate = persons_not_rows(fit.estimate, int(rows["staff_id"].nunique()), int(rows["event"].sum()), estimand)
    told.results.append(
        Result(
            "retention.sensitivity.marginal_structural", OUTCOME, estimand, "staff of departments whose programme is active", estimate,
            "While mentored, marginal structural model", "sensitivity", MENTORED,
        )
    )
    told.cautions += [Caution(c.code, f"Marginal structural model: {c.text}", c.data) for c in fit.warnings]
    if "jackknife" not in fit.method:
        text = "Marginal structural model: its interval takes the weights as known and may be a little short (93 % coverage in one simulated cell)."
        told.cautions.append(Caution("weights_taken_as_known", text))
    told.methods.append(
        "Marginal structural model: person-months (mentored: from the month after mentoring began) from the programme's start in the department, "
        "stabilised weights for beginning to be mentored "
        "(numerator: tenure, covariates of the plan, department; denominator: also suspension and calendar quarter), pooled logistic regression, "
        f"clipped at the 1st and 99th percentile, clusters: department; {fit.method}."
    )
    return told


def _treatable(study: Prepared) -> pd.DataFrame:
    """Person-time in which mentoring could begin, or had begun: before the programme is there, nobody can be mentored."""
    if not study.cohort.has("rollout"):
        return study.rows
    return study.rows[(study.rows["programme_active"] == 1) | (study.rows["mentored"] == 1)].reset_index(drop=True)
