"""A file as text: every cell a stripped string, every row under its number in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.findings import Findings
from mentorship_eval.cohort.reading.places import Places
from mentorship_eval.cohort.reading.repairs import Flow, RepairLog, short_hash
from mentorship_eval.cohort.schema.tables import Table
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.cohort.study.models import TableSource

__all__ = ["MISSING", "Reading", "Source", "Unreadable", "tidy_cells"]

# "none" is a value (no harm), so it is not here; "-" may be a value too
MISSING = frozenset({"", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "<NA>", "#N/A", "."})

_TOTAL = re.compile(r"^(grand\s+|sub-?)?totals?\b|^sum$|^overall$|^summe$", re.IGNORECASE)
_MOJIBAKE = re.compile("[ÂÃâ][\u0080-\u00bf\u0152-\u2122]|\ufffd")


class Unreadable(Exception):
    """The file cannot be read as a table: what is wrong, where, and what to do."""

    def __init__(self, message: str, *, fix: str = "", row: int | None = None, code: str = "E002") -> None:
        super().__init__(message)
        self.fix, self.row, self.code = fix, row, code


@dataclass
class Reading:
    """What is gathered while one cohort is read. ``workbook``: hash and content of the last workbook, as several tables may be its sheets."""

    study: Study
    findings: Findings = field(default_factory=Findings)
    repairs: RepairLog = field(default_factory=RepairLog)
    flow: Flow = field(default_factory=Flow)
    sources: dict[str, Source] = field(default_factory=dict)
    workbook: tuple[str, Any] = ("", None)
    beside: list[tuple[str, str, str, int]] = field(default_factory=list)  # recipes, key files: table, file, sha256, rows


@dataclass
class Source:
    """One table on its way in.

    ``raw``: text as found, index = file rows (where a table is made of several files, the numbers that ``places`` resolves);
    ``frame``: typed, same index; ``theirs``: our column -> name in the file; ``ignored``: columns of the file that nothing
    asked for; ``file``: the file's name, or what study.yaml says where there are several; ``all_different``: columns of ``raw`` in which
    no text stands twice, for which there is nothing to look for among millions of keys; ``items``: of a survey, by instrument and subscale,
    the answers (reverse items turned) by file row and item.
    """

    table: Table
    declared: TableSource
    file: str
    reading: Reading
    raw: pd.DataFrame = field(default_factory=pd.DataFrame)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    theirs: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    places: Places = field(default_factory=Places)
    rows_read: list[int] = field(default_factory=list)
    all_different: set[str] = field(default_factory=set)
    items: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.table.name

    def find(self, code: str, message: str, *, rows: object = (), column: str = "", fix: str = "", count: int | None = None) -> None:
        """Record a finding; ``column`` is ours and is shown under its name in the file, ``rows`` are of ``raw.index``."""
        shown = self.theirs.get(column, column)
        (file, own), *others = self.places.group(rows)
        total = len(np.atleast_1d(np.asarray(rows))) if count is None else count
        elsewhere = tuple((name, int(more[0]), len(more)) for name, more in others)
        self.reading.findings.add(
            code,
            message,
            table=self.name,
            file=file if len(own) and file else self.file,
            rows=own,
            column=shown,
            fix=fix,
            count=max(total, 1),
            elsewhere=elsewhere,
        )

    def repair(
        self, code: str, *, row: int | None, column: str = "", before: object = "", after: object = "", reason: str, count: int = 1
    ) -> None:
        """Record a repair; ``row`` is of ``raw.index``."""
        shown = self.theirs.get(column, column)
        file, place = (self.file, None) if row is None else self.places.locate(row)
        self.reading.repairs.add(
            code, table=self.name, file=file or self.file, row=place, column=shown, before=before, after=after, reason=reason, count=count
        )

    def step(self, reason: str, rows_in: int, kept: int) -> None:
        if rows_in != kept or not reason:
            self.reading.flow.step(self.name, reason, rows_in, kept)


def tidy_cells(source: Source) -> None:
    """Strip blanks, drop empty and trailing total rows, point out text decoded wrongly. Works on ``source.raw``."""
    raw = source.raw
    for name in raw.columns:
        _strip(source, name)
    raw = source.raw
    n = len(raw)
    source.rows_read = [len(at) for at in source.places.spans(raw.index)]
    source.reading.flow.step(source.name, "rows in the file", n, n)
    empty = _empty_rows(raw)
    if empty.any():
        inside = _before_the_end(source, raw.index, empty)
        raw = raw[~empty]
        source.step("empty rows", n, len(raw))
        if inside:
            source.find("R123", "empty rows left out", rows=inside)
            source.repair("R123", row=inside[0], reason="empty row left out", count=len(inside))
    source.raw = raw
    _drop_totals(source)


def _empty_rows(raw: pd.DataFrame) -> np.ndarray:
    """Rows without a text in any column; each column is looked at only where those before it are empty."""
    at = np.arange(len(raw))
    for name in raw.columns:
        at = at[raw[name].to_numpy()[at] == ""]
    empty = np.zeros(len(raw), dtype=bool)
    empty[at] = True
    return empty


def _before_the_end(source: Source, index: pd.Index, empty: np.ndarray) -> list[int]:
    """Empty rows that have a row with cells after them in the same file: those at the foot are not worth a word."""
    inside: list[int] = []
    for at in source.places.spans(index):
        filled = np.flatnonzero(~empty[at])
        if len(filled):
            upto = at[: filled[-1]]
            inside += index[upto[empty[upto]]].tolist()
    return inside


def _strip(source: Source, name: str) -> None:
    codes, values = pd.factorize(source.raw[name].to_numpy(dtype=object))
    stripped = [value.strip() for value in values]
    rows = source.raw.index
    # texts without blanks come back from strip as they are
    moved = [i for i, (old, new) in enumerate(zip(values, stripped, strict=True)) if old is not new]
    changed = [i for i in moved if stripped[i]]
    if changed:
        hit = pd.Series(codes).isin(changed).to_numpy()
        source.find("R123", "blanks around values taken off", rows=rows[hit], column=name)
        for i in changed[:50]:
            own = rows[codes == i]
            source.repair(
                "R123",
                row=int(own[0]),
                column=name,
                before=_safe(source, name, values[i]),
                after=_safe(source, name, stripped[i]),
                reason="blanks around the value taken off",
                count=len(own),
            )
    if moved:
        source.raw[name] = pd.Series(stripped, dtype=object).to_numpy()[codes]
    if len(values) == len(codes) and (not moved or len(set(stripped)) == len(codes)):
        source.all_different.add(name)
    odd = [i for i, value in enumerate(stripped) if not value.isascii() and _MOJIBAKE.search(value)]
    if odd:
        hit = pd.Series(codes).isin(odd).to_numpy()
        source.find(
            "W123",
            f"text that looks decoded wrongly{_such_as(source, name, stripped[odd[0]])}; kept as it is",
            rows=rows[hit],
            column=name,
            fix="Export the file again as UTF-8, or map the value in study.yaml under values.",
        )


def _quoted(source: Source, name: str) -> bool:
    """Whether cells of a column may be quoted in what is published: only of columns that the study uses, and of no id.

    A column that nothing asked for may hold free text or names, and the repair log leaves the building.
    """
    return name in source.theirs.values() and not _is_id(source, name)


def _is_id(source: Source, name: str) -> bool:
    ours = next((key for key, theirs in source.theirs.items() if theirs == name), None)
    return (ours is not None and ours in source.table and source.table[ours].type == "id") or "id" in re.split(r"[\W_]+", name.lower())


def _safe(source: Source, name: str, value: str) -> str:
    """The value for the log, its hash where the column is an id, or that it is a text where the study does not use the column."""
    if _is_id(source, name):
        return short_hash(value)
    return repr(value) if _quoted(source, name) else "a text"


def _such_as(source: Source, name: str, value: str) -> str:
    return f", such as {value[:40]!r}" if _quoted(source, name) else ""


def _drop_totals(source: Source) -> None:
    """Rows such as "Total, 123" at the foot of each file."""
    raw, rows = source.raw, []
    for k, at in enumerate(source.places.spans(raw.index)):
        foot = raw.iloc[at[-5:][::-1]]
        own = [name for name in source.places.columns[k] if name in foot] if k < len(source.places) else []
        foot = foot[own or list(foot)]  # "Total" is the first cell in the order of its own file
        for row, cells in zip(foot.index, foot.to_numpy(), strict=True):
            filled = [cell for cell in cells if cell]
            if not filled or not _TOTAL.match(filled[0]):
                break
            rows.append(int(row))
    if not rows:
        return
    source.raw = raw.drop(index=rows)
    source.step("total rows", len(raw), len(source.raw))
    source.find("R123", "total row at the foot of the file left out", rows=sorted(rows))
    for row in sorted(rows):
        source.repair("R123", row=row, before="total row", after="left out", reason="a sum is not an observation")
