"""Survival and cumulative incidence curves over an aligned table of those still at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.curve_page import CurvePage, time_axis_label
from mentorship_eval.display.curve_steps import AT_RISK, CURVE, from_start, is_rising, steps_of, times_to_say, value_at
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, in_order, reason_of
from mentorship_eval.display.style import MOST_SERIES, house_style
from mentorship_eval.display.words import capital, count, enumerate_words, interval, lower_first, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate

__all__ = ["survival_curves"]


@redrawn
def survival_curves(
    curve: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    by_label: str | Mapping[Any, str] = "",
    time_unit: str = "months",
    time_from: str = "hire",
    y_label: str = "Still employed",
    title: str | None = None,
    y_from: float = 0.0,
    rising: bool | None = None,
    start: float | None = 0.0,
    start_reason: str = "",
    delayed_entry: bool = False,
    say_at: Sequence[float] | None = None,
    ci_level: float = 0.95,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    estimates: Sequence[Estimate] = (),
    means: bool = False,
    note: str = "",
    name: str = "survival_curves",
) -> Drawn:
    """Steps with shaded intervals: falling for Kaplan-Meier, rising for cumulative incidence.

    curve: one row per step: by, time (in ``time_unit``), estimate (0 to 1), ci_low, ci_high (NaN where
        not shown); optional reason. ``by`` may hold groups, or causes of leaving; at most seven.
    at_risk: by, time, n_risk (at the start of the period that begins then; a number, or text such as
        ``<10``), optional n_event (up to that time) and n_risk_weighted (sum of the weights at risk, a
        second block of the table); its times are the axis ticks, thinned where they would touch. None,
        or no rows: no table, as for standardised curves, which have no risk set of their own.
    by_label: what the groups are (``"Mentored by month 9"``), or a mapping from group to label.
    y_from: where the vertical axis begins, 0 unless curves near 1 would lie on one another; said in the caption.
    rising: None reads it off the curves. start: where all curves begin (at 1, or at 0 when rising) if
        they have no row there; None draws the rows alone. Above 0 the curves are conditional on it: the
        time before is shaded, and start_reason says above the plot why they begin there.
    delayed_entry: people come under observation after time 0, so that numbers at risk may rise; said in the caption.
    say_at: times whose values the alt text gives; by default one and two years, else the middle and the end.
    estimates: comparisons that belong to the curves (a hazard ratio), for caption and alt text.

    means: the curves are numbers per person (events that come again), which may exceed 1, not proportions.

    Raises `UsageError` for a frame without rows or columns, or with too many groups. Curves that hold no
    number are left out and the legend says why.
    """
    curve = check_columns(curve, ("by", "time", "estimate"), CURVE)
    groups = in_order(curve["by"])
    if len(groups) > MOST_SERIES:
        raise UsageError(
            f"{CURVE}: {len(groups)} curves cannot be told apart.", fix=f"Give at most {MOST_SERIES}: join groups or draw several figures."
        )
    if at_risk is not None and len(at_risk) == 0:
        at_risk = None
    if at_risk is not None:
        at_risk = check_columns(at_risk, ("by", "time", "n_risk"), AT_RISK)
        strangers = [group for group in in_order(at_risk["by"]) if group not in groups]
        # one row for all curves: the causes of leaving share their risk set
        if strangers and len(in_order(at_risk["by"])) > 1:
            raise UsageError(f"{AT_RISK}: no curve for {enumerate_words(strangers)}.", fix="Use the same names in both frames.")
    labels = {group: str(by_label.get(group, group)) if isinstance(by_label, Mapping) else str(group) for group in groups}
    steps = {group: steps_of(curve[curve["by"] == group], at_risk, group, means) for group in groups}
    if rising is None:
        rising = is_rising(steps)
    if start is not None:
        steps = {group: from_start(step, start, 0.0 if rising else 1.0) for group, step in steps.items()}
    lowest = min((float(np.nanmin(step[["estimate", "ci_low"]])) for step in steps.values() if step["estimate"].notna().any()), default=1.0)
    if y_from and not 0 < y_from < min(lowest + 1e-9, 1.0):
        raise UsageError(f"{CURVE}: y_from={y_from:g} would cut curves off (lowest value {lowest:.3f}).", fix="Let the axis begin lower.")
    missing = {group: _why(curve, group) for group, step in steps.items() if step["estimate"].isna().all()}
    begin = 0.0 if start is None else float(start)
    group_words = capital(by_label) if isinstance(by_label, str) and len(groups) > 1 else ""
    words = "\n".join(part for part in (group_words, _conditional(begin, time_unit, start_reason)) if part)
    with house_style():
        label = time_axis_label(time_unit, time_from)
        figure = CurvePage(steps, labels, missing, at_risk, rising, begin, words, time_unit, label, y_label, title, y_from, means).draw()
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
        f"The vertical axis begins at {100 * y_from:g} %" if y_from else "",
        people(n, n_events, unit=unit),
        *compared,
        _conditional(begin, time_unit, start_reason),
        _table_words(at_risk, delayed_entry),
        _withheld_words(at_risk, means),
        note,
    )
    alt = sentence(
        f"Step curves of {plural(len(groups), 'group')}, {'rising' if rising else 'falling'}: {lower_first(y_label)}",
        _conditional(begin, time_unit, start_reason),
        *[_say(group, labels, steps, times, time_unit, ci_level, curve, at_risk, means) for group in groups],
        *compared,
    )
    data = {"curve": curve} if at_risk is None else {"curve": curve, "at_risk": at_risk}
    return Drawn(figure, caption, alt, data, name)


def _conditional(begin: float, unit: str, reason: str) -> str:
    """Why curves begin after time 0, on the page and in its words."""
    if begin <= 0:
        return ""
    return f"Curves begin at {begin:g} {unit}: {reason or 'of those still employed and under observation then'}"


def _table_words(at_risk: pd.DataFrame | None, delayed_entry: bool) -> str:
    if at_risk is None:
        return ""
    words = "Below: number at risk at the start of each period"
    words += ", with the events up to then in brackets" if "n_event" in at_risk.columns else ""
    words += "; weighted: the sum of their weights" if "n_risk_weighted" in at_risk.columns else ""
    return words + ("; people enter the risk set when they come under observation, so that it may grow" if delayed_entry else "")


def _say(
    group: Any,
    labels: Mapping[Any, str],
    steps: Mapping[Any, pd.DataFrame],
    times: Sequence[float],
    unit: str,
    level: float,
    curve: pd.DataFrame,
    at_risk: pd.DataFrame | None,
    means: bool,
) -> str:
    step = steps[group]
    if step["estimate"].isna().all():
        return f"{labels[group]}: {_why(curve, group)}{_first_counts(at_risk, group, unit)}"
    single = unit[:-1] if unit.endswith("s") else unit
    parts = []
    for time in times:
        values = value_at(step, time)
        when = plural(time, single) if time == round(time) else f"{time:.1f} {unit}"
        said = "outside the follow-up" if values is None else interval(*values, level, as_percent=not means)
        parts.append(f"{said} at {when}")
    return f"{labels[group]}: {'; '.join(parts)}"


def _first_counts(at_risk: pd.DataFrame | None, group: Any, unit: str) -> str:
    """Where there is no curve to read: how many there were at first and at last."""
    if at_risk is None or not (at_risk["by"] == group).any():
        return ""
    rows = at_risk[at_risk["by"] == group]
    return f"; at risk: {', '.join(f'{count(row.n_risk)} at {row.time:g} {unit}' for row in rows.iloc[[0, -1]].itertuples())}"


def _why(curve: pd.DataFrame, group: Any) -> str:
    return reason_of(curve[curve["by"] == group].iloc[0], "not shown")


def _withheld_words(at_risk: pd.DataFrame | None, means: bool) -> str:
    """Why a curve ends before its people do, where the table does not tell all events."""
    if at_risk is None or "n_event" not in at_risk or pd.to_numeric(at_risk["n_event"], errors="coerce").notna().all():
        return ""
    if means:
        return "A step is drawn once there were enough events since the one before; where there were too few, the curve ends"
    return "A step is drawn once enough people have left since the one before; where too few have, the curve ends"
