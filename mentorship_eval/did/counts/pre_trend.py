"""The placebo ratios before adoption judged together, and what could have been found before adoption.

The statistic is the largest |t| among the ratios before adoption; its distribution is drawn with the jackknife's
covariance and standard errors as unsteady as so many clusters, with such shares in each ratio, make them (`inference.simultaneous`; no inverse
is needed: more periods than clusters do no harm). Against a steady drift a test of many periods at once has next to no power, so that
the drift itself is estimated too, with its interval (`drift_before`). Finding nothing says little where little could be found (Roth 2022,
AER: Insights 4:305-322): beside the interval stands the smallest drift that it would tell from none with a power of 80 %, and the ratio
that this drift alone would feign after adoption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.did.counts.drift import Drift
from mentorship_eval.did.counts.groups import Waves, by_code, used_blocks
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.ratios import RatioRows
from mentorship_eval.did.counts.replicates import full_sums
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.shown import Shown
from mentorship_eval.inference.simultaneous import joint_test

__all__ = ["PreTrend", "feigned_by_drift", "pre_trend"]

POWER = 0.8
# a drift this small per period is in the linear range of the ratio, and 1e6 times the error of a fit
SMALL_DRIFT = 1e-4


def _percent(trend: float) -> str:
    return f"{format_number(100 * np.expm1(trend), 1)} %"


@dataclass(frozen=True)
class PreTrend(Shown):
    """n_periods: ratios before adoption that have an interval; statistic: the largest |t| among them; p_value: joint;
    level: of the test; trend, trend_low, trend_high: the drift of units that adopt before they do (log ratio per period) with its interval at
    1 - level, t(G-1); power; detectable: the smallest drift whose interval leaves out 0 with that power; feigned_ratio: the rate
    ratio that such a drift alone, going on after adoption, would show; note: why a figure is missing.
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
                f" Before adoption the rate of the units that adopt drifted by {_percent(self.trend)} per period against that of the others "
                f"({100 * (1 - self.level):g} % CI {_percent(self.trend_low)} to {_percent(self.trend_high)}). With a power of about "
                f"{self.power:.0%} such an interval tells a drift of {_percent(self.detectable)} per period or more from none; such a drift "
                f"alone, going on after adoption, would show a rate ratio of {format_number(self.feigned_ratio)}."
            )
        return f"{text} {self.note}".rstrip() + (
            " A quiet pre-period does not show that trends would have stayed parallel; it only fails to show that they were not."
        )


def feigned_by_drift(panel: Panel, waves: Waves, untreated: np.ndarray, cells: np.ndarray, fit: Imputation) -> float:
    """What a drift of 1 a period of the units that adopt does to the log ratio over ``cells`` when ``untreated`` (I, T) are fitted; NaN where
    it is not known. From fitted means in place of counts.
    """
    adopts = np.isfinite(panel.adopted)
    since = np.where(adopts[:, None], panel.position[None, :] - np.where(adopts, panel.adopted, 0.0)[:, None], 0.0)
    expected = np.where(np.isfinite(fit.expected), fit.expected, 0.0)
    drifting = replace(panel, outcome=expected * np.exp(SMALL_DRIFT * since))
    try:
        again = impute(drifting, untreated, start=fit.period, slope=fit.slope)
    except EstimationError:
        return np.nan
    group = [by_code(np.zeros(waves.since.shape), used_blocks(waves, cells))]
    return float(full_sums(drifting, waves, again.expected, cells, group)[0].log_ratio[0, 0]) / SMALL_DRIFT


def pre_trend(rows: RatioRows, shares: np.ndarray, drift: Drift | None, feigned: float, df: int, ci_level: float) -> PreTrend:
    """Judge the ratios before adoption ``rows`` (K,) together.

    shares (G, K): of each cluster in each ratio; drift: of `drift_before`; feigned: by how much a drift of 1 moves the log estimate
    (`feigned_by_drift`).
    """
    seen = (np.nan, np.nan, np.nan) if drift is None else (drift.value, drift.low, drift.high)
    nothing = PreTrend(0, np.nan, np.nan, 1 - ci_level, POWER, np.nan, np.nan, *seen, "")
    shown = (rows.note == "") & (rows.se > 0)
    if not len(shown):
        return replace(nothing, note="no period before adoption can be left out and expected from the others")
    if not shown.any() or df < 1:
        return replace(nothing, note="none of them has an interval")
    joint = joint_test(np.log(rows.ratio[shown]), rows.se[shown], rows.deviations[:, shown], shares[:, shown])
    found = replace(nothing, n_periods=joint.n_estimates, statistic=joint.statistic, p_value=joint.p_value)
    if drift is None:
        return replace(found, note="Every unit adopts, so that a drift of all of them cannot be told from the periods.")
    if not np.isfinite(drift.low):
        return replace(found, note="The drift of the units that adopt has no interval: it does not exist without one of the units or clusters.")
    # the quantile of t at ``POWER`` is that of a two-sided interval at 2 POWER - 1
    least = (critical_value(ci_level, df) + critical_value(2 * POWER - 1, df)) * drift.se
    return replace(found, detectable=least, feigned_ratio=float(np.exp(least * feigned)))
