"""What stands above a plot: bold title, a grey line of words, legend; measured before the page has its height."""

from __future__ import annotations

from collections.abc import Sequence

from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, SMALL, page_width

__all__ = ["Head"]


class Head:
    """``Head(...)`` measures (``height``), ``draw()`` places once the sheet has its height.

    left: inches from the page's edge to the legend and the grey words, usually the left end of the axis.
    """

    def __init__(self, sheet: Sheet, title: str | None, keys: Sequence[Key] = (), *, left: float = 0.1, words: str = "") -> None:
        self._sheet, self._left = sheet, left
        self._title = sheet.wrap(title, page_width() - 0.3, BODY, "bold") if title else ""
        self._words = sheet.wrap(words, page_width() - left - 0.2, SMALL) if words else ""
        self._plan, legend = sheet.plan_legend(keys, page_width() - left - 0.1) if keys else ([], 0.0)
        self._words_at = 0.08 + (sheet.block_height(self._title, BODY) + 0.04 if title else 0.0)
        self._legend_at = self._words_at + (sheet.block_height(self._words) + 0.04 if words else 0.0)
        self.height = self._legend_at + legend + 0.08

    def draw(self) -> None:
        if self._title:
            self._sheet.text(0.1, 0.08, self._title, size=BODY, va="top", weight="bold")
        if self._words:
            self._sheet.text(self._left, self._words_at, self._words, va="top", color=GREY)
        self._sheet.draw_legend(self._plan, self._left, self._legend_at)
