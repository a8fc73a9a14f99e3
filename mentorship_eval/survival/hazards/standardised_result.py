"""What `adjusted_survival` returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import listing
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.intervals import critical_value, difference_estimate
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.curves.curve_intervals import curve_interval
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.standardised_support import Support
from mentorship_eval.survival.hazards.standardised_variance import CurveVariance

__all__ = ["AdjustedSurvival", "assemble"]

FEW_CLUSTERS = 8


@dataclass(frozen=True, kw_only=True)
class AdjustedSurvival(Shown):
    """Standardised survival by level of an exposure.

    table: level, time, survival, se, ci_low, ci_high, reason (why a value or interval is NaN).
    differences: level, against, time, difference, se, ci_low, ci_high, p, reason: survival at ``level`` less that at
        ``against``, the first level.
    estimates: the same as an `Estimate` for each (level, time); n: persons averaged over; n_events: of the fit;
    n_clusters: behind the intervals; since: the time from which the curves are conditional (None: the origin).
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    estimates: Mapping[tuple[object, float], Estimate]
    exposure: str
    levels: tuple[object, ...]
    n: int
    n_events: int
    n_clusters: int | None
    method: str
    since: float | None
    ci_level: float
    warnings: tuple[Caution, ...]

    @property
    def estimate(self) -> Estimate:
        """The difference of the second level from the first at the last time that has a value."""
        found = [one for (level, _), one in self.estimates.items() if level == self.levels[1]]
        known = [one for one in found if not math.isnan(one.value)]
        return (known or found)[-1]

    def statement(self) -> str:
        """Survival at each level at the last time with a value, and the difference."""
        known = self.table[self.table["survival"].notna()]
        if known.empty:
            return f"No adjusted survival at the times asked: {self.table['reason'].iloc[0]}."
        time = known["time"].max()
        parts = []
        for row in known[known["time"] == time].itertuples():
            limits = "" if math.isnan(row.ci_low) else f" ({self.ci_level * 100:g} % CI {row.ci_low:.3f} to {row.ci_high:.3f})"
            parts.append(f"{row.survival:.3f}{limits} with {self.exposure} {row.level}")
        since = "" if self.since is None else f" among those there at {self.since:g}"
        difference = self.estimates[(self.levels[1], time)]
        return (
            f"Adjusted survival to {format_number(time, 0)}{since}: {', '.join(parts)}; difference {difference.interval(3)}, "
            f"averaged over {self.n:,} persons ({self.method})."
        )


def assemble(
    fit: CoxResult, exposure: str, levels: tuple[object, ...], times: np.ndarray, survival: np.ndarray, found: CurveVariance,
    followed: Support, kind: str, since: float | None, persons: int,
) -> AdjustedSurvival:
    level = fit.ci_level
    df = None if found.clusters is None else float(found.clusters - 1)
    informative_df = None if found.informative is None else float(min(found.informative, found.clusters or 0) - 1)
    survival = np.where(followed.reason == "", survival, np.nan)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.maximum(np.einsum("aat->at", found.covariance), 0.0))
    method = "Standardised over persons from a Cox fit (g-formula); " + {
        "model": "delta method", "influence": "infinitesimal jackknife by " + ("row" if found.clusters is None else "cluster"),
        "jackknife": "leave-one-cluster-out jackknife",
    }[kind] + ("" if found.clusters is None else f", t on {found.clusters} clusters less 1")
    gone = () if fit._clusters is None else tuple(fit._clusters.labels[code] for code in found.lost)
    lost = f"no interval: without cluster {listing(gone)} there is no curve" if gone else ""
    frames, differences, estimates = [], [], {}
    for a, name in enumerate(levels):
        with np.errstate(invalid="ignore"):
            unknown = np.isnan(survival[a]) | (se[a] <= 0) | np.isnan(se[a]) | (df is not None and df < 1)
        error = np.where(unknown, np.nan, se[a])
        low, high = curve_interval(survival[a], error, critical_value(level, df if df is None or df >= 1 else 1.0), "log-log")
        reason = np.where(followed.reason != "", followed.reason, np.where(np.isnan(low), lost or "no interval before the first event", ""))
        frames.append(pd.DataFrame({
            "level": [name] * len(times), "time": times, "survival": survival[a], "se": error, "ci_low": low, "ci_high": high, "reason": reason,
        }))
        if a == 0:
            continue
        gap = survival[a] - survival[0]
        with np.errstate(invalid="ignore"):
            spread = np.sqrt(np.maximum(found.covariance[a, a] + found.covariance[0, 0] - 2 * found.covariance[a, 0], 0.0))
        spread = np.where(np.isnan(gap), np.nan, spread)
        for at, time in enumerate(times):
            one = difference_estimate(
                float(gap[at]), float(spread[at]), scale="survival difference", df=informative_df, ci_level=level, n=persons,
                n_events=fit.n_events, n_clusters=found.informative, method=method,
                estimand=f"survival to {time:g} with {exposure} {name} less that with {levels[0]}", warnings=followed.warnings,
            )
            estimates[(name, float(time))] = one
            why = followed.reason[at] or (lost or "no interval before the first event" if math.isnan(one.ci_low) else "")
            differences.append((name, levels[0], time, one.value, one.se, one.ci_low, one.ci_high, one.p_value, why))
    cautions = list(followed.warnings)
    if found.informative is not None and found.informative < FEW_CLUSTERS:
        text = f"Only {found.informative} clusters carry information about {exposure}; the intervals rest on few independent units."
        cautions.append(Caution("few_clusters", text, {"informative": found.informative}))
    names = ["level", "against", "time", "difference", "se", "ci_low", "ci_high", "p", "reason"]
    return AdjustedSurvival(
        table=pd.concat(frames, ignore_index=True), differences=pd.DataFrame(differences, columns=names), estimates=estimates,
        exposure=exposure, levels=levels, n=persons, n_events=fit.n_events, n_clusters=found.clusters, method=method,
        since=None if since is None else float(since), ci_level=level, warnings=tuple(cautions),
    )
