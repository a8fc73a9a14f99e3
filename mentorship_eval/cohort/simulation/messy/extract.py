"""One file of text cells, as an export writes it: rows can be put in between, and each knows its number in the file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Extract", "day_text", "texts"]


def day_text(days: pd.Series, pattern: str = "%d/%m/%Y") -> list[str]:
    """Dates as text, blank where missing."""
    return ["" if pd.isna(day) else text for day, text in zip(days, pd.to_datetime(days).dt.strftime(pattern), strict=True)]


class Extract:
    """file: its place below the cohort folder. above: lines before the header; below: lines between the header and the rows.

    rows have labels that stay the same whatever is put in between; a row may be shorter than the header.
    """

    def __init__(self, place: str, columns: dict[str, list[str]], *, above: list[list[str]] | None = None,
                 below: list[list[str]] | None = None) -> None:
        self.place, self.header = place, list(columns)
        self.above, self.below = above or [], below or []
        table = [list(cells) for cells in zip(*columns.values(), strict=True)]
        self.rows: dict[int, list[str]] = dict(enumerate(table))
        self.order: list[int] = list(self.rows)
        self.encoding, self.mark = "utf-8", False
        self.sheet, self.merged, self.more_sheets = "Export", "", False

    @property
    def file(self) -> str:
        """Name of the file without its folder, as messages give it."""
        return Path(self.place).name

    def cell(self, label: int, column: str) -> str:
        return self.rows[label][self.header.index(column)]

    def put(self, label: int, column: str, text: str) -> None:
        self.rows[label][self.header.index(column)] = text

    def where(self, column: str, value: str) -> list[int]:
        """Labels of the rows that hold ``value``, in the order of the file."""
        at = self.header.index(column)
        return [label for label in self.order if len(self.rows[label]) > at and self.rows[label][at] == value]

    def insert(self, cells: list[str] | dict[str, str], after: int | None = None) -> int:
        """A new row behind the row ``after``, or at the foot of the file; returns its label."""
        label = len(self.rows)
        self.rows[label] = [cells.get(name, "") for name in self.header] if isinstance(cells, dict) else cells
        self.order.insert(len(self.order) if after is None else self.order.index(after) + 1, label)
        return label

    def copy_of(self, label: int, after: int | None = None, **changes: str) -> int:
        """A copy of a row behind it, some cells changed."""
        cells = dict(zip(self.header, self.rows[label], strict=True)) | changes
        return self.insert(cells, label if after is None else after)

    def add_column(self, name: str, cells: list[str]) -> None:
        self.header.append(name)
        for label, text in zip(self.order, cells, strict=True):
            self.rows[label].append(text)

    def drop_column(self, name: str) -> None:
        at = self.header.index(name)
        self.header.pop(at)
        for cells in self.rows.values():
            cells[at : at + 1] = []

    def row_numbers(self) -> dict[int, int]:
        """Label -> the row's number in the file, counted from 1 as a spreadsheet does."""
        first = len(self.above) + len(self.below) + 2
        return {label: first + position for position, label in enumerate(self.order)}

    def _lines(self) -> list[list[str]]:
        return [*self.above, self.header, *self.below, *(self.rows[label] for label in self.order)]

    def write(self, folder: Path) -> None:
        path = folder / self.place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xlsx":
            path.write_bytes(self._workbook())
            return
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(self._lines())
        path.write_bytes((b"\xef\xbb\xbf" if self.mark else b"") + stream.getvalue().encode(self.encoding))

    def _workbook(self) -> bytes:
        """The same bytes each time: the clock is taken out of the properties and of the archive."""
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        sheet.title = self.sheet
        for line in self._lines():
            sheet.append([cell or None for cell in line])
        if self.merged:
            sheet.merge_cells(self.merged)
        if self.more_sheets:
            book.create_sheet("Codes").append(["Severity", "Meaning"])
        stream = io.BytesIO()
        book.save(stream)
        fixed = io.BytesIO()
        with zipfile.ZipFile(stream) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                data = source.read(name)
                if name == "docProps/core.xml":
                    data = re.sub(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", b"2000-01-01T00:00:00Z", data)
                target.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), data)
        return fixed.getvalue()


def texts(values: pd.Series | np.ndarray) -> list[str]:
    """Cells as text, blank where missing."""
    return ["" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value) for value in values]
