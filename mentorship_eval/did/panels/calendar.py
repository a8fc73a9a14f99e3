"""Periods and adoption dates as steps on one calendar, so that gaps between periods count."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing

__all__ = ["calendar_positions"]

NEVER = np.inf


def _months(dates: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(dates.year * 12 + dates.month, dtype=float)


def _date_steps(times: pd.DatetimeIndex, first: pd.Series, adopted: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps of dates: months when every period is the same day of a month (or its last), else days."""
    dates = pd.DatetimeIndex(first.dropna())
    both = times.append(dates)
    monthly = bool((times.day == times.day[0]).all() or times.is_month_end.all())
    raw = _months(times) if monthly else np.asarray((times - times[0]).days, dtype=float)
    width = float(np.gcd.reduce(np.diff(raw).astype(int))) if len(raw) > 1 else 1.0
    steps = _months(both) if monthly else np.asarray((both - times[0]).days, dtype=float)
    steps = (steps - raw[0]) / max(width, 1.0)
    at = np.full(len(first), NEVER)
    at[first.notna().to_numpy()] = steps[len(times):]
    aligned = not monthly or (times.is_month_end.all() and dates.is_month_end.all()) or (dates.day == times.day[0]).all()
    off = np.isfinite(at) & (at != np.round(at))
    if not aligned:
        same_day = pd.Series(first).map(lambda d: pd.isna(d) or d.day == times.day[0] or (times.is_month_end.all() and d.is_month_end))
        off |= ~same_day.to_numpy(dtype=bool)
    if off.any():
        raise EstimationError(
            f"{adopted!r} is not one of the periods for unit {listing(first.index[off])} ({listing(first[off])}).",
            fix="Give the first treated period, written as the periods are (for months: their first day).",
        )
    return steps[: len(times)], at


def calendar_positions(periods: pd.Series, first: pd.Series, *, time: str, adopted: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorted period labels (T,), their calendar steps (T,), and each unit's adoption step (inf: never).

    Whole numbers count as they are; dates count in months, or in days when they are not monthly,
    divided by their common width (quarters become steps of one); Periods by their ordinal.
    Raises `EstimationError` for adoption 0, for adoption in another type than the periods and for
    adoption dates off the grid of periods.
    """
    labels = np.sort(periods.unique())
    missing = first.isna().to_numpy()
    mixed = EstimationError(
        f"{time!r} ({periods.dtype}) and {adopted!r} ({first.dtype}) are not of one type, or not whole numbers, dates or Periods.",
        fix="Turn both into whole numbers, or into dates with pd.to_datetime; leave adoption missing for never.",
    )
    at = np.full(len(first), NEVER)
    if pd.api.types.is_numeric_dtype(periods):
        try:
            at[~missing] = pd.to_numeric(first[~missing]).to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise mixed from None
        if pd.api.types.is_datetime64_any_dtype(first) and not missing.all():
            raise mixed
        zero = ~missing & ((at == 0) | np.isinf(at))
        if zero.any():
            raise EstimationError(
                f"{adopted!r} is {at[zero][0]:g} for unit {listing(first.index[zero])}: 0 could mean never or the period 0.",
                fix="Leave it missing for units that never adopt; if a period 0 is meant, number the periods from 1.",
                rows=list(first.index[zero]),
            )
        values = labels.astype(float)
        if (values != np.round(values)).any() or (np.isfinite(at) & (at != np.round(at))).any():
            raise mixed
        return labels, values - values[0], at - values[0]
    if isinstance(periods.dtype, pd.PeriodDtype):
        index = pd.PeriodIndex(labels)
        same = first.dtype == periods.dtype or all(isinstance(value, pd.Period) and value.freq == index.freq for value in first[~missing])
        if not same:
            raise mixed
        at[~missing] = [value.ordinal for value in first[~missing]]
        ordinals = np.asarray([period.ordinal for period in index], dtype=float)
        return np.asarray(index.astype(object)), ordinals - ordinals[0], at - ordinals[0]
    if pd.api.types.is_datetime64_any_dtype(periods):
        if not missing.all() and not pd.api.types.is_datetime64_any_dtype(first):
            raise mixed
        steps, at = _date_steps(pd.DatetimeIndex(labels), pd.to_datetime(first), adopted)
        return labels, steps, at
    raise mixed
