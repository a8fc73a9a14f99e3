"""Who is at risk at each event time, and sums over those risk sets.

Event times are numbered 0..K-1, ordered by stratum and time. A row (start, stop] is at risk at a
contiguous run of them, ``first <= k < last``, so a sum over every risk set is two bincounts (where
rows leave and, with delayed entry, where they come in) and one reverse cumulative sum per stratum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["RiskSets", "build_risk_sets"]


@dataclass(frozen=True)
class RiskSets:
    """The rows that are ever at risk at an event time.

    rows: (n,) their positions in the caller's arrays; first, last: (n,) run of event times;
    late: positions (in rows) of rows that come in after their stratum's first event time;
    weight: (n,); dead: positions of the rows with an event, at: their event time;
    times, stratum: (K,); blocks: (begin, end) of each stratum among the K.

    Tied events are taken apart into M pairs (event time, step): pair: (M,) event time;
    fraction: (M,) share of the tied events already removed (Efron; 0 throughout for Breslow);
    pair_weight: (M,) case weight of the step; tied: whether any fraction is above 0.
    """

    rows: np.ndarray
    first: np.ndarray
    last: np.ndarray
    late: np.ndarray
    weight: np.ndarray
    dead: np.ndarray
    at: np.ndarray
    times: np.ndarray
    stratum: np.ndarray
    blocks: Sequence[tuple[int, int]]
    ties: str
    pair: np.ndarray
    fraction: np.ndarray
    pair_weight: np.ndarray
    tied: bool

    @property
    def size(self) -> int:
        return len(self.times)

    def total_at_risk(self, values: np.ndarray) -> np.ndarray:
        """(q, K) sums over each risk set of the (q, n) ``values``."""
        sums = np.empty((len(values), self.size))
        leaves, comes = self.last - 1, self.first[self.late] - 1
        for row, out in zip(values, sums, strict=True):
            change = np.bincount(leaves, row, self.size)
            if len(self.late):
                change -= np.bincount(comes, row[self.late], self.size)
            # Strata are summed apart, so that rounding does not leak from one into the next.
            for begin, end in self.blocks:
                out[begin:end] = np.cumsum(change[begin:end][::-1])[::-1]
        return sums

    def total_of_deaths(self, values: np.ndarray) -> np.ndarray:
        """(q, K) sums over the events of each event time of the (q, n) ``values``."""
        return np.array([np.bincount(self.at, row[self.dead], self.size) for row in values])

    def over_time_at_risk(self, increments: np.ndarray) -> np.ndarray:
        """(q, n): for each row the sum of the (q, K) ``increments`` over its time at risk."""
        cumulated = np.concatenate((np.zeros((len(increments), 1)), np.cumsum(increments, axis=1)), axis=1)
        return cumulated[:, self.last] - cumulated[:, self.first]

    def without(self, leave_out: np.ndarray) -> tuple[RiskSets, np.ndarray]:
        """The same event times without the rows where the (n,) mask holds, and the kept positions."""
        kept = np.flatnonzero(~leave_out)
        is_dead = np.zeros(len(self.rows), dtype=bool)
        is_dead[self.dead] = True
        event_time = np.zeros(len(self.rows), dtype=np.intp)
        event_time[self.dead] = self.at
        return _assemble(
            self.rows[kept], self.first[kept], self.last[kept], self.weight[kept], is_dead[kept], event_time[kept],
            self.times, self.stratum, self.blocks, self.ties,
        ), kept


def _assemble(
    rows: np.ndarray, first: np.ndarray, last: np.ndarray, weight: np.ndarray, is_dead: np.ndarray, event_time: np.ndarray,
    times: np.ndarray, stratum: np.ndarray, blocks: Sequence[tuple[int, int]], ties: str,
) -> RiskSets:
    size = len(times)
    begin_of = np.zeros(size, dtype=np.intp)
    for begin, end in blocks:
        begin_of[begin:end] = begin
    late = np.flatnonzero(first > begin_of[last - 1])
    dead = np.flatnonzero(is_dead)
    at = event_time[dead]
    count = np.bincount(at, minlength=size)
    total: np.ndarray = np.bincount(at, weight[dead], size)
    if ties == "efron":
        pair = np.repeat(np.arange(size), count)
        step = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        fraction = step / count[pair]
        pair_weight = total[pair] / count[pair]
    else:
        pair = np.flatnonzero(count)
        fraction = np.zeros(len(pair))
        pair_weight = total[pair]
    return RiskSets(
        rows, first, last, late, weight, dead, at, times, stratum, blocks, ties, pair, fraction, pair_weight, bool(fraction.any())
    )


def build_risk_sets(
    start: np.ndarray, stop: np.ndarray, event: np.ndarray, stratum: np.ndarray, weight: np.ndarray, ties: str = "efron"
) -> RiskSets:
    """Risk sets of rows (start, stop] within strata (integer codes). Rows of weight 0 are left out."""
    event = event & (weight > 0)
    order = np.lexsort((stop[event], stratum[event]))
    codes, moments = stratum[event][order], stop[event][order]
    new = np.concatenate(([True], (np.diff(codes) != 0) | (np.diff(moments) != 0))) if len(codes) else np.zeros(0, dtype=bool)
    times, strata = moments[new], codes[new]
    bounds = np.searchsorted(strata, np.arange(stratum.max() + 2))
    blocks = [(int(b), int(e)) for b, e in pairwise(bounds) if e > b]
    # Times as ranks, so that one sorted key (stratum, time) serves every stratum at once.
    ranks = np.unique(times)
    width = len(ranks) + 1
    key = strata * width + np.searchsorted(ranks, times)
    first = np.searchsorted(key, stratum * width + np.searchsorted(ranks, start, side="right"))
    last = np.searchsorted(key, stratum * width + np.searchsorted(ranks, stop, side="right"))
    used = np.flatnonzero((first < last) & (weight > 0))
    return _assemble(
        used, first[used], last[used], weight[used], event[used], last[used] - 1, times, strata, blocks, ties
    )
