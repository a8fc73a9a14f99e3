"""Pointwise intervals of a curve, and the time at which it crosses a level."""

from __future__ import annotations

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["INTERVALS", "curve_interval", "require_interval", "time_to_level"]

INTERVALS = ("log-log", "log", "plain")


def require_interval(ci: str) -> None:
    if ci not in INTERVALS:
        raise UsageError(f"There is no interval {ci!r}.", fix=f"Use one of {', '.join(INTERVALS)}.")


def curve_interval(value: np.ndarray, se: np.ndarray, critical: np.ndarray | float, ci: str) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a probability on the scale ``ci``: plain, log, or log-log (log of -log).

    NaN where the scale is not defined (at 0; for log-log also at 1) or the standard error is not.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if ci == "plain":
            half = critical * se
            return np.maximum(value - half, 0.0), np.minimum(value + half, 1.0)
        known = np.where((value > 0) & ((value < 1) | (ci == "log")), value, np.nan)
        if ci == "log":
            factor = np.exp(critical * se / known)
            return known / factor, np.minimum(known * factor, 1.0)
        shift = critical * se / (known * np.log(known))
        center = np.log(-np.log(known))
        low, high = np.exp(-np.exp(center - shift)), np.exp(-np.exp(center + shift))
        return np.minimum(low, high), np.maximum(low, high)


def time_to_level(time: np.ndarray, curve: np.ndarray, level: float) -> float:
    """First time at which the falling ``curve`` is at most ``level``; NaN when it never is.

    When the curve stands exactly at the level, the middle of that flat stretch (as in R).
    """
    tolerance = np.sqrt(np.finfo(float).eps)
    below = np.isfinite(curve) & (np.nan_to_num(curve, nan=2.0) < level + tolerance)
    if not below.any():
        return float("nan")
    moments, values = time[below], curve[below]
    lower = values < values[0]
    if abs(values[0] - level) < tolerance and lower.any():
        return float((moments[0] + moments[np.argmax(lower)]) / 2)
    return float(moments[0])
