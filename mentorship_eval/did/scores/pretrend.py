"""The test of trends before adoption of Borusyak, Jaravel & Spiess (2024): on untreated cells alone.

Outcomes of untreated cells are regressed on unit and period effects and indicators of the last few periods before
adoption; earlier untreated periods and units not adopting are the reference. Because treated cells play no part, the
test says nothing that depends on the estimate. It is never 'passed': beside it stands the drift that it would have found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import fdtrc, fdtri, ncfdtr

from mentorship_eval.did.counts.ratios import FEW_TREATED
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.intervals import Rows, interval_rows
from mentorship_eval.did.scores.leave_out import leave_out_steps
from mentorship_eval.did.scores.two_way import TwoWay, fit_two_way
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.inference.shown import Shown

__all__ = ["PreTrend", "pretrend_test"]

MOST_LEADS = 5
POWER = 0.8


@dataclass(frozen=True, kw_only=True)
class PreTrend(Shown):
    """statistic, df1, df2, p_value: joint F test of no differences before adoption, NaN where note says why; slope: drift per
    period, of adopters against the others, that the test finds at the 5 % level with a chance of 80 %; table: event_time, estimate, se,
    ci_low, ci_high, n_cells, n_units, note.
    """

    statistic: float
    df1: int
    df2: float
    p_value: float
    slope: float
    table: pd.DataFrame
    note: str

    def statement(self) -> str:
        """The test and its power in words; never a verdict."""
        if np.isnan(self.p_value):
            return f"Trends before adoption were not tested: {self.note}."
        return (
            f"Differences in the {self.df1} periods before adoption, against earlier untreated periods: F({self.df1}, {self.df2:g}) = "
            f"{format_number(self.statistic)}, {format_p(self.p_value)}; a steady drift of {format_number(self.slope)} per period would have "
            f"been found with a chance of {POWER:.0%}."
        )


def _fit(panel: Panel, targets: Targets, leads: np.ndarray) -> tuple[TwoWay, Panel]:
    """The regression with indicators (I, T, L) after the panel's covariates."""
    names = (*panel.covariate_names, *(f"lead {k + 1}" for k in range(leads.shape[2])))
    wider = replace(panel, covariates=np.concatenate([panel.covariates, leads], axis=2), covariate_names=names)
    return fit_two_way(panel.outcome, np.where(targets.untreated, panel.exposure, 0.0), wider.covariates, names), wider


def _leads(panel: Panel, targets: Targets, before: np.ndarray, periods: int) -> np.ndarray:
    return np.stack([targets.untreated & (before == k) for k in range(1, periods + 1)], axis=2).astype(float)


def _empty(note: str) -> tuple[PreTrend, Rows, np.ndarray]:
    columns = ["event_time", "estimate", "se", "ci_low", "ci_high", "n_cells", "n_units", "note"]
    none = PreTrend(statistic=np.nan, df1=0, df2=np.nan, p_value=np.nan, slope=np.nan, table=pd.DataFrame(columns=columns), note=note)
    nothing = np.zeros(0)
    return none, Rows(nothing, nothing, nothing, nothing, np.zeros(0, dtype=object), np.zeros((0, 0)), 0), nothing


def _slope(ncp_per_unit: float, df1: int, df2: float) -> float:
    """The drift at which the F test at 5 % has power `POWER`, from the noncentrality of a drift of 1."""
    critical, low, high = fdtri(df1, df2, 0.95), 0.0, 1.0
    while ncfdtr(df1, df2, high, critical) > 1 - POWER and high < 1e6:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if ncfdtr(df1, df2, middle, critical) > 1 - POWER else (low, middle)
    return float(np.sqrt(high / ncp_per_unit)) if ncp_per_unit > 0 else np.nan


def pretrend_test(
    panel: Panel, targets: Targets, informative: np.ndarray, *, periods: int | None, anticipation: int, variance: str, ci_level: float
) -> tuple[PreTrend, Rows, np.ndarray]:
    """The test, its rows and their event times.

    periods : before adoption (and before the anticipation window) to be tested; None for as many as are identified and held by two
    clusters, five at most. With the jackknife the joint test is Hotelling's, F(L, G-L) of (G-L)/(L(G-1)) times the Wald
    statistic; else the Wald statistic over L against F(L, G-1).
    """
    if periods is not None and (periods < 1 or periods != int(periods)):
        raise UsageError(f"pretrend_periods is {periods}.", fix="Give a number of periods, 1 or more, or None.")
    before = -anticipation - (panel.position[None, :] - panel.adopted[:, None])
    adopters = np.asarray(targets.target.any(axis=1))[:, None]
    before = np.where(adopters & np.isfinite(before), before, 0.0)
    found: tuple[TwoWay, Panel] | None = None
    for count in range(periods or MOST_LEADS, 0, -1):
        leads = _leads(panel, targets, before, count)
        held = [len(np.unique(panel.cluster[leads[:, :, k].any(axis=1)])) for k in range(count)]
        try:
            if min(held) < 2:
                raise EstimationError("A period before adoption is held by one cluster.")
            found = _fit(panel, targets, leads)
            break
        except EstimationError as error:
            if periods is not None:
                raise EstimationError(f"{periods} periods before adoption cannot be compared with earlier ones.",
                    fix="Give fewer pretrend_periods.") from error
    if found is None:
        return _empty("too few untreated periods before adoption")
    fit, wider = found
    first, width = len(fit.matrix) - count, panel.shape[1]
    value = fit.slope[len(panel.covariate_names):]
    number = len(panel.cluster_labels)
    steps = leave_out_steps(fit, panel.cluster, number)
    without = value + steps.change[:, first:]
    for c in np.flatnonzero(steps.broken):
        keep = panel.cluster != c
        try:
            rest = fit_two_way(panel.outcome[keep], fit.weights[keep], wider.covariates[keep], wider.covariate_names)
            without[c] = rest.slope[len(panel.covariate_names):]
        except EstimationError:
            pass
    by_cluster = np.zeros((number, len(fit.matrix)))
    np.add.at(by_cluster, panel.cluster, fit.scores)
    score = np.linalg.solve(fit.matrix, by_cluster.T).T[:, first:]
    n, groups = int(targets.untreated.sum()), int(informative.sum())
    used = width + len(fit.slope)
    score *= np.sqrt(groups / max(groups - 1, 1) * (n - 1) / (n - used)) if n > used else np.nan
    rows = interval_rows(value, without, score, np.array(held), informative, variance, ci_level)
    order = np.arange(count)[::-1]
    times = -anticipation - 1 - order
    rows = Rows(rows.value[order], rows.se[order], rows.ci_low[order], rows.ci_high[order], rows.note[order], rows.deviations[:, order], rows.df)

    table = pd.DataFrame({
        "event_time": times.astype(int), "estimate": rows.value, "se": rows.se, "ci_low": rows.ci_low, "ci_high": rows.ci_high,
        "n_cells": leads.sum(axis=(0, 1)).astype(int)[order], "n_units": leads.any(axis=1).sum(axis=0)[order], "note": rows.note,
    })
    test = PreTrend(statistic=np.nan, df1=count, df2=np.nan, p_value=np.nan, slope=np.nan, table=table, note="")
    jackknifed = variance == "jackknife"
    df2 = float(groups - count if jackknifed else groups - 1)
    if min(held) < FEW_TREATED:
        return replace(test, note=f"fewer than {FEW_TREATED} treated units or clusters"), rows, times
    if df2 < 1 or np.isnan(rows.se).any():
        return replace(test, note="too few clusters for that many periods"), rows, times
    spread = rows.deviations.T @ rows.deviations * ((groups - 1) / groups if jackknifed else 1.0)
    if np.linalg.cond(spread) > 1e12:
        return replace(test, note="the estimates before adoption do not vary freely"), rows, times
    factor = (groups - count) / (count * (groups - 1)) if jackknifed else 1 / count
    statistic = float(factor * rows.value @ np.linalg.solve(spread, rows.value))
    drift, _ = _fit(replace(panel, outcome=np.where(targets.untreated & adopters, -before, 0.0)), targets, leads)
    expected = drift.slope[len(panel.covariate_names):][order]
    slope = _slope(float(expected @ np.linalg.solve(spread, expected)), count, df2)
    return replace(test, statistic=statistic, df2=df2, p_value=float(fdtrc(count, df2, statistic)), slope=slope), rows, times
