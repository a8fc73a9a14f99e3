"""Analyses of panels of counts: the default of the incidents chapter, its permutation test, and what others do with the same data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval import did
from mentorship_eval.inference.intervals import ratio_estimate
from validation.analyses import ANALYSES, LABELS, Found, of_estimate, only_p
from validation.rates_fits import DRAWS, Counted, RateFit
from validation.rates_watch import would_say
from validation.rates_worlds import COLUMNS

__all__ = ["ON_THE_RATE", "Linearised", "linearised"]

ON_THE_RATE = frozenset({"rates_linear", "rates_callaway", "rates_trend"})  # differences per 1,000 patient-days; log ratio per month


def _found(made: RateFit) -> Found:
    return of_estimate(made.result.irr, made.truth)


def default(who: Counted) -> Found:
    return replace(_found(who.default), said=" ".join(who.default.cautions()))


def reported(who: Counted) -> Found:
    """The same, with all that the report could say about these data."""
    made = who.reported
    joint = ["~pre_trend"] if made.result.pre_trend.p_value < 0.05 else []
    return replace(_found(made), said=" ".join([*made.cautions(), *would_say(who, made), *joint]))


def unguarded(who: Counted) -> Found:
    """The t interval that would be given if the number of treated and comparison departments were not looked at."""
    made = who.default
    irr = made.result.irr
    return of_estimate(ratio_estimate(made.value, irr.se, scale="rate ratio", df=irr.df), made.truth)


def pre_trend(who: Counted) -> Found:
    """The joint test of the ratios before go-live."""
    return only_p(who.reported.result.pre_trend.p_value)


def trend_before(who: Counted) -> Found:
    """The drift of the ratios before go-live, log ratio per month, with its interval; rejects no effect: the interval does not hold 0."""
    found, truth = who.reported.result.pre_trend, who.drawn.world.drift
    outside = not found.trend_low <= 0 <= found.trend_high
    p = float(not outside) if math.isfinite(found.trend_low) else math.nan
    return Found(found.trend, (found.trend_high - found.trend_low) / 4, found.trend_low, found.trend_high, p, truth)


def permutation(who: Counted) -> Found:
    made = who.default
    return Found(made.value, math.nan, math.nan, math.nan, made.result.permutation_p, made.truth)


def permutation_at_truth(who: Counted) -> Found:
    """Is the truth in the interval that the permutation test inverts to? Its limits are not looked for: all or nothing."""
    made, rows = who.default, who.rows
    days = np.where(who.untreated, 1.0, math.exp(made.truth)) * rows["patient_days"]
    kept = RateFit(who.drawn, rows.assign(patient_days=days), permutations=DRAWS).result.permutation_p > 0.05
    return Found(made.value, math.nan, -math.inf if kept else math.inf, math.inf, math.nan, made.truth)


def linearised(made: RateFit) -> tuple[float, float]:
    """SE of the log ratio: by influence functions summed over departments (CR1, factor G/(G-1)), and as if counts were Poisson."""
    cells: pd.DataFrame = made.result.cells
    i, t = (np.unique(cells[name], return_inverse=True)[1] for name in ("unit", "time"))
    units, months = i.max() + 1, t.max() + 1

    def spread(values: pd.Series, role: str) -> np.ndarray:
        out = np.zeros((units, months))
        out[i, t] = np.where(cells["role"] == role, values, 0.0)
        return out

    fitted, projected = spread(cells["expected"], "untreated"), spread(cells["expected"], "target")
    residual, events = spread(cells["observed"], "untreated") - fitted, spread(cells["observed"], "target")
    observed, expected = events.sum(), projected.sum()
    gradient = np.concatenate([projected.sum(axis=1), projected.sum(axis=0)]) / expected
    hessian = np.zeros((units + months, units + months))
    hessian[:units, units:] = fitted
    hessian += hessian.T
    hessian[np.diag_indices(units + months)] = np.concatenate([fitted.sum(axis=1), fitted.sum(axis=0)])
    direction = np.linalg.lstsq(hessian, gradient, rcond=1e-10)[0]
    own = (events - observed / expected * projected).sum(axis=1) / observed
    influence = own - residual.sum(axis=1) * direction[:units] - residual @ direction[units:]
    return math.sqrt(units / (units - 1) * float(influence @ influence)), math.sqrt(1 / observed + float(gradient @ direction))


class Linearised:
    """The default estimate with another standard error."""

    def __init__(self, which: int, *, t: bool) -> None:
        self.which, self.t = which, t

    def __call__(self, who: Counted) -> Found:
        made = who.default
        df = float(made.result.irr.n_clusters - 1) if self.t else None
        return of_estimate(ratio_estimate(made.value, linearised(made)[self.which], scale="rate ratio", df=df), made.truth)


def with_controls(number: int) -> Callable[[Counted], Found]:
    return lambda who: _found(RateFit(who.drawn, who.rows, min_controls=number))


def chosen_by_events(by: str, fewest: int) -> Callable[[Counted], Found]:
    """Leaves out months (or departments) with fewer than ``fewest`` events in their untreated cells: a choice by the counts."""

    def of(who: Counted) -> Found:
        events = (who.rows["events"] * who.untreated).groupby(who.rows[by]).transform("sum")
        return _found(RateFit(who.drawn, who.rows[events >= fewest].reset_index(drop=True)))

    return of


# ---- companions, each as the package offers it ----------------------------------------------


def two_way(variance: str) -> Callable[[Counted], Found]:
    return lambda who: of_estimate(did.twfe(who.rows, **COLUMNS, variance=variance).estimate, who.default.truth)


def _on_the_rate(who: Counted) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = who.rows.assign(rate=1000 * who.rows["events"] / who.rows["patient_days"])
    return rows, {"outcome": "rate", "weights": "patient_days", "unit": "dept_id", "time": "month", "adopted": "go_live"}


def linear(who: Counted) -> Found:
    rows, columns = _on_the_rate(who)
    return of_estimate(did.linear_imputation(rows, **columns, permutations=0).estimate, who.default.rate_truth)


def callaway(who: Counted) -> Found:
    rows, columns = _on_the_rate(who)
    fit = did.callaway_santanna(rows, **columns, weighting="varying", variance="jackknife")
    return of_estimate(fit.aggregate("simple").estimate, who.default.rate_truth)


_ANALYSES: dict[str, tuple[Callable[[Counted], Found], str]] = {
    "rates_default": (default, "Poisson imputation, jackknife (CR3) t (default)"),
    "rates_reported": (reported, "Poisson imputation, jackknife (CR3) t (default), with all that is said"),
    "rates_unguarded": (unguarded, "the same t interval, given whatever the number of comparison departments"),
    "rates_pre_trend": (pre_trend, "joint test of the ratios before go-live"),
    "rates_trend": (trend_before, "drift of the ratios before go-live, log ratio per month"),
    "rates_permutation": (permutation, f"its permutation test, {DRAWS} draws"),
    "rates_at_truth": (permutation_at_truth, f"the interval that the permutation test inverts to, {DRAWS} draws"),
    "rates_cr1_normal": (Linearised(0, t=False), "CR1, normal quantiles"),
    "rates_cr1_t": (Linearised(0, t=True), "CR1, t"),
    "rates_poisson_se": (Linearised(1, t=False), "as if counts were independent Poisson"),
    "rates_controls_1": (with_controls(1), "months with at least 1 control"),
    "rates_controls_2": (with_controls(2), "months with at least 2 controls (default)"),
    "rates_controls_3": (with_controls(3), "months with at least 3 controls"),
    "rates_controls_5": (with_controls(5), "months with at least 5 controls"),
    "rates_months_1": (chosen_by_events("month", 1), "2 controls; months without events in controls dropped"),
    "rates_months_3": (chosen_by_events("month", 3), "2 controls; months with fewer than 3 events in controls dropped"),
    "rates_departments_1": (chosen_by_events("dept_id", 1), "2 controls; departments without events before go-live dropped"),
    "rates_twfe_cr1": (two_way("CR1"), "two-way fixed effects (Poisson), CR1 t"),
    "rates_twfe_cr3": (two_way("CR3"), "two-way fixed effects (Poisson), CR3 t"),
    "rates_linear": (linear, "linear imputation on the rate, per 1,000 patient-days, jackknife t"),
    "rates_callaway": (callaway, "Callaway-Sant'Anna on the monthly rate, per 1,000 patient-days, jackknife t"),
}
ANALYSES.update({name: function for name, (function, _) in _ANALYSES.items()})  # type: ignore[misc]
LABELS.update({name: label for name, (_, label) in _ANALYSES.items()})
