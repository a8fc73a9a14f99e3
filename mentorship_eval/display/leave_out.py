"""Leave one department out: how far the estimate rests on any one of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.forest_axis import OVERALL, value_axis, whisker
from mentorship_eval.display.frames import check_columns, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.labels import spread
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, PALE, house_style, narrowed, page_width, series_style
from mentorship_eval.display.words import enumerate_words, interval, lower_first, people, percent, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["leave_one_out"]

_WHAT = "leave_one_out(rows)"
_EVERY = 30  # up to so many, each has its label
_LABEL_MOST, _TALLEST = 1.9, 6.2  # inches


@redrawn
def leave_one_out(
    rows: pd.DataFrame,
    *,
    overall: float = math.nan,
    overall_low: float = math.nan,
    overall_high: float = math.nan,
    value_label: str = "Hazard ratio",
    log: bool = True,
    digits: int = 2,
    left_out: str = "department",
    label_most: int = 6,
    anonymise: bool = False,
    share_largest: float = math.nan,
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "leave_one_out",
) -> Drawn:
    """One point per department left out, lowest estimate first; the estimate of all with its interval as a band.

    rows: label (a pseudonymous id), estimate without it; optional ci_low, ci_high (points alone where there are
        none), reason (why there is no estimate without it), n_events (a count of what is left out, which may be
        withheld; it is not drawn).
    overall, overall_low, overall_high: the estimate of everybody and its interval, on the scale of the estimates.
    left_out: what is left out, in the singular. label_most: with more than 30 rows only so many are labelled, those
        that move the estimate most. anonymise: labels are ranks by that movement, ids appear nowhere on the page.
    share_largest: share of the variance that the largest contributes (0 to 1), for the caption.

    Raises `UsageError` for a frame without rows or columns, and for ratios at or below zero.
    """
    rows = check_columns(rows, ("label", "estimate"), _WHAT)
    value = numbers(rows, "estimate", _WHAT)
    if log and ((value <= 0).any() or overall <= 0):
        raise UsageError(
            f"{_WHAT}: ratios at or below zero.",
            fix="Give ratios, not their logarithms, or log=False.",
            rows=list(rows.index[value <= 0]),
        )
    centre = overall if math.isfinite(overall) else float(np.nanmedian(value)) if np.isfinite(value).any() else math.nan
    moved = np.abs(np.log(value / centre)) if log else np.abs(value - centre)
    rank = np.empty(len(rows), dtype=int)
    rank[np.argsort(-np.nan_to_num(moved, nan=-1.0), kind="stable")] = np.arange(len(rows))
    labels = [f"{left_out} {place + 1}" for place in rank] if anonymise else [str(label) for label in rows["label"]]
    order = [int(i) for i in np.argsort(np.nan_to_num(value, nan=np.inf), kind="stable") if math.isfinite(value[i])]
    chosen = {i for i in order if len(order) <= _EVERY or rank[i] < label_most}
    low, high = (numbers(rows, column, _WHAT) for column in ("ci_low", "ci_high"))
    with house_style():
        page = _Page(value, low, high, labels, order, chosen, (overall, overall_low, overall_high), value_label, log, digits, ci_level)
        figure = page.draw(title, left_out)
    data = rows.assign(label=labels) if anonymise else rows
    gone = [i for i in range(len(rows)) if not math.isfinite(value[i])]
    without = ""
    if gone:
        reasons = sorted({reason_of(rows.iloc[i]) for i in gone})
        who = "" if len(gone) > 6 else f" ({enumerate_words(labels[i] for i in gone)})"
        without = f"No estimate without {plural(len(gone), left_out)}{who}: {enumerate_words(reasons)}"
    span = ""
    if len(order) > 1:
        ends = [format_number(value[order[k]], digits) for k in (0, -1)]
        span = f"Without one {left_out} the estimate lies between {ends[0]} and {ends[1]}"
    whole = f"All together: {interval(overall, overall_low, overall_high, ci_level, digits=digits)}" if math.isfinite(overall) else ""
    share = "" if math.isnan(share_largest) else f"The largest {left_out} contributes {percent(share_largest)} of the variance"
    caption = sentence(
        title,
        f"{value_label} with each of {plural(len(rows), left_out)} left out in turn, {'logarithmic axis, ' if log else ''}sorted",
        _reference_words(overall, overall_low, overall_high, ci_level),
        f"Labelled: the {len(chosen)} that move it most" if len(chosen) < len(order) else "",
        method,
        people(n, n_events, unit=unit),
        span,
        share,
        without,
        note,
    )
    first = sorted(chosen, key=lambda i: rank[i])[:label_most]
    alt = sentence(
        f"{plural(len(order), 'point')}: {lower_first(value_label)} without each {left_out}", whole, span,
        *[f"Without {labels[i]}: {interval(value[i], low[i], high[i], ci_level, digits=digits)}" for i in first], share, without,
    )  # fmt: skip
    return Drawn(figure, caption, alt, {"rows": data}, name)


def _reference_words(overall: float, low: float, high: float, ci_level: float) -> str:
    if not math.isfinite(overall):
        return ""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "Dashed line: the estimate of all"
    return f"Dashed line and band: the estimate of all with its {ci_level * 100:g} % confidence interval"


class _Page:
    """Labels in the left margin, joined to their points; numbers of the labelled rows at the right."""

    def __init__(
        self, value: np.ndarray, low: np.ndarray, high: np.ndarray, labels: list[str], order: list[int], chosen: set[int],
        overall: tuple[float, float, float], value_label: str, log: bool, digits: int, ci_level: float,
    ) -> None:  # fmt: skip
        self.value, self.low, self.high, self.labels = value, low, high, labels
        self.order, self.chosen, self.overall = order, chosen, overall
        self.value_label, self.log, self.digits, self.ci_level = value_label, log, digits, ci_level

    def number(self, i: int) -> str:
        text = format_number(self.value[i], self.digits)
        if math.isnan(self.low[i]) or math.isnan(self.high[i]):
            return text
        return f"{text} ({format_number(self.low[i], self.digits)} to {format_number(self.high[i], self.digits)})"

    def draw(self, title: str | None, left_out: str) -> Any:
        sheet = Sheet()
        colour = series_style(0)["color"]
        keys = [Key(f"without one {left_out}", "marker", {"marker": "o", "markersize": 4, "color": colour})]
        if math.isfinite(self.overall[0]):
            ends = [end for end in self.overall[1:] if math.isfinite(end)]
            keys.append(Key(f"all together {format_number(self.overall[0], self.digits)}", "line", OVERALL))
            if len(ends) == 2:
                keys.append(Key(f"its {self.ci_level * 100:g} % CI", "fill", {"facecolor": PALE, "edgecolor": GREY, "linewidth": 0.5}))
        every = len(self.chosen) == len(self.order)
        written = {i: sheet.wrap(self.labels[i], narrowed(_LABEL_MOST)) for i in self.chosen}
        texts = {i: self.number(i) for i in self.chosen}
        interval_head = f" ({self.ci_level * 100:g} % CI)" if any("(" in text for text in texts.values()) else ""
        head_text = sheet.wrap(f"{self.value_label}{interval_head}", narrowed(1.7), weight="bold")
        tall = {i: max(sheet.block_height(written[i]), line_height()) + 0.03 for i in self.chosen}
        pitch = [max(tall[i], 0.2) if every else _TALLEST / max(len(self.order), 60) for i in self.order]
        height = max(sum(pitch) + 0.1, sum(tall.values()) + 0.1, 0.6)
        left = 0.1 + max([sheet.width_of(text) for text in written.values()], default=0.4) + (0.2 if every else 0.4)
        gap = 0.2 if every else 0.5  # room for the lines that join a point to its number
        number_x = page_width() - 0.1 - max([sheet.width_of(head_text, weight="bold"), *[sheet.width_of(text) for text in texts.values()]])
        width = number_x - gap - left
        head = Head(sheet, title, keys)
        top = head.height + sheet.block_height(head_text) + 0.1
        sheet.set_height(top + height + 0.62)
        head.draw()
        middles = dict(zip(self.order, (np.cumsum(pitch) - np.array(pitch) / 2 + (height - sum(pitch)) / 2).tolist(), strict=True))
        sheet.text(0.1, top - 0.08, "Left out", va="bottom", weight="bold")
        sheet.text(number_x, top - 0.08, head_text, va="bottom", weight="bold")
        sheet.line([0.1, page_width() - 0.1], [top - 0.04] * 2, color=GREY, linewidth=0.7)
        named = [i for i in self.order if i in self.chosen]
        places = spread([middles[i] for i in named], [tall[i] for i in named], 0.0, height)
        for i, place in zip(named, places, strict=True):
            sheet.text(left - 0.1 if every else left - 0.3, top + place, written[i], ha="right", gid="label")
            sheet.text(number_x, top + place, texts[i], gid="number")
            if every:
                continue
            style = {"color": "#a0a0a0", "linewidth": 0.6}
            sheet.line([left - 0.26, left - 0.2, left - 0.05, left], [top + d for d in (place, place, middles[i], middles[i])], **style)
            x = left + width
            sheet.line([x, x + 0.05, number_x - 0.1, number_x - 0.04], [top + d for d in (middles[i], middles[i], place, place)], **style)
        self.axis(sheet.axes(left, top, width, height), middles, height, width, colour)
        scale = f"{self.value_label}{' (log scale)' if self.log else ''}"
        sheet.text(left + width / 2, top + height + 0.38, scale, size=BODY, ha="center")
        return sheet.figure

    def axis(self, axes: Any, middles: dict[int, float], height: float, width: float, colour: str) -> None:
        axes.set_ylim(height, 0)
        points = self.value[np.isfinite(self.value)]
        ends = np.array([end for end in self.overall[1:] if math.isfinite(end)])
        low, high = np.append(self.low, self.overall[1]), np.append(self.high, self.overall[2])
        reach = value_axis(axes, np.append(points, ends), low, high, log=self.log, overall=self.overall[0], width=width)
        if len(ends) == 2:
            axes.axvspan(ends[0], ends[1], facecolor=PALE, linewidth=0, zorder=0.3)
            for end in ends:
                axes.axvline(end, color=GREY, linewidth=0.5, zorder=0.4)
        size = 4.2 if len(middles) <= _EVERY else 2.6
        for i, middle in middles.items():
            # a wall of intervals would hide the points: pale where there are many
            line = {"linewidth": 1.2} if size > 3 else {"linewidth": 0.8, "color": "#a9c4d9", "zorder": 1.2}
            whisker(axes, middle, (self.low[i], self.high[i]), self.value[i], reach, colour, **line)
            labelled = i in self.chosen and len(self.chosen) < len(middles)
            face = {"color": INK, "markersize": size + 1.4} if labelled else {"color": colour, "markersize": size}
            axes.plot([self.value[i]], [middle], marker="o", linestyle="none", zorder=5 if labelled else 4, **face)
        if not middles:
            axes.text(0.5, 0.5, "not shown", transform=axes.transAxes, ha="center", va="center", color=GREY)
