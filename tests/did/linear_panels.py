"""Panels of scores simulated with a known effect, and imputation by brute force to compare with."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = {"outcome": "score", "unit": "unit", "time": "period", "adopted": "start"}


def score_panel(
    *, units: int = 12, periods: int = 10, waves: tuple[int, ...] = (4, 6, 8), never: int | None = None, effect: float = 0.0, growth: float = 0.0,
    noise: float = 1.0, missing: float = 0.0, seed: int = 0,
) -> pd.DataFrame:
    """unit, period, start (missing for never), score, weight, acuity, site (pairs of units); waves of equal size assigned at random.

    Errors have an autocorrelation of 0.5 within units; ``missing`` is the share of rows left out.
    """
    random = np.random.default_rng(seed)
    never = units // (len(waves) + 1) if never is None else never
    start = np.full(units, np.nan)
    for wave, members in zip(waves, np.array_split(np.arange(units - never), len(waves)), strict=True):
        start[members] = wave
    start = random.permutation(start)
    period = np.arange(1, periods + 1)
    error = random.normal(size=(units, periods))
    for t in range(1, periods):
        error[:, t] = 0.5 * error[:, t - 1] + np.sqrt(0.75) * error[:, t]
    since = period[None, :] - start[:, None]
    score = random.normal(0, 2, (units, 1)) + random.normal(0, 1, periods) + noise * error + np.where(since >= 0, effect + growth * since, 0.0)
    frame = pd.DataFrame({
        "unit": np.repeat([f"D{i:02d}" for i in range(units)], periods), "period": np.tile(period, units), "start": np.repeat(start, periods),
        "score": score.ravel(), "weight": random.uniform(0.5, 3, units * periods), "acuity": random.normal(size=units * periods),
        "site": np.repeat(np.arange(units) // 2, periods),
    })
    return frame[random.uniform(size=len(frame)) >= missing].reset_index(drop=True)


def imputed_effects(frame: pd.DataFrame, weights: str | None = None, extra: tuple[str, ...] = ()) -> pd.Series:
    """Observed less expected of every treated row whose expectation untreated rows determine, by a regression on dummies."""
    parts = [pd.get_dummies(frame["unit"], dtype=float), pd.get_dummies(frame["period"], dtype=float), frame[list(extra)]]
    x, y = pd.concat(parts, axis=1).to_numpy(dtype=float), frame["score"].to_numpy()
    w = np.sqrt(frame[weights].to_numpy()) if weights else np.ones(len(frame))
    treated = (frame["period"] >= frame["start"]).to_numpy()
    design = x[~treated] * w[~treated, None]
    beta = np.linalg.lstsq(design, y[~treated] * w[~treated], rcond=None)[0]
    row_space = np.linalg.pinv(design) @ design
    determined = np.abs(x[treated] @ row_space - x[treated]).max(axis=1) < 1e-8
    return pd.Series((y - x @ beta)[treated][determined], index=frame.index[treated][determined])
