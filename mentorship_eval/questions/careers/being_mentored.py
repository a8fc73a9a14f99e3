"""Steps in a career while mentored: cause-specific hazards, leaving competing; from a landmark also who has taken one by then.

The model is that of leaving (`retention.being_mentored`): time since hire, entry when first observed, strata of the department, calendar
quarters, the covariates of the plan, errors by department. Who is mentored may be who was going to be promoted anyway: said each time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.careers.steps import CareerStudy, Kind, until_step
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, curve_exhibit, forest_exhibit, in_months, just_after, monthly_grid
from mentorship_eval.questions.groups import incidences_by_arm, jackknifed_difference
from mentorship_eval.questions.retention.model_rows import default_cox, persons_not_rows
from mentorship_eval.questions.retention.subgroup_levels import EXPECTED
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import aalen_johansen

__all__ = ["FEWEST_STEPS", "by_landmark", "enough_steps", "while_mentored"]

FEWEST_STEPS = 5  # of the mentored, below which a ratio would rest on hardly anybody
GROUP = "Steps while mentored, against not yet"
_SELECTED = (
    "Those who are given a mentor may be those who were on their way up: ambition and the manager's opinion are not in these tables. The ratios are "
    "adjusted for department, calendar quarter and the covariates of the plan, and for nothing else."
)


def while_mentored(study: CareerStudy) -> Section:
    """A hazard ratio for each kind of step, promotion as the headline."""
    told = Section(cautions=[*study.cautions, Caution("unmeasured_ambition", _SELECTED)])
    for kind in study.kinds:
        rows = until_step(study, kind)
        counts = arms(rows)
        noun = kind.title
        if counts[0] < FEWEST_STEPS:
            reason = f"Too few of the mentored {kind.did} (under {FEWEST_STEPS}) for a hazard ratio."
            told.lacks(f"{noun} while mentored", reason, "A longer window, or more staff mentored.")
            continue
        try:
            fit = default_cox(rows, "mentored", [*study.covariates, "period"], "event", "dept_id")
        except EstimationError as error:
            told.lacks(f"{noun} while mentored", error.problem, error.fix or "More such steps.")
            continue
        estimand = f"hazard of {kind.noun} while mentored, against not yet mentored"
        estimate = persons_not_rows(fit.estimate, rows["staff_id"].nunique(), int(rows["event"].sum()), estimand)
        role = "headline" if kind.name == "promotion" else "companion"
        label = f"{noun} while mentored"
        told.results.append(
            Result(f"careers.{kind.name}", kind.name, estimand, "all staff followed", estimate, label, role, GROUP, rests_on=counts)
        )
        told.cautions += [Caution(c.code, f"{noun}: {c.text}", {"rests_on": counts, **c.data}) for c in fit.warnings]
        if role == "headline":
            told.lead.append(Statement(estimate.statement(), rests_on=counts, results=("careers.promotion",), see=("careers.forest",)))
    if told.results:
        told.exhibits.append(
            forest_exhibit(
                "careers.forest", "Steps in a career while mentored", told.results, value_label="Hazard ratio", sides=("fewer", "more"),
                note="Leaving competes with each step: these are ratios of rates among those still there.",
            )
        )
        told.methods.append(
            "Steps in a career: cause-specific Cox models of the first step of a kind since entry, time since hire, delayed entry, being mentored as "
            f"it changes, strata of department, covariates: {', '.join([*study.covariates, 'calendar quarter'])}; errors clustered by department at "
            "entry."
        )
    return told


# -- from a landmark ----------------------------------------------------------------------------------------------------------


def _landmark(study: CareerStudy, kind: Kind) -> tuple[pd.DataFrame, float]:
    """One row a person at the landmark who has not taken the step: stop, ended, arm, dept_at_entry."""
    chosen = study.cohort.study.plan.landmark_days
    days = default_landmark(study.episodes) if chosen is None else float(chosen)
    rows = landmark_rows(study.episodes, days).rows
    step = rows["staff_id"].map(study.days.set_index("staff_id")[kind.name]).to_numpy(float) - days
    rows = rows.assign(step=np.where(np.isnan(step), np.inf, step))
    rows = rows[rows["step"] > 0].reset_index(drop=True)
    reached = rows["step"] <= rows["stop"]
    ended = np.where(reached, "step", np.where(rows["cause"] != "", "left", ""))
    arm = rows["mentored"].map({1: "Mentored", 0: "Not mentored"})
    return rows.assign(stop=np.minimum(rows["stop"], rows["step"]), ended=ended, arm=arm), days


def _difference(rows: pd.DataFrame, horizon: float, estimand: str) -> Estimate:
    """Percentage points, mentored minus not; departments are left out of both arms at once."""
    mentored, others, fewest = incidences_by_arm(rows, "dept_at_entry", "step", "left", horizon)
    return jackknifed_difference(
        mentored, others, places=fewest, n=len(rows), n_events=int(((rows["ended"] == "step") & (rows["stop"] <= horizon)).sum()),
        estimand=estimand,
        method="Aalen-Johansen by arm; leave-one-department-out jackknife of the difference, t on the departments of the arm that has fewer - 1",
    )


def enough_steps(rows: pd.DataFrame, horizon: float) -> bool:
    """Would both arms have `EXPECTED` steps by the horizon if mentorship made no difference? Totals and person-time decide, not arms: with fewer, an
    arm without a step has a share of 0 and hardly any error.
    """
    steps = int(((rows["ended"] == "step") & (rows["stop"] <= horizon)).sum())
    time = rows["stop"].clip(upper=horizon).groupby(rows["mentored"]).sum()
    return bool(steps * time.min() / time.sum() >= EXPECTED)


def by_landmark(study: CareerStudy) -> Section:
    """Who has taken a step by a time after the landmark, mentored by then against not: curve, and difference at the last horizon reached.

    The step is the first kind of `KINDS` that the data have: promotion, if anybody was promoted.
    """
    told, kind = Section(), study.kinds[0]
    question = f"{kind.title} from a landmark, by mentorship"
    try:
        rows, days = _landmark(study, kind)
    except EstimationError as error:
        return told.lacks(question, error.problem, "Matches that begin during follow-up.")
    months = days / DAYS_PER_MONTH
    counts = [float(((rows["mentored"] == arm) & (rows["ended"] == "step")).sum()) for arm in (1, 0)]
    people = [float((rows["mentored"] == arm).sum()) for arm in (1, 0)]
    if not all(people) or not any(counts):
        return told.lacks(question, "Everybody at the landmark is in one arm, or nobody took the step after it.", "A longer window.")
    behind = (*counts, *people)
    fit = aalen_johansen(rows, stop="stop", cause="ended", by="arm", cluster="dept_at_entry")
    looked = in_months(fit.at(just_after(monthly_grid(float(rows["stop"].max())))))
    looked = looked[looked["cause"] == "step"]
    told.exhibits.append(
        replace(
            curve_exhibit(
                f"careers.{kind.name}.landmark", f"{kind.title} after {months:.0f} months since hire, by mentorship at that time", looked,
                by="by", value="cif", by_label=f"Mentorship at {months:.0f} months", time_from="the landmark", y_label=f"Have {kind.done}",
                n=len(rows), n_events=int(sum(counts)), method="Aalen-Johansen, leaving competes; intervals clustered by department",
                population="careers landmark", note="Nobody was assigned to be mentored: the two groups differ in other ways too.",
            ),
            rests_on=behind,
        )
    )
    for horizon in (365.0, 730.0):
        if min(int((rows.loc[rows["mentored"] == arm, "stop"] >= horizon).sum()) for arm in (1, 0)) < 10:
            continue
        time = f"{horizon / DAYS_PER_MONTH:.0f}"
        if not enough_steps(rows, horizon):
            reason = f"In one of the arms fewer than {EXPECTED:g} would have taken the step by then if mentorship made no difference."
            told.lacks(f"{kind.title} {time} months after the landmark, mentored minus not", reason, "More people, or a longer window.")
            continue
        estimand = (
            f"cumulative incidence of {kind.noun} {time} months after the landmark, mentored within {months:.0f} months of hire minus not, "
            "among those still there then; not adjusted"
        )
        estimate = _difference(rows, horizon, estimand)
        label = f"{kind.title} {time} months after the landmark: mentored minus not"
        told.results.append(
            Result(f"careers.{kind.name}.difference.{time}", kind.name, estimand, "still employed at the landmark", estimate, label, "companion",
                   "From the landmark", rests_on=behind)
        )  # fmt: skip
        if not np.isfinite(estimate.value):
            continue
        told.lead.append(
            Statement(
                f"Share that had {kind.done} {time} months after the landmark, mentored minus not: {estimate.interval(1)} percentage points.",
                rests_on=behind, results=(f"careers.{kind.name}.difference.{time}",), see=(f"careers.{kind.name}.landmark",),
            )
        )
    told.methods.append("From the landmark: cumulative incidence with leaving as a competing event; no curve by mentorship begins at hire.")
    return told
