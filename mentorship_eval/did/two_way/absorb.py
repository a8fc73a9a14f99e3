"""Unit and period effects taken out of columns of a panel, by weighted least squares and in closed form.

The effects of the longer side are profiled out (a weighted mean each); those of the shorter side
solve a system of its own size. No column per unit is formed and nothing is iterated.
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.inference.cluster_variance import symmetric_inverse

__all__ = ["absorb", "non_nested_basis", "unit_demeaned"]


def unit_demeaned(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(C, I, T) columns less their weighted mean of each unit; weights (I, T), 0 for cells outside."""
    totals = weights.sum(axis=1)
    means = np.divide(np.einsum("cit,it->ci", columns, weights), totals, out=np.zeros(columns.shape[:2]), where=totals > 0)
    return np.where(weights > 0, columns - means[:, :, None], 0.0)


def _period_gram(weights: np.ndarray) -> np.ndarray:
    """(T, T) cross products of the unit-demeaned period dummies."""
    totals = weights.sum(axis=1)
    scaled = weights * np.divide(1.0, np.sqrt(totals), out=np.zeros_like(totals), where=totals > 0)[:, None]
    return np.diag(weights.sum(axis=0)) - scaled.T @ scaled


def absorb(columns: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    """Columns (C, I, T) without unit and period effects, and the number of effects that those amount to.

    weights : (I, T), 0 for cells that are not in the fit (0 in the result).
    """
    if weights.shape[1] > weights.shape[0]:
        turned, effects = absorb(columns.transpose(0, 2, 1), weights.T)
        return turned.transpose(0, 2, 1), effects
    within = unit_demeaned(columns, weights)
    inverse, rank, _ = symmetric_inverse(_period_gram(weights))
    effects = np.einsum("cit,it->ct", within, weights) @ inverse
    within -= unit_demeaned(np.broadcast_to(effects[:, None, :], within.shape), weights)
    return within, int((weights.sum(axis=1) > 0).sum()) + rank


def non_nested_basis(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, T + C) unit-demeaned period dummies and columns (C, I, T) in the n cells of positive weight, times root weight.

    These are the columns that clusters of whole units share; the unit effects are nested in them.
    """
    used = weights > 0
    i, t = np.nonzero(used)
    root = np.sqrt(weights[i, t])
    totals = weights.sum(axis=1)
    dummies = -(weights[i] / totals[i][:, None])
    dummies[np.arange(len(t)), t] += 1.0
    dummies *= root[:, None]
    own = unit_demeaned(columns, weights)[:, i, t].T * root[:, None]
    return np.concatenate([dummies[:, used.any(axis=0)], own], axis=1)
