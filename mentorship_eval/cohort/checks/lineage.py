"""Departments that merged, split or were renamed: every table is told in units that stay the same over the study (R110, E110).

A unit is everything that dept_lineage connects: the departments before a merger with the one after it, a ward with its new name, a ward with the
parts that it was split into. Only amounts can be divided: a split with shares divides the patient-days, counts and audits of the old department
between its parts, provided that no single record (an incident, a spell, a go-live) still names the old one; else the parts stay one unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.checks.lineage_tables import divide, merge_departments, merge_rollout, rename, sum_rows
from mentorship_eval.cohort.reading.raw import Reading, Source
from mentorship_eval.errors import listing

__all__ = ["Lineage", "apply_lineage"]

_RECORDS = ("incidents", "spells", "rollout", "projects", "departments", "durations")
_EARLY, _LATE = pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Lineage:
    """unit: department -> unit, of those that change name; members: unit -> departments; begin, end: days from and until which a department was;
    shares: department -> its parts and their shares, where amounts are divided."""

    unit: dict[str, str]
    members: dict[str, list[str]]
    begin: dict[str, pd.Timestamp]
    end: dict[str, pd.Timestamp]
    shares: dict[str, dict[str, float]]
    before: dict[str, set[str]]


def apply_lineage(reading: Reading) -> None:
    """Map the departments of every table to stable units, in place; E110 where a unit would be with and without the programme at once."""
    source = reading.sources.get("dept_lineage")
    if source is None or reading.study.rules.lineage == "ignore":
        return
    edges = _edges(reading, source)
    if edges.empty or not _shares_add_up(source, edges):
        return
    lineage = _units(reading, edges)
    if not _consistent(reading, source, lineage):
        return
    for name, other in reading.sources.items():
        if name == "exposure":
            divide(other, lineage.shares)
            sum_rows(other, lineage, ["dept_id", "month"], ["patient_days", "staffed_wte", "admissions", "items_dispensed"])
        elif name == "audits":
            divide(other, lineage.shares)
            sum_rows(other, lineage, ["dept_id", "month", "measure"], ["num", "den"])
        elif name == "outcomes_monthly":
            divide(other, lineage.shares)
            sum_rows(other, lineage, ["dept_id", "month", "indicator"], ["num", "den"])
        elif name == "counts":
            divide(other, lineage.shares)
            sum_rows(other, lineage, ["dept_id", "period"], ["exposure", *other.declared.outcomes])
        elif name == "rollout":
            merge_rollout(other, lineage.unit)
        elif name == "departments":
            merge_departments(other, lineage)
        elif name == "calendar":
            rename(other, "scope", lineage.unit)
        elif name in ("incidents", "spells", "projects", "durations"):
            rename(other, "dept_id", lineage.unit)
    units = [f"{unit} ({', '.join(sorted(names))})" for unit, names in lineage.members.items()]
    parts = [f"{old} divided between {', '.join(into)}" for old, into in lineage.shares.items()]
    source.find(
        "R110",
        f"departments that changed are told as units that stay the same: {listing([*units, *parts], 4)}",
        rows=edges.index,
        column="to_id",
        fix="rules.lineage: ignore takes the departments as they are written.",
    )


def _edges(reading: Reading, source: Source) -> pd.DataFrame:
    """Changes up to the end of the window; later ones have not happened yet."""
    frame = source.frame[["from_id", "to_id", "effective"]].copy()
    frame["share"] = source.frame.get("share", np.nan)
    frame = frame.dropna(subset=["from_id", "to_id", "effective"])
    frame = frame[frame["from_id"] != frame["to_id"]]
    end = reading.study.study.end
    return frame[frame["effective"] <= pd.Timestamp(end)] if end else frame


def _shares_add_up(source: Source, edges: pd.DataFrame) -> bool:
    total = edges.groupby("from_id")["share"].agg(["sum", "count", "size"])
    wrong = total[(total["count"] == total["size"]) & (total["size"] > 1) & ((total["sum"] - 1).abs() > 1e-3)]
    if wrong.empty:
        return True
    name = wrong.index[0]
    source.find(
        "E108",
        f"the shares of {name} add up to {wrong.loc[name, 'sum']:g}, not to 1",
        rows=edges.index[edges["from_id"].isin(wrong.index)],
        column="share",
        fix="Correct them, or leave them out: the parts are then one unit.",
    )
    return False


def _units(reading: Reading, edges: pd.DataFrame) -> Lineage:
    named: set[str] = set()
    for name in _RECORDS:
        if name in reading.sources and "dept_id" in reading.sources[name].frame:
            named |= set(reading.sources[name].frame["dept_id"].dropna())
    by_old = edges.groupby("from_id", sort=True)
    divided = {
        str(old): dict(zip(rows["to_id"], rows["share"], strict=True))
        for old, rows in by_old
        if len(rows) > 1 and rows["share"].notna().all() and old not in named
    }
    joined = edges[~edges["from_id"].isin(divided)]
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for old, new in zip(joined["from_id"], joined["to_id"], strict=True):
        parent[root(old)] = root(new)
    groups: dict[str, list[str]] = {}
    for name in sorted(parent):
        groups.setdefault(root(name), []).append(name)
    olds, news = set(joined["from_id"]), set(joined["to_id"])
    members = {_name(names, olds, news): names for names in groups.values()}
    unit = {name: label for label, names in members.items() for name in names if name != label}
    before: dict[str, set[str]] = {}
    for old, new in zip(joined["from_id"], joined["to_id"], strict=True):
        before.setdefault(new, set()).add(old)
    begin, end = joined.groupby("to_id")["effective"].min().to_dict(), joined.groupby("from_id")["effective"].max().to_dict()
    first, last = _seen(reading)
    # a ward that takes another one in was there before; one that gives beds away goes on
    begin = {name: day for name, day in begin.items() if not first.get(name, _LATE) < day.replace(day=1)}
    end = {name: day for name, day in end.items() if not last.get(name, _EARLY) > day + pd.offsets.MonthEnd(0)}
    return Lineage(unit, members, begin, end, divided, before)


def _seen(reading: Reading) -> tuple[dict[str, pd.Timestamp], dict[str, pd.Timestamp]]:
    """First and last day on which the records speak of each department: what is counted by month if there is any, else incidents, else spells.

    Staff systems rename the past: a spell of 2019 in a ward of 2023 says nothing of when the ward began.
    """
    for name, column in (("exposure", "month"), ("counts", "period"), ("incidents", "occurred"), ("spells", "start")):
        frame = reading.sources[name].frame if name in reading.sources else pd.DataFrame()
        if "dept_id" in frame and column in frame and pd.api.types.is_datetime64_any_dtype(frame[column]):
            by = frame[["dept_id", column]].dropna().groupby("dept_id")[column]
            return by.min().to_dict(), by.max().to_dict()
    return {}, {}


def _name(names: list[str], olds: set[str], news: set[str]) -> str:
    """The one department that is left, or the one that there was at first, or all that are left."""
    last, first = [n for n in names if n not in olds], [n for n in names if n not in news]
    if len(last) == 1:
        return last[0]
    return first[0] if len(first) == 1 else "+".join(last or names)


def _consistent(reading: Reading, source: Source, lineage: Lineage) -> bool:
    """Whether all departments of a unit that exist at a time are with the programme, or all without it, to the month."""
    starts = _go_live(reading)
    if starts is None:
        return True
    window = reading.study.study
    first, last = pd.Timestamp(window.start or _EARLY), pd.Timestamp(window.end or _LATE) + pd.Timedelta(days=1)
    ok = True
    for unit, names in lineage.members.items():
        own = {name: _own_start(name, starts, lineage) for name in names}
        begin = {name: max(lineage.begin.get(name, _EARLY), first) for name in names}
        there = {name: min(lineage.end.get(name, _LATE), last) for name in names}
        alive = [name for name in names if begin[name] < there[name]]
        whole = min((max(own[name], begin[name]) for name in alive if own[name] < there[name]), default=_LATE)

        def month(day: pd.Timestamp, name: str, low: dict = begin, high: dict = there) -> pd.Period:
            """First month with the programme while the department is there; the month after its last where there is none."""
            never = (high[name] - pd.Timedelta(days=1)).to_period("M") + 1
            return min(max(day, low[name]).to_period("M"), never)

        apart = [name for name in alive if month(own[name], name) != month(whole, name)]
        if apart:
            ok = False
            dates = [f"{name} {'never' if own[name] == _LATE else f'{own[name]:%Y-%m-%d}'}" for name in alive]
            rows = source.frame.index[(source.frame["from_id"].isin(names) | source.frame["to_id"].isin(names)).to_numpy()]
            source.find(
                "E110",
                f"the unit {unit} would be with and without the programme at once (go-live: {listing(dates)})",
                rows=rows,
                column="to_id",
                fix="Leave the unit out, end the window before the change, or set rules: {lineage: ignore} and say why.",
            )
    return ok


def _go_live(reading: Reading) -> dict[str, pd.Timestamp] | None:
    rollout, counts = reading.sources.get("rollout"), reading.sources.get("counts")
    if rollout is not None and {"dept_id", "active_from"} <= set(rollout.frame):
        days = rollout.frame.groupby("dept_id")["active_from"].min()
    elif counts is not None and "active_from" in counts.frame and pd.api.types.is_datetime64_any_dtype(counts.frame["active_from"]):
        days = counts.frame.groupby("dept_id")["active_from"].min()
    else:
        return None
    return {str(name): _LATE if pd.isna(day) else pd.Timestamp(day) for name, day in days.items()}


def _own_start(name: str, starts: dict[str, pd.Timestamp], lineage: Lineage, seen: frozenset[str] = frozenset()) -> pd.Timestamp:
    """Go-live of a department; one without a row of its own goes on as what it was made of, or has none."""
    if name in starts:
        return starts[name]
    older = [old for old in lineage.before.get(name, ()) if old not in seen]
    if older:
        return min(_own_start(old, starts, lineage, seen | {name}) for old in older)
    return _LATE
