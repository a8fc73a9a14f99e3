"""Sensitivity to parallel trends: the estimate and its interval as the violation that is allowed for grows."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.style import house_style
from mentorship_eval.display.violations_frame import Curve, read_curve
from mentorship_eval.display.violations_page import Mark, Page
from mentorship_eval.display.words import capital, interval, lower_first, people, sentence
from mentorship_eval.estimate import format_number

__all__ = ["breakdown"]


@redrawn
def breakdown(
    curve: pd.DataFrame,
    *,
    breakdown: float = math.nan,
    breakdown_of_estimate: float = math.nan,
    breakdown_reason: str = "",
    seen: float = math.nan,
    seen_low: float = math.nan,
    seen_high: float = math.nan,
    seen_label: str = "Seen before go-live",
    violation_label: str = "Drift against the controls, % of the rate per period",
    violation_unit: str = "%",
    value_label: str = "Rate ratio",
    log: bool = True,
    digits: int = 2,
    violation_digits: int = 2,
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "unit-periods",
    note: str = "",
    name: str = "breakdown",
) -> Drawn:
    """A line with its interval over the size of a violation of parallel trends, and where the interval first holds no effect.

    curve: violation (one row for each size, with a sign where it has one; 0: none), estimate, ci_low, ci_high under it; optional
        reason (why there are no numbers). The estimate may be missing where only an interval exists.
    breakdown: the violation at which the interval first includes no effect; breakdown_of_estimate: at which the estimate is no
        effect. NaN or infinite: nothing is marked, and ``breakdown_reason`` is written under the plot.
    seen, seen_low, seen_high: the violation that there was before go-live, with its interval, hatched; seen alone: a line.
    violation_label: the axis; violation_unit: what follows a size in words, such as ``%`` or ``times``.
    log: ratios on a logarithmic axis with the line at 1; False: differences with the line at 0.

    Raises `UsageError` for frames without rows or columns, a violation that stands twice or is missing, ratios at or below zero,
    limits the wrong way round and a violation seen that lies outside its interval.
    """
    read = read_curve(curve, log=log, breakdown=breakdown, of_estimate=breakdown_of_estimate, seen=(seen, seen_low, seen_high))

    def size(value: float) -> str:
        return f"{format_number(value, violation_digits)}{f' {violation_unit}' if violation_unit else ''}"

    marks = []
    if math.isfinite(breakdown):
        marks.append(Mark("interval", breakdown, f"Interval reaches {read.null:g} at {size(breakdown)}"))
    if math.isfinite(breakdown_of_estimate):
        marks.append(Mark("estimate", breakdown_of_estimate, f"Estimate reaches {read.null:g} at {size(breakdown_of_estimate)}"))
    if math.isfinite(seen):
        spans = math.isfinite(seen_low) or math.isfinite(seen_high)
        ends = f" ({ci_level * 100:g} % CI {format_number(seen_low, violation_digits)} to {format_number(seen_high, violation_digits)})"
        marks.append(Mark("seen", seen, f"{seen_label}: {size(seen)}{ends if spans else ''}"))
    with house_style():
        figure = Page(read, marks, violation_label, value_label, breakdown_reason).draw(title)
    shown = read.known.any()
    caption = sentence(
        title,
        f"{value_label} with {ci_level * 100:g} % intervals under violations of parallel trends of growing size{', logarithmic axis' if log else ''}",
        f"The band is grey where it includes {read.null:g}" if shown else f"Not shown: {read.reason}",
        f"Hatched: {lower_first(seen_label)}, {ci_level * 100:g} % interval" if math.isfinite(seen_low) or math.isfinite(seen_high) else "",
        method,
        people(n, n_events, unit=unit),
        note,
    )
    alt = sentence(
        f"Line with a band: {lower_first(value_label)} by {lower_first(violation_label)}",
        *_readings(read, size, digits, ci_level),
        *[mark.words for mark in marks],
        capital(breakdown_reason),
        "" if shown else f"No estimate: {read.reason}",
    )
    return Drawn(figure, caption, alt, {"curve": curve.reset_index(drop=True)}, name)


def _readings(read: Curve, size: Any, digits: int, ci_level: float) -> list[str]:
    """The estimate without violation and at both ends of the curve."""
    said = []
    for i in dict.fromkeys((read.start, 0, len(read.violation) - 1)):
        number = interval(read.value[i], read.low[i], read.high[i], ci_level, digits=digits)
        if math.isnan(read.value[i]) and math.isfinite(read.low[i]):
            number = f"{ci_level * 100:g} % CI {format_number(read.low[i], digits)} to {format_number(read.high[i], digits)}"
        said.append(f"{'Without violation' if read.violation[i] == 0 else f'At {size(read.violation[i])}'}: {number}")
    return said
