"""Which cells are untreated, which are treated, and which treated cells the estimate is about.

The target cells are chosen from exposure and adoption dates alone, never from counts, and once:
refits without a cluster or with other dates do not choose again by results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.counts.support import connected_cells
from mentorship_eval.did.panels.panel import Panel

__all__ = ["Targets", "choose_targets", "dropped_frame", "untreated_clusters"]


@dataclass(frozen=True)
class Targets:
    """Boolean (I, T) arrays. untreated: cells of the fit; treated: at or after adoption, with
    exposure; waiting: in the anticipation window, in neither; target: treated cells of the estimand;
    reason: why a cell is in none of them, "" elsewhere. min_controls: the rule that was applied, to clusters.
    stopped: cells with exposure after the unit's last treated period, whether they are treated (intention to treat) or left
    out; thin: treated cells left out by min_controls.
    """

    untreated: np.ndarray
    treated: np.ndarray
    waiting: np.ndarray
    target: np.ndarray
    reason: np.ndarray
    min_controls: int
    stopped: np.ndarray
    thin: np.ndarray


def untreated_clusters(panel: Panel, untreated: np.ndarray) -> np.ndarray:
    """(..., T): how many clusters have an untreated cell in each period, from cells (..., I, T).

    Units of one cluster are not independent of each other, so that ten of them are one control.
    """
    if not panel.has_cluster:
        return np.asarray(untreated.sum(axis=-2))
    order = np.argsort(panel.cluster, kind="stable")
    starts = np.searchsorted(panel.cluster[order], np.arange(len(panel.cluster_labels)))
    return np.asarray(np.logical_or.reduceat(untreated[..., order, :], starts, axis=-2).sum(axis=-2))


def choose_targets(
    panel: Panel, *, anticipation: int = 0, min_controls: int = 2, last: np.ndarray | None = None, leave_out_stopped: bool = False
) -> Targets:
    """Split the cells of ``panel``; see `Targets`. last (I,): position of each unit's last treated period, infinite while it goes on."""
    exposed = panel.exposure > 0
    since = panel.position[None, :] - panel.adopted[:, None]
    treated, untreated = exposed & (since >= 0), exposed & (since < -anticipation)
    waiting = exposed & ~treated & ~untreated
    stopped = np.zeros(panel.shape, dtype=bool) if last is None else treated & (panel.position[None, :] > last[:, None])
    controls = untreated_clusters(panel, untreated)
    kind = "clusters" if panel.has_cluster else "units"
    reason = np.full(panel.shape, "", dtype=object)
    reason[waiting] = "anticipation window: neither treated nor untreated"
    # the last assignment that applies is the one that is told, so the most basic reason comes last
    reason[treated & ~connected_cells(untreated)] = "unit and period are not linked through untreated cells"
    few = f"fewer than {min_controls} untreated {kind} in the period (min_controls)"
    reason[treated & (controls < min_controls)[None, :]] = few
    reason[treated & ~untreated.any(axis=1)[:, None]] = "the unit has no untreated period"
    reason[treated & (controls == 0)[None, :]] = "no untreated unit in the period"
    if leave_out_stopped:
        reason[stopped] = "after the programme stopped (after_stop)"
    reason[panel.present & ~exposed] = "no exposure"
    return Targets(untreated, treated, waiting, treated & (reason == ""), reason, min_controls, stopped, reason == few)


def dropped_frame(panel: Panel, targets: Targets) -> pd.DataFrame:
    """unit, time, reason, exposure, events: every row of the panel that is in neither the fit nor the estimand."""
    i, t = np.nonzero(targets.reason != "")
    return pd.DataFrame({
        "unit": panel.units[i], "time": panel.times[t], "reason": targets.reason[i, t],
        "exposure": panel.exposure[i, t], "events": panel.outcome[i, t],
    })
