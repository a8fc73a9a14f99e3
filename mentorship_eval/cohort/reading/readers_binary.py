"""XLSX and Parquet to text tables, with the same text that a CSV export would hold."""

from __future__ import annotations

import math
import warnings
import zipfile
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.blocks import Stack
from mentorship_eval.cohort.reading.headers import body_row, header_names
from mentorship_eval.cohort.reading.pieces import Piece
from mentorship_eval.cohort.reading.raw import Unreadable
from mentorship_eval.cohort.study.document import did_you_mean

__all__ = ["read_excel", "read_parquet"]

# what a workbook may unpack to, in bytes; and how many times its own size, from a tenth of a gigabyte on: Excel packs to a tenth or a fiftieth
_LARGEST, _LARGE, _PACKED = 2 << 30, 100 << 20, 150


def as_text(value: Any) -> str:
    """One cell as text: dates in ISO form (without a midnight), whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if pd.isna(value):
            return ""
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float | np.floating):
        value = float(value)
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def read_excel(piece: Piece, path: Path) -> pd.DataFrame:
    """One sheet; merged cells of the header are reported."""
    book = _workbook(piece, path)
    sheet = _sheet(piece, book)
    first = piece.declared.header_row
    header = [[as_text(value) for value in row] for row in _rows(sheet, first, first + piece.declared.header_rows - 1)]
    if sheet.max_row < first or not any(any(cell is not None for cell in row) for row in sheet.iter_rows(min_row=first, values_only=True)):
        raise Unreadable(f"the sheet {sheet.title!r} is empty", fix="Name another sheet in study.yaml.", code="E003")
    _merged(piece, sheet, header)
    stack = Stack(header_names(piece, header, fill=False), piece.pools)
    rows = sheet.iter_rows(min_row=body_row(piece), values_only=True) if sheet.max_row >= body_row(piece) else iter(())
    while block := list(islice(rows, stack.block)):
        stack.add([_texts([as_text(value) for value in column]) for column in zip(*block, strict=True)])
    return stack.frame(body_row(piece))


def _rows(sheet: Any, first: int, last: int) -> list[tuple[Any, ...]]:
    return list(sheet.iter_rows(min_row=first, max_row=last, values_only=True)) if sheet.max_row >= first else []


def _texts(values: list[str]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _merged(piece: Piece, sheet: Any, header: list[list[str]]) -> None:
    """Merged cells of the header: with several header rows the name holds for all their columns, with one only for the first."""
    first, several = piece.declared.header_row, piece.declared.header_rows > 1
    last = first + piece.declared.header_rows - 1
    merged = [item for item in sheet.merged_cells.ranges if item.min_row <= last and item.max_row >= first]
    merged.sort(key=lambda item: (item.min_row, item.min_col))
    if not merged:
        return
    where = ", ".join(str(item) for item in merged)
    what, fix = "only the first column of each has the name", "If a column is missing below, set header_row to the row that names every column."
    if several:
        what, fix = "the name holds for all columns of each", ""
        for item in merged:
            top, left = max(item.min_row, first) - first, item.min_col - 1
            for column in range(left, item.max_col):
                header[top][column] = header[top][left]
    piece.find("R123", f"merged cells in the header ({where}): {what}", rows=first, fix=fix)
    after = "name given to every column" if several else "name given to the first column"
    piece.repair("R123", row=first, before=where, after=after, reason="merged header cells")


def _workbook(piece: Piece, path: Path) -> Any:
    """The workbook, opened once for the tables that follow one another in it."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    reading = piece.source.reading
    if reading.workbook[0] != piece.sha256:
        reading.workbook = ("", None)
        try:
            _refuse_bomb(path)
            with path.open("rb") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # openpyxl warns of styles it does not know
                reading.workbook = (piece.sha256, load_workbook(file, data_only=True))
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError, EOFError, SyntaxError):
            raise Unreadable("not a readable Excel file", fix="Open it in Excel and save it again as .xlsx without a password.") from None
    return reading.workbook[1]


def _refuse_bomb(path: Path) -> None:
    """A file of some kilobytes can unpack to more than any memory holds."""
    with zipfile.ZipFile(path) as packed:
        size = sum(item.file_size for item in packed.infolist())
    if size > _LARGEST or (size > _LARGE and size > _PACKED * path.stat().st_size):
        raise Unreadable(f"the workbook would unpack to {size / 1e9:.1f} GB", fix="Export the sheet as CSV, which is read in blocks.")


def _sheet(piece: Piece, book: Any) -> Any:
    wanted = piece.declared.sheet
    names = [sheet.title for sheet in book.worksheets]
    if not names:
        raise Unreadable("the workbook has no sheet with cells")
    if wanted is None:
        if len(names) > 1:
            piece.find("W123", f"the workbook has {len(names)} sheets; the first, {names[0]!r}, is read", fix="Name sheet in study.yaml.")
        return book.worksheets[0]
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(names):
            raise Unreadable(f"there is no sheet number {wanted}", fix=f"There are {len(names)}, counted from 1.")
        return book.worksheets[wanted - 1]
    if wanted not in names:
        raise Unreadable(f"there is no sheet {wanted!r}", fix=did_you_mean(wanted, names))
    return book[wanted]


def read_parquet(piece: Piece, path: Path) -> pd.DataFrame:
    """All columns as text, block by block; rows are numbered as in a CSV file with a header."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            if not names:
                raise Unreadable("the file has no columns", code="E003")
            stack = Stack(header_names(piece, [names], fill=False), piece.pools)
            for batch in file.iter_batches(batch_size=stack.block):
                stack.add([_arrow_texts(batch.column(k)) for k in range(len(names))])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"not a readable Parquet file: {str(error).splitlines()[0][:160]}", fix="Write it again.") from None
    return stack.frame(2)


def _arrow_texts(values: Any) -> np.ndarray:
    """A column of Arrow as text; each different value is turned once."""
    import pyarrow as pa

    if pa.types.is_timestamp(values.type) and values.type.unit != "us":
        values = values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)  # Python dates hold microseconds
    if not pa.types.is_dictionary(values.type):
        try:
            values = values.dictionary_encode()
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
            return _texts([as_text(value) for value in values.to_pylist()])
    codes = values.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return _texts([*(as_text(value) for value in values.dictionary.to_pylist()), ""])[codes]
