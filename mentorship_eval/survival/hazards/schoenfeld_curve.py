"""How a coefficient changes over time: scaled Schoenfeld residuals and their smooth, with a band.

The smooth is an ordinary least-squares fit of a natural cubic spline to coefficient + scaled
residual; the band takes their variance as constant over time (Grambsch & Therneau 1994, Biometrika
81:515-526; Therneau & Grambsch 2000, section 6.2). R's plot of cox.zph draws the same curve, its
band with the factor 2 where this one has the critical value of ``ci_level``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.survival.hazards.ph_test import transformed_times
from mentorship_eval.survival.hazards.residuals import contrasts_by_stratum, schoenfeld

if TYPE_CHECKING:
    from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.inference.shown import Shown

__all__ = ["SchoenfeldCurve", "schoenfeld_curve"]


@dataclass(frozen=True, kw_only=True)
class SchoenfeldCurve(Shown):
    """table: time, transformed_time, smooth, ci_low, ci_high, on a grid even in transformed time; smooth is a
    log hazard ratio. points: row, stratum, time, transformed_time, value, one per event (events of strata in
    which the covariate does not vary say nothing of it and are left out). coef: the fitted constant
    log hazard ratio; df: of the spline."""

    table: pd.DataFrame
    points: pd.DataFrame
    term: str
    transform: str
    coef: float
    df: int
    ci_level: float

    def statement(self) -> str:
        first, last = self.table.iloc[0], self.table.iloc[-1]
        return (
            f"Smoothed log hazard ratio of {self.term} over time ({self.transform} scale, {len(self.points):,} events): "
            f"{first['smooth']:.2f} ({self.ci_level * 100:g} % band {first['ci_low']:.2f} to {first['ci_high']:.2f}) at {first['time']:g}, "
            f"{last['smooth']:.2f} ({last['ci_low']:.2f} to {last['ci_high']:.2f}) at {last['time']:g}; constant estimate {self.coef:.2f}."
        )


def natural_spline(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """(n, K) basis of the natural cubic splines with ``knots`` (K,), boundary ones included (linear beyond)."""
    last, before = knots[-1], knots[-2]

    def curved(knot: float) -> np.ndarray:
        return (np.maximum(values - knot, 0.0) ** 3 - np.maximum(values - last, 0.0) ** 3) / (last - knot)

    columns = [np.ones_like(values), values]
    columns += [curved(knot) - curved(before) for knot in knots[:-2]]
    return np.column_stack(columns)


def schoenfeld_curve(result: CoxResult, term: str, transform: str = "km", df: int = 4, points: int = 40) -> SchoenfeldCurve:
    """The curve behind `CoxResult.schoenfeld_curve`."""
    terms = result._design.terms
    if term not in terms:
        raise UsageError(f"The model has no term {term!r}.", fix=f"Its terms are {listing(terms, 12)}.")
    if int(df) != df or df < 2:
        raise UsageError(f"df is {df}; a natural spline has at least 2 degrees of freedom.", fix="Use 4.")
    if points < 2:
        raise UsageError(f"points is {points}; a curve needs at least 2.", fix="Use 40.")
    likelihood, j = result._fit.likelihood, terms.index(term)
    sets = likelihood.sets
    g = transformed_times(transform, sets.times, result._start, result._stop, result._event)
    contrast = contrasts_by_stratum(likelihood)
    values, variance, used = _scaled(likelihood.information(), schoenfeld(likelihood), contrast, sets.stratum[sets.at], j)
    rows = sets.rows[sets.dead]
    place = sets.at
    order = np.lexsort((rows, place))
    order = order[used[order]]
    at = place[order]
    coef = float(result._fit.coef[j] / result._scale[j])
    value, x = coef + values[order] / result._scale[j], g[at]
    if len(np.unique(x)) < df + 1:
        raise EstimationError(
            f"Only {len(np.unique(x))} distinct event times inform on {term!r}: too few for a spline with {df} degrees of freedom.",
            fix="Use a smaller df.",
        )
    grid = np.linspace(x.min(), x.max(), points)
    low, high = grid[0], grid[-1]
    unit, unit_grid = (x - low) / (high - low), (grid - low) / (high - low)
    # R places the knots by quantiles of the grid and the events together
    knots = np.quantile(np.concatenate((unit_grid, unit)), np.linspace(0, 1, df))
    if (np.diff(knots) <= 0).any():
        raise EstimationError(f"The event times of {term!r} are too tied for {df} degrees of freedom.", fix="Use a smaller df.")
    orthogonal, triangle = np.linalg.qr(natural_spline(unit, knots))
    weights = np.linalg.solve(triangle.T, natural_spline(unit_grid, knots).T).T
    smooth = weights @ (orthogonal.T @ value)
    half = critical_value(result.ci_level) * np.sqrt(variance) / result._scale[j] * np.sqrt((weights**2).sum(axis=1))
    by_g, where = np.unique(g, return_index=True)
    time = np.exp(grid) if transform == "log" else np.interp(grid, by_g, sets.times[where])
    table = pd.DataFrame({"time": time, "transformed_time": grid, "smooth": smooth, "ci_low": smooth - half, "ci_high": smooth + half})
    shown = pd.DataFrame({
        "row": result._index[rows[order]], "stratum": [result._strata.labels[code] for code in sets.stratum[at]], "time": sets.times[at],
        "transformed_time": x, "value": value,
    })
    return SchoenfeldCurve(
        table=table, points=shown, term=term, transform=transform, coef=coef, df=int(df), ci_level=result.ci_level,
    )


def _scaled(
    information: np.ndarray, residuals: np.ndarray, contrast: np.ndarray, stratum: np.ndarray, j: int
) -> tuple[np.ndarray, float, np.ndarray]:
    """Scaled residuals of coefficient ``j``, the variance of one, and the events that count for it.

    The mean information per event is taken over the strata in which both covariates vary; a stratum without
    contrast in some covariates scales with the others alone.
    """
    events = np.bincount(stratum, minlength=contrast.shape[1])
    used = contrast * events
    both = np.minimum(used[:, np.newaxis], used[np.newaxis]).sum(axis=2)
    mean = information / np.where(both == 0, 1, both)
    scaled = np.zeros(residuals.shape[1])
    for pattern in np.unique(contrast[:, events > 0], axis=1).T:
        if not pattern[j]:
            continue
        kept = np.flatnonzero(pattern)
        here = (contrast == pattern[:, np.newaxis]).all(axis=0)[stratum]
        place = int(np.flatnonzero(kept == j)[0])
        scaled[here] = np.linalg.solve(mean[np.ix_(kept, kept)], residuals[np.ix_(kept, np.flatnonzero(here))])[place]
    return scaled, float(np.linalg.inv(mean)[j, j]), contrast[j, stratum]
