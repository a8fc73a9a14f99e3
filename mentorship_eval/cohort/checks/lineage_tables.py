"""Tables told in units that stay the same: ids mapped, amounts summed, and one row where there were several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Source

if TYPE_CHECKING:
    from mentorship_eval.cohort.checks.lineage import Lineage

__all__ = ["divide", "merge_departments", "merge_rollout", "rename", "sum_rows"]


def rename(source: Source, column: str, unit: dict[str, str]) -> None:
    """The ids of ``column`` as units; one line of the log for each department."""
    frame = source.frame
    if column not in frame:
        return
    values = frame[column]
    hit = values.isin(list(unit))
    if not hit.any():
        return
    rows = pd.Series(frame.index, index=frame.index)[hit.to_numpy()].groupby(values[hit].to_numpy()).agg(["min", "size"])
    for old, row in rows.iterrows():
        source.repair(
            "R110",
            row=int(row["min"]),
            column=column,
            before=old,
            after=unit[str(old)],
            reason="stable unit of dept_lineage",
            count=int(row["size"]),
        )
    source.frame = frame.assign(**{column: values.where(~hit, values.map(unit))})


def divide(source: Source, shares: dict[str, dict[str, float]]) -> None:
    """The amounts of a department divided between its parts, row by row; the rows keep the number of the old one."""
    frame = source.frame
    if "dept_id" not in frame:
        return
    old = frame["dept_id"].isin(list(shares)).to_numpy()
    if not old.any():
        return
    amounts = [name for name in frame if pd.api.types.is_float_dtype(frame[name]) and name not in ("period", "active_from", "complete")]
    pieces = [frame[~old]]
    for name, parts in shares.items():
        mine = frame[(frame["dept_id"] == name).to_numpy()]
        for part, share in parts.items():
            pieces.append(mine.assign(dept_id=part, **{column: mine[column] * share for column in amounts}))
        if len(mine):
            after = ", ".join(f"{part} {share:g}" for part, share in parts.items())
            source.repair(
                "R110",
                row=int(mine.index[0]),
                column="dept_id",
                before=name,
                after=after,
                reason="divided by the shares of dept_lineage",
                count=len(mine),
            )
    source.frame = pd.concat(pieces)
    source.step("rows divided by the shares of dept_lineage", len(frame), len(source.frame))


def sum_rows(source: Source, lineage: Lineage, key: list[str], amounts: list[str]) -> None:
    """Rows of departments of one unit added up by ``key``.

    A month in which a department of the unit has no row has no sum: what is missing is not 0.
    """
    frame = source.frame
    if not set(key) <= set(frame):
        return
    touched = sorted({*lineage.unit, *lineage.members, *(part for parts in lineage.shares.values() for part in parts)})
    mine = frame["dept_id"].isin(touched).to_numpy()
    if not mine.any():
        return
    original = frame.loc[mine, "dept_id"]
    rename(source, "dept_id", lineage.unit)
    frame = source.frame
    own = frame[mine].assign(_member=original.to_numpy())
    own["_row"] = own.index
    how: dict[str, Any] = {name: _total for name in amounts if name in own}
    how |= {name: "min" if name == "complete" else "first" for name in own if name not in (*key, *how, "_member")}
    summed = own.groupby(key, sort=False, dropna=False).agg(how).reset_index()
    if pd.api.types.is_datetime64_any_dtype(own[key[1]]):
        present = own.groupby(key, sort=False, dropna=False)["_member"].agg(set).to_numpy()
        ever = set(original)
        cells = zip(summed["dept_id"], summed[key[1]], present, strict=True)
        short = [_lacks(lineage, unit, month, here, ever) for unit, month, here in cells]
        for name in amounts:
            if name in summed:
                summed[name] = summed[name].mask(np.array(short, dtype=bool))
    summed = summed.set_index("_row")[list(frame.columns)]
    if len(summed) == len(own) and not lineage.unit:
        return
    n = len(frame)
    source.frame = pd.concat([frame[~mine], summed]).sort_index(kind="stable")
    source.frame = source.frame.astype({name: kind for name, kind in frame.dtypes.items() if source.frame[name].notna().all()})
    source.frame.index.name = frame.index.name
    source.step("departments of one unit added up", n, len(source.frame))


def _total(values: pd.Series) -> float:
    return float(values.sum(skipna=False))


def _lacks(lineage: Lineage, unit: str, month: pd.Timestamp, present: set[str], ever: set[str]) -> bool:
    """Whether a department of the unit that was there for the whole month, and has rows at other times, has none."""
    last = month + pd.offsets.MonthEnd(0)
    for name in lineage.members.get(unit, ()):
        if name in ever and name not in present:
            begun = name not in lineage.begin or lineage.begin[name] <= month
            goes_on = name not in lineage.end or lineage.end[name] > last
            if begun and goes_on:
                return True
    return False


def merge_rollout(source: Source, unit: dict[str, str]) -> None:
    """One row for a unit and programme: its first go-live and planned day, and its last end, or none while it goes on anywhere."""
    rename(source, "dept_id", unit)
    frame = source.frame
    key = [name for name in ("programme_id", "dept_id") if name in frame]
    twice = frame.duplicated(key, keep=False).to_numpy()
    if not twice.any():
        return
    own = frame[twice].copy()
    own["_row"] = own.index
    own = own.sort_values("active_from", kind="stable")
    how: dict[str, Any] = {name: "first" for name in own if name not in key}
    how |= {name: "min" for name in ("planned_from", "active_from") if name in own}
    if "active_to" in own:
        how["active_to"] = lambda days: pd.NaT if days.isna().any() else days.max()
    merged = own.groupby(key, sort=False).agg(how).reset_index().set_index("_row")[list(frame.columns)]
    source.frame = pd.concat([frame[~twice], merged]).sort_index(kind="stable")
    source.frame.index.name = frame.index.name
    source.step("departments of one unit", len(frame), len(source.frame))


def merge_departments(source: Source, lineage: Lineage) -> None:
    """One row for a unit: that of the department that bears its name, else the first."""
    frame = source.frame
    if "dept_id" not in frame:
        return
    bears = frame["dept_id"].isin(list(lineage.members)).to_numpy()
    rename(source, "dept_id", lineage.unit)
    order = np.lexsort((np.arange(len(frame)), ~bears))
    kept = source.frame.iloc[order].drop_duplicates("dept_id").sort_index(kind="stable")
    source.frame = kept
    source.step("departments of one unit", len(frame), len(kept))
