"""CSV and its relatives to text columns, block by block: no more of the file is in memory than the table itself."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import pandas as pd

from mentorship_eval.cohort.reading.blocks import Stack
from mentorship_eval.cohort.reading.encodings import recognise
from mentorship_eval.cohort.reading.findings import ROWS_KEPT
from mentorship_eval.cohort.reading.headers import body_row, header_names
from mentorship_eval.cohort.reading.pieces import Piece
from mentorship_eval.cohort.reading.raw import Unreadable

__all__ = ["likely_delimiter", "named_delimiter", "read_csv"]


def read_csv(piece: Piece, path: Path) -> pd.DataFrame:
    """The table of a text file: every cell as it stands, rows under their number in the file."""
    encoding = recognise(piece, path)
    delimiter = _delimiter(piece, path, encoding)
    limit = csv.field_size_limit(2**31 - 1)  # the default would refuse a long free text
    try:
        with path.open(encoding=encoding) as file:
            header = _header(piece, file, delimiter)
            _widths(piece, file, delimiter, len(header))
        with path.open(encoding=encoding) as file:
            _header_rows(piece, file, delimiter)
            return _body(piece, file, delimiter, header)
    except csv.Error as error:
        raise Unreadable(f"not a table: {error}") from None
    finally:
        csv.field_size_limit(limit)


def named_delimiter(declared: str) -> str:
    """The delimiter as a character: ``tab`` may be written out."""
    return {"tab": "\t", "\\t": "\t"}.get(declared, declared)


def likely_delimiter(line: str) -> str:
    """Of comma, semicolon, tab and bar the one that a header line has most of, outside quotation marks; a comma when it has none."""
    bare = re.sub(r'"[^"]*"?', "", line)
    best = max(",;\t|", key=bare.count)
    return best if bare.count(best) else ","


def _delimiter(piece: Piece, path: Path, encoding: str) -> str:
    declared = piece.declared.delimiter
    if declared:
        delimiter = named_delimiter(declared)
        if len(delimiter) != 1:
            raise Unreadable(f"the delimiter {delimiter!r} is not one character", fix="Correct delimiter in study.yaml.")
        return delimiter
    with path.open(encoding=encoding) as file:
        line = next(islice(file, piece.declared.header_row + piece.declared.header_rows - 2, None), "")
    best = likely_delimiter(line)
    if best not in ",\t":
        piece.find("R123", f"columns are separated by {best!r}")
    return best


def _header_rows(piece: Piece, file: TextIO, delimiter: str) -> list[list[str]]:
    """The rows of the header; afterwards ``file`` stands at the first row of the body."""
    above, declared = piece.declared.header_row - 1, piece.declared
    rows = list(islice(csv.reader(file, delimiter=delimiter), body_row(piece) - 1))
    return rows[above : above + declared.header_rows]


def _header(piece: Piece, file: TextIO, delimiter: str) -> list[str]:
    return header_names(piece, _header_rows(piece, file, delimiter), fill=True)


def _fields(file: Iterator[str], delimiter: str) -> Iterator[tuple[int, str]]:
    """The number of cells of each row, and its text. Only rows with quotation marks are parsed: in others a cell ends at each delimiter."""
    for line in file:
        if '"' in line:
            row = next(csv.reader(chain((line,), file), delimiter=delimiter))
            yield len(row), "".join(row)
        else:
            yield line.count(delimiter) + 1, line


def _widths(piece: Piece, file: TextIO, delimiter: str, width: int) -> None:
    """Stop at a row with more cells than the header; say which have fewer, for pandas fills them up without a word."""
    short: list[int] = []
    n = 0
    for row, (cells, text) in enumerate(_fields(file, delimiter), start=body_row(piece)):
        if cells == width:
            continue
        if cells > width:
            fix = "Put quotes around text that holds the delimiter."
            raise Unreadable(f"row {row} has {cells} fields, the header {width}", row=row, fix=fix)
        if text.strip(f"{delimiter} \n"):
            n += 1
            if len(short) < ROWS_KEPT:
                short.append(row)
    if n:
        fix = "See whether the file was cut."
        piece.find("W123", "rows with fewer fields than the header; the rest taken as empty", rows=short, count=n, fix=fix)


def _body(piece: Piece, file: TextIO, delimiter: str, header: list[str]) -> pd.DataFrame:
    stack, first = Stack(header, piece.pools), body_row(piece)
    try:
        blocks = pd.read_csv(
            file,
            sep=delimiter,
            header=None,
            names=range(len(header)),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[],
            skip_blank_lines=False,
            quotechar='"',
            engine="c",
            chunksize=stack.block,
        )
        with blocks:
            for block in blocks:
                stack.add([block[k].fillna("").to_numpy(dtype=object) for k in range(len(header))])
    except pd.errors.EmptyDataError:
        pass  # a header and no rows
    except pd.errors.ParserError as error:
        raise _broken_row(str(error), first) from None
    return stack.frame(first)


def _broken_row(message: str, first: int) -> Unreadable:
    if "EOF inside string" in message:
        place = re.search(r"row (\d+)", message)
        row = int(place.group(1)) + first if place else None
        return Unreadable("a quotation mark is opened and never closed", row=row, fix="Close the quote.")
    return Unreadable(f"not a table: {message.strip().splitlines()[-1][:200]}")
