"""The steps of one mean cumulative function, what each cluster contributes to them, and what they are without it.

With hazards of the end h = dD / Y, S their product limit and r = dN / Y the mean is the sum of S(t-) r(t). The derivative of it with respect
to the weight of a cluster, whose own counts are dN_c, dD_c and Y_c, is

    sum over t of S(t-) (dN_c - Y_c r) / Y - S(t-) r(t) sum over u < t of (dD_c - Y_c h) / (Y (1 - h)),

and its square summed over clusters the variance (infinitesimal jackknife).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

__all__ = ["MeanSteps", "mean_steps"]


@dataclass(frozen=True)
class MeanSteps:
    """time, n_risk, n_event, mean: (T,), one entry for each time at which a row ends; clusters: (C,) their codes.

    risk, events, ends: (C, T) people at risk, events and ends of each cluster.
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    mean: np.ndarray
    clusters: np.ndarray
    risk: np.ndarray = field(repr=False)
    events: np.ndarray = field(repr=False)
    ends: np.ndarray = field(repr=False)

    @cached_property
    def se(self) -> np.ndarray:
        """(T,) infinitesimal jackknife by cluster."""
        rate, hazard, before = _rates(self.risk.sum(axis=0), self.events.sum(axis=0), self.ends.sum(axis=0))
        inverse = np.divide(1.0, self.n_risk, out=np.zeros(len(rate)), where=self.n_risk > 0)
        own = (before * inverse) * (self.events - self.risk * rate)
        stays = np.divide(inverse, 1 - hazard, out=np.zeros(len(rate)), where=hazard < 1)
        gone = np.cumsum(stays * (self.ends - self.risk * hazard), axis=1)
        gone = np.concatenate((np.zeros((len(gone), 1)), gone[:, :-1]), axis=1)
        return np.sqrt((np.cumsum(own - before * rate * gone, axis=1) ** 2).sum(axis=0))

    def at(self, time: float) -> float:
        place = np.searchsorted(self.time, time, side="right")
        return float(self.mean[place - 1]) if place else 0.0

    def events_by(self, time: float) -> float:
        return float(self.n_event[self.time <= time].sum())

    def without_each_at(self, time: float, names: Sequence[int]) -> np.ndarray:
        """(len(names),) the mean at ``time`` without each of the clusters; as it is for those that are not here, NaN where nobody else is."""
        upto = int(np.searchsorted(self.time, time, side="right"))
        risk, events, ends = (part[:, :upto] for part in (self.risk, self.events, self.ends))
        rest = [part.sum(axis=0) - part for part in (risk, events, ends)]
        rate, _, before = _rates(*rest)
        value = (before * rate).sum(axis=1)
        if upto:
            # still followed then, or there is no mean without the cluster
            value = np.where((self.risk.sum(axis=0) - self.risk)[:, min(upto, len(self.time) - 1)] > 0, value, np.nan)
        known = dict(zip(self.clusters.tolist(), value, strict=True))
        return np.array([known.get(name, self.at(time)) for name in names])


def _rates(risk: np.ndarray, events: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rate of events, hazard of the end and the chance of being there just before, along the last axis."""
    rate = np.divide(events, risk, out=np.zeros(risk.shape), where=risk > 0)
    hazard = np.divide(ends, risk, out=np.zeros(risk.shape), where=risk > 0)
    there = np.cumprod(1 - hazard, axis=-1)
    return rate, hazard, np.concatenate((np.ones((*there.shape[:-1], 1)), there[..., :-1]), axis=-1)


def mean_steps(start: np.ndarray, stop: np.ndarray, event: np.ndarray, end: np.ndarray, cluster: np.ndarray) -> MeanSteps:
    """The steps of rows (start, stop]: event and end are boolean, cluster integer codes; all (n,)."""
    time = np.unique(stop)
    names, unit = np.unique(cluster, return_inverse=True)
    shape = len(names), len(time)
    change = np.zeros((shape[0], shape[1] + 1))
    np.add.at(change, (unit, np.searchsorted(time, start, side="right")), 1.0)
    last = np.searchsorted(time, stop)
    np.add.at(change, (unit, last + 1), -1.0)
    risk = np.cumsum(change, axis=1)[:, :-1]
    events, ends = np.zeros(shape), np.zeros(shape)
    np.add.at(events, (unit[event], last[event]), 1.0)
    np.add.at(ends, (unit[end], last[end]), 1.0)
    n_risk, n_event = risk.sum(axis=0), events.sum(axis=0)
    rate, _, before = _rates(n_risk, n_event, ends.sum(axis=0))
    return MeanSteps(time, n_risk, n_event, np.cumsum(before * rate), names, risk, events, ends)
