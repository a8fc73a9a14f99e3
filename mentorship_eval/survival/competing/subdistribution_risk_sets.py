"""The risk sets of the subdistribution hazard, without expanding the data.

The risk set of an event of interest at t holds the rows at risk and, with weight g(t-)/g(T-), everybody
whose competing event was at T < t (Fine & Gray 1999). That weight is a factor of t times a factor of the
row, so with r = weight * exp(eta) every sum over such a risk set is A(t) + g(t-) B(t): A over the rows
at risk, B the running sum of r/g(T-) over competing events. Rows of equal stop and kind are one cell;
sums by cell are all that is needed besides the rows themselves: O(n) for n sorted rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["CENSORED", "COMPETING", "OF_INTEREST", "WeightedRiskSets", "prefix_sums", "weighted_risk_sets"]

CENSORED, OF_INTEREST, COMPETING = 0, 1, 2
BLOCK = 1 << 15  # rows that fit into the cache with their covariates


@dataclass(frozen=True)
class WeightedRiskSets:
    """Rows sorted by stop and kind, in C cells; K times of the event of interest.

    cell: (C + 1,) where each cell begins among the n rows; last: (C,) event times <= its stop; dead:
    (K,) the cell of the events at each event time; competing: cells of competing events, log_g: log
    g(T-) of each; log_g_at: (K,) log g(t-) at the event times; first: (n,) event times <= start, of
    the rows ``late`` only (those with first > 0); weight: (n,); count, total: (K,) number and weight
    of the events; ties: "efron" or "breslow".
    """

    cell: np.ndarray
    last: np.ndarray
    dead: np.ndarray
    competing: np.ndarray
    log_g: np.ndarray
    log_g_at: np.ndarray
    late: np.ndarray
    first: np.ndarray
    weight: np.ndarray
    count: np.ndarray
    total: np.ndarray
    ties: str

    @property
    def size(self) -> int:
        return len(self.dead)

    @cached_property
    def of_cell(self) -> np.ndarray:
        """(n,) the cell of each row."""
        return np.repeat(np.arange(len(self.last)), np.diff(self.cell))

    @cached_property
    def dead_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows with the event of interest, and the event time of each."""
        begin, size = self.cell[self.dead], np.diff(self.cell)[self.dead]
        at = np.repeat(np.arange(self.size), size)
        return begin[at] + np.arange(len(at)) - np.repeat(np.cumsum(size) - size, size), at

    @cached_property
    def tied_steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Event times with one event; those with several; and of the steps of the latter: which of these, the share of
        the events removed before, the weight (Efron: tied events leave one after the other, all with their mean weight)."""
        single, tied = np.flatnonzero(self.count == 1), np.flatnonzero(self.count > 1)
        count = self.count[tied]
        at = np.repeat(np.arange(len(tied)), count)
        fraction = (np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)) / count[at]
        return single, tied, at, fraction, (self.total[tied] / count)[at]

    @cached_property
    def scales(self) -> tuple[np.ndarray, np.ndarray]:
        """g(t-) at the event times and 1/g(T-) of the competing cells, up to one common factor."""
        middle = self.log_g_at.mean()
        return np.exp(self.log_g_at - middle), np.exp(middle - self.log_g)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Slices of rows and of the cells they touch."""
        for begin in range(0, self.cell[-1], BLOCK):
            end = min(begin + BLOCK, self.cell[-1])
            first = int(np.searchsorted(self.cell, begin, side="right")) - 1
            yield slice(begin, end), slice(first, int(np.searchsorted(self.cell, end, side="left")))

    def sizes(self, part: slice, cells: slice) -> np.ndarray:
        """Rows of each of the ``cells`` inside ``part``."""
        return np.diff(self.cell[cells.start : cells.stop + 1].clip(part.start, part.stop))

    def at_risk(self, by_cell: np.ndarray, late: np.ndarray | None) -> np.ndarray:
        """(q, K) weighted sums over every risk set from (q, C) sums by cell and the (q, late) values of late rows."""
        up, down = self.scales
        sums = np.empty((len(by_cell), self.size))
        for j, (out, values) in enumerate(zip(sums, by_cell, strict=True)):
            change = np.bincount(self.last, values, self.size + 1)
            if late is not None:
                change -= np.bincount(self.first, late[j], self.size + 1)
            np.cumsum(change[:0:-1], out=out[::-1])
            left = np.bincount(self.last[self.competing], values[self.competing] * down, self.size + 1)
            out += up * np.cumsum(left[:-1])
        return sums

    def over_time_at_risk(self, increments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sum of the (q, K) ``increments`` over the time at risk, weighted, up to a stop by cell
        (q, C), and over the time before the entry of the late rows (q, late), to be subtracted."""
        up, down = self.scales
        cumulated = prefix_sums(increments)
        upto = cumulated[:, self.last]
        weighted = prefix_sums(increments * up)
        upto[:, self.competing] += (weighted[:, -1:] - weighted[:, self.last[self.competing]]) * down
        return upto, cumulated[:, self.first]


def prefix_sums(values: np.ndarray) -> np.ndarray:
    return np.concatenate((np.zeros((len(values), 1)), np.cumsum(values, axis=1)), axis=1)


def weighted_risk_sets(
    start: np.ndarray, stop: np.ndarray, kind: np.ndarray, weight: np.ndarray, log_before: Callable[[np.ndarray], np.ndarray], ties: str
) -> WeightedRiskSets:
    """From rows sorted by (stop, kind); ``log_before``: from times to log g(t-)."""
    new = np.concatenate(([True], (stop[1:] != stop[:-1]) | (kind[1:] != kind[:-1])))
    begin = np.flatnonzero(new)
    ends, kinds = stop[begin], kind[begin]
    dead = np.flatnonzero(kinds == OF_INTEREST)
    times = ends[dead]
    competing = np.flatnonzero(kinds == COMPETING)
    cell = np.append(begin, len(stop))
    late, first = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    if np.isfinite(start).any():
        first = np.searchsorted(times, start, side="right")
        late = np.flatnonzero(first)
        first = first[late]
    count = np.diff(cell)[dead]
    total = np.add.reduceat(weight, begin)[dead]
    return WeightedRiskSets(
        cell, np.searchsorted(times, ends, side="right"), dead, competing, log_before(ends[competing]), log_before(times), late,
        first, weight, count, total, ties,
    )
