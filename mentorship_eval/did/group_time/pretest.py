"""Joint test of the effects before adoption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from mentorship_eval.did.group_time.engine import Engine, Estimated
from mentorship_eval.did.group_time.uncertainty import FEW_TREATED
from mentorship_eval.estimate import format_number, format_p
from mentorship_eval.inference.shown import Shown

__all__ = ["PreTest", "joint_pretest"]


@dataclass(frozen=True)
class PreTest(Shown):
    """Wald statistic, its degrees of freedom, p-value (chi-square) and clusters; NaN with ``reason`` where it cannot be formed."""

    statistic: float
    df: int
    p_value: float
    n_clusters: int
    reason: str = ""

    def statement(self) -> str:
        """In words; it never says that trends are parallel."""
        if self.reason:
            return f"No joint test of the effects before adoption: {self.reason}."
        few = f" (with {self.n_clusters} units or clusters it rejects too often)" if self.n_clusters < 10 * self.df else ""
        return (
            f"Joint test of the {self.df} effects before adoption: Wald {format_number(self.statistic)}, {format_p(self.p_value)}{few}; "
            f"a large p-value does not show that trends would have stayed parallel."
        )


def joint_pretest(engine: Engine, estimated: Estimated) -> PreTest:
    """Wald test that every effect before adoption is 0, with the analytic covariance by clusters."""
    before = np.array([not cell.post for cell in engine.cells], dtype=bool)
    chosen = np.flatnonzero(before & np.isfinite(estimated.att) & (estimated.se > 0))
    count, clusters = len(chosen), int(estimated.informative.sum())
    if not count:
        return PreTest(np.nan, 0, np.nan, clusters, "no effect before adoption has a standard error")
    if count >= clusters:
        return PreTest(np.nan, count, np.nan, clusters, f"{count} effects and only {clusters} clusters, so that their covariance is singular")
    influence = engine.each(chosen)
    scale = np.sqrt((influence**2).sum(axis=0))
    influence /= scale
    covariance = influence.T @ influence
    if not 1 / np.linalg.cond(covariance, 1) > np.finfo(float).eps:
        return PreTest(np.nan, count, np.nan, clusters, "the covariance of the effects is singular")
    standardised = estimated.att[chosen] / scale
    statistic = float(standardised @ np.linalg.solve(covariance, standardised))
    design = engine.design
    treated = np.concatenate([design.cluster[slice(*design.bounds[j])] for j in {engine.cells[k].group for k in chosen}])
    if len(np.unique(treated)) < FEW_TREATED:
        return PreTest(statistic, count, np.nan, clusters, f"fewer than {FEW_TREATED} treated units or clusters")
    return PreTest(statistic, count, float(chdtrc(count, statistic)), clusters)
