"""Conditional and least-favourable hybrid tests of moment inequalities, inverted to an interval.

Andrews, Roth & Pakes (2023, Review of Economic Studies 90:2763): the statistic is compared with the quantile of
a normal truncated to where its vertex is the largest. The hybrid first rejects beyond the least-favourable
critical value at level alpha / 10, and conditions on not having done so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from mentorship_eval.did.sensitivity.restrictions import Vertices

__all__ = ["MomentTest", "interval", "least_favourable"]

# The critical value of the first stage must be the same in every call: it is simulated from fixed draws.
SEED, DRAWS = 20_230_701, 20_000
FIRST_STAGE = 0.1


@lru_cache(maxsize=8)
def _draws(width: int) -> np.ndarray:
    return np.random.default_rng(SEED).standard_normal((DRAWS, width))


def least_favourable(covariance: np.ndarray, level: float) -> float:
    """Quantile at ``level`` of the largest of normal variables with mean 0 and this covariance (V, V); 20,000 fixed draws."""
    values, vectors = np.linalg.eigh(covariance)
    used = values > 1e-12 * max(float(values.max()), 0.0)
    if not used.any():
        return 0.0
    root = vectors[:, used] * np.sqrt(values[used])
    return float(np.quantile((_draws(int(used.sum())) @ root.T).max(axis=1), level))


def _truncated_quantile(level: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Quantile of a standard normal truncated to [low, high], by logarithms of its upper tail."""
    upper = np.logaddexp(log_ndtr(-low) + np.log1p(-level), log_ndtr(-high) + np.log(level))
    return np.clip(-ndtri_exp(np.minimum(upper, -1e-300)), low, high)


@dataclass(frozen=True)
class MomentTest:
    """The test of one set of moments; spread (V, V): covariance of its vertices; centre (V,): their values at theta 0;
    first: critical value of the first stage, infinite without one; alpha: level of the conditional stage.
    """

    slope: np.ndarray
    spread: np.ndarray
    centre: np.ndarray
    first: float
    alpha: float

    @classmethod
    def of(cls, vertices: Vertices, estimate: np.ndarray, covariance: np.ndarray, alpha: float, hybrid: bool) -> MomentTest:
        spread = vertices.loading @ covariance @ vertices.loading.T
        centre = vertices.loading @ estimate - vertices.constant
        if not hybrid:
            return cls(vertices.slope, spread, centre, np.inf, alpha)
        first_level = alpha * FIRST_STAGE
        return cls(vertices.slope, spread, centre, least_favourable(spread, 1 - first_level), (alpha - first_level) / (1 - first_level))

    def accepts(self, theta: np.ndarray) -> np.ndarray:
        """(N,) whether each ``theta`` is accepted."""
        values = self.centre[:, None] - self.slope[:, None] * theta[None, :]
        which, largest = values.argmax(axis=0), values.max(axis=0)
        out = np.zeros(len(theta), dtype=bool)
        for v in np.unique(which):
            mine, variance = which == v, self.spread[v, v]
            # a vertex without variance states the restriction itself: no chance is involved
            if variance <= 1e-20 * float(np.diag(self.spread).max()):
                out[mine] = largest[mine] <= 0
                continue
            follows, sd = self.spread[:, v] / variance, np.sqrt(variance)
            with np.errstate(divide="ignore", invalid="ignore"):
                edge = (values[:, mine] - follows[:, None] * largest[mine]) / (1 - follows[:, None])
            low = np.max(edge[follows < 1 - 1e-9], axis=0, initial=-np.inf) / sd
            high = np.minimum(np.min(edge[follows > 1 + 1e-9], axis=0, initial=np.inf), self.first) / sd
            critical = np.maximum(_truncated_quantile(1 - self.alpha, low, high), 0.0)
            out[mine] = (largest[mine] <= self.first) & (largest[mine] / sd <= critical)
        return out


def interval(tests: Sequence[MomentTest], *, centre: float, scale: float, points: int = 401) -> tuple[float, float]:
    """Smallest and largest theta that any of the tests accepts; NaN where none is, infinite where the search finds no end.

    centre, scale : where the search begins and the standard error that sets its steps.
    """

    def accepts(theta: np.ndarray) -> np.ndarray:
        return np.logical_or.reduce([test.accepts(theta) for test in tests])

    reach = 10 * scale
    grid, inside = np.zeros(0), np.zeros(0, dtype=bool)
    for _ in range(12):
        grid = np.linspace(centre - reach, centre + reach, points)
        inside = accepts(grid)
        if inside.any() and not inside[:3].any() and not inside[-3:].any():
            break
        reach *= 3
    if not inside.any():
        return np.nan, np.nan
    first, last = int(inside.argmax()), points - 1 - int(inside[::-1].argmax())
    low = -np.inf if first == 0 else _edge(accepts, grid[first], grid[first - 1])
    high = np.inf if last == points - 1 else _edge(accepts, grid[last], grid[last + 1])
    return low, high


def _edge(accepts: Callable[[np.ndarray], np.ndarray], inside: float, outside: float) -> float:
    """Where acceptance ends between an accepted and a rejected theta."""
    for _ in range(3):
        grid = np.linspace(inside, outside, 33)
        last = int(np.flatnonzero(accepts(grid[:-1])).max())
        inside, outside = float(grid[last]), float(grid[last + 1])
    return inside
