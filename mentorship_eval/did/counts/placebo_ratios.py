"""The log rate ratio under other assignments of the adoption dates, thousands at a time.

Every draw goes through the same rules as the observed assignment: untreated cells, target cells and
``min_controls`` follow from the dates and the exposure, units and periods without events have
expected count 0. Between two successive dates all draws differ only in which units are untreated, so that
sums over units and periods are matrix products of an indicator (draws x units) with one slice of the
panel, shared by all draws. The period effects are right to 1e-8 (`variants.settle`), below the slack of 1e-7 within
which the test counts two ratios as tied; draws whose fit runs to infinity are worked out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mentorship_eval.did.counts.fit import newton
from mentorship_eval.did.counts.fit_covariates import newton_covariates
from mentorship_eval.did.counts.imputation import impute, project
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, connected_cells, is_plainly_connected
from mentorship_eval.did.counts.targets import untreated_clusters
from mentorship_eval.did.counts.variants import curvature, settle, shared_inverse
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError

__all__ = ["Labels", "PlaceboRatios", "make_labels"]

TOLERANCE = 1e-8


@dataclass(frozen=True)
class Labels:
    """What each of L labels of an assignment means, in places among the T periods: the first period that is no longer
    untreated, the first treated one, and the first after the last treated one; code (I,): the actual label of each unit.
    """

    untreated_until: np.ndarray
    treated_from: np.ndarray
    treated_until: np.ndarray
    code: np.ndarray


def make_labels(position: np.ndarray, adopted: np.ndarray, anticipation: int, last: np.ndarray | None = None) -> Labels:
    """Labels of adoption positions (I,), with the positions of the last treated periods where these end treatment."""
    until = np.full(len(adopted), len(position)) if last is None else np.searchsorted(position, last, side="right")
    begin = np.searchsorted(position, adopted)
    each = np.column_stack([np.searchsorted(position, adopted - anticipation), begin, np.maximum(until, begin)])
    # dates that fall beyond the panel, anticipation included, are all the same assignment: never
    table, code = np.unique(each, axis=0, return_inverse=True)
    return Labels(table[:, 0], table[:, 1], table[:, 2], code.ravel())


class _Slice:
    """The panel between two successive dates: what it holds, and which labels are untreated or treated in it."""

    def __init__(self, panel: Panel, begin: int, end: int, labels: Labels, lead: np.ndarray) -> None:
        self.at = slice(begin, end)
        exposed = panel.exposure > 0
        self.weights = np.ascontiguousarray(panel.exposure[:, self.at])
        self.turned = np.ascontiguousarray(self.weights.T)
        self.events = np.ascontiguousarray(panel.outcome[:, self.at])
        self.exposed = exposed[:, self.at].astype(float)
        # clusters keep together, so that their first unit's label is theirs
        self.held = np.zeros((len(lead), end - begin))
        np.maximum.at(self.held, panel.cluster, self.exposed)
        self.untreated = labels.untreated_until >= end
        self.treated = (labels.treated_from <= begin) & (labels.treated_until >= end)


class _Draws:
    """Fitted totals of the periods of each draw; see `variants.Margins`."""

    def __init__(self, slices: list[_Slice], masks: list[np.ndarray | None], rows: np.ndarray) -> None:
        self.slices, self.masks, self.rows = slices, masks, rows

    def unit(self, period: np.ndarray) -> np.ndarray:
        sums = np.zeros_like(self.rows)
        for part, mask in zip(self.slices, self.masks, strict=True):
            own = period[:, part.at] @ part.turned
            if mask is not None:
                own *= mask
            sums += own
        np.divide(self.rows, sums, out=sums, where=sums > 0)
        return sums

    def __call__(self, period: np.ndarray) -> np.ndarray:
        unit, totals = self.unit(period), np.zeros_like(period)
        for part, mask in zip(self.slices, self.masks, strict=True):
            totals[:, part.at] = (unit if mask is None else unit * mask) @ part.weights
        totals *= period
        return totals

    def narrow(self, rows: np.ndarray) -> _Draws:
        return _Draws(self.slices, [None if mask is None else mask[rows] for mask in self.masks], self.rows[rows])


class PlaceboRatios:
    """A function from label codes (D, I) to log rate ratios (D,); the units of a cluster have one label.

    NaN where a draw has no target cell or its ratio does not exist; plus infinity where events were
    seen and none expected, minus infinity for the reverse.
    """

    def __init__(self, panel: Panel, labels: Labels, *, min_controls: int, start: np.ndarray, slope: np.ndarray) -> None:
        self.panel, self.labels, self.min_controls, self.slope = panel, labels, max(min_controls, 1), slope
        pooled = panel.outcome.sum(axis=0) / np.maximum(panel.exposure.sum(axis=0), 1e-300)
        # periods without untreated events have no effect in the observed fit but may have one in a draw
        scale = start[start > 0].sum() / pooled[start > 0].sum() if (pooled[start > 0] > 0).any() else 1.0
        self.start = np.where(start > 0, start, np.where(pooled > 0, pooled * scale, 1.0))
        width = panel.shape[1]
        self.lead = np.unique(panel.cluster, return_index=True)[1]
        dates = np.unique(np.concatenate([labels.untreated_until, labels.treated_from, labels.treated_until, [0, width]]))
        self.slices = [_Slice(panel, a, b, labels, self.lead) for a, b in pairwise(dates)]
        before = np.arange(width)[None, :] < labels.untreated_until[:, None]  # (L, T)
        self.events_before, self.cells_before = (values @ before.T.astype(float) for values in (panel.outcome, panel.exposure > 0))
        self.inverse = self._inverse(before)

    def _inverse(self, before: np.ndarray) -> np.ndarray:
        """From the mean curvature over all assignments: each unit has each label of its block in the block's proportion."""
        number, width = before.shape
        shares = np.zeros((self.panel.block.max(initial=0) + 1, number))
        np.add.at(shares, (self.panel.block, self.labels.code), 1.0)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
        product, totals = np.zeros((width, width)), np.zeros(width)
        for label in range(number):
            chance = shares[self.panel.block, label]
            part, fitted = curvature(self.panel.exposure * before[label], self.events_before[:, label] * chance, self.start)
            product, totals = product + part, totals + fitted
        return shared_inverse(product, totals) if totals.any() else np.eye(width)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        everyone = np.arange(codes.shape[1])[None, :]
        rows, cells = self.events_before[everyone, codes], self.cells_before[everyone, codes]
        usable = cells > 0
        masks: list[np.ndarray | None] = []
        treated: list[np.ndarray | None] = []
        cols, controls, own = (np.zeros((len(codes), self.panel.shape[1])) for _ in range(3))
        used = [part for part in self.slices if part.untreated.any()]
        for part in used:
            mask = None if part.untreated.all() else part.untreated.astype(float)[codes]
            masks.append(mask)
            if mask is None:
                cols[:, part.at], controls[:, part.at], own[:, part.at] = (
                    values.sum(axis=0) for values in (part.events, part.held, part.exposed)
                )
            else:
                cols[:, part.at], own[:, part.at] = mask @ part.events, mask @ part.exposed
                controls[:, part.at] = mask[:, self.lead] @ part.held if self.panel.has_cluster else own[:, part.at]
        comparable = (controls >= self.min_controls).astype(float)
        plain = (own == usable.sum(axis=1)[:, None]).any(axis=1) | (cells == (own > 0).sum(axis=1)[:, None]).any(axis=1)
        treated = [part.treated.astype(float)[codes] * usable if part.treated.any() else None for part in self.slices]
        observed, number = np.zeros(len(codes)), np.zeros(len(codes))
        for part, mask in zip(self.slices, treated, strict=True):
            if mask is not None:
                observed += ((mask @ part.events) * comparable[:, part.at]).sum(axis=1)
                number += ((mask @ part.exposed) * comparable[:, part.at]).sum(axis=1)
        alone = ~plain
        if self.panel.covariates.shape[2]:
            expected, slow = np.zeros(len(codes)), np.flatnonzero(plain)
        else:
            draws = _Draws(used, masks, rows)
            period, converged = settle(draws, cols, self.start, self.inverse, tolerance=TOLERANCE)
            unit, weighed = draws.unit(period), period * comparable
            expected = np.zeros(len(codes))
            for part, mask in zip(self.slices, treated, strict=True):
                if mask is not None:
                    expected += (((unit * mask) @ part.weights) * weighed[:, part.at]).sum(axis=1)
            slow = np.flatnonzero(plain & ~converged)
        if len(slow):
            expected[slow], settled = self._dense(codes[slow])
            alone[slow[~settled]] = True
        for d in np.flatnonzero(alone):
            observed[d], expected[d], number[d] = self._alone(codes[d])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(observed) - np.log(expected)
        return np.where(number > 0, ratio, np.nan)

    def _cells(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Untreated and target cells (D, I, T) of draws, linked or not."""
        exposed, place = self.panel.exposure > 0, np.arange(self.panel.shape[1])
        untreated = exposed & (place < self.labels.untreated_until[codes][:, :, None])
        treated = exposed & (place >= self.labels.treated_from[codes][:, :, None]) & (place < self.labels.treated_until[codes][:, :, None])
        controls = untreated_clusters(self.panel, untreated)
        return untreated, treated & (controls >= self.min_controls)[:, None, :] & untreated.any(axis=2)[:, :, None]

    def _dense(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected totals (D,) by Newton's steps, and whether they converged."""
        panel = self.panel
        untreated, target = self._cells(codes)
        weights, events = np.where(untreated, panel.exposure, 0.0), untreated * panel.outcome
        if panel.covariates.shape[2]:
            effects, slopes = newton_covariates(weights, events, panel.covariates, self.start, self.slope, tolerance=1e-5)
        else:
            slopes = np.zeros((len(codes), 0))
            effects = newton(weights, events.sum(axis=2), events.sum(axis=1), self.start, sweeps=4, tolerance=1e-5, most=25)
        expected = project(panel.exposure, effects.unit, effects.period, panel.covariates, slopes)
        return np.where(target, expected, 0.0).sum(axis=(1, 2)), effects.converged

    def _alone(self, codes: np.ndarray) -> tuple[float, float, float]:
        """Observed and expected totals and the number of cells of one draw, its links and boundary worked out."""
        (untreated,), (target,) = self._cells(codes[None])
        if not is_plainly_connected(untreated):
            target = target & connected_cells(untreated)
        observed, number = float(self.panel.outcome[target].sum()), float(target.sum())
        try:
            fit = impute(self.panel, untreated, start=self.start, slope=self.slope)
        except EstimationError:
            return observed, np.nan, number
        kinds = fit.kind[target]
        if (kinds == UNIDENTIFIED).any():
            return observed, np.nan, number
        return observed, np.inf if (kinds == INFINITE).any() else float(fit.expected[target].sum()), number
