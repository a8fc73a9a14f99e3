"""The fit on untreated cells, and the expected numerators that it projects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.shares.boundary import ONE, UNIDENTIFIED, UNSUPPORTED, ZERO, structure
from mentorship_eval.did.shares.fit import Effects, logits, newton
from mentorship_eval.errors import EstimationError, listing

__all__ = ["ShareImputation", "impute"]


@dataclass(frozen=True)
class ShareImputation:
    """expected (I, T): numerator of every cell had it been untreated, NaN where the untreated cells do not say; kind (I, T): why (see
    `boundary`); fitted (I, T): cells with a fitted share between 0 and 1; effects: of one fit (1, ...), for warm starts.
    """

    expected: np.ndarray
    kind: np.ndarray
    fitted: np.ndarray
    effects: Effects


def impute(panel: Panel, untreated: np.ndarray, *, start: Effects | None = None) -> ShareImputation:
    """Fit unit and period effects (and covariates) on ``untreated`` (I, T) and project every cell.

    Raises `EstimationError` when there is no untreated cell or the fit does not converge.
    """
    if not untreated.any():
        raise EstimationError("No unit has an untreated period: nothing says what would have been expected.",
            fix="Add periods before adoption, or units that never adopt.")
    size, hits = np.where(untreated, panel.exposure, 0.0), np.where(untreated, panel.outcome, 0.0)
    known = structure(hits, size - hits, untreated)
    effects = newton((size * known.fitted)[None], (hits * known.fitted)[None], panel.covariates, start=start)
    if not effects.converged[0]:
        rows = np.minimum(hits.sum(axis=1), (size - hits).sum(axis=1)) * known.fitted.any(axis=1)
        sparse = panel.units[(rows > 0) & (rows <= np.min(rows[rows > 0], initial=np.inf))]
        raise EstimationError(
            "The fit on untreated cells did not converge" + (f"; the units with the fewest untreated records of one kind are {listing(sparse)}."
            if len(sparse) else "."), fix="Use longer periods, merge the smallest units, or leave covariates out.",
        )
    share = expit(logits(effects.unit, effects.period, effects.slope, panel.covariates))[0]
    share[known.kind == ZERO], share[known.kind == ONE] = 0.0, 1.0
    share[np.isin(known.kind, (UNIDENTIFIED, UNSUPPORTED))] = np.nan
    return ShareImputation(panel.exposure * share, known.kind, known.fitted, effects)
