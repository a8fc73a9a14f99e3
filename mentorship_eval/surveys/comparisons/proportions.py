"""Shares of favourable answers: the difference between arms in percentage points, by least squares with a cluster jackknife.

A linear model of a yes or no answers a question that is asked: how many more of a hundred. It exists where a share is 0 or 1 in a cluster, and its
jackknife needs no binomial variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import check_level, difference_estimate
from mentorship_eval.inference.proportions import wilson
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.clusters import cluster_support
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, refuse_collinear, require
from mentorship_eval.surveys.comparisons.least_squares import adjusted_difference

__all__ = ["Favourable", "favourable"]


@dataclass(frozen=True, kw_only=True)
class Favourable:
    """estimate: risk difference (0.05 is five percentage points); table: arm, n, favourable, share and, without clusters, Wilson limits."""

    estimate: Estimate
    table: pd.DataFrame
    left_out: int
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        shares = ", ".join(f"{row.share * 100:.1f} % of {row.n:,} ({row.arm})" for row in self.table.itertuples())
        return f"{self.estimate.statement()} Favourable: {shares}." + (
            f" {self.left_out:,} rows without an answer are left out." if self.left_out else ""
        )

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, cautions=self.warnings)


def favourable(
    data: pd.DataFrame,
    *,
    favourable: str,
    arm: str,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    reference: Any = None,
    ci_level: float = 0.95,
) -> Favourable:
    """Difference in the share of favourable answers, arm less reference.

    Parameters
    ----------
    favourable : column of 0/1 or booleans, or of a score with a cut-off: favourable is ``at_least`` (or ``at_most``) that. Missing ones are left out.
    weights : column of weights, taken as known.

    Raises `UsageError` for unknown columns; `EstimationError` for values other than 0 and 1 without a cut-off, or one arm.
    """
    check_level(ci_level)
    require(data, [favourable, arm, cluster, weights, *covariates])
    values = numbers(data, favourable)
    seen = ~np.isnan(values)
    rows, values = data[seen], values[seen]
    if at_least is not None or at_most is not None:
        low, high = -np.inf if at_least is None else at_least, np.inf if at_most is None else at_most
        values = ((values >= low) & (values <= high)).astype(float)
    odd = np.unique(values[(values != 0) & (values != 1)])
    if len(odd):
        raise EstimationError(
            f"Column {favourable!r} holds {listing(odd)}.", fix="Use 1 for favourable and 0 for not, or name a cut-off (at_least, at_most)."
        )
    if not len(rows):
        raise EstimationError(f"Column {favourable!r} has no value.", fix="Check the filters that were applied before.")
    arms = read_arms(rows, arm, reference)
    codes, labels = cluster_codes(rows, cluster)
    more = covariate_columns(rows, covariates)
    others = np.column_stack([np.ones(len(rows)), more.matrix])
    refuse_collinear(np.column_stack([others, arms.inside]), ["(Intercept)", *more.terms, arm])
    found = adjusted_difference(values, arms.inside, others, codes, weights=numbers(rows, weights) if weights else None, variance="CR3")
    support = cluster_support(cluster, codes, arms.inside)
    cautions = list(support.cautions)
    if found.failed:
        text = f"The difference does not exist without {found.failed} of the clusters: no interval is given."
        cautions.append(Caution("no_jackknife", text))
    estimate = difference_estimate(
        found.value,
        found.se,
        df=found.df,
        ci_level=ci_level,
        scale="risk difference",
        n=len(rows),
        n_events=float(values.sum()),
        n_clusters=len(labels) if cluster else None,
        method="linear model of a yes or no; leave-one-cluster-out jackknife (CR3), t(G-1)",
        estimand=f"share favourable, {arms.arm} less {arms.reference}",
    )
    table = []
    for label, inside in ((arms.reference, 0.0), (arms.arm, 1.0)):
        part = values[arms.inside == inside]
        low, high = wilson(part.sum(), len(part), ci_level) if cluster is None else (np.nan, np.nan)
        table.append({"arm": label, "n": len(part), "favourable": int(part.sum()), "share": part.mean(), "ci_low": low, "ci_high": high})
    estimate = support.guarded(estimate).warn(*cautions)
    return Favourable(estimate=estimate, table=pd.DataFrame(table), left_out=int((~seen).sum()), warnings=tuple(cautions))
