"""The page of step curves: legend, axes, and the table of those at risk under its ticks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.curve_steps import AT_RISK
from mentorship_eval.display.frames import in_order, numbers
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, PALE, page_width, series_style
from mentorship_eval.display.words import capital, count

__all__ = ["PLOT_HEIGHT", "CurvePage", "RiskTable", "percent_axis", "round_times", "ticks_under", "time_axis_label"]

PLOT_HEIGHT = 2.9
_MONTHS = (1, 2, 3, 6, 12, 24, 36, 60, 120)


def percent_axis(axes: Any, top: float, bottom: float = 0.0) -> None:
    """Proportions from ``bottom`` to ``top`` read in percent, with thin grid lines."""
    axes.set_ylim(bottom, top)
    span = top - bottom
    step = 0.2 if span > 0.5 else 0.1 if span > 0.25 else 0.05 if span > 0.1 else 0.01
    places = np.arange(max(0.0, np.ceil(bottom / step - 1e-9) * step), top + 1e-9, step)
    axes.set_yticks(places, [f"{100 * place:.0f} %" for place in places])
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def time_axis_label(time_unit: str, time_from: str) -> str:
    return f"{capital(time_unit)} since {time_from}"


class RiskTable:
    """Blocks of counts under a time axis: at risk (events so far), then the weighted number at risk where given.

    Measured when made, so that a page can give the plot its margins; placed by `draw`.
    """

    def __init__(self, sheet: Sheet, at_risk: pd.DataFrame, labels: Mapping[Any, str], styles: Mapping[Any, dict[str, Any]]) -> None:
        self.sheet, self.at_risk, self.styles = sheet, at_risk, styles
        self.rows = in_order(at_risk["by"])
        own = {group: labels.get(group, str(group)) for group in self.rows}
        # a long label stands on its own line above its counts, so that the plot keeps its width
        self.stacked = any(sheet.width_of(label) > 0.8 for label in own.values())
        self.labels = {group: sheet.wrap(label, page_width() - 0.8) for group, label in own.items()}
        self.blocks = [("At risk (events so far)" if "n_event" in at_risk.columns else "At risk", self._cells("n_risk", "n_event"))]
        if "n_risk_weighted" in at_risk.columns:
            self.blocks.append(("At risk, weighted", self._cells("n_risk_weighted", "")))
        self.widest = max(sheet.width_of(cell) for _, cells in self.blocks for row in cells.values() for cell in row.values())
        self.left = self.widest / 2 + 0.15
        if not self.stacked:
            self.left = max([self.left] + [0.46 + sheet.width_of(label) + 0.12 + self.widest / 2 for label in own.values()])
        self.heights = [sheet.block_height(self.labels[g]) + 0.05 + (line_height() if self.stacked else 0.0) for g in self.rows]
        self.height = len(self.blocks) * (line_height() + 0.14 + sum(self.heights))

    def _cells(self, column: str, event: str) -> dict[Any, dict[float, str]]:
        out = {}
        for group in self.rows:
            rows = self.at_risk[self.at_risk["by"] == group]
            # a sum of weights is no count of people: whole numbers are near enough
            text = [count(round(v) if isinstance(v, float) and v >= 100 else v) for v in rows[column]]
            if event in rows.columns:
                text = [f"{risk} ({count(number)})" for risk, number in zip(text, rows[event], strict=True)]
            out[group] = dict(zip(numbers(rows, "time", AT_RISK), text, strict=True))
        return out

    def draw(self, down: float, places: Mapping[float, float]) -> None:
        """places: inches from the left for each tick."""
        sheet = self.sheet
        for head, cells in self.blocks:
            sheet.text(0.1, down, head, weight="bold", va="top")
            down += line_height() + 0.06
            for group, height in zip(self.rows, self.heights, strict=True):
                label_height = sheet.block_height(self.labels[group])
                name = down + label_height / 2 + (0.0 if self.stacked else 0.025)
                middle = down + label_height + line_height() / 2 if self.stacked else name
                if group in self.styles:
                    sheet.line([0.1, 0.38], [name, name], **{**self.styles[group], "linewidth": 1.4})
                sheet.text(0.46 if group in self.styles else 0.1, name, self.labels[group])
                for tick, x in places.items():
                    sheet.text(x, middle, cells[group].get(tick, "–"), ha="center", color=INK, gid="at-risk")
                down += height
            down += 0.08


def round_times(first: float, last: float, unit: str) -> list[float]:
    """At most nine round times from ``first`` to ``last``: parts or multiples of a year where the unit is months."""
    if unit == "months":
        for step in _MONTHS:
            if (last - first) / step <= 8:
                return [float(step * k) for k in range(math.ceil(first / step), math.floor(last / step + 1e-9) + 1)]
    from matplotlib.ticker import MaxNLocator

    return [float(t) for t in MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(first, last) if first <= t <= last]


def ticks_under(table: RiskTable | None, first: float, last: float, width: float, unit: str) -> list[float]:
    """The table's times, every second or third of them when the cells would touch; round times without a table."""
    if table is None:
        return round_times(first, last, unit) or [first]
    times = sorted(set(numbers(table.at_risk, "time", AT_RISK)))
    wide = table.widest + 0.1
    span = max(last, times[-1]) - first
    for every in range(1, len(times) + 1):
        chosen = times[::every]
        if len(chosen) < 2 or min(np.diff(chosen)) / span * width >= wide:
            return chosen
    return times[:1]


@dataclass(frozen=True)
class CurvePage:
    """Everything that one page of curves needs; `draw` returns the figure.

    steps: per group time, estimate, ci_low, ci_high; missing: per group without numbers the reason;
    begin: where all curves begin (a value above 0 shades the time before it); words: a line in grey above;
    y_from: where the vertical axis begins; means: numbers per person, not proportions.
    """

    steps: Mapping[Any, pd.DataFrame]
    labels: Mapping[Any, str]
    missing: Mapping[Any, str]
    at_risk: pd.DataFrame | None
    rising: bool
    begin: float
    words: str
    time_unit: str
    time_label: str
    y_label: str
    title: str | None
    y_from: float
    means: bool = False

    def draw(self) -> Any:
        sheet = Sheet()
        styles = {group: {**series_style(i), "marker": ""} for i, group in enumerate(self.steps)}
        table = RiskTable(sheet, self.at_risk, self.labels, styles) if self.at_risk is not None else None
        left, right = 0.75, 0.25
        if table is not None:
            left, right = max(left, table.left), max(right, table.widest / 2 + 0.05)
        width = page_width() - left - right
        keys = [Key(self.labels[g] + (f" ({self.missing[g]})" if g in self.missing else ""), "line", styles[g]) for g in self.steps]
        several = len(keys) > 1 or self.title is None
        head = Head(sheet, self.title, keys if several else [], left=left, words=self.words)
        top, under = head.height, 0.62
        sheet.set_height(top + PLOT_HEIGHT + under + (table.height if table is not None else 0.0))
        head.draw()
        axes = sheet.axes(left, top, width, PLOT_HEIGHT)
        self._curves(axes, styles)
        last = max(float(step["time"].max()) for step in self.steps.values())
        first = min([0.0] + [float(step["time"].min()) for step in self.steps.values()])
        ticks = ticks_under(table, first, last, width, self.time_unit)
        end = max(last, max(ticks)) * 1.005
        axes.set_xlim(first, end)
        shown = ticks
        if self.begin > first:
            shown = [first, *ticks] if (ticks[0] - first) / (end - first) * width > 0.4 else ticks
            axes.axvspan(first, self.begin, color=PALE, linewidth=0, zorder=0.5)
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
        sheet.text(left + width / 2, top + PLOT_HEIGHT + 0.36, self.time_label, size=BODY, ha="center")
        axes.set_ylabel(sheet.wrap(self.y_label, PLOT_HEIGHT, BODY), labelpad=6)
        axes.yaxis.set_label_coords(-0.5 / width, 0.5)
        if len(self.missing) == len(self.steps):
            axes.text(0.5, 0.5, next(iter(self.missing.values())), transform=axes.transAxes, ha="center", va="center", color=GREY)
        if table is not None:
            table.draw(top + PLOT_HEIGHT + under, {tick: left + width * (tick - first) / (end - first) for tick in ticks})
        return sheet.figure

    def _curves(self, axes: Any, styles: Mapping[Any, dict[str, Any]]) -> None:
        high = 0.0
        for group, step in self.steps.items():
            axes.step(step["time"], step["estimate"], where="post", **styles[group])
            if np.isfinite(step["ci_low"]).any():
                colour = styles[group]["color"]
                axes.fill_between(step["time"], step["ci_low"], step["ci_high"], step="post", color=colour, alpha=0.16, linewidth=0)
                # thin edges keep overlapping bands apart in grey
                for edge in ("ci_low", "ci_high"):
                    axes.step(step["time"], step[edge], where="post", color=colour, linewidth=0.5, alpha=0.55, gid="edge")
            high = max([high, *step["estimate"].dropna(), *(step["ci_high"].dropna() if self.rising else ())])
        if self.means:
            axes.set_ylim(0.0, max(1.06 * high, 1e-3))
            axes.grid(axis="y", color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
            return
        percent_axis(axes, 1.0 if not self.rising else min(1.0, max(0.05, float(np.ceil(high * 1.08 * 20) / 20))), self.y_from)
