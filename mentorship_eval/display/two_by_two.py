"""Bacon plot: the comparisons that a two-way coefficient averages, each with its weight, by type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.style import house_style
from mentorship_eval.display.two_by_two_frame import Kind, read_comparisons
from mentorship_eval.display.two_by_two_page import Page
from mentorship_eval.display.words import enumerate_words, interval, lower_first, people, percent, plural, sentence
from mentorship_eval.estimate import format_number

__all__ = ["bacon_plot"]

_TOLD = 3  # heaviest comparisons that the alt text gives


@redrawn
def bacon_plot(
    comparisons: pd.DataFrame,
    *,
    estimate: float = math.nan,
    ci_low: float = math.nan,
    ci_high: float = math.nan,
    value_label: str = "Difference in rate",
    estimate_label: str = "Two-way fixed effects",
    labels: Mapping[str, str] | None = None,
    digits: int = 2,
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "unit-periods",
    note: str = "",
    name: str = "bacon_plot",
) -> Drawn:
    """Each comparison of two groups and two stretches of time: its estimate against its weight (Goodman-Bacon 2021).

    comparisons: type, treated, control, weight (shares, adding up to 1 where none is left out), estimate; optional forbidden
        (True where the controls are treated already: open marks; known from the type otherwise) and reason (why a row has no
        number). The mean of a type with a withheld comparison is not given; ``estimate`` would still give it away by subtraction,
        so that the numbers are to be declared as parts of a shown total.
    estimate, ci_low, ci_high: the two-way coefficient, the line across; NaN: no line.
    labels: other words for the types.

    With many comparisons the points become small and pale; those far from all the weight are drawn as arrows at the edge, and
    counted. Raises `UsageError` for frames without rows or columns, weights below zero or above 1 in all, and more than six types.
    """
    kinds = read_comparisons(comparisons, labels)
    with house_style():
        page = Page(kinds, estimate, (ci_low, ci_high), value_label, estimate_label, digits, ci_level)
        figure = page.draw(title)
    total = sum(len(kind.weight) for kind in kinds)
    hidden = sum(kind.hidden for kind in kinds)
    reasons = enumerate_words(dict.fromkeys(reason for kind in kinds for reason in kind.reasons))
    beyond = page.beyond
    caption = sentence(
        title,
        f"{value_label} in each of {plural(total, 'comparison')} of two groups and two stretches of time, against its share of the weight in the "
        f"two-way coefficient{', logarithmic axis of weight' if page.log else ''}",
        method,
        people(n, n_events, unit=unit),
        f"Full line: {lower_first(estimate_label)}" if math.isfinite(estimate) else "",
        "Short lines: weighted mean of each type",
        "Open marks: forbidden comparisons, whose controls are treated already, so that a change in the effect on these is taken for "
        "the course of time without it"
        if any(kind.forbidden for kind in kinds) else "",
        f"Arrows: {plural(beyond[0], 'comparison')} beyond the axis, with {percent(beyond[1])} of the weight" if beyond[0] else "",
        f"{plural(hidden, 'comparison')} not shown ({reasons})" if hidden else "",
        note,
    )  # fmt: skip
    alt = sentence(
        f"Scatter of {plural(total, 'comparison')}: {lower_first(value_label)} against weight",
        f"{estimate_label}: {interval(estimate, ci_low, ci_high, ci_level, digits=digits)}" if math.isfinite(estimate) else "",
        *[_say(kind, digits) for kind in kinds],
        _heaviest(kinds, digits),
    )
    return Drawn(figure, caption, alt, {"comparisons": comparisons.reset_index(drop=True)}, name)


def _say(kind: Kind, digits: int) -> str:
    size = f"{kind.name}: {plural(len(kind.weight), 'comparison')}"
    parts = [size, f"{percent(kind.share)} of the weight" if math.isfinite(kind.share) else ""]
    if kind.hidden:
        parts.append(f"{kind.hidden} not shown ({enumerate_words(kind.reasons)})")
    if math.isfinite(kind.mean):
        parts.append(f"weighted mean {format_number(kind.mean, digits)}")
    seen = kind.estimate[kind.shown]
    if len(seen) > 1 and seen.min() < seen.max():
        parts.append(f"from {format_number(seen.min(), digits)} to {format_number(seen.max(), digits)}")
    return ", ".join(part for part in parts if part)


def _heaviest(kinds: list[Kind], digits: int) -> str:
    found = [(kind.weight[i], kind.pairs[i], kind.estimate[i]) for kind in kinds for i in np.flatnonzero(kind.shown)]
    if not found:
        return ""
    # ties by name, so that the words do not depend on the order of the rows
    found.sort(key=lambda row: (-row[0], row[1]))
    told = [f"{pair}, {percent(weight, 1 if weight >= 0.01 else 2)}, {format_number(value, digits)}" for weight, pair, value in found[:_TOLD]]
    return f"Largest weights: {'; '.join(told)}"
