"""The page of a Bacon plot: points, means in a strip beside them with their names, and a table under them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentorship_eval.display.head import Head
from mentorship_eval.display.labels import spread
from mentorship_eval.display.sheet import Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, narrowed, page_width
from mentorship_eval.display.two_by_two_frame import Kind
from mentorship_eval.display.words import count, lower_first, percent
from mentorship_eval.estimate import format_number

__all__ = ["Page"]

_HEIGHT, _STRIP, _MARGIN = 3.1, 0.42, 1.72
_SKEWED = 25.0  # largest weight over the median weight from which the weights stand on a logarithmic axis
_INSIDE = 0.99  # share of the weight whose estimates the axis holds
_BAR = 1.0  # inches of the bar of the whole weight


class Page:
    """``draw`` gives the figure; ``log``: weights on a logarithmic axis; ``beyond``: how many points, and what share of the weight, it has not."""

    def __init__(
        self, kinds: list[Kind], estimate: float, ci: tuple[float, float], value_label: str, estimate_label: str, digits: int, ci_level: float
    ) -> None:
        self.kinds, self.estimate, self.ci, self.digits, self.ci_level = kinds, estimate, ci, digits, ci_level
        self.value_label, self.estimate_label = value_label, estimate_label
        shown = [kind.shown for kind in kinds]
        self._weight = np.concatenate([kind.weight[some] for kind, some in zip(kinds, shown, strict=True)])
        self._value = np.concatenate([kind.estimate[some] for kind, some in zip(kinds, shown, strict=True)])
        positive = self._weight[self._weight > 0]
        self.log = len(positive) > 1 and float(positive.max() / np.median(positive)) > _SKEWED
        self.low, self.high = self._span()
        out = (self._value < self.low) | (self._value > self.high)
        self.beyond = int(out.sum()), float(self._weight[out].sum())

    def _span(self) -> tuple[float, float]:
        """Ends of the axis of estimates: all of them when few, else those that hold nearly all the weight; the means and the line inside."""
        fixed = [value for value in (self.estimate, *(kind.mean for kind in self.kinds), 0.0) if math.isfinite(value)]
        if len(self._value):
            order = np.argsort(self._value, kind="stable")
            value, cumulated = self._value[order], np.cumsum(self._weight[order])
            few = len(value) <= 60 or cumulated[-1] <= 0
            edge = (1 - _INSIDE) / 2 * cumulated[-1]
            inside = value if few else value[(cumulated >= edge) & (cumulated - self._weight[order] <= cumulated[-1] - edge)]
            fixed += [float(inside.min()), float(inside.max())]
        low, high = min(fixed), max(fixed)
        margin = 0.07 * (high - low) or 1.0
        return low - margin, high + margin

    def draw(self, title: str | None) -> Any:
        sheet = Sheet()
        self.margin = max(narrowed(_MARGIN), 1.2)
        left = 0.85
        width = page_width() - left - _STRIP - self.margin - 0.1
        head = Head(sheet, title, (), left=left)
        top = head.height + 0.04
        lines = self._table(sheet)
        sheet.set_height(top + _HEIGHT + 0.62 + sum(height for _, height in lines) + 0.1)
        head.draw()
        axes = sheet.axes(left, top, width, _HEIGHT)
        strip = sheet.axes(left + width, top, _STRIP, _HEIGHT)
        self._frame(sheet, axes, strip, width)
        self._points(axes)
        self._means(sheet, strip, left + width + _STRIP, top)
        sheet.text(left + width / 2, top + _HEIGHT + 0.4, f"Share of the weight{' (log scale)' if self.log else ''}", size=BODY, ha="center")
        self._draw_table(sheet, lines, top + _HEIGHT + 0.62)
        return sheet.figure

    def _frame(self, sheet: Sheet, axes: Any, strip: Any, width: float) -> None:
        from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

        positive = self._weight[self._weight > 0]
        if self.log:
            first, last = float(positive.min()) / 1.25, float(positive.max()) * 1.25
            first = max(first, last / 1e5)
            axes.set_xscale("log")
            ticks = [m * 10.0**d for d in range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1) for m in (1.0, 3.0)]
            ticks = [tick for tick in ticks if first <= tick <= last]
            ticks = ticks if len(ticks) <= min(8, width / 0.45) else [tick for tick in ticks if f"{tick:e}".startswith("1")]
            ticks = ticks[:: math.ceil(len(ticks) / max(2, int(width / 0.5)))]
        else:
            largest = float(positive.max()) if len(positive) else 1.0
            first, last = -0.02 * largest, 1.08 * largest
            ticks = _round_ticks(last, max(2, min(6, int(width / 0.5))))
        axes.set_xlim(first, last)
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * tick:.6g} %" for tick in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        strip.set_xlim(0, 1)
        strip.set_axis_off()
        for each in (axes, strip):
            each.set_ylim(self.low, self.high)
            each.axhline(0, xmax=0.78 if each is strip else 1, color=GREY, linewidth=0.9, zorder=1)
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_ylabel(sheet.wrap(self.value_label, _HEIGHT, BODY))
        axes.yaxis.set_label_coords(-0.62 / width, 0.5)
        if not len(self._value):
            reasons = "; ".join(dict.fromkeys(reason for kind in self.kinds for reason in kind.reasons))
            axes.text(0.5, 0.5, sheet.wrap(reasons, width - 0.4, BODY), transform=axes.transAxes, ha="center", va="center", color=GREY)

    def _points(self, axes: Any) -> None:
        many = len(self._value)
        # dense clouds: small and pale, with the rarer types over the more frequent ones
        size, alpha = (42, 0.95) if many <= 30 else (26, 0.8) if many <= 150 else (13, 0.55) if many <= 700 else (8, 0.4)
        first, last = axes.get_xlim()
        for rank, kind in enumerate(sorted(self.kinds, key=lambda kind: -int(kind.shown.sum()))):
            some = kind.shown & (kind.weight > 0 if self.log else True)
            x, y = np.clip(kind.weight[some], first, last), kind.estimate[some]
            inside = (y >= self.low) & (y <= self.high)
            face = "none" if kind.forbidden else kind.colour
            axes.scatter(x[inside], y[inside], s=size, marker=kind.marker, facecolors=face, edgecolors=kind.colour if kind.forbidden else "white",
                linewidths=(1.3 if many <= 150 else 0.8) if kind.forbidden else (0.6 if many <= 150 else 0.0), alpha=alpha, zorder=3 + 0.1 * rank,
                gid="points")  # fmt: skip
            for out, edge, marker in ((y < self.low, self.low, "v"), (y > self.high, self.high, "^")):
                if out.any():
                    axes.plot(x[out], np.full(int(out.sum()), edge), linestyle="none", marker=marker, markersize=4.5, color=kind.colour,
                        markerfacecolor="white" if kind.forbidden else kind.colour, clip_on=False, zorder=4, gid="arrow")  # fmt: skip
        if math.isfinite(self.estimate):
            axes.axhline(self.estimate, color=INK, linewidth=1.5, zorder=4, gid="two-way")

    def _means(self, sheet: Sheet, strip: Any, edge: float, top: float) -> None:
        """Short lines in the strip beside the points, each joined to its words at the right."""
        strip.axvspan(0.1, 0.78, color="#f2f2f2", linewidth=0, zorder=0)
        entries = []
        for kind in self.kinds:
            if math.isfinite(kind.mean):
                words = sheet.wrap(f"{format_number(kind.mean, self.digits)}  {lower_first(kind.name)}", self.margin - 0.1)
                entries.append((kind.mean, kind.colour, kind.forbidden, words, "normal"))
        if math.isfinite(self.estimate):
            words = sheet.wrap(f"{format_number(self.estimate, self.digits)}  {self.estimate_label}", self.margin - 0.1, weight="bold")
            if math.isfinite(self.ci[0]) or math.isfinite(self.ci[1]):
                limits = " to ".join(format_number(end, self.digits) for end in self.ci)
                words += f"\n{sheet.wrap(f'{self.ci_level * 100:g} % CI {limits}', self.margin - 0.1, weight='bold')}"
            strip.axhline(self.estimate, xmax=0.78, color=INK, linewidth=1.5, zorder=4)
            entries.append((self.estimate, INK, False, words, "bold"))
        entries.sort(key=lambda entry: -entry[0])

        def down(value: float) -> float:
            return top + _HEIGHT * (self.high - value) / (self.high - self.low)

        wanted = [down(entry[0]) for entry in entries]
        places = spread(wanted, [sheet.block_height(entry[3]) + 0.07 for entry in entries], top - 0.1, top + _HEIGHT + 0.5)
        for (value, colour, forbidden, words, weight), at, place in zip(entries, wanted, places, strict=True):
            if weight == "normal":
                strip.plot([0.1, 0.78], [value, value], color=colour, linewidth=2.6, linestyle=(0, (1.6, 1.0)) if forbidden else "-", zorder=5,
                    solid_capstyle="butt", gid="mean")  # fmt: skip
            sheet.line([edge - 0.22 * _STRIP, edge + 0.02], [at, place], color=colour, linewidth=0.8)
            sheet.text(edge + 0.06, place, words, weight=weight, gid="mean-words")

    def _table(self, sheet: Sheet) -> list[tuple[list[str], float]]:
        """Cells and height of each line: type, comparisons, share of weight, weighted mean."""
        roomy = page_width() >= 6.8
        heads = ("Comparisons", "Share of the weight", "Weighted mean")
        others = [[head if roomy else sheet.wrap(head, 0.85, weight="bold") for head in heads]]
        for kind in self.kinds:
            hidden = f" ({kind.hidden} not shown)" if kind.hidden else ""
            mean = format_number(kind.mean, self.digits) if math.isfinite(kind.mean) else "not shown" if kind.hidden else "–"
            cells = [f"{count(len(kind.weight))}{hidden}", percent(kind.share), mean]
            others.append(cells if roomy else [sheet.wrap(cell, 0.85) for cell in cells])
        self.columns, name = [0.4, 3.2, 4.3, 6.0], 2.75
        if not roomy:  # packed from the right, and without the bars of the shares
            wide = [max(sheet.width_of(text, weight="bold") for text in column) + 0.12 for column in zip(*others, strict=True)]
            self.columns = [0.4, *(page_width() - sum(wide[k:]) for k in range(3))]
            name = self.columns[1] - 0.4 - 0.1
        names = ["Type of comparison", *(kind.name for kind in self.kinds)]
        lines = [[sheet.wrap(text, name, weight="bold" if cells is others[0] else "normal"), *cells]
                 for text, cells in zip(names, others, strict=True)]  # fmt: skip
        return [(cells, max(sheet.block_height(cell) for cell in cells) + 0.06) for cells in lines]

    def _draw_table(self, sheet: Sheet, lines: list[tuple[list[str], float]], down: float) -> None:
        columns = self.columns
        for k, (cells, height) in enumerate(lines):
            for x, cell in zip(columns, cells, strict=True):
                sheet.text(x, down, cell, va="top", weight="bold" if k == 0 else "normal", gid="cell")
            if k:
                kind = self.kinds[k - 1]
                middle = down + line_height() / 2
                sheet.line([0.24], [middle], linestyle="none", marker=kind.marker, markersize=6, color=kind.colour,
                    markerfacecolor="white" if kind.forbidden else kind.colour, markeredgewidth=1.3)  # fmt: skip
                if math.isfinite(kind.share) and page_width() >= 6.8:
                    sheet.patch(columns[2] + 0.55, middle - 0.045, max(kind.share * _BAR, 0.005), 0.09, edgecolor=kind.colour, linewidth=1.0,
                        facecolor="white" if kind.forbidden else kind.colour)  # fmt: skip
            down += height


def _round_ticks(last: float, most: int = 6) -> list[float]:
    """Round shares from 0 to ``last``, in at most ``most`` steps."""
    for step in (m * 10.0**d for d in range(-6, 1) for m in (1, 2, 2.5, 5)):
        if last / step <= most:
            return [k * step for k in range(int(last / step) + 1)]
    return [0.0, 1.0]
