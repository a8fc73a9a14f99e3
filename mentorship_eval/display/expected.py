"""Observed and expected rate of all treated cells over calendar time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers, periods
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GAP, GREY, house_style, page_width, series_style
from mentorship_eval.display.words import digits_for, ends, gap_words, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["observed_expected"]

_WHAT = "observed_expected(rows)"


@redrawn
def observed_expected(
    rows: pd.DataFrame,
    *,
    rate_label: str = "Incidents per 1,000 patient-days",
    period_label: str = "Period",
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    ci_level: float = 0.95,
    note: str = "",
    name: str = "observed_expected",
) -> Drawn:
    """Two lines over calendar time, whatever the number of waves.

    rows: period (number or month), observed and expected rate among cells where the programme is
        active; optional ci_low, ci_high (interval of the observed or expected rate, shaded about the
        expected line) and n_units (active units in that period, drawn beneath as a second panel).
    """
    rows = check_columns(rows, ("period", "observed", "expected"), _WHAT)
    calendar = periods(rows["period"])
    places = calendar.place(rows["period"], _WHAT)
    if np.isnan(places).any() or len(set(places)) < len(places):
        raise UsageError(f"{_WHAT}: a period is missing or stands twice.", fix="Give one row per period.")
    order = np.argsort(places)
    rows, places = rows.iloc[order].reset_index(drop=True), places[order]
    with house_style():
        figure = _draw(rows, places, calendar, rate_label, period_label, title)
    labels = [calendar.label(place) for place in places]
    observed, expected = numbers(rows, "observed", _WHAT), numbers(rows, "expected", _WHAT)
    digits = digits_for([*observed, *expected])
    both = np.isfinite(observed) & np.isfinite(expected)
    means = "No period has both rates"
    if both.any():
        mean = [format_number(rate[both].mean(), digits) for rate in (observed, expected)]
        means = f"Mean over {plural(int(both.sum()), 'period')}: observed {mean[0]}, expected {mean[1]}"
    shaded = f"Shaded: {ci_level * 100:g} % intervals" if np.isfinite(numbers(rows, "ci_low", _WHAT)).any() else ""
    caption = sentence(
        title,
        f"{rate_label} where the programme was active: observed (solid), and expected without it (dashed)",
        method,
        people(n, n_events, unit="unit-periods"),
        shaded,
        gap_words(rows, "observed"),
        "Lower panel: units in which the programme was active" if "n_units" in rows.columns else "",
        note,
    )
    alt = sentence(
        f"Two lines over {plural(len(rows), 'period')}: {rate_label}",
        f"Observed: {ends(labels, list(observed))}",
        f"Expected: {ends(labels, list(expected))}",
        means,
    )
    return Drawn(figure, caption, alt, {"rows": rows}, name)


def _draw(rows: pd.DataFrame, places: np.ndarray, calendar: Any, rate_label: str, period_label: str, title: str | None) -> Any:
    sheet = Sheet()
    keys = [
        Key("observed", "line", {**series_style(0), "markersize": 3.5}),
        Key("expected without the programme", "line", {**series_style(1), "marker": ""}),
    ]
    if rows["observed"].isna().any():
        keys.append(Key("observed not shown", "marker", {**GAP, "markersize": 4.5}))
    plan, legend = sheet.plan_legend(keys, page_width() - 1.0)
    title = sheet.wrap(title, page_width() - 0.3, BODY, "bold") if title else ""
    head = 0.08 + (sheet.block_height(title, BODY) + 0.04 if title else 0.0)
    height = 2.6
    label = sheet.wrap(rate_label, height, BODY)
    left = 0.85 + 0.2 * label.count("\n")  # a label of two lines would begin outside the figure
    width = page_width() - left - 0.25
    units = (
        numbers(rows, "n_units", _WHAT)
        if "n_units" in rows.columns and pd.api.types.is_numeric_dtype(rows["n_units"])
        else np.array([np.nan])
    )
    strip = 0.75 if np.isfinite(units).any() else 0.0
    top = head + legend + 0.1
    below = 0.4 if calendar.calendar else 0.6
    sheet.set_height(top + height + below + strip)
    if title:
        sheet.text(0.1, 0.08, title, size=BODY, va="top", weight="bold")
    sheet.draw_legend(plan, left, head)
    axes = sheet.axes(left, top, width, height)
    observed, expected, low, high = (numbers(rows, column, _WHAT) for column in ("observed", "expected", "ci_low", "ci_high"))
    axes.fill_between(places, low, high, color=series_style(1)["color"], alpha=0.15, linewidth=0)
    missing = places[np.isnan(observed)]
    axes.plot(places, observed, **series_style(0), markersize=3 if len(places) <= 40 else 2.2, linewidth=1.3)
    axes.plot(places, expected, **{**series_style(1), "marker": ""}, linewidth=1.8)
    values = np.concatenate([observed, expected, high])
    axes.set_ylim(0, float(np.nanmax(values)) * 1.06 or 1.0 if np.isfinite(values).any() else 1.0)
    axes.plot(missing, np.full(len(missing), 0.03 * axes.get_ylim()[1]), markersize=4, zorder=4, gid="gap", **GAP)
    panels = [axes]
    axes.set_ylabel(label)
    axes.yaxis.set_label_coords(-0.62 / width, 0.5)
    if not np.isfinite(values).any():
        axes.text(0.5, 0.5, "not shown", transform=axes.transAxes, ha="center", va="center", color=GREY)
    if strip:
        lower = sheet.axes(left, top + height + 0.15, width, strip - 0.15)
        lower.bar(places, units, width=0.9, color="#b5b5b5")
        lower.set_ylim(0, float(np.nanmax(units)) * 1.1)
        lower.set_yticks([0, float(np.nanmax(units))], ["0", f"{np.nanmax(units):,.0f}"])
        lower.set_ylabel("Active\nunits")
        lower.yaxis.set_label_coords(-0.5 / width, 0.5)
        axes.set_xticklabels([])
        panels.append(lower)
    if not calendar.calendar:
        sheet.text(left + width / 2, top + height + strip + 0.4, period_label, size=BODY, ha="center")
    ticks = calendar.ticks(places.min(), places.max(), 8)
    for k, panel in enumerate(panels):
        panel.set_xlim(places.min() - 0.6, places.max() + 0.6)
        panel.set_xticks(ticks, calendar.tick_labels(ticks) if k == len(panels) - 1 else [""] * len(ticks))
        panel.grid(axis="y", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
    return sheet.figure
