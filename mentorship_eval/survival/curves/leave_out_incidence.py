"""Cumulative incidence at one time without each cluster in turn, for a jackknife of differences between groups that share their clusters."""

from __future__ import annotations

import numpy as np

__all__ = ["incidence_without_each"]


def incidence_without_each(stop: np.ndarray, wanted: np.ndarray, other: np.ndarray, cluster: np.ndarray, clusters: int, horizon: float) -> np.ndarray:
    """Aalen-Johansen incidence of ``wanted`` at ``horizon`` from all people, then without each cluster: (1 + clusters,).

    stop, wanted, other, cluster: (n,), everybody at risk from 0; events 0/1, a person has one at most; cluster 0..clusters-1. An event at
    ``horizon`` counts. NaN where nobody of those left is followed to ``horizon``, unless all of them had an event before it and nobody was lost: what
    would have come of them after the last time at which anybody is at risk is not known.
    """
    event = (wanted + other) > 0
    times = np.unique(stop[event & (stop <= horizon)])
    size = len(times)
    seen = np.searchsorted(times, stop, side="right")  # at risk at the first `seen` of the times
    cells = np.bincount(cluster * (size + 1) + seen, minlength=clusters * (size + 1)).reshape(clusters, size + 1)
    at_risk = np.cumsum(cells[:, ::-1], axis=1)[:, ::-1][:, 1:]

    def by_time(which: np.ndarray) -> np.ndarray:
        own = np.bincount(cluster[which] * size + seen[which] - 1, minlength=clusters * size).reshape(clusters, size)
        return own.sum(axis=0) - np.vstack([np.zeros(size), own])

    risk = at_risk.sum(axis=0) - np.vstack([np.zeros(size), at_risk])
    happened = event & (stop <= horizon)
    all_, mine = by_time(happened), by_time(happened & (wanted > 0))
    hazard = np.divide(all_, risk, out=np.zeros_like(risk, dtype=float), where=risk > 0)
    before = np.cumprod(1 - hazard, axis=1)
    before = np.hstack([np.ones((clusters + 1, 1)), before[:, :-1]])[:, :size]
    value = (before * np.divide(mine, risk, out=np.zeros_like(risk, dtype=float), where=risk > 0)).sum(axis=1)
    long = np.bincount(cluster[stop >= horizon], minlength=clusters)
    over = np.prod(1 - hazard, axis=1) == 0  # the last at risk had events: there is nothing left to know
    return np.where((long.sum() - np.append(0, long) > 0) | over, value, np.nan)
