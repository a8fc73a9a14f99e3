"""How many clusters of controls carry an effect or an average: two standard errors of a single control are two of nothing."""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.group_time.comparisons import Comparison
from mentorship_eval.did.group_time.design import Design

__all__ = ["control_clusters", "control_clusters_of_rows"]


def _mark(design: Design, cell: Comparison, used: np.ndarray) -> None:
    """Set ``used`` (n,) where a unit is a control of the comparison."""
    for part in design.controls(cell.group, cell.t, cell.b):
        used[part] |= True if design.usable is None else design.usable[cell.t, part] & design.usable[cell.b, part]


def _clusters(design: Design, used: np.ndarray) -> int:
    if design.unit_clusters:
        return int(used.sum())
    return int((np.bincount(design.cluster, weights=used, minlength=design.n_clusters) > 0).sum())


def control_clusters(design: Design, cells: list[Comparison], units: np.ndarray) -> np.ndarray:
    """(C,) clusters of controls of each comparison; units (C,): how many units these are, the same where units are the clusters."""
    if design.unit_clusters:
        return units
    out = np.zeros(len(cells), dtype=int)
    for k, cell in enumerate(cells):
        used = np.zeros(len(design.cluster), dtype=bool)
        _mark(design, cell, used)
        out[k] = _clusters(design, used)
    return out


def control_clusters_of_rows(design: Design, cells: list[Comparison], row: np.ndarray, overall: np.ndarray) -> tuple[np.ndarray, int]:
    """(K,) clusters that are a control in some comparison of each row, and in some row of ``overall`` (K,). row (C,): -1 for none."""
    used = np.zeros((len(overall), len(design.cluster)), dtype=bool)
    for k in np.flatnonzero(row >= 0):
        _mark(design, cells[k], used[row[k]])
    return np.array([_clusters(design, mine) for mine in used], dtype=int), _clusters(design, used[overall].any(axis=0))
