"""Innovation labs beside the mentorship: departments with one of them, with both, and with neither; and who works in the labs."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.errors import DataError
from mentorship_eval.questions.allocation import other_programmes
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.incidents.together import beside_others
from mentorship_eval.questions.innovation.departments import months_of_projects
from mentorship_eval.questions.innovation.study import OUTCOME, InnovationStudy, mentored_by
from mentorship_eval.questions.section import Section

__all__ = ["in_labs", "labs_together"]


def labs_together(study: InnovationStudy) -> Section:
    """Rate ratios of projects begun with each alone and with both, against neither, and their interaction."""
    told, question = Section(), "Mentorship together with innovation labs"
    if not other_programmes(study.cohort):
        unlock = "rows of another programme in rollout (programme_id), and programme_id in matches"
        return told.lacks(question, "No other programme is listed beside the mentorship.", unlock)
    first = pd.Timestamp(study.cohort.window[0]).to_period("M")
    try:
        panel = months_of_projects(study, study.projects)
    except DataError as error:
        return told.lacks(question, error, "Dates of go-live within the window.")
    prepared = Prepared(
        study.cohort, panel, (Kind("projects", OUTCOME, "Projects begun", "headline"),), "person_years", "adopted", "per 1,000 staff-years",
        lambda period: str(first + int(period) - 1), "month",
    )  # fmt: skip
    told = beside_others(prepared, "innovation")
    if told.results:
        told.methods.append(
            "Labs: department-months with neither programme are compared with those of each alone and of both (Poisson imputation); the interaction "
            "is the ratio of both over the product of the two, by a joint jackknife of departments."
        )
    return told


def in_labs(study: InnovationStudy) -> Section:
    """Projects begun in a lab and outside one, by whether the first member was mentored: a description."""
    told, made = Section(), study.projects
    if made["lab_id"].isna().all():
        return told.lacks("Projects of innovation labs", "No project is said to be of a lab.", "lab_id in projects")
    lab, mentored = made["lab_id"].notna().to_numpy(), mentored_by(study, made) == 1
    rows = []
    for arm, word in ((True, "Mentored"), (False, "Not yet, or never")):
        for inside, where in ((True, "In a lab"), (False, "Outside labs")):
            mine = made[(lab == inside) & (mentored == arm)]
            rows.append({"arm": word, "where": where, "projects": len(mine), "people": mine["staff_id"].nunique()})
    told.exhibits.append(
        table_exhibit(
            "innovation.labs", "Projects begun in labs and outside", pd.DataFrame(rows), counts=("projects", "people"), within="*",
            labels={"arm": "First member at the start", "where": "Where", "projects": "Projects", "people": "People"}, stub=["arm", "where"],
            formats={"projects": "count", "people": "count"}, note="A description: who works in a lab was not drawn by lot.",
        )
    )  # fmt: skip
    return told
