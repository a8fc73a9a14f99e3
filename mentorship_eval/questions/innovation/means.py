"""Projects per person from a landmark, mentored by then against not, with leaving as the end of a person's projects.

Who leaves begins no more projects here and stays in the mean with what there was: the curve answers what an employer gets from a hundred people
that it has at the landmark, and says less for the mentored if they leave more. The rate ratio of those still there is told elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.cohort.person_time.recurrent import with_recurrent_events
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import format_number
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.calendar_time import EPOCH
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, curve_exhibit, in_months, just_after, monthly_grid
from mentorship_eval.questions.innovation.study import OUTCOME, InnovationStudy
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import mean_cumulative

__all__ = ["from_landmark", "projects_per_person"]

ARMS = {1: "Mentored", 0: "Not mentored"}
_FEWEST = 10  # followed to a horizon in each arm
_EVERY = 3  # months between the points of the curve, so that enough began in between


def from_landmark(study: InnovationStudy) -> tuple[pd.DataFrame, float]:
    """Rows from the landmark cut at each project begun after it: staff_id, start, stop, event, left, arm, dept_at_entry; and the landmark in days.

    Raises EstimationError when nobody was matched.
    """
    chosen = study.cohort.study.plan.landmark_days
    days = default_landmark(study.episodes) if chosen is None else float(chosen)
    rows = landmark_rows(study.episodes, days).rows
    hire = (study.episodes.persons.set_index("staff_id")["hire"] - EPOCH).dt.days
    since = study.taken["day"] - study.taken["staff_id"].map(hire) - days
    cut = with_recurrent_events(rows, study.taken.assign(time=since))
    return cut.assign(left=(cut["cause"] != "").astype(int), arm=cut["mentored"].map(ARMS)), days


def projects_per_person(study: InnovationStudy) -> Section:
    """Curves of the mean number of projects, and its difference at each horizon that both arms reach."""
    told, question = Section(), "Projects per person from a landmark, by mentorship"
    try:
        rows, days = from_landmark(study)
    except EstimationError as error:
        return told.lacks(question, error.problem, "Matches that begin during follow-up.")
    people = rows.groupby("mentored")["staff_id"].nunique().reindex([1, 0]).fillna(0).astype(float).tolist()
    begun = rows.groupby("mentored")["event"].sum().reindex([1, 0]).fillna(0).astype(float).tolist()
    beginners = rows[rows["event"] == 1].groupby("mentored")["staff_id"].nunique().reindex([1, 0]).fillna(0).astype(float).tolist()
    if not all(people) or not all(begun):
        return told.lacks(question, "Everybody at the landmark is in one arm, or one of the arms began no project after it.", "A longer window.")
    behind, months = (*begun, *people, *beginners), days / DAYS_PER_MONTH
    fit = mean_cumulative(rows, start="start", stop="stop", event="event", terminal="left", by="arm", cluster="dept_at_entry", id="staff_id")
    looked = in_months(fit.at(just_after(monthly_grid(float(rows["stop"].max()))[::_EVERY])))
    title = f"Projects per person after {months:.0f} months since hire, by mentorship at that time"
    told.exhibits.append(
        replace(
            curve_exhibit(
                "innovation.landmark", title, looked, by="by", value="mean", by_label=f"Mentorship at {months:.0f} months", means=True,
                time_from="the landmark", y_label="Projects begun per person", n=int(sum(people)), n_events=int(sum(begun)),
                method="Mean cumulative function, no more projects after leaving; intervals clustered by department",
                population="innovation landmark", note="Nobody was assigned to be mentored: the two groups differ in other ways too.",
            ),
            rests_on=behind,
        )
    )
    ends = rows.groupby("staff_id")["stop"].max()
    arm = rows.drop_duplicates("staff_id").set_index("staff_id")["mentored"]
    for horizon in (365.0, 730.0):
        if min(int((ends[arm == one] >= horizon).sum()) for one in (1, 0)) < _FEWEST:
            continue
        time = f"{horizon / DAYS_PER_MONTH:.0f}"
        estimand = (
            f"projects begun per 100 people within {time} months of the landmark, mentored within {months:.0f} months of hire minus not, among those "
            "still there then, none after leaving; not adjusted"
        )
        found = fit.difference(horizon, ARMS[1], ARMS[0])
        hundred = {name: 100 * getattr(found, name) for name in ("value", "se", "ci_low", "ci_high")}
        estimate = replace(found, **hundred, unit="projects per 100 people", n=int(sum(people)), estimand=estimand)
        name, label = f"innovation.per_person.{time}", f"Projects per 100 people, {time} months after the landmark: mentored minus not"
        told.results.append(
            Result(name, OUTCOME, estimand, "still employed at the landmark", estimate, label, "companion", "From the landmark", rests_on=behind)
        )
        low, high = (format_number(value, 1) for value in (estimate.ci_low, estimate.ci_high))
        limits = f" (95 % CI of the difference {low} to {high})" if np.isfinite(estimate.ci_low) else ""
        more = f"{format_number(abs(estimate.value), 1)} {'fewer' if estimate.value < 0 else 'more'}"
        words = f"{time} months after the landmark 100 mentored people had begun {more} projects than 100 others{limits}."
        told.lead.append(Statement(words, rests_on=behind, results=(name,), see=("innovation.landmark",)))
    told.methods.append(
        "Projects per person: mean cumulative functions with leaving, for whatever reason, as the end (Cook & Lawless 1997; Ghosh & Lin 2000), "
        "groups fixed at the landmark; differences leave out one department at a time."
    )
    return told
