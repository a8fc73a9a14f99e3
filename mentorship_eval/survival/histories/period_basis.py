"""Functions of time for models in discrete time: linear, quadratic, or a restricted cubic spline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PeriodBasis", "period_basis"]

QUANTILES = (0.05, 0.35, 0.65, 0.95)  # of the event times, for four knots (Harrell 2015, Regression Modeling Strategies, table 2.3)


@dataclass(frozen=True)
class PeriodBasis:
    """kind: "none", "linear", "quadratic" or "spline"; knots: of the spline, in periods; names: of the columns."""

    kind: str
    knots: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        count = {"none": 0, "linear": 1, "quadratic": 2, "spline": max(len(self.knots) - 1, 1)}[self.kind]
        return tuple(f"period({j + 1})" for j in range(count))

    def columns(self, period: np.ndarray) -> np.ndarray:
        """(q, n) values at ``period`` (n,); linear beyond the outer knots."""
        t = np.asarray(period, dtype=float)
        if self.kind == "none":
            return np.zeros((0, len(t)))
        if self.kind == "linear":
            return t[np.newaxis].copy()
        if self.kind == "quadratic":
            return np.array([t, t**2])
        k = np.array(self.knots)
        last, before, span = k[-1], k[-2], k[-1] - k[-2]
        rows = [t]
        for knot in k[:-2]:
            term = _cube(t - knot) - _cube(t - before) * (last - knot) / span + _cube(t - last) * (before - knot) / span
            rows.append(term / (last - k[0]) ** 2)
        return np.array(rows)


def _cube(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0) ** 3


def period_basis(kind: str, periods: np.ndarray, at_events: np.ndarray) -> PeriodBasis:
    """The basis of ``kind`` for rows in ``periods``; a spline has its knots at quantiles of the periods ``at_events``,
    and becomes a line where those are too few."""
    if len(np.unique(periods)) < 2:
        return PeriodBasis("none")
    if kind != "spline":
        return PeriodBasis("linear" if kind == "quadratic" and len(np.unique(periods)) < 3 else kind)
    knots = np.unique(np.quantile(at_events, QUANTILES)) if len(at_events) else np.zeros(0)
    if len(knots) < 3:
        return PeriodBasis("linear")
    return PeriodBasis("spline", tuple(float(knot) for knot in knots))
