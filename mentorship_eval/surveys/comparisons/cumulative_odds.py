"""Ordered answers: proportional odds (McCullagh 1980, JRSS B 42:109-142) with a jackknife over clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import check_level, ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.clusters import cluster_support
from mentorship_eval.surveys.columns import cluster_codes, covariate_columns, numbers, read_arms, refuse_collinear, require

__all__ = ["ProportionalOdds", "fit_cumulative", "ordinal"]

STEPS, HALVINGS, LARGEST = 60, 30, 15.0
WORTH_TELLING = 20  # answers on either side of a cut


@dataclass(frozen=True, kw_only=True)
class ProportionalOdds:
    """estimate: odds ratio of a higher answer; table: arm by level, counts; by_cut: cut, odds_ratio of above it, one logistic model each: they
    should resemble each other; cuts: (levels - 1,) thresholds; coefficients: term, log_odds, model_se."""

    estimate: Estimate
    table: pd.DataFrame
    by_cut: pd.DataFrame
    cuts: np.ndarray
    coefficients: pd.DataFrame
    deviance: float
    left_out: int
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        enough = (self.by_cut["n_above"] >= WORTH_TELLING) & (self.by_cut["n_below"] >= WORTH_TELLING)
        cuts = self.by_cut.loc[enough, "odds_ratio"].dropna()
        spread = f" Cut by cut the odds ratio runs from {cuts.min():.2f} to {cuts.max():.2f}." if len(cuts) > 1 else ""
        return self.estimate.statement() + spread

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, self.by_cut, cautions=self.warnings)


def _logistic(values: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -500, 500))))


def _parts(theta: np.ndarray, x: np.ndarray, level: np.ndarray, cuts: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood, score and information (observed) at theta = cuts, then coefficients."""
    eta = x @ theta[cuts:]
    bounds = np.concatenate([[-np.inf], theta[:cuts], [np.inf]])
    high, low = _logistic(bounds[level + 1] - eta), _logistic(bounds[level] - eta)
    share = np.maximum(high - low, 1e-300)
    d_high, d_low = high * (1 - high), low * (1 - low)
    n, p = len(level), x.shape[1]
    jump_high, jump_low = np.zeros((n, cuts + p)), np.zeros((n, cuts + p))
    inner = level < cuts
    jump_high[np.flatnonzero(inner), level[inner]] = 1
    outer = level > 0
    jump_low[np.flatnonzero(outer), level[outer] - 1] = 1
    jump_high[:, cuts:], jump_low[:, cuts:] = -x, -x
    first = (d_high[:, None] * jump_high - d_low[:, None] * jump_low) / share[:, None]
    curve_high, curve_low = d_high * (1 - 2 * high) / share, d_low * (1 - 2 * low) / share
    information = first.T @ first - (jump_high * curve_high[:, None]).T @ jump_high + (jump_low * curve_low[:, None]).T @ jump_low
    return float(np.log(share).sum()), first.sum(axis=0), information


def fit_cumulative(x: np.ndarray, level: np.ndarray, levels: int, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float] | None:
    """theta (levels - 1 + p,), its covariance and the log-likelihood; None when a coefficient runs away (separation) or a level is empty.

    x : (n, p) without an intercept. level : (n,) codes 0 to levels - 1.
    """
    cuts = levels - 1
    counts = np.bincount(level, minlength=levels)
    if (counts == 0).any():
        return None
    below = np.cumsum(counts)[:-1] / len(level)
    theta = start if start is not None else np.concatenate([np.log(below / (1 - below)), np.zeros(x.shape[1])])
    value, score, information = _parts(theta, x, level, cuts)
    for _ in range(STEPS):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return None
        if float(score @ step) < 1e-12:
            return theta, np.linalg.inv(information), value
        for _half in range(HALVINGS):
            trial = theta + step
            if (np.diff(trial[:cuts]) > 0).all():
                new, new_score, new_information = _parts(trial, x, level, cuts)
                if new >= value - 1e-12:
                    break
            step = step / 2
        else:
            return theta, np.linalg.inv(information), value
        theta, value, score, information = trial, new, new_score, new_information
        if np.abs(theta[cuts:] * np.maximum(x.std(axis=0), 1e-12)).max(initial=0.0) > LARGEST:
            return None
    return None


def ordinal(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    reference: Any = None,
    ci_level: float = 0.95,
) -> ProportionalOdds:
    """Odds ratio of a higher answer, arm against reference, the same at every cut.

    Parameters
    ----------
    outcome : column of ordered numbers, or an ordered categorical. Rows without one are left out and counted.
    cluster : left out in turn for the standard error, t on G-1; without it the standard error is that of the model.

    Raises `UsageError` for unknown columns; `EstimationError` for fewer than three answers that occur, one arm, separation, or unordered text.
    """
    check_level(ci_level)
    require(data, [outcome, arm, cluster, *covariates])
    column = data[outcome]
    ordered = isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered
    values = np.where(column.isna(), np.nan, column.cat.codes) if ordered else numbers(data, outcome)
    seen = ~np.isnan(values)
    rows = data[seen]
    found, level = np.unique(values[seen], return_inverse=True)
    if len(found) < 3:
        raise EstimationError(f"Column {outcome!r} has {len(found)} different answers.", fix="Two answers are a share: use favourable.")
    names = [column.cat.categories[int(v)] for v in found] if ordered else [f"{value:g}" for value in found]
    arms = read_arms(rows, arm, reference)
    more = covariate_columns(rows, covariates)
    x = np.column_stack([arms.inside, more.matrix])
    refuse_collinear(np.column_stack([np.ones(len(x)), x]), ["(Intercept)", arm, *more.terms])
    centre = x.mean(axis=0)
    fit = fit_cumulative(x - centre, level, len(found))
    if fit is None:
        raise EstimationError(
            "The proportional-odds model has no finite estimate.", fix="Join rare answers, or leave out a covariate that decides the answer."
        )
    theta, covariance, value = fit
    cuts = len(found) - 1
    codes, labels = cluster_codes(rows, cluster)
    support = cluster_support(cluster, codes, arms.inside)
    cautions = list(support.cautions)
    se, df, count = float(np.sqrt(covariance[cuts, cuts])), None, None
    method = "proportional odds; standard error of the model"
    if cluster is not None:
        without = np.array([_without(x - centre, level, codes != code, len(found), cuts) for code in range(len(labels))])
        made = cluster_jackknife(theta[cuts], without)
        se, df, count = float(made.se[0]) if not made.failed else np.nan, made.df, made.n_clusters
        method = "proportional odds; leave-one-cluster-out jackknife (CR3), t(G-1)"
        if made.failed:
            cautions.append(Caution("no_jackknife", f"The odds ratio does not exist without {made.failed_words}: no interval is given."))
    by_cut = _by_cut(x, level, names)
    estimate = ratio_estimate(
        float(theta[cuts]),
        se,
        scale="odds ratio",
        df=df,
        ci_level=ci_level,
        n=len(rows),
        n_clusters=count,
        method=method,
        warnings=tuple(cautions),
        estimand=f"odds of a higher {outcome}, {arms.arm} against {arms.reference}",
    )
    counts = pd.crosstab(
        np.where(arms.inside == 1, str(arms.arm), str(arms.reference)), pd.Categorical([str(names[k]) for k in level], [str(v) for v in names])
    )
    table = counts.rename_axis(index="arm", columns=None).reset_index()
    terms = [arm, *more.terms]
    return ProportionalOdds(
        estimate=support.guarded(estimate), table=table, by_cut=by_cut, cuts=theta[:cuts] + centre @ theta[cuts:],
        coefficients=pd.DataFrame({"term": terms, "log_odds": theta[cuts:], "model_se": np.sqrt(np.diag(covariance)[cuts:])}), deviance=-2 * value,
        left_out=int((~seen).sum()), warnings=tuple(cautions),
    )  # fmt: skip


def _without(x: np.ndarray, level: np.ndarray, kept: np.ndarray, levels: int, cuts: int) -> float:
    """The log odds ratio without a cluster; a level that only it gave is joined with nothing: the others renumbered."""
    there, again = np.unique(level[kept], return_inverse=True)
    fit = fit_cumulative(x[kept], again, len(there)) if len(there) > 1 else None
    return float(fit[0][len(there) - 1]) if fit is not None else np.nan


def _by_cut(x: np.ndarray, level: np.ndarray, names: list[Any]) -> pd.DataFrame:
    out = []
    for cut in range(1, len(names)):
        fit = fit_cumulative(x - x.mean(axis=0), (level >= cut).astype(int), 2)
        out.append(
            {"cut": f"{names[cut]} or higher", "n_above": int((level >= cut).sum()), "n_below": int((level < cut).sum()),
             "odds_ratio": float(np.exp(fit[0][1])) if fit else np.nan}
        )
    return pd.DataFrame(out)
