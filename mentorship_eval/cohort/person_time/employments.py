"""From spells to employments: who was followed, from when to when, and why the others were not.

A spell is one post in one department. Spells of a person that follow each other within
``bridge_gap`` days are one employment: an internal transfer does not end it, unless the level of leaving (`leaving`) is the
department or the post. Of each person the
first employment with follow-up inside the window is analysed, so the first leave counts and spells
after it do not (they are listed in ``spell_flow``).

Days are whole numbers since 1970-01-01. A spell that began and ended on the same day lasts half a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.leaving import STAYED, UNKNOWN_DESTINATION, begins_employment, moves, profession_causes
from mentorship_eval.errors import DataError, listing
from mentorship_eval.estimate import Caution

__all__ = ["FAR", "SUSPENDED", "Employments", "day_number", "employments", "flow_table", "ordered_spells", "require_columns"]

FAR = 2**18  # a day far beyond any date that pandas can hold: "not ended", "never"
SUSPENDED = frozenset({"maternity", "career_break", "secondment", "suspended"})


def require_columns(frame: pd.DataFrame, table: str, columns: tuple[str, ...]) -> None:
    """Raise `DataError` unless ``frame`` has ``columns``."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DataError(f"Table {table} has no column {listing(missing)}.", fix=f"It has {listing(frame.columns, 12)}.")


def day_number(dates: pd.Series, what: str) -> np.ndarray:
    """Whole days since 1970-01-01 as float64; `FAR` where the date is missing."""
    if not pd.api.types.is_datetime64_any_dtype(dates):
        try:
            dates = pd.to_datetime(dates, format="ISO8601")
        except (ValueError, TypeError) as error:
            raise DataError(f"{what} holds something that is not a date: {error}.", fix="Dates are written YYYY-MM-DD.") from error
    values = dates.to_numpy("datetime64[D]")
    days = values.astype("int64").astype("float64")
    days[np.isnat(values)] = FAR
    return days


def flow_table(steps: list[tuple[str, str, int]], start: int, unit: str) -> pd.DataFrame:
    """Steps (step, reason, removed) as a table that reconciles: in - removed = kept = the next step's in."""
    rows = []
    for step, reason, removed in steps:
        rows.append({"step": step, "reason": reason, f"{unit}_in": start, "removed": int(removed), "kept": start - int(removed)})
        start -= int(removed)
    return pd.DataFrame(rows, columns=["step", "reason", f"{unit}_in", "removed", "kept"])


def _destination_notes(cause: pd.Series) -> list[Caution]:
    """What is to be said of exits at the level of the profession."""
    notes, stayed, unknown = [], int((cause == STAYED).sum()), int((cause == UNKNOWN_DESTINATION).sum())
    if stayed:
        text = (f"{stayed:,} people went to another employer in the profession; they are followed until then, as if those who go "
                "elsewhere left the profession later at the rate of those who stay.")
        notes.append(Caution("stayed_in_profession", text, {"persons": stayed}))
    if unknown:
        share = unknown / max(int((cause != "").sum()), 1)
        text = f"{unknown:,} people left for an unknown destination ({share:.0%} of the ends): a cause of its own."
        notes.append(Caution("unknown_destination", text, {"persons": unknown, "share": share}))
    return notes


@dataclass(frozen=True)
class Employments:
    """The analysed employment of each person, and its department segments, in calendar days.

    persons: person (row position in staff), hire, entry, exit, cause ('' = censored), dept_at_entry.
    segments: person (position in ``persons``), start, stop, dept_id, suspended; disjoint, sorted, within (entry, exit].
    flow: persons in, removed and kept by reason; spell_flow: the same for spells.
    """

    persons: pd.DataFrame
    segments: pd.DataFrame
    flow: pd.DataFrame
    spell_flow: pd.DataFrame
    notes: tuple[Caution, ...]


def ordered_spells(spells: pd.DataFrame, person: np.ndarray) -> pd.DataFrame:
    """Spells of known persons (``person`` >= 0) by person and time, in day numbers, with the ``gap`` since the spell before.

    Columns person, start, end, dept_id, reason ('' = none given), suspended, row, gap, stop (= end), and org_id, contract,
    role, wte and destination where spells has them.
    """
    start, end = day_number(spells["start"], "spells.start"), day_number(spells["end"], "spells.end")
    for wrong, problem in ((start == FAR, "have no start"), (end < start, "end before they start")):
        if wrong.any():
            raise DataError(f"{int(wrong.sum()):,} spells {problem}.", fix="Correct these rows of spells.", rows=list(spells.index[wrong]))
    reason = spells["leaving_reason"] if "leaving_reason" in spells else pd.Series(index=spells.index, dtype=object)
    reason = reason.astype(object).where(reason.notna(), "").astype(str).str.strip()
    dept = spells["dept_id"].astype(object) if "dept_id" in spells else pd.Series("", index=spells.index, dtype=object)
    status = pd.Series(False, index=spells.index)
    if "suspended" in spells:  # already decided when the table was read
        status = spells["suspended"].fillna(False).astype(bool)
    elif "status" in spells:
        status = spells["status"].astype(object).where(spells["status"].notna(), "").astype(str).str.strip().str.lower()
        status = status.str.replace(r"[\s-]+", "_", regex=True).isin(SUSPENDED)
    table = pd.DataFrame({"person": person, "start": start, "end": end, "dept_id": dept.where(dept.notna(), "unknown").to_numpy(),
                          "reason": reason.to_numpy(), "suspended": status.to_numpy(bool), "row": spells.index})
    for name in ("org_id", "contract", "role", "wte", "destination"):
        if name in spells:
            table[name] = spells[name].to_numpy()
    table = table[person >= 0].sort_values(["person", "start", "end"], kind="stable", ignore_index=True)
    same = table["person"].eq(table["person"].shift())
    overlap = same & (table["start"] < table["end"].shift())
    if overlap.any():
        rows = table.loc[overlap, "row"].tolist()
        raise DataError(f"{len(rows):,} spells begin before the person's previous spell has ended.",
                        fix="Collapse concurrent posts to the primary one (the largest WTE) first.", rows=rows)
    table["gap"] = (table["start"] - table["end"].shift()).where(same, np.inf)
    table["stop"] = table["end"]
    return table


def employments(*, staff: pd.DataFrame, spells: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp,
                bridge_gap: int = 30, level: str = "organisation", suspended: str = "keep",
                destinations: Mapping[str, str] | None = None) -> Employments:
    """The first employment of each person with follow-up in (start, end], up to the first leave at ``level`` (see `leaving`).

    destinations: what a destination says of the profession, for that level.
    Raises `DataError` for overlapping spells, ends before starts, doubled staff rows and missing columns.
    """
    require_columns(staff, "staff", ("staff_id",))
    require_columns(spells, "spells", ("staff_id", "start", "end"))
    ids = pd.Index(staff["staff_id"])
    if not ids.is_unique:
        raise DataError("staff lists the same person more than once.", fix="Keep one row per staff_id.",
                        rows=list(staff.index[ids.duplicated(keep=False)]))
    window = np.array([start, end], dtype="datetime64[D]").astype("int64").astype(float)
    first, last = window
    if not first < last:
        raise DataError("The window ends before it starts.", fix="Check study.start and study.end.")
    person = ids.get_indexer(spells["staff_id"])
    table = ordered_spells(spells, person)
    notes: list[Caution] = []

    new_run = begins_employment(table, bridge_gap, level)
    run = np.cumsum(new_run) - 1
    run_first, run_last = np.flatnonzero(new_run), np.flatnonzero(np.append(new_run[1:], True)) if len(table) else np.array([], int)
    runs = pd.DataFrame({"person": table["person"].to_numpy()[run_first], "hire": table["start"].to_numpy()[run_first],
                         "leave": table["end"].to_numpy()[run_last], "reason": table["reason"].to_numpy()[run_last]})
    half_day = runs["leave"].eq(runs["hire"])
    runs["entry"] = np.maximum(runs["hire"], first)
    event = runs["leave"] <= last
    runs["exit"] = np.minimum(runs["leave"] + 0.5 * half_day, np.where(event & half_day, FAR, last))
    why = np.where(runs["reason"].eq(""), "unknown", runs["reason"])
    if level == "profession":
        why = profession_causes(runs["reason"], table["destination"].iloc[run_last] if "destination" in table else None, destinations)
    runs["cause"] = np.where(event, why, "")
    moved = moves(table, new_run, level)
    if len(moved):
        moved = moved[(moved["day"] > runs["entry"].to_numpy()[moved["run"]]) & (moved["day"] <= last)].drop_duplicates("run")
        runs.loc[moved["run"], "exit"] = moved["day"].to_numpy()
        runs.loc[moved["run"], "cause"] = moved["cause"].to_numpy()
    before = (runs["exit"] <= runs["entry"]) & (runs["leave"] <= first)
    followed = runs["exit"] > runs["entry"]
    after = ~before & ~followed
    chosen = followed & ~runs["person"].where(followed).duplicated()

    bridged = (~new_run) & table["reason"].shift().ne("transfer").to_numpy() & (table["gap"] > 1).to_numpy()
    if bridged.any():
        text = f"{int(bridged.sum()):,} returns within {bridge_gap} days were joined to the employment before them."
        notes.append(Caution("rehires_bridged", text, {"spells": int(bridged.sum()), "gap_days": bridge_gap}))
    if level == "profession":
        notes += _destination_notes(runs.loc[chosen, "cause"])
        runs["cause"] = runs["cause"].where(runs["cause"] != STAYED, "")
    if half_day[chosen].any():
        number = int(half_day[chosen].sum())
        text = f"Employments that began and ended on one day count as half a day: {number:,}."
        notes.append(Caution("half_day", text, {"persons": number}))

    # segments of one department within the chosen employments
    position = np.full(len(runs), -1)
    position[np.flatnonzero(chosen)] = np.arange(int(chosen.sum()))
    table["run"] = run
    kept = table[position[run] >= 0].copy()
    kept["person"] = position[kept["run"]]
    same = kept["person"].eq(kept["person"].shift()).to_numpy()
    persons = runs.loc[chosen, ["person", "hire", "entry", "exit", "cause"]].reset_index(drop=True)
    entry, exit_ = (persons[name].to_numpy()[kept["person"]] for name in ("entry", "exit"))
    # a post lasts from the end of the one before it, so that a transfer "the next day" leaves no hole
    kept["start"] = np.maximum(np.where(same, kept["stop"].shift(), kept["start"]), entry)
    is_last = np.append(~same[1:], True) if len(kept) else np.array([], bool)
    kept["stop"] = np.where(is_last, exit_, np.minimum(kept["stop"], exit_))
    inside = (kept["stop"] > kept["start"]).to_numpy()
    has_moved = np.isin(kept["run"], moved["run"])
    after_move = int((~inside & has_moved & (kept["start"].to_numpy() >= exit_)).sum())
    spells_without_time = int((~inside).sum()) - after_move
    kept = kept[inside]
    same = kept["person"].eq(kept["person"].shift())
    switch = ~(same & kept["dept_id"].eq(kept["dept_id"].shift()) & kept["suspended"].eq(kept["suspended"].shift()))
    begins = np.flatnonzero(switch)
    ends = np.append(begins[1:], len(kept))[: len(begins)] - 1
    segments = kept.iloc[begins][["person", "start", "dept_id", "suspended"]].reset_index(drop=True)
    segments.insert(2, "stop", kept["stop"].to_numpy()[ends])
    first_segment = ~segments["person"].duplicated()
    persons["dept_at_entry"] = segments.loc[first_segment, "dept_id"].to_numpy()

    has_run = np.bincount(runs["person"], minlength=len(ids)) > 0
    has_after = np.bincount(runs["person"], weights=after, minlength=len(ids)) > 0
    is_kept = np.bincount(runs["person"], weights=chosen, minlength=len(ids)) > 0
    strangers = spells.loc[person < 0, "staff_id"].nunique()
    steps = [
        ("staff table", "spells of a person without a row in staff", strangers),
        ("spells", "in staff but without a spell", int((~has_run).sum())),
        ("window", "left on or before the first day of the window", int((has_run & ~is_kept & ~has_after).sum())),
        ("window", "hired on or after the last day of the window", int((has_run & ~is_kept & has_after).sum())),
    ]
    by_run = np.bincount(run, minlength=len(runs)) if len(runs) else np.array([])
    spell_steps = [
        ("staff table", "no row in staff", int((person < 0).sum())),
        ("window", "employment ended on or before the first day of the window", by_run[before].sum()),
        ("window", "employment began on or after the last day of the window", by_run[after].sum()),
        ("first leave", "began after a first leave in the window", by_run[followed & ~chosen].sum()),
        ("window", "no time inside the window (post before an internal transfer, or after the last day)", spells_without_time),
    ]
    if level in ("department", "role"):
        spell_steps.append(("first leave", f"began after the first move to another {'post' if level == 'role' else level}", after_move))
    total = len(ids) + strangers
    if suspended == "remove":
        before_removal = len(persons)
        time = segments["stop"] - segments["start"]
        off = segments["suspended"].to_numpy(bool)
        ended = segments.loc[off & ~segments["person"].duplicated(keep="last").to_numpy(), "person"].to_numpy()
        lost = int((persons["cause"].to_numpy()[ended] != "").sum())
        data = {"days": float(time[off].sum()), "leavers": lost}
        text = f"{data['days']:,.0f} suspended days were left out of the risk set, with {lost:,} leavers who left while suspended."
        notes.append(Caution("suspended_removed", text, data))
        segments = segments[~off]
        remaining = np.unique(segments["person"])
        renumber = np.full(before_removal, -1)
        renumber[remaining] = np.arange(len(remaining))
        persons["cause"] = np.where(np.isin(np.arange(before_removal), ended), "", persons["cause"])
        persons = persons.iloc[remaining].reset_index(drop=True)
        segments = segments.assign(person=renumber[segments["person"]]).reset_index(drop=True)
        persons["entry"] = segments.groupby("person")["start"].first().to_numpy()
        persons["exit"] = segments.groupby("person")["stop"].last().to_numpy()
        steps.append(("suspended", "no time outside a suspended status", before_removal - len(persons)))
    return Employments(persons, segments, flow_table(steps, total, "persons"), flow_table(spell_steps, len(spells), "spells"), tuple(notes))
