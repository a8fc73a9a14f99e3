"""Rows of a CSV or XLSX file one after the other, as text, however large the file."""

from __future__ import annotations

import codecs
import csv
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mentorship_eval.cohort.reading.encodings import first_bad_row
from mentorship_eval.cohort.reading.readers_binary import as_text
from mentorship_eval.cohort.reading.readers_text import likely_delimiter, named_delimiter
from mentorship_eval.cohort.study.document import did_you_mean
from mentorship_eval.errors import DataError, UsageError

__all__ = ["encoding_of", "open_rows"]

Rows = Iterator[tuple[int, list[str]]]


def encoding_of(path: Path) -> str:
    """utf-8-sig, utf-16 or cp1252: the first that the whole file can be read in. Reads the file once, in portions."""
    with path.open("rb") as stream:
        start = stream.read(1 << 20)
    marked, binary = start[:2] in (b"\xff\xfe", b"\xfe\xff"), b"\x00" in start
    del start  # not held while the file is gone through
    if marked:
        return "utf-16"
    if binary:
        raise DataError(f"{path.name} is not a text file.", fix="Give CSV (.csv, .tsv, .txt) or Excel (.xlsx).")
    return "utf-8-sig" if first_bad_row(path, "utf-8-sig") is None else "cp1252"


def _delimiter(path: Path, encoding: str, header_row: int) -> str:
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        return likely_delimiter(next((text for number, text in enumerate(stream, start=1) if number == header_row), ""))


@contextmanager
def open_rows(path: Path, *, encoding: str | None, delimiter: str | None, sheet: str | None, header_row: int) -> Iterator[Rows]:
    """Row numbers of the file (from 1) with their cells, from the header on.

    Raises
    ------
    UsageError : no such file, or an option does not fit it. DataError : the file cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}.", fix="Name the file itself.")
    suffix = path.suffix.lower()
    if suffix in (".xlsx", ".xlsm"):
        with _sheet(path, sheet) as cells:
            yield _cells(cells, header_row)
    elif suffix in (".csv", ".tsv", ".txt", ".tab", ".dat", ""):
        known = encoding or encoding_of(path)
        try:
            codecs.lookup(known)
        except LookupError:
            raise UsageError(f"There is no encoding {known!r}.", fix="Such as utf-8 or cp1252.") from None
        mark = named_delimiter(delimiter or "") or _delimiter(path, known, header_row)
        if len(mark) != 1:
            raise UsageError(f"The delimiter {mark!r} is not one character.", fix="Such as ; or tab.")
        with path.open(encoding=known, newline="") as stream:
            yield _lines(stream, mark, header_row, path.name)
    else:
        raise UsageError(f"Files of kind {suffix} are not read.", fix="Give CSV (.csv, .tsv, .txt) or Excel (.xlsx).")


def _lines(stream: Any, delimiter: str, header_row: int, name: str) -> Rows:
    reader, number = csv.reader(stream, delimiter=delimiter, strict=True), 0
    try:
        for number, row in enumerate(reader, start=1):
            if number >= header_row:
                yield number, row
    except csv.Error as error:
        raise DataError(f"{name}: row {number + 1} is not a row of a table: {error}.", fix="See whether a quotation mark is never closed.") from None
    except UnicodeDecodeError:
        raise DataError(f"{name} cannot be decoded after row {number}.", fix="Name its encoding: --encoding cp1252.") from None


@contextmanager
def _sheet(path: Path, wanted: str | None) -> Iterator[Any]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles it does not know
            book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError, EOFError, SyntaxError):
        raise DataError(f"{path.name} is not a readable Excel file.", fix="Save it again as .xlsx without a password.") from None
    try:
        names = [sheet.title for sheet in book.worksheets]
        if wanted is None and len(names) != 1:
            raise UsageError(f"{path.name} has the sheets {', '.join(names)}.", fix="Name the one to read: --sheet.")
        if wanted is not None and wanted not in names:
            raise UsageError(f"{path.name} has no sheet {wanted!r}.", fix=did_you_mean(wanted, names))
        sheet = book[wanted or names[0]]
        sheet.reset_dimensions()  # some programs write a size that is too small
        yield sheet
    finally:
        book.close()


def _cells(sheet: Any, header_row: int) -> Rows:
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number >= header_row:
            cells = [as_text(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()  # cells that were only formatted
            yield number, cells
