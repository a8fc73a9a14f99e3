"""Fits of many sets of untreated cells at once: clusters left out, adoption dates permuted.

Margins at 0 or 1 are set aside in each set as in the main fit. Sets that are not plainly linked, whose steps do not settle (successes and
failures separated within the core) or whose sums would meet a unit at one end in a period at the other are marked, to be worked out one by
one with their boundary (`imputation.impute`).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mentorship_eval.did.counts.support import is_plainly_connected
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.shares.boundary import UNIDENTIFIED, margin_kinds, peel
from mentorship_eval.did.shares.fit import Effects, logits, newton

__all__ = ["expected_shares", "starting_effects"]


def starting_effects(panel: Panel, effects: Effects, fitted: np.ndarray, mask: np.ndarray) -> Effects:
    """``effects`` of the main fit on the cells ``fitted``, with a finite start for units and periods of ``mask`` (I, T) that had none."""
    size, hits = panel.exposure * mask, panel.outcome * mask
    unit, period = effects.unit.copy(), effects.period.copy()
    no_unit, no_period = ~fitted.any(axis=1), ~fitted.any(axis=0)
    n, y = size.sum(axis=1), hits.sum(axis=1)
    unit[0, no_unit] = np.log((y + 0.5) / (n - y + 0.5))[no_unit]
    period[0, no_period] = 0.0 if no_period.all() else effects.period[0, ~no_period].mean()
    return Effects(unit, period, effects.slope, effects.converged)


def expected_shares(
    panel: Panel, masks: np.ndarray, wanted: np.ndarray, start: Effects, *, tolerance: float = 1e-5, most: int = 25
) -> tuple[np.ndarray, np.ndarray]:
    """Expected shares (D, I, T) from each of the untreated sets ``masks`` (D, I, T), and which sets are settled (D,).

    wanted : (D, I, T) the cells that will be summed; others may be anything.
    """
    size, hits = panel.exposure * masks, panel.outcome * masks
    margins = peel(hits, size - hits, masks)
    core = margins.core
    effects = newton(size * core, hits * core, panel.covariates, start=start, tolerance=tolerance, most=most)
    share = expit(logits(effects.unit, effects.period, effects.slope, panel.covariates))
    sign = margins.unit[:, :, None] + margins.period[:, None, :]
    if sign.any():
        share = np.where(sign < 0, 0.0, np.where(sign > 0, 1.0, share))
        unknown = ((margin_kinds(margins, masks) == UNIDENTIFIED) & wanted).any(axis=(1, 2))
    else:
        unknown = np.zeros(len(masks), dtype=bool)
    # a set without a core has nothing to link
    linked = is_plainly_connected(core) & is_plainly_connected(masks)
    return share, effects.converged & linked & ~unknown
