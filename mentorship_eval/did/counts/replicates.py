"""Refits without each cluster in turn, all at once and started from the full fit.

The cells to be summed are fixed: a refit does not apply ``min_controls`` again. A cell that a refit
cannot project at all (its own cluster is gone, or no untreated unit is left in its period) leaves
that refit, with its observed count and exposure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.groups import Grouping, Waves, block_sums
from mentorship_eval.did.counts.imputation import Imputation
from mentorship_eval.did.counts.one_by_one import dense_refits, refit_alone
from mentorship_eval.did.counts.variants import curvature, settle, shared_inverse
from mentorship_eval.did.panels.panel import Panel

__all__ = ["Sums", "full_sums", "leave_one_out", "no_refits"]

NUMBERS_AT_ONCE = 2**20  # of refits x units: 8 MB an array
TOLERANCE = 1e-10


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


def full_sums(panel: Panel, waves: Waves, expected: np.ndarray, cells: np.ndarray, groupings: Sequence[Grouping]) -> list[Sums]:
    """`Sums` (1, K) over ``cells`` (I, T), by each of the groupings."""
    blocks = [block_sums(waves, np.where(cells, values, 0.0))[None] for values in (panel.outcome, expected, panel.exposure)]
    return [Sums(*(grouping.collect(block) for block in blocks)) for grouping in groupings]


def no_refits(panel: Panel, groupings: Sequence[Grouping]) -> list[Sums]:
    """What `leave_one_out` would return had every refit failed."""
    number = len(panel.cluster_labels)
    return [Sums(*(np.full((number, len(grouping.values)), np.nan) for _ in range(3))) for grouping in groupings]


class _Without:
    """Fitted totals (D, T) of the periods without the units of one cluster each; see `variants.Margins`."""

    def __init__(self, weights: np.ndarray, turned: np.ndarray, rows: np.ndarray, gone: np.ndarray) -> None:
        self.weights, self.turned, self.rows, self.gone = weights, turned, rows, gone
        self.where = np.nonzero(gone)

    def unit(self, period: np.ndarray) -> np.ndarray:
        """Unit effects (D, I), 0 for the units left out."""
        sums = period @ self.turned
        np.divide(self.rows, sums, out=sums, where=sums > 0)
        sums[self.where] = 0.0
        return sums

    def __call__(self, period: np.ndarray) -> np.ndarray:
        totals = self.unit(period) @ self.weights
        totals *= period
        return totals

    def narrow(self, rows: np.ndarray) -> _Without:
        return _Without(self.weights, self.turned, self.rows, self.gone[rows])


class _Clusters:
    """What each cluster holds, (G, ...): the figures that decide what is left without it."""

    def __init__(self, panel: Panel, untreated: np.ndarray) -> None:
        self.number = len(panel.cluster_labels)
        self.order = np.argsort(panel.cluster, kind="stable")
        self.starts = np.searchsorted(panel.cluster[self.order], np.arange(self.number))
        self.has_any = np.asarray(untreated.any(axis=1))
        self.units = self.total(self.has_any.astype(float)[:, None])[:, 0]
        self.untreated = self.total(untreated.astype(float))
        longest = np.maximum.reduceat(untreated.sum(axis=1)[self.order], self.starts)
        ranked = np.sort(longest)
        self.longest_left = np.where(longest == ranked[-1], ranked[-2] if len(ranked) > 1 else 0, ranked[-1])
        self.left = self.untreated.sum(axis=0) - self.untreated  # untreated units in each period

    def total(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[self.order], self.starts, axis=0)

    def plainly_connected(self) -> np.ndarray:
        """(G,) `support.is_plainly_connected` without each cluster."""
        some_period = (self.left == (self.units.sum() - self.units)[:, None]).any(axis=1)
        return np.asarray(some_period | (self.longest_left == (self.left > 0).sum(axis=1)))


def leave_one_out(
    panel: Panel, waves: Waves, untreated: np.ndarray, cells: np.ndarray, groupings: Sequence[Grouping], full: Imputation
) -> list[Sums]:
    """`Sums` (G, K) without each of the G clusters, by each of the groupings.

    untreated, cells : (I, T) boolean, the cells of the fit and those to be summed; full : the fit with all clusters.
    """
    clusters = _Clusters(panel, untreated)
    number, terms = clusters.number, panel.covariates.shape[2]
    out = [[np.full((number, len(grouping.values)), np.nan) for _ in range(3)] for grouping in groupings]
    weights, events = np.where(full.fitted, panel.exposure, 0.0), np.where(full.fitted, panel.outcome, 0.0)
    rows, cols = events.sum(axis=1), events.sum(axis=0) - clusters.total(events)
    afresh = ~clusters.plainly_connected() | (not full.simple)
    # a period that loses its last event has effect 0, which no small step reaches
    sudden = ((cols <= 1e-9 * events.sum(axis=0)) & (events.sum(axis=0) > 0)).any(axis=1)
    together = ~afresh & ~sudden if not terms else np.zeros(number, dtype=bool)
    summed = _Summed(panel, waves, cells, groupings, out)
    if together.any():
        product, totals = curvature(weights, rows, full.period)
        inverse, turned = shared_inverse(product, totals), np.ascontiguousarray(weights.T)
        # the score of the full fit is 0, so that without a cluster it is what that cluster's own residuals leave
        fitted = weights * (full.period * np.divide(rows, weights @ full.period, out=np.zeros_like(rows), where=rows > 0)[:, None])
        own_fit = clusters.total(fitted)
        size = max(1, NUMBERS_AT_ONCE // panel.shape[0])
        chosen = np.flatnonzero(together)
        for begin in range(0, len(chosen), size):
            which = chosen[begin: begin + size]
            margins = _Without(weights, turned, rows, panel.cluster[None, :] == which[:, None])
            c, live = cols[which], cols[which] > 0
            ahead = np.log(np.where(live, c, 1.0)) - np.log(np.where(live, np.maximum(totals - own_fit[which], 1e-3 * totals), 1.0))
            start = np.where(live, full.period * np.exp(np.clip(ahead @ inverse, -1.0, 1.0)), 0.0)
            period, converged = settle(margins, c, start, inverse, tolerance=TOLERANCE)
            sudden[which[~converged]] = True
            summed.add(which, margins.unit(period), period, clusters.left[which] > 0)
    slow = np.flatnonzero(sudden & ~afresh) if not terms else np.flatnonzero(~afresh)
    for which, expected in dense_refits(panel, weights, events, slow, full):
        for g, mean in zip(which.tolist(), expected, strict=True):
            if mean is None:
                afresh[g] = True
            else:
                summed.cells(g, mean, (panel.cluster != g)[:, None] & (clusters.left[g] > 0)[None, :] & clusters.has_any[:, None])
    for g in np.flatnonzero(afresh).tolist():
        alone = refit_alone(panel, untreated, panel.cluster != g, cells, full)
        if alone is None:
            summed.failed(g)
        else:
            summed.cells(g, *alone)
    return [Sums(*parts) for parts in out]


class _Summed:
    """Adds refits to the sums by group."""

    def __init__(self, panel: Panel, waves: Waves, cells: np.ndarray, groupings: Sequence[Grouping], out: list[list[np.ndarray]]) -> None:
        self.panel, self.waves, self.wanted, self.groupings, self.out = panel, waves, cells, groupings, out
        self.held = [np.where(cells, values, 0.0) for values in (panel.outcome, panel.exposure)]
        self.blocks = [block_sums(waves, values) for values in self.held]
        i, t = np.nonzero(cells)
        self.own = []  # (G, K) sums of each cluster's own cells, by grouping
        for grouping in groupings:
            code, size = grouping.code[waves.of_unit[i], t], len(grouping.values)
            number = len(panel.cluster_labels) * size
            at = (panel.cluster[i] * size + code)[code >= 0]
            self.own.append([np.bincount(at, weights=values[i, t][code >= 0], minlength=number).reshape(-1, size) for values in self.held])

    def _store(self, which: np.ndarray | list[int], *blocks: np.ndarray) -> None:
        for grouping, parts in zip(self.groupings, self.out, strict=True):
            for part, block in zip(parts, blocks, strict=True):
                part[which] = grouping.collect(block)

    def add(self, which: np.ndarray, unit: np.ndarray, period: np.ndarray, left: np.ndarray) -> None:
        """Refits ``which`` by their effects (D, I), (D, T); left (D, T): periods in which an untreated unit is left."""
        period = period * left
        if len(self.groupings) == 1 and self.wanted.sum(axis=1).max() <= 1:  # one cell of a unit: no need of blocks
            i, t = np.nonzero(self.wanted)
            code = self.groupings[0].code[self.waves.of_unit[i], t]
            weighed = self.held[1][i, t][:, None] * (code[:, None] == np.arange(len(self.groupings[0].values)))
            self.out[0][1][which] = (unit[:, i] * period[:, t]) @ weighed
        else:
            expected = np.empty((len(which), *self.waves.since.shape))
            for v, members in enumerate(self.waves.members):
                np.matmul(unit[:, members], self.held[1][members], out=expected[:, v])
            expected *= period[:, None, :]
            for grouping, parts in zip(self.groupings, self.out, strict=True):
                parts[1][which] = grouping.collect(expected)
        for grouping, parts, own in zip(self.groupings, self.out, self.own, strict=True):
            for part, block, mine in zip((parts[0], parts[2]), self.blocks, own, strict=True):
                part[which] = grouping.collect(block[None]) - mine[which]
        for d in np.flatnonzero(~(left | ~self.wanted.any(axis=0)).all(axis=1)):  # the only control of a target period is gone
            usable = (self.panel.cluster != which[d])[:, None] & left[d][None, :] & self.wanted
            for grouping, parts in zip(self.groupings, self.out, strict=True):
                for part, values in zip((parts[0], parts[2]), self.held, strict=True):
                    part[which[d]] = grouping.collect(block_sums(self.waves, np.where(usable, values, 0.0))[None])[0]

    def cells(self, g: int, expected: np.ndarray, usable: np.ndarray) -> None:
        """expected and usable (I, T) of refit ``g``."""
        use = usable & self.wanted
        values = (self.panel.outcome, expected, self.panel.exposure)
        self._store([g], *(block_sums(self.waves, np.where(use, value, 0.0))[None] for value in values))

    def failed(self, g: int) -> None:
        for parts in self.out:
            for part in parts:
                part[g] = np.nan
