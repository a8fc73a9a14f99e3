"""Refits without each cluster in turn, batched and started from the full fit.

The cells to be summed are fixed: a refit does not apply ``min_controls`` again. A cell that a refit
cannot project at all (its own cluster is gone, or no untreated unit is left in its period) leaves
that refit, with its observed count and exposure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.fit_covariates import newton_covariates
from mentorship_eval.did.counts.imputation import Imputation, impute, project
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, ZERO, connected_cells, is_plainly_connected
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError

__all__ = ["Sums", "full_sums", "leave_one_out"]

CELLS_AT_ONCE = 1_500_000


@dataclass(frozen=True)
class Sums:
    """observed, expected, exposure: (R, K) sums over K groups of cells, one row per refit; NaN where a refit failed."""

    observed: np.ndarray
    expected: np.ndarray
    exposure: np.ndarray

    @property
    def log_ratio(self) -> np.ndarray:
        """log(observed / expected); NaN where either is 0 or unknown."""
        usable = (self.observed > 0) & (self.expected > 0)
        return np.log(np.where(usable, self.observed, np.nan)) - np.log(np.where(usable, self.expected, np.nan))

    def rate_difference(self, per: float) -> np.ndarray:
        known = self.exposure > 0
        return per * np.where(known, self.observed - self.expected, np.nan) / np.where(known, self.exposure, np.nan)


def full_sums(panel: Panel, expected: np.ndarray, cells: np.ndarray, groups: np.ndarray) -> Sums:
    """Sums (1, K) over ``cells`` (I, T) by ``groups`` (cells, K), an indicator of each cell's groups."""
    return Sums(*(np.atleast_2d(values[cells] @ groups) for values in (panel.outcome, expected, panel.exposure)))


def _alone(
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


def leave_one_out(panel: Panel, untreated: np.ndarray, cells: np.ndarray, groups: np.ndarray, full: Imputation) -> Sums:
    """`Sums` (G, K) without each of the G clusters.

    untreated, cells : (I, T) boolean, the cells of the fit and those to be summed;
    groups : (number of cells, K) indicator of the groups of each cell; full : the fit with all clusters.
    """
    number, terms = len(panel.cluster_labels), panel.covariates.shape[2]
    weights, events = np.where(full.fitted, panel.exposure, 0.0), np.where(full.fitted, panel.outcome, 0.0)
    by_unit, by_cell = events.sum(axis=1), events[None]
    out = np.full((3, number, groups.shape[1]), np.nan)
    flat = np.flatnonzero(cells)
    size = max(1, CELLS_AT_ONCE // (weights.size * (1 + terms)))
    for begin in range(0, number, size):
        which = np.arange(begin, min(begin + size, number))
        keep = panel.cluster[None, :] != which[:, None]
        kept = untreated[None] & keep[:, :, None]
        usable = kept.any(axis=1)[:, None, :] & kept.any(axis=2)[:, :, None]
        w = weights[None] * keep[:, :, None]
        start = np.where(full.period > 0, full.period, 1.0)
        if terms:
            effects, slopes = newton_covariates(w, by_cell * keep[:, :, None], panel.covariates, start, full.slope)
        else:
            slopes = np.zeros((len(which), 0))
            effects = newton(w, by_unit * keep, keep @ events, start, sweeps=1, tolerance=1e-6)
        expected = project(panel.exposure, effects.unit, effects.period, panel.covariates, slopes)
        afresh = ~effects.converged | ~is_plainly_connected(kept) | (not full.simple)
        for d in np.flatnonzero(afresh):
            alone = _alone(panel, untreated, keep[d], cells, full)
            usable[d] = alone is not None and alone[1]
            expected[d] = np.nan if alone is None else alone[0]
        use = usable.reshape(len(which), -1)[:, flat]
        mean = expected.reshape(len(which), -1)[:, flat]
        out[0, which] = (use * panel.outcome.ravel()[flat]) @ groups
        out[1, which] = np.where(use, mean, 0.0) @ groups
        out[2, which] = (use * panel.exposure.ravel()[flat]) @ groups
        failed = which[np.isnan(expected).any(axis=(1, 2))]
        out[:, failed] = np.nan
    return Sums(*out)
