"""The page of a control chart: panels in up to three columns, one alone with its lines named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mentorship_eval.display.control_layout import draw_panel, keys_for
from mentorship_eval.display.control_panel import Panel
from mentorship_eval.display.frames import Periods
from mentorship_eval.display.head import Head
from mentorship_eval.display.labels import spread
from mentorship_eval.display.sheet import Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, SMALL, page_width
from mentorship_eval.display.words import digits_for, lower_first, plural
from mentorship_eval.estimate import format_number

__all__ = ["Page", "own_scales"]


def own_scales(panels: list[Panel], own_axis: bool | None) -> bool:
    if own_axis is not None or len(panels) == 1:
        return bool(own_axis)
    tops = [panel.top() for panel in panels]
    return min(tops) <= 0 or max(tops) / min(tops) > 2.5


class Page:
    """Panels in up to three columns; one panel alone has its lines named at the right."""

    def __init__(
        self, panels: list[Panel], calendar: Periods, value_label: str, period_label: str, centre_label: str,
        floor: float | None, own_axis: bool | None,
    ) -> None:  # fmt: skip
        self.panels, self.calendar = panels, calendar
        self.value_label, self.period_label, self.centre_label = value_label, period_label, centre_label
        self.floor, self.own = floor, own_scales(panels, own_axis)
        places = np.concatenate([panel.places for panel in panels])
        self.ends = (float(places.min()), float(places.max()))

    def span(self, panels: list[Panel]) -> tuple[float, float]:
        top = max(panel.top() for panel in panels)
        bottom = self.floor if self.floor is not None else min(panel.bottom() for panel in panels)
        room = 0.07 * (top - bottom) or 1.0
        return (bottom if self.floor is not None else bottom - room), top + room

    def draw(self, title: str | None) -> Any:
        sheet, panels, alone = Sheet(), self.panels, len(self.panels) == 1
        self.sheet = sheet
        across = 1 if alone else 2 if len(panels) <= 4 else 3
        down = math.ceil(len(panels) / across)
        keys = keys_for(
            beyond=any(panel.beyond.any() for panel in panels), run=any(panel.run.any() for panel in panels),
            limits=any(panel.limited for panel in panels), projected=any(panel.projected for panel in panels),
            since=any(math.isfinite(panel.go_live) for panel in panels), open_=any(panel.open.any() for panel in panels),
            gaps=any(panel.gaps for panel in panels), crossings=any(panel.few_crossings for panel in panels), labelled=alone,
        )  # fmt: skip
        head = Head(sheet, title, keys, left=0.1)
        left, gap = 0.75, 0.45 if self.own else 0.2
        right = self._right_words() if alone else []
        margin = 0.15 + (max((sheet.width_of(text) for _, text in right), default=0.0) + 0.12 if right else 0.1)
        fit = max(1, int((page_width() - left - margin + gap) / 1.9))  # panels narrower than this cannot be read
        if across > fit:
            across, down = fit, math.ceil(len(panels) / fit)
        width = (page_width() - left - margin - gap * (across - 1)) / across
        height = 2.5 if alone else {1: 2.1, 2: 1.75, 3: 1.4}.get(down, 1.16)
        names = [(sheet.wrap(str(panel.group), width, SMALL, "bold"), sheet.wrap(self._second_line(panel), width)) for panel in panels]
        tall = [sum(sheet.block_height(text) for text in pair if text) for pair in names]
        tall_rows = [max(tall[row * across : (row + 1) * across]) for row in range(down)]
        below = 0.3
        reach = self._line_names(panels[0], width) if alone else []
        tops = [head.height + sum(tall_rows[:row]) + row * (height + 0.1 + below) for row in range(down)]
        foot = 0.06 if self.calendar.calendar else 0.18
        sheet.set_height(tops[-1] + tall_rows[-1] + 0.1 + height + below + foot)
        head.draw()
        if foot > 0.1:
            sheet.text(left + (page_width() - left - margin) / 2, sheet.height - 0.13, self.period_label, size=BODY, ha="center")
        shared = self.span(panels)
        for k, panel in enumerate(panels):
            row, column = divmod(k, across)
            x, y = left + column * (width + gap), tops[row]
            base = y + tall_rows[row]
            second = sheet.block_height(names[k][1]) if names[k][1] else 0.0
            sheet.text(x, base - second, names[k][0], va="bottom", weight="bold")
            for place, text, side in reach:
                sheet.text(x + place, base + 0.04, text, va="bottom", ha=side, gid="line-name")
            if names[k][1] and not reach:
                sheet.text(x, base, names[k][1], va="bottom", color=GREY)
            axes = sheet.axes(x, base + 0.1, width, height)
            low, high = self.span([panel]) if self.own else shared
            self._axes(axes, panel, low, high, width, height, bare=bool(column) and not self.own)
            if alone:
                self._beside(right, x + width, base + 0.1, height, (low, high))
        middle = (tops[0] + sheet.height) / 2
        sheet.text(0.16, middle, sheet.wrap(self.value_label, sheet.height - tops[0] - 0.1, BODY), size=BODY, rotation=90, ha="center")
        return sheet.figure

    def _second_line(self, panel: Panel) -> str:
        """When the programme began and how many signals there are, beneath the name of a panel."""
        parts = [text for place, text in self._lines(panel) if place == panel.go_live or len(self.panels) == 1]
        if not parts and any(math.isfinite(other.go_live) for other in self.panels):
            parts.append("never active")
        if not panel.limited:
            parts.append("no limits")
        elif panel.signals is not None:
            parts.append(plural(len(panel.signals), "signal") if len(panel.signals) else "no signal")
        return ", ".join(parts)

    def _axes(self, axes: Any, panel: Panel, low: float, high: float, width: float, height: float, *, bare: bool) -> None:
        many = len(panel.places) > 40 * width / 2
        draw_panel(
            axes, panel.places, panel.value, panel.centre, panel.lower, panel.upper, used=panel.used, phase=panel.phase,
            beyond=panel.beyond, run=panel.run, open_=panel.open, few_crossings=list(panel.few_crossings), go_live=panel.go_live,
            changes=[place for place, _ in panel.changes], ends=self.ends, top=high, bottom=low, size=1.8 if many else 2.6 if width < 3 else 3.4,
        )  # fmt: skip
        first, last = self.ends if self.ends[1] > self.ends[0] else (self.ends[0] - 0.5, self.ends[1] + 0.5)
        axes.set_xlim(first - 0.5, last + 0.5)
        axes.set_ylim(low, high)
        ticks = self.calendar.ticks(first, last, max(2, int(width / 0.75)))
        axes.set_xticks(ticks, self.calendar.tick_labels(ticks))
        axes.locator_params(axis="y", nbins=max(3, int(height / 0.36)))
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        if bare:
            axes.set_yticklabels([])
        if not np.isfinite(panel.value).any():
            axes.text(0.5, 0.5, "not shown", transform=axes.transAxes, ha="center", va="center", color=GREY)

    def _right_words(self) -> list[tuple[float, str]]:
        """What stands beside the last period of a single panel: level and name of centre line and limits."""
        panel = self.panels[0]
        digits = digits_for([*panel.value, *panel.centre])
        out = []
        for level, text in ((panel.lower, "lower limit"), (panel.centre, self.centre_label), (panel.upper, "upper limit")):
            known = np.flatnonzero(np.isfinite(level))
            # a limit at the lowest value there can be limits nothing
            if len(known) and not (level is panel.lower and self.floor is not None and level[known[-1]] <= self.floor):
                last = float(level[known[-1]])
                out.append((last, f"{text} {format_number(last, digits)}"))
        return out

    def _beside(self, words: list[tuple[float, str]], x: float, y: float, height: float, span: tuple[float, float]) -> None:
        if not words:
            return
        low, high = span
        wanted = sorted((height * (high - min(max(level, low), high)) / (high - low), text) for level, text in words)
        places = spread([place for place, _ in wanted], [line_height()] * len(wanted), -0.05, height + 0.05)
        for place, (_, text) in zip(places, wanted, strict=True):
            self.sheet.text(x + 0.08, y + place, text, gid="line-name")

    def label(self, place: float) -> str:
        """A period in words: a month, or ``event 12``."""
        return self.calendar.label(place) if self.calendar.calendar else f"{lower_first(self.period_label)} {self.calendar.label(place)}"

    def _lines(self, panel: Panel) -> list[tuple[float, str]]:
        live = [(panel.go_live, f"go-live {self.label(panel.go_live)}")] if math.isfinite(panel.go_live) else []
        return sorted([*live, *((place, f"{label} {self.label(place)}") for place, label in panel.changes)])

    def _line_names(self, panel: Panel, width: float) -> list[tuple[float, str, str]]:
        """Where the names of vertical lines stand above the axes (inches, words, alignment); none when they would touch."""
        first, last = self.ends
        out, taken = [], 0.0
        for place, text in self._lines(panel):
            at, need = width * (place - first) / (last - first + 1), self.sheet.width_of(text)
            starts = [(at, "left"), (at - need, "right")]
            fit = next(((start, side) for start, side in starts if start >= taken and start + need <= width), None)
            if fit is None:
                return []
            out.append((at, text, fit[1]))
            taken = fit[0] + need + 0.12
        return out
