"""How matches end, for every chapter that asks: which reasons say that one ended as planned, and when its mentee or mentor had left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.employments import day_number
from mentorship_eval.cohort.person_time.in_post import in_post

__all__ = ["FINISHED", "MENTEE_LEFT", "MENTOR_LEFT", "ended_as_planned", "ends_known"]

MENTEE_LEFT = "mentee_left"  # an end before time: the reason of a match left open, or closed later, whose mentee has gone
MENTOR_LEFT = "mentor_left"  # likewise of a match left open whose mentor has gone

FINISHED: frozenset[str] = frozenset({
    "completed", "complete", "completion", "finished", "planned", "planned_end", "ended_as_planned", "as_planned", "goals_met", "goal_met",
    "goals_achieved", "goals_reached", "objectives_met", "accomplished", "fulfilled", "graduated", "programme_completed", "program_completed",
    "match_completed", "mentorship_completed", "end_of_programme", "end_of_program", "programme_ended", "program_ended", "end_of_term", "natural_end",
})  # fmt: skip
_NOT_SAID = frozenset({"", "nan", "none", "na", "n/a", "unknown", "not_known", "not_recorded", "not_stated", "missing"})


def ended_as_planned(reasons: pd.Series) -> pd.Series:
    """True where a reason is one of `FINISHED`, False where it is another, missing where none is said; of dtype boolean, index as given.

    Capitals, blanks around it, and blanks or hyphens within it make no difference: "Goals met" is "goals_met". A missing reason is neither a
    planned end nor an early one: whoever counts early ends has to follow such a match no longer than to its end, and say so.
    """
    words = reasons.astype(object).where(reasons.notna(), "").astype(str).str.strip().str.lower().str.replace(r"[\s\-_]+", "_", regex=True)
    return words.isin(FINISHED).astype("boolean").mask(words.isin(_NOT_SAID))


def _left_on(cohort: Cohort, matches: pd.DataFrame) -> dict[str, pd.Series]:
    """Days on which mentee_id and mentor_id left the employment in which each match began (the next one, where it began before hire), by column.

    Missing while they stay, and of who is not on the staff from ``start`` on. Any exit counts; a return within `rules.rehire_gap_days` and a move to
    another department are none. Index as that of ``matches``.
    """
    staff, rules = cohort.table("staff"), cohort.study.rules
    found = in_post(staff=staff, spells=cohort.table("spells"), bridge_gap=max(int(rules.rehire_gap_days), 1))
    spans = found.posts.groupby("employment", as_index=False).agg(person=("person", "first"), until=("stop", "max"))
    spans["left"] = spans["employment"].map(found.exits.set_index("employment")["day"])
    people, since = pd.Index(staff["staff_id"]), day_number(pd.to_datetime(matches["start"]), "matches.start")
    days = {}
    for who in ("mentee_id", "mentor_id"):
        named = matches[who] if who in matches else pd.Series(pd.NA, index=matches.index)
        asked = pd.DataFrame({"row": np.arange(len(matches)), "person": people.get_indexer(named), "day": since})
        both = asked[asked["person"] >= 0].merge(spans, on="person")
        both = both[both["until"] >= both["day"]].sort_values(["row", "until"], kind="stable").drop_duplicates("row")
        left = asked["row"].map(both.set_index("row")["left"])
        days[who] = pd.Series(pd.to_datetime(left, unit="D").to_numpy(), index=matches.index)
    return days


def ends_known(cohort: Cohort, matches: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """``matches`` (mentee_id, start, perhaps mentor_id, end, end_reason) with last, ended (0/1: by ``end``, the window's last day) and end_reason.

    A match ends on the day recorded or on that on which its mentee left, whichever comes first; one that was left open also on the day on which its
    mentor left. (Who has left may go on mentoring, so that a day recorded after it is believed.) One that was open then ended because they left
    (`MENTEE_LEFT`, `MENTOR_LEFT`); one that was closed later keeps the reason that it was closed for, if it has one.
    """
    recorded = pd.to_datetime(matches["end"]) if "end" in matches else pd.Series(pd.NaT, index=matches.index)
    reason = matches["end_reason"].astype(object) if "end_reason" in matches else pd.Series(None, index=matches.index, dtype=object)
    left = {who: day.where(day <= end) for who, day in _left_on(cohort, matches).items()}
    mentee, mentor = left["mentee_id"], left["mentor_id"].where(recorded.isna())
    gone = mentee.notna() & (recorded.isna() | (mentee < recorded))
    last = recorded.where(~gone, mentee)
    alone = mentor.notna() & (last.isna() | (mentor < last))
    last = last.where(~alone, mentor)
    ended = last.notna() & (last <= end)
    closed = recorded.notna() & (recorded <= end) & reason.notna()
    reason = reason.mask(gone & ~closed, MENTEE_LEFT).mask(alone, MENTOR_LEFT)
    return matches.assign(last=last.where(ended, end), ended=ended.astype(int), end_reason=reason)
