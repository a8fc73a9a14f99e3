"""Variance of Cox coefficients: sandwich by row or cluster, leave-one-cluster-out jackknife.

Sandwich: V (sum_g U_g U_g') V with U_g the summed score residuals of cluster g and V the inverse
information (Lin & Wei 1989, JASA 84:1074-1078). Jackknife: as `inference.jackknife`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.inference.jackknife import Jackknife, cluster_jackknife
from mentorship_eval.survival.columns import Groups
from mentorship_eval.survival.partial_likelihood import Fit, maximise

__all__ = ["Variance", "estimate_variance", "informative_clusters", "leave_one_cluster_out", "sandwich"]


JACKKNIFE_BELOW = 30  # informative clusters: with fewer the sandwich rejects too often
REFITTED = 1e-9  # refits need not be polished: this is a billionth of a standard error


def sandwich(fit: Fit, residuals: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """(p, p) robust covariance from (p, n) weighted score residuals; every row its own cluster for None."""
    scores = residuals if clusters is None else _by_cluster(residuals, clusters)
    changes = fit.inverse @ scores
    return changes @ changes.T


def _by_cluster(residuals: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(clusters, row) for row in residuals])


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


def leave_one_cluster_out(fit: Fit, residuals: np.ndarray, clusters: np.ndarray, informative: np.ndarray) -> Jackknife:
    """Refit without each of the ``informative`` clusters (codes), starting where one step leads.

    A refit whose maximum does not exist (a cluster that holds all events of one arm) is NaN and
    comes back in ``failed``, as a position in ``informative``.
    """
    likelihood = fit.likelihood
    scores = _by_cluster(residuals, clusters)
    estimates = np.full((len(informative), len(fit.coef)), np.nan)
    for row, code in enumerate(informative):
        sets, kept = likelihood.sets.without(clusters == code)
        if not len(sets.dead):
            continue
        begin = fit.coef - fit.inverse @ scores[:, code]
        again = maximise(sets, np.ascontiguousarray(likelihood.x[:, kept]), begin, REFITTED)
        if again is not None and again.runaway is None:
            estimates[row] = again.coef
    return cluster_jackknife(fit.coef, estimates)


@dataclass(frozen=True)
class Variance:
    """covariance: the one behind the intervals; kind: model, robust, cluster or jackknife;
    sandwich: by cluster or row, None when neither clusters nor weights ask for it; informative:
    (p,) clusters that carry information about each coefficient (None without clusters); left_out,
    failed: codes of the clusters that the jackknife left out, and of those without an estimate;
    shares: (left_out, p) of the jackknife variance.
    """

    covariance: np.ndarray
    kind: str
    sandwich: np.ndarray | None = None
    informative: np.ndarray | None = None
    left_out: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
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
    jackknife = leave_one_cluster_out(fit, residuals, codes, left_out)
    failed = left_out[list(jackknife.failed)]
    counts = counts - informs[failed].sum(axis=0)
    return Variance(jackknife.covariance, kind, robust, counts, tuple(left_out.tolist()), tuple(failed.tolist()), jackknife.shares)
