"""Effects of treated cells, their weighted means over groups of cells, and how these move with each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.leave_out import Steps, leave_out_steps
from mentorship_eval.did.scores.two_way import TwoWay, fit_two_way
from mentorship_eval.errors import EstimationError

__all__ = ["Imputed", "Means", "group_means", "impute_scores", "informative_clusters"]


@dataclass(frozen=True)
class Imputed:
    """fit: on untreated cells; effect (I, T): outcome less its projection, NaN where there is none; alone: for clusters
    whose leaving out needs a fit of its own, code -> effect (I, T) without it, or None where that fit fails.
    """

    fit: TwoWay
    effect: np.ndarray
    steps: Steps
    alone: dict[int, np.ndarray | None]


@dataclass(frozen=True)
class Means:
    """Weighted mean effects of K groups of cells.

    value (K,); without (G, K): leaving each cluster out, NaN where the mean does not exist then; score (G, K): contribution of
    each cluster to the conservative variance of Borusyak, Jaravel & Spiess (2024, Theorem 3), whose squares add up to it;
    clusters (K,): how many hold cells of the group; weight (K,): total weight.
    """

    value: np.ndarray
    without: np.ndarray
    score: np.ndarray
    clusters: np.ndarray
    weight: np.ndarray


def informative_clusters(panel: Panel, targets: Targets) -> np.ndarray:
    """(G,) whether a cluster can move the estimate: it has a target cell, or a unit with two untreated ones."""
    units = targets.target.any(axis=1) | (targets.untreated.sum(axis=1) > 1)
    return np.asarray(np.bincount(panel.cluster, weights=units, minlength=len(panel.cluster_labels)) > 0)


def impute_scores(panel: Panel, untreated: np.ndarray) -> Imputed:
    """Fit ``untreated`` (I, T) and prepare the refits without each cluster."""
    fit = fit_two_way(panel.outcome, np.where(untreated, panel.exposure, 0.0), panel.covariates, panel.covariate_names)
    steps = leave_out_steps(fit, panel.cluster, len(panel.cluster_labels))
    alone: dict[int, np.ndarray | None] = {}
    for c in np.flatnonzero(steps.broken):
        keep = panel.cluster != c
        try:
            rest = fit_two_way(panel.outcome[keep], np.where(untreated, panel.exposure, 0.0)[keep], panel.covariates[keep],
                panel.covariate_names)
        except EstimationError:
            alone[int(c)] = None
            continue
        effect = np.full(panel.shape, np.nan)
        effect[keep] = panel.outcome[keep] - rest.expected
        alone[int(c)] = effect
    return Imputed(fit, panel.outcome - fit.expected, steps, alone)


def _smoothed(panel: Panel, unit: np.ndarray, period: np.ndarray, weight: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """(N,) mean effect of the cell's wave and period, weighted by the squared weight of each cluster in it."""
    waves = np.unique(panel.adopted[unit], return_inverse=True)[1]
    pair = waves.ravel() * panel.shape[1] + period
    held = weight  # of the cluster in that wave and period: a unit has one cell there
    if panel.has_cluster:
        where = np.unique(pair.astype(np.int64) * len(panel.cluster_labels) + panel.cluster[unit], return_inverse=True)[1].ravel()
        held = np.bincount(where, weights=weight)[where]
    total = np.bincount(pair, weights=held * weight)
    return (np.bincount(pair, weights=held * weight * effect) / np.where(total > 0, total, 1.0))[pair]


def group_means(panel: Panel, imputed: Imputed, cells: np.ndarray, code: np.ndarray, number: int) -> Means:
    """`Means` of ``cells`` (I, T) grouped by ``code`` (number of cells, in row order), 0 to ``number`` - 1."""
    fit, clusters = imputed.fit, len(panel.cluster_labels)
    width = panel.shape[1]
    unit, period = np.nonzero(cells)
    weight, effect = panel.exposure[cells], imputed.effect[cells]
    of = panel.cluster[unit]
    pair = of * number + code

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(pair, weights=values, minlength=clusters * number).reshape(clusters, number)

    held = sums(weight)
    total, mine = held.sum(axis=0), sums(weight * effect)
    # a group without cells has no mean
    value = np.divide(mine.sum(axis=0), total, out=np.full(number, np.nan), where=total > 0)
    # how much each group's total moves with the effects of the fit: (K, T+K)
    moves = np.zeros((number, len(fit.matrix)))
    np.add.at(moves, (code, period), weight)
    own = np.zeros((number, panel.shape[0]))
    np.add.at(own, (code, unit), weight)
    share = np.divide(fit.weights, fit.totals[:, None], out=np.zeros_like(fit.weights), where=fit.totals[:, None] > 0)
    moves[:, :width] -= own @ share
    centred = fit.centred[cells]
    if len(fit.slope):
        for k in range(number):
            moves[k, width:] = (weight[:, None] * centred)[code == k].sum(axis=0)

    change = np.nan_to_num(imputed.steps.change)
    mean_change = (share * change[panel.cluster, :width]).sum(axis=1)
    at_cells = change[of, period] - mean_change[unit]
    if len(fit.slope):
        at_cells = at_cells + (change[of, width:] * centred).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = total - held
        shifted = change @ moves.T - sums(weight * at_cells)
        without = np.where(left > 1e-12 * total, (mine.sum(axis=0) - mine - shifted) / left, np.nan)
    for c, effects in imputed.alone.items():
        without[c] = np.nan
        if effects is not None:
            found = effects[cells]
            known = np.isfinite(found)
            weights = np.bincount(code[known], weights=weight[known], minlength=number)
            together = np.bincount(code[known], weights=weight[known] * found[known], minlength=number)
            without[c] = np.divide(together, weights, out=np.full(number, np.nan), where=weights > 0)

    score = sums(weight * (effect - _smoothed(panel, unit, period, weight, effect)))
    by_cluster = np.zeros((clusters, len(fit.matrix)))
    np.add.at(by_cluster, panel.cluster, fit.scores)
    score = (score - by_cluster @ np.linalg.solve(fit.matrix, moves.T)) / np.where(total > 0, total, np.nan)
    return Means(value, without, score, (held > 0).sum(axis=0), total)
