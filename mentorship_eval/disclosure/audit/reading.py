"""What a published value tells an attacker who knows the rule: a count becomes an interval, a printed number its rounding."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["Interval", "is_hidden", "printed", "rows_shown", "told"]

Interval = tuple[float, float]
_ANYTHING: Interval = (0.0, math.inf)
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
# a float in a file carries some fifteen digits
_EXACT = 1e-9


def told(value: Any, rule: Rule, *, curve: bool = False) -> Interval:
    """The counts that may stand behind a published one: ``<10`` is 1 to 9, ``withheld`` any positive one, ``≈50`` what rounds to it.

    curve: the count stands on the grid of a survival curve, where the rule has one of its own.
    """
    least = 0.0 if rule.zeros_disclosive else 1.0
    if isinstance(value, str):
        text = value.strip()
        if is_hidden(text, rule):
            return least, (rule.threshold - 1.0 if text == rule.mark != rule.second_mark else math.inf)
        about = text.startswith("≈")
        found = _NUMBER.fullmatch(text[1:] if about else text)
        if found is None:
            return _ANYTHING
        value = float(found[0].replace(",", ""))
        if about:
            return _behind(value, rule.coarse, rule.coarsely)
    if value is None or pd.isna(value):
        return _ANYTHING
    if rule.round_to and value:
        return _behind(float(value), max(rule.round_to, rule.midpoint), rule.on_grid if curve else rule.rounded)
    return float(value), float(value)


def _behind(value: float, base: int, rounding: Callable[[float], Any]) -> Interval:
    """Whole numbers that ``rounding`` turns into ``value``; a number that none is turned into (a sum of rounded ones) tells nothing."""
    found = [count for count in range(max(0, math.floor(value) - 2 * base), math.ceil(value) + 2 * base + 1)
             if abs(float(rounding(float(count))) - value) < 1e-9]  # fmt: skip
    return (float(found[0]), float(found[-1])) if found else _ANYTHING


def is_hidden(value: Any, rule: Rule) -> bool:
    """Whether a published cell withholds its count (a rounded one is coarse and not withheld)."""
    if isinstance(value, str):
        return value.strip() in {rule.mark, rule.second_mark, "withheld"}
    return bool(pd.isna(value))


def printed(value: Any) -> list[Interval]:
    """The numbers in a published cell with their rounding, percentages as shares: ``81.8 % (74.0 to 90.4)`` is three intervals."""
    if isinstance(value, bool | np.bool_) or value is None:
        return []
    if isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        return [] if math.isnan(number) else [(number - _EXACT * max(1.0, abs(number)), number + _EXACT * max(1.0, abs(number)))]
    out, text = [], str(value)
    for found in _NUMBER.finditer(text):
        words = found[0].replace(",", "").replace("−", "-")
        half = 0.5 * 10.0 ** -(len(words.split(".")[1]) if "." in words else 0) * (1 + 1e-9)
        scale = 100.0 if "%" in text else 1.0
        out.append(((float(words) - half) / scale, (float(words) + half) / scale))
    return out


def rows_shown(private: pd.DataFrame, shown: pd.DataFrame, counted: Counted) -> np.ndarray:
    """For each row of the private frame its row in the published one, -1 where it was dropped."""
    if len(private) == len(shown):
        return np.arange(len(private))
    numbers = {*counted.counts, *counted.derived, *counted.behind}
    keys = [column for column in shown.columns if column in private.columns and column not in numbers]
    places, out, start = list(shown[keys].itertuples(index=False, name=None)), np.full(len(private), -1), 0
    for row, key in enumerate(private[keys].itertuples(index=False, name=None)):
        # rows are dropped and never moved
        if start < len(places) and all(_alike(a, b) for a, b in zip(key, places[start], strict=True)):
            out[row], start = start, start + 1
    return out


def _alike(left: Any, right: Any) -> bool:
    return bool(left == right) or (bool(pd.isna(left)) and bool(pd.isna(right)))
