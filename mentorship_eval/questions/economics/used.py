"""What the programme used within the window: people, matches, sessions, hours, months; and in which of its years.

Protected hours are what mentor and mentee gave each other: the length of the sessions that were held, twice, since both were away from their work,
whether the session lay in protected time or not. Where no lengths are recorded they are those planned, a month for each match, twice as well. Months
are months of the calendar, as in the retention chapter, so that department-months here and there can be held against each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.calendar_time import department_on

__all__ = ["Usage", "usage"]

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Usage:
    """What each unit counts (by the words of `quantities.UNITS`), each as the parts that add up to it (per mentor, department, ...).

    years: what was counted -> its shares (they add up to one) in the years since the programme began in the window; of the department-months with
    the programme under "". hours: where protected hours come from; planned: protected hours as planned, where both are told; filled: sessions
    held of unknown length, taken as long as the others.
    """

    parts: dict[str, np.ndarray]
    active_months: float  # of the calendar, of departments with the programme
    years: dict[str, np.ndarray]
    mentees: int
    hours: str = ""
    planned: float | None = None
    filled: int = 0


def _calendar(days: pd.Series) -> pd.Series:
    """Days as months of the calendar since the year 0; the parts of a month by its own length, so that whole months count 1 each."""
    return days.dt.year * 12 + days.dt.month + (days.dt.day - 1) / days.dt.days_in_month


def _stretch(since: pd.Series, last: pd.Series) -> np.ndarray:
    """Months of the calendar from each day to the last one, both included."""
    return (_calendar(last + pd.Timedelta(days=1)) - _calendar(since)).clip(lower=0).to_numpy(float)


def usage(cohort: Cohort) -> Usage:
    """What the programme used within the window; what was used before it or after it is no part of it."""
    start, end = cohort.window
    live = _live(cohort)
    months = _stretch(live["since"], live["last"])
    first, last = (live["since"].min(), live["last"].max()) if len(live) else (start, start)
    span = (last - first).days + 1 if len(live) else 0
    number = max(math.ceil(span / DAYS_PER_YEAR), 1)

    def yearly(days: pd.Series, weight: np.ndarray | None = None) -> np.ndarray:
        place = ((pd.to_datetime(days) - first).dt.days // DAYS_PER_YEAR).clip(0, number - 1).to_numpy(int)
        return _shares(np.bincount(place, weight, minlength=number))

    # (parts, shares by year) of what each unit counts
    spread = _shares(np.diff(np.clip(np.arange(number + 1) * DAYS_PER_YEAR, 0, span)))
    whole = float(_stretch(pd.Series([first]), pd.Series([last]))[0]) if span else 0.0
    counted = {"once": (np.ones(1), np.eye(number)[0]), "months of the programme": (np.array([whole]), spread),
               "years of the programme": (np.array([span / DAYS_PER_YEAR]), spread)}  # fmt: skip
    mentoring = cohort.mentoring().assign(start=lambda m: pd.to_datetime(m["start"])).dropna(subset=["start"])
    matches = mentoring[(mentoring["start"] >= start) & (mentoring["start"] <= end)]
    firsts = {"matches": matches["start"], "people matched": matches.groupby("mentee_id")["start"].min(),
              "departments with the programme": live.groupby("dept_id")["since"].min()}  # fmt: skip
    if "mentor_id" in matches and matches["mentor_id"].notna().any():
        firsts["mentors with a match"] = mentors = matches.dropna(subset=["mentor_id"]).groupby("mentor_id")["start"].min()
        if cohort.has("mentors") and "training_hours" in cohort.table("mentors"):
            hours = cohort.table("mentors").set_index("staff_id")["training_hours"].reindex(mentors.index).dropna().astype(float)
            counted["hours of training of mentors with a match"] = hours.to_numpy(), yearly(mentors[hours.index], hours.to_numpy())
    counted |= {name: (np.ones(len(days)), yearly(days)) for name, days in firsts.items()}
    active = _active(live["since"], months, first, number)
    planned = _planned(cohort, mentoring, live)
    if planned is not None:
        counted["protected hours"] = planned, active
    sessions, filled, held = _held(cohort, mentoring), 0, False
    if len(sessions):
        counted["sessions held"] = sessions.groupby("match_id").size().to_numpy(float), yearly(sessions["date"])
        held = "minutes" in sessions and bool(sessions["minutes"].notna().any())
    if held:
        filled = int(sessions["minutes"].isna().sum())
        sessions = sessions.assign(hours=sessions["minutes"].fillna(sessions["minutes"].mean()).astype(float) / 60)
        each, when = sessions.groupby("match_id")["hours"].sum().to_numpy(float), yearly(sessions["date"], sessions["hours"].to_numpy())
        counted |= {"hours of sessions held": (each, when), "protected hours": (2 * each, when)}
    hours_from = "held" if held else "planned" if planned is not None else ""
    return Usage(
        parts={name: parts for name, (parts, _) in counted.items()}, active_months=float(months.sum()),
        years={"": active, **{name: when for name, (_, when) in counted.items()}}, mentees=len(firsts["people matched"]), hours=hours_from,
        planned=float(planned.sum()) if planned is not None and held else None, filled=filled,
    )  # fmt: skip


def _live(cohort: Cohort) -> pd.DataFrame:
    """Rows of rollout of departments that had the programme within the window, with since and last: first and last day of it there."""
    start, end = cohort.window
    rollout = own_rollout(cohort)
    ends = pd.to_datetime(rollout["active_to"]) if "active_to" in rollout else pd.Series(pd.NaT, index=rollout.index, dtype="datetime64[ns]")
    live = rollout.assign(since=pd.to_datetime(rollout["active_from"]).clip(lower=start), last=ends.fillna(end).clip(upper=end))
    return live[live["since"] <= live["last"]]


def _active(since: pd.Series, months: np.ndarray, first: pd.Timestamp, years: int) -> np.ndarray:
    """(years,) shares of the department-months with the programme."""
    begin = (_calendar(since) - _calendar(pd.Series([first])).iloc[0]).to_numpy(float)[:, None]
    edges = np.clip(12.0 * np.arange(years + 1), begin, begin + months[:, None])
    edges[:, -1] = begin[:, 0] + months  # what leap days left over
    return _shares(np.diff(edges, axis=1).sum(axis=0))


def _shares(amounts: np.ndarray) -> np.ndarray:
    """As shares of their sum; all in the first year where there is nothing."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.eye(len(amounts))[0]


def _held(cohort: Cohort, mentoring: pd.DataFrame) -> pd.DataFrame:
    """Sessions of mentoring that were held within the window, in protected time or not."""
    if not cohort.has("sessions") or "match_id" not in mentoring:
        return pd.DataFrame()
    start, end = cohort.window
    sessions = cohort.table("sessions").assign(date=lambda s: pd.to_datetime(s["date"]))
    sessions = sessions[sessions["match_id"].isin(mentoring["match_id"]) & (sessions["date"] >= start) & (sessions["date"] <= end)]
    return sessions[sessions["status"].isna() | (sessions["status"] == "held")] if "status" in sessions else sessions


def _planned(cohort: Cohort, mentoring: pd.DataFrame, live: pd.DataFrame) -> np.ndarray | None:
    """(matches,) protected hours as planned, of mentor and mentee: the department's hours a month of each match times its months in the window."""
    if "protected_hours_month" not in live or live["protected_hours_month"].isna().all():
        return None
    start, end = cohort.window
    ends = pd.to_datetime(mentoring["end"]) if "end" in mentoring else pd.Series(pd.NaT, index=mentoring.index, dtype="datetime64[ns]")
    months = _stretch(mentoring["start"].clip(lower=start), ends.fillna(end).clip(upper=end))
    where = pd.Series(department_on(mentoring["mentee_id"], mentoring["start"], cohort.table("spells")), index=mentoring.index)
    plan = live.dropna(subset=["protected_hours_month"]).drop_duplicates("dept_id").set_index("dept_id")["protected_hours_month"]
    hours = 2 * where.map(plan).fillna(0).to_numpy(float) * months
    return hours[hours > 0]
