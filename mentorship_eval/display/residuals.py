"""Scaled Schoenfeld residuals: how a log hazard ratio moves over time, smoothed, never person by person."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.curve_page import round_times, time_axis_label
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.scales import ratio_label, ratio_ticks
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, INK, house_style, page_width, series_style
from mentorship_eval.display.words import interval, lower_first, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number, format_p

__all__ = ["schoenfeld"]

_CURVE, _BINS = "schoenfeld(curve)", "schoenfeld(bins)"
_HEIGHT = 2.7


@redrawn
def schoenfeld(
    curve: pd.DataFrame,
    bins: pd.DataFrame | None = None,
    *,
    log_hr: float = math.nan,
    p_value: float = math.nan,
    term: str = "",
    test: str = "score test",
    time_unit: str = "months",
    time_from: str = "hire",
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "schoenfeld",
) -> Drawn:
    """The smoothed residuals with their band against time; the fitted log hazard ratio; the line of no effect.

    curve: time (in ``time_unit``), estimate, ci_low, ci_high: the log hazard ratio as a smooth function of time.
    bins: mean residuals of many events each: time (middle of the bin), mean (NaN where withheld), optional
        n (events in the bin). Single residuals are people and are not drawn. None, or no rows: no points.
    log_hr: the fitted coefficient, constant over time; p_value: of the test of proportional hazards named
        by ``test``. term: the covariate in words. The right axis reads the same heights as hazard ratios.

    Raises `UsageError` for frames without rows or columns and for times out of order.
    """
    curve = check_columns(curve, ("time", "estimate", "ci_low", "ci_high"), _CURVE)
    times, value, low, high = (numbers(curve, column, _CURVE) for column in ("time", "estimate", "ci_low", "ci_high"))
    if np.isnan(times).any() or (np.diff(times) < 0).any():
        raise UsageError(f"{_CURVE}: times are missing or out of order.", fix="Sort by time.")
    bins = None if bins is None or not len(bins) else check_columns(bins, ("time", "mean"), _BINS)
    what = f"log hazard ratio of {lower_first(term)}" if term else "log hazard ratio"
    tested = f"Proportional hazards, {test}: {format_p(p_value)}"
    missing = reason_of(curve.iloc[0], "not shown")
    with house_style():
        label = time_axis_label(time_unit, time_from)
        figure = _draw((times, value, low, high), bins, log_hr, what, tested, time_unit, label, ci_level, title, missing)
    fitted = "" if math.isnan(log_hr) else f"Fitted: log hazard ratio {format_number(log_hr)}, hazard ratio {format_number(math.exp(log_hr))}"
    caption = sentence(
        title,
        f"Scaled Schoenfeld residuals, smoothed: {what} over time since {time_from}; right axis: hazard ratio",
        method,
        f"Shaded: {ci_level * 100:g} % confidence band" if np.isfinite(low).any() else "",
        _bins_words(bins),
        people(n, n_events, unit=unit),
        tested,
        note,
    )
    known = np.flatnonzero(np.isfinite(value))
    places = dict.fromkeys([known[0], known[len(known) // 2], known[-1]]) if len(known) else {}
    said = [
        f"At {times[i]:.3g} {time_unit}, hazard ratio {interval(math.exp(value[i]), math.exp(low[i]), math.exp(high[i]), ci_level)}"
        for i in places
    ]
    alt = sentence(f"Smooth curve of the {what}", *(said or [f"No estimate over time: {missing}"]), fitted, tested)
    data = {"curve": curve} if bins is None else {"curve": curve, "bins": bins}
    return Drawn(figure, caption, alt, data, name)


def _bins_words(bins: pd.DataFrame | None) -> str:
    if bins is None:
        return ""
    withheld = int(bins["mean"].isna().sum())
    return "Points: mean residuals of many events each" + (f"; {plural(withheld, 'point')} withheld" if withheld else "")


def _draw(
    curve: tuple[np.ndarray, ...],
    bins: pd.DataFrame | None,
    log_hr: float,
    what: str,
    tested: str,
    time_unit: str,
    time_label: str,
    ci_level: float,
    title: str | None,
    missing: str,
) -> Any:
    times, value, low, high = curve
    sheet = Sheet()
    colour = series_style(0)["color"]
    fitted = {"color": series_style(1)["color"], "linestyle": series_style(1)["linestyle"], "linewidth": 1.4}
    points = {"marker": "o", "markersize": 4, "markerfacecolor": "white", "markeredgecolor": INK, "markeredgewidth": 0.9}
    keys = [Key("smoothed residuals", "line", {"color": colour, "linewidth": 1.8})]
    if np.isfinite(low).any():
        keys.append(Key(f"{ci_level * 100:g} % band", "fill", {"facecolor": colour, "alpha": 0.2, "linewidth": 0}))
    if not math.isnan(log_hr):
        keys.append(Key(f"fitted {format_number(log_hr)} (hazard ratio {format_number(math.exp(log_hr))})", "line", fitted))
    if bins is not None:
        keys.append(Key("mean of many events", "marker", points))
    left, right = 0.8, 0.8
    width = page_width() - left - right
    head = Head(sheet, title, keys, left=left, words=tested)
    top = head.height
    sheet.set_height(top + _HEIGHT + 0.58)
    head.draw()
    axes = sheet.axes(left, top, width, _HEIGHT)
    axes.fill_between(times, low, high, color=colour, alpha=0.16, linewidth=0)
    for edge in (low, high):
        axes.plot(times, edge, color=colour, linewidth=0.5, alpha=0.6)
    axes.plot(times, value, color=colour, linewidth=1.8, zorder=4)
    axes.axhline(0, color=GREY, linewidth=0.9, zorder=1)
    heights = [0.0, *value, *low, *high]
    if not math.isnan(log_hr):
        axes.axhline(log_hr, zorder=3, **fitted)
        heights.append(log_hr)
    if bins is not None:
        means = numbers(bins, "mean", _BINS)
        axes.plot(numbers(bins, "time", _BINS), means, zorder=5, **{**points, "linestyle": "none"})
        heights += list(means)
    finite = np.array([h for h in heights if math.isfinite(h)])
    margin = 0.07 * (finite.max() - finite.min()) or 0.5
    bottom, ceiling = finite.min() - margin, finite.max() + margin
    axes.set_ylim(bottom, ceiling)
    span = float(times.max() - times.min()) or 1.0
    axes.set_xlim(min(0.0, float(times.min())), float(times.max()) + 0.01 * span)
    ticks = round_times(min(0.0, float(times.min())), float(times.max()), time_unit)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylabel(sheet.wrap(f"{what[:1].upper()}{what[1:]}", _HEIGHT, BODY))
    axes.yaxis.set_label_coords(-0.55 / width, 0.5)
    _ratio_side(sheet.axes(left, top, width, _HEIGHT), bottom, ceiling, width)
    if not np.isfinite(value).any():
        axes.text(0.5, 0.6, missing, transform=axes.transAxes, ha="center", va="center", color=GREY)
    sheet.text(left + width / 2, top + _HEIGHT + 0.38, time_label, size=BODY, ha="center")
    return sheet.figure


def _ratio_side(side: Any, bottom: float, ceiling: float, width: float) -> None:
    """The right axis, laid over the plot: the same heights read as hazard ratios."""
    side.patch.set_visible(False)
    side.set_xticks([])
    for edge in ("left", "bottom"):
        side.spines[edge].set_visible(False)
    side.spines["right"].set_visible(True)
    side.yaxis.set_label_position("right")
    side.yaxis.tick_right()
    side.set_ylim(bottom, ceiling)
    ticks = ratio_ticks(math.exp(max(bottom, -20.0)), math.exp(min(ceiling, 20.0)), 8)
    side.set_yticks([math.log(tick) for tick in ticks], [ratio_label(tick) for tick in ticks])
    side.set_ylabel("Hazard ratio")
    side.yaxis.set_label_coords(1 + 0.58 / width, 0.5)
