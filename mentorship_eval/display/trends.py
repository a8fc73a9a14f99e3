"""Rates over calendar time, one small panel for each wave, with the go-live marked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import Periods, check_columns, in_order, is_blank, numbers, periods
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GAP, INK, SMALL, house_style, page_width, series_style
from mentorship_eval.display.words import digits_for, ends, gap_words, people, plural, sentence
from mentorship_eval.errors import UsageError, listing
from mentorship_eval.estimate import format_number

__all__ = ["rate_trend"]

_WHAT = "rate_trend(rates)"


@redrawn
def rate_trend(
    rates: pd.DataFrame,
    go_live: Mapping[Any, Any] | pd.DataFrame | None = None,
    *,
    rate_label: str = "Incidents per 1,000 patient-days",
    period_label: str = "Period",
    group_label: str = "wave",
    expected_label: str = "expected without the programme",
    max_groups: int = 6,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    note: str = "",
    name: str = "rate_trend",
) -> Drawn:
    """Observed rate per period in each group, and the expected one where given.

    rates: group, period (or month), rate; optional expected; one row per group and period, NaN leaves
        a gap. Periods are numbers, or months (``2024-03``, timestamps, periods).
    go_live: first active period of each group, missing for never: a mapping, or a frame with group
        and go_live. Groups without an entry are drawn as never active.
    max_groups: more than this many panels cannot be read, and `UsageError` says what to do instead.
    """
    if isinstance(rates, pd.DataFrame) and "month" in rates.columns and "period" not in rates.columns:
        rates = rates.rename(columns={"month": "period"})
    rates = check_columns(rates, ("group", "period", "rate"), _WHAT)
    groups = in_order(rates["group"])
    if len(groups) > max_groups:
        raise UsageError(
            f"{_WHAT}: {len(groups)} groups are more than {max_groups} panels can show.",
            fix="Aggregate first: observed_expected() over calendar time, event_study() by time since go-live, or fewer, joined waves.",
        )
    calendar = periods(rates["period"])
    rates = rates.assign(_place=calendar.place(rates["period"], _WHAT))
    if rates["_place"].isna().any():
        raise UsageError(f"{_WHAT}: rows without a period.", fix="Drop or date them.", rows=list(rates.index[rates["_place"].isna()]))
    twice = rates.duplicated(["group", "_place"])
    if twice.any():
        raise UsageError(f"{_WHAT}: a group has two rows in one period.", fix="Aggregate to one row.", rows=list(rates.index[twice]))
    starts = _starts(go_live, groups, calendar)
    with house_style():
        figure = _draw(rates, groups, starts, calendar, rate_label, period_label, expected_label, title)
    expected = "expected" in rates.columns and rates["expected"].notna().any()
    caption = sentence(
        title,
        f"{rate_label} in each period, by {group_label}{f', with the rate {expected_label} (dashed)' if expected else ''}",
        method,
        people(n, n_events, unit="unit-periods"),
        "Vertical lines: first active period" if any(map(math.isfinite, starts.values())) else "",
        gap_words(rates, "rate"),
        note,
    )
    alt = sentence(
        f"Line panels of {plural(len(groups), 'group')}: {rate_label}",
        *[_say(rates, group, starts[group], calendar, expected) for group in groups],
    )
    return Drawn(figure, caption, alt, {"rates": rates.drop(columns="_place")}, name)


def _starts(go_live: Any, groups: list[Any], calendar: Periods) -> dict[Any, float]:
    if go_live is None:
        return dict.fromkeys(groups, math.nan)
    if isinstance(go_live, pd.DataFrame):
        frame = check_columns(go_live, ("group", "go_live"), "rate_trend(go_live)")
        go_live = dict(zip(frame["group"], frame["go_live"], strict=True))
    strangers = [group for group in go_live if group not in groups]
    if strangers:
        raise UsageError(f"rate_trend(go_live): no rates for {listing(strangers)}.", fix="Use the same names in both.")
    given = [None if is_blank(go_live.get(group)) or go_live.get(group) is pd.NaT else go_live[group] for group in groups]
    return dict(zip(groups, calendar.place(pd.Series(given, dtype=object), "rate_trend(go_live)"), strict=True))


def _say(rates: pd.DataFrame, group: Any, start: float, calendar: Periods, expected: bool) -> str:
    rows = rates[rates["group"] == group].sort_values("_place")
    rate, places = numbers(rows, "rate", _WHAT), rows["_place"].to_numpy()
    text = f"{group}: {ends([calendar.label(place) for place in places], list(rate))}"
    if not math.isfinite(start):
        return f"{text}; never active"
    text += f"; active from {calendar.label(start)}"
    digits = digits_for(rate)
    for words, part in (("before", rate[places < start]), ("since", rate[places >= start])):
        shown = part[np.isfinite(part)]
        text += f"; mean rate {words} {format_number(shown.mean(), digits) if len(shown) else 'not shown'}"
    if expected:
        after = numbers(rows, "expected", _WHAT)[places >= start]
        after = after[np.isfinite(after)]
        text += f" (expected {format_number(after.mean(), digits)})" if len(after) else ""
    return text


def _draw(
    rates: pd.DataFrame,
    groups: list[Any],
    starts: dict[Any, float],
    calendar: Periods,
    rate_label: str,
    period_label: str,
    expected_label: str,
    title: str | None,
) -> Any:
    sheet = Sheet()
    across = 1 if len(groups) == 1 else 2 if len(groups) <= 4 else 3
    across = min(across, max(1, int((page_width() - 0.7) / 1.65)))  # panels narrower than this cannot be read
    down_count = math.ceil(len(groups) / across)
    expected = numbers(rates, "expected", _WHAT)
    keys = [Key("observed", "line", {**series_style(0), "markersize": 3})]
    if np.isfinite(expected).any():
        keys.append(Key(expected_label, "line", {**series_style(1), "marker": ""}))
    if rates["rate"].isna().any():
        keys.append(Key("not shown", "marker", {**GAP, "markersize": 4}))
    if any(map(math.isfinite, starts.values())):
        keys.append(Key("programme active", "fill", {"facecolor": "#ececec", "edgecolor": INK, "linewidth": 0.6}))
    plan, legend = sheet.plan_legend(keys, page_width() - 0.9)
    title = sheet.wrap(title, page_width() - 0.3, BODY, "bold") if title else ""
    head = 0.08 + (sheet.block_height(title, BODY) + 0.04 if title else 0.0)
    left, gap = 0.7, 0.22
    width = (page_width() - left - 0.2 - gap * (across - 1)) / across
    height = 2.3 if down_count == 1 else 1.6
    names = {}
    for group in groups:
        live = f"go-live {calendar.label(starts[group])}" if math.isfinite(starts[group]) else "never active"
        names[group] = (sheet.wrap(str(group), width, SMALL, "bold"), live)
    name_height = max(sheet.block_height(text) for text, _ in names.values()) + line_height()
    pitch = name_height + 0.08 + height + 0.36
    top = head + legend + 0.1
    foot = 0.0 if calendar.calendar else 0.22
    sheet.set_height(top + pitch * down_count + 0.02 + foot)
    if foot:
        sheet.text(left + (page_width() - left) / 2, sheet.height - 0.14, period_label, size=BODY, ha="center")
    if title:
        sheet.text(0.1, 0.08, title, size=BODY, va="top", weight="bold")
    sheet.draw_legend(plan, left, head)
    rate = numbers(rates, "rate", _WHAT)
    values = np.concatenate([rate, expected])
    high = float(np.nanmax(values)) * 1.06 if np.isfinite(values).any() else 1.0
    places = rates["_place"].to_numpy()
    first, last = places.min(), places.max()
    first, last = (first, last) if last > first else (first - 0.5, last + 0.5)
    ticks = calendar.ticks(first, last, max(2, int(width / 0.7)))
    for k, group in enumerate(groups):
        row, column = divmod(k, across)
        x, y = left + column * (width + gap), top + row * pitch
        text, live = names[group]
        sheet.text(x, y + name_height - line_height(), text, va="bottom", weight="bold")
        sheet.text(x, y + name_height, live, va="bottom")
        axes = sheet.axes(x, y + name_height + 0.08, width, height)
        rows = (rates["group"] == group).to_numpy()
        order = np.argsort(places[rows])
        series = {"markersize": 3 if rows.sum() <= 40 else 1.5, "linewidth": 1.2, "zorder": 3}
        if math.isfinite(starts[group]):
            axes.axvspan(starts[group] - 0.5, last + 0.5, color="#ececec", linewidth=0, zorder=0)
            axes.axvline(starts[group] - 0.5, color=INK, linewidth=1.0, zorder=2)
        axes.plot(places[rows][order], rate[rows][order], **series_style(0), **series)
        axes.plot(places[rows][order], expected[rows][order], **{**series_style(1), "marker": "", "linewidth": 1.6, "zorder": 4})
        axes.set_xlim(first - 0.5, last + 0.5)
        axes.set_ylim(0, high or 1.0)
        missing = places[rows & np.isnan(rate)]
        axes.plot(missing, np.full(len(missing), 0.04 * (high or 1.0)), markersize=3.5, zorder=4, gid="gap", **GAP)
        axes.set_xticks(ticks, calendar.tick_labels(ticks))
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        if column:
            axes.set_yticklabels([])
        if not np.isfinite(rate[rows]).any():
            axes.text(0.5, 0.5, "not shown", transform=axes.transAxes, ha="center", va="center")
    middle = (top + pitch * down_count) / 2
    sheet.text(0.18, middle, sheet.wrap(rate_label, sheet.height - 0.2, BODY), size=BODY, rotation=90, ha="center")
    return sheet.figure
