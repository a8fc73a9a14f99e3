"""Intervals for the effect when parallel trends may be violated within bounds: the front door.

Rambachan & Roth (2023, Review of Economic Studies 90:2555). The bounds are stated against the violation that the
periods before treatment could show: relative magnitudes (no step between two periods after treatment is larger
than Mbar times the largest step before it) and smoothness (the slope of the violation changes by at most M from one
period to the next, so that M = 0 allows any linear trend). Nobody knows Mbar or M: the answer is a table over
them and the breakdown value, up to which the interval excludes no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mentorship_eval.did.sensitivity.conditional import MomentTest, interval
from mentorship_eval.did.sensitivity.fixed_length import FixedLength
from mentorship_eval.did.sensitivity.honest_result import HonestBounds
from mentorship_eval.did.sensitivity.restrictions import relative_magnitudes, smoothness
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.inference.intervals import critical_value

__all__ = ["honest_bounds"]

METHODS = {"relative_magnitude": ("hybrid", "conditional"), "smoothness": ("fixed_length", "hybrid", "conditional")}
SEARCHED_UP_TO = 1_000.0


def _counted(pre: int | Sequence[int], post: int | Sequence[int]) -> tuple[int, int]:
    """How many coefficients are before and after, from numbers or event times, which must leave out one base period only."""
    if isinstance(pre, int) and isinstance(post, int):
        found = (pre, post)
    elif isinstance(pre, int) or isinstance(post, int):
        raise UsageError("One of pre and post is a number, the other a list.", fix="Give both as numbers of coefficients or both as event times.")
    else:
        times = [int(k) for k in (*pre, *post)]
        if len(pre) and len(post) and times != [*range(times[0], pre[-1] + 1), *range(pre[-1] + 2, times[-1] + 1)]:
            raise EstimationError(
                f"The event times {times} do not follow one another with one base period left out between before and after.",
                fix="Give every event time once, in order, with the base period (estimate 0) left out; merge periods that lack an estimate.")
        found = (len(pre), len(post))
    if min(found) < 1:
        raise EstimationError(f"There are {found[0]} coefficients before and {found[1]} after treatment.",
            fix="At least one of each is needed: without periods before treatment nothing says how large a violation may be.")
    return found


def _checked(estimate: Sequence[float], covariance: np.ndarray, counts: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    beta, sigma = np.asarray(estimate, dtype=float), np.asarray(covariance, dtype=float)
    if beta.ndim != 1 or len(beta) != sum(counts):
        raise UsageError(f"The estimate has shape {beta.shape}, but pre and post name {counts[0]} + {counts[1]} coefficients.",
            fix="Give the coefficients before treatment, then those after it, without the base period.")
    if sigma.shape != (len(beta), len(beta)):
        raise UsageError(f"The covariance has shape {sigma.shape} for {len(beta)} coefficients.", fix="Give the covariance of all of them.")
    if not (np.isfinite(beta).all() and np.isfinite(sigma).all()):
        missing = [int(i) for i in np.flatnonzero(~np.isfinite(beta) | ~np.isfinite(sigma).all(axis=1))]
        raise EstimationError(f"Coefficients or covariances are missing at positions {missing}.", rows=missing,
            fix="Merge periods that have no estimate with their neighbours.")
    scale = np.sqrt(np.abs(np.diag(sigma)))
    if not np.allclose(sigma, sigma.T, atol=1e-8 * float(np.outer(scale, scale).max())):
        raise UsageError("The covariance is not symmetric.", fix="Give a covariance matrix, not coefficients or correlations of something else.")
    sigma = (sigma + sigma.T) / 2
    values = np.linalg.eigvalsh(sigma / np.outer(scale, scale)) if (np.diag(sigma) > 0).all() else np.array([-1.0])
    if values.min() < 1e-10:
        raise EstimationError(
            "The covariance is singular: some combination of the coefficients would be known without error. A jackknife over G clusters "
            "has rank G - 1 at most.",
            fix="Merge periods until there are fewer coefficients than clusters; do not include the base period.")
    return beta, sigma


def _default_grid(beta: np.ndarray, pre: int, restriction: str) -> list[float]:
    if restriction == "relative_magnitude":
        return [0.5, 1.0, 1.5, 2.0]
    if pre < 2:
        raise UsageError("With one coefficient before treatment no change of slope was seen to choose M by.", fix="Give at=, the values of M.")
    seen = float(np.abs(np.diff([*beta[:pre], 0.0], n=2)).max())
    return [0.0, 0.5 * seen, seen, 2 * seen]


def _breakdown(excludes: Callable[[float], bool], null: float, start: float) -> tuple[float, str]:
    """Largest violation whose interval excludes ``null``, to three digits, and a note where there is none."""
    if not excludes(0.0):
        return np.nan, f"the interval includes {null:g} already at 0"
    low, high = 0.0, start
    while excludes(high):
        low, high = high, 2 * high
        if high > SEARCHED_UP_TO * start:
            return np.inf, f"the interval still excludes {null:g} at {low:g}, where the search ended"
    for _ in range(60):
        if high - low <= 1e-3 * high:
            break
        middle = (low + high) / 2
        low, high = (middle, high) if excludes(middle) else (low, middle)
    return low, ""


def honest_bounds(
    estimate: Sequence[float], covariance: np.ndarray, *, pre: int | Sequence[int], post: int | Sequence[int],
    weights: Sequence[float] | None = None, restriction: str = "relative_magnitude", at: Sequence[float] | None = None,
    ci_level: float = 0.95, method: str | None = None, df: float | None = None, null: float = 0.0,
) -> HonestBounds:
    """Intervals for a weighted sum of effects that hold when parallel trends is violated within bounds.

    Parameters
    ----------
    estimate : (P,) event-study coefficients, those before treatment first, the base period (0) left out.
    covariance : (P, P) of them, positive definite.
    pre, post : how many coefficients come before and after the base period, or their event times.
    weights : (post,) of the effects after treatment in the parameter; by default the first alone.
    restriction : "relative_magnitude" (``at`` are values of Mbar) or "smoothness" (``at`` are values of M, in units of the
        estimate per period; by default 0, half, once and twice the largest change of slope seen before treatment).
    method : "hybrid" (of the conditional and the least-favourable test) or "conditional"; for smoothness also "fixed_length".
        By default, as the authors advise, "hybrid" for relative magnitudes and "fixed_length" for smoothness.
    df : degrees of freedom of the covariance. The theory is normal; with few clusters every standard error is made
        larger by the ratio of the t to the normal critical value, so that without violation the interval is that of t.
    null : the value of no effect.

    Returns
    -------
    HonestBounds. Limits that were not found are infinite; they are NaN where the coefficients before treatment contradict the
    restriction, so that no effect is compatible with both.

    Raises
    ------
    UsageError : arguments that do not fit one another. EstimationError : gaps between event times, missing or
    singular covariance, no coefficient before or after.
    """
    if restriction not in METHODS:
        raise UsageError(f"restriction is {restriction!r}.", fix=f"Choose one of {', '.join(METHODS)}.")
    method = METHODS[restriction][0] if method is None else method
    if method not in METHODS[restriction]:
        raise UsageError(f"method is {method!r}.", fix=f"For {restriction} choose one of {', '.join(METHODS[restriction])}.")
    counts = _counted(pre, post)
    beta, sigma = _checked(estimate, covariance, counts)
    if df is not None and not df >= 1:
        raise UsageError(f"df is {df}.", fix="Give at least 1, or None for a normal distribution.")
    sigma = sigma * (critical_value(ci_level, df) / critical_value(ci_level)) ** 2
    target = np.eye(counts[1])[0] if weights is None else np.asarray(weights, dtype=float)
    if target.shape != (counts[1],) or not np.isfinite(target).all() or not target.any():
        raise UsageError(f"weights has shape {target.shape} for {counts[1]} effects, or is missing or zero.", fix="Give one weight for each effect.")
    grid = [float(m) for m in (_default_grid(beta, counts[0], restriction) if at is None else at)]
    if not grid or not all(0 <= m < np.inf for m in grid):
        raise UsageError(f"at is {grid}.", fix="Give sizes of the violation, 0 or more.")

    value, sd = float(target @ beta[counts[0]:]), float(np.sqrt(target @ sigma[counts[0]:, counts[0]:] @ target))
    lines = FixedLength.of(sigma, target, counts[0]) if method == "fixed_length" else None

    def tests(m: float) -> list[MomentTest]:
        sets = (relative_magnitudes if restriction == "relative_magnitude" else smoothness)(sigma, target, counts[0], m)
        return [MomentTest.of(vertices, beta, sigma, 1 - ci_level, method == "hybrid") for vertices in sets]

    def bounds(m: float) -> tuple[float, float]:
        if lines is not None:
            chosen, half = lines.best(m, ci_level)
            return float(chosen @ beta - half), float(chosen @ beta + half)
        return interval(tests(m), centre=value, scale=sd)

    def excludes(m: float) -> bool:
        # most of the search is decided at the null itself; its neighbours on both sides matter only where it is rejected
        if lines is None and any(test.accepts(np.array([null]))[0] for test in tests(m)):
            return False
        low, high = bounds(m)
        return bool(low > null or high < null)

    rows = [bounds(m) for m in grid]
    breakdown, note = np.nan, "at 0 no effect at all is compatible with the coefficients before treatment"
    if not np.isnan(bounds(0.0)[0]):
        breakdown, note = _breakdown(excludes, null, 0.5 if restriction == "relative_magnitude" else max(sd, 1e-12))
    half = critical_value(ci_level) * sd
    table = pd.DataFrame({
        "restriction": restriction, "M": grid, "ci_low": [low for low, _ in rows], "ci_high": [high for _, high in rows],
        "excludes_no_effect": [bool(low > null or high < null) for low, high in rows], "ci_level": ci_level, "method": method,
    })
    return HonestBounds(
        table=table, value=value, ci_low=value - half, ci_high=value + half, breakdown=breakdown, breakdown_note=note,
        largest_seen=float(np.abs(np.diff([*beta[: counts[0]], 0.0], n=1 if restriction == "relative_magnitude" else 2)).max(initial=0.0)),
        restriction=restriction, method=method, null=null, ci_level=ci_level, df=df,
    )
