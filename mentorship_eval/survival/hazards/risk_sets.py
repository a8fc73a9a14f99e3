"""Who is at risk at each event time, and sums over those risk sets.

Event times are numbered 0..K-1, ordered by stratum and time. A row (start, stop] is at risk at a
contiguous run of them, ``first <= k < last``. Rows are kept in the order in which they leave, so a sum
over every risk set is one over runs of rows (less, with delayed entry, a bincount of where they come in)
and one reverse cumulative sum per stratum. Times are looked up once per distinct value: in days there are
few of them, however many the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from mentorship_eval.survival.columns import distinct_values

__all__ = ["RiskSets", "build_risk_sets"]

AT_ONCE = 32_768  # late rows that are picked out together
MANY_ROWS = 50_000  # from here on sorting by a sparse matrix is faster than by numpy; importing it takes as long as sorting a million rows


@dataclass(frozen=True)
class RiskSets:
    """The rows that are ever at risk at an event time, in the order in which they leave the risk sets.

    rows: (n,) their positions in the caller's arrays; first, last: (n,) run of event times, last ascending;
    late: positions (in rows) of rows that come in after their stratum's first event time;
    weight: (n,); dead: positions of the rows with an event, at: their event time (ascending);
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

    @cached_property
    def scratch(self) -> np.ndarray:
        """(n,) of numbers to be written over: fresh memory for every covariate costs more than the sums at millions of rows."""
        return np.empty(len(self.rows))

    @cached_property
    def _runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the runs of rows begin that leave at an event time, the dead and then the others, which of the (K, 2)
        these are, and when the late rows come in."""
        bounds = np.searchsorted(self.last, np.arange(1, self.size + 2))
        begins = np.stack((bounds[:-1], bounds[:-1] + np.bincount(self.at, minlength=self.size)), axis=1).ravel()
        filled = np.flatnonzero(np.diff(begins, append=len(self.last)))
        return begins[filled], filled, self.first[self.late].astype(np.intp) - 1

    def sums(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K,) sums of the (n,) values ``row`` over each risk set, and over the events of each event time."""
        begins, filled, comes = self._runs
        leaves = np.zeros(2 * self.size)
        if len(filled):
            leaves[filled] = np.add.reduceat(row, begins)
        change = leaves[0::2] + leaves[1::2]
        step = max(AT_ONCE, 8 * self.size)
        for low in range(0, len(self.late), step):  # what is picked out stays in the processor's cache
            change -= np.bincount(comes[low : low + step], row[self.late[low : low + step]], self.size)
        return self._from_the_end(change), leaves[0::2]

    @cached_property
    def _places(self) -> tuple[np.ndarray, tuple[int, int]] | None:
        """Where each event time stands in a table with a row a stratum, the last time first; None where the table would be mostly empty."""
        sizes = np.array([end - begin for begin, end in self.blocks], dtype=np.intp)
        longest = int(sizes.max(initial=0))
        if len(sizes) < 4 or len(sizes) * longest > 8 * self.size:
            return None
        ends = np.repeat([end for _, end in self.blocks], sizes)
        return np.repeat(np.arange(len(sizes)), sizes) * longest + ends - 1 - np.arange(self.size), (len(sizes), longest)

    def _from_the_end(self, change: np.ndarray) -> np.ndarray:
        """Sums of ``change`` (K,) from each event time to the last of its stratum.

        Strata are summed apart, so that rounding does not leak from one into the next; many of them in the rows of one table.
        """
        if self._places is None:
            for begin, end in self.blocks:
                change[begin:end] = change[begin:end][::-1].cumsum()[::-1]
            return change
        places, shape = self._places
        table = np.zeros(shape[0] * shape[1])
        table[places] = change
        return np.asarray(table.reshape(shape).cumsum(axis=1).ravel()[places])

    def of_pairs(self, values: np.ndarray) -> np.ndarray:
        """(K,) sums over the steps of each event time of the (M,) ``values``."""
        return np.bincount(self.pair, values, self.size)

    def total_at_risk(self, values: np.ndarray) -> np.ndarray:
        """(q, K) sums over each risk set of the (q, n) ``values``."""
        return np.array([self.sums(row)[0] for row in values]).reshape(len(values), self.size)

    def total_of_deaths(self, values: np.ndarray) -> np.ndarray:
        """(q, K) sums over the events of each event time of the (q, n) ``values``."""
        return np.array([self.sums(row)[1] for row in values]).reshape(len(values), self.size)

    def over_time_at_risk(self, increments: np.ndarray) -> np.ndarray:
        """(q, n): for each row the sum of the (q, K) ``increments`` over its time at risk."""
        return np.array([self.exposure(row) for row in increments]).reshape(len(increments), len(self.rows))

    def exposure(self, increments: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(n,): for each row the sum of the (K,) ``increments`` over its time at risk; written to ``out`` when given."""
        cumulated = np.concatenate(([0.0], np.cumsum(increments)))
        total = np.take(cumulated, self.last, out=out, mode="clip")  # other modes write to a copy first
        # without late entry and strata nobody has anything to take off
        if len(self.late) or len(self.blocks) > 1:
            total -= cumulated[self.first]
        return total

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
    event = np.asarray(event) & (weight > 0)
    code, moments = distinct_values(stop)
    # Times as ranks, so that one key (stratum, rank) serves every stratum at once.
    ranks = moments[np.bincount(code[event], minlength=len(moments)) > 0]
    width, layers = len(ranks) + 1, int(stratum.max()) + 1
    ended = np.searchsorted(ranks, moments, side="right").astype(np.int32)[code]
    begun: np.ndarray | int = 0
    if start.max() >= ranks[:1].min(initial=np.inf):
        code, moments = distinct_values(start)
        begun = np.searchsorted(ranks, moments, side="right").astype(np.int32)[code]
    del code
    if layers == 1 and width > 1:
        key, first, last = np.arange(width - 1), np.broadcast_to(np.int32(0), event.shape) if isinstance(begun, int) else begun, ended
    else:
        base = stratum.astype(np.int64) * width
        key = np.unique(base[event] + ended[event] - 1)
        first, last = (np.searchsorted(key, base + rank).astype(np.int32) for rank in (begun, ended))
    strata, place = np.divmod(key, width)
    bounds = np.searchsorted(strata, np.arange(layers + 1))
    blocks = [(int(b), int(e)) for b, e in pairwise(bounds) if e > b]
    leaving = 2 * last - event  # the dead before the others who leave
    used = (first < last) & (weight > 0)
    if used.all():
        order = _sorting(leaving)
    else:
        order = np.flatnonzero(used)
        order = order[_sorting(leaving[order])]
    # What was sorted holds the event time and whether it is an event: one look-up out of order at rows far apart instead of three.
    leaving = leaving[order]
    last, died = (leaving + 1) >> 1, (leaving & 1).astype(bool)
    first = np.zeros(len(order), dtype=np.int32) if layers == 1 and isinstance(begun, int) else first[order]
    weight = np.ones(len(order)) if (weight == 1).all() else weight[order]
    return _assemble(order, first, last, weight, died, last.astype(np.intp) - 1, ranks[place], strata, blocks, ties)


def _sorting(key: np.ndarray) -> np.ndarray:
    """Stable order of non-negative integers by counting: 16 bits at a time in numpy, which misses the processor's cache when the rows
    are many; then all at once, as transposing a sparse matrix does."""
    if len(key) > MANY_ROWS:
        from scipy.sparse import csr_array

        rows = np.arange(len(key) + 1, dtype=np.int32)
        turned = csr_array((np.ones(len(key), dtype=np.int8), key.astype(np.int32), rows), shape=(len(key), int(key.max()) + 1)).tocsc()
        return turned.indices.astype(np.intp)
    if not len(key) or key.max() < 2**16:
        return np.argsort(key.astype(np.uint16), kind="stable")
    order = np.argsort((key & 0xFFFF).astype(np.uint16), kind="stable")
    return order[_sorting((key >> 16)[order])]
