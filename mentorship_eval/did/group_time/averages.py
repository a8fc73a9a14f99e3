"""The value of an aggregate, its influence function, and its values without each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.group_time.engine import Engine
from mentorship_eval.did.group_time.schemes import Scheme

__all__ = ["Averages", "average", "averages_without"]


@dataclass(frozen=True)
class Averages:
    """rows (K,) and overall: values; influence (G, K) and overall_influence (G,): their squares sum to squared standard errors."""

    rows: np.ndarray
    overall: float
    influence: np.ndarray
    overall_influence: np.ndarray


def average(engine: Engine, att: np.ndarray, scheme: Scheme) -> Averages:
    """Averages of the effects ``att`` (C,) by ``scheme``, with the part of their influence that comes from estimated shares."""
    design, width = engine.design, len(scheme.labels)
    group = np.array([cell.group for cell in engine.cells], dtype=int)
    inside = scheme.row >= 0
    row, share = scheme.row[inside], design.shares[group[inside]]
    total = np.bincount(row, weights=share, minlength=width)
    values = np.bincount(row, weights=share * att[inside], minlength=width) / total
    loadings: list[list[tuple[int, float]]] = [[] for _ in engine.cells]
    for k in np.flatnonzero(inside):
        loadings[k] = [(int(scheme.row[k]), float(design.shares[group[k]] / total[scheme.row[k]]))]
    by_unit = engine.influence(loadings, width)

    # A group's share of the row is estimated too: a unit moves it by its weight times what its group's effects add to the row.
    pull = np.zeros((width, len(design.groups)))
    np.add.at(pull, (row, group[inside]), att[inside] - values[row])
    pull /= total[:, None]
    for j, (low, high) in enumerate(design.bounds):
        touched = np.flatnonzero(pull[:, j])
        by_unit[touched, low:high] += pull[touched, j][:, None] * design.unit_weight[low:high]

    chosen = np.flatnonzero(scheme.overall)
    if scheme.by_share:
        shares = design.shares[scheme.row_group]
        overall = float(shares @ values / shares.sum())
        whole = (shares / shares.sum()) @ by_unit
        for value, (low, high) in zip(values, design.bounds[scheme.row_group], strict=True):
            whole[low:high] += design.unit_weight[low:high] * (value - overall) / shares.sum()
    elif len(chosen):
        overall, whole = float(values[chosen].mean()), by_unit[chosen].mean(axis=0)
    else:
        overall, whole = np.nan, np.zeros(by_unit.shape[1])
    return Averages(values, overall, engine.collapse(by_unit), engine.collapse(whole[None, :])[:, 0])


def averages_without(engine: Engine, scheme: Scheme) -> tuple[np.ndarray, np.ndarray]:
    """(G, K + 1) the rows and the overall value without each cluster; (G,) effects that do not exist without it.

    Shares are those of the remaining units. An effect that does not exist without a cluster leaves the
    average it belonged to; NaN where nothing is left of one.
    """
    design, width = engine.design, len(scheme.labels)
    share = np.stack([
        total - np.bincount(design.cluster[low:high], weights=design.unit_weight[low:high], minlength=design.n_clusters)
        for total, (low, high) in zip(design.shares, design.bounds, strict=True)
    ])
    share[share < 1e-12 * design.shares[:, None]] = 0.0
    lost = np.zeros(design.n_clusters, dtype=int)
    above, below = np.zeros((design.n_clusters, width)), np.zeros((design.n_clusters, width))

    def take(k: int, values: np.ndarray) -> None:
        row = scheme.row[k]
        if row < 0:
            return
        there = np.isfinite(values)
        lost[~there] += 1
        weight = np.where(there, share[engine.cells[k].group], 0.0)
        above[:, row] += weight * np.where(there, values, 0.0)
        below[:, row] += weight

    engine.leave_one_out(take, chosen=np.flatnonzero(scheme.row >= 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = above / below
        weights = share[scheme.row_group].T if scheme.by_share else np.broadcast_to(scheme.overall.astype(float), rows.shape)
        weights = np.where(np.isfinite(rows), weights, 0.0)
        overall = (weights * np.where(np.isfinite(rows), rows, 0.0)).sum(axis=1) / weights.sum(axis=1)
    return np.column_stack([rows, overall]), lost
