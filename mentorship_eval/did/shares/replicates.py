"""Refits without each cluster in turn, many at once and started from the full fit.

The cells to be summed are fixed: a refit does not apply ``min_controls`` again. A cell that a refit cannot project at all (its own
cluster is gone, or no untreated unit is left in its period) leaves that refit, with its numerator and denominator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mentorship_eval.did.counts.groups import Grouping, Waves, block_sums
from mentorship_eval.did.counts.replicates import Sums
from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.shares.batches import expected_shares, starting_effects
from mentorship_eval.did.shares.boundary import UNIDENTIFIED
from mentorship_eval.did.shares.fit import Effects
from mentorship_eval.did.shares.imputation import ShareImputation, impute
from mentorship_eval.errors import EstimationError

__all__ = ["CELLS_AT_ONCE", "difference", "informative_clusters", "leave_one_out"]

CELLS_AT_ONCE = 110_000  # of refits x units x periods: small enough for the arrays of a batch to stay in the processor's cache


def difference(sums: Sums) -> np.ndarray:
    """100 (observed - expected) / denominators, in percentage points; NaN where unknown."""
    return sums.rate_difference(100.0)


def informative_clusters(panel: Panel, untreated: np.ndarray, target: np.ndarray, fit: ShareImputation) -> np.ndarray:
    """(G,) whether a cluster can move the estimate: it holds a target cell, or a cell of the fit whose share is neither 0 nor 1."""
    moves = (target | (untreated & fit.fitted)).any(axis=1)
    return np.bincount(panel.cluster, weights=moves, minlength=len(panel.cluster_labels)) > 0


def leave_one_out(
    panel: Panel, waves: Waves, untreated: np.ndarray, cells: np.ndarray, groupings: Sequence[Grouping], full: ShareImputation
) -> list[Sums]:
    """`Sums` (G, K) without each of the G clusters, by each of the groupings; NaN where a refit failed.

    untreated, cells : (I, T) boolean, the cells of the fit and those to be summed; full : the fit with all clusters.
    """
    number = len(panel.cluster_labels)
    out = [[np.full((number, len(grouping.values)), np.nan) for _ in range(3)] for grouping in groupings]
    start = starting_effects(panel, full.effects, full.fitted, untreated)

    def store(g: int, share: np.ndarray, usable: np.ndarray) -> None:
        values = (panel.outcome, panel.exposure * share, panel.exposure)
        blocks = [block_sums(waves, np.where(usable, value, 0.0))[None] for value in values]
        for grouping, parts in zip(groupings, out, strict=True):
            for part, block in zip(parts, blocks, strict=True):
                part[g] = grouping.collect(block)[0]

    size = max(1, CELLS_AT_ONCE // panel.outcome.size)
    for begin in range(0, number, size):
        which = np.arange(begin, min(begin + size, number))
        keep = panel.cluster[None, :] != which[:, None]
        masks = untreated[None] & keep[:, :, None]
        has_any, controlled = np.asarray(untreated.any(axis=1)), np.asarray(masks.any(axis=1))
        usable = cells[None] & keep[:, :, None] & controlled[:, None, :] & has_any[None, :, None]
        share, settled = expected_shares(panel, masks, usable, start, tolerance=1e-6)
        for d, g in enumerate(which.tolist()):
            if settled[d]:
                store(g, share[d], usable[d])
            elif (alone := _alone(panel, untreated, keep[d], cells, start)) is not None:
                store(g, *alone)
    return [Sums(*parts) for parts in out]


def _alone(
    panel: Panel, untreated: np.ndarray, keep: np.ndarray, cells: np.ndarray, start: Effects
) -> tuple[np.ndarray, np.ndarray] | None:
    """Shares and usable cells (I, T) of one refit, with its boundary worked out afresh; None when it fails."""
    begin = Effects(start.unit[:, keep], start.period, start.slope, start.converged)
    try:
        fit = impute(panel.keep_units(keep), untreated[keep], start=begin)
    except EstimationError:
        return None
    usable, share = np.zeros(panel.shape, dtype=bool), np.zeros(panel.shape)
    usable[keep] = connected_cells(untreated[keep])
    usable &= cells
    if (fit.kind == UNIDENTIFIED)[usable[keep]].any():
        return None
    size = panel.exposure[keep]
    share[keep] = np.divide(fit.expected, size, out=np.zeros_like(size), where=np.isfinite(fit.expected) & (size > 0))
    return share, usable
