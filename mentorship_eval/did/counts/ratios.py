"""From sums with their leave-one-out refits to ratios, standard errors and intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.counts.replicates import Sums
from mentorship_eval.did.counts.targets import Targets
from mentorship_eval.did.panels.panel import Panel
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["FEW_TREATED", "RatioRows", "informative_clusters", "ratio_rows"]

# Below this many treated clusters no t interval is trustworthy (MacKinnon & Webb 2018, Econometrics Journal 21:114).
FEW_TREATED = 6


@dataclass(frozen=True)
class RatioRows:
    """Arrays (K,): ratio, se of its log, ci_low, ci_high and note (why a figure is missing, else "");
    deviations (G, K): of the leave-one-out log ratios from the full ones, 0 where unknown.
    """

    ratio: np.ndarray
    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    note: np.ndarray
    deviations: np.ndarray

    def only(self, which: np.ndarray) -> RatioRows:
        """The rows where ``which`` (K,) is true."""
        return RatioRows(self.ratio[which], self.se[which], self.ci_low[which], self.ci_high[which], self.note[which], self.deviations[:, which])


def informative_clusters(panel: Panel, targets: Targets, *, exposure_counts: bool = False) -> np.ndarray:
    """(G,) whether a cluster can move the estimate.

    For the log ratio: it has an event in a cell of the fit or the estimand. For the rate difference
    (``exposure_counts``) the exposure of its target cells is enough.
    """
    events = np.where(targets.untreated | targets.target, panel.outcome, 0.0).sum(axis=1)
    if exposure_counts:
        events = events + np.where(targets.target, panel.exposure, 0.0).sum(axis=1)
    return np.bincount(panel.cluster, weights=events, minlength=len(panel.cluster_labels)) > 0


def ratio_rows(full: Sums, without: Sums, informative: np.ndarray, treated_clusters: np.ndarray, ci_level: float) -> RatioRows:
    """Ratios with jackknife intervals for K groups of cells.

    full : sums (1, K); without : sums (G, K); informative : (G,); treated_clusters : (K,) clusters
    that contribute cells to each group: with fewer than six no interval is given, with one no standard error.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = full.observed[0] / full.expected[0]
    ratio[~(full.expected[0] > 0)] = np.nan
    centre, parts = full.log_ratio[0], without.log_ratio[informative]
    width = len(ratio)
    se, df = np.full(width, np.nan), max(int(informative.sum()) - 1, 0)
    note = np.full(width, "", dtype=object)
    for k in range(width):
        jackknife = cluster_jackknife(centre[k], parts[:, k])
        if not full.expected[0, k] > 0:
            note[k] = "no events expected"
        elif not full.observed[0, k] > 0:
            note[k] = "no events observed"
        elif treated_clusters[k] < 2:
            note[k] = "one treated unit or cluster: no standard error"
        elif jackknife.failed:
            note[k] = f"does not exist without {jackknife.failed_words}: no standard error"
        else:
            se[k] = jackknife.se[0]
            if treated_clusters[k] < FEW_TREATED:
                note[k] = f"fewer than {FEW_TREATED} treated units or clusters: no interval"
    half = (critical_value(ci_level, df) if df >= 1 else np.nan) * np.where(note == "", se, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.exp(centre - half), np.exp(centre + half)
    deviations = parts - centre
    return RatioRows(ratio, se, low, high, note, np.where(np.isfinite(deviations), deviations, 0.0))
