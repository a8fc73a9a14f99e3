"""Poisson two-way fixed effects with a treatment term, by maximum likelihood.

The mean of a cell is w_it a_i b_t exp(z_it' theta), w its exposure. The unit effects have a closed form
given the rest and are profiled out; Newton steps are taken in log b and theta on what is left, which is
concave. Units and periods without any event have mean 0 and tell nothing about theta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import gammaln, xlogy

from mentorship_eval.inference.cluster_variance import symmetric_inverse

__all__ = ["PoissonFit", "fit_poisson"]

LONGEST_STEP = 3.0
MOST_STEPS = 60
SMALLEST_PIVOT = 1e-4  # of the unit-diagonal factor; below it the slower inverse says what is determined


@dataclass(frozen=True)
class PoissonFit:
    """theta (K,); log_period (T,), 0 for periods without events; mean (I, T), 0 outside the fit;
    deviance, log_likelihood: over all cells with exposure; converged: whether the last step was negligible;
    determined (K,): terms that the data determine (finite, and not held by the effects).
    """

    theta: np.ndarray
    log_period: np.ndarray
    mean: np.ndarray
    deviance: float
    log_likelihood: float
    converged: bool
    determined: np.ndarray


@dataclass
class _State:
    mean: np.ndarray
    value: float


def _state(tilt: np.ndarray, events: np.ndarray, rows: np.ndarray, design: np.ndarray, log_b: np.ndarray, theta: np.ndarray) -> _State:
    """Mean and profile log-likelihood, up to a constant of the data."""
    linear = log_b[None, :] + np.tensordot(theta, design, axes=1)
    mean = tilt * np.exp(linear)
    sums = mean.sum(axis=1)
    mean *= np.divide(rows, sums, out=np.zeros_like(rows), where=sums > 0)[:, None]
    return _State(mean, float((events * linear).sum() - xlogy(rows, np.where(sums > 0, sums, 1.0)).sum()))


def _newton_step(hessian: np.ndarray, score: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Step and which parameters are determined; the common shift of all ``width`` period effects changes no mean and is left at 0."""
    scale = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    scaled = hessian * scale * scale[:, None]
    shift = np.zeros(len(scale))
    shift[:width] = 1 / scale[:width]
    shift /= max(float(np.linalg.norm(shift)), 1e-300)
    try:
        factor = cho_factor(scaled + np.outer(shift, shift), lower=True, check_finite=False)
        plain = float(np.diag(factor[0]).min(initial=1.0)) > SMALLEST_PIVOT
    except LinAlgError:
        plain = False
    if plain:
        return scale * cho_solve(factor, scale * score, check_finite=False), np.ones(len(score), dtype=bool)
    inverse, _, determined = symmetric_inverse(hessian)
    return inverse @ score, determined


def fit_poisson(
    events: np.ndarray, exposure: np.ndarray, design: np.ndarray, *, start: PoissonFit | None = None, offset: np.ndarray | None = None,
    tolerance: float = 1e-8,
) -> PoissonFit:
    """Fit counts ``events`` (I, T) with ``exposure`` (I, T), 0 for cells outside, on ``design`` (K, I, T).

    start : a fit whose effects are near; offset : (I, T) added to the log mean; tolerance : of the last
    step of theta, whose error is then about its square. Steps that lower the likelihood are halved.
    """
    seen = np.where(exposure > 0, events, 0.0)
    rows, cols = seen.sum(axis=1), seen.sum(axis=0)
    live = (exposure > 0) & (rows > 0)[:, None] & (cols > 0)[None, :]
    tilt = np.where(live, exposure, 0.0)
    if offset is not None:
        tilt = tilt * np.exp(offset)
    terms, periods = len(design), np.flatnonzero(cols > 0)
    width = len(periods)
    log_b = np.zeros(len(cols))
    theta = np.zeros(terms)
    if start is not None:
        log_b[periods], theta = start.log_period[periods], start.theta[:terms].copy()
    else:
        log_b[periods] = np.log(cols[periods] / tilt.sum(axis=0)[periods])
    now = _state(tilt, seen, rows, design, log_b, theta)
    root = np.sqrt(np.divide(1.0, rows, out=np.zeros_like(rows), where=rows > 0))
    moments = np.tensordot(design, seen, axes=([1, 2], [0, 1]))
    converged, determined = False, np.ones(width + terms, dtype=bool)
    for _ in range(MOST_STEPS):
        mean = now.mean
        scaled = mean[:, periods] * root[:, None]
        weighted = design * mean
        by_unit = weighted.sum(axis=2) * root
        hessian = np.empty((width + terms, width + terms))
        hessian[:width, :width] = np.diag(mean.sum(axis=0)[periods]) - scaled.T @ scaled
        hessian[width:, :width] = weighted.sum(axis=1)[:, periods] - by_unit @ scaled
        hessian[:width, width:] = hessian[width:, :width].T
        hessian[width:, width:] = np.tensordot(weighted, design, axes=([1, 2], [1, 2])) - by_unit @ by_unit.T
        score = np.concatenate([cols[periods] - mean.sum(axis=0)[periods], moments - weighted.sum(axis=(1, 2))])
        step, determined = _newton_step(hessian, score, width)
        longest = float(np.abs(step).max(initial=0.0))
        length = min(1.0, LONGEST_STEP / max(longest, 1e-300))
        for _ in range(30):
            new_b, new_theta = log_b.copy(), theta + length * step[width:]
            new_b[periods] += length * step[:width]
            new = _state(tilt, seen, rows, design, new_b, new_theta)
            if new.value >= now.value - 1e-11 * (1 + abs(now.value)):
                break
            length /= 2
        # effects that run off to -inf leave theta alone: its own steps and what the likelihood may still gain decide
        small = float(np.abs(step[width:]).max(initial=0.0)) < tolerance and float(score @ step) < 1e-13 * (1 + abs(now.value))
        log_b, theta, now = new_b, new_theta, new
        if small:
            converged = True
            break
    log_b[periods] -= log_b[periods].mean() if width else 0.0
    mean = now.mean
    fitted = np.where(mean > 0, mean, 1.0)
    deviance = 2 * float((xlogy(seen, np.where(seen > 0, seen, 1.0) / fitted) - (seen - mean)).sum())
    likelihood = float((xlogy(seen, fitted) - mean - np.where(exposure > 0, gammaln(seen + 1), 0.0)).sum())
    return PoissonFit(theta, log_b, mean, deviance, likelihood, converged, determined[width:])
