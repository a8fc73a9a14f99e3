"""What kind of mentoring it was: direction, format, mode; and mentoring beside supervision, which is something else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of, told_table
from mentorship_eval.questions.groups import fewest_places, jackknifed_ratio, slug
from mentorship_eval.questions.section import Section

__all__ = ["kinds", "supervision"]

_COLUMNS = {"direction": "Direction", "format": "Format", "mode": "Mode of sessions", "method": "How pairs were made"}


def kinds(study: DeliveryStudy) -> Section:
    """Share of matches by direction, format and method, and of sessions held by mode."""
    told = Section()
    for column, word in _COLUMNS.items():
        rows, what = (study.sessions, "sessions held") if column == "mode" else (study.mentoring, "matches of mentoring")
        if column == "mode" and len(rows):
            rows = rows[rows["held"] == 1]
        if column not in rows or rows[column].isna().all():
            place = "sessions" if column == "mode" else "matches"
            told.lacks(word, f"The column {column} of {place} is missing or empty.", f"{column} in {place}")
            continue
        known = rows[rows[column].notna()]
        for level in known[column].astype(str).value_counts().index:
            label = str(level).replace("_", " ").capitalize()
            told.results.append(
                share_of(
                    f"{column}.{slug(str(level))}",
                    label,
                    f"share of {what}, {word.lower()}: {level}",
                    (known[column] == level).astype(int),
                    known["dept_id"],
                    population=what,
                    group=word,
                )
            )
    if told.results:
        told.exhibits.append(
            told_table("delivery.kinds", "What kind of mentoring it was", told.results, note="Of matches, or sessions, that say so.")
        )
    return told


def supervision(study: DeliveryStudy) -> Section:
    """Share of recorded relationships that are mentoring, and sessions a month in mentoring against supervision."""
    told, rows = Section(), study.matches
    if "relationship_type" not in rows or (rows["kind"] == "mentoring").all():
        return told.lacks(
            "Mentoring beside supervision",
            "Every relationship in these data is mentoring, or does not say.",
            "rows of supervision or preceptorship, relationship_type in matches",
        )
    told.results.append(
        share_of(
            "relationship.mentoring",
            "Relationships that are mentoring",
            "share of recorded relationships that are mentoring",
            rows["kind"] == "mentoring",
            rows["dept_id"],
            population="relationships of all types",
            group="Kind of relationship",
        )
    )
    told.cautions.append(
        Caution(
            "supervision_left_out",
            "Relationships of supervision or preceptorship are in the table of matches: nothing in this "
            "chapter but their comparison counts them as mentoring.",
        )
    )
    if not study.cohort.has("sessions"):
        return told
    all_sessions = study.cohort.table("sessions").merge(rows[["match_id", "start", "last"]], on="match_id")
    day = pd.to_datetime(all_sessions["date"])
    inside = (day >= all_sessions["start"]) & (day <= all_sessions["last"])
    took_place = all_sessions["status"].isna() | (all_sessions["status"] == "held") if "status" in all_sessions else inside
    number = rows["match_id"].map(all_sessions.loc[inside & took_place, "match_id"].value_counts()).fillna(0.0).to_numpy(float)
    code = pd.factorize(rows["dept_id"].astype(str), sort=True)[0]
    places, sides = int(code.max()) + 1, []
    for mentoring in (True, False):
        mine = ((rows["kind"] == "mentoring") == mentoring).to_numpy()
        sums = [np.bincount(code[mine], weights=part[mine], minlength=places) for part in (number, rows["months"].to_numpy(float))]
        sides.append([part.sum() - np.append(0.0, part) for part in sums])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (sides[0][0] / sides[0][1]) / (sides[1][0] / sides[1][1])
    behind = (float(sides[0][0][0]), float(sides[1][0][0]), float((rows["kind"] != "mentoring").sum()))
    if min(behind) <= 0:
        return told.lacks("Sessions in mentoring and in supervision", "Sessions are listed for one of them alone.", "sessions of both")
    estimand = "sessions held per month of the relationship, mentoring against supervision or preceptorship"
    estimate = jackknifed_ratio(
        ratio,
        scale="rate ratio",
        n=len(rows),
        n_events=int(behind[0] + behind[1]),
        estimand=estimand,
        places=fewest_places(code, (rows["kind"] == "mentoring").to_numpy(), (rows["kind"] != "mentoring").to_numpy()),
        method="sessions over months; leave-one-department-out jackknife of the log ratio, t on the departments of the kind in fewest - 1",
    )
    told.results.append(
        Result(
            "delivery.mentoring_against_supervision",
            "delivery",
            estimand,
            "relationships of all types",
            estimate,
            "Sessions a month, mentoring against supervision",
            "companion",
            rests_on=behind,
        )
    )
    return told
