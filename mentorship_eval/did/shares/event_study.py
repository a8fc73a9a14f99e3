"""Observed against expected shares by time since adoption, with placebo differences before it.

After adoption: the target cells of the main fit. Before adoption there is no base period: the untreated cells at each event time are
taken out of the fit in turn and projected from all others, as for counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.groups import Grouping, Waves, by_code, used_blocks
from mentorship_eval.did.counts.replicates import Sums, full_sums, no_refits
from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.counts.targets import Targets, untreated_clusters
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.intervals import band
from mentorship_eval.did.shares.batches import starting_effects
from mentorship_eval.did.shares.boundary import UNIDENTIFIED
from mentorship_eval.did.shares.imputation import ShareImputation, impute
from mentorship_eval.did.shares.replicates import leave_one_out
from mentorship_eval.did.shares.rows import share_rows
from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.simultaneous import JointTest, joint_test

__all__ = ["COMPARED_WITH", "ShareStudy", "event_study"]

COMPARED_WITH = (
    "No base period: each difference before adoption is a placebo, its cells left out of the fit and expected from all other untreated "
    "cells; differences after adoption are expected from all untreated cells."
)


@dataclass(frozen=True)
class ShareStudy:
    """table: a row per event time; pre_test: the differences before adoption judged together (those that have an interval)."""

    table: pd.DataFrame
    pre_test: JointTest


@dataclass(frozen=True)
class _Step:
    """One event time: its phase, cells (I, T) and their sums, full (1, 1) and without each cluster (G, 1)."""

    k: int
    phase: str
    cells: np.ndarray
    full: Sums
    without: Sums


def _placebo(panel: Panel, waves: Waves, targets: Targets, k: float, fit: ShareImputation, jackknife: bool) -> _Step | None:
    """One event time before adoption: cells that could be projected, their sums and leave-one-out sums."""
    cells = targets.untreated & (waves.since == k)[waves.of_unit]
    untreated = targets.untreated & ~cells
    usable = cells & connected_cells(untreated) & (untreated_clusters(panel, untreated) >= targets.min_controls)[None, :]
    if not usable.any():
        return None
    try:
        alone = impute(panel, untreated, start=starting_effects(panel, fit.effects, fit.fitted, untreated))
    except EstimationError:
        return None
    if (alone.kind[usable] == UNIDENTIFIED).any():
        return None
    group = [by_code(np.zeros(waves.since.shape), waves.since == k)]
    full = full_sums(panel, waves, alone.expected, usable, group)
    without = leave_one_out(panel, waves, untreated, usable, group, alone) if jackknife else no_refits(panel, group)
    return _Step(int(k), "before", usable, full[0], without[0])


def _records(panel: Panel, cells: np.ndarray) -> np.ndarray:
    """(G,) records of each cluster in ``cells`` (I, T)."""
    return np.bincount(panel.cluster, weights=np.where(cells, panel.exposure, 0.0).sum(axis=1), minlength=len(panel.cluster_labels))


def _column(sums: Sums, j: int) -> Sums:
    return Sums(sums.observed[:, [j]], sums.expected[:, [j]], sums.exposure[:, [j]])


def _stack(parts: list[Sums]) -> Sums:
    return Sums(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("observed", "expected", "exposure")))


def event_study(
    panel: Panel, waves: Waves, targets: Targets, fit: ShareImputation, projected: np.ndarray, steps: Grouping, full: Sums, without: Sums,
    informative: np.ndarray, ci_level: float, jackknife: bool = True,
) -> ShareStudy:
    """event_time, phase, n_cells, n_units, the columns of `rows.ShareRows`, and band_low, band_high of the difference.

    projected (I, T): the cells at and after adoption, and of the anticipation window; steps, full, without : their groups by
    event time with the sums and leave-one-out sums from the main fit.
    """
    earlier = np.unique(waves.since[used_blocks(waves, targets.untreated) & np.isfinite(waves.since)])
    entries = [found for k in earlier if (found := _placebo(panel, waves, targets, k, fit, jackknife)) is not None]
    for j, k in enumerate(steps.values):
        cells = projected & (waves.since == k)[waves.of_unit]
        entries.append(_Step(int(k), "after" if k >= 0 else "anticipation", cells, _column(full, j), _column(without, j)))
    clusters = np.array([len(np.unique(panel.cluster[entry.cells.any(axis=1)])) for entry in entries])
    every = _stack([entry.full for entry in entries]), _stack([entry.without for entry in entries])
    rows = share_rows(*every, informative, clusters, ci_level)
    # a difference is the mean of the clusters' own, weighted by their records
    records = np.column_stack([_records(panel, entry.cells) for entry in entries])[informative]
    shares = records / np.maximum(records.sum(axis=0), 1e-300)
    low, high = band(rows.differences, ci_level, shares)
    frame = pd.DataFrame({
        "event_time": [entry.k for entry in entries], "phase": [entry.phase for entry in entries],
        "n_cells": [int(entry.cells.sum()) for entry in entries], "n_units": [int(entry.cells.any(axis=1).sum()) for entry in entries],
        **rows.columns(), "band_low": low, "band_high": high,
    }).sort_values("event_time", ignore_index=True)
    frame.attrs["compared_with"] = COMPARED_WITH
    before, d = np.array([entry.phase == "before" for entry in entries]) & (rows.differences.note == ""), rows.differences
    return ShareStudy(frame, joint_test(d.value[before], d.se[before], d.deviations[:, before], shares[:, before]))
