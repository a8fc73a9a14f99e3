"""Power against the rate ratio, with the smallest ratios that a design detects marked where they are read off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.head import Head
from mentorship_eval.display.power_frames import Curve, read_curves
from mentorship_eval.display.scales import set_ratio_axis
from mentorship_eval.display.sheet import Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, house_style, narrowed, page_width, series_style
from mentorship_eval.display.words import percent, sentence
from mentorship_eval.estimate import format_number

__all__ = ["power_curve"]

_HEIGHT = 3.0
_SETTLED = 0.995  # where every curve lies above this the axis may end


@redrawn
def power_curve(
    curves: pd.DataFrame,
    detectable: pd.DataFrame | None = None,
    *,
    target: float = 0.8,
    alpha: float = 0.05,
    value_label: str = "Rate ratio",
    title: str | None = None,
    method: str = "",
    note: str = "",
    name: str = "power_curve",
) -> Drawn:
    """Power over ratios on a logarithmic axis, for one design or up to five that are compared.

    curves: ratio, power, ci_low, ci_high (Monte-Carlo limits); optional label (one curve for each), reason (for a curve
        without numbers). The row with ratio 1 is the size of the test.
    detectable: ratio, mc_low, mc_high: where a curve reaches ``target``; label when there are several curves. Rows without
        a ratio are left out. None: nothing is marked.

    Raises `UsageError` for frames without rows or columns, ratios at or below zero, shares outside 0 to 1, more than five
    curves, and marks of a curve that is not there.
    """
    made = read_curves(curves, detectable)
    with house_style():
        figure = _draw(made, target, alpha, value_label, title)
    many = len(made) > 1
    caption = sentence(
        title,
        f"Power of the two-sided test at {percent(alpha, 0)} against the {value_label[:1].lower()}{value_label[1:]}, by simulation; "
        "bands and figures in brackets are 95 % Monte-Carlo intervals",
        f"Marked: the ratios at which power reaches {percent(target, 0)}" if any(curve.marks for curve in made) else "",
        "At ratio 1 there is no effect, and the curve is the size of the test",
        method,
        "Power at ratios chosen beforehand; at an observed ratio it would only restate the p-value",
        note,
    )
    alt = sentence(f"{'Curves' if many else 'Curve'} of power over ratios", *[_say(curve, many, target, alpha) for curve in made])
    frames = {"curves": curves.reset_index(drop=True)} | ({} if detectable is None else {"detectable": detectable.reset_index(drop=True)})
    return Drawn(figure, caption, alt, frames, name)


def _say(curve: Curve, many: bool, target: float, alpha: float) -> str:
    head = f"{curve.label}: " if many else ""
    if curve.reason:
        return f"{head}{curve.reason}"
    parts = []
    for ratio, low, high in curve.marks:
        interval = f" (Monte-Carlo interval {format_number(low)} to {format_number(high)})" if math.isfinite(low) else ""
        parts.append(f"{format_number(ratio)} or {'lower' if ratio < 1 else 'higher'}{interval}")
    text = f"power reaches {percent(target, 0)} at {'; '.join(parts)}" if parts else f"power reaches {percent(target, 0)} at no ratio shown"
    shown = np.flatnonzero(np.isfinite(curve.power))
    ends = [f"{percent(curve.power[k], 0)} at {format_number(curve.ratio[k])}" for k in (shown[0], shown[-1])]
    text += f"; power {', '.join(dict.fromkeys(ends))}"
    return head + text + (f"; size {percent(curve.size)} where {percent(alpha, 0)} is nominal" if math.isfinite(curve.size) else "")


def _span(made: list[Curve]) -> tuple[float, float]:
    """Ends of the axis: all ratios, less the far ends where every curve has settled near 1; marks stay inside."""
    ratio = np.unique(np.concatenate([curve.ratio for curve in made]))
    first, last = float(ratio.min()), float(ratio.max())
    settled = np.array([
        all(not np.isfinite(curve.power).any() or np.interp(np.log(x), np.log(curve.ratio), np.nan_to_num(curve.power)) >= _SETTLED for curve in made)
        for x in ratio
    ])
    moving = np.flatnonzero(~settled)
    if len(moving):
        first, last = float(ratio[max(moving[0] - 1, 0)]), float(ratio[min(moving[-1] + 1, len(ratio) - 1)])
    marks = [value for curve in made for mark in curve.marks for value in mark if math.isfinite(value)]
    first, last = min([first, 1.0, *marks]), max([last, 1.0, *marks])
    edge = 0.03 * math.log(last / first) or 0.1
    return first * math.exp(-edge), last * math.exp(edge)


class _Frame:
    """Where a ratio and a share stand on the page, in inches."""

    def __init__(self, left: float, width: float, first: float, last: float) -> None:
        self.left, self.width, self.top = left, width, 0.0
        self.first, self.last = first, last

    def across(self, ratio: Any) -> Any:
        return self.left + self.width * np.log(ratio / self.first) / math.log(self.last / self.first)

    def down(self, share: float) -> float:
        return self.top + _HEIGHT * (1 - share / 1.02)


def _level_words(made: list[Curve], alpha: float) -> str:
    size = made[0].size if len(made) == 1 else math.nan
    return f"Dotted: nominal level {percent(alpha, 0)}" + (f"; without effect the test rejects in {percent(size)}." if math.isfinite(size) else ".")


def _draw(made: list[Curve], target: float, alpha: float, value_label: str, title: str | None) -> Any:
    sheet = Sheet()
    left, margin = 0.75, narrowed(1.9) if len(made) > 1 else 0.2
    frame = _Frame(left, page_width() - left - margin, *_span(made))
    head = Head(sheet, title, (), left=left, words=_level_words(made, alpha))
    frame.top = head.height + 0.06
    sheet.set_height(frame.top + _HEIGHT + 0.52)
    head.draw()
    axes = sheet.axes(left, frame.top, frame.width, _HEIGHT)
    set_ratio_axis(axes.xaxis, frame.first, frame.last, max(3, min(9, int(frame.width / 0.45))), max(1 / 16, 0.28 / frame.width))
    axes.set_xlim(frame.first, frame.last)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel("Power")
    axes.yaxis.set_label_coords(-0.55 / frame.width, 0.5)
    sheet.text(left + frame.width / 2, frame.top + _HEIGHT + 0.4, f"{value_label} (log scale)", size=BODY, ha="center")
    axes.axhline(target, color=INK, linewidth=0.9, zorder=2)
    axes.axhline(alpha, color=GREY, linewidth=0.9, linestyle=(0, (1.2, 1.6)), zorder=2)
    axes.axvline(1, color=GREY, linewidth=0.9, zorder=1)
    for k, curve in enumerate(made):
        _line(axes, curve, k, target)
    if len(made) > 1:
        _margin(sheet, made, left + frame.width, frame.top, margin)
    else:
        _mark_words(sheet, frame, made[0], target)
    return sheet.figure


def _line(axes: Any, curve: Curve, k: int, target: float) -> None:
    style = series_style(k)
    colour = style["color"]
    if curve.reason:
        return
    axes.fill_between(curve.ratio, curve.low, curve.high, color=colour, alpha=0.14, linewidth=0, zorder=1)
    axes.plot(curve.ratio, curve.power, color=colour, linestyle=style["linestyle"], linewidth=1.6, zorder=3)
    for ratio, _, _ in curve.marks:
        axes.plot([ratio, ratio], [0, target], color=colour, linewidth=0.7, linestyle=(0, (2, 2)), zorder=2)
        axes.plot([ratio], [target], linestyle="none", marker=style["marker"], markersize=6, color=colour, markeredgecolor="white",
            markeredgewidth=0.8, zorder=5)


def _mark_words(sheet: Sheet, frame: _Frame, curve: Curve, target: float) -> None:
    """The marked ratios of the one curve: under the line of the target outside the curve, or above that line inside it."""
    if curve.reason:
        text = sheet.wrap(curve.reason, frame.width - 0.6)
        sheet.text(frame.left + frame.width / 2, frame.top + _HEIGHT / 2, text, size=BODY, ha="center")
    for ratio, low, high in curve.marks:
        lower, at = ratio < 1, float(frame.across(ratio))
        text = f"{format_number(ratio)} or {'lower' if lower else 'higher'}"
        if math.isfinite(low) and math.isfinite(high):
            text += f"\n({format_number(low)} to {format_number(high)})"
        room = at - frame.left if lower else frame.left + frame.width - at
        outside = sheet.width_of(text) <= room - 0.16
        shift = -0.1 if lower == outside else 0.1
        down = frame.down(target) + (0.1 if outside else -0.06)
        sheet.text(at + shift, down, text, ha="right" if shift < 0 else "left", va="top" if outside else "bottom", gid="mark")


def _margin(sheet: Sheet, made: list[Curve], edge: float, top: float, margin: float) -> None:
    """Name, line, detected ratios and size of each curve beside the plot, those that rise first at the top."""
    area = [float(np.trapezoid(curve.power, np.log(curve.ratio))) if not curve.reason else -1.0 for curve in made]
    room = margin - 0.56
    down = top + 0.04
    for k in sorted(range(len(made)), key=lambda k: -area[k]):
        curve, style = made[k], series_style(k)
        name = sheet.wrap(curve.label, room, weight="bold")
        lines = [curve.reason] if curve.reason else (curve.detects() or "not reached").split("; ")
        if math.isfinite(curve.size):
            lines.append(f"size {percent(curve.size)}")
        text = "\n".join(sheet.wrap(line, room) for line in lines)
        at = down + line_height() / 2
        sheet.line([edge + 0.1, edge + 0.26, edge + 0.42], [at] * 3, color=style["color"], linestyle=style["linestyle"], linewidth=1.6,
            marker=style["marker"], markersize=5, markevery=[1])
        sheet.text(edge + 0.5, down, name, va="top", weight="bold")
        down += sheet.block_height(name)
        sheet.text(edge + 0.5, down, text, va="top")
        down += sheet.block_height(text) + 0.1
