"""Programmes too small for a hazard ratio: how many of the mentored left, with limits that hold at zero."""

from __future__ import annotations

import math

from mentorship_eval.cohort.episodes import Episodes
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.retention.model_rows import CAUSE, OUTCOME

__all__ = ["share_of_mentored_who_left", "wilson"]


def wilson(events: int, n: int, ci_level: float = 0.95) -> tuple[float, float]:
    """Wilson's score limits of a proportion (Wilson 1927, JASA 22:209); 0 of 18 gives an upper limit of 17.6 %."""
    z = critical_value(ci_level)
    share = events / n
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # exact at the ends, where the formula only comes close
    low = (centre - half) / scale if events else 0.0
    return low, (centre + half) / scale if events < n else 1.0


def share_of_mentored_who_left(episodes: Episodes) -> list[Result]:
    """Voluntary leavers among people whose mentoring began while they were followed; no comparison is made."""
    people = episodes.persons[episodes.persons["mentored_from"].notna()]
    n, events = len(people), int((people["cause"] == CAUSE).sum())
    if not n:
        return []
    low, high = wilson(events, n)
    estimand = "share of the mentored who left voluntarily by the end of the window (no comparison)"
    estimate = Estimate(
        value=events / n,
        ci_low=low,
        ci_high=high,
        scale="probability",
        n=n,
        n_events=events,
        method="proportion, Wilson score limits; follow-up differs between people",
        estimand=estimand,
    )
    return [Result("retention.mentored_left", OUTCOME, estimand, "people mentored", estimate, "Left voluntarily, of those mentored", "companion")]
