"""Counts under a rule that rounds, and what is made of them: totals, shares and rates that must not tell the number before rounding."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.disclosure.second_blanks import Sum
from mentorship_eval.questions.answer import Counted

__all__ = ["coarser", "coarser_text", "ratios_again", "step_of", "totals_again"]

_NUMBER = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")
_SCALES = (1.0, 100.0, 1000.0, 10000.0, 100000.0)


def totals_again(numbers: np.ndarray, values: np.ndarray, sums: list[Sum], rule: Rule) -> np.ndarray:
    """``numbers``, rounded counts with NaN where withheld, with each total the sum of its rounded parts; where a part is withheld, or the
    counts did not add up to begin with (people in several states), the total stays as it was rounded by itself.
    """
    if not (rule.round_to and rule.totals_of_parts):
        return numbers
    numbers = numbers.copy()
    for _ in range(2):  # totals of totals
        for one in sums:
            if one.total is None or np.isnan(numbers[one.total]) or not one.parts:
                continue
            parts, whole = sum(numbers[cell] for cell in one.parts), sum(values[cell] for cell in one.parts)
            if not math.isnan(parts) and abs(whole - values[one.total]) < 0.5:
                numbers[one.total] = parts
    return numbers


def step_of(least: float) -> float:
    """The first of 1, 2 and 5 times a power of ten that is no less than ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= least * (1 - 1e-9))


def coarser(value: float, count: float, base: float) -> float:
    """``value``, proportional to ``count``, so coarse that its last digit is worth ``base`` of it."""
    if not (math.isfinite(value) and value and count > 0):
        return value
    step = step_of(abs(value) * base / count)
    return round(math.floor(value / step + 0.5) * step, 10)


def coarser_text(text: str, count: float, base: float) -> str:
    """`coarser` for a number in words, ``9.5 % (9.0 to 10.1)``: the first number is the one that ``count`` makes, the others go with it."""
    found = _NUMBER.search(text)
    if not found or not count > 0:
        return text
    first = float(found[0].replace(",", "").replace("−", "-"))
    if not first:
        return text
    step = step_of(abs(first) * base / count)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))

    def shown(match: re.Match[str]) -> str:
        written = len(match[0].partition(".")[2])
        if digits >= written and step <= 10.0**-written:
            return match[0]
        value = float(match[0].replace(",", "").replace("−", "-"))
        return f"{math.floor(value / step + 0.5) * step:,.{min(digits, written)}f}".replace("-", "−")

    return _NUMBER.sub(shown, text)


def ratios_again(
    out: pd.DataFrame, counted: Counted, columns: list[str], values: np.ndarray, numbers: np.ndarray, changed: np.ndarray, base: np.ndarray
) -> None:
    """Put into ``out`` the shares and rates that go with ``numbers``, the counts that are shown (NaN: withheld).

    values: the counts as they were; changed: cells that are shown otherwise; base: what each column is rounded to. Derived numbers of which
    nothing is declared, and which are no estimates that results carry, are made as coarse as the counts of their rows.
    """
    for column, parts in _made_of(counted, columns).items():
        if column not in out:
            continue
        places = [columns.index(part) for part in parts]
        rows = np.flatnonzero(changed[:, places].any(axis=1))
        if not len(rows):
            continue
        kept = out[column].astype(object) if out[column].dtype == object else out[column].astype(float)
        kept = kept.copy()
        for row in rows:
            value, count = kept.iloc[row], values[row, places[0]]
            if isinstance(value, str):
                kept.iloc[row] = coarser_text(value, count, base[places[0]])
            elif value is not None and not math.isnan(float(value)):
                kept.iloc[row] = _made_again(float(value), values[row, places], numbers[row, places], base[places[0]])
        out[column] = kept


def _made_of(counted: Counted, columns: list[str]) -> dict[str, list[str]]:
    """By derived column the counts behind it, the one first to which it is proportional."""
    made = {column: [of] if isinstance(of, str) else list(of) for column, of in counted.ratios.items()}
    if not counted.results and not counted.cumulative:
        shown = [column for column in columns if column in counted.counts]
        made |= {column: [counted.of[column]] if column in counted.of else shown[:1] for column in counted.derived if column not in made}
    return {column: parts for column, parts in made.items() if parts and all(part in columns for part in parts)}


def _made_again(value: float, before: np.ndarray, now: np.ndarray, base: float) -> float:
    """A ratio of two counts from the rounded ones, on whichever scale it was; of one count, coarser."""
    if len(before) == 2 and before[1] > 0 and now[1] > 0 and not np.isnan(now).any():
        plain = before[0] / before[1]
        scale = next((scale for scale in _SCALES if abs(value - scale * plain) < 1e-6 * scale), None)
        if scale is not None:
            return float(scale * min(now[0] / now[1], 1.0) if plain <= 1 else scale * now[0] / now[1])
    return coarser(value, float(before[0]), base)
