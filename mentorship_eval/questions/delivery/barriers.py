"""What goes with a session that was agreed and not held: odds ratios within departments, for what is known before it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.delivery.compared import compared_table, odds_within, remote
from mentorship_eval.questions.delivery.study import DeliveryStudy
from mentorship_eval.questions.section import Section

__all__ = ["missed"]

_FEWEST = 30  # sessions held, and not, of each side
_TOLD = 0.8  # of the sessions held, and of the others, of which a predictor has to be known
_NEW = 91  # days from the first day of a match on
_WINTER = (12, 1, 2)


def missed(study: DeliveryStudy) -> Section:
    """Odds ratios of a session being cancelled or missed: mentor with several mentees at the time, months since the match began, season, mode."""
    told, rows, question = Section(), study.sessions, "What goes with sessions that are not held"
    if rows.empty or "status" not in study.cohort.table("sessions") or rows["held"].min() == 1:
        return told.lacks(question, "Sessions that were not held are not in these data.", "status in sessions")
    not_held = 1 - rows["held"]
    for key, words, side in (
        ("workload", "Mentor with two or more mentees at the time, against one", _several(study, rows)),
        ("early", "First three months of a match, against later", ((rows["date"] - rows["start"]).dt.days < _NEW).astype(float)),
        ("winter", "December to February, against the other months", rows["date"].dt.month.isin(_WINTER).astype(float)),
        ("remote", "Remote, against on site", remote(rows["mode"]) if "mode" in rows else pd.Series(np.nan, index=rows.index)),
    ):
        known = side.notna()
        if any(known[rows["held"] == held].mean() < _TOLD for held in (0, 1)):
            told.lacks(f"{question}: {words[:1].lower()}{words[1:]}", "It is not told of sessions held and of the others alike.",
                       "mode of sessions that were not held" if key == "remote" else "mentor_id in matches")  # fmt: skip
            continue
        estimand = f"odds of an agreed session not being held: {words[:1].lower()}{words[1:]}, within departments"
        mine = rows[known]
        cells = tuple(float(((side == one) & (rows["held"] == held)).sum()) for one in (1, 0) for held in (0, 1))
        if min(cells) < _FEWEST:
            told.lacks(f"{question}: {words[:1].lower()}{words[1:]}", f"Fewer than {_FEWEST} sessions held, or not, of one kind.", "More sessions.")
            continue
        estimate, _ = odds_within(not_held[known], side[known], mine["dept_id"], mine["dept_id"], estimand=estimand)
        told.results.append(
            Result(f"delivery.missed.{key}", "attendance", estimand, "sessions agreed", estimate, words, "companion",
                   "A session not being held", rests_on=cells)
        )  # fmt: skip
    if told.results:
        told.exhibits.append(
            compared_table("delivery.missed", "What goes with sessions cancelled or missed", told.results, study.cohort.study.plan, of="Sessions",
                           note="Each by itself, within departments; departments left out one at a time.")
        )  # fmt: skip
        told.methods.append(
            "Sessions not held (cancelled or missed without notice): odds ratios of Mantel and Haenszel (1959) within departments, one predictor "
            "at a time, departments left out one at a time. A mentor's mentees at the time are those of matches of mentoring that last on that day."
        )
    return told


def _several(study: DeliveryStudy, rows: pd.DataFrame) -> pd.Series:
    """1 where the mentor had two matches or more on the day of the session, 0 where one; missing without a mentor."""
    pairs = study.mentoring[study.mentoring["mentor_id"].notna()]
    code, names = pd.factorize(pairs["mentor_id"].astype(str), sort=True)
    day = np.datetime64("1970-01-01")
    far = 10.0**6
    edges = {}
    for column in ("start", "last"):
        number = (pairs[column].to_numpy("datetime64[D]") - day).astype(float)
        edges[column] = np.sort(code * far + number)
    who = pd.Index(names).get_indexer(rows["mentor_id"].astype(str))
    now = (rows["date"].to_numpy("datetime64[D]") - day).astype(float)
    # begun by the day, less those over before it: both include matches of the mentors sorted before, whole, which cancel out
    begun = np.searchsorted(edges["start"], who * far + now, side="right")
    over = np.searchsorted(edges["last"], who * far + now, side="left")
    return pd.Series((begun - over >= 2).astype(float), index=rows.index).mask(who < 0)
