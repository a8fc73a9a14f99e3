"""XLSX and Parquet to text tables, with the same text that a CSV export would hold."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.pieces import Piece
from mentorship_eval.cohort.reading.raw import Unreadable
from mentorship_eval.cohort.study.document import did_you_mean

__all__ = ["read_excel", "read_parquet"]


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


def read_excel(piece: Piece, data: bytes) -> pd.DataFrame:
    """One sheet, row 0 = the header; merged cells of the header are reported."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles it does not know
            book = load_workbook(io.BytesIO(data), data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError, EOFError, SyntaxError):
        raise Unreadable("not a readable Excel file", fix="Open it in Excel and save it again as .xlsx without a password.") from None
    sheet = _sheet(piece, book)
    first = piece.declared.header_row
    merged = [item for item in sheet.merged_cells.ranges if item.min_row <= first <= item.max_row]
    if merged:
        where = ", ".join(str(item) for item in merged)
        piece.find(
            "R123",
            f"merged cells in the header ({where}): only the first column of each has the name",
            rows=first,
            fix="If a column is missing below, set header_row to the row that names every column.",
        )
        piece.repair("R123", row=first, before=where, after="name given to the first column", reason="merged header cells")
    rows = [[as_text(value) for value in row] for row in sheet.iter_rows(min_row=first, values_only=True)]
    if not rows or not any(any(row) for row in rows):
        raise Unreadable(f"the sheet {sheet.title!r} is empty", fix="Name another sheet in study.yaml.", code="E003")
    frame = pd.DataFrame(rows, dtype=object)
    frame.index = frame.index + first
    return frame


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


def read_parquet(piece: Piece, data: bytes) -> pd.DataFrame:
    """All columns as text under a header row, as the other readers give it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"not a readable Parquet file: {str(error).splitlines()[0][:160]}", fix="Write it again.") from None
    if not table.num_columns:
        raise Unreadable("the file has no columns", code="E003")
    columns = {}
    for position, field in enumerate(table.schema):
        values = table.column(position)
        if pa.types.is_dictionary(field.type):
            values = values.cast(field.type.value_type)
        if pa.types.is_timestamp(field.type) and field.type.unit != "us":
            values = values.cast(pa.timestamp("us", tz=field.type.tz), safe=False)  # Python dates hold microseconds
        columns[position] = [as_text(value) for value in values.to_pylist()]
    body = pd.DataFrame(columns, dtype=object)
    head = pd.DataFrame([list(table.schema.names)], dtype=object)
    frame = pd.concat([head, body], ignore_index=True)
    frame.index = frame.index + 1
    return frame
