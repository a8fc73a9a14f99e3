"""How wide the columns of a table are, how small its type, and whether it needs a page turned on its side."""

from __future__ import annotations

from dataclasses import dataclass

from mentorship_eval.display.table_model import TableModel

__all__ = ["LANDSCAPE", "PORTRAIT", "Fit", "fit"]

PORTRAIT, LANDSCAPE = 510.0, 740.0  # points between the margins of an A4 page (15 mm; 18 mm at head and foot of a turned one)
_SIZES = (9.0, 8.5, 8.0, 7.5)
_SMALLEST = 7.0
_PADDING = 8.0  # points on both sides of a cell together
_INDENT = 1.0  # em
_COMFORT = 24  # characters that a column of words should have before it wraps


@dataclass(frozen=True)
class Fit:
    """widths of the columns, in points; size of type, in points; landscape: the page is turned."""

    widths: tuple[float, ...]
    size: float
    landscape: bool

    @property
    def total(self) -> float:
        return sum(self.widths)


def fit(table: TableModel) -> Fit:
    """The largest type, upright where possible, at which no number wraps and words wrap no earlier than they must.

    Numbers and single words never break unless nothing else helps at the smallest type on a turned page; then the columns share the width
    in proportion.
    """
    least, wanted, natural = _needs(table)
    tries = [(size, PORTRAIT, wanted) for size in _SIZES] + [(size, LANDSCAPE, wanted) for size in (*_SIZES, _SMALLEST)]
    for size, room, needed in tries:
        inside = room - _PADDING * len(needed)
        if sum(needed) * size <= inside:
            return Fit(_shared(needed, natural, size, inside), size, room == LANDSCAPE)
    inside = LANDSCAPE - _PADDING * len(least)
    scale = min(1.0, inside / (sum(least) * _SMALLEST))
    return Fit(_shared([each * scale for each in least], natural, _SMALLEST, inside), _SMALLEST, True)


def _needs(table: TableModel) -> tuple[list[float], list[float], list[float]]:
    """Of each column, in em: what it must have, what it should have, and what it would take without wrapping."""
    least, wanted, natural = [], [], []
    for place, column in enumerate(table.columns):
        header = _words(column.header + column.mark)
        cells = [row.cells[place] for row in table.rows if not (row.kind == "heading" and place == 0 and not any(c.text for c in row.cells[1:]))]
        texts = [cell.text + cell.mark for cell in cells]
        extra = _INDENT if place == 0 and any(row.indent for row in table.rows) else 0.0
        longest = max((_em(text) for text in texts), default=0.0) + extra
        word = max([*(_em(word) for text in texts for word in _words(text)), *(1.06 * _em(word) for word in header)], default=1.0) + extra
        whole = max(longest, 1.06 * _em(column.header))
        numbers = column.align == "right"
        must = max(longest, word) if numbers else word
        least.append(word)
        wanted.append(must if numbers else max(must, min(longest, _COMFORT * 0.48)))
        natural.append(max(whole, must))
    # a header that spans columns is as wide as they are
    return least, wanted, natural


def _shared(needed: list[float], natural: list[float], size: float, inside: float) -> tuple[float, ...]:
    """Widths: what is needed, and the room that is left to those columns that would take more, in proportion."""
    base = [each * size for each in needed]
    hungry = [max(0.0, want * size - have) for want, have in zip(natural, base, strict=True)]
    left = inside - sum(base)
    share = min(1.0, left / sum(hungry)) if sum(hungry) > 0 and left > 0 else 0.0
    return tuple(round(have + more * share + _PADDING, 2) for have, more in zip(base, hungry, strict=True))


def _words(text: str) -> list[str]:
    return text.replace("\u00a0", "_").split() or [""]


def _em(text: str) -> float:
    """The width of ``text`` in em: a little more than Libertinus Serif and Calibri take."""
    wide = sum(character.isupper() or character in "mwMW%—–≥≤+=<>" for character in text)
    narrow = sum(character in " ilj.,;:'!|()I" for character in text)
    return 0.50 * (len(text) - wide - narrow) + 0.70 * wide + 0.30 * narrow
