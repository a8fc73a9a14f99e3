"""What untreated cells say of a panel: its rates without treatment, their overdispersion and autocorrelation.

Overdispersion and autocorrelation are Zeger's moments of the residuals of the two-way Poisson fit (1988, Biometrika
75:621-629): sum (r^2 - m) / sum m^2, and sum r_t r_{t+1} / sum m_t m_{t+1} over neighbouring periods. Unit and period
effects that were fitted to the same counts take a large part of both away: with 24 units over 36 periods, 1.8 events in a cell
and a true variance of 0.10 and covariance of 0.029 they average 0.033 and 0.011, with 0.18 events -0.30 and -0.08. So they are
corrected by simulation: the pair is sought whose simulated panels, fitted in the same way, have on average the moments that
were seen (Kuk 1995, JRSS B 57:395-407). That gave 0.11 and 0.10 in the two examples; the autocorrelation, 0.3, came out as 0.38
(SD 0.26) and 0.11 (SD 0.27): with few events it cannot be known, and an estimate below 0 is set to 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.design.noise import noise_factor, standard_noise
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError

__all__ = ["Baseline", "estimate_baseline"]

ROUNDS, MOST_PANELS, CELLS = 6, 40, 150_000
MOST_CORRELATED = 0.95


@dataclass(frozen=True)
class Baseline:
    """mean (I, T): expected counts without treatment per unit of exposure; overdispersion, autocorrelation, with
    their standard errors (SD over simulated panels); raw: the moments before the correction;
    cells, events: the untreated ones that this rests on.
    """

    mean: np.ndarray
    overdispersion: float
    autocorrelation: float
    overdispersion_se: float
    autocorrelation_se: float
    raw: tuple[float, float]
    cells: int
    events: float


def _moments(panel: Panel, fit: Imputation, untreated: np.ndarray) -> np.ndarray:
    """Variance and lag-one covariance of the rate factor, as Zeger's moments; NaN where no two neighbours are untreated."""
    cells = untreated & np.isfinite(fit.expected)
    mean = np.where(cells, fit.expected, 0.0)
    rest = np.where(cells, panel.outcome - mean, 0.0)
    variance = (rest**2 - mean)[cells].sum() / (mean**2).sum()
    pairs = cells[:, 1:] & cells[:, :-1] & (np.diff(panel.position) == 1)[None, :]
    below = (mean[:, 1:] * mean[:, :-1])[pairs].sum()
    return np.array([variance, (rest[:, 1:] * rest[:, :-1])[pairs].sum() / below if below > 0 else np.nan])


def _shrunken(events: np.ndarray, expected: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Events over expected, drawn towards 1 by the moments of an empirical-Bayes gamma (Marshall 1991, Applied Statistics 40:283-294).

    Without it a department that by chance had no event would be simulated without any for ever.
    """
    live = expected > 0
    spread = ((events - expected) ** 2 - noise)[live].sum() / max((expected[live] ** 2).sum(), 1e-300)
    if not spread > 0:
        return np.ones_like(expected)
    # the weight of the prior: what its variance is worth in expected events, given the noise of the margin
    prior = np.divide(noise, expected, out=np.ones_like(expected), where=live) / spread
    return (events + prior) / (np.where(live, expected, 0.0) + prior)


def _rates(panel: Panel, untreated: np.ndarray, overdispersion: float) -> np.ndarray:
    """(I, T) rates per unit of exposure: overall rate, times a unit's, times a period's."""
    exposure, events = np.where(untreated, panel.exposure, 0.0), np.where(untreated, panel.outcome, 0.0)
    overall = events.sum() / exposure.sum()
    unit, period = np.ones(panel.shape[0]), np.ones(panel.shape[1])
    for _ in range(4):  # the two margins lean on each other; a few rounds settle them
        mean = overall * exposure * period[None, :]
        unit = _shrunken(events.sum(axis=1), mean.sum(axis=1), mean.sum(axis=1) + overdispersion * (mean**2).sum(axis=1))
        mean = overall * exposure * unit[:, None]
        period = _shrunken(events.sum(axis=0), mean.sum(axis=0), mean.sum(axis=0) + overdispersion * (mean**2).sum(axis=0))
    rates = overall * unit[:, None] * period[None, :]
    return np.asarray(rates * events.sum() / (rates * exposure).sum())


def _settings(moments: np.ndarray) -> tuple[float, float]:
    """Overdispersion and autocorrelation of a variance and a lag-one covariance, within their bounds."""
    variance = max(float(moments[0]), 0.0)
    if not variance > 1e-6 or not moments[1] > 0:
        return variance, 0.0
    return variance, min(float(np.log1p(moments[1]) / np.log1p(variance)), MOST_CORRELATED)


def _simulated_moments(panel: Panel, untreated: np.ndarray, mean: np.ndarray, settings: tuple[float, float], number: int, seed: int) -> np.ndarray:
    """(panels, 2) moments of panels simulated on the untreated cells; the same random numbers whatever the settings."""
    found = []
    for child in np.random.SeedSequence([seed, 1]).spawn(number):
        first, second = (np.random.default_rng(part) for part in child.spawn(2))
        factor = noise_factor(standard_noise(first, len(panel.units), panel.position, settings[1]), settings[0])
        drawn = replace(panel, outcome=np.where(untreated, second.poisson(mean * factor), 0).astype(float))
        try:
            found.append(_moments(drawn, impute(drawn, untreated), untreated))
        except EstimationError:
            continue
    return np.array(found).reshape(-1, 2)


def estimate_baseline(panel: Panel, untreated: np.ndarray, *, seed: int) -> Baseline:
    """Rates, overdispersion and autocorrelation from the ``untreated`` (I, T) cells of ``panel``.

    Raises `EstimationError` when they hold no event.
    """
    fit = impute(panel, untreated)
    raw = _moments(panel, fit, untreated)
    number = int(np.clip(CELLS // panel.outcome.size, 6, MOST_PANELS))
    aim = np.nan_to_num(raw)
    moments = aim.copy()
    settings = _settings(moments)
    drawn = np.zeros((0, 2))
    for _ in range(ROUNDS):
        mean = panel.exposure * _rates(panel, untreated, settings[0])
        drawn = _simulated_moments(panel, untreated, mean, settings, number, seed)
        if len(drawn) < 2:
            break
        moments = moments + aim - np.nan_to_num(drawn.mean(axis=0))
        # beyond its bounds the pair would wander off without anything simulated changing
        moments[0] = max(moments[0], 0.0)
        moments[1] = np.clip(moments[1], 0.0, moments[0])
        settings = _settings(moments)
    spread = np.nan_to_num(drawn.std(axis=0, ddof=1)) if len(drawn) > 1 else np.full(2, np.nan)
    correlation_se = spread[1] / np.log1p(settings[0]) if settings[0] > 1e-6 else np.nan
    cells = untreated & (panel.exposure > 0)
    return Baseline(_rates(panel, untreated, settings[0]), *settings, float(spread[0]), float(correlation_se), (float(raw[0]), float(raw[1])),
        int(cells.sum()), float(panel.outcome[cells].sum()))
