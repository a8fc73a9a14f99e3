"""Refits that no shared step reaches: with covariates, with a period that loses its last event, or on the boundary."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.fit_covariates import newton_covariates
from mentorship_eval.did.counts.imputation import Imputation, impute, project
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, ZERO, connected_cells
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError

__all__ = ["dense_refits", "refit_alone"]

CELLS_AT_ONCE = 1_500_000


def dense_refits(
    panel: Panel, weights: np.ndarray, events: np.ndarray, which: np.ndarray, full: Imputation
) -> Iterator[tuple[np.ndarray, list[np.ndarray | None]]]:
    """Batches of clusters and the expected counts (I, T) without each of them, None where Newton's steps do not converge.

    weights, events : (I, T), 0 outside the fitted cells.
    """
    terms = panel.covariates.shape[2]
    size = max(1, CELLS_AT_ONCE // (weights.size * (1 + terms)))
    start = np.where(full.period > 0, full.period, 1.0)
    for begin in range(0, len(which), size):
        batch = which[begin: begin + size]
        keep = panel.cluster[None, :] != batch[:, None]
        w = weights[None] * keep[:, :, None]
        if terms:
            effects, slopes = newton_covariates(w, events[None] * keep[:, :, None], panel.covariates, start, full.slope)
        else:
            slopes = np.zeros((len(batch), 0))
            effects = newton(w, events.sum(axis=1) * keep, keep @ events, start, sweeps=1, tolerance=1e-6)
        expected = project(panel.exposure, effects.unit, effects.period, panel.covariates, slopes)
        yield batch, [expected[d] if effects.converged[d] else None for d in range(len(batch))]


def refit_alone(
    panel: Panel, untreated: np.ndarray, keep: np.ndarray, cells: np.ndarray, full: Imputation
) -> tuple[np.ndarray, np.ndarray] | None:
    """Expected and usable (I, T) of one refit, with its boundary worked out afresh; None when it fails."""
    try:
        fit = impute(panel.keep_units(keep), untreated[keep], start=full.period, slope=full.slope)
    except EstimationError:
        return None
    usable, expected = np.zeros(panel.shape, dtype=bool), np.zeros(panel.shape)
    usable[keep] = connected_cells(untreated[keep]) | (fit.kind == ZERO)
    expected[keep] = fit.expected
    if np.isin(fit.kind, (INFINITE, UNIDENTIFIED))[(cells & usable)[keep]].any():
        return None
    return np.where(usable, expected, 0.0), usable
