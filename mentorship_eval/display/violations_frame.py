"""What is drawn of a sensitivity to parallel trends: the curve in order, the value at which it turns, what was seen before go-live."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import check_columns, is_blank, numbers, reason_of
from mentorship_eval.errors import UsageError

__all__ = ["WHAT", "Curve", "read_curve"]

WHAT = "breakdown(curve)"
_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class Curve:
    """violation (K,), ascending, with value, low and high (K,) under it; null: the value of no effect; seen: value and interval.

    breakdown, of_estimate: NaN where there is none. reason: why there are no numbers.
    """

    violation: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    log: bool
    breakdown: float
    of_estimate: float
    seen: tuple[float, float, float]
    reason: str

    @property
    def null(self) -> float:
        return 1.0 if self.log else 0.0

    @property
    def known(self) -> np.ndarray:
        return np.isfinite(self.value) | np.isfinite(self.low) | np.isfinite(self.high)

    @property
    def start(self) -> int:
        """The row nearest to no violation, among those with numbers where there are any."""
        distance = np.abs(self.violation)
        return int(np.argmin(np.where(self.known, distance, np.inf) if self.known.any() else distance))

    def fine(self, steps: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Violation, low, high between the rows as well, straight on the scale of the axis; a limit is the null at the breakdown value."""
        with np.errstate(divide="ignore"):
            low, high = (np.log(limit) if self.log else limit for limit in (self.low, self.high))
        null, at = math.log(self.null) if self.log else 0.0, self.violation
        rows = np.isfinite(low) & np.isfinite(high)
        if rows.sum() < 2:
            return np.empty(0), np.empty(0), np.empty(0)
        at, low, high = at[rows], low[rows], high[rows]
        if at[0] < self.breakdown < at[-1] and self.breakdown not in at:
            below = high[np.argmin(np.abs(at))] < null
            turned = [np.interp(self.breakdown, at, limit) for limit in (low, high)]
            turned[1 if below else 0] = null
            k = int(np.searchsorted(at, self.breakdown))
            at, low, high = np.insert(at, k, self.breakdown), np.insert(low, k, turned[0]), np.insert(high, k, turned[1])
        grid = np.unique(np.concatenate([np.linspace(at[0], at[-1], steps), at]))
        ends = [np.interp(grid, at, limit) for limit in (low, high)]
        return (grid, np.exp(ends[0]), np.exp(ends[1])) if self.log else (grid, *ends)


def read_curve(curve: pd.DataFrame, *, log: bool, breakdown: float, of_estimate: float, seen: tuple[float, float, float]) -> Curve:
    rows = check_columns(curve, ("violation", "estimate", "ci_low", "ci_high"), WHAT)
    violation, value, low, high = (numbers(rows, column, WHAT) for column in ("violation", "estimate", "ci_low", "ci_high"))
    odd = ~np.isfinite(violation) | pd.Series(violation).duplicated(keep=False).to_numpy()
    if odd.any():
        raise UsageError(f"{WHAT}: a violation is missing or stands twice.", fix="Give one row for each size.", rows=list(rows.index[odd]))
    if log and ((value <= 0) | (low < 0) | (high <= 0)).any():
        raise UsageError(
            f"{WHAT}: ratios at or below zero.", fix="Give ratios, not their logarithms, or log=False for differences.",
            rows=list(rows.index[(value <= 0) | (low < 0) | (high <= 0)]),
        )
    if (low > high).any():
        raise UsageError(f"{WHAT}: lower limits above the upper ones.", fix="Exchange the columns.", rows=list(rows.index[low > high]))
    if seen[1] > seen[0] or seen[2] < seen[0] or (math.isnan(seen[0]) and not (math.isnan(seen[1]) and math.isnan(seen[2]))):
        raise UsageError(f"{WHAT}: the violation seen, {seen[0]:g}, is not within its interval {seen[1]:g} to {seen[2]:g}.", fix="Check the three.")
    order = np.argsort(violation)
    _refuse_foreign(violation[order], low[order], high[order], breakdown, log)
    blank = ~(np.isfinite(value) | np.isfinite(low) | np.isfinite(high))
    reasons = dict.fromkeys(reason_of(row) for _, row in rows[blank].iterrows())
    return Curve(
        violation[order], value[order], low[order], high[order], log, breakdown, of_estimate, seen,
        "; ".join(reason for reason in reasons if not is_blank(reason)),
    )


def _refuse_foreign(at: np.ndarray, low: np.ndarray, high: np.ndarray, breakdown: float, log: bool) -> None:
    """The row before a breakdown value leaves out no effect, and the row beyond it no longer does so on the same side."""
    rows = np.isfinite(at) & np.isfinite(low) & np.isfinite(high) & ((low > 0) if log else True)
    at, (low, high) = at[rows], (np.log(end[rows]) if log else end[rows] for end in (low, high))
    if not len(at) or not at[0] < breakdown < at[-1]:
        return
    k = int(np.searchsorted(at, breakdown))
    inner, outer = (k - 1, k) if breakdown > 0 else (k, k - 1)
    # the distance of the interval from no effect, as a share of its width: values are rounded, and searched for with a tolerance
    apart = (low if low[inner] + high[inner] > 0 else -high) / (high - low)
    if apart[inner] < -_TOLERANCE or apart[outer] > _TOLERANCE:
        raise UsageError(
            f"{WHAT}: the interval does not turn at the breakdown value {breakdown:g}, but before it or well beyond.",
            fix="Give the curve and the breakdown value of one analysis, in the same unit.",
        )
