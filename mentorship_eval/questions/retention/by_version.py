"""Does being mentored go with less leaving under one version of the programme than under another?

Exposure by pieces: while a match lasts, its mentee is mentored under the version that is valid on that day, whenever the match began; once the match
is over, mentored staff have a term of their own, which belongs to no version. The version on the day, and not that in which the match began: a change
of the programme reaches the pairs that are under way, and among the mentored the day on which a match began is the calendar day less the time
since, so that the version at the beginning could not be told from how long a match has lasted. Versions follow each other, so that their ratio is
also one between earlier and later months of the programme; what moves everybody's leaving is taken up by calendar quarters.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.delivery.versions import versions_of
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.retention.mentors import split_at
from mentorship_eval.questions.retention.model_rows import OUTCOME, cohort_episodes, persons_not_rows
from mentorship_eval.questions.retention.prepared import FEW_LEAVERS, Prepared, model_rows
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.cox_variance import JACKKNIFE_BELOW

__all__ = ["by_version"]

_GROUP = "While in a match, by version of the programme"
_UNLOCK = "programmes (version, valid_from) with two versions, both valid within the window"


@on_both_arms
def by_version(study: Prepared) -> Section:
    """The hazard ratio of leaving in a match under each version, against not yet mentored, and each later version against the first."""
    told, question = Section(), "Whether the effect differs between versions of the programme"
    if not study.cohort.has("programmes"):
        return told.lacks(question, "The programme is not described in these data.", _UNLOCK)
    if study.main is None:
        return told.lacks(question, "There is no default estimate of being mentored to divide by version.", "What the default analysis lacks.")
    table = versions_of(study.cohort, study.cohort.mentoring())
    if "valid_from" not in table or table["valid_from"].isna().any() or len(table["programme_id"].unique()) > 1:
        return told.lacks(question, "A version has no first day, or several programmes have matches.", _UNLOCK)
    begins = pd.to_datetime(table["valid_from"])
    table = table[(begins <= study.episodes.end) & ~begins.duplicated(keep="last")].reset_index(drop=True)
    if len(table) < 2:
        return told.lacks(question, "There is one version of the programme within the window.", _UNLOCK)
    rows, names = _rows(study, table)
    counts = {name: (int(mine["staff_id"].nunique()), int(mine["event"].sum())) for name in names for mine in (rows[rows["state"] == name],)}
    if len(names) < 2 or min(left for _, left in counts.values()) < FEW_LEAVERS:
        reason = f"Fewer than {FEW_LEAVERS} people left while in a match under one of the versions."
        return told.lacks(question, reason, "More follow-up of each version.")
    terms = [f"in a match, version {name}" for name in names]
    rows = rows.assign(**{term: (rows["state"] == name).astype(float) for term, name in zip(terms, names, strict=True)})
    after = ["after a match"] if (rows["state"] == "after").any() else []
    rows = rows.assign(**{"after a match": (rows["state"] == "after").astype(float)})
    few = (study.main.n_clusters or 0) < JACKKNIFE_BELOW
    try:
        fit = cox(rows, start="start", stop="stop", event="event", covariates=[*terms, *after, *varying(rows, list(study.model))], strata="dept_id",
                  cluster="dept_at_entry", variance="jackknife" if few else "cluster")  # fmt: skip
    except EstimationError as error:
        return told.lacks(question, error.problem, "More follow-up of each version.")
    # all states of the mentored stand beside their total elsewhere: one that is small takes the others with it
    behind = tuple(float(part) for part in rows.loc[rows["event"] == 1, "state"].value_counts())
    for name, term in zip(names, terms, strict=True):
        estimand = f"hazard of {study.words.leaving} while in a match under version {name} of the programme, against not yet mentored"
        estimate = persons_not_rows(fit.estimates[term], *counts[name], estimand)
        told.results.append(
            Result(f"retention.version.{slug(name)}", OUTCOME, estimand, "all staff followed", estimate, f"Version {name}, against not mentored",
                   "companion", _GROUP, rests_on=behind)
        )  # fmt: skip
    told.results += [_against_first(study, fit, terms, place, names, rows, behind) for place in range(1, len(names))]
    told.exhibits.append(
        forest_exhibit(
            "retention.versions", "Leaving while in a match, by version of the programme", told.results, value_label="Hazard ratio",
            sides=("fewer leave", "more leave"),
            note="The version valid on the day, whenever the match began. Versions follow each other: their ratio is also one between earlier and "
            "later months of the programme.",
        )
    )  # fmt: skip
    told.cautions.append(
        Caution("versions_follow", "A version was not drawn by lot but followed the one before: with it, mentors' experience and the people who are "
                "matched may have changed.")
    )  # fmt: skip
    told.methods.append(
        "Versions: the default model with, in the place of being mentored, a term for being in a match under each version (that valid on the day) "
        "and one for the time after a match; before the first day of the first version the first counts. Ratio of versions from the one fit."
    )
    return told


def _rows(study: Prepared, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows cut where matches end and versions begin, with ``state``: "" before any match, a version, or "after"; and the versions in order."""
    now = cohort_episodes(study.cohort, exposure="current", grace=0)
    rows, _ = model_rows(now, list(study.covariates))
    people = now.persons.set_index("staff_id")
    first = rows["staff_id"].map(people["mentored_from"]).to_numpy(float)
    rows = rows.assign(over=((rows["mentored"] == 0) & (first <= rows["start"].to_numpy(float))).astype(int), valid=0)
    for place, day in enumerate(pd.to_datetime(table["valid_from"]).iloc[1:], start=1):
        # rows are (start, stop]: the first day of a version is the first of which the row after it holds
        rows = split_at(rows, (day - pd.Timedelta(days=1) - people["hire"]).dt.days.astype(float))
        rows = rows.assign(valid=np.where(rows["mentee"] == 1, place, rows["valid"])).drop(columns="mentee")
    names = table["version"].astype(str).to_numpy(object)
    state = np.where(rows["mentored"] == 1, names[rows["valid"].to_numpy(int)], np.where(rows["over"] == 1, "after", ""))
    return rows.assign(state=state), [str(name) for name in names if (state == name).any()]


def _against_first(
    study: Prepared, fit: CoxResult, terms: list[str], place: int, names: list[str], rows: pd.DataFrame, behind: tuple[float, ...]
) -> Result:
    """A later version against the first, from the one fit."""
    one, other = fit.estimates[terms[place]], fit.estimates[terms[0]]
    variance = fit.covariance[place, place] + fit.covariance[0, 0] - 2 * fit.covariance[place, 0]
    df = min((each.n_clusters or 0) for each in (one, other)) - 1
    mine = rows[rows["state"].isin([names[place], names[0]])]
    estimand = f"hazard of {study.words.leaving} while in a match, version {names[place]} of the programme against version {names[0]}"
    estimate = ratio_estimate(
        float(np.log(one.value / other.value)), float(np.sqrt(variance)) if variance > 0 else math.nan, scale="hazard ratio",
        df=float(df) if df >= 1 else None, method=fit.method, estimand=estimand, n=int(mine["staff_id"].nunique()),
        n_events=int(mine["event"].sum()), n_clusters=df + 1,
    )  # fmt: skip
    return Result(f"retention.version.{slug(names[place])}.against_first", OUTCOME, estimand, "people mentored", estimate,
                  f"Version {names[place]}, against version {names[0]}", "companion", _GROUP, rests_on=behind)  # fmt: skip
