"""How far staff got: eligible, offered a mentor, matched, met, finished; each step of those who reached the one before it.

The first steps count those alone whose twelve months from becoming eligible lie within the window, whatever came of them, so that nobody is
counted as not reached who had no time to be. Whether a match was finished is asked of the matches that ended.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of, share_words, told_table
from mentorship_eval.questions.equity.eligible import HORIZON
from mentorship_eval.questions.section import Section

__all__ = ["cascade"]

FINISHED = ("completed", "complete", "finished", "goals_met")


def cascade(study: DeliveryStudy) -> Section:
    """Shares of the steps with their table; steps that the tables do not tell are gaps."""
    told, steps = Section(), []
    if study.eligible is None:
        told.lacks("Who was eligible", "Where the programme was active is not in these data.", "rollout (dept_id, active_from)")
    else:
        people = study.eligible.people
        people = people[people["year"] == 1].reset_index(drop=True)
        if len(people):
            matched = ((people["matched"] == 1) & (people["waited"] <= HORIZON)).astype(int)
            known = study.cohort.table("matches")
            if "offered_on" in known and known["offered_on"].notna().any():
                first = people["staff_id"].map(pd.to_datetime(known["offered_on"]).groupby(known["mentee_id"]).min())
                days = (first - people["day"]).dt.days
                offered = ((days <= HORIZON) | (matched == 1)).astype(int)
                steps.append(
                    share_of(
                        "offered",
                        "Offered a mentor, of those eligible",
                        "share offered a mentor within 12 months of becoming eligible",
                        offered,
                        people["dept_id"],
                        population="eligible staff with 12 months in the window",
                    )
                )
            else:
                told.lacks("Who was offered a mentor", "The day of the offer is not in these data.", "offered_on in matches")
            steps.append(
                share_of(
                    "matched",
                    "Matched, of those eligible",
                    "share matched within 12 months of becoming eligible",
                    matched,
                    people["dept_id"],
                    population="eligible staff with 12 months in the window",
                    role="headline",
                )
            )
    pairs = study.mentoring
    if len(study.sessions):
        met = pairs["match_id"].isin(study.sessions.loc[study.sessions["held"] == 1, "match_id"])
        month = (study.end - pairs["start"]).dt.days >= 61  # two months, in which somebody could meet
        steps.append(
            share_of(
                "met",
                "Met at least once, of the matched",
                "share of matches with a session held, of those begun two months or more ago",
                (met & month).astype(int),
                pairs["dept_id"],
                of=month.astype(int),
                population="matches of mentoring",
            )
        )
    else:
        told.lacks("Whether pairs met", "The cohort has no sessions.", "sessions in study.yaml")
    if "end_reason" in pairs and pairs["end_reason"].notna().any():
        done = pairs["end_reason"].astype(str).str.lower().isin(FINISHED)
        steps.append(
            share_of(
                "finished",
                "Finished as planned, of the matches that ended",
                "share completed of the matches that ended in the window",
                (done & (pairs["ended"] == 1)).astype(int),
                pairs["dept_id"],
                of=pairs["ended"],
                population="matches that ended",
                role="headline",
            )
        )
    else:
        told.lacks("Whether matches were finished", "Why matches ended is not in these data.", "end_reason in matches")
    if not steps:
        return told
    told.results += steps
    told.exhibits.append(
        told_table(
            "delivery.cascade", "How far staff got", steps, note="Each step of those named beside it; intervals leave out one department at a time."
        )
    )
    for result in steps:
        if result.id == "delivery.finished":
            text = f"{result.label}: {share_words(result.estimate)}."
            told.lead.append(Statement(text, rests_on=result.rests_on, results=(result.id,)))
    told.methods.append(
        "Delivery: shares are sums over sums, intervals from leaving out one department at a time (log odds, t). Nothing here is an effect of the "
        "programme: what was delivered is described, not why. Mentoring alone counts; supervision and preceptorship are told apart."
    )
    return told
