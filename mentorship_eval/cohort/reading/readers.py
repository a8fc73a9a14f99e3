"""Files to text tables: CSV (any of the usual encodings and delimiters), XLSX and Parquet.

Nothing is converted here: cells become text, rows keep their number in the file (header = row 1), so
that every later message can say file:row:column.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.reading.columns import plain_name
from mentorship_eval.cohort.reading.pieces import KINDS, TEXT_FILES, Piece, find_files, missing_file, names_of
from mentorship_eval.cohort.reading.raw import Source, Unreadable

__all__ = ["read_source"]

def read_source(source: Source, folder: Path) -> None:
    """Fill ``source.raw`` and ``source.places`` from the files of the table, one below the other.

    Raises :class:`Unreadable` when what study.yaml names is not there; what is wrong in a file is a finding, so that the
    files after it are read too, and ``source.raw`` is then left without columns.
    """
    files = find_files(source, folder)
    frames: list[pd.DataFrame] = []
    for path, name in zip(files, names_of(files), strict=True):
        piece = Piece(source, name)
        try:
            frame = _read_file(piece, path)
        except Unreadable as problem:
            piece.find(problem.code, str(problem), rows=() if problem.row is None else problem.row, fix=problem.fix)
            continue
        if frame.empty and len(files) > 1:
            piece.find("W123", "the file has a header and no rows", rows=source.declared.header_row, fix="See whether the export is whole.")
        last = int(frame.index[-1]) if len(frame) else source.declared.header_row
        frame = _same_spelling(frame, frames[0]) if frames else frame
        frame.index = frame.index + source.places.add(name, piece.sha256, tuple(frame.columns), last)
        frames.append(frame)
    if len(frames) == len(files):
        source.raw = frames[0] if len(frames) == 1 else pd.concat(frames).fillna("")


def _same_spelling(frame: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    """Columns that differ from those of the first file only in capitals, blanks and hyphens get its spelling."""
    known = {plain_name(name): name for name in first.columns}
    new = {name: known.get(plain_name(name), name) for name in frame.columns if name not in first.columns}
    return frame.rename(columns={old: name for old, name in new.items() if name not in frame.columns})


def _read_file(piece: Piece, path: Path) -> pd.DataFrame:
    from mentorship_eval.cohort.reading.readers_binary import read_excel, read_parquet

    if not path.exists():
        raise missing_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    piece.sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        raise Unreadable("the file is empty", fix="Export it again.", code="E003")
    suffix = path.suffix.lower()
    if data[:4] == b"PK\x03\x04" or suffix in (".xlsx", ".xlsm"):
        raw = read_excel(piece, data)
    elif data[:4] == b"PAR1" or suffix in (".parquet", ".pq"):
        raw = read_parquet(piece, data)
    elif data[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable("an old Excel file (.xls)", fix="Save it as .xlsx or CSV.")
    elif suffix in (*TEXT_FILES, ""):
        raw = _read_csv(piece, data)
    else:
        raise Unreadable(f"files of kind {suffix} are not read", fix=f"Give {KINDS}.")
    return _name_columns(piece, raw)


def _decode(piece: Piece, data: bytes) -> str:
    declared = piece.declared.encoding
    if declared:
        try:
            return data.decode("utf-8-sig" if declared.lower().replace("-", "") == "utf8" else declared)
        except (LookupError, UnicodeDecodeError) as error:
            raise Unreadable(f"cannot be decoded as {declared}: {error}", fix="Correct encoding in study.yaml.") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _noted(piece, data, "utf-16")
    if b"\x00" in data[:100_000]:
        raise Unreadable("this is not a text file", fix=f"Give {KINDS}.")
    if data[:3] == b"\xef\xbb\xbf":
        # a byte order mark changes no value: it is said, and needs no repair line
        piece.find("R123", "byte order mark at the start of the file skipped")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    try:
        return _noted(piece, data, "cp1252", row)
    except UnicodeDecodeError:
        raise Unreadable(
            "the text is in no encoding that we know", row=row, fix="Save it as UTF-8, or name encoding in study.yaml."
        ) from None


def _noted(piece: Piece, data: bytes, encoding: str, row: int | None = None) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise Unreadable("the text is in no encoding that we know", fix="Save it as UTF-8.") from None
        raise
    piece.find("R123", f"read as {encoding}, not UTF-8", rows=() if row is None else row, fix="Save it as UTF-8 to be sure of accents.")
    piece.repair("R123", row=row, before="bytes that are not UTF-8", after=encoding, reason="encoding recognised")
    return text


def _delimiter(piece: Piece, text: str) -> str:
    if piece.declared.delimiter:
        return {"tab": "\t", "\\t": "\t"}.get(piece.declared.delimiter, piece.declared.delimiter)
    head, quoted = "", False
    lines = text.splitlines()[piece.declared.header_row - 1 : piece.declared.header_row]
    for letter in lines[0] if lines else "":
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            head += letter
    best = max(",;\t|", key=head.count)
    return best if head.count(best) else ","


def _read_csv(piece: Piece, data: bytes) -> pd.DataFrame:
    text = _decode(piece, data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(piece, text)
    if len(delimiter) != 1:
        raise Unreadable(f"the delimiter {delimiter!r} is not one character", fix="Correct delimiter in study.yaml.")
    if delimiter not in ",\t" and not piece.declared.delimiter:
        piece.find("R123", f"columns are separated by {delimiter!r}")
    # header=None: pandas then fixes the width by the first row, so that a longer row is an error, not an index
    try:
        raw = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=None,
            dtype=str,
            keep_default_na=False,
            na_filter=True,
            na_values=[],
            skip_blank_lines=False,
            skiprows=piece.declared.header_row - 1,
            engine="c",
            quotechar='"',
        )
    except pd.errors.EmptyDataError:
        raise Unreadable("the file has no rows", fix="Export it again.", code="E003") from None
    except pd.errors.ParserError as error:
        raise _broken_row(str(error)) from None
    raw.index = raw.index + piece.declared.header_row
    raw = raw.fillna("")
    _short_rows(piece, text, delimiter, raw)
    return raw


def _short_rows(piece: Piece, text: str, delimiter: str, raw: pd.DataFrame) -> None:
    """Say which rows have fewer fields than the header: pandas fills them up without a word."""
    if raw.shape[1] < 2 or not (raw.iloc[:, -1] == "").any():
        return
    width, first = raw.shape[1], piece.declared.header_row
    fields = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        rows = [number for number, row in enumerate(fields, start=1) if number > first and any(row) and len(row) < width]
    except csv.Error:  # a field beyond csv's limit of length: pandas has read it, and this is only a courtesy
        return
    if rows:
        piece.find(
            "W123", "rows with fewer fields than the header; the rest taken as empty", rows=rows, fix="See whether the file was cut."
        )


def _broken_row(message: str) -> Unreadable:
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if found:
        expected, line, saw = map(int, found.groups())
        return Unreadable(
            f"row {line} has {saw} fields, the header {expected}", row=line, fix="Put quotes around text that holds the delimiter."
        )
    if "EOF inside string" in message:
        place = re.search(r"row (\d+)", message)
        row = int(place.group(1)) + 1 if place else None
        return Unreadable("a quotation mark is opened and never closed", row=row, fix="Close the quote.")
    return Unreadable(f"not a table: {message.strip().splitlines()[-1][:200]}")


def _name_columns(piece: Piece, raw: pd.DataFrame) -> pd.DataFrame:
    """Take the first row as header; index = file rows."""
    if raw.empty:
        raise Unreadable("the file has no rows", fix="Export it again.", code="E003")
    header = [str(name).strip() for name in raw.iloc[0]]
    body = raw.iloc[1:]
    keep = [i for i, name in enumerate(header) if name or (body.iloc[:, i] != "").any()]
    if not keep:
        raise Unreadable("the header row is empty", row=piece.declared.header_row, fix="Set header_row in study.yaml.")
    names = [header[i] or f"(column {i + 1})" for i in keep]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(f"the header names {', '.join(twice)} more than once", row=piece.declared.header_row, fix="Rename one of them.")
    body = body.iloc[:, keep].astype(object)
    body.columns = pd.Index(names, dtype=object)
    body.index = pd.Index(body.index.to_numpy(dtype="int64"), name="row")
    return body
