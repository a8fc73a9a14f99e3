"""The page of a forest plot: columns measured from their words, one axis between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import is_blank, numbers, reason_of
from mentorship_eval.display.scales import limits, set_ratio_axis
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, SMALL, WIDTH, house_style, series_style
from mentorship_eval.display.words import count
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["ForestOptions", "draw_forest"]

_LEFT_MOST, _TEXT_MOST, _AXIS_LEAST = 2.1, 1.75, 1.9  # inches


@dataclass(frozen=True)
class ForestOptions:
    """How the axis and the columns of a forest are written."""

    value_label: str = "Ratio"
    ci_level: float = 0.95
    log: bool = True
    digits: int = 2
    sides: tuple[str, str] | None = None
    foot: str = ""

    @property
    def reference(self) -> float:
        return 1.0 if self.log else 0.0


def draw_forest(rows: pd.DataFrame, options: ForestOptions, what: str) -> Any:
    """The figure alone; columns as in `forest`."""
    value, low, high, truth = (numbers(rows, column, what) for column in ("estimate", "ci_low", "ci_high", "truth"))
    if options.log:
        for column, values in (("estimate", value), ("ci_low", low), ("ci_high", high), ("truth", truth)):
            if (values < 0).any() or (column in ("estimate", "truth") and (values == 0).any()):
                raise UsageError(
                    f"{what}: column {column} holds ratios at or below zero.",
                    fix="Give ratios, not their logarithms, or log=False.",
                    rows=list(rows.index[values <= 0]),
                )
    with house_style():
        return _Forest(rows, options, value, low, high, truth).draw()


class _Forest:
    def __init__(
        self, rows: pd.DataFrame, options: ForestOptions, value: np.ndarray, low: np.ndarray, high: np.ndarray, truth: np.ndarray
    ) -> None:
        self.rows, self.options = rows, options
        self.value, self.low, self.high, self.truth = value, low, high, truth
        self.sheet = Sheet()

    def columns(self) -> None:
        """Widths from the words: label | n | events | axis | numbers."""
        sheet, rows = self.sheet, self.rows
        self.grouped = "group" in rows.columns and rows["group"].notna().any()
        indent = 0.12 if self.grouped else 0.0
        self.labels = [sheet.wrap(str(label), _LEFT_MOST - indent) for label in rows["label"]]
        self.label_x = 0.1 + indent
        headings = [sheet.width_of(str(g), weight="bold") for g in rows["group"].dropna()] if self.grouped else []
        x = 0.1 + min(max([indent + sheet.width_of(label) for label in self.labels] + headings), _LEFT_MOST)
        self.counts: list[tuple[str, float, list[str]]] = []
        for column, head in (("n", "n"), ("n_events", "Events")):
            if column in rows.columns:
                cells = [count(cell) for cell in rows[column]]
                x += 0.16 + max(sheet.width_of(text, weight="bold") for text in [*cells, head])
                self.counts.append((head, x, cells))
        self.head = sheet.wrap(f"{self.options.value_label} ({self.options.ci_level * 100:g} % CI)", _TEXT_MOST, SMALL, "bold")
        texts = [sheet.wrap(self.number(i), _TEXT_MOST) for i in range(len(rows))]
        wide = max([sheet.width_of(text) for text in texts] + [sheet.width_of(self.head, weight="bold")])
        self.texts, self.text_x = texts, WIDTH - 0.1 - wide
        self.axis_x, self.axis_width = x + 0.25, self.text_x - 0.2 - x - 0.25
        if self.axis_width < _AXIS_LEAST - 0.6:
            raise UsageError("forest(rows): the columns leave no room for the axis.", fix="Shorten the labels.")

    def number(self, i: int) -> str:
        row = self.rows.iloc[i]
        if math.isnan(self.value[i]):
            return reason_of(row)
        if "text" in self.rows.columns and not is_blank(row["text"]):
            return str(row["text"])
        digits = self.options.digits
        if math.isnan(self.low[i]) and math.isnan(self.high[i]):
            return f"{format_number(self.value[i], digits)} (no interval)"
        ends = ["not known" if math.isnan(end) else format_number(end, digits) for end in (self.low[i], self.high[i])]
        return f"{format_number(self.value[i], digits)} ({ends[0]} to {ends[1]})"

    def heights(self) -> None:
        """Distance of each row's middle, and of each group heading, from the first line."""
        self.middles, self.headings = [], []
        down, last = 0.0, object()
        for i in range(len(self.rows)):
            group = self.rows["group"].iloc[i] if self.grouped else None
            if self.grouped and not is_blank(group) and group != last:
                down += 0.06 if i else 0.0
                text = self.sheet.wrap(str(group), WIDTH / 2, SMALL, "bold")
                self.headings.append((down, text))
                down += self.sheet.block_height(text) + 0.03
                last = group
            lines = max(self.labels[i].count("\n"), self.texts[i].count("\n")) + 1
            height = lines * line_height() + 0.07
            self.middles.append(down + height / 2)
            down += height
        self.rows_height = down + 0.04

    def draw(self) -> Any:
        sheet, options = self.sheet, self.options
        self.columns()
        self.heights()
        keys = []
        colour = series_style(0)["color"]
        if np.isfinite(self.truth).any():
            keys = [
                Key(f"estimate, {options.ci_level * 100:g} % CI", "line", {"color": colour, "marker": "s", "markersize": 5}),
                Key(
                    "true value of the simulation",
                    "marker",
                    {"marker": "D", "markersize": 7, "markerfacecolor": "white", "markeredgecolor": INK},
                ),
            ]
        plan, legend = sheet.plan_legend(keys, WIDTH - 0.2) if keys else ([], 0.0)
        head_height = sheet.block_height(self.head)
        top = 0.08 + legend + (0.06 if keys else 0) + head_height + 0.08
        foot = sheet.wrap(options.foot, WIDTH - 0.2) if options.foot else ""
        sides = [sheet.wrap(side, self.axis_width / 2 - 0.08) for side in options.sides] if options.sides else []
        side_height = max((sheet.block_height(side) for side in sides), default=0.0)
        label_height = 0.6 + side_height
        foot_height = sheet.block_height(foot) + 0.1 if foot else 0.0
        sheet.set_height(top + self.rows_height + label_height + foot_height)
        sheet.draw_legend(plan, 0.1, 0.08)
        head_down = top - 0.08
        for head, x, _ in self.counts:
            sheet.text(x, head_down, head, ha="right", va="bottom", weight="bold")
        sheet.text(self.text_x, head_down, self.head, va="bottom", weight="bold")
        sheet.line([0.1, WIDTH - 0.1], [top - 0.04] * 2, color=GREY, linewidth=0.7)
        for down, text in self.headings:
            sheet.text(0.1, top + down, text, va="top", weight="bold")
        for i, middle in enumerate(self.middles):
            sheet.text(self.label_x, top + middle, self.labels[i], gid="label")
            for _, x, cells in self.counts:
                sheet.text(x, top + middle, cells[i], ha="right", gid="count")
            shade = GREY if math.isnan(self.value[i]) else INK
            sheet.text(self.text_x, top + middle, self.texts[i], gid="number", color=shade)
        self.axis(top, colour)
        down = top + self.rows_height + 0.33
        for side, edge, align in zip(sides, (-0.06, 0.06), ("right", "left"), strict=False):
            sheet.text(self.reference_x + edge, down, side, ha=align, va="top", color=GREY)
        scale = f"{options.value_label}{' (log scale)' if options.log else ''}"
        sheet.text(self.axis_x + self.axis_width / 2, down + side_height + 0.07, scale, ha="center", va="top", size=BODY)
        if foot:
            sheet.text(0.1, sheet.height - foot_height, foot, va="top")
        return sheet.figure

    def axis(self, top: float, colour: str) -> None:
        options, height = self.options, self.rows_height
        axes = self.sheet.axes(self.axis_x, top, self.axis_width, height)
        points = np.concatenate([self.value, self.truth])
        first, last = limits(points, self.low, self.high, log=options.log, reference=options.reference)
        axes.set_xlim(first, last)
        axes.set_ylim(height, 0)
        most = max(3, int(self.axis_width / 0.42))
        if options.log:
            set_ratio_axis(axes.xaxis, first, last, most)
            axes.set_xlim(first, last)
        else:
            from matplotlib.ticker import MaxNLocator

            axes.xaxis.set_major_locator(MaxNLocator(most - 1))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.axvline(options.reference, color=GREY, linewidth=0.9, zorder=1)
        place = axes.transData.transform((options.reference, 0))[0] / self.sheet.figure.dpi
        # words for the two sides are centred on the reference line unless it stands near an edge
        self.reference_x = min(max(place, self.axis_x + 0.3 * self.axis_width), self.axis_x + 0.7 * self.axis_width)
        hollow = (
            self.rows["hollow"].fillna(False).astype(bool).to_numpy() if "hollow" in self.rows.columns else np.zeros(len(self.rows), bool)
        )
        for i, middle in enumerate(self.middles):
            if math.isnan(self.value[i]):
                continue
            self.whisker(axes, i, middle, first, last, colour)
            face = "white" if hollow[i] else colour
            axes.plot(
                [self.value[i]], [middle], marker="s", markersize=4.8, color=colour, markerfacecolor=face, markeredgewidth=1.2, zorder=4
            )
            if not math.isnan(self.truth[i]):
                axes.plot(
                    [self.truth[i]],
                    [middle],
                    marker="D",
                    markersize=9,
                    markerfacecolor="none",
                    markeredgecolor=INK,
                    markeredgewidth=1.1,
                    zorder=5,
                )

    def whisker(self, axes: Any, i: int, middle: float, first: float, last: float, colour: str) -> None:
        if math.isnan(self.low[i]) and math.isnan(self.high[i]):
            return
        start = self.value[i] if math.isnan(self.low[i]) else max(self.low[i], first)
        stop = self.value[i] if math.isnan(self.high[i]) else min(self.high[i], last)
        axes.plot([start, stop], [middle, middle], color=colour, linewidth=1.5, zorder=3, solid_capstyle="butt")
        for beyond, edge, marker in ((self.low[i] < first, first, "<"), (self.high[i] > last, last, ">")):
            if beyond:
                axes.plot([edge], [middle], marker=marker, markersize=6, color=colour, clip_on=False, zorder=4, gid="arrow")
