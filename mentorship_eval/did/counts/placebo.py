"""The log rate ratio under other assignments of the adoption dates, thousands at a time.

Every draw goes through the same rules as the observed assignment: untreated cells, target cells and
``min_controls`` follow from the dates and the exposure, units and periods without events have
expected count 0. The refits stop when the last step changes no log period effect by more than 1e-5
(the convergence is quadratic, so the ratio is right to about 1e-9); draws whose fit runs to infinity are worked out
one by one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.fit_covariates import newton_covariates
from mentorship_eval.did.counts.imputation import Imputation, impute, project
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, connected_cells, is_plainly_connected
from mentorship_eval.did.counts.targets import untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.permutation import Permutation, permutation_test

__all__ = ["PlaceboRatios", "placebo_test", "rank_statement"]


CELLS_AT_ONCE = 110_000  # small enough for the arrays of a batch to stay in the processor's cache


class PlaceboRatios:
    """A function from adoption positions (D, I) to log rate ratios (D,).

    NaN where a draw has no target cell or its ratio does not exist; plus infinity where events were
    seen and none expected, minus infinity for the reverse.
    """

    def __init__(self, panel: Panel, *, anticipation: int, min_controls: int, start: np.ndarray, slope: np.ndarray) -> None:
        self.panel, self.anticipation, self.min_controls, self.slope = panel, anticipation, min_controls, slope
        pooled = panel.outcome.sum(axis=0) / np.maximum(panel.exposure.sum(axis=0), 1e-300)
        # periods without untreated events have no effect in the observed fit but may have one in a draw
        scale = start[start > 0].sum() / pooled[start > 0].sum() if (pooled[start > 0] > 0).any() else 1.0
        self.start = np.where(start > 0, start, np.where(pooled > 0, pooled * scale, 1.0))

    def __call__(self, adopted: np.ndarray) -> np.ndarray:
        panel = self.panel
        since = panel.position[None, None, :] - adopted[:, :, None]
        exposed = panel.exposure > 0
        treated, untreated = exposed & (since >= 0), exposed & (since < -self.anticipation)
        controls = untreated_clusters(panel, untreated)
        target = treated & (controls >= max(self.min_controls, 1))[:, None, :] & untreated.any(axis=2)[:, :, None]
        plain = is_plainly_connected(untreated)
        for d in np.flatnonzero(~plain):
            target[d] &= connected_cells(untreated[d])
        weights = np.where(untreated, panel.exposure, 0.0)
        events = untreated * panel.outcome
        rows, cols = events.sum(axis=2), events.sum(axis=1)
        if panel.covariates.shape[2]:
            effects, slopes = newton_covariates(weights, events, panel.covariates, self.start, self.slope, tolerance=1e-5)
        else:
            slopes = np.zeros((len(adopted), 0))
            effects = newton(weights, rows, cols, self.start, sweeps=4, tolerance=1e-5, most=25)
        expected = project(panel.exposure, effects.unit, effects.period, panel.covariates, slopes)
        expected = np.where(target, expected, 0.0).sum(axis=(1, 2))
        observed = np.where(target, panel.outcome, 0.0).sum(axis=(1, 2))
        for d in np.flatnonzero(~effects.converged | ~plain):
            expected[d] = self._alone(untreated[d], target[d])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(observed) - np.log(expected)
        return np.where(target.any(axis=(1, 2)), ratio, np.nan)

    def _alone(self, untreated: np.ndarray, target: np.ndarray) -> float:
        """Expected total of one draw, its boundary worked out; infinite or NaN where it is."""
        try:
            fit = impute(self.panel, untreated, start=self.start, slope=self.slope)
        except EstimationError:
            return np.nan
        kinds = fit.kind[target]
        if (kinds == UNIDENTIFIED).any():
            return np.nan
        return np.inf if (kinds == INFINITE).any() else float(fit.expected[target].sum())


def rank_statement(rank: tuple[int, int], kind: str) -> str:
    """The placebo rank of the one treated unit or cluster (``kind``) in words."""
    place, count = rank
    return f"As if each of {count:,} {kind} had been the treated one, the ratio of the actual one ranks {place:,} of {count:,} by distance from 1."


def _not_made(why: str) -> tuple[Permutation, None, list[Caution]]:
    nothing = Permutation(np.nan, np.nan, 0, False, 0, 0, None, None)
    return nothing, None, [Caution("no_permutation", f"No permutation p-value: {why}.")] if why else []


def placebo_test(
    panel: Panel, fit: Imputation, log_ratio: float, *, anticipation: int, min_controls: int, draws: int, seed: int, treated_clusters: int
) -> tuple[Permutation, tuple[int, int] | None, list[Caution]]:
    """Permute adoption dates across units, or across clusters when these are coarser.

    Units without an untreated period are held out: whatever their date was, they say nothing.
    Returns the test, the placebo rank and number of assignments when one cluster is treated (then
    there is no p-value), and cautions. The statistic is |log rate ratio|.
    """
    if draws == 0:
        return _not_made("")
    last = panel.position[-1]
    # dates that fall beyond the panel, anticipation included, are all the same assignment: never
    adopted = np.where(panel.adopted - anticipation > last, np.inf, panel.adopted)
    exposed = panel.exposure > 0
    taking = np.asarray((exposed & (panel.position[None, :] < adopted[:, None] - anticipation)).any(axis=1))
    part = panel.keep_units(taking)
    dates = adopted[taking]
    number = len(part.cluster_labels)
    code = part.cluster
    first = np.array([np.flatnonzero(code == c)[0] for c in range(number)])
    if (dates != dates[first][code]).any():
        return _not_made("adoption dates differ between the units of a cluster, so that whole clusters cannot be permuted")
    if (part.block != part.block[first][code]).any():
        return _not_made("permute_within differs between the units of a cluster")
    statistic = PlaceboRatios(part, anticipation=anticipation, min_controls=min_controls, start=fit.period, slope=fit.slope)
    found = permutation_test(
        log_ratio, lambda labels: statistic(labels[:, code]), dates[first], blocks=part.block[first], draws=draws, seed=seed,
        at_once=int(np.clip(CELLS_AT_ONCE // max(part.outcome.size, 1), 4, 512)),
    )
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
