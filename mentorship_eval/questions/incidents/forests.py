"""Forests of rate ratios around the default analysis: what cannot be drawn, what else their counts would tell, and the engine's words in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.exhibits import counted_forest, forest_rows

__all__ = ["counted_ratios", "in_words", "ratio_forest", "ratio_rows", "the_rest"]

OPTIONS = {"value_label": "Rate ratio", "sides": ("fewer", "more"), "unit": "department-periods"}
_WORDS = (
    (r" \(min_controls\)", ""),
    (r"\b(?:treated|target) cells\b", "department-months with the programme"),
    (r"\b(?:treated|target) cell\b", "department-month with the programme"),
    (r"\buntreated cells\b", "department-months without it"),
    (r"\buntreated cell\b", "department-month without it"),
    (r"\buntreated (?:units?|clusters?) in the period\b", "departments without it in the month"),
    (r"\bthe unit has no untreated period\b", "the department has no month without it"),
    (r"\bunit and period are not linked\b", "department and month are not linked"),
    (r"\buntreated (period|month)s?\b", r"\1 without it"),
    (r"\buntreated units\b", "departments without it"),
    (r"\bunits\b", "departments"),
    (r"\bunit\b", "department"),
    (r"\bperiods\b", "months"),
    (r"\bperiod\b", "month"),
    (r"\bcells\b", "department-months"),
)


def in_words(problem: object, *, months: bool = True) -> str:
    """What an engine says of units, periods and cells, said of departments and months; as it is where the rows are neither."""
    text = str(problem)
    if not months:
        return re.sub(r" \(min_controls\)", "", text)
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text[:1].upper() + text[1:]


def ratio_rows(results: Sequence[Result], wholes: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Rows of a forest. A ratio of 0 has no place on a logarithmic axis: the row says that no event was observed.

    wholes: by id of a result the count that its events are a part of, where that count is shown too. It and the others of it are declared
    beside the row and never shown: with few others, the part would tell how many they are.
    """
    frame = forest_rows(results)
    if frame.empty:
        return frame
    none = frame["estimate"] == 0
    frame.loc[none, "reason"] = "none observed"
    frame.loc[none, ["estimate", "ci_low", "ci_high"]] = np.nan
    if wholes is not None:
        frame["whole"] = [wholes.get(name, np.nan) for name in frame["id"]]
        frame["others"] = frame["whole"] - pd.to_numeric(frame["n_events"], errors="coerce")
    return frame


def counted_ratios(**more: Any) -> Counted:
    """How the counts of `ratio_rows` with wholes are declared."""
    return counted_forest(behind=("whole", "others"), sums=(("whole", "n_events", "others"),), **more)


def the_rest(results: Sequence[Result], whole: float, n: int | None, label: str, group: str) -> pd.DataFrame | None:
    """A row without a ratio for the events of ``whole`` that no row tells, or they could be had by subtraction; None when there are none."""
    left = whole - sum(result.estimate.n_events or 0 for result in results)
    if not np.isfinite(left) or left <= 0:
        return None
    return pd.DataFrame([{
        "id": "", "label": label, "group": group, "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": n, "n_events": left,
        "hollow": False, "reason": "not estimated", "whole": whole, "others": whole - left,
    }])  # fmt: skip


def ratio_forest(
    exhibit_id: str, title: str, frame: pd.DataFrame, note: str, counted: Counted | None = None,
) -> Exhibit:  # fmt: skip
    return Exhibit(exhibit_id, "forest", title, {"rows": frame}, {"rows": counted or counted_ratios()}, OPTIONS, note)
