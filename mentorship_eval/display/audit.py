"""Immortal-time audit: the naive hazard ratio beside the correct one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.forest_layout import ForestOptions, draw_forest
from mentorship_eval.display.frames import check_columns, is_blank
from mentorship_eval.display.ratios import rows_in_words
from mentorship_eval.display.words import count, lower_first, many, sentence

__all__ = ["audit_contrast"]

_WHAT = "audit_contrast(rows)"


@redrawn
def audit_contrast(
    rows: pd.DataFrame,
    *,
    misclassified_days: float | str | None = None,
    total_days: float | None = None,
    value_label: str = "Hazard ratio",
    hollow_label: str = "naive analysis",
    filled_label: str = "time split at the start of mentoring",
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    note: str = "",
    name: str = "audit_contrast",
) -> Drawn:
    """Open marker for the naive analysis, filled for the correct one, and the person-time between them.

    rows: label, estimate, ci_low, ci_high, the naive analysis first; optional hollow, n, n_events,
        truth, reason as in `forest`. Without ``hollow`` all rows but the last are open.
    misclassified_days: person-days that the naive analysis counts as mentored before mentoring began
        (a number, or text where it is suppressed); total_days: all person-days it counts as mentored.
    hollow_label, filled_label: what the open and the filled markers are, for the legend.
    """
    rows = check_columns(rows, ("label", "estimate", "ci_low", "ci_high"), _WHAT)
    if "hollow" not in rows.columns:
        rows = rows.assign(hollow=np.arange(len(rows)) < len(rows) - 1)
    foot, share = "", math.nan
    if not is_blank(misclassified_days):
        foot = f"{count(misclassified_days)} person-days before mentoring began are counted as mentored by the naive analysis"
        if not isinstance(misclassified_days, str) and total_days:
            share = float(misclassified_days or 0) / total_days
            foot += f" (hatched: {100 * share:.1f} % of the {count(total_days)} it counts as mentored)"
        foot += "."
    options = ForestOptions(
        value_label, ci_level, foot=foot, hollow_label=hollow_label, filled_label=filled_label, share=share if 0 <= share <= 1 else math.nan
    )
    figure = draw_forest(rows, options, _WHAT)
    truth: Any = "truth" in rows.columns and rows["truth"].notna().any()
    caption = sentence(
        title,
        f"Immortal-time audit: {lower_first(many(value_label))} with {ci_level * 100:g} % confidence intervals",
        f"Open: {hollow_label}; filled: {filled_label}",
        method,
        "Hollow diamonds: the true values of the simulation" if truth else "",
        note,
    )
    alt = sentence(f"{many(value_label)} side by side", *rows_in_words(rows, options), foot)
    return Drawn(figure, caption, alt, {"rows": rows}, name)
