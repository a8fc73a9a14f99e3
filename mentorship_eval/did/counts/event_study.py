"""Observed against expected by time since adoption, with placebo ratios before it.

After adoption: the target cells of the main fit. Before adoption there is no base period: the
untreated cells at each event time are taken out of the fit in turn and projected from all others
(earlier and later periods of the same units, and units not yet or never treated). A pre-period ratio
therefore compares with the mean of the other untreated periods, not with the period just before adoption.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.drift import drift_before
from mentorship_eval.did.counts.groups import Grouping, Waves, by_code, used_blocks
from mentorship_eval.did.counts.imputation import Imputation, impute
from mentorship_eval.did.counts.pre_trend import PreTrend, feigned_by_drift, pre_trend
from mentorship_eval.did.counts.ratios import RatioRows, ratio_rows
from mentorship_eval.did.counts.replicates import Sums, full_sums, leave_one_out, no_refits
from mentorship_eval.did.counts.support import INFINITE, UNIDENTIFIED, connected_cells
from mentorship_eval.did.counts.targets import Targets, untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.simultaneous import critical_value_of_largest

__all__ = ["COMPARED_WITH", "EventStudy", "event_study", "projected_cells", "step_groups"]

COMPARED_WITH = (
    "No base period: each ratio before adoption is a placebo, its cells left out of the fit and expected from all other untreated "
    "cells; ratios after adoption are expected from all untreated cells."
)


@dataclass(frozen=True)
class EventStudy:
    """table: a row per event time; pre_trend: the joint test of the ratios before adoption, with its power."""

    table: pd.DataFrame
    pre_trend: PreTrend


@dataclass(frozen=True)
class _Step:
    """One event time: its phase, cells (I, T) and their sums, full (1, 1) and without each cluster (G, 1); shares (G,): of each cluster in
    what is expected.
    """

    k: int
    phase: str
    cells: np.ndarray
    full: Sums
    without: Sums
    shares: np.ndarray


def projected_cells(targets: Targets, fit: Imputation) -> np.ndarray:
    """(I, T): the target cells, and those of the anticipation window that the fit says something of."""
    if not targets.waiting.any():
        return targets.target
    return targets.target | (targets.waiting & connected_cells(targets.untreated) & np.isfinite(fit.expected))


def step_groups(waves: Waves, projected: np.ndarray) -> Grouping:
    return by_code(waves.since, used_blocks(waves, projected))


def _contributing(panel: Panel, cells: np.ndarray) -> int:
    return len(np.unique(panel.cluster[cells.any(axis=1)]))


def _shares(panel: Panel, expected: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(G,) share of each cluster in the expected events of ``cells`` (I, T)."""
    by_unit = np.where(cells & np.isfinite(expected), expected, 0.0).sum(axis=1)
    by_cluster = np.bincount(panel.cluster, weights=by_unit, minlength=len(panel.cluster_labels))
    return by_cluster / max(float(by_cluster.sum()), 1e-300)


def _placebo(panel: Panel, waves: Waves, targets: Targets, k: float, fit: Imputation, jackknife: bool) -> _Step | None:
    """One event time before adoption: cells that could be projected, their sums and leave-one-out sums."""
    cells = targets.untreated & (waves.since == k)[waves.of_unit]
    untreated = targets.untreated & ~cells
    usable = cells & connected_cells(untreated) & (untreated_clusters(panel, untreated) >= targets.min_controls)[None, :]
    if not usable.any():
        return None
    try:
        alone = impute(panel, untreated, start=fit.period, slope=fit.slope)
    except EstimationError:
        return None
    if np.isin(alone.kind[usable], (INFINITE, UNIDENTIFIED)).any():
        return None
    group = [by_code(np.zeros(waves.since.shape), waves.since == k)]
    full = full_sums(panel, waves, alone.expected, usable, group)
    without = leave_one_out(panel, waves, untreated, usable, group, alone) if jackknife else no_refits(panel, group)
    return _Step(int(k), "before", usable, full[0], without[0], _shares(panel, alone.expected, usable))


def _column(sums: Sums, j: int) -> Sums:
    return Sums(sums.observed[:, [j]], sums.expected[:, [j]], sums.exposure[:, [j]])


def _stack(parts: list[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("observed", "expected", "exposure")))


def event_study(
    panel: Panel, waves: Waves, targets: Targets, fit: Imputation, steps: Grouping, full: Sums, without: Sums, informative: np.ndarray,
    ci_level: float, jackknife: bool = True,
) -> EventStudy:
    """event_time, phase, ratio, se, ci_low, ci_high, band_low, band_high, n_cells, n_units, observed, expected, note.

    steps, full, without : the groups of `step_groups` with their sums and leave-one-out sums from the main fit.
    """
    earlier = np.unique(waves.since[used_blocks(waves, targets.untreated) & np.isfinite(waves.since)])
    entries = [found for k in earlier if (found := _placebo(panel, waves, targets, k, fit, jackknife)) is not None]
    projected = projected_cells(targets, fit)
    for j, k in enumerate(steps.values):
        cells = projected & (waves.since == k)[waves.of_unit]
        shares = _shares(panel, fit.expected, cells)
        entries.append(_Step(int(k), "after" if k >= 0 else "anticipation", cells, _column(full, j), _column(without, j), shares))
    all_full, all_without = _stack([entry.full for entry in entries]), _stack([entry.without for entry in entries])
    rows = ratio_rows(all_full, all_without, informative, np.array([_contributing(panel, entry.cells) for entry in entries]), ci_level)
    df = int(informative.sum()) - 1
    by_share = np.column_stack([entry.shares[informative] for entry in entries])
    low, high = _band(rows, by_share, df, ci_level)
    frame = pd.DataFrame({
        "event_time": [entry.k for entry in entries], "phase": [entry.phase for entry in entries], "ratio": rows.ratio, "se": rows.se,
        "ci_low": rows.ci_low, "ci_high": rows.ci_high, "band_low": low, "band_high": high,
        "n_cells": [int(entry.cells.sum()) for entry in entries], "n_units": [int(entry.cells.any(axis=1).sum()) for entry in entries],
        "observed": all_full.observed[0], "expected": all_full.expected[0], "note": rows.note,
    })
    before = np.array([entry.phase == "before" for entry in entries])
    drift = drift_before(panel, targets.untreated, fit, informative, ci_level) if jackknife else None
    feigned = feigned_by_drift(panel, waves, targets.untreated, targets.target, fit)
    trend = pre_trend(rows.only(before), by_share[:, before], drift, feigned, df, ci_level)
    frame = frame.sort_values("event_time", ignore_index=True)
    frame.attrs["compared_with"] = COMPARED_WITH
    return EventStudy(frame, trend)


def _band(rows: RatioRows, shares: np.ndarray, df: int, ci_level: float) -> tuple[np.ndarray, np.ndarray]:
    shown = rows.note == ""
    critical = critical_value_of_largest(rows.deviations[:, shown], ci_level, shares[:, shown]) if shown.any() else np.nan
    critical = max(critical, critical_value(ci_level, df)) if df >= 1 else np.nan  # never narrower than the interval of one
    half = critical * np.where(shown, rows.se, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.log(rows.ratio)
        return np.exp(centre - half), np.exp(centre + half)
