"""The tables as one Excel workbook to fill in: a sheet per table, drop-downs for categories, and a sheet of notes."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.schema.types import Column

__all__ = ["write_workbook"]

NOTES, LISTS = "notes", "allowed values"
_LAST_ROW = 1_048_576
_FORMATS = {"id": "@", "text": "@", "date": "yyyy-mm-dd", "month": "@"}  # text: Excel would take the zeros off 007 and make a day of 2022-01
_TYPES = {
    "id": "pseudonym (text)", "date": "date", "month": "month such as 2022-01", "period": "number or month", "int": "whole number",
    "float": "number", "bool": "yes or no", "category": "one of the values", "level": "0, 1 or a category", "text": "text",
}  # fmt: skip
_TIMES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def write_workbook(path: Path, tables: list[str]) -> Path:
    """Write a workbook with an empty sheet for each of ``tables``; the same tables give the same bytes.

    Columns of ids and months are formatted as text, dates as dates. A cell of a category refuses other values than those of the schema.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    lists: list[tuple[str, ...]] = []
    for name in tables:
        _sheet(book.create_sheet(name), TABLES[name].columns, lists)
    _notes(book.create_sheet(NOTES), tables)
    _allowed(book.create_sheet(LISTS), lists)
    data = io.BytesIO()
    book.save(data)
    path.write_bytes(_without_times(data.getvalue()))
    return path


def _bold(sheet: Any, widths: list[int]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def _sheet(sheet: Any, columns: tuple[Column, ...], lists: list[tuple[str, ...]]) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    sheet.append([column.name for column in columns])
    _bold(sheet, [max(len(column.name) + 3, 12) for column in columns])
    for number, column in enumerate(columns, start=1):
        letter = get_column_letter(number)
        if column.type in _FORMATS:
            sheet.column_dimensions[letter].number_format = _FORMATS[column.type]
        if column.categories:
            if column.categories not in lists:
                lists.append(column.categories)
            at = get_column_letter(lists.index(column.categories) + 1)
            choice = DataValidation(
                type="list", formula1=f"'{LISTS}'!${at}$1:${at}${len(column.categories)}", allow_blank=True, showErrorMessage=True,
                errorTitle=column.name, error=f"Choose one of the values that the sheet {NOTES} names.",
            )  # fmt: skip
            choice.add(f"{letter}2:{letter}{_LAST_ROW}")
            sheet.add_data_validation(choice)


def _notes(sheet: Any, tables: list[str]) -> None:
    from openpyxl.styles import Alignment

    sheet.append(["table", "column", "type", "required", "unit", "allowed values", "meaning"])
    for name in tables:
        for column in TABLES[name].columns:
            required = "yes" if column.required else ""
            sheet.append([name, column.name, _TYPES[column.type], required, column.unit, _allowed_text(column), column.description])
    _bold(sheet, [16, 20, 24, 10, 16, 44, 80])
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _allowed_text(column: Column) -> str:
    if column.categories:
        return ", ".join(column.categories)
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"{low:g} or more" if low is not None else ""


def _allowed(sheet: Any, lists: list[tuple[str, ...]]) -> None:
    """The values behind the drop-downs; hidden, since the notes say them too."""
    for number, values in enumerate(lists, start=1):
        for row, value in enumerate(values, start=1):
            sheet.cell(row=row, column=number, value=value)
    sheet.sheet_state = "hidden"


def _without_times(data: bytes) -> bytes:
    """The workbook without the moment at which it was written, which openpyxl puts into its properties and each part of the archive."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for item in old.infolist():
            part = old.read(item)
            if item.filename == "docProps/core.xml":
                part = _TIMES.sub(rb"\g<1>2020-01-01T00:00:00Z", part)
            info = zipfile.ZipInfo(item.filename, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(info, part)
    return result.getvalue()
