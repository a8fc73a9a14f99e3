"""Goals and feedback: how many goals that were due have been reached, how often pairs rate their match, and whether anybody acts on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.questions.delivery.runs import run_of_shares
from mentorship_eval.questions.delivery.study import DeliveryStudy, mean_of, share_of, told_table
from mentorship_eval.questions.section import Section

__all__ = ["feedback", "goals"]

_ROUND = 60  # days from one rating to the next, as platforms ask for them
_LATE = 30  # days given to act on a poor rating
_POOR = 60  # of 100


def goals(study: DeliveryStudy) -> Section:
    """Share reached by the due day, of goals due within the window, in all and by domain; goals a match."""
    told, question = Section(), "How many goals were reached"
    if not study.cohort.has("goals"):
        return told.lacks(question, "The cohort has no goals.", "goals in study.yaml")
    table = study.cohort.table("goals").merge(study.mentoring[["match_id", "dept_id"]], on="match_id")
    if table.empty or "due_on" not in table or "achieved_on" not in table:
        return told.lacks(question, "No goal of a match has a due day and a day reached.", "due_on, achieved_on in goals")
    due = table[pd.to_datetime(table["due_on"]) <= study.end]
    ever = pd.to_datetime(due["achieved_on"])
    reached = (ever <= pd.to_datetime(due["due_on"])).astype(int)
    about = {"population": "goals due within the window", "group": "Goals"}
    if due.empty:
        return told.lacks(question, "No goal was due within the window.", "A longer window.")
    told.results.append(
        share_of(
            "goals.in_time",
            "Goals reached by the day they were due",
            "share of goals reached by their due day",
            reached,
            due["dept_id"],
            role="headline",
            **about,
        )
    )
    told.results.append(
        share_of(
            "goals.by_end",
            "Goals reached by the end of the window",
            "share of goals due that were reached by the end of the window",
            (ever <= study.end).astype(int),
            due["dept_id"],
            **about,
        )
    )
    pairs = study.mentoring
    some = pairs["match_id"].isin(table["match_id"]).astype(int)
    told.results.append(
        share_of(
            "goals.set",
            "Matches with a goal",
            "share of matches in which a goal was set",
            some,
            pairs["dept_id"],
            population="matches of mentoring",
            group="Goals",
        )
    )
    told.exhibits.append(told_table("delivery.goals", "Goals of the pairs", told.results))
    told.methods.append("Goals: those due within the window; a goal without a day reached counts as not reached.")
    return told


def feedback(study: DeliveryStudy) -> Section:
    """Ratings given of those that a rating every 60 days would make, poor ones acted on within 30 days; a run chart of the first."""
    told, question = Section(), "Whether feedback was given and acted on"
    if not study.cohort.has("feedback"):
        return told.lacks(question, "The cohort has no feedback.", "feedback in study.yaml")
    pairs = study.mentoring
    table = study.cohort.table("feedback").merge(pairs[["match_id", "dept_id", "start", "last"]], on="match_id")
    table["date"] = pd.to_datetime(table["date"])
    table = table[(table["date"] >= table["start"]) & (table["date"] <= table["last"])]
    if table.empty:
        return told.lacks(question, "No feedback lies within a match.", "feedback within the dates of the matches")
    # an answer per 60 days of a match and role: a due answer is one of a round that was over while the match lasted
    rounds = np.maximum(((pairs["last"] - pairs["start"]).dt.days - 30) // _ROUND + 1, 0).to_numpy(int)
    asked = pairs.loc[pairs.index.repeat(rounds), ["match_id", "dept_id", "start", "last"]].reset_index(drop=True)
    asked["round"] = asked.groupby("match_id").cumcount()
    roles = sorted(str(role) for role in table["role"].dropna().unique())
    asked = pd.concat([asked.assign(role=role) for role in roles], ignore_index=True)
    since = (table["date"] - table["start"]).dt.days
    table["round"] = np.maximum((since - 30 + _ROUND // 2) // _ROUND, 0)
    given = table.drop_duplicates(["match_id", "role", "round"])[["match_id", "role", "round"]].assign(given=1.0)
    asked = asked.merge(given, on=["match_id", "role", "round"], how="left").fillna({"given": 0.0})
    asked["date"] = asked["start"] + pd.to_timedelta(30 + _ROUND * asked["round"], unit="D")
    for role in roles:
        mine = asked[asked["role"] == role]
        told.results.append(
            share_of(
                f"feedback.given.{role}",
                f"Ratings given by {role}s, of those due",
                f"share of ratings given by {role}s, one due 30 days into a match and every {_ROUND} days from then on",
                mine["given"],
                mine["dept_id"],
                population="ratings due",
                group="Feedback",
            )
        )
    if "mqs" in table and "action_on" in table:
        poor = table[(table["mqs"] < _POOR) & (table["date"] <= study.end - pd.Timedelta(days=_LATE))]
        if len(poor):
            acted = (pd.to_datetime(poor["action_on"]) - poor["date"]).dt.days <= _LATE
            told.results.append(
                share_of(
                    "feedback.acted",
                    f"Ratings below {_POOR} acted on within {_LATE} days",
                    f"share of ratings below {_POOR} of 100 acted on within {_LATE} days",
                    acted,
                    poor["dept_id"],
                    population=f"ratings below {_POOR}",
                    group="Feedback",
                )
            )
    if told.results:
        told.exhibits.append(told_table("delivery.feedback", "Feedback on the match", told.results))
        chart = run_of_shares(
            study, "delivery.feedback.run", "Ratings given over time", asked["date"], asked["given"], "Ratings given, % of those due", "ratings due"
        )
        told.exhibits += [] if chart is None else [chart]
    if "mqs" in table and table["mqs"].notna().any():
        rated = table[table["mqs"].notna()]
        told.results.append(
            mean_of(
                "match_quality",
                "Quality of the match, mean",
                "mean rating of the match",
                rated["mqs"].astype(float),
                np.ones(len(rated)),
                rated["dept_id"],
                population="ratings given",
                group="Feedback",
                unit="of 100",
            )
        )
    told.methods.append(
        f"Feedback: a rating is due 30 days into a match and every {_ROUND} days from then on while it lasts, of each role that rates at "
        "all; p' charts (Laney 2002) with the run rules of Anhøj."
    )
    return told
