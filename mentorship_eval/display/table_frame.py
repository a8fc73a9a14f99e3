"""From a protected frame to a `TableModel`: which columns are shown, how cells are written, what stands under what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mentorship_eval.display.frames import is_blank
from mentorship_eval.display.table_cells import KINDS, Format, column_kind, filled, format_cell, names_in
from mentorship_eval.display.table_model import Cell, TableColumn, TableModel, TableRow
from mentorship_eval.errors import UsageError, listing

__all__ = ["Layout", "table_model"]

_STUB = "_stub"  # the column of row headers that a stub makes


@dataclass(frozen=True)
class Layout:
    """How a frame is laid out, beyond the formats of its columns.

    columns: those that are shown, in order (the frame's own, and joined ones); all by default.
    joined: name of a column to its pattern (`table_cells.filled`), or to a pattern for each value of the column ``joined_by``.
    spanners: header to the columns that stand under it, neighbours.
    stub: two columns that become the row headers: the first a heading, the second the rows under it. A row whose second is empty is the
        heading itself; a heading without rows under it is a row. suffix: column whose text follows a heading ("n (%)").
    sparse: columns that are empty, and no dash, where they have no value: what a heading tells of all rows under it.
    footnotes: column, or text of the first cell of a row, to what its mark says.
    """

    columns: Sequence[str] = ()
    joined: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    joined_by: str = ""
    spanners: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stub: Sequence[str] = ()
    suffix: str = ""
    sparse: Sequence[str] = ()
    footnotes: Mapping[str, str] = field(default_factory=dict)


def table_model(
    frame: pd.DataFrame, caption: str, *, formats: Mapping[str, Format], labels: Mapping[str, str], layout: Layout, note: str = "",
    empty: str = "No rows.", name: str = "table",
) -> TableModel:  # fmt: skip
    """``frame`` as a table of text. Raises `UsageError` for columns and formats that are not there."""
    _check(frame, formats, labels, layout)
    kinds = {column: formats.get(column) or column_kind(frame[column], str(column)) for column in frame.columns}
    for column, kind in kinds.items():
        if not callable(kind) and kind not in KINDS:
            raise UsageError(f"html_table: column {column} has the unknown format {kind!r}.", fix=f"Use {listing(KINDS, 20)}, or a function.")
    shown = list(layout.columns) or [column for column in frame.columns if column not in (*layout.stub, layout.suffix)]
    if layout.stub:
        shown = [_STUB, *(column for column in shown if column not in layout.stub)]
    marks = dict(zip(layout.footnotes, "abcdefghijklmnopqrstuvwxyz", strict=False))
    spanner = {column: header for header, columns in layout.spanners.items() for column in columns}
    columns = tuple(
        TableColumn(
            labels.get(layout.stub[0], "") if column == _STUB else str(labels.get(column, column)), spanner.get(column, ""),
            "left" if column == _STUB or kinds.get(column) == "text" else "right", marks.get(column, ""),
        )
        for column in shown
    )  # fmt: skip
    rows = tuple(_rows(frame, shown, kinds, layout, marks))
    notes = tuple((marks[place], text) for place, text in layout.footnotes.items())
    return TableModel(caption, columns, rows, note, notes, empty, name)


def _check(frame: pd.DataFrame, formats: Mapping[str, Format], labels: Mapping[str, str], layout: Layout) -> None:
    patterns = [p for given in layout.joined.values() for p in ([given] if isinstance(given, str) else given.values())]
    mine = [*formats, *labels, *(name for pattern in patterns for name in names_in(pattern)), *layout.stub, layout.suffix, layout.joined_by,
            *layout.columns, *layout.sparse, *(column for columns in layout.spanners.values() for column in columns)]  # fmt: skip
    unknown = [column for column in dict.fromkeys(mine) if column and column not in frame.columns and column not in layout.joined]
    if unknown:
        raise UsageError(f"html_table: no column {listing(unknown)}.", fix=f"The frame has: {listing(frame.columns, 12)}.")
    if len(layout.stub) not in (0, 2):
        raise UsageError("html_table: a stub is made of two columns.", fix="Name the column of headings and that of the rows under them.")


def _rows(frame: pd.DataFrame, shown: Sequence[str], kinds: Mapping[Any, Format], layout: Layout, marks: Mapping[str, str]) -> Iterator[TableRow]:
    heading, records = None, frame.to_dict("records")
    for place, row in enumerate(records):
        indent, label = 0, ""
        kind = "row"
        if layout.stub:
            first, second = (str(row[name]) for name in layout.stub)
            opens = not second.strip() or is_blank(row[layout.stub[1]])
            if first != heading and not opens:
                yield TableRow((_marked(_capital(first), marks, first), *(Cell("") for _ in shown[1:])), "heading")
            heading, indent, label = first, 0 if opens else 1, _capital(first if opens else second)
            if opens:
                label += f", {row[layout.suffix]}" if layout.suffix and not is_blank(row[layout.suffix]) else ""
                after = records[place + 1] if place + 1 < len(records) else {}
                kind = "heading" if after and str(after[layout.stub[0]]) == first and not is_blank(after[layout.stub[1]]) else "row"
        cells = [
            _marked(label, marks, first if layout.stub and not indent else "") if column == _STUB else
            Cell(text := _text(layout, column, row, kinds), marks.get(text, "") if place_of == 0 else "")
            for place_of, column in enumerate(shown)
        ]  # fmt: skip
        if kind == "heading":
            # a heading that holds nothing of its own is not a row of dashes
            cells[1:] = [Cell("") if cell.text == "–" else cell for cell in cells[1:]]
        yield TableRow(tuple(cells), kind, indent)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _marked(text: str, marks: Mapping[str, str], also: str = "") -> Cell:
    return Cell(text, marks.get(text, marks.get(also, "") if also else ""))


def _text(layout: Layout, column: str, row: Mapping[str, Any], kinds: Mapping[Any, Format]) -> str:
    text = _joined(layout, column, row) if column in layout.joined else format_cell(row[column], kinds[column])
    return "" if text == "–" and column in layout.sparse else text


def _joined(layout: Layout, column: str, row: Mapping[str, Any]) -> str:
    pattern = layout.joined[column]
    if not isinstance(pattern, str):
        pattern = pattern.get(str(row[layout.joined_by]), "")
    return filled(pattern, row) if pattern else "–"
