"""What goes with matches that end early, are rated well, or meet often: format, direction, the mentor's training, protected time.

One comparison for each property of a match, in one pattern. What a match was is known when it begins: training counts when it was done by then, and
protected time is that of the department, of the plan or of all its other sessions, since a match's own share is told by the sessions that it held.
Properties are chosen: associations, within departments where a model can hold them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.compared import compared_table, difference_of, rates_of
from mentorship_eval.questions.delivery.mentor_effects import rated_matches
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox

__all__ = ["modifiers"]

_FEWEST, _FEWEST_ENDS = 30, 5  # matches, and early ends, of each kind


@dataclass(frozen=True)
class _Property:
    """side: 1 or 0 for each match of mentoring, missing where it is not known."""

    key: str
    words: str
    side: pd.Series


def modifiers(study: DeliveryStudy) -> Section:
    """By each property: hazard ratio of ending early, difference of mean ratings; and the ratio of sessions a month by protected time."""
    told, pairs = Section(), study.mentoring
    mentor = pairs["mentor_id"].astype(object).where(pairs["mentor_id"].notna(), pairs["match_id"]).astype(str)
    pairs = pairs.assign(mentor=mentor)
    rated = rated_matches(study).set_index("match_id")["mqs"]
    properties = _properties(told, study, pairs)
    for each in properties:
        _ending(told, study, pairs, each)
    for each in properties:
        _rating(told, pairs, rated, each)
    _protected(told, study, pairs)
    if not told.results:
        return told
    told.exhibits.append(
        compared_table(
            "delivery.modifiers", "What goes with ending early, ratings and sessions", told.results, study.cohort.study.plan,
            of="Matches",
            note="Ending early: within departments, errors by mentor. Ratings: by mentees, mentors left out one at a time. Sessions a month: "
                 "departments left out one at a time.",
        )
    )  # fmt: skip
    told.cautions.append(
        Caution("kinds_are_chosen", "Format, direction and mentors were not drawn by lot, nor was protected time: what differs between kinds of "
                "match is no effect of the kind.")
    )  # fmt: skip
    told.methods.append(
        "Kinds of match: hazard of ending early (any end but the planned one; ends without a reason are censored) in a Cox model of time since the "
        "match began, strata of departments, errors by mentor; mean rating by the mentee, mentors left out one at a time. Mentors count as "
        "trained by the day the match began, so that no match has to last for it. Protected time by department, upper against lower half: hours "
        "planned, and the share of its sessions held in it."
    )
    return told


def _properties(told: Section, study: DeliveryStudy, pairs: pd.DataFrame) -> list[_Property]:
    made = []
    for column, one, words in (("format", "group", "In a group, against one to one"), ("direction", "peer", "Peers, against other directions")):
        if column in pairs and pairs[column].notna().any():
            made.append(_Property(column, words, (pairs[column].astype(object) == one).astype(float).mask(pairs[column].isna())))
    mentors = study.cohort.table("mentors").drop_duplicates("staff_id").set_index("staff_id") if study.cohort.has("mentors") else pd.DataFrame()
    if "trained_on" in mentors:
        day = pairs["mentor_id"].map(pd.to_datetime(mentors["trained_on"]))
        made.append(_Property("trained", "Mentor trained by then, against not", (day <= pairs["start"]).astype(float)
                              .mask(~pairs["mentor_id"].isin(mentors.index))))  # fmt: skip
    names = {each.key for each in made}
    for key, question, unlock in (("format", "What goes with the format of a match", "format in matches"),
                                  ("trained", "What goes with the mentor's training", "trained_on in mentors")):  # fmt: skip
        if key not in names:
            told.lacks(question, "It is not in these data.", unlock)
    return made


def _ending(told: Section, study: DeliveryStudy, pairs: pd.DataFrame, each: _Property) -> None:
    question = f"Ending early: {each.words[:1].lower()}{each.words[1:]}"
    if not study.reasons_told:
        told.lacks(question, "Why matches ended is not in these data.", "end_reason in matches")
        return
    rows = pairs.assign(side=each.side)[each.side.notna()]
    early = rows["planned"].eq(False).fillna(False).astype(int)
    number = [int((rows["side"] == one).sum()) for one in (1, 0)]
    ends = [int(early[rows["side"] == one].sum()) for one in (1, 0)]
    if min(number) < _FEWEST or min(ends) < _FEWEST_ENDS:
        told.lacks(question, f"Fewer than {_FEWEST} matches, or {_FEWEST_ENDS} early ends, of one kind.", "More matches of both kinds.")
        return
    days = np.maximum((rows["last"] - rows["start"]).dt.days.to_numpy(float), 0.5)
    data = pd.DataFrame({"days": days, "event": early, "side": rows["side"], "mentor": rows["mentor"], "dept": rows["dept_id"].astype(str)})
    try:
        fit = cox(data, stop="days", event="event", covariates=["side"], strata="dept", cluster="mentor")
    except EstimationError as error:
        told.lacks(question, error.problem, "More matches of both kinds in a department.")
        return
    estimand = f"hazard of a match ending early: {each.words[:1].lower()}{each.words[1:]}, within departments"
    estimate = replace(fit.estimate, n=len(rows), n_events=int(early.sum()), estimand=estimand)
    told.results.append(
        Result(f"delivery.modifiers.ends.{each.key}", "match_ending", estimand, "matches of mentoring", estimate, each.words, "companion",
               "Ending early", rests_on=(*map(float, ends), *(float(size - end) for size, end in zip(number, ends, strict=True))))
    )  # fmt: skip


def _rating(told: Section, pairs: pd.DataFrame, rated: pd.Series, each: _Property) -> None:
    rows = pairs.assign(side=each.side, mqs=pairs["match_id"].map(rated).astype(float))
    rows = rows[rows["side"].notna() & rows["mqs"].notna()]
    number = [float((rows["side"] == one).sum()) for one in (1, 0)]
    if min(number) < _FEWEST:
        told.lacks(f"Ratings: {each.words[:1].lower()}{each.words[1:]}", f"Fewer than {_FEWEST} rated matches of one kind.", "feedback (role, mqs)")
        return
    estimand = f"mean rating of the match by its mentee: {each.words[:1].lower()}{each.words[1:]}, difference"
    estimate = difference_of(rows["mqs"], rows["side"], rows["mentor"], unit="points of 100", n=len(rows), estimand=estimand)
    told.results.append(
        Result(f"delivery.modifiers.rating.{each.key}", "match_quality", estimand, "rated matches of mentoring", estimate, each.words, "companion",
               "Rating of the match", rests_on=tuple(number))
    )  # fmt: skip


def _protected(told: Section, study: DeliveryStudy, pairs: pd.DataFrame) -> None:
    """Sessions held a month of being matched, departments with more protected time against those with less."""
    question, sessions = "Whether pairs with more protected time meet more often", study.sessions
    if sessions.empty:
        told.lacks(question, "The cohort has no sessions.", "sessions in study.yaml")
        return
    held = sessions[sessions["held"] == 1]
    number = pairs["match_id"].map(held["match_id"].value_counts()).fillna(0.0)
    rollout = study.cohort.table("rollout") if study.cohort.has("rollout") else pd.DataFrame()
    known = held[held["protected"].notna()] if "protected" in held else held.iloc[:0]
    levels = {}
    if "protected_hours_month" in rollout and rollout["protected_hours_month"].notna().any():
        levels["planned"] = rollout.dropna(subset=["protected_hours_month"]).groupby("dept_id")["protected_hours_month"].first().astype(float)
    if len(known):
        levels["share"] = known.groupby("dept_id")["protected"].apply(lambda values: float(values.astype(float).mean()))
    for key, words in (("planned", "More hours of protected time planned, against fewer"),
                       ("share", "More of the department's sessions in protected time, against fewer")):  # fmt: skip
        level = pairs["dept_id"].map(levels.get(key, pd.Series(dtype=float))).astype(float)
        told_of = level.groupby(pairs["dept_id"]).first().dropna()
        middle = told_of.median() if len(told_of) else np.nan
        # of two levels the larger may be the median itself
        side = (level > middle if (level > middle).any() else level >= middle).astype(float).mask(level.isna())
        mine = side.notna()
        places = [pairs.loc[side == one, "dept_id"].nunique() for one in (1, 0)]
        behind = tuple(float(number[side == one].sum()) for one in (1, 0))
        if min(places) < 2 or min(behind) < _FEWEST:
            told.lacks(f"{question}: {words[:1].lower()}{words[1:]}", "Protected time is not told, or does not differ between departments.",
                       "protected_hours_month in rollout, protected in sessions")  # fmt: skip
            continue
        estimand = f"sessions held per month of being matched: {words[:1].lower()}{words[1:]}"
        estimate = rates_of(number[mine], pairs.loc[mine, "months"], side[mine], pairs.loc[mine, "dept_id"], n=int(mine.sum()),
                            n_events=float(sum(behind)), estimand=estimand)  # fmt: skip
        told.results.append(
            Result(f"delivery.modifiers.protected.{key}", "sessions", estimand, "matches of mentoring", estimate, words, "companion",
                   "Sessions held a month", rests_on=(*behind, *(float((side == one).sum()) for one in (1, 0))))
        )  # fmt: skip
