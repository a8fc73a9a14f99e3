"""The placebo test: adoption dates permuted across units, or across clusters when these are coarser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.imputation import Imputation
from mentorship_eval.did.counts.placebo_ratios import Labels, PlaceboRatios, make_labels
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.permutation import Permutation, permutation_test

__all__ = ["Arrangement", "arrange", "not_made", "placebo_test"]

NUMBERS_AT_ONCE = 25_000  # of draws x units: small enough for the arrays of a batch to stay in the processor's cache
CELLS_AT_ONCE = 110_000  # with covariates, of draws x units x periods


def not_made(why: str) -> tuple[Permutation, None, list[Caution]]:
    """What stands in the place of a permutation test that was not wanted (``why`` empty) or cannot be made."""
    nothing = Permutation(np.nan, np.nan, 0, False, 0, 0, None, None)
    return nothing, None, [Caution("no_permutation", f"No permutation p-value: {why}.")] if why else []


@dataclass(frozen=True)
class Arrangement:
    """What is permuted: the panel of the units that take part, their labels, the cluster of each unit and each cluster's first unit;
    why: the reason that nothing can be permuted, else "".
    """

    panel: Panel
    labels: Labels
    cluster: np.ndarray
    first: np.ndarray
    start: np.ndarray
    slope: np.ndarray
    min_controls: int
    why: str = ""

    def statistic(self, panel: Panel | None = None) -> Callable[[np.ndarray], np.ndarray]:
        """Label codes of clusters (D, G) to log ratios (D,), with the counts of ``panel`` in place of the observed ones."""
        ratios = PlaceboRatios(panel or self.panel, self.labels, min_controls=self.min_controls, start=self.start, slope=self.slope)
        return lambda codes: ratios(codes[:, self.cluster])

    def test(self, log_ratio: float, *, draws: int, seed: int) -> Permutation:
        return permutation_test(
            log_ratio, self.statistic(), self.labels.code[self.first], blocks=self.panel.block[self.first], draws=draws, seed=seed,
            at_once=self.at_once,
        )

    @property
    def at_once(self) -> int:
        units, periods = self.panel.shape
        if self.panel.covariates.shape[2]:
            return int(np.clip(CELLS_AT_ONCE // max(units * periods, 1), 4, 512))
        return int(np.clip(NUMBERS_AT_ONCE // max(units, 1), 16, 1024))


def arrange(panel: Panel, fit: Imputation, *, anticipation: int, min_controls: int, last: np.ndarray | None = None) -> Arrangement:
    """Units without an untreated period are held out: whatever their date was, they say nothing. last (I,): see `make_labels`."""
    taking = np.asarray(((panel.exposure > 0) & (panel.position[None, :] < panel.adopted[:, None] - anticipation)).any(axis=1))
    part = panel.keep_units(taking)
    labels = make_labels(part.position, part.adopted, anticipation, None if last is None else last[taking])
    first = np.unique(part.cluster, return_index=True)[1]
    why = ""
    if (labels.code != labels.code[first][part.cluster]).any():
        why = "adoption dates differ between the units of a cluster, so that whole clusters cannot be permuted"
    elif (part.block != part.block[first][part.cluster]).any():
        why = "permute_within differs between the units of a cluster"
    return Arrangement(part, labels, part.cluster, first, fit.period, fit.slope, min_controls, why)


def placebo_test(
    panel: Panel, fit: Imputation, log_ratio: float, *, anticipation: int, min_controls: int, draws: int, seed: int, treated_clusters: int,
    last: np.ndarray | None = None,
) -> tuple[Permutation, tuple[int, int] | None, list[Caution]]:
    """Permute adoption dates across units, or across clusters when these are coarser.

    Returns the test, the placebo rank and number of assignments when one cluster is treated (then
    there is no p-value), and cautions. The statistic is |log rate ratio|.
    """
    if draws == 0:
        return not_made("")
    arrangement = arrange(panel, fit, anticipation=anticipation, min_controls=min_controls, last=last)
    if arrangement.why:
        return not_made(arrangement.why)
    found = arrangement.test(log_ratio, draws=draws, seed=seed)
    cautions: list[Caution] = []
    if found.undefined:
        cautions.append(Caution(
            "undefined_draws", f"{found.undefined:,} of {found.draws:,} permuted assignments have no ratio and count as at least as "
            f"extreme.", {"draws": found.undefined}
        ))
    if found.possible < 2:
        cautions.append(Caution("no_permutation", "No permutation p-value: there is only one way to hand out the adoption dates within "
            "the blocks.", {"possible": found.possible}))
    elif found.smallest_p > 0.05 and treated_clusters > 1:  # with one there is no p-value to bound
        cautions.append(Caution(
            "coarse_permutation", f"Only {found.possible:,} assignments are possible: the permutation p-value cannot be below "
            f"{found.smallest_p:.2g}.", {"possible": found.possible}
        ))
    if treated_clusters > 1:
        return found, None, cautions
    rank = (found.rank, found.draws) if found.rank is not None else None
    return replace(found, p_value=np.nan), rank, cautions
