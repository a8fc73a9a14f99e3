"""The result of `rmst`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.shown import Shown

__all__ = ["RestrictedMean"]


@dataclass(frozen=True, kw_only=True)
class RestrictedMean(Shown):
    """Restricted mean survival times up to ``tau`` (from ``since``).

    table: by, n (rows), n_event (by tau), rmst, se, ci_low, ci_high, rmtl (restricted mean time lost, tau - since -
        rmst), rmtl_ci_low, rmtl_ci_high (its se is that of rmst), df (NaN: normal).
    contrasts: by, reference, measure (difference, ratio, ratio of time lost), estimate, se (of the logarithm for
        ratios), ci_low, ci_high, p, df: every group against the reference.
    difference, ratio, lost_ratio: `Estimate` of the first group that is not the reference against it (None with one
        group); differences, ratios, lost_ratios: by group; estimates: the mean of each group.
    cluster_shares: of each difference's jackknife variance, by cluster (None without jackknife).
    """

    table: pd.DataFrame
    contrasts: pd.DataFrame
    tau: float
    since: float
    reference: object
    estimates: Mapping[object, Estimate]
    differences: Mapping[object, Estimate]
    ratios: Mapping[object, Estimate]
    lost_ratios: Mapping[object, Estimate]
    method: str
    variance: str
    ci_level: float
    n_clusters: int | None
    warnings: tuple[Caution, ...]
    cluster_shares: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def difference(self) -> Estimate | None:
        return next(iter(self.differences.values()), None)

    @property
    def ratio(self) -> Estimate | None:
        return next(iter(self.ratios.values()), None)

    @property
    def lost_ratio(self) -> Estimate | None:
        return next(iter(self.lost_ratios.values()), None)

    @property
    def estimate(self) -> Estimate:
        """The difference, or with one group its mean."""
        return next(iter(self.differences.values()), None) or next(iter(self.estimates.values()))

    def statement(self) -> str:
        """Each mean and each difference with its interval."""
        upto = f"up to {self.tau:g}" if self.since == 0 else f"from {self.since:g} to {self.tau:g}"
        means = "; ".join(
            one.interval() if label == "all" else f"{label} {one.interval()}" for label, one in self.estimates.items()
        )
        said = [f"Restricted mean time {upto}: {means}."]
        said += [f"Difference, {label} minus {self.reference}: {one.interval()}." for label, one in self.differences.items()]
        return " ".join(said)

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return ((self.table, self.contrasts) if len(self.contrasts) else (self.table,))
