"""Partial pooling of several estimates of one kind: each is drawn towards their mean, the more so the less precise it is.

Normal-normal model: estimate i ~ N(theta_i, se_i^2), theta_i ~ N(mu, tau^2); tau^2 by restricted maximum likelihood (Viechtbauer 2005, J Educ
Behav Stat 30:261-293), then empirical Bayes means and variances with the uncertainty of mu in them (Morris 1983, JASA 78:47-55). That of tau^2 is
not in them: with few groups the intervals are too narrow, and the raw estimates stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import EstimationError

__all__ = ["Pooled", "between_interval", "partial_pooling"]

_ROUNDS, _CLOSE = 1000, 1e-12


@dataclass(frozen=True)
class Pooled:
    """value, se: (n,) of the groups after pooling, NaN where the estimate or its error is unknown; mean, mean_se; between: tau, their standard
    deviation; weight: (n,) share of the own estimate in the pooled one. centre: (n,) towards what each is drawn, the mean of its block; with blocks
    mean is that of their means, without an error.
    """

    value: np.ndarray
    se: np.ndarray
    mean: float
    mean_se: float
    between: float
    weight: np.ndarray
    centre: np.ndarray


def partial_pooling(value: np.ndarray, se: np.ndarray, blocks: np.ndarray | None = None) -> Pooled:
    """Pooled values of estimates (n,) with standard errors (n,), on a scale on which they are normal (logarithms of ratios).

    blocks : (n,) of groups that have a mean of their own (fixed effects: a meta-regression on them); differences between blocks are then no part of
        what lies between groups, and do not lessen it either. None: one mean for all.

    Raises `EstimationError` with fewer than three usable estimates, or three more than blocks: less says nothing about how much such groups differ.
    """
    y, v, code, known = _usable(value, se, blocks)
    tau2 = _restricted(y, v, code)
    w = 1 / (v + tau2)
    total = np.bincount(code, weights=w)
    means = np.bincount(code, weights=w * y) / total
    own = tau2 / (tau2 + v)
    out = [np.full(len(known), np.nan) for _ in range(4)]
    out[0][known] = own * y + (1 - own) * means[code]
    out[1][known] = np.sqrt(own * v + (1 - own) ** 2 / total[code])
    out[2][known] = own
    out[3][known] = means[code]
    one = len(means) == 1
    return Pooled(out[0], out[1], float(means.mean()), float(total[0] ** -0.5) if one else np.nan, tau2**0.5, out[2], out[3])


def between_interval(value: np.ndarray, se: np.ndarray, blocks: np.ndarray | None = None, ci_level: float = 0.95) -> tuple[float, float]:
    """Interval of ``between`` (tau) of `partial_pooling`: the values under which the weighted sum of squares is no surprise, a limit being 0 where
    even that is too large (Q-profile method: Viechtbauer 2007, Stat Med 26:37-52). Arguments and errors as there.
    """
    from scipy.optimize import brentq
    from scipy.special import chdtri

    y, v, code, _ = _usable(value, se, blocks)

    def excess(tau2: float, wanted: float) -> float:
        w = 1 / (v + tau2)
        means = np.bincount(code, weights=w * y) / np.bincount(code, weights=w)
        return float(w @ (y - means[code]) ** 2) - wanted

    limits = []
    for tail in ((1 - ci_level) / 2, (1 + ci_level) / 2):
        wanted = float(chdtri(len(y) - code.max() - 1, tail))
        far = float(np.var(y) + v.max())
        while excess(far, wanted) > 0:
            far *= 10
        limits.append(float(brentq(excess, 0.0, far, args=(wanted,))) ** 0.5 if excess(0.0, wanted) > 0 else 0.0)
    return limits[0], limits[1]


def _usable(value: np.ndarray, se: np.ndarray, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, variances and codes of blocks of those with both, and which these are."""
    value, se = np.asarray(value, float), np.asarray(se, float)
    known = np.isfinite(value) & np.isfinite(se) & (se > 0)
    labels = np.zeros(len(value), dtype=int) if blocks is None else np.asarray(blocks)
    code = np.unique(labels[known], return_inverse=True)[1]
    if known.sum() < 3 or (blocks is not None and known.sum() < code.max() + 4):
        few = "Fewer than three groups have an estimate with a standard error" + ("." if blocks is None else ", or hardly more than one a block.")
        raise EstimationError(few, fix="Read them as they are, without pooling.")
    return value[known], se[known] ** 2, code, known


def _restricted(y: np.ndarray, v: np.ndarray, code: np.ndarray) -> float:
    """tau^2 by Fisher scoring from the estimate of DerSimonian and Laird (1986); 0 on the boundary."""

    def sums(w: np.ndarray) -> tuple[float, float, np.ndarray]:
        # projection P = W - w w' / sum(w), block by block: trace of P, of P P, and P y
        one, two, three = (np.bincount(code, weights=w**power) for power in (1, 2, 3))
        trace, square = float((one - two / one).sum()), float((two - 2 * three / one + (two / one) ** 2).sum())
        return trace, square, w * (y - (np.bincount(code, weights=w * y) / one)[code])

    trace, _, residual = sums(1 / v)
    tau2 = max(0.0, (float(residual @ (v * residual)) - (len(y) - code.max() - 1)) / trace)
    for _ in range(_ROUNDS):
        trace, square, residual = sums(1 / (v + tau2))
        step = (float(residual @ residual) - trace) / square
        new = max(0.0, tau2 + step)
        if abs(new - tau2) <= _CLOSE * (1e-6 + tau2):
            return new
        tau2 = new
    return tau2
