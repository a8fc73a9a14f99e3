"""The steps of a product-limit or Aalen-Johansen curve in one group, and their variances.

Both are one estimator: with causes c, hazards h_c = d_c / n and h their sum, survival multiplies
by 1 - h and cumulative incidence adds S(t-) h_c (Aalen & Johansen 1978). Kaplan-Meier is the case
of one cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mentorship_eval.survival.columns import distinct_values

__all__ = ["Rows", "Steps", "curve_steps"]

CHUNK = 4_000_000  # numbers in one slice of the influence matrix
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


def curve_steps(rows: Rows, causes: int, infinitesimal_jackknife: bool) -> Steps:
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
    steps = Steps(time, n_risk, n_event, n_censor, survival, greenwood, np.cumsum(before * hazard, axis=1), clusters)
    if not infinitesimal_jackknife:
        return steps
    return _with_jackknife(steps, rows, first, last, hazard, total, before)


def _with_jackknife(
    steps: Steps, rows: Rows, first: np.ndarray, last: np.ndarray, hazard: np.ndarray, total: np.ndarray, before: np.ndarray
) -> Steps:
    """Variance as the sum over clusters of squared influences: the derivative of the curve with
    respect to the weights of a cluster's rows, times those weights (as in R's survfit)."""
    moments = np.flatnonzero(total > 0)
    causes, size = len(hazard), len(moments)
    var_survival, var_cif = np.zeros(size), np.zeros((causes, size))
    if size:
        n_risk, hazard, total = steps.n_risk[moments], hazard[:, moments], total[moments]
        survival, before = steps.survival[moments], before[moments]
        stays = np.where(total < 1, 1 / np.where(total < 1, 1 - total, 1.0), 0.0)
        begin, end = np.searchsorted(moments, first), np.searchsorted(moments, last, side="right")
        for at_risk, happened, multiple in _slices(rows, begin, end, causes, size):
            surprise = (happened - at_risk * hazard[:, np.newaxis]) / n_risk
            of_survival = -survival * np.cumsum(surprise.sum(axis=0) * stays, axis=1)
            earlier = np.concatenate((np.zeros((len(of_survival), 1)), of_survival[:, :-1]), axis=1)
            of_cif = np.cumsum(earlier * hazard[:, np.newaxis] + before * surprise, axis=2)
            var_survival += multiple @ of_survival**2
            var_cif += np.einsum("g,cgk->ck", multiple, of_cif**2)
    place = np.searchsorted(moments, np.arange(len(steps.time)), side="right")
    return replace(
        steps, var_survival=np.concatenate(([0.0], var_survival))[place],
        var_cif=np.concatenate((np.zeros((causes, 1)), var_cif), axis=1)[:, place],
    )


def _slices(
    rows: Rows, begin: np.ndarray, end: np.ndarray, causes: int, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(at risk (g, K), events (causes, g, K), multiplicity (g,)) for slices of clusters.

    Rows that are their own cluster and look alike share one line; its multiplicity is the sum of
    their squared weights.
    """
    cause = rows.cause
    if rows.cluster is None:
        key = (begin * (size + 1) + end) * (causes + 1) + cause + 1
        _, chosen, code = np.unique(key, return_index=True, return_inverse=True)
        multiple = np.bincount(code, rows.weight**2)
        begin, end, cause, weight, code = begin[chosen], end[chosen], cause[chosen], np.ones(len(chosen)), np.arange(len(chosen))
    else:
        _, code = np.unique(rows.cluster, return_inverse=True)
        order = np.argsort(code, kind="stable")
        begin, end, cause, weight, code = begin[order], end[order], cause[order], rows.weight[order], code[order]
        multiple = np.ones(code[-1] + 1)
    lines = max(1, CHUNK // (size * (causes + 1)))
    for low in range(0, len(multiple), lines):
        count = min(lines, len(multiple) - low)
        part = slice(*np.searchsorted(code, (low, low + count)))
        line = (code[part] - low) * (size + 1)
        flat = count * (size + 1)
        change = np.bincount(line + begin[part], weight[part], flat) - np.bincount(line + end[part], weight[part], flat)
        at_risk = np.cumsum(change.reshape(count, size + 1), axis=1)[:, :-1]
        happened = np.empty((causes, count, size))
        for c in range(causes):
            mine = cause[part] == c
            happened[c] = np.bincount((line + end[part] - 1)[mine], weight[part][mine], flat).reshape(count, size + 1)[:, :-1]
        yield at_risk, happened, multiple[low : low + count]
