"""Monthly totals ahead: a log-linear trend with a yearly season, over-dispersed counts; rolling origins say how far it can be trusted.

Quasi-Poisson regression (McCullagh & Nelder 1989) on time and one pair of harmonics; predictive intervals from negative binomial draws around drawn
coefficients. The benchmark is the seasonal naive forecast, and the validation is by rolling origin (Hyndman & Athanasopoulos 2021, 5.10).
The input is one total a month: there is no row of a person here, and so no score of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import EstimationError, UsageError

__all__ = ["FEWEST_MONTHS", "Forecast", "Validation", "forecast", "seasonal_naive", "validate"]

FEWEST_MONTHS = 24  # a season that was seen twice
_DRAWS = 2000


@dataclass(frozen=True)
class Forecast:
    """(horizon,) arrays: mean, low, high of the months ahead."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Validation:
    """Held-out months at rolling origins: how many, share inside the interval, mean absolute error, and both for the seasonal naive forecast."""

    origins: int
    months: int
    coverage: float
    error: float
    naive_coverage: float
    naive_error: float
    level: float


def _totals(totals: np.ndarray) -> np.ndarray:
    given = np.asarray(totals)
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise UsageError("A forecast takes one number a month, nothing else.", fix="Add events up by month; rows of people are refused.")
    counts = given.astype(float)
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise UsageError("Monthly totals are missing or below zero.", fix="Give every month its total; 0 where there was none.")
    return counts


def _design(months: np.ndarray, length: int) -> np.ndarray:
    angle = 2 * math.pi * months / 12
    return np.column_stack([np.ones(len(months)), months / length, np.cos(angle), np.sin(angle)])


def _fit(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, their covariance and the dispersion (at least 1)."""
    design = _design(np.arange(len(counts)), len(counts))
    beta = np.array([math.log(max(counts.mean(), 1e-9)), 0.0, 0.0, 0.0])
    for _ in range(100):
        mean = np.exp(np.clip(design @ beta, -30, 30))
        step = np.linalg.solve(design.T @ (design * mean[:, None]), design.T @ (counts - mean))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise EstimationError("The monthly totals have no trend that could be fitted.", fix="A longer window, or larger totals.")
    mean = np.exp(design @ beta)
    dispersion = max(float(((counts - mean) ** 2 / mean).sum() / (len(counts) - design.shape[1])), 1.0)
    return beta, dispersion * np.linalg.inv(design.T @ (design * mean[:, None])), dispersion


def forecast(totals: np.ndarray, horizon: int, *, seed: int = 0, level: float = 0.95) -> Forecast:
    """The months after ``totals`` (n,), n at least `FEWEST_MONTHS`.

    Raises `UsageError` for anything but one total a month, `EstimationError` for too few months or events.
    """
    counts = _totals(totals)
    if len(counts) < FEWEST_MONTHS or counts.sum() < FEWEST_MONTHS:
        raise EstimationError(f"A trend and a season need {FEWEST_MONTHS} months with an event each, on average.", fix="A longer window.")
    beta, covariance, dispersion = _fit(counts)
    ahead = _design(len(counts) + np.arange(horizon), len(counts))
    rng = np.random.default_rng(seed)
    mean = np.exp(np.clip(rng.multivariate_normal(beta, covariance, _DRAWS) @ ahead.T, -30, 15))
    rate = rng.gamma(mean / (dispersion - 1), dispersion - 1) if dispersion > 1.001 else mean
    drawn = rng.poisson(rate)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Forecast(np.exp(ahead @ beta), low, high)


def seasonal_naive(totals: np.ndarray, horizon: int, *, level: float = 0.95) -> Forecast:
    """Each month as the same month of the year before; the interval from how far that went wrong so far, normal, growing year by year."""
    counts = _totals(totals)
    if len(counts) < FEWEST_MONTHS:
        raise EstimationError("The seasonal naive forecast needs two years.", fix="A longer window.")
    mean = np.array([counts[len(counts) - 12 + step % 12] for step in range(horizon)])
    spread = math.sqrt(float(((counts[12:] - counts[:-12]) ** 2).mean())) * np.sqrt(1 + np.arange(horizon) // 12)
    from scipy import special

    half = float(special.ndtri((1 + level) / 2)) * spread
    return Forecast(mean, np.maximum(mean - half, 0), mean + half)


def validate(totals: np.ndarray, horizon: int, *, seed: int = 0, level: float = 0.95) -> Validation | None:
    """Forecasts from every month from `FEWEST_MONTHS` on, held against the months that followed; None where no month is left for it."""
    counts = _totals(totals)
    hits, errors, origins = [], [], 0
    for origin in range(FEWEST_MONTHS, len(counts)):
        truth = counts[origin : origin + horizon]
        try:
            both = [forecast(counts[:origin], len(truth), seed=seed, level=level), seasonal_naive(counts[:origin], len(truth), level=level)]
        except EstimationError:
            continue
        origins += 1
        hits.append(np.array([(one.low <= truth) & (truth <= one.high) for one in both]))
        errors.append(np.array([np.abs(one.mean - truth) for one in both]))
    if not origins:
        return None
    covered, wrong = np.concatenate(hits, axis=1), np.concatenate(errors, axis=1)
    coverage, error = covered.mean(axis=1), wrong.mean(axis=1)
    return Validation(origins, covered.shape[1], float(coverage[0]), float(error[0]), float(coverage[1]), float(error[1]), level)
