"""Why people left: a second file beside the monthly lists, joined by the person's id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.dates import parse_dates
from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.identity import read_beside
from mentorship_eval.cohort.recipes.mapping import find_column
from mentorship_eval.cohort.recipes.models import Snapshots

__all__ = ["with_leavers"]


def with_leavers(
    source: Source, rule: Snapshots, folder: Path, frame: pd.DataFrame, left: np.ndarray, seen: np.ndarray, following: np.ndarray
) -> bool:
    """Fill ``leaving_reason``, ``destination`` and exact ends of the spells ``left`` of ``frame``; False when the file cannot be used.

    seen, following: the last month in which the person was listed, and the month of the next list. A record with a day of leaving
    belongs to the spell whose last month it lies in or after, up to the end of the month of the next list; one without belongs to the
    person's last leave, and a person with two such records is left unknown.
    """
    frame["leaving_reason"], frame["destination"] = "", ""
    if rule.leavers is None or not _is_there(folder, rule.leavers.file):
        return True
    beside = read_beside(source, folder, rule.leavers.file, "the leavers file")
    if beside is None:
        return False
    present = [str(name) for name in beside.raw.columns]
    found = {name: column for name, names in rule.leavers.columns.items() if (column := find_column(names, present))}
    if "staff_id" not in found:
        looked = ", ".join(rule.leavers.columns.get("staff_id", []))
        fix = "Name it under settings: {snapshots: {leavers: {columns: {staff_id: THEIR NAME}}}}."
        source.reading.findings.add("E004", f"no column for staff_id: looked for {looked}", table=source.name, file=beside.file, rows=1, fix=fix)
        return False
    records = pd.DataFrame({name: beside.raw[column] for name, column in found.items()})
    records = records[~records["staff_id"].isin(MISSING)]
    day = _days(source, beside, records)
    if day is None:
        return False
    used = _join(frame, left, seen, following, records, day)
    _tell(source, beside, records, used, left, frame)
    return True


def _is_there(folder: Path, file: str) -> bool:
    # a place with a variable was written by the user: it has to be there
    return "${" in file or (folder / file).exists()


def _days(source: Source, beside: Source, records: pd.DataFrame) -> np.ndarray | None:
    if "left_on" not in records:
        return np.full(len(records), np.datetime64("NaT", "D"))
    codes, uniques = pd.factorize(records["left_on"])
    answer = parse_dates([str(text) for text in uniques], source.declared.date_format("end"), open_end=True)
    for message, positions, fix in answer.problems:
        rows = records.index[np.isin(codes, positions)]
        source.reading.findings.add("E106", message, table=source.name, file=beside.file, rows=rows, column="left_on", fix=fix)
    for i in answer.far:
        own = records.index[codes == i]
        source.reading.repairs.add(
            "R106", table=source.name, file=beside.file, row=int(own[0]), column="left_on", before=uniques[i], after="",
            reason="placeholder for not ended", count=len(own),
        )  # fmt: skip
    return None if answer.problems else answer.values.to_numpy().astype("datetime64[D]")[codes]


def _join(
    frame: pd.DataFrame, left: np.ndarray, seen: np.ndarray, following: np.ndarray, records: pd.DataFrame, day: np.ndarray
) -> np.ndarray:
    """Write into ``frame``; returns which records were used."""
    used = np.zeros(len(records), dtype=bool)
    by_person: dict[str, list[int]] = {}
    for i, person in enumerate(records["staff_id"]):
        by_person.setdefault(person, []).append(i)
    spells: dict[str, list[int]] = {}
    for at in np.flatnonzero(left):
        spells.setdefault(frame["staff_id"].iloc[at], []).append(int(at))
    reasons, places, ends = (frame[name].to_numpy(dtype=object).copy() for name in ("leaving_reason", "destination", "end"))
    for person, own in spells.items():
        mine = by_person.get(person, [])
        undated = [i for i in mine if np.isnat(day[i])]
        for j in own:
            first, last = seen[j].astype("datetime64[D]"), (following[j] + 1).astype("datetime64[D]")
            fits = [i for i in mine if not np.isnat(day[i]) and first <= day[i] < last]
            if not fits and j == own[-1] and len(undated) == 1:
                fits = undated
            if len(fits) != 1:
                continue
            i = fits[0]
            used[i] = True
            reasons[j] = records["leaving_reason"].iloc[i] if "leaving_reason" in records else ""
            places[j] = records["destination"].iloc[i] if "destination" in records else ""
            if not np.isnat(day[i]) and str(day[i]) >= frame["start"].iloc[j]:
                ends[j] = str(day[i])
    frame["leaving_reason"], frame["destination"], frame["end"] = reasons, places, ends
    return used


def _tell(source: Source, beside: Source, records: pd.DataFrame, used: np.ndarray, left: np.ndarray, frame: pd.DataFrame) -> None:
    after, reason = f"{int(used.sum())} spells", "joined by staff_id"
    source.reading.repairs.add(
        "R127", table=source.name, file=beside.file, row=None, before="leavers file", after=after, reason=reason, count=len(records)
    )
    rows = records.index[~used]
    if len(rows):
        source.reading.findings.add(
            "W127",
            f"{len(rows):,} of {len(records):,} records of leavers fit no leave in the monthly lists: not used",
            table=source.name,
            file=beside.file,
            rows=rows,
            fix="See whether these people are still listed, or left before the first list.",
        )
