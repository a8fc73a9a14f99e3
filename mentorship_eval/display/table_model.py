"""A table as every format needs it: columns, rows of text, notes. HTML, DOCX and LaTeX are all written from this one object.

The shape, which other modules may rely on::

    TableModel
      caption    one line, without number ("Table 2" is the business of whoever numbers)
      columns    TableColumn(header, spanner, align): neighbours with the same spanner stand under one header that spans them;
                 align is "left" (words) or "right" (numbers)
      rows       TableRow(cells, kind, indent): as many `Cell(text, mark)` as there are columns; the first cell is the row's header.
                 kind "heading" opens a group of rows (its other cells may hold text too, such as a difference of the whole variable),
                 "total" closes or opens with a sum, "row" is any other. indent is 0 or 1: rows of a group stand under its heading
      footnotes  (mark, text) in the order in which the marks are met; a mark stands in a Cell or in a TableColumn
      note       what is said of the whole table; empty: what stands in place of rows when there are none

Texts are final (rounded, with real minus signs, "<10" or "withheld" as disclosure control left them) and plain: whoever writes a format
escapes them. `aligned` gives the texts of a column padded with spaces of digit width, for formats that can only set flush right. A
table exhibit's model is ``draw(exhibit).model`` (`report.exhibits.draw`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

__all__ = ["Cell", "TableColumn", "TableModel", "TableRow", "aligned"]


@dataclass(frozen=True)
class Cell:
    """text, and the mark of a footnote ("a") or "". """

    text: str
    mark: str = ""


@dataclass(frozen=True)
class TableColumn:
    header: str
    spanner: str = ""
    align: str = "left"
    mark: str = ""


@dataclass(frozen=True)
class TableRow:
    cells: tuple[Cell, ...]
    kind: str = "row"
    indent: int = 0


@dataclass(frozen=True)
class TableModel:
    """See the module's own words for the shape."""

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    footnotes: tuple[tuple[str, str], ...] = ()
    empty: str = "No rows."
    name: str = "table"

    @property
    def has_spanners(self) -> bool:
        return any(column.spanner for column in self.columns)

    def spans(self) -> Iterator[tuple[str, int]]:
        """(spanner, how many columns) from left to right; columns without one come singly as ("", 1)."""
        for spanner, columns in groupby(self.columns, key=lambda column: column.spanner):
            width = len(list(columns))
            yield from [(spanner, width)] if spanner else [("", 1)] * width

    def groups(self) -> Iterator[tuple[TableRow, ...]]:
        """Rows from one heading to the next; rows that stand under none come together."""
        group: list[TableRow] = []
        for row in self.rows:
            if group and (row.kind == "heading" or (row.indent == 0 and group[0].kind == "heading")):
                yield tuple(group)
                group = []
            group.append(row)
        if group:
            yield tuple(group)

    def text(self) -> str:
        """For a terminal: columns set with spaces, notes below."""
        body = [[("  " * row.indent if i == 0 else "") + _marked(cell.text, cell.mark) for i, cell in enumerate(row.cells)] for row in self.rows]
        headers = [" ".join(filter(None, (column.spanner, _marked(column.header, column.mark)))) for column in self.columns]
        widths = [max(len(line[i]) for line in [headers, *body]) for i in range(len(headers))]
        lines = []
        for line in [headers, *body]:
            pairs = zip(line, self.columns, widths, strict=True)
            lines.append("  ".join(text.ljust(w) if column.align == "left" else text.rjust(w) for text, column, w in pairs).rstrip())
        return "\n".join([self.caption, *lines, *(f"{mark} {text}" for mark, text in self.footnotes), *filter(None, [self.note])])


def _marked(text: str, mark: str) -> str:
    return f"{text} [{mark}]" if mark else text


# a number as a cell begins with it, its decimals, and what follows: (3) in "12.5 (10.1 to 14.9)"
_NUMBER = re.compile(r"(?P<whole>[<>≈−-]?\s?\d[\d,]*)(?P<decimals>\.\d+)?(?P<tail>\D.*)?$", re.DOTALL)
_DIGIT, _POINT, _BLANK = "\u2007", "\u2008", "\u00a0"  # spaces as wide as a digit, as a full stop, and one that does not break


def aligned(texts: Sequence[str]) -> list[str]:
    """``texts`` of a flush-right column padded so that units stand under units: before a bracket where there is one, else at the end.

    Cells of one shape, such as ``12 (3.4)`` or ``12.5 (10.1 to 14.9)``, are padded to one another; numbers without a bracket stand under those
    before the commonest one. Words ("withheld", "–") are left as they are.
    """
    found = [_NUMBER.match(text) for text in texts]
    shapes = [("", "") if match is None else _shape(match) for match in found]
    tails = [tail for _, tail in shapes if tail]
    commonest = max(dict.fromkeys(tails), key=tails.count, default="")
    longest = {tail: _longest([m["tail"] for m, shape in zip(found, shapes, strict=True) if m and shape[1] == tail]) for tail in {*tails}}
    decimals = {kind: _longest([m["decimals"] or "" for m, shape in zip(found, shapes, strict=True) if m and shape == kind]) for kind in {*shapes}}
    out = []
    for text, match, shape in zip(texts, found, shapes, strict=True):
        if match is not None:
            own, rest = match["decimals"] or "", match["tail"] or ""
            more = decimals[shape] if shape[1] else _longest([decimals[kind] for kind in decimals if not kind[1]]) if not tails else own
            unit, bracket, limits = rest.partition("(")
            text = match["whole"] + own + _filler(more, own) + unit + _filler(longest.get(shape[1] or commonest, ""), rest) + bracket + limits
        out.append(text)
    return out


def _shape(match: re.Match[str]) -> tuple[str, str]:
    """Whether a number has decimals, and what follows it, its digits aside: "" for a number alone."""
    return "." if match["decimals"] else "", re.sub(r"[\d.,−-]+", "0", match["tail"] or "")


def _longest(parts: list[str]) -> str:
    return max(parts, key=len, default="")


def _filler(longest: str, own: str) -> str:
    """Spaces as wide as what ``longest`` has more of than ``own``."""
    more = Counter(map(_width, longest))
    more.subtract(map(_width, own))
    return "".join(space * max(more[space], 0) for space in (_BLANK, _POINT, _DIGIT))


def _width(character: str) -> str:
    return _BLANK if character.isspace() else _POINT if character in ".,;:()" else _DIGIT
