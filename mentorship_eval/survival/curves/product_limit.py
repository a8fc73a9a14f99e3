"""Kaplan-Meier curves, with delayed entry, weights, clusters and conditional start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import case_weights, event_flags, interval_times, read_groups, require_columns
from mentorship_eval.survival.curves.curve_intervals import curve_interval, require_interval, time_to_level
from mentorship_eval.survival.curves.curve_steps import Rows, Steps, curve_steps
from mentorship_eval.survival.curves.influence_variance import curve_with_variances
from mentorship_eval.survival.lookup import look_up

__all__ = ["KaplanMeier", "kaplan_meier"]


@dataclass(frozen=True)
class KaplanMeier(Shown):
    """Kaplan-Meier curves by group.

    table: by, time, n_risk, n_event, n_censor, survival, se, ci_low, ci_high, one row per time at
        which a row of the data ends; counts are weighted. se is that of the survival; where the
        curve is at 0 it is NaN, for nothing is left to vary.
    since: the time from which the curve is conditional (None: unconditional).
    """

    table: pd.DataFrame
    method: str
    ci: str
    ci_level: float
    n: int
    n_events: float
    warnings: tuple[Caution, ...]
    since: float | None
    _rows: dict[object, Rows] = field(repr=False)
    _robust: bool = field(repr=False)

    @cached_property
    def _parts(self) -> dict[object, pd.DataFrame]:
        return dict(iter(self.table.groupby("by", sort=False)))

    def at(self, times: Sequence[float] | float) -> pd.DataFrame:
        """The curve at ``times``: the columns of ``table``, and ``reason`` where a value is NaN.

        n_risk is the number at risk just before the time, n_event and n_censor count up to and
        including it. Beyond the last time at risk, and before ``since``, there is no value.
        """
        return look_up(self.table, self._rows, times, {"survival": 1.0, "se": 0.0}, self.since, by=["by"])

    def quantile(self, p: float) -> pd.DataFrame:
        """Time by which a share ``p`` has had the event: by, p, time, ci_low, ci_high, reason.

        The interval holds the times whose pointwise interval covers 1 - p (Brookmeyer & Crowley 1982).
        """
        if not 0 < p < 1:
            raise UsageError(f"p is {p}, but a share lies between 0 and 1.", fix="Use 0.5 for the median.")
        found = []
        for label, part in self._parts.items():
            time = part["time"].to_numpy()
            middle, low, high = (time_to_level(time, part[name].to_numpy(), 1 - p) for name in ("survival", "ci_low", "ci_high"))
            least = part["survival"].min()
            reason = "" if middle == middle else f"not reached: survival is {least:.3f} when follow-up ends at {time[-1]:g}"
            found.append((label, p, middle, low, high, reason))
        return pd.DataFrame(found, columns=["by", "p", "time", "ci_low", "ci_high", "reason"])

    def median(self) -> pd.DataFrame:
        """Median time by group: by, n, n_event, median, ci_low, ci_high, reason (``not reached``)."""
        frame = self.quantile(0.5).rename(columns={"time": "median"}).drop(columns="p")
        frame.insert(1, "n", [len(self._rows[label].stop) for label in frame["by"]])
        frame.insert(2, "n_event", [float(part["n_event"].sum()) for part in self._parts.values()])
        return frame

    def from_time(self, a: float) -> KaplanMeier:
        """Survival among those without the event before ``a``: S(t | T >= a), events at ``a`` included."""
        if not np.isfinite(a):
            raise UsageError(f"from_time needs a finite time, not {a}.")
        kept = {label: rows.where(rows.stop >= a) for label, rows in self._rows.items()}
        ended = [label for label, rows in kept.items() if not len(rows.stop)]
        if ended:
            raise EstimationError(f"Nobody is followed at {a:g} in {listing(ended)}.", fix="Choose an earlier time.")
        return _curves(kept, self.ci, self.ci_level, self._robust, since=float(a))

    def statement(self) -> str:
        """Median with its interval for every group, or where survival stood when follow-up ended."""
        parts = []
        given = "" if self.since is None else f" (among those without the event before {self.since:g})"
        for row in self.median().itertuples():
            name = "Median survival time" + ("" if row.by == "all" else f", {row.by}") + given
            if row.reason:
                parts.append(f"{name}: {row.reason}.")
            else:
                low = format_number(row.ci_low)
                high = "not reached" if row.ci_high != row.ci_high else format_number(row.ci_high)
                parts.append(f"{name}: {format_number(row.median)} ({self.ci_level * 100:g} % CI {low} to {high}).")
        return " ".join(parts)


def kaplan_meier(
    data: pd.DataFrame, *, stop: str, event: str, start: str | None = None, by: str | None = None, weights: str | None = None,
    cluster: str | None = None, ci: str = "log-log", ci_level: float = 0.95,
) -> KaplanMeier:
    """Kaplan-Meier curves of rows (start, stop], by group.

    Parameters
    ----------
    stop, event, start, weights : as in `cox`. With ``start`` the early risk sets may be small: a
        curve that falls to 0 because everybody at risk had the event stays there, and
        ``.from_time(a)`` gives the conditional curve from a time with enough people at risk.
    by : column of groups, None for one curve (labelled ``all``).
    cluster : column of independent units. The standard error is then the infinitesimal jackknife
        by cluster, and intervals are t on (clusters of the group - 1); with weights that are not
        whole numbers it is the infinitesimal jackknife by row; otherwise Greenwood's.
    ci : "log-log", "log" or "plain".

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, no events at all.
    """
    require_interval(ci)
    critical_value(ci_level)
    require_columns(data, [column for column in (stop, event, start, by, weights, cluster) if column is not None])
    begins, ends = interval_times(data, start, stop)
    happened = event_flags(data, event)
    weight = case_weights(data, weights)
    groups = read_groups(data, by)
    clusters = None if cluster is None else read_groups(data, cluster).codes
    everything = Rows(begins, ends, np.where(happened, 0, -1), weight, clusters)
    rows = {label: everything.where((groups.codes == code) & (weight > 0)) for code, label in enumerate(groups.labels)}
    empty = [label for label, part in rows.items() if not len(part.stop)]
    if empty:
        raise EstimationError(f"All weights are 0 in {listing(empty)}.", fix="Check how the weights were made.")
    robust = cluster is not None or bool((weight != np.round(weight)).any())
    return _curves(rows, ci, ci_level, robust, since=None)


def _curves(rows: dict[object, Rows], ci: str, ci_level: float, robust: bool, since: float | None) -> KaplanMeier:
    frames, cautions, clustered = [], [], False
    for label, part in rows.items():
        steps = curve_with_variances(part, 1) if robust else curve_steps(part, 1)
        clustered = part.cluster is not None
        df = float(steps.clusters - 1) if clustered else None
        frames.append(_frame(label, steps, ci, ci_level, df))
        emptied = np.flatnonzero(steps.survival == 0)
        if len(emptied) and emptied[0] < len(steps.time) - 1:
            when = float(steps.time[emptied[0]])
            text = f"The curve of {label} falls to 0 at {when:g}, when everybody then at risk had the event, though others enter later."
            cautions.append(Caution("risk_set_emptied", text + " Use from_time() for a conditional curve.", {"by": label, "time": when}))
        if df is not None and df < 7:
            text = f"Only {steps.clusters} clusters in {label}; the intervals rest on few independent units."
            cautions.append(Caution("few_clusters", text, {"by": label, "clusters": steps.clusters}))
    kind = "infinitesimal jackknife by cluster, t" if clustered else "infinitesimal jackknife by row, z" if robust else "Greenwood, z"
    table = pd.concat(frames, ignore_index=True)
    return KaplanMeier(
        table, f"Kaplan-Meier; {kind}; {ci} interval", ci, ci_level, sum(len(part.stop) for part in rows.values()),
        float(table["n_event"].sum()), tuple(cautions), since, rows, robust,
    )


def _frame(label: object, steps: Steps, ci: str, ci_level: float, df: float | None) -> pd.DataFrame:
    alive = steps.survival > 0
    variance = steps.survival**2 * np.where(alive, steps.greenwood, 0.0) if steps.var_survival is None else steps.var_survival
    se = np.where(alive, np.sqrt(variance), np.nan)
    if df is not None and df < 1:
        se = np.full_like(se, np.nan)
        critical = np.nan
    else:
        critical = critical_value(ci_level, df)
    low, high = curve_interval(steps.survival, se, critical, ci)
    return pd.DataFrame({
        "by": [label] * len(steps.time), "time": steps.time, "n_risk": steps.n_risk, "n_event": steps.n_event[0],
        "n_censor": steps.n_censor, "survival": steps.survival, "se": se, "ci_low": low, "ci_high": high,
    })
