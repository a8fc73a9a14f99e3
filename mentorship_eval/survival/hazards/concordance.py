"""Harrell's concordance of a fitted Cox model, with its standard error, in O(n log n).

A pair is comparable when one had the event while the other was at risk (entered before, left later, or was censored at
that very time) in the same stratum; it is concordant when the one with the event had the higher predicted hazard.
Pairs tied in prediction count half. The standard error is the infinitesimal jackknife by row or cluster
(Therneau & Watson 2015, Mayo Clinic technical report 85; Therneau & Atkinson 2023, vignette of R's survival).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import critical_value

if TYPE_CHECKING:
    from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.inference.shown import Shown

__all__ = ["Concordance", "concordance", "sums_below"]

TIED = 1e-11  # linear predictors this close, relative to their range, are equal up to rounding


@dataclass(frozen=True)
class Concordance(Shown):
    """estimate: the concordance (0.5: no better than chance) with its interval, no p-value; counts: weighted numbers of
    pairs: concordant, discordant, tied_x (in prediction), tied_y (in time of event), tied_xy (in both)."""

    estimate: Estimate
    counts: dict[str, float]

    @property
    def table(self) -> pd.DataFrame:
        """concordance, se, ci_low, ci_high and the counts, in one row."""
        one = self.estimate
        return pd.DataFrame([{"concordance": one.value, "se": one.se, "ci_low": one.ci_low, "ci_high": one.ci_high, **self.counts}])

    def statement(self) -> str:
        pairs = self.counts["concordant"] + self.counts["discordant"] + self.counts["tied_x"]
        return f"Concordance: {self.estimate.interval(3)}, from {pairs:,.0f} comparable pairs ({self.estimate.method})."

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return ()


def sums_below(rank: np.ndarray, weight: np.ndarray, low: np.ndarray, high: np.ndarray, below: np.ndarray) -> np.ndarray:
    """For each query the ``weight`` of the points at positions ``low`` to ``high`` (excluded) whose ``rank`` is under ``below``.

    rank, weight: (n,), ranks at least 0; low, high, below: (q,). A wavelet matrix (Claude, Navarro & Ordonez 2015, Information
    Systems 47:15-32), one bit of the rank at a time from the highest: points are parted by the bit, and every query
    follows its own side, collecting the points of the other side when they are smaller.
    """
    total = np.zeros(len(low))
    bits = int(max(rank.max(initial=0), below.max(initial=0))).bit_length()
    for bit in reversed(range(bits)):
        ones = (rank >> bit) & 1 == 1
        zeros_before = np.concatenate(([0], np.cumsum(~ones)))
        weight_before = np.concatenate(([0.0], np.cumsum(np.where(ones, 0.0, weight))))
        up = (below >> bit) & 1 == 1
        total += np.where(up, weight_before[high] - weight_before[low], 0.0)
        zeros = zeros_before[-1]
        low, high = (np.where(up, zeros + at - zeros_before[at], zeros_before[at]) for at in (low, high))
        order = np.concatenate((np.flatnonzero(~ones), np.flatnonzero(ones)))
        rank, weight = rank[order], weight[order]
    return total


@dataclass(frozen=True)
class _Side:
    """Sums of weights of the comparable others that are lower, equal and higher in rank: three (n,) arrays."""

    lower: np.ndarray
    equal: np.ndarray
    higher: np.ndarray

    def __sub__(self, other: _Side) -> _Side:
        return _Side(self.lower - other.lower, self.equal - other.equal, self.higher - other.higher)


def _compare(rank: np.ndarray, weight: np.ndarray, low: np.ndarray, high: np.ndarray, own: np.ndarray) -> _Side:
    cumulated = np.concatenate(([0.0], np.cumsum(weight)))
    twice = sums_below(rank, weight, np.concatenate((low, low)), np.concatenate((high, high)), np.concatenate((own, own + 1)))
    under, upto = twice[: len(own)], twice[len(own):]
    return _Side(under, upto - under, cumulated[high] - cumulated[low] - upto)


def pair_sums(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, stratum: np.ndarray, weight: np.ndarray, rank: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """(3, n) weight of the others with which each row forms a concordant, discordant or tied pair, and the pairs' weights."""
    grid = np.unique(np.concatenate((start, stop)))
    width = len(grid) + 1
    begin, end = stratum * width + np.searchsorted(grid, start), stratum * width + np.searchsorted(grid, stop)
    block_end = (stratum + 1) * width
    pairs = np.zeros((3, len(stop)))

    # what each event meets: rows that end later, or then without an event, but for those that come in later still
    dead = np.flatnonzero(event)
    code = 2 * end + ~event
    order = np.argsort(code, kind="stable")
    low, high = np.searchsorted(code[order], 2 * end[dead] + 1), np.searchsorted(code[order], 2 * block_end[dead])
    met = _compare(rank[order], weight[order], low, high, rank[dead])
    if np.isfinite(start).any():
        order = np.argsort(begin, kind="stable")
        low, high = np.searchsorted(begin[order], end[dead]), np.searchsorted(begin[order], block_end[dead])
        met = met - _compare(rank[order], weight[order], low, high, rank[dead])
    pairs[:, dead] = met.lower, met.higher, met.equal
    concordant, discordant, tied = (float(weight[dead] @ row) for row in pairs[:, dead])

    # the events that each row meets: after it came in, and before it ended or, without an event, until then
    order = dead[np.argsort(end[dead], kind="stable")]
    moments = end[order]
    low = np.searchsorted(moments, begin, side="right")
    high = np.where(event, np.searchsorted(moments, end), np.searchsorted(moments, end, side="right"))
    met = _compare(rank[order], weight[order], low, np.maximum(high, low), rank)
    pairs += np.stack((met.higher, met.lower, met.equal))

    same_time = _pairs_within(end[dead], weight[dead])
    both = _pairs_within(end[dead] * (int(rank.max()) + 1) + rank[dead], weight[dead])
    counts = {"concordant": concordant, "discordant": discordant, "tied_x": tied, "tied_y": same_time - both, "tied_xy": both}
    return pairs, counts


def _pairs_within(group: np.ndarray, weight: np.ndarray) -> float:
    codes = np.unique(group, return_inverse=True)[1]
    return float((np.bincount(codes, weight) ** 2 - np.bincount(codes, weight**2)).sum() / 2)


def concordance(result: CoxResult) -> Concordance:
    """The concordance behind `CoxResult.concordance`."""
    used = np.flatnonzero(result._weight > 0)
    eta = (result._fit.coef / result._scale) @ result._design.matrix
    distinct, inverse = np.unique(eta[used], return_inverse=True)
    # rows with equal covariates may differ in the last digit, according to how the product was summed
    apart = np.diff(distinct) > TIED * max(float(np.ptp(distinct)), 1e-300)
    rank = np.concatenate(([0], np.cumsum(apart)))[inverse]
    weight = result._weight[used]
    pairs, counts = pair_sums(
        result._start[used], result._stop[used], result._event[used], result._strata.codes[used].astype(np.int64), weight, rank
    )
    total = counts["concordant"] + counts["discordant"] + counts["tied_x"]
    if not total > 0:
        raise EstimationError("No two rows are comparable: nobody is at risk when another has the event.", fix="Use fewer strata.")
    difference = (counts["concordant"] - counts["discordant"]) / total
    influence = weight * (pairs[0] - pairs[1] - difference * pairs.sum(axis=0)) / total / 2
    clusters, df, by = None, None, "row"
    if result._clusters is not None:
        codes = result._clusters.codes[used]
        influence = np.bincount(codes, influence)
        clusters, by = len(np.unique(codes)), f"{result._cluster_column}"
        df = float(clusters - 1) if result.variance in ("cluster", "jackknife") else None
    value, se = (difference + 1) / 2, float(np.sqrt((influence**2).sum()))
    half = np.nan if df is not None and df < 1 else critical_value(result.ci_level, df) * se
    estimate = Estimate(
        value=value, se=se, ci_low=float(np.maximum(value - half, 0.0)), ci_high=float(np.minimum(value + half, 1.0)), ci_level=result.ci_level,
        scale="concordance", n=result.n, n_events=result.n_events, n_clusters=clusters, df=df,
        method=f"Harrell's concordance, infinitesimal jackknife by {by}", estimand="concordance of predicted hazard and time of event",
        warnings=(OPTIMISTIC,),
    )
    return Concordance(estimate, counts)


OPTIMISTIC = Caution("apparent", "The concordance is of the data that the model was fitted to, and so too high for new data.", {})
