"""Checks inside one table: duplicate rows, keys used twice, dates out of order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.cohort.reading.repairs import short_hash
from mentorship_eval.errors import listing

__all__ = ["check_durations", "check_order", "drop_duplicates", "fill_keys", "unique_keys"]

# table -> pairs of dates of which the second may not come before the first
_ORDER = {
    "matches": (("offered_on", "start"), ("start", "end")),
    "rollout": (("active_from", "active_to"),),
    "incidents": (("occurred", "reported"),),
    "calendar": (("start", "end"),),
    "goals": (("set_on", "achieved_on"),),
    "projects": (("start", "adopted_on"), ("start", "abandoned_on")),
    "programmes": (("valid_from", "valid_to"),),
}
_DAYS_PER_UNIT = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


def drop_duplicates(source: Source) -> None:
    """R102: rows equal in every cell of the file. Spells also when only their own key differs."""
    raw, frame = source.raw, source.frame
    compared = raw
    if source.name == "spells" and "spell_id" in source.theirs:
        compared = raw.drop(columns=source.theirs["spell_id"])
    if source.table.auto_key and source.table.key[0] not in source.theirs and source.name != "spells":
        return  # without a key, two equal incidents may be two incidents
    if source.all_different.intersection(compared.columns):
        return
    again = compared.duplicated(keep="first").to_numpy()
    if not again.any():
        return
    first = _first_of(compared)
    rows = raw.index[again]
    source.find("R102", "exact duplicate rows left out", rows=rows)
    for row in rows:
        earlier = source.places.row_of(first[int(row)])
        source.repair("R102", row=int(row), before="row", after="left out", reason=f"exact duplicate of row {earlier}")
    source.raw, source.frame = raw[~again], frame[~again]
    source.step("exact duplicates", len(raw), len(source.raw))


def _first_of(frame: pd.DataFrame) -> dict[int, int]:
    """Row -> the first row that is equal to it."""
    groups = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    first = pd.Series(frame.index, index=frame.index).groupby(groups).transform("first")
    return {int(row): int(value) for row, value in first.items()}


def fill_keys(source: Source) -> None:
    """Number the rows of tables whose key the file does not have; fill in the one organisation or programme."""
    frame = source.frame
    key = source.table.key[0]
    if source.table.auto_key and key not in frame:
        frame.insert(0, key, [f"{source.name[0]}{row}" for row in frame.index])
    if source.name == "spells" and "org_id" not in frame:
        frame["org_id"] = "org"
    if source.name == "rollout" and "programme_id" not in frame:
        frame["programme_id"] = "programme"


def unique_keys(source: Source) -> None:
    """E005 a key used twice; for staff E101 when the rows disagree, R102 when they do not."""
    frame = source.frame
    key = [name for name in source.table.key if name in frame]
    if not key:
        return
    if any(source.theirs.get(name) in source.all_different and name not in source.declared.values for name in key):
        return
    known = frame[key].notna().any(axis=1)
    again = frame.loc[known, key].duplicated(keep=False)
    rows = again.index[again.to_numpy()]
    if not len(rows):
        return
    if source.name == "staff":
        _merge_people(source, rows)
        return
    what = " and ".join(key)
    example = listing([_shown(source, name, frame.loc[rows[0], name]) for name in key])
    source.find(
        "E005",
        f"{what} {example}: the same {what} in more than one row",
        rows=rows,
        column=key[0],
        fix="Keep one row of each, or correct the keys.",
    )


def _shown(source: Source, name: str, value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    personal = source.table[name].type == "id" and name not in ("dept_id", "programme_id", "org_id", "site_id", "project_id")
    return short_hash(value) if personal else str(value)


def _merge_people(source: Source, rows: pd.Index) -> None:
    frame = source.frame
    doubled = frame.loc[rows]
    others = [name for name in frame.columns if name != "staff_id"]
    conflicting: dict[str, list[str]] = {}
    for name in others:
        kinds = doubled.groupby("staff_id")[name].nunique()
        for person in kinds.index[kinds > 1]:
            conflicting.setdefault(str(person), []).append(name)
    if conflicting:
        bad = doubled.index[doubled["staff_id"].isin(list(conflicting))]
        columns = sorted({name for names in conflicting.values() for name in names})
        source.find(
            "E101",
            f"staff_id {listing([short_hash(person) for person in conflicting], 3)}: rows disagree on {listing(columns)}",
            rows=bad,
            column=columns[0],
            fix="Correct the rows. Two people under one id: give one of them another id in every file. One person under two: map the ids with "
            "values: {staff_id: {OLD: NEW}} in every table that has them.",
        )
        return
    merged = frame.copy()
    first = doubled.groupby("staff_id")[others].first() if others else None
    keep = ~frame["staff_id"].duplicated(keep="first")
    if first is not None:
        for row in doubled.index[keep.loc[rows].to_numpy()]:
            for name in others:
                merged.loc[row, name] = first.loc[frame.loc[row, "staff_id"], name]
    gone = frame.index[~keep.to_numpy()]
    source.find("R102", "rows of one person merged: they agree wherever both are filled in", rows=gone, column="staff_id")
    for row in gone:
        source.repair(
            "R102",
            row=int(row),
            column="staff_id",
            before=short_hash(frame.loc[row, "staff_id"]),
            after="merged into the first row",
            reason="same person",
        )
    source.frame = merged[keep].infer_objects()
    source.raw = source.raw.loc[source.frame.index]
    source.step("rows of one person merged", len(frame), len(source.frame))


def check_order(source: Source) -> None:
    """E105: an end before its start."""
    frame = source.frame
    for first, second in _ORDER.get(source.name, ()):
        if first in frame and second in frame:
            wrong = (frame[second] < frame[first]).to_numpy()
            if wrong.any():
                row = frame.index[wrong][0]
                source.find(
                    "E105",
                    f"{second} {frame.loc[row, second]:%Y-%m-%d} is before {first} {frame.loc[row, first]:%Y-%m-%d}",
                    rows=frame.index[wrong],
                    column=second,
                    fix="Correct the dates.",
                )


def check_durations(source: Source) -> None:
    """Times in order, half a day for people who left on the day they came, rows that look entered twice."""
    frame, raw = source.frame, source.raw
    _count_twins(source)
    if "cause" in frame:
        cause = frame["cause"].fillna("").astype(str)
        frame["cause"] = cause.mask(cause.str.casefold().isin(["0", "0.0", "censored", "none"]), "").astype(object)
        if "event" not in frame:
            frame["event"] = (frame["cause"] != "").astype("int64")
        else:
            both = ((frame["cause"] != "") != (frame["event"] == 1)).to_numpy()
            if both.any():
                source.find(
                    "E101", "event and cause disagree", rows=raw.index[both], column="cause", fix="Leave out one of the two columns."
                )
    elif frame["event"].isna().any():
        source.find(
            "E008", "event is empty", rows=frame.index[frame["event"].isna()], column="event", fix="Say 1 (left) or 0 (still there)."
        )
    time = frame["time"].to_numpy(dtype="float64")
    for name, wrong, what in (
        ("entry", lambda value: value >= time, "not before time"),
        ("mentored_from", lambda value: value > time, "after time: mentoring cannot begin once the person has left"),
    ):
        if name in frame:
            bad = wrong(frame[name].to_numpy(dtype="float64"))
            if bad.any():
                source.find("E105", f"{name} is {what}", rows=frame.index[bad], column=name, fix="Correct the times.")
    if (time == 0).any():
        half = source.reading.study.rules.same_day_days / _DAYS_PER_UNIT[source.declared.unit]
        rows = frame.index[time == 0]
        source.find("R105", "time 0 counted as half a day", rows=rows, column="time")
        for row in rows:
            source.repair("R105", row=int(row), column="time", before="0", after=f"{half:.6g}", reason="left on the day they came")
        frame["time"] = np.where(time == 0, half, time)


def _count_twins(source: Source) -> None:
    """W102: rows equal to an earlier one in every cell of the file but the id. They are kept: two people may be alike."""
    rest = source.raw.drop(columns=source.theirs["staff_id"])
    if rest.shape[1] < 2:
        return
    again = rest.duplicated(keep="first").to_numpy()
    if not again.any() or again.mean() > 0.5 or rest.shape[1] < 4:
        return  # with few columns many people are alike by nature
    rows = source.raw.index[again]
    source.find(
        "W102",
        f"{len(rows)} rows equal an earlier row in everything but the id; kept",
        rows=rows,
        column="staff_id",
        fix="See whether these people were entered twice.",
    )
