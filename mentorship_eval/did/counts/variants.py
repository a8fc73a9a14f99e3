"""Poisson two-way fits of many variants of one panel, by steps that share one factorisation.

Variants (a cluster left out, adoption dates permuted) have profile likelihoods of nearly the same
shape. With x the log period effects, c the events and m(x) the fitted totals of the periods of one
variant, each step is x <- x + K (log c - log m(x)), with one K for all variants: the inverse of I - P + 1 pi',
where P_ts = sum_i r_i p_it p_is / c_t holds the share p_it of unit i's r_i events that falls in period t, and pi
is proportional to c. At K = I this is alternating scaling; at the variant's own P it would be Newton's step.
The error shrinks by a constant factor a step, the distance of P from the variant's own (0.02 to 0.3 in
panels of 12 to 200 units), and a step is two matrix products for all variants together.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

__all__ = ["Margins", "curvature", "settle", "shared_inverse"]

LONGEST_STEP = 2.0
MOST_STEPS = 60


class Margins(Protocol):
    """The fitted totals of the periods (D, T) at period effects (D, T), the unit effects eliminated; `narrow` to some variants."""

    def __call__(self, period: np.ndarray) -> np.ndarray: ...

    def narrow(self, rows: np.ndarray) -> Margins: ...


def curvature(weights: np.ndarray, rows: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sum_i r_i p_i p_i' (T, T) and the fitted totals (T,) of weights (I, T), events by unit (I,) and period effects (T,)."""
    share = weights * period
    sums = share.sum(axis=1)
    share *= np.sqrt(np.divide(rows, sums * sums, out=np.zeros_like(sums), where=sums > 0))[:, None]
    product = share.T @ share
    return product, product.sum(axis=1)


def shared_inverse(product: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """K' (T, T), to be multiplied from the right; periods without a total are left as they are."""
    live = totals > 0
    flow = product / np.where(live, totals, 1.0)[:, None]
    matrix = np.eye(len(totals)) - flow + live[:, None] * (np.where(live, totals, 0.0) / totals.sum())
    return np.ascontiguousarray(np.linalg.inv(matrix).T)


def settle(
    margins: Margins, cols: np.ndarray, start: np.ndarray, inverse: np.ndarray, *, tolerance: float, most: int = MOST_STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Period effects (D, T) and whether each variant converged (D,).

    cols : (D, T) events by period; start : (D, T) or (T,) positive; inverse : of `shared_inverse`.
    tolerance : bound on the error of any log period effect, from the last step and the rate at which the steps shrink.
    A variant whose effects run to infinity, or whose steps do not shrink, is marked as not converged.
    """
    period = np.where(cols > 0, np.broadcast_to(start, cols.shape), 0.0)
    converged = np.zeros(len(cols), dtype=bool)
    rows, before = np.arange(len(cols)), np.full(len(cols), np.inf)
    b, events = period, cols
    live = events > 0
    log_events = np.log(np.where(live, events, 1.0))
    share = events / np.maximum(events.sum(axis=1, keepdims=True), 1e-300)
    for _ in range(most):
        totals = margins(b)
        known = live & (totals > 0)
        step = np.where(known, log_events - np.log(np.where(known, totals, 1.0)), 0.0) @ inverse
        step -= (share * step).sum(axis=1, keepdims=True)  # the level of all periods is the units' to take
        step[~live] = 0.0
        longest = np.abs(step).max(axis=1)
        step *= np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))[:, None]
        b = b * np.exp(step)
        rate = np.minimum(longest / np.maximum(before, 1e-300), 0.9)
        # a first step says nothing of the rate
        error = np.where(np.isfinite(before), longest * rate / (1 - rate), longest)
        before, done = longest, error < tolerance
        if done.any():
            period[rows[done]], converged[rows[done]] = b[done], True
        going = ~done & np.isfinite(longest)
        if not going.any():
            return period, converged
        # narrowing copies the variants' own arrays, so it waits until most are done; more steps do a settled variant no harm
        if going.sum() <= 0.5 * len(going):
            margins, rows, before, b = margins.narrow(going), rows[going], before[going], b[going]
            live, log_events, share = live[going], log_events[going], share[going]
    return period, converged
