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
    deviation; weight: (n,) share of the own estimate in the pooled one.
    """

    value: np.ndarray
    se: np.ndarray
    mean: float
    mean_se: float
    between: float
    weight: np.ndarray


def partial_pooling(value: np.ndarray, se: np.ndarray) -> Pooled:
    """Pooled values of estimates (n,) with standard errors (n,), on a scale on which they are normal (logarithms of ratios).

    Raises `EstimationError` with fewer than three usable estimates: two say nothing about how much such groups differ.
    """
    value, se = np.asarray(value, float), np.asarray(se, float)
    known = np.isfinite(value) & np.isfinite(se) & (se > 0)
    if known.sum() < 3:
        raise EstimationError("Fewer than three groups have an estimate with a standard error.", fix="Read them as they are, without pooling.")
    y, v = value[known], se[known] ** 2
    tau2 = _restricted(y, v)
    w = 1 / (v + tau2)
    mean, mean_var = float(w @ y / w.sum()), float(1 / w.sum())
    own = tau2 / (tau2 + v)
    out = [np.full(len(value), np.nan) for _ in range(3)]
    out[0][known] = own * y + (1 - own) * mean
    out[1][known] = np.sqrt(own * v + (1 - own) ** 2 * mean_var)
    out[2][known] = own
    return Pooled(out[0], out[1], mean, mean_var**0.5, tau2**0.5, out[2])


def _restricted(y: np.ndarray, v: np.ndarray) -> float:
    """tau^2 by Fisher scoring from the estimate of DerSimonian and Laird (1986); 0 on the boundary."""
    w = 1 / v
    mean = w @ y / w.sum()
    tau2 = max(0.0, float((w @ (y - mean) ** 2 - (len(y) - 1)) / (w.sum() - (w @ w) / w.sum())))
    for _ in range(_ROUNDS):
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        # projection P = W - w w' / sum(w): trace of P, of P P, and y' P P y
        trace = w.sum() - (w @ w) / w.sum()
        square = w @ w - 2 * (w**3).sum() / w.sum() + ((w @ w) / w.sum()) ** 2
        residual = w * (y - mean)
        step = float((residual @ residual - trace) / square)
        new = max(0.0, tau2 + step)
        if abs(new - tau2) <= _CLOSE * (1e-6 + tau2):
            return new
        tau2 = new
    return tau2


def between_interval(value: np.ndarray, se: np.ndarray, ci_level: float = 0.95) -> tuple[float, float]:
    """Interval of ``between`` (tau) of `partial_pooling`: the values under which the weighted sum of squares is no surprise, each limit 0 where none
    above it is (Q-profile method: Viechtbauer 2007, Stat Med 26:37-52)."""
    from scipy.optimize import brentq
    from scipy.special import chdtri

    value, se = np.asarray(value, float), np.asarray(se, float)
    known = np.isfinite(value) & np.isfinite(se) & (se > 0)
    y, v = value[known], se[known] ** 2
    if len(y) < 3:
        raise EstimationError("Fewer than three groups have an estimate with a standard error.", fix="Read them as they are, without pooling.")

    def spread(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - w @ y / w.sum()) ** 2)

    top = 10 * (float(np.var(y)) + float(v.max())) + 1e-12
    limits = []
    for tail in ((1 - ci_level) / 2, (1 + ci_level) / 2):
        wanted = float(chdtri(len(y) - 1, tail))
        far = top
        while spread(far) > wanted:
            far *= 10
        limits.append(float(brentq(lambda tau2, wanted=wanted: spread(tau2) - wanted, 0.0, far)) ** 0.5 if spread(0.0) > wanted else 0.0)
    return limits[0], limits[1]
