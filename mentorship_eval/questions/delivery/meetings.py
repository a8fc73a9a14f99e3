"""Sessions planned, held and cancelled, and why; protected time planned and delivered; what sessions were about; feedback on a case."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Statement
from mentorship_eval.questions.delivery.runs import run_of_shares
from mentorship_eval.questions.delivery.study import NO_DEPARTMENT, DeliveryStudy, mean_of, share_of, share_words, told_table
from mentorship_eval.questions.groups import slug
from mentorship_eval.questions.section import Section

__all__ = ["cases", "held", "protected", "topics"]

_FEWEST_ENDED, _BARS = 30, 16  # matches; at most so many bars and one more
_LACK = ("The cohort has no sessions of matches within the window.", "sessions in study.yaml")


def _words(value: str) -> str:
    return value.replace("_", " ").capitalize()


def held(study: DeliveryStudy) -> Section:
    """Shares held, cancelled, missed; reasons of the cancelled; sessions a month and minutes; the share held by month."""
    told, rows = Section(), study.sessions
    if rows.empty:
        return told.lacks("How many sessions were held", *_LACK)
    group, pairs, dept = "Sessions", study.mentoring, rows["dept_id"]
    told.results = [
        share_of(
            f"sessions.{status}",
            f"Sessions {words}",
            f"share of agreed sessions that were {words}",
            rows["status"] == status,
            dept,
            population="sessions agreed",
            group=group,
            role="headline" if status == "held" else "companion",
        )
        for status, words in (("held", "held"), ("cancelled", "cancelled"), ("no_show", "missed without notice"))
        if (rows["status"] == status).any()
    ]
    if "cancel_reason" in rows and rows["cancel_reason"].notna().any():
        off = ((rows["status"] == "cancelled") & rows["cancel_reason"].notna()).astype(int)
        for reason in rows.loc[off == 1, "cancel_reason"].value_counts().index:
            told.results.append(
                share_of(
                    f"cancelled.{slug(str(reason))}",
                    _words(str(reason)),
                    f"share of cancelled sessions of known reason: {reason}",
                    (rows["cancel_reason"] == reason).astype(int),
                    dept,
                    of=off,
                    population="sessions cancelled, reason known",
                    group="Why they were cancelled",
                )
            )
    else:
        told.lacks("Why sessions were cancelled", "No reason is recorded.", "cancel_reason in sessions")
    note = "Sessions that were written down alone; a plan that nobody wrote down is not seen."
    told.exhibits.append(told_table("delivery.sessions", "Sessions agreed, and what came of them", told.results, note=note))
    chart = run_of_shares(
        study, "delivery.sessions.run", "Sessions held over time", rows["date"], rows["held"], "Sessions held, % of those agreed", "sessions agreed"
    )
    told.exhibits += [] if chart is None else [chart]
    counts = pairs["match_id"].map(rows[rows["held"] == 1]["match_id"].value_counts()).fillna(0.0)
    told.results.append(
        mean_of(
            "sessions_a_month",
            "Sessions held a month of being matched",
            "sessions held per month of being matched",
            counts,
            pairs["months"],
            pairs["dept_id"],
            population="matches of mentoring",
            group=group,
            unit="sessions a month",
            events=float(counts.sum()),
            n=len(pairs),
        )
    )
    told.exhibits += _dose(pairs, counts)
    if "minutes" in rows:
        known = rows[(rows["held"] == 1) & rows["minutes"].notna()]
        if len(known):
            told.results.append(
                mean_of(
                    "minutes",
                    "Minutes of a session held",
                    "mean length of sessions held",
                    known["minutes"].astype(float),
                    np.ones(len(known)),
                    known["dept_id"],
                    population="sessions held",
                    group=group,
                    unit="minutes",
                )
            )
    first = told.results[0]
    told.lead.append(Statement(f"{first.label}: {share_words(first.estimate)} of those agreed.", rests_on=first.rests_on, results=(first.id,)))
    told.methods.append("Sessions: between the first and last day of their match; shares with departments left out one at a time.")
    return told


def _dose(pairs: pd.DataFrame, counts: pd.Series) -> list[Exhibit]:
    """Sessions held of each match that has ended: those that last have not had all of theirs."""
    over = counts[pairs["ended"] == 1]
    if len(over) < _FEWEST_ENDED:
        return []
    wide = int(over.max() // _BARS + 1)
    edges = np.arange(-0.5, over.max() + wide + 0.5, wide)
    frame = pd.DataFrame({"arm": "Matches that have ended", "bin_low": edges[:-1], "bin_high": edges[1:], "count": np.histogram(over, edges)[0]})
    return [
        Exhibit(
            "delivery.dose", "overlap", "Sessions held per match", {"rows": frame}, {"rows": Counted(("count",), within="arm")},
            {"n": len(over), "unit": "matches", "x_label": "Sessions held"},
            "Matches that have ended; those that last have not had all of their sessions.",
        )
    ]  # fmt: skip


def protected(study: DeliveryStudy) -> Section:
    """Share of sessions in protected time, and hours delivered in it per department and month against those planned."""
    told, rows, question = Section(), study.sessions, "Whether protected time was given"
    if rows.empty or "protected" not in rows or rows["protected"].isna().all():
        return told.lacks(question, "Whether sessions lay in protected time is not in these data.", "protected in sessions")
    known = rows[(rows["held"] == 1) & rows["protected"].notna()].reset_index(drop=True)
    inside = known["protected"].astype(float)
    told.results.append(
        share_of(
            "protected",
            "Sessions held in protected time",
            "share of sessions held that lay in protected time",
            inside,
            known["dept_id"],
            population="sessions held, known",
            group="Protected time",
        )
    )
    rollout = study.cohort.table("rollout") if study.cohort.has("rollout") else pd.DataFrame()
    if "protected_hours_month" not in rollout or rollout["protected_hours_month"].isna().all() or "minutes" not in known:
        told.lacks(
            "Protected time planned against delivered", "How many hours were planned is not in these data.", "protected_hours_month in rollout"
        )
    else:
        plan = rollout[rollout["protected_hours_month"].notna()].groupby("dept_id")["protected_hours_month"].first()
        pairs = study.mentoring[study.mentoring["dept_id"].isin(plan.index)]
        # without its length a session counts as unknown also outside protected time: else only those inside it would be missing
        hours = known["minutes"].astype(float) / 60 * inside
        spent = hours.groupby(known["match_id"]).sum()
        # of what was planned, the share of the sessions held of which it is known; where none was held, nothing was given of all of it
        took_place = rows[rows["held"] == 1].groupby("match_id").size()
        share = pairs["match_id"].map(hours.notna().groupby(known["match_id"]).sum()).fillna(0.0) / pairs["match_id"].map(took_place)
        planned = pairs["dept_id"].map(plan).astype(float) * pairs["months"] * share.fillna(1.0)
        given = pairs["match_id"].map(spent).fillna(0.0)
        pairs, given, planned = pairs[planned > 0], given[planned > 0], planned[planned > 0]
        if blank := int(took_place.sum() - hours.notna().sum()):
            text = f"Of {blank:,} sessions held it is not recorded whether, or how long, they lay in protected time: the hours planned for a match "
            text += "count in proportion to its sessions of which it is, as if the others were like them."
            told.cautions.append(Caution("protected_unrecorded", text, {"events": blank, "complement": int(took_place.sum()) - blank}))
        if len(pairs):
            told.results.append(
                mean_of(
                    "protected_delivered",
                    "Protected hours delivered, of those planned",
                    "protected hours delivered per hour planned (planned hours a month of each match)",
                    given,
                    planned,
                    pairs["dept_id"],
                    group="Protected time",
                    population="matches of mentoring",
                    unit="per hour planned",
                )
            )
    told.methods.append(
        "Protected time: hours of sessions held in it over planned hours a month times months matched, times the share of the match's sessions held "
        "of which both are recorded."
    )
    return told


def topics(study: DeliveryStudy) -> Section:
    """Share of sessions held by topic."""
    told, rows = Section(), study.sessions
    if rows.empty or "topic" not in rows or rows["topic"].isna().all():
        return told.lacks("What sessions were about", "Topics are not in these data.", "topic in sessions")
    known = rows[(rows["held"] == 1) & rows["topic"].notna()]
    for topic in known["topic"].value_counts().index:
        told.results.append(
            share_of(
                f"topic.{slug(str(topic))}",
                _words(str(topic)),
                f"share of sessions held about: {topic}",
                known["topic"] == topic,
                known["dept_id"],
                population="sessions held, topic known",
                group="Topic",
            )
        )
    told.exhibits.append(told_table("delivery.topics", "What sessions were about", told.results))
    return told


def cases(study: DeliveryStudy) -> Section:
    """Days from a case or operation to the session that gave feedback on it."""
    told, rows = Section(), study.sessions
    if rows.empty or "case_on" not in rows or rows["case_on"].isna().all():
        return told.lacks("How soon a case is followed by feedback", "Sessions name no case.", "case_on in sessions")
    known = rows[(rows["held"] == 1) & rows["case_on"].notna() & (pd.to_datetime(rows["case_on"]) <= rows["date"])]
    if known.empty:
        return told.lacks("How soon a case is followed by feedback", "No session held names a case before it.", "case_on in sessions")
    days = (known["date"] - pd.to_datetime(known["case_on"])).dt.days.astype(float)
    told.results = [
        mean_of(
            "case_days",
            "Days from a case to the session on it",
            "mean days from a case to the session that gave feedback on it",
            days,
            np.ones(len(days)),
            known["mentor_id"].fillna(NO_DEPARTMENT),
            population="sessions held on a case",
            group="Feedback on cases",
            unit="days",
        ),
        share_of(
            "case_within_week",
            "Feedback within a week of the case",
            "share of sessions on a case held within 7 days of it",
            days <= 7,
            known["mentor_id"].fillna(NO_DEPARTMENT),
            population="sessions held on a case",
            group="Feedback on cases",
        ),
    ]
    told.methods.append(
        "Cases: sessions that name one, mentors left out one at a time; cases that no session took up are not seen, so that this is no time to "
        "feedback of all cases."
    )
    return told
