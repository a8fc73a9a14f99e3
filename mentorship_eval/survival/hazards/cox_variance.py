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
from mentorship_eval.survival.hazards.leave_out import refits_without
from mentorship_eval.survival.hazards.partial_likelihood import Fit, Likelihood

__all__ = ["Variance", "estimate_variance", "informative_clusters", "sandwich"]


INFORMS = 1e-9  # of the largest score residual; less is rounding
JACKKNIFE_BELOW = 30  # informative clusters: with fewer the sandwich rejects too often


def sandwich(fit: Fit, scores: np.ndarray) -> np.ndarray:
    """(p, p) robust covariance from the (p, G) weighted scores of the independent units: rows, or clusters summed."""
    return fit.inverse @ (scores @ scores.T) @ fit.inverse


def informative_clusters(residuals: np.ndarray, clusters: np.ndarray, count: int) -> np.ndarray:
    """(count, p) booleans: does the cluster carry information about the coefficient?

    It does unless the score residual of each of its rows is zero: then its rows are only ever in
    risk sets without events or without contrast in the covariate, and leaving it out changes
    nothing. Residuals are compared with the largest one, for they are never exactly zero.
    """
    largest = np.zeros((count, len(residuals)))
    for column, row in zip(largest.T, np.abs(residuals), strict=True):
        np.maximum.at(column, clusters, row)
    return largest > INFORMS * largest.max(axis=0, initial=0.0)


def _by_cluster(likelihood: Likelihood, codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(p, count) scores of the clusters, and `informative_clusters`; one covariate at a time, to spare memory."""
    scores, informs = np.empty((len(likelihood.x), count)), np.zeros((count, len(likelihood.x)), dtype=bool)
    for j, residual in enumerate(likelihood.each_score_residual()):
        scores[j] = np.bincount(codes, residual, count)
        np.abs(residual, out=residual)
        informs[codes[residual > INFORMS * residual.max()], j] = True
    return scores, informs


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
        robust = sandwich(fit, fit.likelihood.score_residuals()) if weighted or kind == "robust" else None
        return Variance(fit.inverse if kind == "model" or robust is None else robust, kind, robust)
    codes = groups.codes[fit.likelihood.sets.rows]
    scores, informs = _by_cluster(fit.likelihood, codes, len(groups))
    robust = sandwich(fit, scores)
    counts = informs.sum(axis=0)
    kind = variance
    if variance == "auto":
        kind = "jackknife" if counts[0] < JACKKNIFE_BELOW else "cluster"
    if kind != "jackknife":
        return Variance(fit.inverse if kind == "model" else robust, kind, robust, counts)
    # Every cluster that informs on any coefficient is left out in turn, for coefficients move together.
    left_out = np.flatnonzero(informs.any(axis=1))
    estimates = refits_without(fit, scores, codes, left_out)
    missing = ~np.isfinite(estimates)
    whole = np.flatnonzero(~missing.any(axis=0))
    covariance, shares = np.full((len(fit.coef),) * 2, np.nan), np.full(estimates.shape, np.nan)
    if len(whole):
        jackknife = cluster_jackknife(fit.coef[whole], estimates[:, whole])
        covariance[np.ix_(whole, whole)], shares[:, whole] = jackknife.covariance, jackknife.shares
    counts = counts - (missing & informs[left_out]).sum(axis=0)
    return Variance(covariance, kind, robust, counts, tuple(left_out.tolist()), missing, shares)
