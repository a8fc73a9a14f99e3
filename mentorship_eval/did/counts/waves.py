"""The estimate by wave (units that adopted together) and by calendar period, and the weight of each cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.groups import Grouping, Waves, by_code, used_blocks
from mentorship_eval.did.counts.ratios import ratio_rows
from mentorship_eval.did.counts.replicates import Sums
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["by_calendar", "by_wave", "calendar_groups", "wave_groups", "weights_by_unit", "whole"]


def whole(waves: Waves, target: np.ndarray) -> Grouping:
    """All target cells together."""
    return by_code(np.zeros(waves.since.shape), used_blocks(waves, target))


def wave_groups(waves: Waves, target: np.ndarray) -> Grouping:
    return by_code(np.broadcast_to(np.arange(len(waves.at))[:, None], waves.since.shape), used_blocks(waves, target))


def calendar_groups(waves: Waves, target: np.ndarray) -> Grouping:
    return by_code(np.broadcast_to(np.arange(waves.since.shape[1])[None, :], waves.since.shape), used_blocks(waves, target))


def _clusters(panel: Panel, units: np.ndarray) -> int:
    return len(np.unique(panel.cluster[units]))


def by_wave(
    panel: Panel, waves: Waves, targets: Targets, groups: Grouping, full: Sums, without: Sums, informative: np.ndarray, ci_level: float
) -> pd.DataFrame:
    """adopted, n_units, n_cells, observed, expected, ratio, se, ci_low, ci_high, note: one row per adoption date in the estimand."""
    in_target = np.asarray(targets.target.any(axis=1))
    members = [waves.members[v][in_target[waves.members[v]]] for v in groups.values]
    rows = ratio_rows(full, without, informative, np.array([_clusters(panel, units) for units in members]), ci_level)
    return pd.DataFrame({
        "adopted": [panel.adopted_label[units[0]] for units in members], "n_units": [len(units) for units in members],
        "n_cells": [int(targets.target[units].sum()) for units in members], "observed": full.observed[0], "expected": full.expected[0],
        "ratio": rows.ratio, "se": rows.se, "ci_low": rows.ci_low, "ci_high": rows.ci_high, "note": rows.note,
    })


def by_calendar(
    panel: Panel, targets: Targets, groups: Grouping, full: Sums, without: Sums, informative: np.ndarray, ci_level: float
) -> pd.DataFrame:
    """time, n_units, n_controls (untreated units), observed, expected, ratio, se, ci_low, ci_high, note: one row per treated period."""
    cells = targets.target[:, groups.values]
    rows = ratio_rows(full, without, informative, np.array([_clusters(panel, column) for column in cells.T]), ci_level)
    return pd.DataFrame({
        "time": panel.times[groups.values], "n_units": cells.sum(axis=0), "n_controls": targets.untreated[:, groups.values].sum(axis=0),
        "observed": full.observed[0], "expected": full.expected[0], "ratio": rows.ratio, "se": rows.se, "ci_low": rows.ci_low,
        "ci_high": rows.ci_high, "note": rows.note,
    })


def weights_by_unit(
    panel: Panel, targets: Targets, expected: np.ndarray, without: Sums, informative: np.ndarray, jackknife: Jackknife
) -> pd.DataFrame:
    """Each informative cluster's share of the jackknife variance of log IRR, largest first, and the ratio without it.

    cluster, n_units, treated, share, ratio_without, expected_share: share adds up to 1 (0 for a cluster without which there is no
    estimate); expected_share is the part of the expected events that the cluster's own target cells hold, its weight in the
    ratio, which is the mean of the clusters' own ratios weighted by it (0 for controls).
    """
    held = np.bincount(panel.cluster, weights=np.where(targets.target, expected, 0.0).sum(axis=1), minlength=len(panel.cluster_labels))
    treated = np.bincount(panel.cluster, weights=targets.target.any(axis=1), minlength=len(panel.cluster_labels)) > 0
    return pd.DataFrame({
        panel.columns["cluster"]: panel.cluster_labels[informative], "n_units": np.bincount(panel.cluster)[informative],
        "treated": treated[informative], "share": jackknife.shares[:, 0], "ratio_without": np.exp(without.log_ratio[informative, 0]),
        "expected_share": held[informative] / held.sum(),
    }).sort_values("share", ascending=False, ignore_index=True, kind="stable")
