"""A linear mixed model with random intercepts of one group, or of groups within groups: the front door of the general model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import check_level, critical_value, two_sided_p
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, refuse_collinear, require
from mentorship_eval.surveys.mixed.correlation import correlations
from mentorship_eval.surveys.mixed.fitting import intercept_templates, restricted_fit
from mentorship_eval.surveys.mixed.layout import build_layout
from mentorship_eval.surveys.mixed.likelihood import Likelihood
from mentorship_eval.surveys.mixed.small_sample import DF_METHODS, Contrasts, contrasts

__all__ = ["RandomIntercepts", "coefficient_table", "random_intercepts"]


def coefficient_table(terms: Sequence[str], found: Contrasts, ci_level: float, means: int = 0, middle: float = 0.0) -> pd.DataFrame:
    """term, estimate, se, df, t, p_value, ci_low, ci_high; ``middle`` was taken off the outcome and goes to the first ``means`` terms."""
    found = replace(found, estimate=found.estimate + middle * (np.arange(len(found.estimate)) < means))
    freedom = [None if np.isinf(df) else float(df) for df in found.df]
    half = np.array([critical_value(ci_level, df) if df is None or df >= 1 else np.nan for df in freedom]) * found.se
    t = np.divide(found.estimate, found.se, out=np.full(len(found.se), np.nan), where=found.se > 0)
    p = np.array([two_sided_p(statistic, df) if df is None or df >= 1 else np.nan for statistic, df in zip(t, freedom, strict=True)])
    return pd.DataFrame({
        "term": list(terms), "estimate": found.estimate, "se": found.se, "df": found.df, "t": t, "p_value": p,
        "ci_low": found.estimate - half, "ci_high": found.estimate + half,
    })  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RandomIntercepts:
    """table: the fixed effects; variances: group, variance, sd, share; icc: `Estimate` by group; deviance: -2 restricted log-likelihood."""

    outcome: str
    table: pd.DataFrame
    variances: pd.DataFrame
    icc: dict[str, Estimate]
    deviance: float
    n: int
    n_groups: dict[str, int]
    left_out: int
    method: str

    @property
    def estimate(self) -> Estimate:
        """The first covariate; without one the mean."""
        row = self.table.iloc[min(1, len(self.table) - 1)]
        name, first = row["term"], next(iter(self.n_groups.values()))
        return Estimate(
            value=row["estimate"],
            se=row["se"],
            df=row["df"],
            ci_low=row["ci_low"],
            ci_high=row["ci_high"],
            p_value=row["p_value"],
            n=self.n,
            n_clusters=first,
            method=self.method,
            estimand=f"{self.outcome} per unit of {name}" if len(self.table) > 1 else f"mean {self.outcome}",
        )

    def statement(self) -> str:
        """The estimate and the correlations, with their intervals."""
        told = "; ".join(f"{name} {icc.interval(3)}" for name, icc in self.icc.items())
        left = f" {self.left_out:,} rows without an outcome are left out." if self.left_out else ""
        return f"{self.estimate.statement()} Intra-class correlation: {told}. {self.n:,} answers.{left}"

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, self.variances)


def random_intercepts(
    data: pd.DataFrame,
    *,
    outcome: str,
    groups: str | Sequence[str],
    covariates: Sequence[str] = (),
    df: str = "kenward-roger",
    ci_level: float = 0.95,
) -> RandomIntercepts:
    """Restricted maximum likelihood with an intercept of each group.

    Parameters
    ----------
    data : one row per answer. Rows without an outcome are left out and counted; other columns must be complete.
    groups : one column (persons, or departments), or two, the outer first, the inner nested in it (``["dept", "person"]``).
    covariates : fixed effects besides the intercept; text is treatment-coded against its most frequent level.
    df : "kenward-roger" or "satterthwaite".

    Raises `UsageError` for unknown columns or settings; `EstimationError` for collinear covariates, an inner group in two outer ones, or
    groups of one row each, whose variance cannot be told from that of the errors.
    """
    check_level(ci_level)
    names = [groups] if isinstance(groups, str) else list(groups)
    if not 1 <= len(names) <= 2:
        raise UsageError(f"{len(names)} groups are named.", fix="Name one, or an outer and an inner one.")
    require(data, [outcome, *names, *covariates])
    y = numbers(data, outcome)
    seen = ~np.isnan(y)
    rows, y = data[seen], y[seen]
    if not len(rows):
        raise EstimationError(f"Column {outcome!r} has no value.", fix="Check the filters that were applied before.")
    design = covariate_columns(rows, covariates)
    x, terms = np.column_stack([np.ones(len(rows)), design.matrix]), ("(Intercept)", *design.terms)
    middle = float(y.mean())  # taken off, so that a score far from 0 loses no digits
    refuse_collinear(x, terms)
    codes = [cluster_codes(rows, name) for name in names]
    if len(names) == 1:
        inner, slot = np.arange(len(rows)), np.zeros(len(rows), dtype=int)
    else:
        inner = codes[1][0]
        slot = rows.groupby(inner).cumcount().to_numpy()
    for (code, labels), name in zip(codes, names, strict=True):
        if len(labels) < 2 or len(labels) == len(code):
            raise EstimationError(
                f"{name!r} has {len(labels):,} groups in {len(code):,} rows.", fix="A group needs several rows, and several groups are needed."
            )
    templates = intercept_templates(int(slot.max()) + 1, person=len(names) == 2)
    layout = build_layout(inner, slot, codes[0][0], codes[-1][1] if len(names) == 2 else None)
    fit = restricted_fit(Likelihood(layout, x, y - middle, templates), nonnegative=np.ones(len(templates) + 1, dtype=bool))
    theta = fit.at.theta
    parts = [*zip(names, [theta[-1], *theta[1:-1]], strict=True), ("residual", theta[0])]
    variances = pd.DataFrame([{"group": name, "variance": v, "sd": float(np.sqrt(v)), "share": v / theta.sum()} for name, v in parts])
    return RandomIntercepts(
        outcome=outcome,
        table=coefficient_table(terms, contrasts(fit, np.eye(len(terms)), df), ci_level, 1, middle),
        variances=variances,
        icc=correlations(fit, tuple(names), ci_level=ci_level),
        deviance=fit.at.deviance,
        n=len(y),
        n_groups={name: len(labels) for name, (_, labels) in zip(names, codes, strict=True)},
        left_out=int((~seen).sum()),
        method=f"linear mixed model, random intercepts of {' and '.join(names)}, REML, {DF_METHODS[df]} t",
    )
