"""All comparisons in one pass at a time: what is kept of an influence function is only what was asked for.

A panel of 10,000 units, 60 cohorts and 60 periods has 3,540 effects; their influence functions would fill
280 MB. Each is made where it is used, added to the sums it belongs to, and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mentorship_eval.did.group_time.comparisons import Comparison
from mentorship_eval.did.group_time.conditional import conditional_effect
from mentorship_eval.did.group_time.design import Design
from mentorship_eval.did.group_time.two_by_two import Effect, leave_clusters_out, simple_effect

__all__ = ["Engine", "Estimated"]


@dataclass(frozen=True)
class Estimated:
    """Arrays over the C comparisons: att, se (analytic), reason (why att or se is missing, else ""), treated and
    controls (units on each side), treated_clusters; informative (G,): clusters that some comparison uses.
    """

    att: np.ndarray
    se: np.ndarray
    reason: np.ndarray
    treated: np.ndarray
    controls: np.ndarray
    treated_clusters: np.ndarray
    informative: np.ndarray


@dataclass(frozen=True)
class Engine:
    """Effects, influence functions and leave-one-out values of a list of comparisons."""

    design: Design
    cells: list[Comparison]
    method: str
    starts: dict[int, np.ndarray] = field(default_factory=dict)

    def effect(self, index: int) -> Effect:
        cell = self.cells[index]
        if self.design.x is None:
            return simple_effect(self.design, cell)
        return conditional_effect(self.design, cell, self.method, self.starts)

    def _by_cluster(self, effect: Effect) -> np.ndarray:
        """(G,) sums of an influence function over clusters."""
        total = np.zeros(self.design.n_clusters)
        for part, values in effect.influence:
            if self.design.unit_clusters:
                total[self.design.cluster[part]] += values
            else:
                total += np.bincount(self.design.cluster[part], weights=values, minlength=len(total))
        return total

    def estimate(self) -> Estimated:
        """Every effect with its analytic standard error."""
        design, count = self.design, len(self.cells)
        att, se, reason = np.full(count, np.nan), np.full(count, np.nan), np.full(count, "", dtype=object)
        treated, controls = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
        used = np.zeros(len(design.cluster), dtype=bool)
        clusters = np.array([len(np.unique(design.cluster[low:high])) for low, high in design.bounds], dtype=int)
        treated_clusters = clusters[[cell.group for cell in self.cells]] if count else np.zeros(0, dtype=int)
        for k in range(count):
            effect = self.effect(k)
            att[k], reason[k], treated[k], controls[k] = effect.att, effect.reason, effect.treated, effect.controls
            if not effect.influence:
                continue
            if design.unit_clusters:
                square = sum(float(values @ values) for _, values in effect.influence)
            else:
                total = self._by_cluster(effect)
                square = float(total @ total)
            se[k] = np.sqrt(square)
            if design.usable is None:
                for part, _ in effect.influence:
                    used[part] = True
            else:
                low, high = design.bounds[self.cells[k].group]
                both = design.usable[self.cells[k].t] & design.usable[self.cells[k].b]
                treated_clusters[k] = len(np.unique(design.cluster[low:high][both[low:high]]))
                for part, _ in effect.influence:
                    used[part] |= both[part]
        informative = np.bincount(design.cluster, weights=used, minlength=design.n_clusters) > 0
        return Estimated(att, se, reason, treated, controls, treated_clusters, informative)

    def influence(self, loadings: Sequence[Sequence[tuple[int, float]]], width: int) -> np.ndarray:
        """(width, n) influence functions of sums of effects by unit; loadings: for each comparison its (column, coefficient) pairs."""
        design = self.design
        by_unit = np.zeros((width, len(design.cluster)))
        for k, pairs in enumerate(loadings):
            if not pairs:
                continue
            for part, values in self.effect(k).influence:
                for column, coefficient in pairs:
                    by_unit[column, part] += coefficient * values
        return by_unit

    def collapse(self, by_unit: np.ndarray) -> np.ndarray:
        """(G, K) sums over clusters of (K, n)."""
        design = self.design
        if design.unit_clusters:
            out = np.empty((len(design.cluster), len(by_unit)))
            out[design.cluster] = by_unit.T
            return out
        return np.stack([np.bincount(design.cluster, weights=row, minlength=design.n_clusters) for row in by_unit], axis=1)

    def each(self, chosen: np.ndarray) -> np.ndarray:
        """(G, len(chosen)) influence functions of single effects."""
        out = np.zeros((self.design.n_clusters, len(chosen)))
        for column, k in enumerate(chosen):
            out[:, column] = self._by_cluster(self.effect(k))
        return out

    def leave_one_out(self, take: Callable[[int, np.ndarray], None], chosen: Iterable[int]) -> None:
        """Call ``take(index, values)`` with the (G,) effects without each cluster, for each chosen comparison."""
        for k in chosen:
            cell = self.cells[k]
            if self.design.x is None:
                take(k, leave_clusters_out(self.design, cell))
            else:
                take(k, np.array([
                    conditional_effect(self.design, cell, self.method, self.starts, without=g).att for g in range(self.design.n_clusters)
                ]))
