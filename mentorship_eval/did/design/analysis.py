"""One simulated panel through the default analysis, at many rate ratios at once.

The fit on untreated cells, and every refit without a cluster, is the same whatever happened to treated cells. So a
replicate is fitted once; only the observed sums differ between ratios. Permutation tests have no such short cut.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.did.counts.cautions import refuse_unprojectable
from mentorship_eval.did.counts.groups import by_code, find_waves, used_blocks
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.one_by_one import refit_alone
from mentorship_eval.did.counts.placebo import arrange
from mentorship_eval.did.counts.replicates import Sums, leave_one_out
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.intervals import two_sided_p
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["CellGroups", "fitted", "jackknife_p", "permutation_p"]

FIRST = 39  # draws after which a permutation test is looked at


class CellGroups:
    """Target cells of one unit in periods with the same untreated units: usable in the same refits, so that their
    counts can be summed before any refit.

    group (cells,): of each target cell, in the order of ``array[target]``; unit (K,); usable (I, K): whether a refit
    without each unit can project the group.
    """

    def __init__(self, targets: Targets) -> None:
        i, t = np.nonzero(targets.target)
        patterns, pattern = np.unique(targets.untreated, axis=1, return_inverse=True)
        key, self.group = np.unique(np.column_stack([i, pattern.ravel()[t]]), axis=0, return_inverse=True)
        self.group = self.group.ravel()
        self.unit = key[:, 0]
        number = len(targets.target)
        left = patterns.sum(axis=0)[None, :] - patterns  # untreated units without each
        self.usable = (left[:, key[:, 1]] > 0) & (self.unit[None, :] != np.arange(number)[:, None])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(K,) sums of values (cells,)."""
        return np.bincount(self.group, weights=values, minlength=len(self.unit))


def fitted(panel: Panel, targets: Targets) -> Imputation:
    """The fit on the untreated cells, refused (`EstimationError`) where the default analysis refuses."""
    fit = impute(panel, targets.untreated)
    refuse_unprojectable(panel, targets, fit)
    if not fit.expected[targets.target].sum() > 0:
        raise EstimationError("No event is expected in any target cell: the units or the periods of these have none in untreated cells.")
    return fit


def _refits(panel: Panel, targets: Targets, fit: Imputation) -> Sums:
    """Sums (I, 1) over the target cells without each unit."""
    waves = find_waves(panel)
    used = used_blocks(waves, targets.target)
    total = by_code(np.zeros(used.shape), used)
    return leave_one_out(panel, waves, targets.untreated, targets.target, [total], fit)[0]


def jackknife_p(panel: Panel, targets: Targets, fit: Imputation, groups: CellGroups, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log rate ratio and two-sided jackknife t p-value (J,) at J ratios; NaN where there is none.

    panel : each unit its own cluster; its outcome need hold the counts of untreated cells only;
    counts : (J, K) events of ``groups`` at each ratio.
    """
    without = _refits(panel, targets, fit)
    observed = groups.usable @ counts.T  # (I, J)
    plain = groups.usable @ groups.sums(panel.exposure[targets.target])
    for g in np.flatnonzero(np.abs(without.exposure[:, 0] - plain) > 1e-9 * plain.max()):
        # rare: without this unit some unit and period are no longer linked, so that single cells leave the refit
        found = refit_alone(panel, targets.untreated, panel.cluster != g, targets.target, fit)
        share = groups.sums(found[1][targets.target]) / groups.sums(np.ones(len(groups.group))) if found else np.nan
        observed[g] = (counts * share).sum(axis=1)
    by_unit = np.zeros((len(panel.units), len(counts)))
    np.add.at(by_unit, groups.unit, counts.T)
    informative = np.where(targets.untreated, panel.outcome, 0.0).sum(axis=1)[:, None] + by_unit > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(counts.sum(axis=1)) - np.log(fit.expected[targets.target].sum())
        parts = np.log(observed) - np.log(without.expected)
    return ratio, _t_test(ratio, parts, informative)


def _t_test(ratio: np.ndarray, parts: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """p-values (J,) from log ratios (J,), those without each unit (I, J) and whether the unit is informative (I, J)."""
    p = np.full(len(ratio), np.nan)
    plain = np.isfinite(ratio) & np.isfinite(parts).all(axis=0) & informative.all(axis=0)
    batches = [np.flatnonzero(plain), *np.flatnonzero(~plain & np.isfinite(ratio))[:, None]]
    for which in batches:  # all ordinary columns at once; the others, each with clusters of its own set aside, one by one
        if not len(which):
            continue
        found = cluster_jackknife(ratio[which], parts[np.ix_(informative[:, which[0]], which)])
        if found.n_clusters > 1 and not found.failed:  # without one of its refits there is no test, as in the analysis
            with np.errstate(divide="ignore", invalid="ignore"):
                p[which] = np.where(found.se > 0, two_sided_p(ratio[which] / found.se, found.df), np.nan)
    return p


def permutation_p(
    panel: Panel, targets: Targets, fit: Imputation, counts: np.ndarray, *, anticipation: int, min_controls: int, draws: int, seed: int,
    alpha: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Log rate ratio and permutation p-value (J,) from ``counts`` (J, I, T) of treated cells (0 elsewhere) at J ratios.

    A p-value that the first draws have already lifted above ``alpha`` is not followed to its end: it is too large, by how much is not said.
    """
    ratio, p = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    expected = fit.expected[targets.target].sum()
    for j, treated in enumerate(counts):
        with np.errstate(divide="ignore"):
            ratio[j] = np.log(treated[targets.target].sum()) - np.log(expected)
        seen = replace(panel, outcome=np.where(targets.treated, treated, panel.outcome))
        placebo = arrange(seen, fit, anticipation=anticipation, min_controls=min_controls)
        first = placebo.test(float(ratio[j]), draws=min(FIRST, draws), seed=seed)
        p[j] = first.p_value
        # (1 + c) / (1 + draws) can only grow with further draws; the first ones are the same in both tests
        if not (first.possible > draws and p[j] * (1 + first.draws) > alpha * (1 + draws) + 1e-9):
            p[j] = placebo.test(float(ratio[j]), draws=draws, seed=seed).p_value
    return ratio, p
