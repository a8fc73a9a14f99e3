"""Do mentors stay? Being a mentor, from the first match as one, and the hazard of leaving.

The same analysis as for being mentored, with the mentor of each match in the place of the mentee, and being mentored by then as a
covariate: mentees are among the people whom mentors are compared with. Mentors are chosen, and choose to be, among people who mean
to stay: this is a companion, never the effect of mentoring others.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.retention.model_rows import OUTCOME, cohort_episodes, default_cox
from mentorship_eval.questions.retention.prepared import Prepared, model_rows
from mentorship_eval.questions.retention.support import arms
from mentorship_eval.questions.section import Section

__all__ = ["mentors_stay"]

GROUP = "Being a mentor, against not (yet) one"
_FEWEST_LEAVERS = 5
_QUESTION = "Whether mentors stay"


def mentors_stay(study: Prepared) -> Section:
    """The hazard ratio of leaving while a mentor, how many mentors left, and that mentors are selected."""
    matches = study.cohort.mentoring()
    if "mentor_id" not in matches or matches["mentor_id"].isna().all():
        return Section().lacks(_QUESTION, "matches does not say who the mentor is.", "the column mentor_id in matches")
    turned = matches.drop(columns="mentee_id").rename(columns={"mentor_id": "mentee_id"})
    turned = turned[turned["mentee_id"].notna()]
    # a lag would be that of the mentee's benefit
    episodes = cohort_episodes(study.cohort, matches=turned, lag=0)
    people = episodes.persons[episodes.persons["mentored_from"].notna()]
    if people.empty:
        return Section().lacks(_QUESTION, "No mentor of a match is among the staff followed.", "mentor_id of matches as it stands in staff")
    words, told = study.words, Section()
    rows, _ = model_rows(episodes, list(study.covariates))
    rows = split_at(rows.rename(columns={"mentored": "mentor"}), study.episodes.persons.set_index("staff_id")["mentored_from"])
    while_mentor = int(rows.loc[rows["mentor"] == 1, "event"].sum())
    years = episodes.mentored_days / 365.25
    told.lead.append(
        Statement(
            "{mentors} members of staff were mentors, followed as such for " + f"{years:,.0f} person-years; " + "{left} " + words.left + ".",
            {"mentors": len(people), "left": while_mentor},
        )
    )
    told.exhibits.append(_table(rows, words.left))
    told.cautions.append(
        Caution(
            "mentors_selected",
            "Mentors are chosen, and offer themselves, among people who mean to stay: that they leave less (or more) is not an effect of "
            "mentoring others.",
        )
    )
    if while_mentor < _FEWEST_LEAVERS:
        reason = "Too few mentors left while they were mentors for a hazard ratio."
        return told.lacks("The hazard of leaving while a mentor", reason, "More follow-up, or more mentors.")
    estimand = f"hazard of {words.leaving} while a mentor, against not (yet) a mentor"
    try:
        fit = default_cox(rows, "mentor", ["mentee", *study.model], "event", "dept_id")
    except EstimationError as error:
        return told.lacks("The hazard of leaving while a mentor", error.problem, "More follow-up, or more mentors.")
    estimate = replace(fit.estimate, n=len(episodes.persons), n_events=int(rows["event"].sum()), estimand=estimand)
    told.results.append(
        Result(
            "retention.mentors", OUTCOME, estimand, "all staff followed", estimate, f"{words.label} while a mentor", "companion", GROUP,
            rests_on=arms(rows, exposure="mentor"),
        )
    )  # fmt: skip
    told.cautions += [Caution(c.code, f"Mentors: {c.text}", c.data) for c in fit.warnings]
    told.methods.append("Mentors: the model of being mentored, with exposure from the first match as a mentor, adjusted for being mentored by then.")
    return told


def split_at(rows: pd.DataFrame, began: pd.Series) -> pd.DataFrame:
    """``rows`` (staff_id, start, stop, event, cause, ...) cut where ``began`` (by staff_id, on the same clock) falls inside, with
    ``mentee``: 1 from then on. An event stays in the last piece."""
    at = rows["staff_id"].map(began).to_numpy(float)
    inside = (at > rows["start"].to_numpy()) & (at < rows["stop"].to_numpy())
    early = rows[inside].assign(stop=at[inside], event=0, cause="", mentee=0)
    late = rows[inside].assign(start=at[inside], mentee=1)
    whole = rows[~inside].assign(mentee=(at[~inside] <= rows["start"].to_numpy()[~inside]).astype(int))
    return pd.concat([early, late, whole]).sort_values(["staff_id", "start"], kind="stable", ignore_index=True)


def _table(rows: pd.DataFrame, left: str) -> Exhibit:
    """Person-years and leavers while a mentor and otherwise."""
    time = (rows["stop"] - rows["start"]) / 365.25
    lines = []
    for value, name in ((1, "a mentor"), (0, "not (yet) a mentor")):
        mine = rows["mentor"] == value
        years, events = float(time[mine].sum()), int(rows.loc[mine, "event"].sum())
        rate = 100 * events / years if years else float("nan")
        people = rows.loc[mine, "staff_id"].nunique()
        lines.append({"state": name[:1].upper() + name[1:], "people": people, "years": years, "left": events, "rate": rate})
    return table_exhibit(
        "retention.mentors",
        "Mentors: how many left",
        pd.DataFrame(lines),
        counts=("people", "left"),
        derived=("rate",),
        ratios={"rate": "left"},
        within="*",
        labels={
            "state": "While",
            "people": "People (ever in this state)",
            "years": "Person-years",
            "left": left[:1].upper() + left[1:],
            "rate": "Per 100 person-years",
        },
        formats={"people": "count", "left": "count", "years": "number", "rate": "rate"},
        note="As they were, without adjustment for how long people had been in post. Mentors are selected people.",
    )
