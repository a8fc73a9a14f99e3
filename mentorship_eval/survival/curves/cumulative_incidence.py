"""Cumulative incidence of competing events (Aalen-Johansen), with delayed entry and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.causes import read_causes
from mentorship_eval.survival.columns import case_weights, interval_times, read_groups, require_columns
from mentorship_eval.survival.curves.curve_intervals import curve_interval, require_interval
from mentorship_eval.survival.curves.curve_steps import Rows, Steps
from mentorship_eval.survival.curves.influence_variance import curve_with_variances
from mentorship_eval.survival.lookup import look_up

__all__ = ["AalenJohansen", "aalen_johansen"]


@dataclass(frozen=True)
class AalenJohansen(Shown):
    """Cumulative incidence by group and cause.

    table: by, cause, time, n_risk, n_event, cif, se, ci_low, ci_high.
    event_free: by, time, n_risk, probability, se, ci_low, ci_high: that of no event of any cause,
        1 minus the sum of the incidences (for exits from a job: still employed).
    since: the time from which the curves are conditional (None: unconditional).
    """

    table: pd.DataFrame
    event_free: pd.DataFrame
    causes: tuple[object, ...]
    method: str
    ci: str
    ci_level: float
    n: int
    warnings: tuple[Caution, ...]
    since: float | None
    _rows: dict[object, Rows] = field(repr=False)

    def at(self, times: Sequence[float] | float) -> pd.DataFrame:
        """The incidences at ``times``: the columns of ``table``, and ``reason`` where a value is NaN.

        n_risk is the number at risk just before the time, n_event counts up to and including it.
        """
        return look_up(self.table, self._rows, times, {"cif": 0.0, "se": 0.0}, self.since, by=["by", "cause"])

    def event_free_at(self, times: Sequence[float] | float) -> pd.DataFrame:
        """``event_free`` at ``times``, with ``reason`` where a value is NaN."""
        return look_up(self.event_free, self._rows, times, {"probability": 1.0, "se": 0.0}, self.since, by=["by"])

    def from_time(self, a: float) -> AalenJohansen:
        """Incidences among those without any event before ``a`` (events at ``a`` included)."""
        if not np.isfinite(a):
            raise UsageError(f"from_time needs a finite time, not {a}.")
        kept = {label: rows.where(rows.stop >= a) for label, rows in self._rows.items()}
        ended = [label for label, rows in kept.items() if not len(rows.stop)]
        if ended:
            raise EstimationError(f"Nobody is followed at {a:g} in {listing(ended)}.", fix="Choose an earlier time.")
        return _curves(kept, self.causes, self.ci, self.ci_level, since=float(a))

    def statement(self) -> str:
        """Each cause's incidence with its interval where follow-up ends, by group."""
        parts = []
        for (label, cause), part in self.table.groupby(["by", "cause"], sort=False):
            last = part.iloc[-1]
            who = "" if label == "all" else f", {label}"
            limits = f" ({self.ci_level * 100:g} % CI {format_number(last.ci_low)} to {format_number(last.ci_high)})"
            limits = "; no interval is given" if np.isnan(last.ci_low) else limits
            given = "" if self.since is None else f" (among those without any event before {self.since:g})"
            parts.append(f"Cumulative incidence of {cause}{who} by {last.time:g}{given}: {format_number(last.cif)}{limits}.")
        return " ".join(parts)


def aalen_johansen(
    data: pd.DataFrame, *, stop: str, cause: str, start: str | None = None, by: str | None = None, weights: str | None = None,
    cluster: str | None = None, ci: str = "log", ci_level: float = 0.95,
) -> AalenJohansen:
    """Aalen-Johansen cumulative incidence of rows (start, stop], by group and cause.

    Parameters
    ----------
    stop, start, weights : as in `cox`.
    cause : column of causes; 0, False, "" and missing mean censored.
    by : column of groups, None for one (labelled ``all``).
    cluster : column of independent units: a person with several rows, or a department. The
        standard error is the infinitesimal jackknife, by row without it (z), by cluster with it
        (t on the clusters of the group - 1).
    ci : "log" (default), "log-log" or "plain", on the incidence.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, no events at all.
    """
    require_interval(ci)
    critical_value(ci_level)
    require_columns(data, [column for column in (stop, start, by, weights, cluster) if column is not None])
    begins, ends = interval_times(data, start, stop)
    codes, causes = read_causes(data, cause)
    weight = case_weights(data, weights)
    groups = read_groups(data, by)
    clusters = None if cluster is None else read_groups(data, cluster).codes
    everything = Rows(begins, ends, codes, weight, clusters)
    rows = {label: everything.where((groups.codes == code) & (weight > 0)) for code, label in enumerate(groups.labels)}
    empty = [label for label, part in rows.items() if not len(part.stop)]
    if empty:
        raise EstimationError(f"All weights are 0 in {listing(empty)}.", fix="Check how the weights were made.")
    return _curves(rows, causes, ci, ci_level, since=None)


def _curves(rows: dict[object, Rows], causes: tuple[object, ...], ci: str, ci_level: float, since: float | None) -> AalenJohansen:
    tables, free, cautions, clustered = [], [], [], False
    for label, part in rows.items():
        steps = curve_with_variances(part, len(causes))
        clustered = part.cluster is not None
        df = float(steps.clusters - 1) if clustered else None
        critical = float("nan") if df is not None and df < 1 else critical_value(ci_level, df)
        tables += [_frame(label, cause, c, steps, critical, ci) for c, cause in enumerate(causes)]
        free.append(_event_free(label, steps, critical, ci))
        emptied = np.flatnonzero(steps.survival == 0)
        if len(emptied) and emptied[0] < len(steps.time) - 1:
            when = float(steps.time[emptied[0]])
            text = f"In {label} everybody at risk had an event at {when:g}, though others enter later; the curves stand still from there."
            cautions.append(Caution("risk_set_emptied", text + " Use from_time() for conditional curves.", {"by": label, "time": when}))
    method = f"Aalen-Johansen; infinitesimal jackknife by {'cluster, t' if clustered else 'row, z'}; {ci} interval"
    return AalenJohansen(
        pd.concat(tables, ignore_index=True), pd.concat(free, ignore_index=True), causes, method, ci, ci_level,
        sum(len(part.stop) for part in rows.values()), tuple(cautions), since, rows,
    )


def _frame(label: object, cause: object, c: int, steps: Steps, critical: float, ci: str) -> pd.DataFrame:
    assert steps.var_cif is not None
    se = np.sqrt(steps.var_cif[c])
    low, high = curve_interval(steps.cif[c], se, critical, ci)
    return pd.DataFrame({
        "by": _repeated(label, len(se)), "cause": _repeated(cause, len(se)), "time": steps.time, "n_risk": steps.n_risk, "n_event": steps.n_event[c],
        "cif": steps.cif[c], "se": se, "ci_low": low, "ci_high": high,
    })


def _event_free(label: object, steps: Steps, critical: float, ci: str) -> pd.DataFrame:
    assert steps.var_survival is not None
    se = np.where(steps.survival > 0, np.sqrt(steps.var_survival), np.nan)
    low, high = curve_interval(steps.survival, se, critical, ci)
    return pd.DataFrame({
        "by": _repeated(label, len(se)), "time": steps.time, "n_risk": steps.n_risk, "probability": steps.survival, "se": se,
        "ci_low": low, "ci_high": high,
    })


def _repeated(label: object, count: int) -> object:
    """A column of one value; pandas spreads a scalar faster than it reads a list."""
    return label if pd.api.types.is_scalar(label) else [label] * count
