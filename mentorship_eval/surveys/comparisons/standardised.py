"""Differences in standard deviations: Hedges' g with an interval that knows of clusters."""

from __future__ import annotations

import numpy as np

from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.surveys.comparisons.least_squares import Adjusted

__all__ = ["hedges_g", "pooled_sd", "small_sample_factor"]


def small_sample_factor(df: float) -> float:
    """Hedges' J, 1 - 3/(4 df - 1): a standardised difference is too large by 1/J (Hedges 1981, J. Educational Statistics 6:107-128)."""
    return 1 - 3 / (4 * df - 1)


def pooled_sd(y: np.ndarray, inside: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Standard deviation within arms, pooled with n - 2; weights are scaled to their number."""
    w = np.ones(len(y)) if weights is None else weights * len(weights) / weights.sum()
    total = 0.0
    for arm in (0.0, 1.0):
        here = inside == arm
        if not w[here].sum() > 0:
            return float("nan")
        total += float((w[here] * (y[here] - np.average(y[here], weights=w[here])) ** 2).sum())
    return float(np.sqrt(total / (len(y) - 2))) if len(y) > 2 else float("nan")


def hedges_g(
    y: np.ndarray,
    inside: np.ndarray,
    cluster: np.ndarray,
    difference: Adjusted,
    *,
    weights: np.ndarray | None = None,
    ci_level: float = 0.95,
    what: str = "",
) -> Estimate:
    """``difference`` over the standard deviation of ``y`` within arms, times `small_sample_factor`; difference and deviation are taken anew
    without each cluster (jackknife, t on G-1)."""
    factor = small_sample_factor(len(y) - 2) if len(y) > 2 else float("nan")
    spread = pooled_sd(y, inside, weights)
    value = factor * difference.value / spread if spread > 0 else float("nan")
    without = np.full(len(difference.without), np.nan)
    if len(without) <= len(y) / 2 or len(y) <= 4000:  # people as their own clusters: quadratic work
        for code in range(len(without)):
            kept = cluster != code
            part = pooled_sd(y[kept], inside[kept], None if weights is None else weights[kept])
            without[code] = factor * difference.without[code] / part if part > 0 else np.nan
    made = cluster_jackknife(value, without)
    return difference_estimate(
        value,
        float(made.se[0]) if not made.failed else np.nan,
        df=made.df,
        ci_level=ci_level,
        scale="standardised mean difference",
        n=len(y),
        n_clusters=made.n_clusters,
        method="Hedges' g, SD within arms; leave-one-cluster-out jackknife, t(G-1)",
        estimand=f"{what}, in standard deviations",
    )
