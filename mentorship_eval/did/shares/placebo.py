"""The placebo test: the difference of shares under other assignments of the adoption dates, hundreds at a time.

Every draw goes through the same rules as the observed assignment: untreated cells, target cells and ``min_controls`` follow from the dates
and the denominators; units and periods at 0 or 1 stay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.did.counts.placebo import not_made
from mentorship_eval.did.counts.placebo_ratios import Labels, make_labels
from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.counts.targets import untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.shares.batches import expected_shares, starting_effects
from mentorship_eval.did.shares.boundary import UNIDENTIFIED
from mentorship_eval.did.shares.fit import Effects
from mentorship_eval.did.shares.imputation import ShareImputation, impute
from mentorship_eval.did.shares.replicates import CELLS_AT_ONCE
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.permutation import Permutation, permutation_test

__all__ = ["PlaceboDifferences", "placebo_test"]


class PlaceboDifferences:
    """A function from label codes (D, I) to differences in percentage points (D,); NaN where a draw has none."""

    def __init__(self, panel: Panel, labels: Labels, *, min_controls: int, start: Effects) -> None:
        self.panel, self.labels, self.min_controls, self.start = panel, labels, max(min_controls, 1), start

    def cells(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Untreated and target cells (D, I, T) of draws, linked or not."""
        exposed, place = self.panel.exposure > 0, np.arange(self.panel.shape[1])
        untreated = exposed & (place < self.labels.untreated_until[codes][:, :, None])
        treated = exposed & (place >= self.labels.treated_from[codes][:, :, None]) & (place < self.labels.treated_until[codes][:, :, None])
        controls = untreated_clusters(self.panel, untreated)
        return untreated, treated & (controls >= self.min_controls)[:, None, :] & untreated.any(axis=2)[:, :, None]

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        untreated, target = self.cells(codes)
        share, settled = expected_shares(self.panel, untreated, target, self.start, tolerance=1e-5)
        size, hits = self.panel.exposure, self.panel.outcome
        excess = np.where(target, hits - size * share, 0.0).sum(axis=(1, 2))
        total = np.where(target, size, 0.0).sum(axis=(1, 2))
        for d in np.flatnonzero(~settled):
            excess[d], total[d] = self._alone(untreated[d], target[d])
        return 100 * np.divide(excess, total, out=np.full(len(codes), np.nan), where=total > 0)

    def _alone(self, untreated: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        target = target & connected_cells(untreated)
        if not target.any():
            return np.nan, np.nan
        try:
            fit = impute(self.panel, untreated, start=self.start)
        except EstimationError:
            return np.nan, np.nan
        if (fit.kind[target] == UNIDENTIFIED).any():
            return np.nan, np.nan
        return float((self.panel.outcome - fit.expected)[target].sum()), float(self.panel.exposure[target].sum())


def placebo_test(
    panel: Panel, fit: ShareImputation, observed: float, *, anticipation: int, min_controls: int, draws: int, seed: int, treated_clusters: int,
    last: np.ndarray | None = None,
) -> tuple[Permutation, tuple[int, int] | None, list[Caution]]:
    """Permute adoption dates across units, or across clusters when these are coarser; the statistic is |difference|.

    Units without an untreated period are held out. last (I,): last treated periods that move with their dates (`make_labels`).
    Returns the test, the placebo rank and number of assignments when one cluster is
    treated (then there is no p-value), and cautions.
    """
    if draws == 0:
        return not_made("")
    taking = np.asarray(((panel.exposure > 0) & (panel.position[None, :] < panel.adopted[:, None] - anticipation)).any(axis=1))
    part = panel.keep_units(taking)
    labels = make_labels(part.position, part.adopted, anticipation, None if last is None else last[taking])
    first = np.unique(part.cluster, return_index=True)[1]
    if (labels.code != labels.code[first][part.cluster]).any():
        return not_made("adoption dates differ between the units of a cluster, so that whole clusters cannot be permuted")
    if (part.block != part.block[first][part.cluster]).any():
        return not_made("permute_within differs between the units of a cluster")
    effects = Effects(fit.effects.unit[:, taking], fit.effects.period, fit.effects.slope, fit.effects.converged)
    start = starting_effects(part, effects, fit.fitted[taking], part.exposure > 0)
    statistic = PlaceboDifferences(part, labels, min_controls=min_controls, start=start)
    found = permutation_test(
        observed, lambda codes: statistic(codes[:, part.cluster]), labels.code[first], blocks=part.block[first], draws=draws, seed=seed,
        at_once=int(np.clip(CELLS_AT_ONCE // max(part.outcome.size, 1), 4, 1024)),
    )
    cautions: list[Caution] = []
    if found.undefined:
        cautions.append(Caution("undefined_draws", f"{found.undefined:,} of {found.draws:,} permuted assignments have no estimate and count "
            f"as at least as extreme.", {"draws": found.undefined}))
    if found.possible < 2:
        cautions.append(Caution("no_permutation", "No permutation p-value: there is only one way to hand out the adoption dates within "
            "the blocks.", {"possible": found.possible}))
    elif found.smallest_p > 0.05 and treated_clusters > 1:  # with one there is no p-value to bound
        cautions.append(Caution("coarse_permutation", f"Only {found.possible:,} assignments are possible: the permutation p-value cannot be "
            f"below {found.smallest_p:.2g}.", {"possible": found.possible}))
    if treated_clusters > 1:
        return found, None, cautions
    return replace(found, p_value=np.nan), (found.rank, found.draws) if found.rank is not None else None, cautions
