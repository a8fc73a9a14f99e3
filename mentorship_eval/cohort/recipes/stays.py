"""Stays on units summed to patient-days by unit and month: by midnight census, or as hours / 24."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.cohort.recipes.mapping import has, texts
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.recipes.rows import leave_out
from mentorship_eval.cohort.recipes.times import read_times
from mentorship_eval.cohort.recipes.traced import replace_rows

__all__ = ["sum_stays"]

_DAY = np.timedelta64(1, "D")
_SECONDS = 86_400


def sum_stays(source: Source, table: TableRecipe) -> bool:
    """Make exposure of ``source.raw``; False when a stay has no unit or time, or ends before it begins (E008, E105, E106)."""
    rule = table.stays
    assert rule is not None
    begin, finish = _times(source, "in"), _times(source, "out") if has(source, "out") else None
    unit = texts(source, "dept_id")
    no_unit = np.isin(unit.astype(str), list(MISSING))
    if no_unit.any():
        rows = source.raw.index[no_unit]
        source.find("E008", f"{source.theirs['dept_id']} is empty", rows=rows, column="dept_id", fix="Fill in the unit, or leave the row out.")
    if begin is None or finish is None or no_unit.any():
        return False
    if np.isnat(begin).any():
        rows = source.raw.index[np.isnat(begin)]
        source.find("E008", "a stay without the time of coming", rows=rows, column="in", fix="Fill it in, or leave the row out.")
        return False
    if not _close(source, finish, begin):
        return False
    days = _pieces(begin, finish, census=rule.count == "midnight")
    return _summed(source, unit, days, rule.count)


def _times(source: Source, name: str) -> np.ndarray | None:
    codes, uniques = pd.factorize(texts(source, name))
    values, bad = read_times([str(text) for text in uniques], source.declared.date_format(name))
    if bad:
        source.find(
            "E106",
            f"{str(uniques[bad[0]])[:30]!r}: not a time that can be read for certain",
            rows=source.raw.index[np.isin(codes, bad)],
            column=name,
            fix='Write 2022-01-31 10:05, or declare the format: dates: "%d/%m/%Y %H:%M".',
        )
        return None
    return values[codes]


def _close(source: Source, finish: np.ndarray, begin: np.ndarray) -> bool:
    """Open stays end with the extract date; stays that end before they begin are refused; overlaps are said. Works on ``finish``."""
    rows, extract = source.raw.index, source.reading.study.study.extract
    still = np.isnat(finish)
    if still.any() and extract is None:
        source.find(
            "E008",
            f"{int(still.sum()):,} stays have not ended, and the day of the extract is not known",
            rows=rows[still],
            column="out",
            fix="Add extract to study: {extract: 2025-01-31}, the last day that the file covers.",
        )
        return False
    if still.any():
        last = np.datetime64(str(extract), "s") + _DAY
        finish[still] = last
        source.find("R127", f"stays that have not ended counted up to the end of {extract}", rows=rows[still], column="out")
        reason = "not ended when the file was drawn"
        source.repair("R127", row=int(rows[still][0]), column="out", before="", after=f"end of {extract}", reason=reason, count=int(still.sum()))
    wrong = finish < begin
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        said = f"out {finish[row]} is before in {begin[row]}".replace("T", " ")
        if still[row]:
            said = f"in {begin[row]} is after the extract of {extract}".replace("T", " ")
        source.find("E105", said, rows=rows[wrong], column="out", fix="Correct the times, or study.extract.")
        return False
    if has(source, "encounter"):
        _overlaps(source, begin, finish)
    return True


def _overlaps(source: Source, begin: np.ndarray, finish: np.ndarray) -> None:
    """Equal stays of one encounter are left to the next check; stays that overlap count on both units (W111)."""
    encounter = pd.factorize(texts(source, "encounter"))[0]
    order = np.lexsort((finish, begin, encounter))
    latest = pd.Series(finish[order].astype("int64")).groupby(encounter[order]).cummax().to_numpy()
    again = (encounter[order][1:] == encounter[order][:-1]) & (begin[order][1:].astype("int64") < latest[:-1])
    if again.any():
        rows = np.sort(source.raw.index.to_numpy()[order][1:][again])
        source.find(
            "W111",
            f"{len(rows):,} stays begin before the same encounter has left another unit: counted on both",
            rows=rows,
            column="in",
            fix="See whether transfers are recorded twice.",
        )


def _pieces(begin: np.ndarray, finish: np.ndarray, *, census: bool) -> pd.DataFrame:
    """Days of each stay by month: columns stay (position), month, days.

    Census: a midnight counts for the date that ends with it, for the unit on which the patient was just before it. Midnights m with
    begin < m <= finish, so that a move at midnight counts once, and days without times count as last - first.
    """
    first, last = begin.astype("datetime64[M]"), finish.astype("datetime64[M]")
    length = (last - first).astype("int64") + 1
    stay = np.repeat(np.arange(len(begin)), length)
    offset = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    month = first[stay] + offset
    low = np.maximum(begin[stay], month.astype("datetime64[s]")).astype("int64")
    high = np.minimum(finish[stay], (month + 1).astype("datetime64[s]")).astype("int64")
    days = (high // _SECONDS - low // _SECONDS).astype("float64") if census else (high - low) / _SECONDS
    # a stay that ends as a month begins has no part in it; one without length belongs to its first month
    real = (high > low) | (offset == 0)
    return pd.DataFrame({"stay": stay[real], "month": month[real], "days": days[real]})


def _summed(source: Source, unit: np.ndarray, pieces: pd.DataFrame, count: str) -> bool:
    window = source.reading.study.study
    names, n = unit[pieces["stay"].to_numpy()], len(source.raw)
    month = pieces["month"].to_numpy().astype("datetime64[M]")
    inside = np.ones(len(pieces), dtype=bool)
    if window.start:
        inside &= month >= np.datetime64(str(window.start), "M")
    if window.end:
        inside &= month <= np.datetime64(str(window.end), "M")
    kept = np.unique(pieces["stay"].to_numpy()[inside])
    if len(kept) < n:
        out = np.setdiff1d(np.arange(n), kept)
        rows = source.raw.index[out]
        source.find("R127", "stays outside the window of the study left out", rows=rows, column="in")
        source.repair("R127", row=int(rows[0]), before="stays", after="left out", reason="outside the window of the study", count=len(rows))
        leave_out(source, rows, "stays outside the window of the study")
        if source.raw.empty:
            source.find("E003", "no stay lies in the window of the study", fix="See study.start and study.end.")
            return False
    days = pieces["days"].to_numpy()[inside]
    table = pd.DataFrame({"dept_id": names[inside], "month": month[inside].astype(str), "days": days, "stay": pieces["stay"].to_numpy()[inside]})
    grouped = table.groupby(["dept_id", "month"], sort=True)
    result = grouped.agg(days=("days", "sum"), stay=("stay", "min")).reset_index()
    # stays are positions in the rows as they were before those outside the window went
    origin = np.searchsorted(kept, result["stay"].to_numpy())
    rows_before, at = len(source.raw), source.raw.index.to_numpy()[origin]
    what = "midnights" if count == "midnight" else "hours / 24"
    frame = pd.DataFrame(
        {"dept_id": result["dept_id"], "month": result["month"], "patient_days": [f"{value:.10g}" for value in result["days"]]}, dtype=object
    )
    source.find("R127", f"{rows_before:,} stays summed to {len(frame):,} months of units, by {what}", rows=int(source.raw.index[0]))
    reason = f"patient-days by {what}"
    row = int(source.raw.index[0])
    source.repair("R127", row=row, before=f"{rows_before} stays", after=f"{len(frame)} months", reason=reason, count=rows_before)
    source.step(f"stays summed to patient-days by {what}", rows_before, len(frame))
    replace_rows(source, frame, at)
    return True
