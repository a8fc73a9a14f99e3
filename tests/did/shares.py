"""Panels of audited shares simulated with a known effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit

SHARES = {"numerator": "met", "denominator": "looked_at", "unit": "unit", "time": "period", "adopted": "start"}


def share_panel(
    *, units: int = 24, periods: int = 24, waves: tuple[int, ...] = (9, 13, 17), share: float = 0.8, log_odds: float = 0.0, records: float = 15,
    overdispersion: float = 0.1, spread: float = 0.6, seed: int = 0,
) -> pd.DataFrame:
    """unit, period, start (missing for never), met, looked_at, true_untreated (share); waves of equal size assigned at random.

    Shares of treated cells are moved by ``log_odds``; beta-binomial counts with intraclass correlation ``overdispersion``.
    """
    random = np.random.default_rng(seed)
    start = np.full(units, np.nan)
    size = units // (len(waves) + 1)
    for number, wave in enumerate(waves):
        start[number * size: (number + 1) * size] = wave
    start = random.permutation(start)
    period = np.arange(1, periods + 1)
    level = logit(share) + random.normal(0, spread, (units, 1)) + 0.02 * (period - periods / 2) + 0.15 * np.sin(2 * np.pi * period / 12)
    looked_at = random.poisson(records, (units, periods))
    p = expit(level + np.where(period >= start[:, None], log_odds, 0.0))
    if overdispersion:
        strength = 1 / overdispersion - 1
        p = random.beta(p * strength, (1 - p) * strength)
    return pd.DataFrame({
        "unit": np.repeat([f"D{i:02d}" for i in range(units)], periods), "period": np.tile(period, units), "start": np.repeat(start, periods),
        "met": random.binomial(looked_at, p).ravel(), "looked_at": looked_at.ravel(), "true_untreated": expit(level).ravel(),
        "true_treated": expit(level + log_odds).ravel(),
    })


def true_difference(frame: pd.DataFrame) -> float:
    """In percentage points over the treated cells, as their records weigh them."""
    treated = frame[frame["period"] >= frame["start"]]
    return float(100 * np.average(treated["true_treated"] - treated["true_untreated"], weights=treated["looked_at"]))
