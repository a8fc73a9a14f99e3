"""Files to text tables: CSV (any of the usual encodings and delimiters), XLSX and Parquet; databases beside them.

Nothing is converted here: cells become text, rows keep their number in the file (header = row 1), so
that every later message can say file:row:column.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.blocks import Pools
from mentorship_eval.cohort.reading.columns import plain_name
from mentorship_eval.cohort.reading.headers import body_row
from mentorship_eval.cohort.reading.pieces import KINDS, TEXT_FILES, Piece, find_files, missing_file, names_of
from mentorship_eval.cohort.reading.raw import Source, Unreadable

__all__ = ["read_source"]


def read_source(source: Source, folder: Path) -> None:
    """Fill ``source.raw`` and ``source.places`` from the files of the table, one below the other.

    Raises :class:`Unreadable` when what study.yaml names is not there; what is wrong in a file is a finding, so that the
    files after it are read too, and ``source.raw`` is then left without columns.
    """
    if source.declared.is_database:
        from mentorship_eval.cohort.reading.readers_sql import read_database

        read_database(source, folder)
        return
    files = find_files(source, folder)
    pools = Pools()
    frames: list[pd.DataFrame] = []
    for path, name in zip(files, names_of(files, folder), strict=True):
        piece = Piece(source, name, pools=pools)
        try:
            frame = _read_file(piece, path)
        except Unreadable as problem:
            piece.find(problem.code, str(problem), rows=() if problem.row is None else problem.row, fix=problem.fix)
            continue
        if frame.empty and len(files) > 1:
            piece.find("W123", "the file has a header and no rows", rows=source.declared.header_row, fix="See whether the export is whole.")
        last = int(frame.index[-1]) if len(frame) else body_row(piece) - 1
        frame = _same_spelling(frame, frames[0]) if frames else frame
        frame.index = frame.index + source.places.add(name, piece.sha256, tuple(frame.columns), last)
        frames.append(frame)
    if len(frames) == len(files):
        source.raw = _one_below_the_other(frames)


def _same_spelling(frame: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    """Columns that differ from those of the first file only in capitals, blanks and hyphens get its spelling."""
    known = {plain_name(name): name for name in first.columns}
    new = {name: known.get(plain_name(name), name) for name in frame.columns if name not in first.columns}
    return frame.rename(columns={old: name for old, name in new.items() if name not in frame.columns})


def _one_below_the_other(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Column by column, so that no more than one column is ever there twice."""
    if len(frames) == 1:
        return frames[0]
    names = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    index = pd.Index(np.concatenate([frame.index.to_numpy() for frame in frames]), name="row")
    columns = {}
    for name in names:
        parts = [frame.pop(name).to_numpy() if name in frame else np.full(len(frame), "", dtype=object) for frame in frames]
        columns[name] = np.concatenate(parts)
    return pd.DataFrame(columns, index=index, columns=pd.Index(names, dtype=object), copy=False)


def _read_file(piece: Piece, path: Path) -> pd.DataFrame:
    from mentorship_eval.cohort.reading.readers_binary import read_excel, read_parquet
    from mentorship_eval.cohort.reading.readers_text import read_csv

    if not path.exists():
        raise missing_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            piece.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    if not start:
        raise Unreadable("the file is empty", fix="Export it again.", code="E003")
    suffix = path.suffix.lower()
    if start == b"PK\x03\x04" or suffix in (".xlsx", ".xlsm"):
        return read_excel(piece, path)
    if start == b"PAR1" or suffix in (".parquet", ".pq"):
        return read_parquet(piece, path)
    if start == b"\xd0\xcf\x11\xe0":
        raise Unreadable("an old Excel file (.xls)", fix="Save it as .xlsx or CSV.")
    if suffix in (*TEXT_FILES, ""):
        return read_csv(piece, path)
    raise Unreadable(f"files of kind {suffix} are not read", fix=f"Give {KINDS}.")
