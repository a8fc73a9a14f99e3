"""The names of the columns: one header row or several, merged cells or not."""

from __future__ import annotations

from collections.abc import Sequence

from mentorship_eval.cohort.checks.identifying import is_identifier
from mentorship_eval.cohort.reading.pieces import Piece
from mentorship_eval.cohort.reading.raw import Unreadable

__all__ = ["body_row", "header_names"]


def body_row(piece: Piece) -> int:
    """The row below the header and what is skipped after it."""
    declared = piece.declared
    return declared.header_row + declared.header_rows + declared.skip_rows_after_header


def header_names(piece: Piece, rows: Sequence[Sequence[str]], *, fill: bool) -> list[str]:
    """One name per column from the ``header_rows`` rows of the header; "" where there is none.

    Several rows are joined from top to bottom. ``fill``: a blank cell of an upper row belongs to the name at its left, as in the
    export of merged cells, when the row below has a name (logged as R123).

    Raises
    ------
    Unreadable : no name at all, one name twice, or a row of data in the place of names (names are quoted, so that it must not be taken for one).
    """
    declared = piece.declared
    if not rows:
        raise Unreadable("the file has no rows", fix="Export it again.", code="E003")
    width = max(len(row) for row in rows)
    cells = [[str(cell).strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    if fill:
        _fill(piece, cells)
    names = [declared.header_join.join(dict.fromkeys(filter(None, column))) for column in zip(*cells, strict=True)]
    if not any(names):
        raise Unreadable("the header row is empty", row=declared.header_row, fix="Set header_row in study.yaml.")
    if any(is_identifier(cell) for row in cells for cell in row):
        fix = "Put a row of names above it, or set header_row in study.yaml; and take direct identifiers out of the file."
        raise Unreadable("the header row is a row of data: it holds direct identifiers", row=declared.header_row, fix=fix, code="E121")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        fix = "Rename one of them."
        if declared.header_rows == 1:
            fix += " If the names stand in two rows, set header_rows: 2 in study.yaml."
        raise Unreadable(f"the header names {', '.join(twice)} more than once", row=declared.header_row, fix=fix)
    return names


def _fill(piece: Piece, cells: list[list[str]]) -> None:
    for depth, row in enumerate(cells[:-1]):
        filled = 0
        for column in range(1, len(row)):
            if not row[column] and row[column - 1] and cells[depth + 1][column]:
                row[column] = row[column - 1]
                filled += 1
        if filled:
            at = piece.declared.header_row + depth
            piece.find("R123", f"{filled} blank cells in an upper row of the header taken as the name at their left", rows=at, count=1)
            piece.repair("R123", row=at, before="", after="the name at the left", reason="merged header cells", count=filled)
