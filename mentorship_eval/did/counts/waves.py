"""The estimate by wave (units that adopted together) and the weight of each cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.imputation import Imputation
from mentorship_eval.did.counts.ratios import ratio_rows
from mentorship_eval.did.counts.replicates import Sums, full_sums, leave_one_out
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.inference.jackknife import Jackknife

__all__ = ["by_wave", "weights_by_unit"]


def by_wave(panel: Panel, targets: Targets, fit: Imputation, informative: np.ndarray, ci_level: float) -> pd.DataFrame:
    """adopted, n_units, n_cells, observed, expected, ratio, se, ci_low, ci_high, note: one row per adoption date in the estimand."""
    units = np.broadcast_to(np.arange(panel.shape[0])[:, None], panel.shape)[targets.target]
    at = panel.adopted[units]
    waves = np.unique(at)
    groups = (at[:, None] == waves[None, :]).astype(float)
    members = [np.unique(units[at == wave]) for wave in waves]
    full = full_sums(panel, fit.expected, targets.target, groups)
    without = leave_one_out(panel, targets.untreated, targets.target, groups, fit)
    rows = ratio_rows(full, without, informative, np.array([len(np.unique(panel.cluster[unit])) for unit in members]), ci_level)
    return pd.DataFrame({
        "adopted": [panel.adopted_label[unit[0]] for unit in members], "n_units": [len(unit) for unit in members],
        "n_cells": groups.sum(axis=0).astype(int), "observed": full.observed[0], "expected": full.expected[0], "ratio": rows.ratio,
        "se": rows.se, "ci_low": rows.ci_low, "ci_high": rows.ci_high, "note": rows.note,
    })


def weights_by_unit(panel: Panel, targets: Targets, without: Sums, informative: np.ndarray, jackknife: Jackknife) -> pd.DataFrame:
    """Each informative cluster's share of the jackknife variance of log IRR, largest first, and the ratio without it."""
    treated = np.bincount(panel.cluster, weights=targets.target.any(axis=1), minlength=len(panel.cluster_labels)) > 0
    frame = pd.DataFrame({
        panel.columns["cluster"]: panel.cluster_labels[informative], "n_units": np.bincount(panel.cluster)[informative],
        "treated": treated[informative], "share": jackknife.shares[:, 0], "ratio_without": np.exp(without.log_ratio[informative, 0]),
    })
    return frame.sort_values("share", ascending=False, ignore_index=True, kind="stable")
