"""How much of each cost item the programme used: from unit prices in the table costs to totals with their ranges.

An item is multiplied by what its unit counts; a unit that is not known stops the chapter, since an item left out would flatter the programme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.economics.amounts import Amount
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH

__all__ = ["UNITS", "Priced", "Usage", "is_leaver", "priced", "usage"]

# word of a unit -> what it counts
UNITS = {
    "mentor": "mentors with a match", "mentee": "people matched", "match": "matches", "pair": "matches", "session": "sessions held",
    "hour": "protected hours", "mentor hour": "hours of sessions held", "training hour": "hours of training of mentors with a match",
    "month": "months of the programme", "year": "years of the programme", "department": "departments with the programme", "once": "once",
    "programme": "once",
}  # fmt: skip
_LEAVER = ("leaver", "replacement", "leaver avoided")


@dataclass(frozen=True)
class Usage:
    """What each unit counts (by the words of `UNITS`), each as the parts that add up to it (per mentor, department, ...)."""

    parts: dict[str, np.ndarray]
    active_months: float  # department-months with the programme
    by_year: np.ndarray  # share of them in each year since the first go-live
    mentees: int


@dataclass(frozen=True)
class Priced:
    """One item: its total, what was counted, how much of it, the price of one, and the parts of the total."""

    total: Amount
    counts: str
    quantity: float
    price: float
    parts: tuple[float, ...]


def is_leaver(unit: str) -> bool:
    return _plain(unit) in _LEAVER


def _plain(unit: str) -> str:
    return " ".join(str(unit).lower().replace("per ", " ").replace("_", " ").split()).removesuffix("s")


def usage(cohort: Cohort) -> Usage:
    """What the programme used within the window."""
    start, end = (pd.Timestamp(day) for day in cohort.window)
    rollout = own_rollout(cohort)
    live = rollout.assign(active_from=pd.to_datetime(rollout["active_from"])).dropna(subset=["active_from"])
    since = live["active_from"].clip(lower=start)
    until = (pd.to_datetime(live["active_to"]) if "active_to" in live else pd.Series(pd.NaT, index=live.index)).fillna(end).clip(upper=end)
    months = ((until - since).dt.days + 1).clip(lower=0).to_numpy(float) / DAYS_PER_MONTH
    first, last = (since.min(), until.max()) if len(live) else (start, start)
    span = max((last - first).days + 1, 0) / DAYS_PER_MONTH
    years = np.zeros(max(int(np.ceil(span / 12)), 1))
    for begin, length in zip((since - first).dt.days / DAYS_PER_MONTH, months, strict=True):
        edges = np.clip(np.arange(len(years) + 1) * 12.0, begin, begin + length)
        years += np.diff(edges)
    matches = cohort.mentoring().assign(start=lambda m: pd.to_datetime(m["start"]))
    matches = matches[(matches["start"] >= start) & (matches["start"] <= end)]
    one = np.ones
    parts = {"matches": one(len(matches)), "people matched": one(matches["mentee_id"].nunique()), "once": one(1),
             "months of the programme": np.array([span]),
             "years of the programme": np.array([span / 12]), "departments with the programme": one(len(live))}  # fmt: skip
    if "mentor_id" in matches and matches["mentor_id"].notna().any():
        mentors = matches["mentor_id"].dropna().unique()
        parts["mentors with a match"] = one(len(mentors))
        if cohort.has("mentors") and "training_hours" in cohort.table("mentors"):
            trained = cohort.table("mentors")
            hours = trained.loc[trained["staff_id"].isin(mentors), "training_hours"].dropna()
            parts["hours of training of mentors with a match"] = hours.to_numpy(float)
    if "protected_hours_month" in live and live["protected_hours_month"].notna().any():
        parts["protected hours"] = live["protected_hours_month"].fillna(0).to_numpy(float) * months
    if cohort.has("sessions"):
        sessions = cohort.table("sessions").merge(matches[["match_id"]], on="match_id") if "match_id" in matches else pd.DataFrame()
        if "status" in sessions:
            sessions = sessions[sessions["status"].isna() | (sessions["status"] == "held")]
        if len(sessions):
            parts["sessions held"] = sessions.groupby("match_id").size().to_numpy(float)
            if "minutes" in sessions:
                parts["hours of sessions held"] = sessions.groupby("match_id")["minutes"].sum().to_numpy(float) / 60
                parts.setdefault("protected hours", 2 * parts["hours of sessions held"])  # of mentor and mentee
    total = float(months.sum())
    return Usage(parts, total, years / total if total else years, int(matches["mentee_id"].nunique()))


def priced(costs: pd.DataFrame, used: Usage, share: float) -> tuple[list[Priced], list[str]]:
    """Items of the programme (no leavers) with their totals, apportioned by ``share``; and units that are unknown or not counted in these data."""
    items, unknown = [], []
    for row in costs.to_dict("records"):
        if is_leaver(row["unit"]):
            continue
        counts = UNITS.get(_plain(row["unit"]), "")
        if counts not in used.parts:
            unknown.append(f"{row['unit']} ({row['item']})")
            continue
        parts = used.parts[counts] * share
        low, high = (row["amount"] if pd.isna(row.get(name, np.nan)) else row[name] for name in ("low", "high"))
        price = Amount(str(row["item"]), float(row["amount"]), float(low), float(high))
        each = tuple(float(part) for part in parts * price.value)
        items.append(Priced(price.times(float(parts.sum())), counts, float(parts.sum()), price.value, each))
    return items, unknown
