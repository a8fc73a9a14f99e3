"""Variance of Cox coefficients: sandwich by row or cluster, leave-one-cluster-out jackknife.

Sandwich: V (sum_g U_g U_g') V with U_g the summed score residuals of cluster g and V the inverse
information (Lin & Wei 1989, JASA 84:1074-1078). Jackknife: as `inference.jackknife`, term by term: a term whose
own coefficient does not exist without some cluster has no jackknife variance, for leaving that refit aside
would drop the very cluster on which the estimate rests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.survival.columns import Groups
from mentorship_eval.survival.leave_out import leave_one_cluster_out, scores_by_cluster
from mentorship_eval.survival.partial_likelihood import Fit

__all__ = ["Variance", "estimate_variance", "informative_clusters", "sandwich"]


JACKKNIFE_BELOW = 30  # informative clusters: with fewer the sandwich rejects too often


def sandwich(fit: Fit, residuals: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """(p, p) robust covariance from (p, n) weighted score residuals; every row its own cluster for None."""
    scores = residuals if clusters is None else scores_by_cluster(residuals, clusters)
    changes = fit.inverse @ scores
    return changes @ changes.T


def informative_clusters(residuals: np.ndarray, clusters: np.ndarray, count: int) -> np.ndarray:
    """(count, p) booleans: does the cluster carry information about the coefficient?

    It does unless the score residual of each of its rows is zero: then its rows are only ever in
    risk sets without events or without contrast in the covariate, and leaving it out changes
    nothing. Residuals are compared with the largest one, for they are never exactly zero.
    """
    largest = np.zeros((count, len(residuals)))
    for column, row in zip(largest.T, np.abs(residuals), strict=True):
        np.maximum.at(column, clusters, row)
    return largest > 1e-9 * largest.max(axis=0, initial=0.0)


@dataclass(frozen=True)
class Variance:
    """covariance: the one behind the intervals; kind: model, robust, cluster or jackknife;
    sandwich: by cluster or row, None when neither clusters nor weights ask for it; informative:
    (p,) clusters that carry information about each coefficient (None without clusters); left_out:
    codes of the clusters that the jackknife left out; missing: (left_out, p), the coefficient does not
    exist without that cluster; shares: (left_out, p) of the jackknife variance, NaN for such a coefficient.
    """

    covariance: np.ndarray
    kind: str
    sandwich: np.ndarray | None = None
    informative: np.ndarray | None = None
    left_out: tuple[int, ...] = ()
    missing: np.ndarray | None = None
    shares: np.ndarray | None = None


def estimate_variance(fit: Fit, variance: str, groups: Groups | None, weighted: bool) -> Variance:
    """The variance that was asked for, or for "auto" the one that the clusters and weights call for."""
    if groups is None:
        kind = ("robust" if weighted else "model") if variance == "auto" else variance
        robust = sandwich(fit, fit.likelihood.score_residuals(), None) if weighted or kind == "robust" else None
        return Variance(fit.inverse if kind == "model" or robust is None else robust, kind, robust)
    residuals = fit.likelihood.score_residuals()
    codes = groups.codes[fit.likelihood.sets.rows]
    robust = sandwich(fit, residuals, codes)
    informs = informative_clusters(residuals, codes, len(groups))
    counts = informs.sum(axis=0)
    kind = variance
    if variance == "auto":
        kind = "jackknife" if counts[0] < JACKKNIFE_BELOW else "cluster"
    if kind != "jackknife":
        return Variance(fit.inverse if kind == "model" else robust, kind, robust, counts)
    # Every cluster that informs on any coefficient is left out in turn, for coefficients move together.
    left_out = np.flatnonzero(informs.any(axis=1))
    estimates = leave_one_cluster_out(fit, residuals, codes, left_out)
    missing = ~np.isfinite(estimates)
    whole = np.flatnonzero(~missing.any(axis=0))
    covariance, shares = np.full((len(fit.coef),) * 2, np.nan), np.full(estimates.shape, np.nan)
    if len(whole):
        jackknife = cluster_jackknife(fit.coef[whole], estimates[:, whole])
        covariance[np.ix_(whole, whole)], shares[:, whole] = jackknife.covariance, jackknife.shares
    counts = counts - (missing & informs[left_out]).sum(axis=0)
    return Variance(covariance, kind, robust, counts, tuple(left_out.tolist()), missing, shares)
