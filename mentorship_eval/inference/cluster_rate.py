"""Limits of a rate of events that come in clusters: one crowded month of one ward is not many independent events."""

from __future__ import annotations

import math

import numpy as np

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.proportions import poisson_limits

__all__ = ["FEWEST_CLUSTERS", "cluster_rate_limits"]

FEWEST_CLUSTERS = 6  # below that the spread between clusters is hardly known


def cluster_rate_limits(events: np.ndarray, exposure: np.ndarray, ci_level: float = 0.95) -> tuple[float, float]:
    """Limits of sum(events) / sum(exposure), one value of each for each cluster.

    The ratio of two sums, linearised on the log scale: variance G/(G-1) times the sum of squared (events - rate times exposure), over the
    squared sum of events, with t on G-1 degrees of freedom (Cochran 1977, Sampling Techniques, 6.4; as a Poisson regression of a
    constant with cluster-robust standard errors gives it). Without events Garwood's exact limits. NaN for fewer than six clusters with exposure.
    """
    events, exposure = np.asarray(events, float), np.asarray(exposure, float)
    if (events < 0).any() or (exposure < 0).any():
        raise UsageError("Events and exposure cannot be negative.")
    here = exposure > 0
    count, total, size = int(here.sum()), float(events.sum()), float(exposure.sum())
    if count < FEWEST_CLUSTERS:
        return math.nan, math.nan
    if total == 0:
        return poisson_limits(0, size, ci_level)
    gap = events - total / size * exposure
    half = critical_value(ci_level, count - 1) * math.sqrt(count / (count - 1) * float(gap @ gap)) / total
    return total / size * math.exp(-half), total / size * math.exp(half)
