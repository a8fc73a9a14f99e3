"""Event study: the effect by time since the programme began, with the placebo periods before it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers
from mentorship_eval.display.scales import limits, set_ratio_axis
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, INK, house_style, page_width, series_style
from mentorship_eval.display.words import interval, lower_first, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["event_study"]

_WHAT = "event_study(rows)"
_MOST_BARS = 36  # beyond this, whiskers become shaded ribbons
_BEFORE, _AFTER = "#949494", series_style(0)["color"]


@redrawn
def event_study(
    rows: pd.DataFrame,
    *,
    base: str | int,
    time_unit: str = "month",
    value_label: str = "Rate ratio",
    log: bool = True,
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    note: str = "",
    name: str = "event_study",
) -> Drawn:
    """Points by event time: open before the programme, filled since, with intervals and a simultaneous band.

    rows: event_time (whole; 0 is the first active period), ratio (or estimate), ci_low, ci_high;
        optional band_low, band_high. NaN leaves a gap.
    base: what the points are compared with, written in the figure: an event time (shown as an open
        diamond on the line), or words such as ``"all untreated periods, each left out in turn"``.
    log: False for differences, with the line at 0.
    """
    if isinstance(rows, pd.DataFrame) and "ratio" not in rows.columns and "estimate" in rows.columns:
        rows = rows.rename(columns={"estimate": "ratio"})
    rows = check_columns(rows, ("event_time", "ratio", "ci_low", "ci_high"), _WHAT)
    times = numbers(rows, "event_time", _WHAT)
    if np.isnan(times).any() or len(set(times)) < len(times):
        raise UsageError(f"{_WHAT}: an event time is missing or stands twice.", fix="Give one row per event time.")
    rows = rows.iloc[np.argsort(times)].reset_index(drop=True)
    value = numbers(rows, "ratio", _WHAT)
    if log and (value <= 0).any():
        raise UsageError(
            f"{_WHAT}: ratios at or below zero.", fix="Give ratios, not logarithms, or log=False.", rows=list(rows.index[value <= 0])
        )
    base_words = f"{time_unit} {_signed(base)}" if isinstance(base, (int, np.integer)) else str(base)
    stated = base_words if base_words.lower().startswith("no base") else f"Reference: {base_words}"
    with house_style():
        figure, cut = _draw(rows, base, stated, time_unit, value_label, log, ci_level, title)
    band = np.isfinite(numbers(rows, "band_low", _WHAT)).any()
    level = f"{ci_level * 100:g} %"
    bands = f" (dark) and a simultaneous {level} band (light)" if band else ""
    caption = sentence(
        title,
        f"{value_label} by {time_unit}s since the programme began, with {level} confidence intervals{bands}",
        f"Open circles: before the programme; filled squares: since. {stated}",
        method,
        people(n, n_events, unit="unit-periods"),
        "Intervals that leave the axis are cut at its edge" if cut else "",
        _beyond(rows, base, time_unit),
        note,
    )
    return Drawn(figure, caption, _alt(rows, stated, time_unit, value_label, log, ci_level), {"rows": rows}, name)


def _shown_span(times: np.ndarray, value: np.ndarray, base: Any) -> tuple[float, float]:
    """First and last event time with a number, or the base; all of them where there is none."""
    known = list(times[np.isfinite(value)])
    if not known:
        return float(times.min()), float(times.max())
    known += [float(base)] if isinstance(base, (int, np.integer)) and times.min() - 1 <= base <= times.max() + 1 else []
    return float(min(known)), float(max(known))


def _beyond(rows: pd.DataFrame, base: Any, unit: str) -> str:
    """Event times before the first and after the last with a number, which the axis leaves out."""
    times, value = numbers(rows, "event_time", _WHAT), numbers(rows, "ratio", _WHAT)
    first, last = _shown_span(times, value, base)
    ends = [part for part in (times[times < first], times[times > last]) if len(part)]
    spans = [_signed(part[0]) if len(part) == 1 else f"{_signed(part[0])} to {_signed(part[-1])}" for part in ends]
    return f"Without a number, and beyond the axis: {unit}{'s' if sum(map(len, ends)) > 1 else ''} {' and '.join(spans)}" if spans else ""


def _signed(number: float) -> str:
    return f"{number:g}".replace("-", "−")


def _alt(rows: pd.DataFrame, stated: str, unit: str, value_label: str, log: bool, ci_level: float) -> str:
    times, value, low, high = (numbers(rows, column, _WHAT) for column in ("event_time", "ratio", "ci_low", "ci_high"))
    reference = 1.0 if log else 0.0
    said = [f"Event study of {lower_first(value_label)}, {unit} {_signed(times[0])} to {_signed(times[-1])}, {lower_first(stated)}"]
    for words, part in (("before the programme", times < 0), ("since the programme began", times >= 0)):
        shown = part & np.isfinite(value)
        if not shown.any():
            said.append(f"No estimate {words}")
            continue
        outside = int(((low[shown] > reference) | (high[shown] < reference)).sum())
        span = f"{format_number(value[shown].min())} to {format_number(value[shown].max())}"
        text = f"{words}, {plural(int(shown.sum()), 'estimate')} from {span}"
        if np.isfinite(low[shown]).any():
            text += f"; the {ci_level * 100:g} % interval excludes {reference:g} in {outside}"
        said.append(text)
    after = list(np.flatnonzero((times >= 0) & np.isfinite(value)))
    picks = after if len(after) <= 4 else [after[0], after[len(after) // 3], after[2 * len(after) // 3], after[-1]]
    said += [f"{unit} {times[i]:g}: {interval(value[i], low[i], high[i], ci_level)}" for i in picks]
    return sentence(*said)


def _draw(
    rows: pd.DataFrame, base: Any, base_words: str, unit: str, value_label: str, log: bool, ci_level: float, title: str | None
) -> tuple[Any, bool]:
    sheet = Sheet()
    names = ("event_time", "ratio", "ci_low", "ci_high", "band_low", "band_high")
    times, value, low, high, band_low, band_high = (numbers(rows, column, _WHAT) for column in names)
    before, many, band = times < 0, len(rows) > _MOST_BARS, np.isfinite(band_low).any()
    size = 3.2 if many else 5.0
    marks = {True: {"marker": "o", "markerfacecolor": "white", "color": _BEFORE}, False: {"marker": "s", "color": _AFTER}}
    keys = []
    if (before & np.isfinite(value)).any():
        keys.append(Key("before the programme", "marker", {**marks[True], "markersize": 5, "markeredgewidth": 1.2}))
    keys.append(Key("since it began", "marker", {**marks[False], "markersize": 5}))
    if np.isfinite(low).any():
        keys.append(
            Key(
                f"{ci_level * 100:g} % CI",
                "fill" if many else "line",
                {"color": "#7faccf", "linewidth": 0} if many else {"color": _AFTER, "linewidth": 1.6},
            )
        )
    if band:
        keys.append(Key(f"simultaneous {ci_level * 100:g} % band", "fill", {"color": "#dfe9f0", "linewidth": 0}))
    left, width, height = 0.75, page_width() - 1.0, 2.9
    plan, legend = sheet.plan_legend(keys, width)
    title = sheet.wrap(title, page_width() - 0.3, BODY, "bold") if title else ""
    head = 0.08 + (sheet.block_height(title, BODY) + 0.04 if title else 0.0)
    base_words = sheet.wrap(base_words, width)
    top = head + legend + 0.1
    sheet.set_height(top + height + 0.58 + sheet.block_height(base_words) + 0.06)
    if title:
        sheet.text(0.1, 0.08, title, size=BODY, va="top", weight="bold")
    sheet.draw_legend(plan, left, head)
    axes = sheet.axes(left, top, width, height)
    reference = 1.0 if log else 0.0
    first, last = limits(value, low, high, log=log, reference=reference, reach=0.8)
    if log:
        set_ratio_axis(axes.yaxis, first, last, 8)
    axes.set_ylim(first, last)
    begin, end = _shown_span(times, value, base)
    axes.set_xlim(begin - 0.8, end + 0.8)
    axes.axhline(reference, color=GREY, linewidth=0.9, zorder=2)
    if times.min() < 0 <= times.max():
        axes.axvline(-0.5, color=INK, linewidth=0.9, linestyle=(0, (1.5, 1.5)), zorder=2)
    for part, light, dark in ((before, "#e9e9e9", "#c3c3c3"), (~before, "#dfe9f0", "#7faccf")):
        x = times[part]
        if band:
            _ribbon(axes, x, band_low[part], band_high[part], color=light, zorder=0)
        if many:
            _ribbon(axes, x, low[part], high[part], color=dark, zorder=1)
    cut = False
    for i, time in enumerate(times):
        if not math.isfinite(value[i]):
            continue
        mark = marks[bool(before[i])]
        if not many and np.isfinite([low[i], high[i]]).any():
            axes.plot(
                [time, time], [max(low[i], first), min(high[i], last)], color=mark["color"], linewidth=1.6, zorder=3, solid_capstyle="butt"
            )
        cut |= bool(low[i] < first or high[i] > last)
        axes.plot([time], [value[i]], linestyle="none", markersize=size, markeredgewidth=1.1, zorder=4, **mark)
    cut |= bool(np.nanmin(np.append(band_low, first)) < first or np.nanmax(np.append(band_high, last)) > last)
    if isinstance(base, (int, np.integer)) and times.min() - 0.8 <= base <= times.max() + 0.8:
        axes.plot(
            [base], [reference], marker="D", markersize=size + 1, markerfacecolor="white", markeredgecolor=INK, linestyle="none", zorder=5
        )
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True, steps=[1, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _signed(x)))
    axes.set_ylabel(sheet.wrap(f"{value_label}{' (log scale)' if log else ''}", height, BODY))
    axes.yaxis.set_label_coords(-0.5 / width, 0.5)
    if not np.isfinite(value).any():
        axes.text(0.5, 0.5, "no event time has a number to draw", transform=axes.transAxes, ha="center", va="center", color=GREY)
    sheet.text(left + width / 2, top + height + 0.38, f"{unit.capitalize()}s since the programme began", size=BODY, ha="center")
    sheet.text(left, top + height + 0.55, base_words, va="top", color=INK, gid="base")
    return sheet.figure, cut


def _ribbon(axes: Any, x: np.ndarray, low: np.ndarray, high: np.ndarray, **style: Any) -> None:
    """Shade from low to high, each period at its full width; absent periods leave a gap."""
    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    for run in np.split(known, np.flatnonzero(np.diff(x[known]) != 1) + 1):
        if len(run):
            edges = np.append(x[run], x[run[-1]] + 1) - 0.5
            axes.fill_between(
                edges, np.append(low[run], low[run[-1]]), np.append(high[run], high[run[-1]]), step="post", linewidth=0, **style
            )
