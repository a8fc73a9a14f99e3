"""How likely a person was still under observation: the weights of the subdistribution hazard.

Someone who had a competing event at T stays in later risk sets with weight g(t-)/g(T-), where g(t)
is the probability to be under observation at t given an observable life: the product-limit estimate
of not being censored before t (Fine & Gray 1999, JASA 94:496-509), times that of having entered
before t, estimated backwards in time (Geskus 2011, Biometrics 67:39-49).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.survival.curves.curve_steps import EMPTIES

__all__ = ["Jumps", "ObservationWeights", "observation_weights"]


@dataclass(frozen=True)
class Jumps:
    """The moments at which one of the two product-limit estimates jumps, and who was at risk of it.

    time: (m,); log_jump: (m,) change of log g there; at_risk, count: (m,) weighted; divisor: (m,) of
    the derivative of a jump: who remains, or all at risk (`observation_weights`); sign: -1 for
    censoring, which lowers g, 1 for entry, which raises it; breaks: moments at which all at risk
    were censored, or were new, so that g cannot be followed across; first, last: (n,) run of
    moments at which a row is at risk; own: (n,) the row's own censoring or entry, -1 for none.
    """

    time: np.ndarray
    log_jump: np.ndarray
    at_risk: np.ndarray
    count: np.ndarray
    divisor: np.ndarray
    sign: float
    breaks: np.ndarray
    first: np.ndarray
    last: np.ndarray
    own: np.ndarray

    def influence(self, effect: np.ndarray) -> np.ndarray:
        """(p, n): per row and unit of weight, the sum over moments of the (p, m) ``effect`` of a change of log g
        times the derivative of that jump with respect to the weight of the row."""
        scaled = effect * np.divide(self.sign, self.divisor, out=np.zeros_like(self.divisor), where=self.divisor > 0)
        cumulated = np.concatenate((np.zeros((len(effect), 1)), np.cumsum(scaled * (self.count / self.at_risk), axis=1)), axis=1)
        total = np.empty((len(effect), len(self.own)))
        happened = np.flatnonzero(self.own >= 0)
        for out, prefix, jump in zip(total, cumulated, scaled, strict=True):
            np.subtract(prefix[self.first], prefix[self.last], out=out)
            out[happened] += jump[self.own[happened]]
        return total


@dataclass(frozen=True)
class ObservationWeights:
    """g as the product of its ``jumps`` (censoring, and entry where it is delayed)."""

    jumps: tuple[Jumps, ...]

    def log_before(self, times: np.ndarray) -> np.ndarray:
        """log g(t-) up to a constant, ``breaks`` left out."""
        total = np.zeros(len(times))
        for jumps in self.jumps:
            cumulated = np.concatenate(([0.0], np.cumsum(jumps.log_jump)))
            total += cumulated[np.searchsorted(jumps.time, times, side="left")]
        return total


def observation_weights(
    start: np.ndarray, stop: np.ndarray, happened: np.ndarray, weight: np.ndarray, is_first: np.ndarray, is_last: np.ndarray,
    events_first: bool,
) -> ObservationWeights:
    """Estimate g from rows (start, stop] sorted by stop; ``happened``: any event; ``is_first``, ``is_last``: of a person.

    ``events_first``: a censoring at the time of an event comes after it, so that who had the event
    was no longer at risk of it (as R's finegray); otherwise everybody at risk of the event was at risk of
    both (as cmprsk's crr, whose divisor is followed too: the derivative without its tie correction).
    """
    censored = is_last & ~happened
    parts = [_censoring(start, stop, happened, weight, censored, events_first)]
    if np.isfinite(start).any():
        parts.append(_entry(start, stop, weight, is_first, events_first))
    return ObservationWeights(tuple(part for part in parts if len(part.time)))


def _censoring(
    start: np.ndarray, stop: np.ndarray, happened: np.ndarray, weight: np.ndarray, censored: np.ndarray, events_first: bool
) -> Jumps:
    ends = stop[censored]
    new = np.concatenate((ends[:1] == ends[:1], ends[1:] != ends[:-1]))  # sorted by stop
    time = ends[new]
    own = np.full(len(stop), -1, dtype=np.intp)
    own[censored] = np.cumsum(new) - 1
    count = np.bincount(own[censored], weight[censored], len(time)).astype(float)
    first = np.searchsorted(time, start, side="right") if np.isfinite(start).any() else np.zeros(len(stop), dtype=np.intp)
    # moments <= stop: one more from the first row on that reaches a moment
    last = np.cumsum(np.bincount(np.searchsorted(stop, time, side="left"), minlength=len(stop)))
    if events_first:
        tied = happened & (last > 0)
        tied[tied] = time[last[tied] - 1] == stop[tied]
        last = last - tied
        last = np.maximum(last, first)
    size = len(time)
    leaves, comes = np.bincount(last, weight, size + 1), np.bincount(first, weight, size + 1)
    at_risk = np.cumsum(leaves[::-1])[::-1][1:] - np.cumsum(comes[::-1])[::-1][1:]
    return _jumps(time, at_risk, count, -1.0, first, last, own, exact=events_first)


def _entry(start: np.ndarray, stop: np.ndarray, weight: np.ndarray, is_first: np.ndarray, events_first: bool) -> Jumps:
    finite = is_first & np.isfinite(start)
    time, code = np.unique(start[finite], return_inverse=True)
    own = np.full(len(stop), -1, dtype=np.intp)
    own[finite] = code
    size = len(time)
    # Backwards in time: under observation just after e, start <= e < stop, is at risk of having entered at e.
    first, last = np.searchsorted(time, start, side="left"), np.searchsorted(time, stop, side="left")
    count = np.bincount(code, weight[finite], size)
    change = np.bincount(first, weight, size + 1) - np.bincount(last, weight, size + 1)
    at_risk = np.cumsum(change)[:size]
    return _jumps(time, at_risk, count, 1.0, first, last, own, exact=events_first)


def _jumps(
    time: np.ndarray, at_risk: np.ndarray, count: np.ndarray, sign: float, first: np.ndarray, last: np.ndarray, own: np.ndarray,
    exact: bool,
) -> Jumps:
    breaks = at_risk - count < EMPTIES * at_risk
    log_jump = sign * -np.log1p(-np.where(breaks, 0.0, count / at_risk))
    divisor = np.where(breaks, 0.0, at_risk - count) if exact else at_risk
    return Jumps(time, log_jump, at_risk, count, divisor, sign, time[breaks], first, last, own)
