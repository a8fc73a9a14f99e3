"""Steps in the careers of mentors, by whether mentoring counts in their appraisal: does recognition go along with advancement?

Mentors only, from the later of their training and their entry: whoever becomes a mentor differs from staff who do not. Nothing is adjusted but
department, and being recognised is as the table of mentors has it, without a date: an association, said so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.careers.steps import CareerStudy, until_step
from mentorship_eval.questions.retention.model_rows import persons_not_rows
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox

__all__ = ["recognised_mentors"]

FEWEST = 5  # steps of recognised mentors, and of the others


def recognised_mentors(study: CareerStudy) -> Section:
    """Hazard ratio of promotion (the first kind of step that the data have), mentors with recognition in their appraisal against mentors without."""
    told, kind = Section(), study.kinds[0]
    question = f"{kind.title} of mentors whose mentoring counts in their appraisal"
    if not study.cohort.has("mentors") or "appraisal_recognised" not in study.cohort.table("mentors"):
        return told.lacks(question, "The cohort does not say whose mentoring is recognised.", "appraisal_recognised in mentors")
    mentors = study.cohort.table("mentors").drop_duplicates("staff_id").set_index("staff_id")
    known = mentors["appraisal_recognised"].dropna()
    rows = until_step(study, kind)
    rows = rows[rows["staff_id"].isin(known.index)]
    trained = pd.to_datetime(mentors["trained_on"]) if "trained_on" in mentors else pd.Series(pd.NaT, index=mentors.index)
    hire = study.episodes.persons.set_index("staff_id")["hire"]
    since = (rows["staff_id"].map(trained) - rows["staff_id"].map(hire)).dt.days.fillna(0.0).to_numpy(float)
    rows = rows.assign(start=np.maximum(rows["start"].to_numpy(float), since), recognised=rows["staff_id"].map(known).astype(float))
    rows = rows[rows["start"] < rows["stop"]].reset_index(drop=True)
    counts = tuple(
        float(value) for side in (1.0, 0.0)
        for value in (rows.loc[rows["recognised"] == side, "event"].sum(), rows.loc[rows["recognised"] == side, "staff_id"].nunique())
    )  # fmt: skip
    if min(counts[0], counts[2]) < FEWEST:
        return told.lacks(question, f"In one of the two groups of mentors fewer than {FEWEST} {kind.did}.", "A longer window.")
    try:
        fit = cox(rows, start="start", stop="stop", event="event", covariates=["recognised"], strata="dept_id", cluster="dept_at_entry")
    except EstimationError as error:
        return told.lacks(question, error.problem, "More such steps of mentors.")
    estimand = f"hazard of {kind.noun} among mentors, mentoring recognised in the appraisal against not"
    estimate = persons_not_rows(fit.estimate, rows["staff_id"].nunique(), int(rows["event"].sum()), estimand)
    told.results.append(
        Result("careers.mentors.recognised", kind.name, estimand, "mentors", estimate, f"{kind.title}, recognised mentors against others",
               "companion", "Mentors", rests_on=counts)
    )  # fmt: skip
    told.methods.append(f"Mentors: Cox model of {kind.noun} from training (or entry) on, strata of department; an association.")
    return told
