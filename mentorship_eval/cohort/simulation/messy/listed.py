"""What monthly lists can show of a cohort: posts that begin and end between two lists leave no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["as_listed", "list_days", "rounded_to_lists"]

_PEOPLE = {"staff": ("staff_id",), "matches": ("mentee_id", "mentor_id"), "mentors": ("staff_id",), "surveys": ("staff_id",),
           "survey_invites": ("staff_id",), "projects": ("staff_id",), "career_events": ("staff_id",), "training": ("staff_id",),
           "collaboration": ("from_id", "to_id")}


def list_days(parameters: Parameters) -> pd.DatetimeIndex:
    """The last day of each month from the one before the window to the one after it."""
    start = pd.Timestamp(parameters.start)
    return pd.DatetimeIndex([start + pd.offsets.MonthEnd(month) for month in range(1, parameters.months + 2)]).insert(0, start - pd.Timedelta(days=1))


def as_listed(parameters: Parameters, tables: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables as far as the lists show them, and what was lost: people, posts, person-days, leavers.

    Posts that follow each other day by day are one employment. A post that no list shows goes to the one before it, or, at the
    beginning, to the one after it; an employment that no list shows is lost, with everything else about that person.
    """
    spells = tables["spells"].sort_values(["staff_id", "start"], kind="stable", ignore_index=True)
    days = list_days(parameters).to_numpy()
    far = pd.Timestamp("2200-01-01")
    end = spells["end"].fillna(far)
    seen = np.searchsorted(days, end.to_numpy(), side="right") > np.searchsorted(days, spells["start"].to_numpy(), side="left")
    same = spells["staff_id"].eq(spells["staff_id"].shift())
    goes_on = same & ((spells["start"] - end.shift()).dt.days == 1)
    work = spells.assign(job=(~goes_on).cumsum(), seen=seen, till=end)
    whole = work.groupby("job").agg(begin=("start", "first"), till=("till", "last"), reason=("leaving_reason", "last"), any=("seen", "any"))
    kept = work[work["seen"]].copy()
    first, last = ~kept["job"].duplicated(), ~kept["job"].duplicated(keep="last")
    kept["start"] = kept["start"].where(~first, kept["job"].map(whole["begin"]))
    following = kept["start"].shift(-1) - pd.Timedelta(days=1)
    kept["till"] = kept["job"].map(whole["till"]).where(last, following)
    kept["leaving_reason"] = kept["job"].map(whole["reason"]).where(last, "transfer")
    kept["end"] = kept["till"].where(kept["till"] < far)
    made = dict(tables)
    made["spells"] = kept[list(spells)].reset_index(drop=True)
    gone = set(spells["staff_id"]) - set(made["spells"]["staff_id"])
    for name, columns in _PEOPLE.items():
        if name in made:
            table = made[name]
            made[name] = table[~table[list(columns)].isin(gone).any(axis=1)].reset_index(drop=True)
    for name in ("sessions", "goals", "feedback"):
        if name in made:
            made[name] = made[name][made[name]["match_id"].isin(made["matches"]["match_id"])].reset_index(drop=True)
    lost = whole[~whole["any"]]
    start, until = pd.Timestamp(parameters.start), pd.Timestamp(parameters.start) + pd.Timedelta(days=int(window_days(parameters)[-1]) - 1)
    inside = (lost["till"].clip(upper=until) - lost["begin"].clip(lower=start)).dt.days.clip(lower=0)
    told = {"people": len(gone), "employments": len(lost), "posts": int((~work["seen"] & (work["till"] >= start)).sum()),
            "person_days": int(inside.sum()), "leavers": int(lost["reason"].eq("voluntary").sum())}
    return made, told


def rounded_to_lists(parameters: Parameters, spells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Spells, as listed, by the convention of lists without days; and what that takes away.

    person_days: by how many days dates moved within the window; leavers: those of its first month, who seem to have left before it.

    A post begins on the first day of the month of the list that shows it first, and ends on the day of the list that shows it last.
    """
    days = list_days(parameters).to_numpy()
    begin = pd.DatetimeIndex(days[np.searchsorted(days, spells["start"].to_numpy(), side="left")])
    begin = begin.to_period("M").to_timestamp()
    closed = spells["end"].notna().to_numpy()
    last = np.searchsorted(days, spells["end"].fillna(spells["start"]).to_numpy(), side="right") - 1
    finish = pd.Series(days[np.maximum(last, 0)], index=spells.index).where(closed)
    first = pd.Timestamp(parameters.start)
    moved = (spells["start"].clip(lower=first) - pd.Series(begin, index=spells.index).clip(lower=first)).abs().dt.days.sum()
    moved += (spells["end"] - finish).dt.days.abs().sum()
    early = spells["leaving_reason"].eq("voluntary") & (spells["end"] >= first) & (finish < first)
    return spells.assign(start=begin, end=finish), {"leavers": int(early.sum()), "person_days": int(moved)}
