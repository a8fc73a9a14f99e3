"""Survival and cumulative incidence curves over an aligned table of those still at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.curve_steps import AT_RISK, CURVE, from_start, is_rising, steps_of, times_to_say, value_at
from mentorship_eval.display.drawn import Drawn
from mentorship_eval.display.frames import check_columns, in_order, numbers, reason_of
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, MOST_SERIES, SMALL, WIDTH, house_style, series_style
from mentorship_eval.display.words import capital, count, enumerate_words, interval, lower_first, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate

__all__ = ["survival_curves"]

_PLOT_HEIGHT = 2.9


def survival_curves(
    curve: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    by_label: str | Mapping[Any, str] = "",
    time_unit: str = "months",
    time_from: str = "hire",
    y_label: str = "Still employed",
    title: str | None = None,
    rising: bool | None = None,
    start: float | None = 0.0,
    say_at: Sequence[float] | None = None,
    ci_level: float = 0.95,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    estimates: Sequence[Estimate] = (),
    note: str = "",
    name: str = "survival_curves",
) -> Drawn:
    """Steps with shaded intervals: falling for Kaplan-Meier, rising for cumulative incidence.

    curve: one row per step: by, time (in ``time_unit``), estimate (0 to 1), ci_low, ci_high (NaN where
        not shown); optional reason. ``by`` may hold groups, or causes of leaving; at most seven.
    at_risk: by, time, n_risk (a number, or text such as ``<10``), optional n_event (up to that time);
        its times are the axis ticks, thinned where they would touch. None: no table.
    by_label: what the groups are (``"Mentored by month 9"``), or a mapping from group to label.
    rising: None reads it off the curves. start: where all curves begin (at 1, or at 0 when rising) if
        they have no row there; None draws the rows alone.
    say_at: times whose values the alt text gives; by default one and two years, else the middle and the end.
    estimates: comparisons that belong to the curves (a hazard ratio), for caption and alt text.

    Raises `UsageError` for a frame without rows or columns, or with too many groups. Curves that hold no
    number are left out and the legend says why.
    """
    curve = check_columns(curve, ("by", "time", "estimate"), CURVE)
    groups = in_order(curve["by"])
    if len(groups) > MOST_SERIES:
        raise UsageError(
            f"{CURVE}: {len(groups)} curves cannot be told apart.", fix=f"Give at most {MOST_SERIES}: join groups or draw several figures."
        )
    if at_risk is not None:
        at_risk = check_columns(at_risk, ("by", "time", "n_risk"), AT_RISK)
        strangers = [group for group in in_order(at_risk["by"]) if group not in groups]
        # one row for all curves: the causes of leaving share their risk set
        if strangers and len(in_order(at_risk["by"])) > 1:
            raise UsageError(f"{AT_RISK}: no curve for {enumerate_words(strangers)}.", fix="Use the same names in both frames.")
    labels = {group: str(by_label.get(group, group)) if isinstance(by_label, Mapping) else str(group) for group in groups}
    steps = {group: steps_of(curve[curve["by"] == group], at_risk, group) for group in groups}
    if rising is None:
        rising = is_rising(steps)
    if start is not None:
        steps = {group: from_start(step, start, 0.0 if rising else 1.0) for group, step in steps.items()}
    with house_style():
        figure = _draw(
            curve,
            at_risk,
            groups,
            labels,
            steps,
            rising,
            by_label if isinstance(by_label, str) else "",
            time_unit,
            time_from,
            y_label,
            title,
        )
    times = times_to_say(say_at, time_unit, steps)
    compared = [estimate.statement() for estimate in estimates]
    what = f"{y_label} by time since {time_from}"
    if isinstance(by_label, str) and by_label:
        what += f", by {lower_first(by_label)}"
    shaded = any(np.isfinite(step["ci_low"]).any() for step in steps.values())
    caption = sentence(
        title,
        what,
        method,
        f"Shaded: pointwise {ci_level * 100:g} % confidence intervals" if shaded else "",
        people(n, n_events, unit=unit),
        *compared,
        "Below: number still at risk" if at_risk is not None else "",
        note,
    )
    alt = sentence(
        f"Step curves of {plural(len(groups), 'group')}, {'rising' if rising else 'falling'}: {lower_first(y_label)}",
        *[_say(group, labels, steps, times, time_unit, ci_level, curve) for group in groups],
        *compared,
    )
    data = {"curve": curve} if at_risk is None else {"curve": curve, "at_risk": at_risk}
    return Drawn(figure, caption, alt, data, name)


def _say(
    group: Any,
    labels: Mapping[Any, str],
    steps: Mapping[Any, pd.DataFrame],
    times: Sequence[float],
    unit: str,
    level: float,
    curve: pd.DataFrame,
) -> str:
    step = steps[group]
    if step["estimate"].isna().all():
        return f"{labels[group]}: {_why(curve, group)}"
    single = unit[:-1] if unit.endswith("s") else unit
    parts = []
    for time in times:
        values = value_at(step, time)
        when = plural(time, single) if time == round(time) else f"{time:.1f} {unit}"
        said = "outside the follow-up" if values is None else interval(*values, level, as_percent=True)
        parts.append(f"{said} at {when}")
    return f"{labels[group]}: {'; '.join(parts)}"


def _why(curve: pd.DataFrame, group: Any) -> str:
    return reason_of(curve[curve["by"] == group].iloc[0], "not shown")


def _draw(
    curve: pd.DataFrame,
    at_risk: pd.DataFrame | None,
    groups: list[Any],
    labels: Mapping[Any, str],
    steps: Mapping[Any, pd.DataFrame],
    rising: bool,
    heading: str,
    time_unit: str,
    time_from: str,
    y_label: str,
    title: str | None,
) -> Any:
    sheet = Sheet()
    styles = {group: {**series_style(i), "marker": ""} for i, group in enumerate(groups)}
    rows = [] if at_risk is None else in_order(at_risk["by"])
    row_labels = {group: labels.get(group, str(group)) for group in rows}
    # a long label stands on its own line above its counts, so that the plot keeps its width
    stacked = any(sheet.width_of(label) > 1.2 for label in row_labels.values())
    table_labels = {group: sheet.wrap(label, WIDTH - 0.8) for group, label in row_labels.items()}
    head = "At risk (events)" if at_risk is not None and "n_event" in at_risk.columns else "At risk"
    left, right = 0.75, 0.25
    if at_risk is not None:
        half = _widest(sheet, at_risk) / 2
        left = max(left, half + 0.15)
        right = max(0.25, half + 0.05)
        if not stacked:
            left = max([left] + [0.46 + sheet.width_of(label) + 0.12 + half for label in row_labels.values()])
    width = WIDTH - left - right

    keys = [Key(labels[g] + (f" ({_why(curve, g)})" if steps[g]["estimate"].isna().all() else ""), "line", styles[g]) for g in groups]
    plan, legend = sheet.plan_legend(keys, WIDTH - left - 0.1) if len(groups) > 1 or title is None else ([], 0.0)
    title_text = sheet.wrap(title, WIDTH - 0.3, BODY, "bold") if title else ""
    heading = sheet.wrap(capital(heading), WIDTH - 1.0, SMALL) if heading and len(groups) > 1 else ""
    top = 0.08
    spots = {}
    for part, text, size in (("title", title_text, BODY), ("heading", heading, SMALL)):
        spots[part] = top
        top += sheet.block_height(text, size) + 0.04 if text else 0.0
    legend_top, top = top, top + legend + 0.08
    under = 0.5 + 0.12
    heights = [sheet.block_height(table_labels[group]) + 0.05 + (line_height() if stacked else 0.0) for group in rows]
    table = line_height() + 0.06 + sum(heights) + 0.06 if rows else 0.0
    sheet.set_height(top + _PLOT_HEIGHT + under + table)
    if title_text:
        sheet.text(0.1, spots["title"], title_text, size=BODY, va="top", weight="bold")
    if heading:
        sheet.text(left, spots["heading"], heading, va="top", color=GREY)
    sheet.draw_legend(plan, left, legend_top)

    axes = sheet.axes(left, top, width, _PLOT_HEIGHT)
    high = 0.0
    for group in groups:
        step = steps[group]
        axes.step(step["time"], step["estimate"], where="post", **styles[group])
        if np.isfinite(step["ci_low"]).any():
            axes.fill_between(
                step["time"], step["ci_low"], step["ci_high"], step="post", color=styles[group]["color"], alpha=0.16, linewidth=0
            )
        high = max([high, *step["estimate"].dropna(), *(step["ci_high"].dropna() if rising else ())])
    last = max(float(step["time"].max()) for step in steps.values())
    first = min([0.0] + [float(step["time"].min()) for step in steps.values()])
    ticks = _ticks(sheet, at_risk, first, last, width)
    axes.set_xlim(first, max(last, max(ticks)) * 1.005)
    top_limit = 1.0 if not rising else min(1.0, max(0.05, float(np.ceil(high * 1.08 * 20) / 20)))
    axes.set_ylim(0, top_limit)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    step_size = 0.2 if top_limit > 0.5 else 0.1 if top_limit > 0.25 else 0.05 if top_limit > 0.1 else 0.01
    places = np.arange(0, top_limit + 1e-9, step_size)
    axes.set_yticks(places, [f"{100 * place:.0f} %" for place in places])
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    sheet.text(left + width / 2, top + _PLOT_HEIGHT + 0.36, f"{time_unit.capitalize()} since {time_from}", size=BODY, ha="center")
    axes.set_ylabel(sheet.wrap(y_label, _PLOT_HEIGHT, BODY), labelpad=6)
    axes.yaxis.set_label_coords(-0.5 / width, 0.5)
    if all(step["estimate"].isna().all() for step in steps.values()):
        axes.text(0.5, 0.5, _why(curve, groups[0]), transform=axes.transAxes, ha="center", va="center", color=GREY)
    if rows and at_risk is not None:
        down = top + _PLOT_HEIGHT + under
        sheet.text(0.1, down, head, weight="bold", va="top")
        down += line_height() + 0.06
        for group, height in zip(rows, heights, strict=True):
            label_height = sheet.block_height(table_labels[group])
            name = down + label_height / 2 + (0.0 if stacked else 0.025)
            middle = down + label_height + line_height() / 2 if stacked else name
            if group in styles:
                sheet.line([0.1, 0.38], [name, name], **{**styles[group], "linewidth": 1.4})
            sheet.text(0.46 if group in styles else 0.1, name, table_labels[group])
            cells = _cells(at_risk[at_risk["by"] == group])
            for tick in ticks:
                x = left + width * (tick - first) / (axes.get_xlim()[1] - first)
                sheet.text(x, middle, cells.get(tick, "–"), ha="center", color=INK, gid="at-risk")
            down += height
    return sheet.figure


def _cells(rows: pd.DataFrame) -> dict[float, str]:
    text = [count(value) for value in rows["n_risk"]]
    if "n_event" in rows.columns:
        text = [f"{risk} ({count(event)})" for risk, event in zip(text, rows["n_event"], strict=True)]
    return dict(zip(numbers(rows, "time", AT_RISK), text, strict=True))


def _widest(sheet: Sheet, at_risk: pd.DataFrame) -> float:
    return max(sheet.width_of(cell) for _, rows in at_risk.groupby("by") for cell in _cells(rows).values())


def _ticks(sheet: Sheet, at_risk: pd.DataFrame | None, first: float, last: float, width: float) -> list[float]:
    """The table's times, every second or third of them when the cells would touch."""
    if at_risk is None:
        from matplotlib.ticker import MaxNLocator

        return [float(t) for t in MaxNLocator(8, steps=[1, 2, 3, 6, 10]).tick_values(first, last) if first <= t <= last]
    times = sorted(set(numbers(at_risk, "time", AT_RISK)))
    wide = _widest(sheet, at_risk) + 0.1
    span = max(last, times[-1]) - first
    for every in range(1, len(times) + 1):
        chosen = times[::every]
        if len(chosen) < 2 or min(np.diff(chosen)) / span * width >= wide:
            return chosen
    return times[:1]
