"""Estimates from several completed data sets made one (Rubin 1987), with Barnard & Rubin's degrees of freedom (1999, Biometrika 86:948-955)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate, ratio_estimate

__all__ = ["Pooled", "pool_imputed"]


@dataclass(frozen=True)
class Pooled:
    """estimate; imputations; within, between: variances; missing_information: share of the information that the missing answers held."""

    estimate: Estimate
    imputations: int
    within: float
    between: float
    missing_information: float

    @property
    def table(self) -> pd.DataFrame:
        e = self.estimate
        return pd.DataFrame([{"estimate": e.value, "se": e.se, "df": e.df, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value,
                              "imputations": self.imputations, "missing_information": self.missing_information}])  # fmt: skip

    def statement(self) -> str:
        return f"{self.estimate.statement()} {self.imputations} imputations; {self.missing_information:.0%} of the information is missing."

    def _repr_html_(self) -> str:
        from mentorship_eval.inference.shown import as_html

        return as_html(self.statement(), self.table, cautions=self.estimate.warnings)


def pool_imputed(estimates: Sequence[Estimate], *, complete_df: float | None = None, ci_level: float | None = None) -> Pooled:
    """One estimate from one per completed data set; ratios are pooled as logarithms.

    complete_df : degrees of freedom had nothing been missing; by default the mean of those of the estimates, infinite where they have none.

    An estimate without limits has none because its design carries none (too few clusters, say): the pooled one has no limits and no p-value then
    either, unless the caller answers for them with ``complete_df``.

    Raises `UsageError` for fewer than two estimates; `EstimationError` for estimates without a value or a standard error.
    """
    if len(estimates) < 2:
        raise UsageError("Pooling needs two completed data sets or more.", fix="Use imputations=20.")
    first = estimates[0]
    values = np.array([math.log(e.value) if e.is_ratio else e.value for e in estimates])
    errors = np.array([e.se for e in estimates])
    if not np.isfinite(values).all() or not (errors > 0).all():
        raise EstimationError("An estimate of a completed data set has no standard error.", fix="Check the analysis on one of the data sets.")
    unlimited = complete_df is None and any(math.isnan(e.ci_low) and math.isnan(e.ci_high) for e in estimates)
    m = len(values)
    within, between = float((errors**2).mean()), float(values.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    if complete_df is None:
        known = [e.df for e in estimates]
        complete_df = math.inf if any(df is None for df in known) else float(np.mean([df for df in known if df is not None]))
    of_imputations = (m - 1) / share**2 if share > 0 else math.inf
    observed = math.inf if math.isinf(complete_df) else (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    inverse = (1 / of_imputations if of_imputations else 0.0) + (0.0 if math.isinf(observed) else 1 / observed)
    df = 1 / inverse if inverse > 0 else math.inf
    relative = (1 + 1 / m) * between / within
    information = (relative + 2 / (df + 3)) / (relative + 1) if math.isfinite(df) else relative / (relative + 1)
    make = ratio_estimate if first.is_ratio else difference_estimate
    made = make(
        float(values.mean()), math.sqrt(total), scale=first.scale, df=None if math.isinf(df) else df, ci_level=ci_level or first.ci_level
    )
    if unlimited:
        made = replace(made, ci_low=math.nan, ci_high=math.nan, p_value=math.nan)
    estimate = replace(
        first, value=made.value, se=made.se, ci_low=made.ci_low, ci_high=made.ci_high, ci_level=made.ci_level, p_value=made.p_value, df=made.df,
        method=f"{first.method}; {m} imputations, Rubin's rules",
    )
    return Pooled(estimate, m, within, between, information)
