"""Programmes too small for a hazard ratio: risks and rates with limits that hold when nobody left.

The risk difference takes people whose follow-up is alike: still there at the landmark, mentored by then or not, and the window
leaves the whole horizon after it. Whether someone could be followed that long depends on the date of hire alone, so that a share
who left is a proportion like any other.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.cohort.person_time.fixed_exposure import default_landmark, landmark_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.proportions import newcombe, rate_difference_limits, wilson
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.retention.levels import words_of
from mentorship_eval.questions.retention.model_rows import OUTCOME
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.staying.exit_curves import Horizon, horizons_of
from mentorship_eval.questions.section import Section

__all__ = ["alike", "is_small", "share_of_mentored_who_left", "small_programme"]

_FEWEST_PEOPLE = 5
GROUP = "Risk of leaving, mentored minus not (few leavers)"


def is_small(study: Prepared) -> bool:
    """Whether a hazard ratio would rest on hardly anybody: none could be fitted, or fewer than five of the mentored left."""
    return study.main is None


def small_programme(study: Prepared) -> Section:
    """Who of the mentored left, the risk difference at each horizon where follow-up is alike, and the difference of rates."""
    told = Section(results=share_of_mentored_who_left(study.episodes))
    if not told.results:
        return told
    rate = _rate_difference(study)
    told.results += [rate] if rate else []
    try:
        chosen = study.cohort.study.plan.landmark_days
        days = default_landmark(study.episodes) if chosen is None else float(chosen)
        landmark = landmark_rows(study.episodes, days).rows
    except EstimationError as error:
        return told.lacks("The risk difference of leaving, mentored against not", error.problem, "Matches that begin during follow-up.")
    lines = []
    for horizon in horizons_of(study.cohort):
        arms = alike(study.episodes, landmark, days, horizon.days)
        n = arms["mentored"].value_counts().reindex([1, 0], fill_value=0)
        if n.min() < _FEWEST_PEOPLE:
            reason = f"Fewer than {_FEWEST_PEOPLE} people in an arm could be followed for {horizon.words} after the landmark."
            told.lacks(f"The risk difference {horizon.words} after the landmark", reason, "More follow-up after the landmark.")
            continue
        result, line = _risk_difference(study, arms, days, horizon)
        told.results.append(result)
        lines.append(line)
    if lines:
        told.exhibits.append(_table(lines, study, days))
    told.methods.append(
        "Few leavers: Wilson's limits of a share, Newcombe's of a difference of two shares (method 10) among people whose follow-up is alike; no "
        "hazard ratio."
    )
    return told


def alike(episodes: Episodes, landmark: pd.DataFrame, days: float, horizon: float) -> pd.DataFrame:
    """Of the people at the landmark, those whom the window lets be followed for ``horizon`` days after it; mentored and left (0/1).

    left: by an outcome cause within the horizon. Other exits are not it, and the person stays in the denominator.
    """
    hire = landmark["staff_id"].map(episodes.persons.set_index("staff_id")["hire"])
    could = (episodes.end - hire).dt.days - days
    left = landmark["cause"].isin(episodes.outcome) & (landmark["stop"] <= horizon)
    return landmark.assign(left=left.astype(int))[(could >= horizon).to_numpy()]


def _risk_difference(study: Prepared, arms: pd.DataFrame, days: float, horizon: Horizon) -> tuple[Result, dict[str, object]]:
    words = study.words
    mentored, others = (arms.loc[arms["mentored"] == arm, "left"] for arm in (1, 0))
    a, n, b, m = int(mentored.sum()), len(mentored), int(others.sum()), len(others)
    low, high = newcombe(a, n, b, m)
    months = days / DAYS_PER_MONTH
    estimand = (
        f"{words.left} within {horizon.words} of the landmark ({months:.1f} months after hire), mentored by then minus not, among people whom the "
        "window lets be followed that long"
    )
    estimate = Estimate(
        value=100 * (a / n - b / m),
        ci_low=100 * low,
        ci_high=100 * high,
        scale="risk difference",
        unit="percentage points",
        n=n + m,
        n_events=_fewest(a, b),
        method="difference of two proportions, Newcombe's score limits (method 10); people taken as independent; events: the arm with fewer",
        estimand=estimand,
    )
    result = Result(
        f"retention.risk_difference.{horizon.key}", OUTCOME, estimand, "still employed at the landmark, follow-up alike", estimate,
        f"{words.label}, {horizon.words} after the landmark", "companion", GROUP,
    )  # fmt: skip
    line: dict[str, object] = {"time": horizon.words, "told": result.id}
    for name, k, size in (("mentored", a, n), ("not", b, m)):
        limits = wilson(k, size)
        line |= {f"{name}_n": size, f"{name}_left": k, f"{name}_share": _percent(k / size, *limits)}
    line["difference"] = f"{estimate.value:.1f} ({estimate.ci_low:.1f} to {estimate.ci_high:.1f})".replace("-", "−")
    return result, line


def _fewest(*events: int) -> int:
    """The smallest count on which the number rests and that is not none: the one that protection must look at."""
    return min((count for count in events if count), default=0)


def _percent(share: float, low: float, high: float) -> str:
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _table(lines: list[dict[str, object]], study: Prepared, days: float) -> Exhibit:
    left = study.words.left
    return table_exhibit(
        "retention.risk_difference",
        f"{study.words.label} after the landmark of {days / DAYS_PER_MONTH:.1f} months, where follow-up is alike",
        pd.DataFrame(lines),
        counts=("mentored_n", "mentored_left", "not_n", "not_left"),
        derived=("mentored_share", "not_share", "difference"),
        ratios={"mentored_share": "mentored_n", "not_share": "not_n"},
        adds_up=True,
        results={"told": ""},
        labels={
            "time": "After the landmark",
            "mentored_n": "Mentored",
            "mentored_left": left,
            "mentored_share": "Share (95 % CI)",
            "not_n": "Not mentored",
            "not_left": left,
            "not_share": "Share (95 % CI)",
            "difference": "Difference, percentage points (95 % CI)",
        },
        note="People as they are, without adjustment. The limits hold when nobody left; they take people as independent.",
    )


def _rate_difference(study: Prepared) -> Result | None:
    """Leavers per 100 person-years while mentored minus not (yet) mentored: person-time as it was, whatever its tenure."""
    rows = study.rows
    years = (rows["stop"] - rows["start"]) / 365.25
    time = {arm: float(years[rows["mentored"] == arm].sum()) for arm in (1, 0)}
    left = {arm: int(rows.loc[rows["mentored"] == arm, "event"].sum()) for arm in (1, 0)}
    if not (time[1] and time[0]):
        return None
    low, high = rate_difference_limits(left[1], time[1], left[0], time[0])
    estimand = f"rate of {study.words.leaving} while mentored minus not (yet) mentored; not adjusted, not even for tenure"
    estimate = Estimate(
        value=100 * (left[1] / time[1] - left[0] / time[0]),
        ci_low=100 * low,
        ci_high=100 * high,
        scale="rate difference",
        unit="per 100 person-years",
        n=study.persons,
        n_events=_fewest(left[1], left[0]),
        method="difference of two Poisson rates, squared distances to the exact limits added (Zou and Donner); events: the arm with fewer",
        estimand=estimand,
    )
    return Result("retention.rate_difference", OUTCOME, estimand, "all staff followed", estimate, f"{study.words.label}, per 100 person-years",
                  "companion", "Rate of leaving, while mentored minus not (few leavers)")  # fmt: skip


def share_of_mentored_who_left(episodes: Episodes) -> list[Result]:
    """Leavers among people whose mentoring began while they were followed; no comparison is made."""
    people = episodes.persons[episodes.persons["mentored_from"].notna()]
    n, events = len(people), int(people["cause"].isin(episodes.outcome).sum())
    if not n:
        return []
    low, high = wilson(events, n)
    words = words_of(episodes)
    estimand = f"share of the mentored who {words.left} by the end of the window (no comparison)"
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
    label = words.left[:1].upper() + words.left[1:] + ", of those mentored"
    return [Result("retention.mentored_left", OUTCOME, estimand, "people mentored", estimate, label, "companion")]
