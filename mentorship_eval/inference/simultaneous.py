"""Several jackknifed estimates judged together: draws of their t statistics and the critical value of a simultaneous band.

Each draw turns the clusters' deviations over at random (Rademacher signs) and forms the estimates' errors and their standard errors from the
same signs: a studentised multiplier bootstrap of the jackknife. So the standard errors are as unsteady, and as alike among
estimates, as few or uneven clusters make them, which neither a multivariate normal nor a common chi-square of a multivariate t can know.

Where an estimate is (nearly) a mean of clusters with shares w, leaving cluster g out moves it by w_g / (1 - w_g) times that cluster's distance
from the mean; the standard error of a draw is the jackknife of the turned clusters with these shares. Equal shares 1/G in
their place leave the errors of estimates that rest on few or uneven clusters far too steady: a test of 21 ratios of 24 departments, some of
which rest on six, then rejected 12 % of true nulls instead of 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["DRAWS", "JointTest", "critical_value_of_largest", "joint_draws", "joint_test"]

SEED = 20_230_701
DRAWS = 10_000
NUMBERS_AT_ONCE = 4_000_000
# an estimate that is one cluster alone has no standard error; this keeps rounding out of the division
LARGEST_SHARE = 0.99


def _in_parts(deviations: np.ndarray, shares: np.ndarray | None, draws: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Errors and standard errors (some draws, K), until there are ``draws`` of them."""
    random, number = np.random.default_rng(SEED), len(deviations)
    share = np.full(deviations.shape, 1 / number) if shares is None else np.clip(shares, 0.0, LARGEST_SHARE)
    # deviations of leave-one-out estimates: (G - 1) of them make the cluster's own share
    scale, factor = np.sqrt((number - 1) / number), (1 - share) ** -2
    # signs drop out of the squares: only what the mean of the turned deviations takes off is random
    squares, mixed, total = (factor * share**2).sum(axis=0), factor * share * deviations, (factor * deviations**2).sum(axis=0)
    size = max(1, NUMBERS_AT_ONCE // (number + 3 * deviations.shape[1]))
    for begin in range(0, draws, size):
        signs = 1.0 - 2.0 * random.integers(0, 2, (min(size, draws - begin), number))
        error = signs @ deviations
        spread = error**2 * squares - 2 * error * (signs @ mixed) + total
        yield scale * error, scale * scale * np.sqrt(np.maximum(spread, 0.0))


def joint_draws(deviations: np.ndarray, shares: np.ndarray | None = None, *, draws: int = DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """(draws, K) errors and (draws, K) standard errors of K estimates whose jackknife deviations are ``deviations`` (G, K).

    shares (G, K): of each cluster in each estimate, adding up to 1 where the estimate is a mean of clusters; equal ones by default.
    """
    parts = list(_in_parts(deviations, shares, draws))
    return np.concatenate([error for error, _ in parts]), np.concatenate([spread for _, spread in parts])


def critical_value_of_largest(deviations: np.ndarray, ci_level: float, shares: np.ndarray | None = None) -> float:
    """Quantile of the largest |t| over the K estimates; NaN when none varies. Estimates that do not vary are left out. Shares as in `joint_draws`."""
    usable = (deviations**2).sum(axis=0) > 0
    if not usable.any() or len(deviations) < 2:
        return np.nan
    some = None if shares is None else shares[:, usable]
    largest = [(np.abs(error) / np.maximum(spread, 1e-300)).max(axis=1) for error, spread in _in_parts(deviations[:, usable], some, DRAWS)]
    return float(np.quantile(np.concatenate(largest), ci_level))


@dataclass(frozen=True)
class JointTest:
    """n_estimates that have a standard error; statistic: the largest |t| among them; p_value of it (NaN without any)."""

    n_estimates: int
    statistic: float
    p_value: float


def joint_test(values: np.ndarray, se: np.ndarray, deviations: np.ndarray, shares: np.ndarray | None = None) -> JointTest:
    """Whether any of the K estimates ``values`` differs from 0; se (K,), deviations and shares (G, K) as in `joint_draws`.

    Estimates without a standard error above 0 are left out.
    """
    usable = se > 0
    if not usable.any() or len(deviations) < 2:
        return JointTest(0, np.nan, np.nan)
    noise, spread = joint_draws(deviations[:, usable], None if shares is None else shares[:, usable])
    largest = (np.abs(noise) / np.maximum(spread, 1e-300)).max(axis=1)
    statistic = float(np.abs(values[usable] / se[usable]).max())
    return JointTest(int(usable.sum()), statistic, (1 + int((largest >= statistic).sum())) / (1 + DRAWS))
