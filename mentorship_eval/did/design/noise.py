"""Counts with overdispersion and autocorrelation: the process that power is simulated from.

A count is Poisson given its rate, and the rate of a unit moves around its expectation by a factor exp(z - s^2/2),
z a stationary first-order autoregression of log rates with variance s^2 = log(1 + overdispersion). So a count of
mean m has variance m + overdispersion * m^2, as a gamma-Poisson one has, and the log rates of two periods h apart
correlate by autocorrelation^h (log-normal Cox process; Zeger 1988, Biometrika 75:621-629).
"""

from __future__ import annotations

import numpy as np

__all__ = ["noise_factor", "standard_noise", "thinned"]


def standard_noise(random: np.random.Generator, units: int, position: np.ndarray, autocorrelation: float) -> np.ndarray:
    """z (units, T) of variance 1; periods further apart on the calendar (``position`` (T,)) correlate less."""
    shocks = random.standard_normal((units, len(position)))
    kept = np.concatenate([[0.0], autocorrelation ** np.diff(position)])
    fresh = np.sqrt(1 - kept**2)
    z = np.empty_like(shocks)
    last = np.zeros(units)
    for t in range(len(position)):
        last = z[:, t] = kept[t] * last + fresh[t] * shocks[:, t]
    return z


def noise_factor(z: np.ndarray, overdispersion: float) -> np.ndarray:
    """Factors of mean 1 and variance ``overdispersion`` from standard normal ``z``."""
    variance = np.log1p(overdispersion)
    return np.exp(np.sqrt(variance) * z - variance / 2)


def thinned(random: np.random.Generator, counts: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """(J, ...) counts at ``ratios`` (J,), descending, from those at the first of them.

    Each is a binomial thinning of the one before: every one has its own Poisson law, and all share
    their events, so that a curve over ratios is far smoother than independent draws would make it.
    """
    out = np.empty((len(ratios), *counts.shape), dtype=np.int64)
    out[0] = counts
    for j in range(1, len(ratios)):
        out[j] = random.binomial(out[j - 1], ratios[j] / ratios[j - 1])
    return out
