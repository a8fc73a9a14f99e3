"""The estimate under other assignments of the adoption dates.

The estimate is linear in the outcome, and its weights depend on dates and weights alone. In a complete panel of equal
weights every assignment of the same dates has the same weights, handed to other units: one product of
outcomes and weights holds every unit under every date, and a draw is a sum of its entries. Otherwise
each draw has its own normal equations, solved many at a time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mentorship_eval.did.counts.placebo import not_made
from mentorship_eval.did.counts.support import connected_cells, is_plainly_connected
from mentorship_eval.did.counts.targets import untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.two_way import fit_two_way
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.permutation import Permutation, permutation_test

__all__ = ["MOST_CELLS", "PlaceboMeans", "placebo_test"]

CELLS_AT_ONCE = 110_000  # small enough for the arrays of a batch to stay in the processor's cache
MOST_CELLS = 25_000  # of a panel whose dates are permuted unless asked otherwise: beyond it a draw may take a refit of seconds
DRAWS = 9_999


class PlaceboMeans:
    """A function from adoption positions (D, I) to estimates (D,); NaN where a draw has no target cell or no estimate."""

    def __init__(self, panel: Panel, *, anticipation: int, min_controls: int) -> None:
        self.panel, self.anticipation, self.min_controls = panel, anticipation, min_controls
        weights = panel.exposure
        mean = (weights * panel.outcome).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)
        centred = np.where(weights > 0, panel.outcome - mean[:, None], 0.0)  # levels of units cost digits and change no estimate
        by_period = (weights * centred).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-300)
        self.outcome = np.where(weights > 0, centred - by_period, 0.0)
        alike = not panel.covariates.shape[2] and not panel.has_cluster and bool((weights == weights.flat[0]).all())
        self.values: tuple[np.ndarray, np.ndarray] | None = None
        if alike:
            self._prepare(panel.adopted)

    def __call__(self, adopted: np.ndarray) -> np.ndarray:
        if self.values is None:
            return self._solved(adopted)
        dates, products = self.values
        which = np.searchsorted(dates, adopted)
        return np.asarray(products[np.arange(products.shape[0])[None, :], which].sum(axis=1))

    def _cells(self, adopted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """untreated and target cells (D, I, T) of assignments (D, I), and which of them are plainly connected."""
        panel = self.panel
        since = panel.position[None, None, :] - adopted[:, :, None]
        exposed = panel.exposure > 0
        treated, untreated = exposed & (since >= 0), exposed & (since < -self.anticipation)
        controls = untreated_clusters(panel, untreated)
        target = treated & (controls >= max(self.min_controls, 1))[:, None, :] & untreated.any(axis=2)[:, :, None]
        plain = is_plainly_connected(untreated)
        for d in np.flatnonzero(~plain):
            target[d] &= connected_cells(untreated[d])
        return untreated, target, plain

    def _prepare(self, adopted: np.ndarray) -> None:
        """Outcomes times weights (I, L) of every unit under each of the L dates of the actual assignment."""
        untreated, target, _ = (part[0] for part in self._cells(adopted[None]))
        if not target.any():
            return
        dates, first = np.unique(adopted, return_index=True)
        fit = fit_two_way(self.outcome, untreated.astype(float))
        total = target.sum()
        totals = np.maximum(untreated.sum(axis=1), 1)
        moved = (target - target.sum(axis=1, keepdims=True) / totals[:, None] * untreated).sum(axis=0)
        through = np.linalg.solve(fit.matrix, moved)
        own = target.sum(axis=1) / totals
        spread = through[None, :] - ((untreated * through).sum(axis=1) / totals)[:, None]
        weights = target - untreated * (own[:, None] + spread)
        self.values = dates, self.outcome @ weights[first].T / total

    def _solved(self, adopted: np.ndarray) -> np.ndarray:
        panel = self.panel
        untreated, target, plain = self._cells(adopted)
        out = np.full(len(adopted), np.nan)
        for d in np.flatnonzero(~plain | (panel.covariates.shape[2] > 0)):
            out[d] = self._alone(untreated[d], target[d])
        which = np.flatnonzero(plain & (panel.covariates.shape[2] == 0))
        if not len(which):
            return out
        weights = untreated[which] * panel.exposure
        totals = weights.sum(axis=2)
        inverse = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
        shares = weights * inverse[:, :, None]
        columns = weights.sum(axis=1)
        width = weights.shape[2]
        matrix = -np.matmul(shares.transpose(0, 2, 1), weights)
        seen = columns > 0
        scale = columns.mean(axis=1)
        matrix += (scale / seen.sum(axis=1))[:, None, None] * (seen[:, :, None] & seen[:, None, :])
        matrix[:, np.arange(width), np.arange(width)] += np.where(seen, columns, scale[:, None])
        means = (shares * self.outcome).sum(axis=2)
        right = (weights * (self.outcome - means[:, :, None])).sum(axis=1)
        period = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        unit = means - np.matmul(shares, period[:, :, None])[:, :, 0]
        wanted = target[which] * panel.exposure
        effect = (wanted * (self.outcome - unit[:, :, None] - period[:, None, :])).sum(axis=(1, 2))
        total = wanted.sum(axis=(1, 2))
        out[which] = np.divide(effect, total, out=np.full(len(which), np.nan), where=total > 0)
        return out

    def _alone(self, untreated: np.ndarray, target: np.ndarray) -> float:
        panel = self.panel
        if not target.any():
            return np.nan
        try:
            fit = fit_two_way(self.outcome, np.where(untreated, panel.exposure, 0.0), panel.covariates, panel.covariate_names)
        except EstimationError:
            return np.nan
        return float(np.average((self.outcome - fit.expected)[target], weights=panel.exposure[target]))


def placebo_test(
    panel: Panel, estimate: float, *, anticipation: int, min_controls: int, draws: int | None, seed: int, treated_clusters: int
) -> tuple[Permutation, tuple[int, int] | None, list[Caution]]:
    """Permute adoption dates across units, or across clusters when these are coarser; the statistic is |estimate|.

    draws : None for 9,999, or for none when the panel has more than `MOST_CELLS` cells. Units without an untreated
    period are held out. Returns the test, the placebo rank and number of assignments when one cluster is treated
    (then there is no p-value), and cautions.
    """
    if draws is None and panel.outcome.size > MOST_CELLS:
        return not_made(f"the panel has more than {MOST_CELLS:,} unit-periods; give permutations to have it made")
    draws = DRAWS if draws is None else draws
    if draws == 0:
        return not_made("")
    last = panel.position[-1]
    # dates that fall beyond the panel, anticipation included, are all the same assignment: never
    adopted = np.where(panel.adopted - anticipation > last, np.inf, panel.adopted)
    taking = np.asarray(((panel.exposure > 0) & (panel.position[None, :] < adopted[:, None] - anticipation)).any(axis=1))
    part = replace(panel, adopted=adopted).keep_units(taking)
    number, code = len(part.cluster_labels), part.cluster
    first = np.array([np.flatnonzero(code == c)[0] for c in range(number)])
    if (part.adopted != part.adopted[first][code]).any():
        return not_made("adoption dates differ between the units of a cluster, so that whole clusters cannot be permuted")
    if (part.block != part.block[first][code]).any():
        return not_made("permute_within differs between the units of a cluster")
    statistic = PlaceboMeans(part, anticipation=anticipation, min_controls=min_controls)
    # the tables of equal weights are small, so that thousands of draws fit at once
    room = CELLS_AT_ONCE * (8 if statistic.values is not None else 1) // max(part.outcome.size, 1)
    spread = float(np.sqrt(np.mean(statistic.outcome**2))) or 1.0  # ties are judged on a scale of about 1
    found = permutation_test(
        estimate / spread, lambda labels: statistic(labels[:, code]) / spread, part.adopted[first], blocks=part.block[first], draws=draws, seed=seed,
        at_once=int(np.clip(room, 4, 2048)),
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
