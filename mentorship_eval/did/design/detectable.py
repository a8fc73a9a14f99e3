"""The smallest effect that reaches a given power, from rejections at a ladder of ratios, with its Monte-Carlo uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

__all__ = ["approximate_ratios", "minimum_detectable", "monotone"]

RESAMPLES = 1000
AT_ONCE = 50


def monotone(shares: np.ndarray) -> np.ndarray:
    """(B, n) least-squares fits of rows (B, n) that never fall from left to right (isotonic regression, by its max-min formula)."""
    number = shares.shape[1]
    sums = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    first, last = np.arange(number)[:, None], np.arange(number)[None, :]
    means = np.where(first <= last, (sums[:, None, 1:] - sums[:, :-1, None]) / np.maximum(last - first + 1, 1), np.inf)
    lowest = np.minimum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]  # over all ends from each place onwards
    return np.asarray(np.where(first <= last, lowest, -np.inf).max(axis=1))


def _crossing(steps: np.ndarray, shares: np.ndarray, target: float, replicates: int) -> np.ndarray:
    """Where rising ``shares`` (B, n) at ``steps`` (n,) reach ``target``, between two steps on the probit scale; inf where they do not."""
    reached = shares >= target
    some = reached.any(axis=1)
    at = np.argmax(reached, axis=1)
    before = np.maximum(at - 1, 0)
    edge = 0.5 / replicates
    row = np.arange(len(shares))
    low, high = (ndtri(np.clip(shares[row, k], edge, 1 - edge)) for k in (before, at))
    part = np.divide(ndtri(target) - low, high - low, out=np.ones_like(low), where=high > low)
    return np.where(some, steps[before] + np.clip(part, 0, 1) * (steps[at] - steps[before]), np.inf)


def minimum_detectable(ratios: np.ndarray, rejected: np.ndarray, target: float, *, seed: int) -> pd.DataFrame:
    """direction, ratio, mc_low, mc_high, note: a row for ratios below 1 and one for those above.

    ratios : (J,) with 1 among them; rejected : (R, J) whether each replicate rejected at each ratio. Power is made
    monotone in the distance from 1, and read off between two ratios on the probit scale against the log ratio. The 95 %
    Monte-Carlo interval comes from resampling whole replicates, which share their random numbers across ratios; an end of it
    that lies beyond the ratios tried is NaN, which ``note`` says.
    """
    replicates = len(rejected)
    random = np.random.default_rng([seed, 2])
    weights = random.multinomial(replicates, np.full(replicates, 1 / replicates), size=RESAMPLES) / replicates
    rows = []
    for direction, side in (("below 1", ratios <= 1), ("above 1", ratios >= 1)):
        order = np.flatnonzero(side)[np.argsort(np.abs(np.log(ratios[side])), kind="stable")]
        steps, cells = np.abs(np.log(ratios[order])), rejected[:, order].astype(float)
        row = {"direction": direction, "ratio": np.nan, "mc_low": np.nan, "mc_high": np.nan, "note": ""}
        if len(order) < 2:
            rows.append({**row, "note": f"no ratio {direction} was tried"})
            continue
        shares = monotone(cells.mean(axis=0)[None])
        found = _crossing(steps, shares, target, replicates)[0]
        sign = -1 if direction == "below 1" else 1
        if not np.isfinite(found):
            furthest = ratios[order[-1]]
            rows.append({**row, "note": f"power at {furthest:.3g}, the furthest tried, is {shares[0, -1]:.0%}"})
            continue
        every = np.concatenate([
            _crossing(steps, monotone(part @ cells), target, replicates) for part in np.array_split(weights, RESAMPLES // AT_ONCE)
        ])
        # a resample that never gets there counts as beyond every ratio tried
        ends = np.quantile(every, (0.025, 0.975), method="nearest")
        note = "" if np.isfinite(ends).all() else "the far end of the Monte-Carlo interval lies beyond the ratios tried"
        low, high = np.exp(sign * np.where(np.isfinite(ends), ends, np.nan))[::sign]
        rows.append({**row, "ratio": float(np.exp(sign * found)), "mc_low": float(low), "mc_high": float(high), "note": note})
    return pd.DataFrame(rows)


def approximate_ratios(spread: float, df: float, alpha: float, target: float) -> tuple[float, float]:
    """The textbook figure: exp(-+(t_(1-alpha/2) + t_target) spread), ``spread`` the SD of the log ratio without effect."""
    if not (spread > 0 and df >= 1):
        return np.nan, np.nan
    reach = (stdtrit(df, 1 - alpha / 2) + stdtrit(df, target)) * spread
    return float(np.exp(-reach)), float(np.exp(reach))
