"""Files to text tables: CSV (any of the usual encodings and delimiters), XLSX and Parquet.

Nothing is converted here: cells become text, rows keep their number in the file (header = row 1), so
that every later message can say file:row:column.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.reading.raw import Source, Unreadable

__all__ = ["read_source"]

_KINDS = "CSV (.csv, .tsv, .txt), Excel (.xlsx) or Parquet (.parquet)"


def read_source(source: Source, path: Path) -> None:
    """Fill ``source.raw`` and ``source.sha256`` from ``path``; raises :class:`Unreadable`."""
    from mentorship_eval.cohort.reading.readers_binary import read_excel, read_parquet

    if not path.exists():
        near = _similar(path)
        raise Unreadable("the file does not exist", fix=f"Did you mean {near!r}?" if near else f"Put it into {path.parent.name}/.")
    if path.is_dir():
        raise Unreadable("this is a folder, not a file", fix="Name the file itself.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    source.sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        raise Unreadable("the file is empty", fix="Export it again.", code="E003")
    suffix = path.suffix.lower()
    if data[:4] == b"PK\x03\x04" or suffix in (".xlsx", ".xlsm"):
        raw = read_excel(source, data)
    elif data[:4] == b"PAR1" or suffix in (".parquet", ".pq"):
        raw = read_parquet(source, data)
    elif data[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable("an old Excel file (.xls)", fix="Save it as .xlsx or CSV.")
    elif suffix in (".csv", ".tsv", ".txt", ".tab", ".dat", ""):
        raw = _read_csv(source, data)
    else:
        raise Unreadable(f"files of kind {suffix} are not read", fix=f"Give {_KINDS}.")
    source.raw = _name_columns(source, raw)


def _similar(path: Path) -> str:
    try:
        names = [item.name for item in path.parent.iterdir() if item.is_file()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return near[0] if near else ""


def _decode(source: Source, data: bytes) -> str:
    declared = source.declared.encoding
    if declared:
        try:
            return data.decode("utf-8-sig" if declared.lower().replace("-", "") == "utf8" else declared)
        except (LookupError, UnicodeDecodeError) as error:
            raise Unreadable(f"cannot be decoded as {declared}: {error}", fix="Correct encoding in study.yaml.") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _noted(source, data, "utf-16")
    if b"\x00" in data[:100_000]:
        raise Unreadable("this is not a text file", fix=f"Give {_KINDS}.")
    if data[:3] == b"\xef\xbb\xbf":
        # a byte order mark changes no value: it is said, and needs no repair line
        source.find("R123", "byte order mark at the start of the file skipped")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    try:
        return _noted(source, data, "cp1252", row)
    except UnicodeDecodeError:
        raise Unreadable(
            "the text is in no encoding that we know", row=row, fix="Save it as UTF-8, or name encoding in study.yaml."
        ) from None


def _noted(source: Source, data: bytes, encoding: str, row: int | None = None) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise Unreadable("the text is in no encoding that we know", fix="Save it as UTF-8.") from None
        raise
    source.find("R123", f"read as {encoding}, not UTF-8", rows=() if row is None else row, fix="Save it as UTF-8 to be sure of accents.")
    source.repair("R123", row=row, before="bytes that are not UTF-8", after=encoding, reason="encoding recognised")
    return text


def _delimiter(source: Source, text: str) -> str:
    if source.declared.delimiter:
        return {"tab": "\t", "\\t": "\t"}.get(source.declared.delimiter, source.declared.delimiter)
    head, quoted = "", False
    lines = text.splitlines()[source.declared.header_row - 1 : source.declared.header_row]
    for letter in lines[0] if lines else "":
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            head += letter
    best = max(",;\t|", key=head.count)
    return best if head.count(best) else ","


def _read_csv(source: Source, data: bytes) -> pd.DataFrame:
    text = _decode(source, data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(source, text)
    if len(delimiter) != 1:
        raise Unreadable(f"the delimiter {delimiter!r} is not one character", fix="Correct delimiter in study.yaml.")
    if delimiter not in ",\t" and not source.declared.delimiter:
        source.find("R123", f"columns are separated by {delimiter!r}")
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
            skiprows=source.declared.header_row - 1,
            engine="c",
            quotechar='"',
        )
    except pd.errors.EmptyDataError:
        raise Unreadable("the file has no rows", fix="Export it again.", code="E003") from None
    except pd.errors.ParserError as error:
        raise _broken_row(str(error)) from None
    raw.index = raw.index + source.declared.header_row
    raw = raw.fillna("")
    _short_rows(source, text, delimiter, raw)
    return raw


def _short_rows(source: Source, text: str, delimiter: str, raw: pd.DataFrame) -> None:
    """Say which rows have fewer fields than the header: pandas fills them up without a word."""
    if raw.shape[1] < 2 or not (raw.iloc[:, -1] == "").any():
        return
    width, first = raw.shape[1], source.declared.header_row
    fields = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        rows = [number for number, row in enumerate(fields, start=1) if number > first and any(row) and len(row) < width]
    except csv.Error:  # a field beyond csv's limit of length: pandas has read it, and this is only a courtesy
        return
    if rows:
        source.find(
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


def _name_columns(source: Source, raw: pd.DataFrame) -> pd.DataFrame:
    """Take the first row as header; index = file rows."""
    if raw.empty:
        raise Unreadable("the file has no rows", fix="Export it again.", code="E003")
    header = [str(name).strip() for name in raw.iloc[0]]
    body = raw.iloc[1:]
    keep = [i for i, name in enumerate(header) if name or (body.iloc[:, i] != "").any()]
    if not keep:
        raise Unreadable("the header row is empty", row=source.declared.header_row, fix="Set header_row in study.yaml.")
    names = [header[i] or f"(column {i + 1})" for i in keep]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(f"the header names {', '.join(twice)} more than once", row=source.declared.header_row, fix="Rename one of them.")
    body = body.iloc[:, keep].astype(object)
    body.columns = pd.Index(names, dtype=object)
    body.index = pd.Index(body.index.to_numpy(dtype="int64"), name="row")
    return body
