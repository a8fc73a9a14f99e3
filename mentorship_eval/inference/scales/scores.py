"""Scores from items: reverse items turned, a scale scored when enough of its items are answered."""

from __future__ import annotations

import numpy as np

__all__ = ["METHODS", "scale_scores", "turned_items"]

METHODS = ("mean", "sum", "percent", "positive")


def turned_items(values: np.ndarray, reverse: np.ndarray | list[bool], low: float, high: float) -> np.ndarray:
    """(n, k) items, those under ``reverse`` (k,) counted from the other end of their range."""
    turn = np.array(reverse, dtype=bool)
    return np.where(turn, low + high - values, values) if len(turn) else values


def scale_scores(
    turned: np.ndarray,
    *,
    low: float,
    high: float,
    method: str = "mean",
    times: float = 1.0,
    answered: float = 1.0,
    positive_from: float | None = None,
) -> np.ndarray:
    """(n,) scores of turned items (n, k); NaN where less than the share ``answered`` of them was answered.

    method : "mean" of the answered items; "sum": that mean times the number of items, so that a missing item counts as the person's mean; "percent":
        the mean as a percentage of the range low to high; "positive": the percentage of answered items at or above ``positive_from``.
    times : factor of the score.
    """
    given = (~np.isnan(turned)).sum(axis=1)
    counted = turned if method != "positive" else np.where(np.isnan(turned), np.nan, (turned >= positive_from).astype(float))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where((given >= answered * turned.shape[1] - 1e-9) & (given > 0), np.nansum(counted, axis=1) / given, np.nan)
    if method == "sum":
        return np.asarray(times * mean * turned.shape[1])
    if method == "percent":
        return np.asarray(times * 100 * (mean - low) / (high - low))
    return np.asarray(times * mean * (100 if method == "positive" else 1))
