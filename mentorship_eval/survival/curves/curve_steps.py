"""The steps of a product-limit or Aalen-Johansen curve in one group; `influence_variance` gives their variances.

Both are one estimator: with causes c, hazards h_c = d_c / n and h their sum, survival multiplies
by 1 - h and cumulative incidence adds S(t-) h_c (Aalen & Johansen 1978). Kaplan-Meier is the case
of one cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentorship_eval.survival.columns import distinct_values

__all__ = ["Rows", "Steps", "curve_steps"]

EMPTIES = 1e-10  # a hazard within this of 1 is 1: everybody at risk had the event


@dataclass(frozen=True)
class Rows:
    """The rows of one group: start, stop, weight (n,); cause (n,), -1 censored, else 0..causes-1;
    cluster (n,) integer codes, or None when every row is its own."""

    start: np.ndarray
    stop: np.ndarray
    cause: np.ndarray
    weight: np.ndarray
    cluster: np.ndarray | None

    def where(self, keep: np.ndarray) -> Rows:
        """The rows where the boolean ``keep`` holds; without a copy when it holds everywhere."""
        if keep.all():
            return self
        cluster = None if self.cluster is None else self.cluster[keep]
        return Rows(self.start[keep], self.stop[keep], self.cause[keep], self.weight[keep], cluster)

    def at_risk(self, times: np.ndarray) -> np.ndarray:
        """Weighted number with start < t <= stop, at any times."""
        def before(moments: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
            code, distinct = distinct_values(moments)
            total = np.concatenate(([0.0], np.cumsum(np.bincount(code, self.weight))))
            return total[np.searchsorted(distinct, times, side=side)]

        left = before(self.start, "left") - before(self.stop, "left")
        return np.where(np.abs(left) < 1e-9 * max(1.0, self.weight.sum()), 0.0, left)


@dataclass(frozen=True)
class Steps:
    """time: (T,) every time at which a row ends; n_risk, n_censor, survival, greenwood, var_survival:
    (T,); n_event, cif, var_cif: (causes, T); clusters: independent units behind the variance.

    greenwood: variance of log survival by Greenwood's formula. var_survival, var_cif: infinitesimal
    jackknife (None when not asked for).
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_censor: np.ndarray
    survival: np.ndarray
    greenwood: np.ndarray
    cif: np.ndarray
    clusters: int
    var_survival: np.ndarray | None = None
    var_cif: np.ndarray | None = None


def curve_steps(rows: Rows, causes: int) -> Steps:
    """Estimate the curve of ``rows`` with ``causes`` kinds of event. Rows of weight 0 are left out."""
    rows = rows.where(rows.weight > 0)
    last, time = distinct_values(rows.stop)
    code, starts = distinct_values(rows.start)
    first = np.searchsorted(time, starts, side="right")[code]
    size = len(time)
    comes = np.bincount(first, rows.weight, size + 1)[:size]
    leaves = np.bincount(last, rows.weight, size)
    # Backwards, so that without delayed entry nothing is subtracted and few at risk are exact.
    n_risk = np.cumsum(leaves[::-1])[::-1] - (comes.sum() - np.cumsum(comes))
    # as floats: bincount of nothing counts in whole numbers
    counts = (np.bincount(last[mine], rows.weight[mine], size) for mine in (rows.cause == c for c in range(causes)))
    n_event = np.array(list(counts), dtype=float)
    n_censor = np.bincount(last[rows.cause < 0], rows.weight[rows.cause < 0], size)
    hazard = np.divide(n_event, n_risk, out=np.zeros_like(n_event), where=n_risk > 0)
    total = hazard.sum(axis=0)
    empties = total > 1 - EMPTIES
    total[empties] = 1.0
    survival = np.cumprod(1 - total)
    before = np.concatenate(([1.0], survival[:-1]))
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(empties, np.inf, total / np.where(empties, 1.0, n_risk * (1 - total))))
    clusters = len(rows.stop) if rows.cluster is None else len(np.unique(rows.cluster))
    return Steps(time, n_risk, n_event, n_censor, survival, greenwood, np.cumsum(before * hazard, axis=1), clusters)
