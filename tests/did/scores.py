"""Panels of scores simulated with a known effect, and the plainest possible group-time effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

SCORES = {"outcome": "score", "unit": "unit", "time": "period", "adopted": "start"}


def score_panel(
    *, units: int = 30, periods: int = 8, waves: tuple[int, ...] = (4, 6), effect: float = 0.0, growth: float = 0.0, trend: float = 0.3,
    spread: float = 2.0, seed: int = 0,
) -> pd.DataFrame:
    """unit, period, start (missing for never), score, size (weight, fixed in a unit), days (varying), x (covariate), ward (units in threes)."""
    random = np.random.default_rng(seed)
    start = random.permutation(np.resize([np.nan, *waves], units))
    period = np.arange(1, periods + 1)
    x = random.normal(size=units)
    since = period[None, :] - start[:, None]
    lift = np.where(since >= 0, effect + growth * since, 0.0)
    score = spread * random.normal(size=(units, 1)) + trend * period + 0.1 * x[:, None] * period + random.normal(size=(units, periods)) + lift
    size = random.uniform(0.5, 3, units)
    return pd.DataFrame({
        "unit": np.repeat([f"D{i:03d}" for i in range(units)], periods), "period": np.tile(period, units), "start": np.repeat(start, periods),
        "score": score.ravel(), "size": np.repeat(size, periods),
        "days": (size[:, None] * random.uniform(0.7, 1.3, (units, periods))).ravel(), "x": np.repeat(x, periods),
        "ward": np.repeat([f"W{i // 3:02d}" for i in range(units)], periods),
    })


def plain_effects(
    frame: pd.DataFrame, *, never: bool = False, universal: bool = False, weights: str | None = None, varying: bool = False, anticipation: int = 0
) -> dict[tuple[float, int], float]:
    """ATT(g, t) as four weighted means of rows, unit by unit; no array tricks. Effects without a control are absent."""
    rows = frame.set_index(["unit", "period"])
    wide = {column: rows[column].unstack() for column in ["score", *([weights] if weights else [])]}  # noqa: PD010
    start = frame.groupby("unit")["start"].first()
    periods = sorted(frame["period"].unique())
    out = {}
    for group in sorted(start.dropna().unique()):
        before = [p for p in periods if p < group - anticipation]
        if not before or group > periods[-1]:
            continue
        for i, t in enumerate(periods):
            base = before[-1] if t > before[-1] or universal else (periods[i - 1] if i else None)
            if base is None:
                continue
            both = wide["score"][[t, base]].notna().all(axis=1) if t != base else wide["score"][t].notna()
            limit = periods[-1] if never else max(t, base)
            sides = [both & (start == group), both & (start.isna() | (start > limit + anticipation)) & (start != group)]
            if not all(side.any() for side in sides):
                continue

            def change(side: pd.Series, t: int = t, base: int = base) -> float:
                now, then = wide["score"].loc[side, t], wide["score"].loc[side, base]
                if weights is None:
                    return float((now - then).mean())
                w = wide[weights].loc[side]
                if varying:
                    return float(np.average(now, weights=w[t]) - np.average(then, weights=w[base]))
                return float(np.average(now - then, weights=w.mean(axis=1)))

            out[float(group), int(t)] = change(sides[0]) - change(sides[1])
    return out
