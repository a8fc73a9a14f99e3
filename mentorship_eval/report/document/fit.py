"""How wide the columns of a table are, how small its type, and whether it needs a page turned on its side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mentorship_eval.display.table_model import TableModel

__all__ = ["LANDSCAPE", "PORTRAIT", "WHOLE", "Fit", "fit"]

PORTRAIT, LANDSCAPE = 510.0, 740.0  # points between the margins of an A4 page (15 mm; 18 mm at the sides of a turned one)
WHOLE = 16  # rows up to which a table stays on one page
_PADDING = 8.0  # points on both sides of a cell together
_GAP = 8.0  # points more between numbers, which are set flush right, and words, flush left
_INDENT = 1.2  # em
# em that a column of words should have before it wraps: the first, and any other; less rather than a turned page
_COMFORT, _LESS = (11.0, 7.5), (7.5, 6.0)
_MEASURE = re.compile(r"[\d\s.,%()<>≈−–∞-]|to|CI|withheld|not estimable")  # all that an estimate with its interval is written with
_STEP = 0.5  # em
_SIZES, _SMALLEST = (9.0, 8.5, 8.0, 7.5), 7.0
_RELUCTANCE = 4.0  # lines that each point of type must save, if it is given up
_TRIES = ((PORTRAIT, _SIZES, _COMFORT), (PORTRAIT, _SIZES, _LESS), (LANDSCAPE, (*_SIZES, _SMALLEST), _COMFORT), (LANDSCAPE, (_SMALLEST,), _LESS))


@dataclass(frozen=True)
class Fit:
    """widths of the columns and gaps at their left sides within them, in points; size of type, in points; landscape: the page is turned."""

    widths: tuple[float, ...]
    gaps: tuple[float, ...]
    size: float
    landscape: bool


@lru_cache(maxsize=256)  # asked for by each format
def fit(table: TableModel) -> Fit:
    """Type and widths of ``table``: upright where possible, and smaller than it could be only where that saves lines.

    What room is left goes where it saves most lines. Numbers and single words never break unless nothing else helps at the smallest
    type on a turned page; then the columns share the width in proportion.
    """
    cells = [_Column(table, place) for place in range(len(table.columns))]
    gaps = tuple(_GAP if place and column.numbers < cells[place - 1].numbers else 0.0 for place, column in enumerate(cells))
    spent = _PADDING * len(cells) + sum(gaps)

    def made(widths: list[float], size: float, landscape: bool) -> Fit:
        return Fit(tuple(round(width * size + _PADDING + gap, 2) for width, gap in zip(widths, gaps, strict=True)), gaps, size, landscape)

    for room, sizes, comfort in _TRIES:
        wanted = [column.wanted(comfort[min(at, 1)]) for at, column in enumerate(cells)]
        fitting = [size for size in sizes if sum(wanted) * size <= room - spent]
        if fitting:
            found = {size: _shared(cells, wanted, (room - spent) / size) for size in fitting}
            # smaller type only where it saves much of the height
            best = min(fitting, key=lambda size: _height(_lines(cells, found[size])) + _RELUCTANCE * (fitting[0] - size))
            return made(found[best], best, room == LANDSCAPE)
    size, room = _SMALLEST, LANDSCAPE
    squeezed = min(1.0, (room - spent) / (sum(column.least for column in cells) * size))
    return made(_shared(cells, [column.least * squeezed for column in cells], (room - spent) / size), size, True)


class _Column:
    """Of one column, in em: ``least``, at which no word or number breaks; ``wanted``, which gives words room; ``natural``, without any break.

    And how many lines its cells take at a width.
    """

    def __init__(self, table: TableModel, place: int) -> None:
        column = table.columns[place]
        self.numbers = column.align == "right"
        indent = _INDENT if place == 0 and any(row.indent for row in table.rows) else 0.0
        texts = [row.cells[place].text + row.cells[place].mark for row in table.rows]
        alone = [row.kind == "heading" and place == 0 and not any(cell.text for cell in row.cells[1:]) for row in table.rows]
        # a heading of rows that stands alone has the whole width
        self._texts = np.array([0.0 if whole else _em(text) + indent for text, whole in zip(texts, alone, strict=True)])
        header = column.header + column.mark
        self._header = _em(header, bold=True)
        word = max((_em(word) for text, whole in zip(texts, alone, strict=True) if not whole for word in text.split()), default=1.0) + indent
        titled = max((_em(word, bold=True) for word in header.split()), default=0.0)
        longest = float(self._texts.max(initial=1.0))
        self._measures = self.numbers or (bool(texts) and all(not _MEASURE.sub("", text) for text in texts))
        self._longest = longest
        self.least = max(titled, longest if self._measures else word)
        self.natural = max(longest, self._header)

    def wanted(self, comfort: float) -> float:
        return self.least if self._measures else max(self.least, min(self._longest, comfort))

    def lines(self, width: float) -> np.ndarray:
        """Of every row, the header first; words leave a little of a line empty."""
        widths = np.concatenate([[self._header], self._texts])
        return np.where(widths <= width, 1.0, np.ceil(1.12 * widths / width))


def _shared(columns: list[_Column], needed: list[float], room: float) -> list[float]:
    """Widths in em: what is needed, then step by step more for the column at which it saves most lines of the table."""
    widths = list(needed)
    lines = _lines(columns, widths)
    while True:
        left = room - sum(widths)
        height = _height(lines)
        best: tuple[float, int, float] | None = None
        for at, column in enumerate(columns):
            # far enough that a line is saved, if one is to be saved at all
            for more in np.arange(_STEP, min(left, column.natural - widths[at]) + _STEP, _STEP):
                more = min(float(more), left, column.natural - widths[at])
                if more <= 0:
                    break
                tried = _height([*lines[:at], column.lines(widths[at] + more), *lines[at + 1 :]])
                if tried < height:
                    gain = (height - tried) / more
                    best = (gain, at, more) if best is None or gain > best[0] else best
                    break
        if best is None:
            return widths
        widths[best[1]] += best[2]
        lines[best[1]] = columns[best[1]].lines(widths[best[1]])


def _lines(columns: list[_Column], widths: list[float]) -> list[np.ndarray]:
    return [column.lines(width) for column, width in zip(columns, widths, strict=True)]


def _height(lines: list[np.ndarray]) -> float:
    """Of the whole table, in lines; a little for every line of a cell, since a row is lower only when all its cells are."""
    return float(np.max(lines, axis=0).sum() + 0.05 * np.sum(lines))


def _em(text: str, bold: bool = False) -> float:
    """The width of ``text`` in em: a little more than Libertinus Serif and Calibri take."""
    wide = sum(character.isupper() or character in "mwMW%—–≥≤+=<>" for character in text)
    narrow = sum(character in " ilj.,;:'!|()I" for character in text)
    return (1.06 if bold else 1.0) * (0.525 * (len(text) - wide - narrow) + 0.76 * wide + 0.31 * narrow)
