"""An adjusted difference among those who answered, weighted for who did not: the weights are fitted anew without each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import check_level, difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.baselines import ready_baseline
from mentorship_eval.surveys.clusters import cluster_support
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, refuse_collinear, require
from mentorship_eval.surveys.missing.response_model import fitted_weights, kish

__all__ = ["ResponseRefits", "WeightedAncova", "response_refits", "weighted_ancova"]


@dataclass(frozen=True, kw_only=True)
class ResponseRefits:
    """weights: (n,) of response, NaN for who did not answer; without: (G, n) the same, refitted without each cluster, NaN in it; labels: the G
    clusters; answered: (n,); index: of the data. A row of NaN: no finite model."""

    weights: np.ndarray
    without: np.ndarray
    labels: list[object]
    answered: np.ndarray
    index: pd.Index


def response_refits(
    data: pd.DataFrame, *, outcome: str, arm: str, response_covariates: Sequence[str], cluster: str, truncate: float = 0.99, reference: Any = None
) -> ResponseRefits:
    """Weights of response, and those without each cluster: fitted once for all scores that the same people gave.

    data : one row per person asked; no ``outcome`` means no answer. Other arguments, and what is raised, as `weighted_ancova`.
    """
    if not 0.5 < truncate <= 1:
        raise UsageError(f"truncate is {truncate}.", fix="Give a quantile such as 0.99, or 1 for none.")
    require(data, [outcome, arm, cluster, *response_covariates])
    flags = ~np.isnan(numbers(data, outcome))
    inside = read_arms(data, arm, reference).inside
    codes, labels = cluster_codes(data, cluster)
    x = covariate_columns(data, response_covariates).matrix

    def weights(kept: np.ndarray) -> np.ndarray:
        out = np.full(len(flags), np.nan)
        made = fitted_weights(x[kept], inside[kept], flags[kept], truncate)
        if made is not None:
            out[kept & flags] = made[0]
        return out

    without = np.array([weights(codes != code) for code in range(len(labels))])
    return ResponseRefits(weights=weights(np.ones(len(flags), bool)), without=without, labels=labels, answered=flags, index=data.index)


@dataclass(frozen=True, kw_only=True)
class WeightedAncova:
    """estimate: weighted difference; unweighted: the same without weights; effective_n; asked, answered; leave_one_out: cluster, estimate."""

    estimate: Estimate
    unweighted: Estimate
    asked: int
    answered: int
    effective_n: float
    leave_one_out: pd.DataFrame
    warnings: tuple[Caution, ...]

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame([
            {"quantity": name, "estimate": e.value, "se": e.se, "df": e.df, "ci_low": e.ci_low, "ci_high": e.ci_high, "p_value": e.p_value}
            for name, e in (("weighted", self.estimate), ("unweighted", self.unweighted))
        ])  # fmt: skip

    def statement(self) -> str:
        worth = f"{self.answered:,} of {self.asked:,} answered, worth {self.effective_n:,.0f} after weighting"
        return f"{self.estimate.statement()} {worth}; unweighted {self.unweighted.interval()}."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, cautions=self.warnings)


def weighted_ancova(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    response_covariates: Sequence[str] = (),
    cluster: str,
    baseline: str | None = None,
    covariates: Sequence[str] = (),
    truncate: float = 0.99,
    reference: Any = None,
    randomised: bool = False,
    ci_level: float = 0.95,
    refits: ResponseRefits | None = None,
) -> WeightedAncova:
    """Analysis of covariance with weights of response.

    Parameters
    ----------
    data : one row per person asked at the wave; no outcome means no answer. response_covariates : known for all, see `response_weights`.
        baseline, randomised : see `ancova`; rows that cannot be analysed for want of one are left out of the model of response too.
        cluster : left out in turn, model of response and all; jackknife t on G-1. refits : weights that were fitted before (`response_refits`), for
        the same rows and the same people silent; response_covariates and truncate are then those of the fit.

    Raises as `ancova` and `response_weights` do.
    """
    check_level(ci_level)
    if not 0.5 < truncate <= 1:
        raise UsageError(f"truncate is {truncate}.", fix="Give a quantile such as 0.99, or 1 for none.")
    require(data, [outcome, arm, baseline, cluster, *covariates, *response_covariates])
    ready = ready_baseline(data, baseline, randomised)
    rows = data[ready.kept]
    arms = read_arms(rows, arm, reference)
    inside, y = arms.inside, numbers(rows, outcome)
    flags = ~np.isnan(y)
    codes, labels = cluster_codes(rows, cluster)
    if refits is None:
        refits = response_refits(rows, outcome=outcome, arm=arm, response_covariates=response_covariates, cluster=cluster, truncate=truncate,
                                 reference=reference)  # fmt: skip
    elif not rows.index.equals(refits.index) or (flags != refits.answered).any():
        fix = "Leave out refits, or fit them for these rows."
        raise UsageError("The weights were fitted for other rows, or for others who did not answer.", fix=fix)
    others = np.column_stack([np.ones(len(rows)), ready.columns, covariate_columns(rows, covariates).matrix])
    refuse_collinear(np.column_stack([others, inside])[flags], [*(f"column {k}" for k in range(others.shape[1])), arm])

    def difference(kept: np.ndarray, weights: np.ndarray | None) -> tuple[float, np.ndarray]:
        there = kept & flags
        w = np.ones(int(there.sum())) if weights is None else weights[there]
        if np.isnan(w).any():
            return np.nan, w
        root = np.sqrt(w)
        x = np.column_stack([inside[there], others[there]]) * root[:, None]
        if np.linalg.matrix_rank(x) < x.shape[1]:
            return np.nan, w
        return float(np.linalg.lstsq(x, y[there] * root, rcond=None)[0][0]), w

    support = cluster_support(cluster, codes, inside)
    everyone = np.ones(len(rows), dtype=bool)
    about = f"{arms.arm} less {arms.reference}"
    found, without, weights = [], np.full(len(labels), np.nan), np.ones(0)
    for weighted in (True, False):
        value, w = difference(everyone, refits.weights if weighted else None)
        if not np.isfinite(value):
            raise EstimationError("The chance of an answer has no finite model.", fix="Leave out the covariate that tells for certain who answered.")
        left = np.array([difference(codes != code, refits.without[code] if weighted else None)[0] for code in range(len(labels))])
        made = cluster_jackknife(value, left)
        how = ", weighted by the inverse chance of an answer (refitted without each cluster)" if weighted else ""
        method = f"least squares{how}; jackknife (CR3), t(G-1)"
        found.append(difference_estimate(
            value, float(made.se[0]) if not made.failed else np.nan, df=made.df, ci_level=ci_level, n=int(flags.sum()), n_clusters=made.n_clusters,
            method=method,
            estimand=f"{outcome}, {about}, {'had all who were asked answered' if weighted else 'among those who answered'}",
        ))  # fmt: skip
        if weighted:
            without, weights = left, w
    cautions = [*ready.cautions, *support.cautions]
    return WeightedAncova(
        estimate=support.guarded(found[0]).warn(*cautions),
        unweighted=support.guarded(found[1]),
        asked=len(rows),
        answered=int(flags.sum()),
        effective_n=kish(weights),
        leave_one_out=pd.DataFrame({"cluster": labels, "estimate": without}),
        warnings=tuple(cautions),
    )
