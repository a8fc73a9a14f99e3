"""The area under a Kaplan-Meier curve up to a time, its variance, and what each row contributes to it.

With d events among n at risk at t_j and A_j the area from t_j to tau, Greenwood's variance is the sum of
A_j^2 d / (n (n - d)) (Klein & Moeschberger 2003, section 4.5). The influence of a row is the derivative
of the area with respect to its weight, times the weight: -sum_j A_j (dN - Y d/n) / (n - d).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.survival.columns import distinct_values
from mentorship_eval.survival.curves.curve_steps import Rows, curve_steps

__all__ = ["Area", "area_under_curve", "gaps", "last_time_with"]


@dataclass(frozen=True)
class Area:
    """value: restricted mean time from ``since`` to ``tau``; greenwood: its variance; emptied: time before ``tau`` at which
    the curve fell to 0 (None: it did not); the rest belongs to the event times by ``tau``, (T,)."""

    value: float
    greenwood: float
    emptied: float | None
    time: np.ndarray
    hazard: np.ndarray
    effect: np.ndarray

    def influence(self, rows: Rows) -> np.ndarray:
        """(n,) influences of the rows the curve was made of, weights included."""
        cumulated = np.concatenate(([0.0], np.cumsum(self.effect * self.hazard)))
        code, stops = distinct_values(rows.stop)
        last = np.searchsorted(self.time, stops, side="right")[code]
        found = -cumulated[last]
        if np.isfinite(rows.start).any():
            code, starts = distinct_values(rows.start)
            found += cumulated[np.searchsorted(self.time, starts, side="right")][code]
        died = np.flatnonzero((rows.cause >= 0) & (last > 0))
        died = died[self.time[last[died] - 1] == rows.stop[died]]
        found[died] += self.effect[last[died] - 1]
        return found * rows.weight


def area_under_curve(rows: Rows, since: float, tau: float) -> Area:
    """The area of the curve of ``rows`` (all with stop >= ``since``) between ``since`` and ``tau``."""
    steps = curve_steps(rows, 1)
    upto = int(np.searchsorted(steps.time, tau, side="right"))
    time, survival, n_risk, n_event = steps.time[:upto], steps.survival[:upto], steps.n_risk[:upto], steps.n_event[0, :upto]
    pieces = np.concatenate(([1.0], survival)) * np.diff(np.concatenate(([since], time, [tau])))
    ahead = np.cumsum(pieces[:0:-1])[::-1]
    died = n_event > 0
    time, n_risk, n_event, survival, ahead = time[died], n_risk[died], n_event[died], survival[died], ahead[died]
    stays = survival > 0
    left = np.where(stays, n_risk - n_event, 1.0)
    greenwood = np.where(stays, ahead**2 * n_event / (n_risk * left), 0.0)
    effect = np.where(stays, -ahead / left, 0.0)
    ended = np.flatnonzero(~stays)
    emptied = float(time[ended[0]]) if len(ended) and time[ended[0]] < tau else None
    return Area(float(pieces.sum()), float(greenwood.sum()), emptied, time, n_event / n_risk, effect)


def gaps(rows: Rows, since: float, tau: float) -> np.ndarray:
    """The times in [since, tau) just after which nobody is at risk."""
    if not np.isfinite(rows.start).any():
        last = rows.stop.max()
        return np.array([last]) if last < tau else np.zeros(0)
    starts, stops = np.sort(rows.start), np.sort(rows.stop)
    moments = np.concatenate(([since], stops[(stops >= since) & (stops < tau)]))
    present = np.searchsorted(starts, moments, side="right") - np.searchsorted(stops, moments, side="right")
    return moments[present == 0]


def last_time_with(start: np.ndarray, stop: np.ndarray, at_risk: int) -> float:
    """The last time with at least ``at_risk`` rows start < t <= stop; NaN when there is none."""
    starts, stops = np.sort(start), np.sort(stop)
    present = np.searchsorted(starts, stops, side="left") - np.searchsorted(stops, stops, side="left")
    enough = np.flatnonzero(present >= at_risk)
    return float(stops[enough[-1]]) if len(enough) else float("nan")
