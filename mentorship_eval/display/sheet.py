"""A page measured in inches from its top left corner, on which a figure is laid out.

matplotlib's automatic layouts do not know of at-risk tables or text columns; here every text is
measured before it is placed, so that nothing overlaps and nothing is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mentorship_eval.display.style import DPI, SMALL, page, page_width
from mentorship_eval.errors import UsageError

__all__ = ["Key", "Sheet", "line_height"]

_SAMPLE, _GAP = 0.34, 0.24  # inches: length of a legend's sample, space between two entries


def line_height(size: float = SMALL) -> float:
    """Inches from one line of text to the next."""
    return size * 1.45 / 72


@dataclass(frozen=True)
class Key:
    """One entry of a legend: its words, and the artist properties of its sample.

    kind: ``line`` (may carry a marker), ``marker`` or ``fill``.
    """

    label: str
    kind: str = "line"
    style: dict[str, Any] = field(default_factory=dict)


class Sheet:
    """A figure of the page's width; set its height before placing anything. Inches are those at which type has its own size (`Page`)."""

    def __init__(self, width: float | None = None) -> None:
        # not pyplot: nothing global, nothing to close, no backend to choose
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = page_width() if width is None else width, 1.0
        self.figure = Figure(figsize=(self.width, self.height), dpi=DPI)
        self.figure.set_facecolor("white")
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()
        self._widths: dict[tuple[str, float, str], float] = {}

    def set_height(self, height: float) -> None:
        self.height = height
        self.figure.set_size_inches(self.width, height)

    def width_of(self, text: str, size: float = SMALL, weight: str = "normal") -> float:
        """Width of the widest line of ``text``, in inches."""
        return max((self._line_width(line, size, weight) for line in text.split("\n")), default=0.0)

    def _line_width(self, line: str, size: float, weight: str) -> float:
        key = (line, size, weight)
        if key not in self._widths:
            from matplotlib.font_manager import FontProperties

            font = FontProperties(family=list(page().families), size=size, weight=weight)
            self._widths[key] = self._renderer.get_text_width_height_descent(line, font, ismath=False)[0] / DPI
        return self._widths[key]

    def wrap(self, text: str, width: float, size: float = SMALL, weight: str = "normal") -> str:
        """``text`` broken between words to fit ``width`` inches; a single word that is wider is broken inside."""
        lines: list[str] = []
        for paragraph in text.split("\n"):
            current = ""
            for word in paragraph.split(" "):
                trial = f"{current} {word}" if current else word
                if current and self.width_of(trial, size, weight) > width:
                    lines.append(current)
                    current = word
                else:
                    current = trial
                while self.width_of(current, size, weight) > width and len(current) > 1:
                    cut = next(i for i in range(len(current), 0, -1) if i == 1 or self.width_of(current[:i], size, weight) <= width)
                    lines.append(current[:cut])
                    current = current[cut:]
            lines.append(current)
        return "\n".join(lines)

    def block_height(self, text: str, size: float = SMALL) -> float:
        return (text.count("\n") + 1) * line_height(size)

    def text(self, x: float, down: float, text: str, *, size: float = SMALL, ha: str = "left", va: str = "center", **style: Any) -> Any:
        """Words beside each other stand on one line, whichever letters they have.

        Hence no line spacing of our own: with one, matplotlib 3.11 places a line by the heights of the letters that are in it.
        """
        if va == "center" and "rotation" not in style:
            va = "center_baseline"  # digits and capitals in the middle, what hangs below the line left out
        return self.figure.text(x, self.height - down, text, transform=self.figure.dpi_scale_trans, fontsize=size, ha=ha, va=va, **style)

    def line(self, x: Sequence[float], down: Sequence[float], **style: Any) -> None:
        from matplotlib.lines import Line2D

        ys = [self.height - d for d in down]
        self.figure.add_artist(Line2D(list(x), ys, transform=self.figure.dpi_scale_trans, **style))

    def patch(self, x: float, down: float, width: float, height: float, **style: Any) -> None:
        from matplotlib.patches import Rectangle

        corner = (x, self.height - down - height)
        self.figure.add_artist(Rectangle(corner, width, height, transform=self.figure.dpi_scale_trans, **style))

    def axes(self, left: float, down: float, width: float, height: float, **options: Any) -> Any:
        if width <= 0 or height <= 0:
            raise UsageError("The words of the figure leave no room for its axes.", fix="Give it a wider page, or shorten the labels.")
        box = (left / self.width, (self.height - down - height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, **options)

    @staticmethod
    def _sample(key: Key) -> float:
        return 0.14 if key.kind == "marker" else _SAMPLE

    def plan_legend(self, keys: Sequence[Key], width: float) -> tuple[list[tuple[float, float, Key, str]], float]:
        """Where each entry goes when they run on like words on lines of ``width``, and the height used."""
        placed: list[tuple[float, float, Key, str]] = []
        x = down = row = 0.0
        for key in keys:
            label = self.wrap(key.label, width - self._sample(key) - 0.08)
            need = self._sample(key) + 0.08 + self.width_of(label)
            if x > 0 and x + need > width:
                x, down, row = 0.0, down + row, 0.0
            placed.append((x, down, key, label))
            row = max(row, self.block_height(label) + 0.03)
            x += need + _GAP
        return placed, down + row

    def draw_legend(self, placed: Sequence[tuple[float, float, Key, str]], left: float, down: float) -> None:
        for x, offset, key, label in placed:
            middle = down + offset + line_height() / 2
            start = left + x
            if key.kind == "fill":
                self.patch(start, middle - 0.05, _SAMPLE, 0.10, **key.style)
            elif key.kind == "marker":
                self.line([start + self._sample(key) / 2], [middle], **{"linestyle": "none", **key.style})
            else:
                markers = {"markevery": [1]} if key.style.get("marker") else {}
                self.line([start, start + _SAMPLE / 2, start + _SAMPLE], [middle] * 3, **{**key.style, **markers})
            self.text(start + self._sample(key) + 0.08, down + offset + self.block_height(label) / 2, label)
