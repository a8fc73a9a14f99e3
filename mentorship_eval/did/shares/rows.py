"""Differences and ratios of K groups of cells side by side, with their jackknife intervals; the estimate by wave and of each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.groups import Grouping, Waves
from mentorship_eval.did.counts.ratios import RatioRows, ratio_rows
from mentorship_eval.did.counts.replicates import Sums
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.did.scores.intervals import Rows, interval_rows
from mentorship_eval.did.shares.replicates import difference
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["ShareRows", "by_calendar", "by_wave", "share_rows", "weights_by_unit"]


@dataclass(frozen=True)
class ShareRows:
    """differences: in percentage points; ratios: of shares; both of the same K groups. observed, expected, denominator (K,)."""

    differences: Rows
    ratios: RatioRows
    observed: np.ndarray
    expected: np.ndarray
    denominator: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        """As they stand in every table; note: why a figure of the difference is missing, ratio_note: of the ratio."""
        d, r = self.differences, self.ratios
        return {
            "observed": self.observed, "expected": self.expected, "denominator": self.denominator, "difference": d.value, "se": d.se,
            "ci_low": d.ci_low, "ci_high": d.ci_high, "ratio": r.ratio, "ratio_ci_low": r.ci_low, "ratio_ci_high": r.ci_high,
            "note": d.note, "ratio_note": r.note,
        }


def share_rows(full: Sums, without: Sums, informative: np.ndarray, treated_clusters: np.ndarray, ci_level: float) -> ShareRows:
    """full : sums (1, K); without : sums (G, K); informative : (G,); treated_clusters : (K,) clusters that contribute cells to each group."""
    value, parts = difference(full)[0], difference(without)
    rows = interval_rows(value, parts, np.zeros_like(parts), treated_clusters, informative, "jackknife", ci_level)
    # every row of a group at 0 or 1 with its expectation alike: nothing varies, and an interval of no width would be a false one
    still = (rows.note == "") & ~(rows.se > 1e-10)
    rows.note[still] = "no variation: no interval"
    for part in (rows.se, rows.ci_low, rows.ci_high):
        part[still] = np.nan
    return ShareRows(rows, ratio_rows(full, without, informative, treated_clusters, ci_level), full.observed[0], full.expected[0], full.exposure[0])


def by_wave(
    panel: Panel, waves: Waves, targets: Targets, groups: Grouping, full: Sums, without: Sums, informative: np.ndarray, ci_level: float
) -> pd.DataFrame:
    """adopted, n_units, n_cells and the columns of `ShareRows`: one row per adoption date in the estimand."""
    in_target = np.asarray(targets.target.any(axis=1))
    members = [waves.members[v][in_target[waves.members[v]]] for v in groups.values]
    clusters = np.array([len(np.unique(panel.cluster[units])) for units in members])
    rows = share_rows(full, without, informative, clusters, ci_level)
    return pd.DataFrame({
        "adopted": [panel.adopted_label[units[0]] for units in members], "n_units": [len(units) for units in members],
        "n_cells": [int(targets.target[units].sum()) for units in members], **rows.columns(),
    })


def by_calendar(
    panel: Panel, targets: Targets, groups: Grouping, full: Sums, without: Sums, informative: np.ndarray, ci_level: float
) -> pd.DataFrame:
    """time, n_units, n_controls (untreated units) and the columns of `ShareRows`: one row per treated period."""
    cells = targets.target[:, groups.values]
    clusters = np.array([len(np.unique(panel.cluster[column])) for column in cells.T])
    return pd.DataFrame({
        "time": panel.times[groups.values], "n_units": cells.sum(axis=0), "n_controls": targets.untreated[:, groups.values].sum(axis=0),
        **share_rows(full, without, informative, clusters, ci_level).columns(),
    })


def weights_by_unit(panel: Panel, targets: Targets, without: Sums, informative: np.ndarray, jackknife: Jackknife) -> pd.DataFrame:
    """Each informative cluster's share of the jackknife variance of the difference, largest first, and the difference without it.

    cluster, n_units, treated, share, difference_without, denominator_share: share adds up to 1 (0 for a cluster without which there
    is no estimate); denominator_share is the part of the target cells' records that the cluster holds, its weight in the
    difference (0 for controls).
    """
    number = len(panel.cluster_labels)
    held = np.bincount(panel.cluster, weights=np.where(targets.target, panel.exposure, 0.0).sum(axis=1), minlength=number)
    treated = np.bincount(panel.cluster, weights=targets.target.any(axis=1), minlength=number) > 0
    return pd.DataFrame({
        panel.columns["cluster"]: panel.cluster_labels[informative], "n_units": np.bincount(panel.cluster)[informative],
        "treated": treated[informative], "share": jackknife.shares[:, 0], "difference_without": difference(without)[informative, 0],
        "denominator_share": held[informative] / held.sum(),
    }).sort_values("share", ascending=False, ignore_index=True, kind="stable")
