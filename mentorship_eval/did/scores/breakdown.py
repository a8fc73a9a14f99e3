"""The same effects by time since adoption, by wave and by calendar period, and what each cluster weighs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.effects import Imputed, Means, group_means
from mentorship_eval.did.scores.intervals import Rows, band, interval_rows, joined
from mentorship_eval.did.scores.pretrend import PreTrend
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["COMPARED_WITH", "by_period", "by_wave", "event_study", "weights_by_unit"]

COMPARED_WITH = (
    "No single base period: before adoption, differences from earlier untreated periods, on untreated cells alone; after adoption, outcomes less "
    "those projected from all untreated cells. The two sides have different bases and no line should join them."
)


def _counts(panel: Panel, cells: np.ndarray, code: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells and units of each group."""
    seen = np.zeros((number, panel.shape[0]), dtype=bool)
    seen[code, np.nonzero(cells)[0]] = True
    return np.bincount(code, minlength=number), seen.sum(axis=1)


def _frame(rows: Rows, cells: np.ndarray, units: np.ndarray, weight: np.ndarray, **keys: object) -> pd.DataFrame:
    return pd.DataFrame({
        **keys, "n_units": units, "n_cells": cells, "weight": weight, "estimate": rows.value, "se": rows.se, "ci_low": rows.ci_low,
        "ci_high": rows.ci_high, "note": rows.note,
    })


def event_study(
    panel: Panel, targets: Targets, imputed: Imputed, informative: np.ndarray, pretrend: PreTrend, pre: Rows, variance: str, ci_level: float
) -> pd.DataFrame:
    """event_time, phase, estimate, se, ci_low, ci_high, band_low, band_high, n_cells, n_units, note."""
    since = panel.position[None, :] - panel.adopted[:, None]
    cells = targets.target | (targets.waiting & np.isfinite(imputed.effect))
    times, code = np.unique(since[cells].astype(int), return_inverse=True)
    means = group_means(panel, imputed, cells, code.ravel(), len(times))
    after = interval_rows(means.value, means.without, means.score, means.clusters, informative, variance, ci_level)
    n_cells, n_units = _counts(panel, cells, code.ravel(), len(times))
    both = joined(pre, after)
    low, high = band(both, ci_level)
    early = pretrend.table
    frame = pd.DataFrame({
        "event_time": [*early["event_time"].astype(int), *times],
        "phase": ["before"] * len(early) + ["after" if k >= 0 else "anticipation" for k in times],
        "estimate": both.value, "se": both.se, "ci_low": both.ci_low, "ci_high": both.ci_high, "band_low": low, "band_high": high,
        "n_cells": [*early["n_cells"].astype(int), *n_cells], "n_units": [*early["n_units"].astype(int), *n_units], "note": both.note,
    })
    frame.attrs["compared_with"] = COMPARED_WITH
    return frame


def by_wave(panel: Panel, targets: Targets, imputed: Imputed, informative: np.ndarray, variance: str, ci_level: float) -> pd.DataFrame:
    """adopted, n_units, n_cells, weight, estimate, se, ci_low, ci_high, note: one row per adoption date in the estimand."""
    at = np.broadcast_to(panel.adopted[:, None], panel.shape)[targets.target]
    waves, code = np.unique(at, return_inverse=True)
    means = group_means(panel, imputed, targets.target, code, len(waves))
    rows = interval_rows(means.value, means.without, means.score, means.clusters, informative, variance, ci_level)
    labels = [panel.adopted_label[int(np.flatnonzero(panel.adopted == wave)[0])] for wave in waves]
    return _frame(rows, *_counts(panel, targets.target, code, len(waves)), means.weight, adopted=labels)


def by_period(panel: Panel, targets: Targets, imputed: Imputed, informative: np.ndarray, variance: str, ci_level: float) -> pd.DataFrame:
    """time, n_units, n_cells, weight, estimate, se, ci_low, ci_high, note: one row per calendar period with target cells."""
    used, code = np.unique(np.nonzero(targets.target)[1], return_inverse=True)
    means = group_means(panel, imputed, targets.target, code, len(used))
    rows = interval_rows(means.value, means.without, means.score, means.clusters, informative, variance, ci_level)
    return _frame(rows, *_counts(panel, targets.target, code, len(used)), means.weight, time=panel.times[used])


def weights_by_unit(panel: Panel, targets: Targets, means: Means, informative: np.ndarray, jackknife: Jackknife) -> pd.DataFrame:
    """Each informative cluster's share of the jackknife variance, largest first, and the estimate without it."""
    treated = np.bincount(panel.cluster, weights=targets.target.any(axis=1), minlength=len(panel.cluster_labels)) > 0
    frame = pd.DataFrame({
        panel.columns["cluster"]: panel.cluster_labels[informative], "n_units": np.bincount(panel.cluster)[informative],
        "treated": treated[informative], "share": jackknife.shares[:, 0], "estimate_without": means.without[informative, 0],
    })
    return frame.sort_values("share", ascending=False, ignore_index=True, kind="stable")
