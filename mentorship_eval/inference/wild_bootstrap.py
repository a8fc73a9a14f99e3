"""Restricted wild cluster bootstrap of one coefficient, in closed form.

Cameron, Gelbach & Miller (2008, Review of Economics and Statistics 90:414-427); the algebra that needs
only sums by cluster is that of Roodman, MacKinnon, Nielsen & Webb (2019, Stata Journal 19:4-60). The
residuals under the null hypothesis get a random sign per cluster, the model is refitted, and the t
statistics of the refits are compared with the real one. Nothing is refitted here: with x partialled
out, the score of cluster g in a draw is linear in the signs, and in the hypothesised value, so that one
pass over the draws serves the p-value of every hypothesis and hence the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.inference.cluster_variance import symmetric_inverse
from mentorship_eval.inference.shown import Shown
from mentorship_eval.inference.wild_weights import WildWeights, wild_weights

__all__ = ["WildBootstrap", "WildDraws", "inverted_interval", "wild_cluster_bootstrap", "wild_draws", "wild_test"]

# Equal statistics may differ in their last digits.
SLACK = 1e-9
# Hypotheses this many standard errors away are tried in turn; three in a row refused end the search.
STEPS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0, 50.0, 100.0, 300.0, 1000.0, 1e4)


@dataclass(frozen=True, kw_only=True)
class WildBootstrap(Shown):
    """p_value: two-sided, symmetric in t; ci_low, ci_high: hypotheses not rejected, infinite where none is;
    statistic: t of the hypothesis; draws, enumerated, weights, smallest_p, seed: how the signs came about;
    model: of the refits.
    """

    p_value: float
    ci_low: float
    ci_high: float
    ci_level: float
    null: float
    statistic: float
    n_clusters: int
    draws: int
    enumerated: bool
    weights: str
    smallest_p: float
    seed: int | None
    model: str = "linear"

    def statement(self, *, ratio: bool = False) -> str:
        """The test and its interval in words; ``ratio``: the coefficient is the logarithm of a ratio, and the ratio is told."""
        low, high = (np.exp(self.ci_low), np.exp(self.ci_high)) if ratio else (self.ci_low, self.ci_high)
        how = f"all {self.draws:,} sign vectors" if self.enumerated else f"{self.draws:,} draws, {self.weights} weights, seed {self.seed}"
        interval = f"{self.ci_level * 100:g} % interval {format_number(float(low))} to {format_number(float(high))}"
        return f"Restricted wild cluster bootstrap ({self.model}): {format_p(self.p_value)}; {interval} ({how}; {self.n_clusters} clusters)."


@dataclass(frozen=True)
class WildDraws:
    """What the draws are for every hypothesis at once.

    With the hypothesis estimate + d, the statistic of draw b is (n0 - d n1) / sqrt(a - 2 d b + d^2 c), each
    (B,); actual: (information, root of the sum of squared scores) of the real one.
    """

    n0: np.ndarray
    n1: np.ndarray
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    actual: tuple[float, float]
    weights: WildWeights

    def statistic(self, distance: float) -> float:
        """t, without its small-sample factor, of the hypothesis estimate + distance."""
        information, root = self.actual
        return -distance * information / root if root > 0 else np.nan

    def statistics(self, distance: float) -> np.ndarray:
        """(B,) the same of the draws under that hypothesis; infinite where a draw has no variance."""
        numerator = self.n0 - distance * self.n1
        spread = self.a - 2 * distance * self.b + distance**2 * self.c
        size = self.a + distance**2 * self.c
        return np.divide(numerator, np.sqrt(np.abs(spread)), out=np.full_like(numerator, np.inf), where=spread > 1e-13 * size)

    def p_value(self, distance: float) -> float:
        """Two-sided p-value of that hypothesis."""
        return self.share_beyond(self.statistic(distance), distance)

    def share_beyond(self, actual: float, distance: float) -> float:
        """Share of the draws at least as extreme as ``actual``, which counts among them when they are random."""
        if np.isnan(actual):
            return np.nan
        extreme = int((np.abs(self.statistics(distance)) >= abs(actual) * (1 - SLACK)).sum())
        count = self.weights.vectors
        return extreme / count if self.weights.enumerated else (1 + extreme) / (1 + count)


def _sums(values: np.ndarray, cluster: np.ndarray, count: int) -> np.ndarray:
    """(G,) or (G, p) sums by cluster."""
    if values.ndim == 1:
        return np.bincount(cluster, weights=values, minlength=count)
    if (cluster[1:] < cluster[:-1]).any():
        order = np.argsort(cluster, kind="stable")
        values, cluster = values[order], cluster[order]
    starts = np.searchsorted(cluster, np.arange(count))
    return np.add.reduceat(values, starts, axis=0) if values.shape[1] else np.zeros((count, 0))


@dataclass(frozen=True)
class _Moved:
    """How the scores of the refits move with the signs: diag(own) - left right', for one part of the residual."""

    own: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def scores(self, v: np.ndarray) -> np.ndarray:
        """(G, B) scores of the refits with signs v (G, B); whichever product is the smaller."""
        if len(self.own) <= 2 * self.left.shape[1]:
            return np.asarray((np.diag(self.own) - self.left @ self.right.T) @ v)
        return np.asarray(self.own[:, None] * v - self.left @ (self.right.T @ v))


def _moved(regressor: np.ndarray, parts: Sequence[np.ndarray], cluster: np.ndarray, others: np.ndarray | None, count: int) -> list[_Moved]:
    """One `_Moved` for each part (n,) of the residual."""
    own = _sums(regressor**2, cluster, count)
    left = own[:, None] / own.sum()
    use = others is not None and others.shape[1] > 0
    if use:
        inverse = symmetric_inverse(others.T @ others)[0]  # type: ignore[union-attr]
        left = np.concatenate([left, _sums(others * regressor[:, None], cluster, count) @ inverse], axis=1)  # type: ignore[operator]
    out = []
    for part in parts:
        score = _sums(regressor * part, cluster, count)
        right = score[:, None]
        if use:
            right = np.concatenate([right, _sums(others * part[:, None], cluster, count)], axis=1)  # type: ignore[operator]
        out.append(_Moved(score, left, right))
    return out


def wild_draws(
    regressor: np.ndarray, residual: np.ndarray, cluster: np.ndarray, others: np.ndarray | None, weights: WildWeights
) -> WildDraws:
    """The draws of a least-squares fit, for every hypothesis.

    Parameters
    ----------
    regressor, residual : (n,) regressor with everything else partialled out, and the residual of the full fit.
    cluster : (n,) codes 0 to G-1, each with an observation.
    others : (n, p) the other columns that clusters share, effects nested in clusters partialled out of them; None for none.
    weights : of G clusters.
    """
    # under the hypothesis estimate + d the residual is residual - d regressor
    first, second = _moved(regressor, (residual, regressor), cluster, others, weights.clusters)
    parts: list[tuple[np.ndarray, ...]] = []
    for v in weights.batches():
        p, q = first.scores(v), second.scores(v)
        squares = (np.einsum("gb,gb->b", p, p), np.einsum("gb,gb->b", p, q), np.einsum("gb,gb->b", q, q))
        parts.append((first.own @ v, second.own @ v, *squares))
    n0, n1, a, b, c = (np.concatenate(part) for part in zip(*parts, strict=True))
    return WildDraws(n0, n1, a, b, c, (float(regressor @ regressor), float(np.sqrt(first.own @ first.own))), weights)


def wild_test(
    regressor: np.ndarray, response: np.ndarray, cluster: np.ndarray, others: np.ndarray | None, weights: WildWeights
) -> tuple[float, float]:
    """p-value and t statistic, G/(G-1) included, of the one hypothesis that the coefficient is 0; arguments as in `wild_draws`."""
    estimate = float(regressor @ response) / float(regressor @ regressor)
    scores = _sums(regressor * (response - estimate * regressor), cluster, weights.clusters)
    (restricted,) = _moved(regressor, (response,), cluster, others, weights.clusters)
    parts = []
    for v in weights.batches():
        p = restricted.scores(v)
        parts.append((restricted.own @ v, np.einsum("gb,gb->b", p, p)))
    n0, a = (np.concatenate(part) for part in zip(*parts, strict=True))
    nothing = np.zeros_like(n0)
    drawn = WildDraws(n0, nothing, a, nothing, nothing, (float(regressor @ regressor), float(np.sqrt(scores @ scores))), weights)
    actual = drawn.statistic(-estimate)
    return drawn.share_beyond(actual, 0.0), float(actual * np.sqrt((weights.clusters - 1) / weights.clusters))


def inverted_interval(p_of: Callable[[float], float], step: float, ci_level: float, *, tolerance: float = 1e-9) -> tuple[float, float]:
    """Least and greatest distance from the estimate that is not rejected at 1 - ci_level; infinite where the search finds no end.

    p_of : p-value of a distance; step : a standard error; tolerance : of the limits, in standard errors.
    """
    alpha = 1 - ci_level
    limits = []
    for sign in (-1.0, 1.0):
        inside, outside, refused = 0.0, np.inf, 0
        for multiple in STEPS:
            if p_of(sign * multiple * step) > alpha:
                inside, outside, refused = multiple, np.inf, 0
            else:
                outside = min(outside, multiple)
                refused += 1
                if refused == 3:
                    break
        while np.isfinite(outside) and outside - inside > tolerance:
            middle = (inside + outside) / 2
            if p_of(sign * middle * step) > alpha:
                inside = middle
            else:
                outside = middle
        limits.append(sign * outside * step)
    return limits[0], limits[1]


def wild_cluster_bootstrap(
    regressor: np.ndarray, response: np.ndarray, cluster: np.ndarray, *, others: np.ndarray | None = None, null: float = 0.0,
    draws: int = 9999, seed: int = 0, weights: str = "auto", ci_level: float = 0.95,
) -> WildBootstrap:
    """Test and interval of the least-squares coefficient of ``response`` on ``regressor``.

    Parameters
    ----------
    regressor, response : (n,) with all other columns partialled out (and times root weight, where there are weights).
    cluster : (n,) labels or codes.
    others : (n, p) other columns that clusters share, effects nested in clusters partialled out of them.
    null : the hypothesised value.
    draws, seed, weights : see `wild_weights`.

    Raises `UsageError` for arrays of different length or fewer than two clusters.
    """
    codes = np.unique(cluster, return_inverse=True)[1]
    if not len(regressor) == len(response) == len(codes):
        raise UsageError("Regressor, response and clusters are not of one length.", fix="Give one of each per observation.")
    count = int(codes.max(initial=-1)) + 1
    if count < 2:
        raise UsageError("A wild cluster bootstrap needs two clusters or more.", fix="Cluster by a smaller unit.")
    estimate = float(regressor @ response) / float(regressor @ regressor)
    drawn = wild_draws(regressor, response - estimate * regressor, codes, others, wild_weights(count, draws=draws, seed=seed, kind=weights))
    information, root = drawn.actual
    factor = np.sqrt((count - 1) / count)
    low, high = inverted_interval(drawn.p_value, root / information, ci_level) if root > 0 else (np.nan, np.nan)
    return WildBootstrap(
        p_value=drawn.p_value(null - estimate), ci_low=estimate + low, ci_high=estimate + high, ci_level=ci_level, null=null,
        statistic=float(drawn.statistic(null - estimate) * factor), n_clusters=count, draws=drawn.weights.draws,
        enumerated=drawn.weights.enumerated, weights=drawn.weights.kind, smallest_p=drawn.weights.smallest_p, seed=drawn.weights.seed,
    )
