"""The placebo ratios before adoption judged together, and what that judgement could have found.

The statistic is the largest |t| among the ratios before adoption; its distribution is drawn with the jackknife's
covariance and standard errors as unsteady as so many clusters make them (no inverse is needed: more periods than clusters do no harm).
A test that finds nothing says little where it has little power (Roth 2022, AER: Insights 4:305-322):
beside the p-value stands the smallest linear trend, in log ratio per period among units that adopt, which
it would find with a power of 80 %, and the ratio that this trend alone would feign after adoption. A test of many
periods at once has little power against a trend, so that the trend itself is estimated too, with its interval: the
placebo ratios regressed on what a trend of 1 would make of them, weighted by their precision, with the jackknife.
The power is that of small trends, with the standard errors of the data at hand and what the trend adds to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.groups import Waves, by_code, used_blocks
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.ratios import RatioRows
from mentorship_eval.did.counts.replicates import full_sums, leave_one_out
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.simultaneous import DRAWS, joint_draws

__all__ = ["PreTrend", "Shift", "pre_trend", "shift_by_trend"]

POWER = 0.8
FOR_POWER = 4_000  # of the draws
# a trend this small per period is in the linear range of every ratio, and 1e6 times the error of a fit
SMALL_TREND = 1e-4


def _percent(trend: float) -> str:
    return f"{format_number(100 * np.expm1(trend), 1)} %"


@dataclass(frozen=True)
class PreTrend:
    """n_periods: ratios before adoption that have an interval; statistic: the largest |t| among them; p_value: joint;
    level: of the test; power; detectable: the smallest trend (log ratio per period) found with that power; feigned_ratio: the rate
    ratio that such a trend alone, going on after adoption, would show; trend, trend_low, trend_high: the trend of the periods
    before adoption (log ratio per period) with its interval at 1 - level, t(G-1); note: why a figure is missing.
    """

    n_periods: int
    statistic: float
    p_value: float
    level: float
    power: float
    detectable: float
    feigned_ratio: float
    trend: float
    trend_low: float
    trend_high: float
    note: str

    def statement(self) -> str:
        """What was tested, and what could have been found; no verdict on the trends."""
        if not self.n_periods:
            return f"No joint test of the ratios before adoption: {self.note}."
        text = f"Joint test of the {self.n_periods} ratios before adoption (largest |t| {format_number(self.statistic)}): {format_p(self.p_value)}."
        if np.isfinite(self.detectable):
            text += (
                f" The ratios drift by {_percent(self.trend)} per period ({100 * (1 - self.level):g} % CI {_percent(self.trend_low)} to "
                f"{_percent(self.trend_high)}). With a power of about {self.power:.0%} it finds a trend of {_percent(self.detectable)} per period "
                f"or more; such a trend alone, going on after adoption, would show a rate ratio of {format_number(self.feigned_ratio)}."
            )
        return f"{text} {self.note}".rstrip() + (
            " A quiet pre-period does not show that trends would have stayed parallel; it only fails to show that they were not."
        )


def _trended(panel: Panel, expected: np.ndarray, trend: float) -> np.ndarray:
    """Expected counts (I, T) of a panel whose adopting units drift by ``trend`` (log ratio per period); 0 where nothing is expected."""
    adopts = np.isfinite(panel.adopted)
    since = np.where(adopts[:, None], panel.position[None, :] - np.where(adopts, panel.adopted, 0.0)[:, None], 0.0)
    return np.where(np.isfinite(expected), expected, 0.0) * np.exp(trend * since)


@dataclass(frozen=True)
class Shift:
    """By how much a trend of 1 a period moves a log ratio, and each leave-one-out log ratio against it, (G,); NaN where unknown."""

    value: float
    deviations: np.ndarray


def shift_by_trend(
    panel: Panel, waves: Waves, untreated: np.ndarray, cells: np.ndarray, fit: Imputation, *, jackknife: bool, trend: float = SMALL_TREND
) -> Shift:
    """What such a trend does to the log ratio over ``cells`` when ``untreated`` (I, T) are fitted, from fitted means in place of counts."""
    unknown = np.full(len(panel.cluster_labels), np.nan)
    drifting = replace(panel, outcome=_trended(panel, fit.expected, trend))
    try:
        again = impute(drifting, untreated, start=fit.period, slope=fit.slope)
    except EstimationError:
        return Shift(np.nan, unknown)
    group = [by_code(np.zeros(waves.since.shape), used_blocks(waves, cells))]
    value = float(full_sums(drifting, waves, again.expected, cells, group)[0].log_ratio[0, 0])
    if jackknife:
        unknown = leave_one_out(drifting, waves, untreated, cells, group, again)[0].log_ratio[:, 0]
    return Shift(value / trend, (unknown - value) / trend)


def _detectable(noise: np.ndarray, spread: np.ndarray, critical: float, shifts: np.ndarray, wider: np.ndarray) -> float:
    """The trend at which ``POWER`` of the draws exceed ``critical``; shifts (K,): what a trend of 1 adds to each log ratio,
    wider (K,): by which factor it widens the standard error, as the root of 1 + wider * trend^2.
    """
    noise, spread = noise[:FOR_POWER], spread[:FOR_POWER]

    def power(trend: float) -> float:
        return float((np.abs(noise + trend * shifts) > critical * spread * np.sqrt(1 + wider * trend**2)).any(axis=1).mean())

    low, high = 0.0, float((spread.mean(axis=0) / np.maximum(np.abs(shifts), 1e-12)).min())
    farthest = 64 * high
    while power(high) < POWER:
        low, high = high, 2 * high
        if high > farthest:
            return np.nan
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle) < POWER else (low, middle)
    return (low + high) / 2


def pre_trend(
    rows: RatioRows, shifts: np.ndarray, by_cluster: np.ndarray, feigned: float, df: int, ci_level: float
) -> PreTrend:
    """Judge the ratios before adoption ``rows`` (K,) together.

    shifts (K,), by_cluster (G, K) and feigned: by how much a trend of 1 moves the log ratios, their leave-one-out deviations (which
    a trend widens, because clusters that adopt and others then differ), and the estimate itself (`shift_by_trend`).
    """
    nothing = PreTrend(0, np.nan, np.nan, 1 - ci_level, POWER, np.nan, np.nan, np.nan, np.nan, np.nan, "")
    shown = (rows.note == "") & (rows.se > 0)
    if not len(shown):
        return replace(nothing, note="no period before adoption can be left out and expected from the others")
    if not shown.any() or df < 1:
        return replace(nothing, note="none of them has an interval")
    noise, spread = joint_draws(rows.deviations[:, shown])
    statistic = float(np.abs(np.log(rows.ratio[shown]) / rows.se[shown]).max())
    largest = (np.abs(noise) / np.maximum(spread, 1e-300)).max(axis=1)
    p = (1 + int((largest >= statistic).sum())) / (1 + DRAWS)
    found = replace(nothing, n_periods=int(shown.sum()), statistic=statistic, p_value=p)
    pushes = np.where(np.isfinite(shifts), shifts, 0.0)[shown]
    if not (np.abs(pushes) > 1e-3).any():
        return replace(found, note="Every unit adopts, so that a trend of all of them cannot be told from the periods.")
    known = np.where(np.isfinite(by_cluster[:, shown]), by_cluster[:, shown], 0.0)
    wider = (known**2).sum(axis=0) / (rows.deviations[:, shown] ** 2).sum(axis=0)
    trend = _detectable(noise, spread, float(np.quantile(largest, ci_level)), pushes, wider)
    weights = pushes / rows.se[shown] ** 2
    weights /= weights @ pushes
    slope = float(weights @ np.log(rows.ratio[shown]))
    drift = rows.deviations[:, shown] @ weights
    half = critical_value(ci_level, df) * float(np.sqrt((len(drift) - 1) / len(drift) * (drift @ drift)))
    return replace(
        found, detectable=trend, feigned_ratio=float(np.exp(trend * feigned)), trend=slope, trend_low=slope - half, trend_high=slope + half,
    )
