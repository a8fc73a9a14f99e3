"""Panels of counts simulated with a known effect."""

from __future__ import annotations

import numpy as np
import pandas as pd


def simulated_panel(
    *, units: int = 12, periods: int = 24, waves: tuple[int, ...] = (9, 13, 17), never: int | None = None, log_irr: float = 0.0,
    growth: float = 0.0,
    rate: float = 2.0, overdispersion: float = 0.05, size: float = 700.0, seed: int = 0,
) -> pd.DataFrame:
    """unit, period, start (missing for never), events, days, true_mean_untreated; waves of equal size assigned at random.

    The log ratio of a treated cell is ``log_irr + growth * (periods since start)``; unit effects vary
    with SD 0.35, period effects fall and swing over the year, gamma noise makes the counts overdispersed.
    """
    random = np.random.default_rng(seed)
    never = units // (len(waves) + 1) if never is None else never
    each = np.array_split(np.arange(units - never), len(waves))
    start = np.full(units, np.nan)
    for wave, members in zip(waves, each, strict=True):
        start[members] = wave
    start = random.permutation(start)
    days = np.maximum(size * random.lognormal(0, 0.35, (units, 1)) * random.lognormal(0, 0.1, (units, periods)), 1)
    period = np.arange(1, periods + 1)
    season = 0.08 * np.sin(2 * np.pi * period / 12) - 0.005 * period
    mean = days / 1000 * rate * np.exp(random.normal(0, 0.35, (units, 1)) + season)
    since = period[None, :] - start[:, None]
    effect = np.where(since >= 0, log_irr + growth * since, 0.0)
    noise = random.gamma(1 / overdispersion, overdispersion, mean.shape) if overdispersion else np.ones(mean.shape)
    return pd.DataFrame({
        "unit": np.repeat([f"D{i:02d}" for i in range(units)], periods), "period": np.tile(period, units), "start": np.repeat(start,
        periods),
        "events": random.poisson(mean * np.exp(effect) * noise).ravel(), "days": days.ravel().round(1), "true_mean_untreated": mean.ravel(),
    })


COLUMNS = {"count": "events", "exposure": "days", "unit": "unit", "time": "period", "adopted": "start"}
