"""Event study of a Poisson imputation in bins of event time, with the joint jackknife covariance of its log ratios.

Bins are laid out from the last untreated period: bin -1 ends there, bin 0 begins after it. A bin before adoption is
a placebo, its cells left out of the fit all together; a bin after it holds the target cells, expected from all untreated
cells. Every refit leaves out one cluster; which bins are used is decided by dates and exposure alone, save that a bin
whose ratio or one of whose refits does not exist ends the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.counts.targets import untreated_clusters
from mentorship_eval.did.sensitivity.count_source import Source, sums_without

__all__ = ["CountStudy", "count_study"]

# At most this many bins, and this many clusters for each: a jackknife covariance over G clusters has rank G - 1.
MOST_BINS, CLUSTERS_PER_BIN = 8, 3


@dataclass(frozen=True)
class CountStudy:
    """steps (K,): periods from the last untreated one to each treated event time; observed and expected (1 + G, K): sums
    over the target cells of it, all clusters in row 0, then without each informative cluster.

    bins (B,): number of each usable bin, negative before adoption; first, last, middle (B,): its event times and their
    mean over its cells; log_ratio (1 + G, B); expected_in_bin (B,); scale (B,): see `violation`; width: periods in a bin.
    """

    steps: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    bins: np.ndarray
    first: np.ndarray
    last: np.ndarray
    middle: np.ndarray
    log_ratio: np.ndarray
    expected_in_bin: np.ndarray
    scale: np.ndarray
    width: int

    @property
    def violation(self) -> np.ndarray:
        """(1 + G, B) log ratios on one scale, that of the distance from the mean of all untreated periods.

        A bin that is left out is compared with the other untreated periods of its units alone, which overstates its distance from
        the mean of all of them by 1 / (1 - its share in their expected counts); bins after adoption are on that scale already.
        """
        return self.log_ratio * self.scale

    @property
    def df(self) -> int:
        return len(self.observed) - 2

    @property
    def covariance(self) -> np.ndarray:
        """(B, B) jackknife covariance of `violation`."""
        deviations = self.violation[1:] - self.violation[0]
        return (self.df / (self.df + 1)) * deviations.T @ deviations

    @property
    def table(self) -> pd.DataFrame:
        """from_event_time, to_event_time, ratio (leave-out before adoption), violation (log scale), se of it, expected."""
        return pd.DataFrame({
            "from_event_time": self.first, "to_event_time": self.last, "ratio": np.exp(self.log_ratio[0]), "violation": self.violation[0],
            "se": np.sqrt(np.diag(self.covariance)), "expected": self.expected_in_bin,
        })


def _log_ratio(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    known = (observed > 0) & (expected > 0)
    return np.log(np.where(known, observed, np.nan)) - np.log(np.where(known, expected, np.nan))


def _reached(source: Source, cells: np.ndarray) -> int:
    return len(np.unique(source.panel.cluster[cells.any(axis=1)]))


def _projectable(source: Source, at: np.ndarray) -> np.ndarray:
    """(I, T) untreated cells of a bin ``at`` that the untreated cells outside it can project."""
    others = source.targets.untreated & ~at
    enough = untreated_clusters(source.panel, others) >= source.targets.min_controls
    return source.targets.untreated & at & connected_cells(others) & enough[None, :]


def _own_share(source: Source, cells: np.ndarray) -> float:
    """Share of ``cells`` in the expected counts of the untreated periods of their units, weighted by their expected counts."""
    expected = np.where(source.targets.untreated, source.fit.expected, 0.0)
    mine = np.where(cells, expected, 0.0).sum(axis=1)
    total = expected.sum(axis=1)
    return float((mine[mine > 0] ** 2 / total[mine > 0]).sum() / mine.sum())


def _layout(source: Source, width: int | None) -> tuple[int, np.ndarray, list[int]]:
    """Width, the bin (I, T) of each cell (NaN for never treated), and the bins that at least half of the treated clusters reach."""
    since, targets = source.since, source.targets
    half = max(2.0, _reached(source, targets.target) / 2)
    after = targets.target | targets.waiting

    def laid(w: int) -> tuple[int, np.ndarray, list[int]]:
        bins = np.floor(np.where(np.isfinite(since), since + source.anticipation, np.nan) / w)
        found: list[int] = []
        for at, step in ((-1, -1), (0, 1)):
            while _reached(source, _projectable(source, bins == at) if at < 0 else after & (bins == at)) >= half:
                found.append(at)
                at += step
        return w, bins, sorted(found)

    if width is not None:
        return laid(width)
    most = max(3, min(MOST_BINS, int(source.informative.sum()) // CLUSTERS_PER_BIN))
    lengths = source.panel.adopted[source.treated] - source.panel.position[0] - source.anticipation
    # two whole bins before adoption, for half of the treated units, are the least that a step can be seen between
    widest = max(1, int(np.median(lengths)) // 2)
    best = laid(1)
    for w in range(2, widest + 1):
        if len(best[2]) <= most:
            break
        best = laid(w)
    return best


def count_study(source: Source, *, width: int | None = None) -> CountStudy:
    """See the module; ``width`` is the periods in a bin."""
    targets = source.targets
    step = source.since + source.anticipation + 1
    steps = np.unique(step[targets.target])
    observed, expected = sums_without(source, targets.untreated, targets.target, (step[targets.target][:, None] == steps[None, :]).astype(float))
    width, bins, found = _layout(source, width)
    kept: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray, float]] = {}
    for b in sorted(found, key=lambda value: (value < 0, abs(value))):
        if b not in (-1, 0) and (b + 1 if b < 0 else b - 1) not in kept:
            continue
        at = bins == b
        cells, untreated = _projectable(source, at), targets.untreated & ~at
        if b >= 0:
            cells, untreated = targets.target & at, targets.untreated
            cells = cells if cells.any() else targets.waiting & at
        o, e = sums_without(source, untreated, cells, np.ones((int(cells.sum()), 1)))
        ratio = _log_ratio(o, e)[:, 0]
        if np.isfinite(ratio).all():
            kept[b] = (ratio, e[0], source.since[cells], 1.0 - _own_share(source, cells) if b < 0 else 1.0)
    order = sorted(kept)
    return CountStudy(
        steps=steps, observed=observed, expected=expected, bins=np.array(order, dtype=int),
        first=np.array([kept[b][2].min() for b in order]), last=np.array([kept[b][2].max() for b in order]),
        middle=np.array([kept[b][2].mean() for b in order]),
        log_ratio=np.column_stack([kept[b][0] for b in order]) if order else np.zeros((len(observed), 0)),
        expected_in_bin=np.array([float(kept[b][1][0]) for b in order]), scale=np.array([kept[b][3] for b in order]), width=width,
    )
