"""What a frame must hold before it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError, listing

__all__ = ["Periods", "check_columns", "flags", "in_order", "is_blank", "is_withheld", "numbers", "periods", "reason_of"]


def check_columns(frame: Any, needed: Sequence[str], what: str) -> pd.DataFrame:
    """``frame`` with a fresh index, or `UsageError` when it is no frame, is empty or lacks a column."""
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"{what} takes a DataFrame, not {type(frame).__name__}.", fix=f"Give the columns {listing(needed, 12)}.")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        has = listing(frame.columns, 12) or "none"
        raise UsageError(f"{what} lacks the column(s) {listing(missing, 12)}.", fix=f"The frame has: {has}.")
    if frame.empty:
        raise UsageError(f"{what} has no rows, so there is nothing to draw.", fix="Leave the figure out and say why.")
    return frame.reset_index(drop=True)


def numbers(frame: pd.DataFrame, column: str, what: str) -> np.ndarray:
    """A column as floats; NaN where it is missing altogether. Text is refused, not turned into NaN."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[column], errors="coerce")
    odd = frame.index[values.isna() & frame[column].notna()]
    if len(odd):
        raise UsageError(
            f"{what}: column {column} holds text that is no number ({listing(frame.loc[odd, column].unique())}).",
            fix="A number that may not be shown is NaN here; only counts are written as text.",
            rows=list(odd),
        )
    return values.to_numpy(dtype=float)


def is_blank(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) or value == ""


def is_withheld(value: Any) -> bool:
    """Whether a count carries a mark of disclosure control: ``<10``, ``*`` or ``[REDACTED]``, or ``withheld`` where it covers another."""
    return isinstance(value, str) and (value.startswith(("<", "*", "[")) or value == "withheld")


def reason_of(row: pd.Series, default: str = "not estimable") -> str:
    """Why a row has no number: its ``reason``, or its ``text``, or the count that was withheld, or the default."""
    for column in ("reason", "text"):
        if column in row.index and not is_blank(row[column]):
            return str(row[column])
    for column, words in (("n_events", "{} events"), ("n", "n {}")):
        if column in row.index and is_withheld(row[column]):
            return f"withheld ({words.format(row[column])})" if str(row[column]).startswith("<") else "withheld"
    return default


def flags(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column of yes and no; no where it is missing."""
    if column not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    return np.array([not is_blank(value) and bool(value) for value in frame[column]])


def in_order(values: pd.Series) -> list[Any]:
    """Distinct values in order of appearance; a missing one is refused."""
    if values.isna().any():
        raise UsageError(f"Column {values.name} has missing values.", fix="Name every group.", rows=list(values.index[values.isna()]))
    return list(dict.fromkeys(values))


class Periods:
    """Places on an axis for periods that are whole numbers, or months written in any usual form."""

    def __init__(self, calendar: bool) -> None:
        self.calendar = calendar

    def place(self, values: Any, what: str) -> np.ndarray:
        series = pd.Series(values)
        if not self.calendar:
            numeric = pd.to_numeric(series, errors="coerce")
            if (numeric.isna() & series.notna()).any():
                raise UsageError(f"{what}: periods are numbers in one place and dates in another.", fix="Use one form throughout.")
            return numeric.to_numpy(dtype=float)
        known = series.notna()
        out = np.full(len(series), np.nan)
        if not known.any():
            return out
        try:
            if pd.api.types.is_numeric_dtype(series[known].infer_objects()):
                raise ValueError
            months = pd.PeriodIndex(
                [
                    pd.Period(value, freq="M") if not isinstance(value, pd.Period) else value.asfreq("M", how="start")
                    for value in series[known]
                ]
            )
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{what}: periods such as {listing(series[known].unique(), 3)} are neither numbers nor months.",
                fix="Write 2024-03, or 1, 2, 3.",
            ) from error
        out[known.to_numpy()] = np.asarray(months.year) * 12 + np.asarray(months.month) - 1
        return out

    def label(self, place: float) -> str:
        if not self.calendar:
            return f"{place:g}".replace("-", "−")
        names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
        year, month = divmod(round(place), 12)
        return f"{names[month]} {year}"

    def tick_labels(self, ticks: Sequence[float]) -> list[str]:
        """Years alone where every tick is a January."""
        if self.calendar and len(ticks) > 1 and all(tick % 12 == 0 for tick in ticks):
            return [f"{tick // 12:.0f}" for tick in ticks]
        return [self.label(tick) for tick in ticks]

    def ticks(self, low: float, high: float, most: int) -> list[float]:
        """At most ``most`` round places from ``low`` to ``high``; for months, quarters, halves or Januaries."""
        steps = (1, 3, 6, 12, 24, 60, 120) if self.calendar else (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        for step in steps:
            first = int(np.ceil(low / step) * step)
            ticks = [float(t) for t in range(first, int(np.floor(high)) + 1, step)]
            # a year alone is a shorter label than a month with its year
            if 2 <= len(ticks) <= (1.6 * most if self.calendar and step % 12 == 0 else most):
                return ticks
        return [low, high] if high > low else [low]


def periods(values: pd.Series) -> Periods:
    known = values.dropna()
    return Periods(calendar=not pd.api.types.is_numeric_dtype(known.infer_objects()))
