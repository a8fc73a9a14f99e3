"""Units sorted by adoption, so that a cohort and every set of controls is a slice and no comparison copies the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mentorship_eval.did.panels.panel import Panel

__all__ = ["Design", "build_design"]


@dataclass(frozen=True)
class Design:
    """Arrays over T periods and n units sorted by adoption (never adopting last).

    y (T, n): scores, 0 where absent; weight (n,), or (T, n) when weights vary over time; usable (T, n)
    or None when no unit-period is absent; position (T,): calendar steps; adopted (n,): step of the
    first treated period, inf for never; cluster (n,): codes 0..n_clusters-1; x (T, n, K) or None;
    unit_weight (n,): what a unit counts for in the share of its group; groups (J,): adoption steps
    that can be estimated, with their slices (J, 2), labels and shares (sums of unit_weight);
    order (n,): rows of the panel.
    """

    y: np.ndarray
    weight: np.ndarray
    usable: np.ndarray | None
    position: np.ndarray
    adopted: np.ndarray
    cluster: np.ndarray
    n_clusters: int
    cluster_labels: np.ndarray
    x: np.ndarray | None
    unit_weight: np.ndarray
    groups: np.ndarray
    bounds: np.ndarray
    labels: tuple[Any, ...]
    shares: np.ndarray
    times: np.ndarray
    order: np.ndarray
    units: np.ndarray
    never_treated_only: bool
    anticipation: int

    @property
    def unit_clusters(self) -> bool:
        """Whether every unit is its own cluster."""
        return self.n_clusters == len(self.cluster)

    def controls(self, group: int, t: int, b: int) -> list[slice]:
        """Slices of the units that serve as controls for a group between two periods.

        Never treated: adoption after the last period and beyond its anticipation. Not yet treated: the
        later of the two periods, and those that anticipate it, lie before adoption; the group itself never.
        """
        n, last = len(self.adopted), self.position[-1] if self.never_treated_only else max(self.position[t], self.position[b])
        start = int(np.searchsorted(self.adopted, last + self.anticipation, side="right"))
        low, high = self.bounds[group]
        if low < start:
            return [slice(start, n)] if start < n else []
        return [part for part in (slice(start, low), slice(high, n)) if part.start < part.stop]


def _unit_weight(weight: np.ndarray, usable: np.ndarray | None, varying: bool) -> tuple[np.ndarray, np.ndarray]:
    """What a unit counts for in comparisons, and in the share of its group.

    Fixed: the mean of its weights, for both. Varying: the weight of each period in comparisons, and the
    first one in the shares.
    """
    if not varying:
        count = usable.sum(axis=0) if usable is not None else len(weight)
        mean = weight.sum(axis=0) / np.maximum(count, 1)
        return mean, mean
    first = np.argmax(weight > 0, axis=0)
    return weight, weight[first, np.arange(weight.shape[1])]


def build_design(panel: Panel, *, never_treated_only: bool, anticipation: int, varying: bool) -> tuple[Design, np.ndarray]:
    """The design, and (I,) which units of the panel are left out because no period precedes their adoption."""
    always = panel.adopted - anticipation <= panel.position[0]
    keep = np.flatnonzero(~always)
    order = keep[np.argsort(panel.adopted[keep], kind="stable")]
    full = bool((panel.exposure > 0).all())
    usable = None if full else np.ascontiguousarray((panel.exposure[order] > 0).T)
    plain = "weights" not in panel.columns
    y = np.ascontiguousarray(panel.outcome[order].T)
    if plain:
        weight = unit_weight = np.ones(len(order))
    else:
        weight, unit_weight = _unit_weight(np.ascontiguousarray(panel.exposure[order].T), usable, varying)
    adopted = panel.adopted[order]
    within = np.isfinite(adopted) & (adopted <= panel.position[-1])
    groups = np.unique(adopted[within])
    bounds = np.stack([np.searchsorted(adopted, groups), np.searchsorted(adopted, groups, side="right")], axis=1).astype(int)
    used, cluster = np.unique(panel.cluster[order], return_inverse=True)
    x = np.ascontiguousarray(panel.covariates[order].transpose(1, 0, 2)) if panel.covariates.shape[2] else None
    design = Design(
        y=y, weight=weight, usable=usable, position=panel.position, adopted=adopted, cluster=cluster, n_clusters=len(used),
        cluster_labels=panel.cluster_labels[used], x=x, unit_weight=unit_weight, groups=groups, bounds=bounds,
        labels=tuple(panel.adopted_label[order[low]] for low in bounds[:, 0]),
        shares=np.array([unit_weight[low:high].sum() for low, high in bounds]), times=panel.times, order=order, units=panel.units[order],
        never_treated_only=never_treated_only, anticipation=anticipation,
    )
    return design, always
