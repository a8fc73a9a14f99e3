"""The page of a breakdown plot: the curve, and over it in words where it turns and what was seen, joined to their places."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mentorship_eval.display.head import Head
from mentorship_eval.display.scales import limits, set_ratio_axis
from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.style import BODY, GREY, INK, page_width, series_style
from mentorship_eval.display.violations_frame import Curve

__all__ = ["Mark", "Page"]

_HEIGHT, _LEFT, _BRACKET = 2.8, 0.8, 0.14
_PAST = 0.6  # how far what was seen may widen the axis beyond the curve, as a share of the curve's length
_APART, _INCLUDES, _LINE = "#8fbfe0", "#e3e3e3", series_style(0)["color"]


@dataclass(frozen=True)
class Mark:
    """A place on the axis of violations with its words; kind: ``interval``, ``estimate`` or ``seen``."""

    kind: str
    at: float
    words: str


@dataclass(frozen=True)
class _Placed:
    """A mark at ``across`` inches, its words to the right or left of it, their top ``down`` inches below the first."""

    mark: Mark
    across: float
    text: str
    right: bool
    down: float


class Page:
    def __init__(self, read: Curve, marks: list[Mark], violation_label: str, value_label: str, reason: str) -> None:
        self.read, self.marks = read, marks
        self.violation_label, self.value_label, self.reason = violation_label, value_label, reason
        self.width = page_width() - _LEFT - 0.2
        self.first, self.last = self._span()

    def _span(self) -> tuple[float, float]:
        """Ends of the axis of violations: the curve and the marks, and what was seen as far as that leaves the curve readable."""
        first, last = float(self.read.violation.min()), float(self.read.violation.max())
        room = _PAST * (last - first) or 1.0
        wide = [value for value in self.read.seen if math.isfinite(value)]
        near = [first, last, *[mark.at for mark in self.marks if mark.kind != "seen"]]
        first = min(*near, max(min([first, *wide]), first - room))
        last = max(*near, min(max([last, *wide]), last + room))
        edge = 0.03 * (last - first) or 1.0
        # a size without a sign begins at none, where the axis does
        return (0.0 if first == 0 else first - edge), last + edge

    def across(self, violation: float) -> float:
        return _LEFT + self.width * (min(max(violation, self.first), self.last) - self.first) / (self.last - self.first)

    def draw(self, title: str | None) -> Any:
        sheet = Sheet()
        head = Head(sheet, title, (), left=_LEFT)
        placed = _stairs(sheet, [(mark, self.across(mark.at)) for mark in self.marks])
        tall = max((each.down + sheet.block_height(each.text) for each in placed), default=0.0)
        top = head.height + tall + (_BRACKET if placed else 0.0)
        reason = sheet.wrap(self.reason[:1].upper() + self.reason[1:], page_width() - _LEFT - 0.2) if self.reason else ""
        sheet.set_height(top + _HEIGHT + 0.55 + (sheet.block_height(reason) + 0.06 if reason else 0.0))
        head.draw()
        axes = sheet.axes(_LEFT, top, self.width, _HEIGHT)
        self._axes(sheet, axes)
        self._curve(axes)
        self._seen(axes)
        self._marks(sheet, axes, placed, head.height, top)
        label = sheet.wrap(self.violation_label, self.width, BODY)
        sheet.text(_LEFT + self.width / 2, top + _HEIGHT + 0.4, label, size=BODY, ha="center")
        if reason:
            sheet.text(_LEFT, top + _HEIGHT + 0.56, reason, va="top", gid="reason")
        return sheet.figure

    def _axes(self, sheet: Sheet, axes: Any) -> None:
        read = self.read
        low, high = (np.where(np.isfinite(end), end, np.nan) for end in (read.low, read.high))
        first, last = limits(read.value, low, high, log=read.log, reference=read.null, reach=1.5)
        if read.log:
            set_ratio_axis(axes.yaxis, first, last, 8)
        axes.set_ylim(first, last)
        axes.set_xlim(self.first, self.last)
        axes.axhline(read.null, color=GREY, linewidth=1.1, zorder=2)
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_ylabel(sheet.wrap(f"{self.value_label}{' (log scale)' if read.log else ''}", _HEIGHT, BODY))
        axes.yaxis.set_label_coords(-0.55 / self.width, 0.5)
        axes.xaxis.set_major_formatter(lambda value, _: f"{round(value, 9):g}".replace("-", "−"))
        if not read.known.any():
            text = sheet.wrap(read.reason, self.width - 0.6, BODY)
            axes.text(0.5, 0.75, text, transform=axes.transAxes, ha="center", va="center", color=INK,
                bbox={"facecolor": "white", "edgecolor": "none"}, zorder=6)  # fmt: skip

    def _curve(self, axes: Any) -> None:
        read = self.read
        at, low, high = read.fine()
        if len(at):
            apart = (low >= read.null * (1 - 1e-12)) | (high <= read.null * (1 + 1e-12)) if read.log else (low >= 0) | (high <= 0)
            axes.fill_between(at, low, high, color=_INCLUDES, linewidth=0, zorder=1)
            axes.fill_between(at, low, high, where=apart, color=_APART, linewidth=0, zorder=1.1)
            for edge in (low, high):
                axes.plot(at, edge, color=_LINE, linewidth=0.7, zorder=2.2)
        axes.plot(read.violation, read.value, color=_LINE, linewidth=1.8, zorder=3)
        i = read.start
        if read.violation[i] == 0 and math.isfinite(read.low[i]):
            axes.plot([0, 0], [read.low[i], read.high[i]], color=_LINE, linewidth=1.6, zorder=3, solid_capstyle="butt")
        if read.violation[i] == 0 and math.isfinite(read.value[i]):
            axes.plot([0], [read.value[i]], marker="o", markersize=6.5, color=_LINE, markeredgecolor="white", zorder=4, clip_on=False, gid="without")

    def _seen(self, axes: Any) -> None:
        low, high = self.read.seen[1:]
        if math.isfinite(low) or math.isfinite(high):
            ends = [low if math.isfinite(low) else self.first, high if math.isfinite(high) else self.last]
            span = [min(max(end, self.first), self.last) for end in ends]
            axes.axvspan(*span, facecolor="none", edgecolor="#00000026", hatch="////", linewidth=0, zorder=1.6)
            for end in ends:
                if self.first < end < self.last:
                    axes.axvline(end, color=GREY, linewidth=0.8, linestyle=(0, (1.2, 1.6)), zorder=2)

    def _marks(self, sheet: Sheet, axes: Any, placed: list[_Placed], start: float, top: float) -> None:
        """Words over the plot with a line from each to its place on the curve; a bracket for what was seen."""
        dashes: dict[str, Any] = {"interval": "-", "estimate": (0, (4, 2)), "seen": (0, (1.2, 1.6))}
        marker: dict[str, dict[str, Any]] = {"interval": {"marker": "o"}, "estimate": {"marker": "D", "markerfacecolor": "white"}}
        low, high = axes.get_ylim()
        for each in placed:
            kind, at = each.mark.kind, each.mark.at
            sheet.line([each.across, each.across], [start + each.down + 0.02, top - (0.07 if kind == "seen" else 0)], color=INK, linewidth=0.9)
            shift, weight = 0.06 if each.right else -0.06, "bold" if kind == "interval" else "normal"
            sheet.text(each.across + shift, start + each.down, each.text, ha="left" if each.right else "right", va="top", weight=weight, gid="mark")
            if kind == "seen":
                self._bracket(sheet, each.across, top - 0.07)
            else:
                axes.plot([at, at], [self.read.null, high], color=INK, linewidth=1.1, linestyle=dashes[kind], zorder=3.5)
                axes.plot([at], [self.read.null], color=INK, markersize=6.5, linestyle="none", zorder=5, gid=kind, **marker[kind])
            if kind == "seen" and math.isnan(self.read.seen[1]) and math.isnan(self.read.seen[2]):
                axes.plot([at, at], [low, high], color=INK, linewidth=1.1, linestyle=dashes[kind], zorder=2.5)

    def _bracket(self, sheet: Sheet, across: float, down: float) -> None:
        """The interval of what was seen along the top of the plot, an arrow where it goes on beyond the axis."""
        _, low, high = self.read.seen
        if math.isnan(low) and math.isnan(high):
            sheet.line([across, across], [down, down + 0.07], color=INK, linewidth=0.9)
            return
        ends = [self.first if math.isnan(low) else low, self.last if math.isnan(high) else high]
        places = [self.across(end) for end in ends]
        sheet.line(places, [down, down], color=INK, linewidth=0.9)
        for place, end, inside, arrow in zip(places, ends, (ends[0] >= self.first, ends[1] <= self.last), ("<", ">"), strict=True):
            if inside and math.isfinite(end):
                sheet.line([place, place], [down, down + 0.06], color=INK, linewidth=0.9)
            else:
                sheet.line([place], [down], color=INK, marker=arrow, markersize=5, linestyle="none", gid="arrow")


def _stairs(sheet: Sheet, marks: list[tuple[Mark, float]]) -> list[_Placed]:
    """Each mark's words on lines of their own, right or left of its place, so that no line down to the plot crosses words below.

    There are few marks, so that all orders and sides are tried and the lowest stack without a crossing is taken.
    """
    best: tuple[float, list[_Placed]] = (math.inf, [])
    for order in itertools.permutations(marks):
        for sides in itertools.product((True, False), repeat=len(order)):
            down, cost, placed = 0.0, 0.0, []
            above: list[float] = []
            for (mark, across), right in zip(order, sides, strict=True):
                room = min((page_width() - 0.1 - across if right else across - 0.1) - 0.06, 3.6)
                if room < 0.9:
                    cost += 100
                text = sheet.wrap(mark.words, max(room, 0.9))
                wide = sheet.width_of(text, weight="bold") + 0.12
                span = (across, across + wide) if right else (across - wide, across)
                cost += 10 * sum(span[0] + 0.01 < line < span[1] - 0.01 for line in above)
                placed.append(_Placed(mark, across, text, right, down))
                down += sheet.block_height(text) + 0.05
                above.append(across)
            # of equal stacks the one with words to the right
            if (cost := cost + down + 0.001 * sum(not right for right in sides)) < best[0] - 1e-9:
                best = cost, placed
    return best[1]
