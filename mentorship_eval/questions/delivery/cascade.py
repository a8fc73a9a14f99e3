"""How far staff got: eligible, offered a mentor, matched, met, finished; each step of those who reached the one before it.

The first steps count those alone whose twelve months from becoming eligible lie within the window, whatever came of them, so that nobody is
counted as not reached who had no time to be. Whether a match was finished is asked of the matches that ended and of which it is known why.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Statement
from mentorship_eval.questions.delivery.study import DeliveryStudy, share_of, share_words, told_table
from mentorship_eval.questions.equity.eligible import HORIZON
from mentorship_eval.questions.section import Section

__all__ = ["cascade"]


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
            known = study.cohort.mentoring()
            if "offered_on" in known and known["offered_on"].notna().any():
                offered = (people["staff_id"].isin(_offered(known, people)) | (matched == 1)).astype(int)
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
    if study.reasons_told:
        ends = pairs[pairs["planned"].notna()]
        steps.append(
            share_of(
                "finished",
                "Finished as planned, of the matches that ended",
                "share completed of the matches that ended in the window, of those of which it is known why",
                ends["planned"].astype(int),
                ends["dept_id"],
                population="matches that ended",
                role="headline",
            )
        )
        told.cautions += _ends_unsaid(pairs)
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
        "programme: what was delivered is described, not why. Mentoring alone counts; supervision and preceptorship are told apart. A match that "
        "was still open when its mentee left, or that nobody closed after its mentor left, ends on that day, and not as planned; one that ended "
        "without a reason is neither planned nor early."
    )
    return told


def _offered(matches: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """Who was offered a mentor within `HORIZON` days from becoming eligible on, however often before."""
    offers = matches[["mentee_id", "offered_on"]].dropna().merge(people[["staff_id", "day"]], left_on="mentee_id", right_on="staff_id")
    days = (pd.to_datetime(offers["offered_on"]) - offers["day"]).dt.days
    return offers.loc[days.between(0, HORIZON), "staff_id"]


def _ends_unsaid(pairs: pd.DataFrame) -> list[Caution]:
    """Ends that nobody recorded, and ends without a reason, by their number."""
    told = []
    if open_ := int(pairs["left_open"].sum()):
        text = f"{open_:,} matches were still open when their mentee or mentor left, and have no other reason to end: they count as ended on that "
        text += "day, and not as planned."
        told.append(Caution("left_open", text, {"matches": open_, "complement": len(pairs) - open_}))
    unsaid = (pairs["ended"] == 1) & pairs["planned"].isna()
    if number := int(unsaid.sum()):
        ended = int(pairs["ended"].sum())
        text = f"{number:,} matches that ended do not say why: they are left out of the share finished as planned, and followed to their end as "
        text += "neither planned nor early."
        told.append(Caution("ends_unsaid", text, {"matches": number, "complement": ended - number}))
    return told
