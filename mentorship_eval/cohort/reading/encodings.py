"""The encoding of a text file: as declared, else UTF-8, else what it can only be; every guess is said. Files are read in portions."""

from __future__ import annotations

import codecs
from pathlib import Path

from mentorship_eval.cohort.reading.pieces import KINDS, Piece
from mentorship_eval.cohort.reading.raw import Unreadable

__all__ = ["first_bad_row", "recognise"]

_PORTION = 1 << 20


def recognise(piece: Piece, path: Path) -> str:
    """Name of the encoding in which the whole file can be decoded; raises :class:`Unreadable`."""
    declared = piece.declared.encoding
    if declared:
        return _as_declared(path, declared)
    with path.open("rb") as file:
        start = file.read(100_000)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        if first_bad_row(path, "utf-16") is not None:
            raise Unreadable("the text is in no encoding that we know", fix="Save it as UTF-8.")
        return _guessed(piece, "utf-16", None)
    if b"\x00" in start:
        raise Unreadable("this is not a text file", fix=f"Give {KINDS}.")
    if start[:3] == codecs.BOM_UTF8:
        # a byte order mark changes no value: it is said, and needs no repair line
        piece.find("R123", "byte order mark at the start of the file skipped")
    row = first_bad_row(path, "utf-8-sig")
    if row is None:
        return "utf-8-sig"
    if first_bad_row(path, "cp1252") is None:
        return _guessed(piece, "cp1252", row)
    raise Unreadable("the text is in no encoding that we know", row=row, fix="Save it as UTF-8, or name encoding in study.yaml.")


def _as_declared(path: Path, declared: str) -> str:
    encoding = "utf-8-sig" if declared.lower().replace("-", "").replace("_", "") == "utf8" else declared
    try:
        row = first_bad_row(path, encoding)
    except LookupError:
        raise Unreadable(f"{declared!r} is no encoding", fix="Correct encoding in study.yaml; utf-8, cp1252 and utf-16 are common.") from None
    if row is not None:
        raise Unreadable(f"cannot be decoded as {declared}", row=row, fix="Correct encoding in study.yaml, or leave it out.")
    return encoding


def first_bad_row(path: Path, encoding: str) -> int | None:
    """The first row with a byte that ``encoding`` does not have; None when all can be decoded."""
    decoder = codecs.getincrementaldecoder(encoding)()
    row = 1
    with path.open("rb") as file:
        while True:
            portion = file.read(_PORTION)
            try:
                decoder.decode(portion, final=not portion)
            except UnicodeDecodeError as error:
                return row + error.object[: error.start].count(b"\n")
            except UnicodeError:  # UTF-16 without a byte order mark says so in its own way
                return row
            if not portion:
                return None
            row += portion.count(b"\n")


def _guessed(piece: Piece, encoding: str, row: int | None) -> str:
    piece.find("R123", f"read as {encoding}, not UTF-8", rows=() if row is None else row, fix="Save it as UTF-8 to be sure of accents.")
    piece.repair("R123", row=row, before="bytes that are not UTF-8", after=encoding, reason="encoding recognised")
    return encoding
