"""From the table of projects to what each person and each department began, and person-time in which projects could begin.

A person takes part in a project from its start; it counts for every member, and for a department once, that of the project or else of its first
member on that day. Projects begun while nobody of it was followed are left out: nobody saw who could have begun one and did not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.cohort.person_time.recurrent import with_recurrent_events
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.calendar_time import EPOCH, as_days, calendar_rows, department_on
from mentorship_eval.questions.record_flow import RecordFlow, flow_exhibit
from mentorship_eval.questions.retention.model_rows import cohort_episodes

__all__ = ["OUTCOME", "TYPES", "InnovationStudy", "innovation_study", "mentored_by", "person_time"]

OUTCOME = "innovation"
# kind in the table -> noun, and how a line of a figure calls it
TYPES = {"qi": ("quality improvement projects", "Quality improvement"), "innovation": ("innovation projects", "Innovation"),
         "research": ("research projects", "Research"), "digital": ("digital and telemedicine projects", "Digital, telemedicine")}  # fmt: skip


@dataclass(frozen=True)
class InnovationStudy:
    """cohort; episodes: person-time of employment; rows: theirs on the clock of the calendar (days since 1970), with model-ready covariates.

    taken: one row per person and project begun in follow-up: project_id, staff_id, date, day (since 1970), type. projects: one row per project:
    project_id, staff_id (first member), dept_id, date, type, stage, adopted_on, abandoned_on, lab_id (missing where the table has none).
    flow: step, removed, kept; covariates of the model.
    """

    cohort: Cohort
    episodes: Episodes
    rows: pd.DataFrame
    taken: pd.DataFrame
    projects: pd.DataFrame
    flow: pd.DataFrame
    covariates: tuple[str, ...]
    cautions: tuple[Caution, ...]

    def flow_exhibit(self) -> Exhibit:
        return flow_exhibit("innovation.flow", "From records to projects", self.flow, "A record is a person in a project.")


def innovation_study(cohort: Cohort) -> InnovationStudy:
    """Projects and person-time of a cohort that has staff, spells, matches and projects."""
    episodes = cohort_episodes(cohort)
    persons = episodes.persons.set_index("staff_id")
    records = cohort.table("projects").copy()
    for name in ("type", "stage", "lab_id", "dept_id"):
        records[name] = records[name].astype(object) if name in records else None
    for name in ("adopted_on", "abandoned_on"):
        records[name] = as_days(records[name]) if name in records else pd.NaT
    records["date"] = as_days(records["start"])
    flow = RecordFlow(records)
    records = flow.keep(records, records["staff_id"].isin(persons.index), "people of the cohort")
    day = (records["date"] - records["staff_id"].map(persons["hire"])).dt.days
    inside = (day > records["staff_id"].map(persons["entry"])) & (day <= records["staff_id"].map(persons["stop"]))
    records = flow.keep(records, inside, "employed and followed on the day of the start")
    records = records.sort_values(["date", "project_id", "staff_id"], kind="stable", ignore_index=True)
    records = flow.keep(records, ~records.duplicated(["project_id", "staff_id"]), "the first record of that person in that project")
    there = pd.Series(department_on(records["staff_id"], records["date"], cohort.table("spells")), index=records.index)
    records = records.assign(day=(records["date"] - EPOCH).dt.days.astype(float), dept_id=records["dept_id"].where(records["dept_id"].notna(), there))
    columns = ["project_id", "staff_id", "dept_id", "date", "day", "type", "stage", "adopted_on", "abandoned_on", "lab_id"]
    projects = records.drop_duplicates("project_id")[columns]
    projects = projects[projects["dept_id"].notna()].reset_index(drop=True)
    rows, covariates, cautions = calendar_rows(cohort, episodes, OUTCOME)
    taken = records[["project_id", "staff_id", "date", "day", "type"]].reset_index(drop=True)
    return InnovationStudy(cohort, episodes, rows, taken, projects, flow.table(), covariates, (*cautions, *episodes.notes))


def person_time(study: InnovationStudy, taken: pd.DataFrame) -> pd.DataFrame:
    """Rows on the calendar clock, cut at each start (staff_id, day) of ``taken``."""
    return with_recurrent_events(study.rows, taken.rename(columns={"day": "time"}))


def mentored_by(study: InnovationStudy, projects: pd.DataFrame) -> np.ndarray:
    """Whether the first member of each project was mentored on the day of its start, as the rows say."""
    begun = projects[["staff_id", "day"]].reset_index(drop=True).assign(_n=range(len(projects)))
    rows = study.rows[["staff_id", "start", "stop", "mentored"]].assign(stop=study.rows["stop"].astype(float))
    found = pd.merge_asof(begun.sort_values("day", kind="stable"), rows.sort_values("stop", kind="stable"), left_on="day", right_on="stop",
                          by="staff_id", direction="forward").sort_values("_n")  # fmt: skip
    return found["mentored"].fillna(0).to_numpy(int)
