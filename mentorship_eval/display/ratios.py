"""Forest plot: estimates with intervals on one axis, their numbers written beside them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.forest_layout import ForestOptions, draw_forest, interaction
from mentorship_eval.display.frames import check_columns, flags, is_blank, numbers, reason_of
from mentorship_eval.display.words import interval, lower_first, many, people, plural, sentence
from mentorship_eval.estimate import format_number

__all__ = ["forest", "rows_in_words"]

_WHAT = "forest(rows)"


@redrawn
def forest(
    rows: pd.DataFrame,
    *,
    value_label: str = "Ratio",
    log: bool = True,
    digits: int = 2,
    sides: tuple[str, str] | None = None,
    overall: float = math.nan,
    overall_label: str = "Overall estimate",
    hollow_label: str = "",
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "forest",
) -> Drawn:
    """One line per row of ``rows``, in the order given.

    rows: label, estimate, ci_low, ci_high; optional group (rows of one group stand under its heading),
        n, n_events (numbers or text such as ``<10``), text (printed instead of the numbers), truth (a
        known value, hollow diamond), reason (why a row has no number; printed in its place), hollow
        (True: an open marker), headline (True: bold, on a band, with a larger marker), p_interaction (of the
        group: shown once on its heading; NaN or text where there is none). A row without a number and
        without a reason whose count is withheld (``<10``) says so in place of the number.
    log: ratios on a logarithmic axis with the line at 1; False: differences with the line at 0.
    overall: a dashed line at the estimate of everybody (NaN: none); overall_label: its name.
    hollow_label: what an open marker means, for the legend (nothing: no legend entry).
    sides: words for the left and right of the line, such as ``("fewer leave", "more leave")``.

    An interval that leaves the axis ends in an arrow. Raises `UsageError` for a frame without rows or
    columns, and for ratios at or below zero.
    """
    rows = check_columns(rows, ("label", "estimate", "ci_low", "ci_high"), _WHAT)
    options = ForestOptions(
        value_label, ci_level, log, digits, sides, overall=overall, overall_label=overall_label, hollow_label=hollow_label
    )
    figure = draw_forest(rows, options, _WHAT)
    truth = "truth" in rows.columns and rows["truth"].notna().any()
    caption = sentence(
        title,
        f"{many(value_label)} with {ci_level * 100:g} % confidence intervals{', logarithmic axis' if log else ''}",
        method,
        people(n, n_events, unit=unit),
        "Hollow diamonds: the true values of the simulation" if truth else "",
        f"Dashed line: {lower_first(overall_label)}" if math.isfinite(overall) else "",
        "Shaded: the headline estimate" if flags(rows, "headline").any() else "",
        "Arrows: the interval goes on beyond the axis" if _leaves(figure) else "",
        note,
    )
    alt = sentence(
        f"Forest plot of {plural(len(rows), 'row')}: {value_label}",
        f"{overall_label}: {format_number(overall, digits)}" if math.isfinite(overall) else "",
        *rows_in_words(rows, options),
        *_interactions(rows),
    )
    return Drawn(figure, caption, alt, {"rows": rows}, name)


def rows_in_words(rows: pd.DataFrame, options: ForestOptions) -> list[str]:
    """One sentence a row: label, numbers or reason, and the true value where known."""
    value, low, high, truth = (numbers(rows, column, _WHAT) for column in ("estimate", "ci_low", "ci_high", "truth"))
    headline = flags(rows, "headline")
    said = []
    for i, (_, row) in enumerate(rows.iterrows()):
        name = f"{row['group']}, {row['label']}" if "group" in rows.columns and not is_blank(row["group"]) else str(row["label"])
        number = reason_of(row) if math.isnan(value[i]) else interval(value[i], low[i], high[i], options.ci_level, digits=options.digits)
        true = "" if math.isnan(truth[i]) else f"; true value {format_number(truth[i], options.digits)}"
        said.append(f"{name}{' (headline)' if headline[i] else ''}: {number}{true}")
    return said


def _interactions(rows: pd.DataFrame) -> list[str]:
    if "group" not in rows.columns:
        return []
    found = {group: interaction(part) for group, part in rows.groupby("group", sort=False) if not is_blank(group)}
    return [f"{group}, {lower_first(words)}" for group, words in found.items() if words]


def _leaves(figure: Any) -> bool:
    return any(artist.get_gid() == "arrow" for axes in figure.axes for artist in axes.lines)
