"""Several jackknifed estimates judged together: draws of their t statistics and the critical value of a simultaneous band.

Each draw turns the clusters' deviations over at random (Rademacher signs) and forms the estimates' errors and their standard errors from the
same signs: a studentised multiplier bootstrap of the jackknife. So the standard errors are as unsteady, and as alike among
estimates, as few or uneven clusters make them, which neither a multivariate normal nor a common chi-square of a multivariate t can know.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["DRAWS", "critical_value_of_largest", "joint_draws"]

SEED = 20_230_701
DRAWS = 10_000
NUMBERS_AT_ONCE = 4_000_000


def _in_parts(deviations: np.ndarray, draws: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Errors and standard errors (some draws, K), until there are ``draws`` of them."""
    random, number = np.random.default_rng(SEED), len(deviations)
    # deviations of leave-one-out estimates: (G - 1) of them make the cluster's own share
    scale, squares = np.sqrt((number - 1) / number), deviations**2
    # signs drop out of the squares: only what the mean of the turned deviations takes off is random
    total = squares.sum(axis=0)
    size = max(1, NUMBERS_AT_ONCE // (number + 2 * deviations.shape[1]))
    for begin in range(0, draws, size):
        signs = 1.0 - 2.0 * random.integers(0, 2, (min(size, draws - begin), number))
        error = signs @ deviations
        yield scale * error, scale * np.sqrt(np.maximum(total - error**2 / number, 0.0) * number / (number - 1))


def joint_draws(deviations: np.ndarray, *, draws: int = DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """(draws, K) errors and (draws, K) standard errors of K estimates whose jackknife deviations are ``deviations`` (G, K)."""
    parts = list(_in_parts(deviations, draws))
    return np.concatenate([error for error, _ in parts]), np.concatenate([spread for _, spread in parts])


def critical_value_of_largest(deviations: np.ndarray, ci_level: float) -> float:
    """Quantile of the largest |t| over the K estimates; NaN when none varies. Estimates that do not vary are left out."""
    usable = (deviations**2).sum(axis=0) > 0
    if not usable.any() or len(deviations) < 2:
        return np.nan
    largest = [(np.abs(error) / np.maximum(spread, 1e-300)).max(axis=1) for error, spread in _in_parts(deviations[:, usable], DRAWS)]
    return float(np.quantile(np.concatenate(largest), ci_level))
