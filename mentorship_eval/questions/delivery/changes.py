"""Scores of people before and after: mentors since they mentor, and staff mentored by younger colleagues. Paired, without anybody to compare with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.delivery.study import DeliveryStudy, mean_of
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.section import Section

__all__ = ["mentor_benefits", "reverse_mentoring"]

_MENTORS = {"MENTORING-COMPETENCE": "Mentoring competence", "JOB-SATISFACTION": "Job satisfaction", "UWES-9": "Work engagement (UWES-9)"}
_FEWEST = 10  # people with a score on both sides
_NO_CLAIM = "Changes of scores are of the same people before and after, with nobody to compare with: whatever else changed meanwhile is part of them."


def _paired(study: DeliveryStudy, since: pd.Series, scores: pd.DataFrame) -> pd.DataFrame:
    """Last score before and first one from the day on which it began, of those who have both: staff_id, change."""
    rows = scores.assign(began=scores["staff_id"].map(since)).dropna(subset=["began", "score", "completed_on"])
    rows = rows.assign(after=pd.to_datetime(rows["completed_on"]) >= rows["began"]).sort_values("completed_on", kind="stable")
    before = rows[~rows["after"]].drop_duplicates("staff_id", keep="last").set_index("staff_id")["score"]
    after = rows[rows["after"]].drop_duplicates("staff_id", keep="first").set_index("staff_id")["score"]
    change = (after - before).dropna().astype(float)
    return pd.DataFrame({"staff_id": change.index, "change": change.to_numpy()})


def _changes(study: DeliveryStudy, since: pd.Series, told: Section, key: str, group: str, who: str, instruments: pd.DataFrame) -> None:
    for (instrument, subscale), scores in instruments.groupby(["instrument", "subscale"], observed=True):
        pairs = _paired(study, since, scores)
        if len(pairs) < _FEWEST:
            continue
        first = pd.to_datetime(pairs["staff_id"].map(since))
        name = _MENTORS.get(str(instrument), str(instrument).replace("-", " ").capitalize())
        name += "" if str(subscale) == "total" else f", {subscale}"
        result = mean_of(
            f"{key}.{slug(f'{instrument} {subscale}')}",
            name,
            f"mean change in {name} of {who}, last score before to first after",
            pairs["change"],
            np.ones(len(pairs)),
            study.department_on(pairs["staff_id"], first),
            population=who,
            group=group,
            unit="points",
        )
        told.results.append(result)


def _linked(study: DeliveryStudy) -> pd.DataFrame:
    surveys = study.cohort.table("surveys") if study.cohort.has("surveys") else pd.DataFrame()
    return surveys[surveys["staff_id"].notna()] if {"staff_id", "completed_on"} <= set(surveys.columns) else pd.DataFrame()


def mentor_benefits(study: DeliveryStudy) -> Section:
    """Paired changes of mentors' scores since their first mentee, on the few scales settled beforehand (`_MENTORS`)."""
    told, surveys = Section(), _linked(study)
    since = study.begun.dropna(subset=["mentor_id"]).groupby("mentor_id")["start"].min()
    if len(surveys):
        _changes(
            study,
            since,
            told,
            "mentors",
            "Mentors, since their first mentee",
            "mentors",
            surveys[surveys["staff_id"].isin(since.index) & surveys["instrument"].astype(str).isin(_MENTORS)],
        )
    if not told.results:
        return told.lacks(
            "What mentors gain",
            f"Fewer than {_FEWEST} mentors have a linked score before and after their first mentee.",
            "surveys of mentors (staff_id, completed_on)",
        )
    told.cautions.append(Caution("before_and_after", _NO_CLAIM))
    told.methods.append(
        "Mentors: last score before their first mentee to the first one after it; mean of changes, departments left out one at a time."
    )
    return told


def reverse_mentoring(study: DeliveryStudy) -> Section:
    """Paired change of digital confidence of those mentored in reverse."""
    told, pairs, question = Section(), study.begun, "What reverse mentoring brings to those mentored"
    if "direction" not in pairs or not (pairs["direction"] == "reverse").any():
        return told.lacks(question, "No match is told to be reverse mentoring.", "direction in matches")
    since = pairs[pairs["direction"] == "reverse"].groupby("mentee_id")["start"].min()
    surveys = _linked(study)
    if len(surveys):
        digital = surveys[surveys["instrument"].astype(str).str.upper().str.contains("DIGITAL") & surveys["staff_id"].isin(since.index)]
        _changes(study, since, told, "reverse", "Mentored in reverse", "staff mentored in reverse", digital)
    if not told.results:
        return told.lacks(
            question,
            f"Fewer than {_FEWEST} of them have a linked score of digital confidence before and after.",
            "surveys with an instrument whose name has DIGITAL in it",
        )
    return told
