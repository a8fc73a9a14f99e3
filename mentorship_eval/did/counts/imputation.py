"""The fit on untreated cells, and the expected counts that it projects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.fit_covariates import newton_covariates
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, UNSUPPORTED, ZERO, structure
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError, listing

__all__ = ["Imputation", "impute", "project"]


@dataclass(frozen=True)
class Imputation:
    """expected (I, T): mean of every cell had it been untreated, NaN where the untreated cells do not
    say; kind (I, T): why (see `support`); fitted (I, T): cells with a positive fitted mean; period (T,):
    effects, for warm starts; slope (K,): of the covariates; simple: nothing but empty margins is on the boundary.
    """

    expected: np.ndarray
    kind: np.ndarray
    fitted: np.ndarray
    period: np.ndarray
    slope: np.ndarray
    simple: bool


def project(exposure: np.ndarray, unit: np.ndarray, period: np.ndarray, covariates: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Expected counts (D, I, T) from effects (D, I), (D, T) and slopes (D, K)."""
    expected = exposure * unit[:, :, None]
    expected *= period[:, None, :]
    if slope.shape[-1]:
        expected *= np.exp(np.einsum("itk,dk->dit", covariates, slope))
    return expected


def impute(panel: Panel, untreated: np.ndarray, *, start: np.ndarray | None = None, slope: np.ndarray | None = None) -> Imputation:
    """Fit unit and period effects (and covariates) on ``untreated`` (I, T) and project every cell.

    Raises `EstimationError` when there is no untreated cell, no event in any, or no convergence.
    """
    if not untreated.any():
        raise EstimationError("No unit has an untreated period: nothing says what would have been expected.",
            fix="Add periods before adoption, or units that never adopt.")
    events = np.where(untreated, panel.outcome, 0.0)
    if not events.any():
        raise EstimationError("No event was counted in any untreated cell, so nothing is expected and no ratio exists.",
            fix="Take a more common outcome or longer periods.")
    known = structure(panel.outcome, untreated)
    rows, cols = (events * known.fitted).sum(axis=1)[None], (events * known.fitted).sum(axis=0)[None]
    weights = np.where(known.fitted, panel.exposure, 0.0)[None]
    begin = np.ones(panel.shape[1]) if start is None else np.where(start > 0, start, 1.0)
    if panel.covariates.shape[2]:
        effects, slopes = newton_covariates(weights, events[None] * known.fitted, panel.covariates, begin, slope)
    else:
        effects, slopes = newton(weights, rows, cols, begin, sweeps=30 if start is None else 2, tolerance=1e-10, most=60), np.zeros((1, 0))
    if not effects.converged[0]:
        sparse = panel.units[(rows[0] > 0) & (rows[0] <= np.partition(rows[0][rows[0] > 0], 0)[0])]
        raise EstimationError(
            f"The fit on untreated cells did not converge; the units with the fewest untreated events are {listing(sparse)}.",
            fix="Use longer periods, merge the smallest units, or leave covariates out.",
        )
    expected = project(panel.exposure, effects.unit, effects.period, panel.covariates, slopes)[0]
    expected[known.kind == ZERO] = 0.0
    expected[np.isin(known.kind, (INFINITE, UNIDENTIFIED, UNSUPPORTED))] = np.nan
    return Imputation(expected, known.kind, known.fitted, effects.period[0], slopes[0], known.simple)


