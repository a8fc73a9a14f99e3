"""Cluster-robust standard errors of one coefficient of a linear (or linearised) model, for few clusters.

Everything is told of one regressor with all other columns partialled out, so that no design matrix
with a column per unit is ever formed. With weights, every array is multiplied by their square root
first; the working model is then that of inverse-variance weights.

CR1: sandwich of cluster scores, G/(G-1) (N-1)/(N-K), t(G-1). CR2: Bell & McCaffrey's bias-reduced
linearisation with Satterthwaite degrees of freedom, for absorbed effects as in Pustejovsky & Tipton
(2018, J. Business & Economic Statistics 36:672-683). CR3: leave-one-cluster-out jackknife in closed form
(MacKinnon, Nielsen & Webb 2023, J. Econometrics 232:272-299).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["ClusterVariance", "cr1", "cr2", "heteroskedastic", "iid", "leave_one_out_estimates", "symmetric_inverse"]

# Below this a (relative) eigenvalue counts as 0: a direction that the data do not determine.
NOTHING = 1e-10


@dataclass(frozen=True)
class ClusterVariance:
    """se; df: of its t distribution (None: normal); n_clusters; shares (G,): each cluster's share of the variance."""

    se: float
    df: float | None
    n_clusters: int | None
    shares: np.ndarray


def _unit_diagonal(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of different size would hide small eigenvalues: the matrix scaled to a unit diagonal, and the scale."""
    diagonal = np.diag(matrix).copy()
    scale = np.sqrt(np.where(diagonal > NOTHING * max(diagonal.max(initial=0.0), 1e-300) * 1e-6, diagonal, 1.0))
    return matrix / np.outer(scale, scale), scale


def symmetric_inverse(matrix: np.ndarray) -> tuple[np.ndarray, int, np.ndarray]:
    """A generalised inverse of a positive semi-definite (p, p) matrix, its rank, and (p,) which coefficients are determined."""
    scaled, scale = _unit_diagonal(matrix)
    values, vectors = np.linalg.eigh(scaled)
    kept = values > NOTHING * max(values.max(initial=0.0), 1e-300)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    determined = (vectors[:, ~kept] ** 2).sum(axis=1) < 1e-8
    return inverse / np.outer(scale, scale), int(kept.sum()), determined


def _checked(regressor: np.ndarray, residual: np.ndarray, cluster: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    if not len(regressor) == len(residual) == len(cluster):
        raise UsageError("Regressor, residuals and cluster codes are not of one length.", fix="Give one of each per observation.")
    scores = np.bincount(cluster, weights=regressor * residual)
    return scores, np.bincount(cluster) > 0, float(regressor @ regressor)


def iid(regressor: np.ndarray, sigma2: float, *, correction: float = 1.0) -> ClusterVariance:
    """From independent errors of variance ``sigma2`` (1 for a Poisson likelihood), times ``correction``."""
    return ClusterVariance(float(np.sqrt(correction * sigma2 / (regressor @ regressor))), None, None, np.zeros(0))


def heteroskedastic(regressor: np.ndarray, residual: np.ndarray, *, parameters: int) -> ClusterVariance:
    """HC1: every observation its own cluster, times N/(N-K)."""
    n = len(regressor)
    spread = ((regressor * residual) ** 2).sum() / (regressor @ regressor) ** 2
    return ClusterVariance(float(np.sqrt(spread * n / (n - parameters))), None, None, np.zeros(0))


def cr1(regressor: np.ndarray, residual: np.ndarray, cluster: np.ndarray, *, parameters: int) -> ClusterVariance:
    """Sandwich of cluster scores with t(G-1).

    Parameters
    ----------
    regressor, residual : (n,) partialled-out regressor and full residual.
    cluster : (n,) codes 0, 1, ...; codes without an observation are not counted.
    parameters : K of the correction (N-1)/(N-K): coefficients and effects that are not nested in clusters.
    """
    scores, seen, information = _checked(regressor, residual, cluster)
    count, n = int(seen.sum()), len(regressor)
    total = float(scores @ scores)
    shares = scores**2 / total if total > 0 else np.zeros_like(scores)
    if count < 2 or n <= parameters:
        return ClusterVariance(np.nan, float(count - 1), count, shares)
    factor = count / (count - 1) * (n - 1) / (n - parameters)
    return ClusterVariance(float(np.sqrt(factor * total)) / information, float(count - 1), count, shares)


def _blocks(cluster: np.ndarray, *arrays: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """(code, its rows of each array), cluster by cluster."""
    if (cluster[1:] < cluster[:-1]).any():  # sorting would copy everything
        order = np.argsort(cluster, kind="stable")
        cluster, arrays = cluster[order], tuple(array[order] for array in arrays)
    codes, starts = np.unique(cluster, return_index=True)
    for code, begin, end in zip(codes, starts, [*starts[1:], len(cluster)], strict=True):
        yield (int(code), *(array[begin:end] for array in arrays))


def _once(compute: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Clusters with the same columns (one wave of a balanced panel) share their answer."""
    known: dict[tuple[tuple[int, ...], bytes], Any] = {}

    def recall(block: np.ndarray) -> Any:
        key = (block.shape, block.tobytes())
        if key not in known:
            if len(known) > 256:
                known.clear()
            known[key] = compute(block)
        return known[key]

    return recall


def cr2(regressor: np.ndarray, residual: np.ndarray, cluster: np.ndarray, basis: np.ndarray) -> ClusterVariance:
    """Bias-reduced linearisation with Satterthwaite degrees of freedom.

    Parameters
    ----------
    regressor, residual, cluster : as in `cr1`.
    basis : (n, p) the columns that are not nested in clusters, the regressor's own among them, each with
        the nested ones (unit effects) partialled out. Need not have full rank.

    A block I - H of a cluster has an eigenvalue 0 where the cluster alone determines a coefficient; the
    inverse root leaves that direction out.
    """
    _, seen, information = _checked(regressor, residual, cluster)
    inverse = symmetric_inverse(basis.T @ basis)[0]
    c = inverse @ (basis.T @ regressor)  # regressor = basis @ c

    def adjusted(block: np.ndarray) -> np.ndarray:
        q, r = np.linalg.qr(block)
        values, vectors = np.linalg.eigh(np.eye(len(r)) - r @ inverse @ r.T)
        root = np.divide(1.0, np.sqrt(np.abs(values)), out=np.zeros_like(values), where=values > NOTHING)
        return q @ (vectors @ (root * (vectors.T @ (r @ c))))

    recall = _once(adjusted)
    size = len(seen)
    adjusted_scores, own, loads = np.zeros(size), np.zeros(size), np.zeros((size, basis.shape[1]))
    for code, block, e in _blocks(cluster, basis, residual):
        a = recall(block)
        adjusted_scores[code], own[code], loads[code] = a @ e, a @ a, block.T @ a
    # P = diag(own) - loads inverse loads', the covariance of the adjusted scores under independence
    values, vectors = np.linalg.eigh((inverse + inverse.T) / 2)
    loads = loads @ (vectors * np.sqrt(np.clip(values, 0.0, None)))
    lengths = (loads**2).sum(axis=1)
    trace = float((own - lengths).sum())
    squared = float((own**2).sum() - 2 * (own * lengths).sum() + ((loads.T @ loads) ** 2).sum())
    total = float(adjusted_scores @ adjusted_scores)
    count = int(seen.sum())
    if count < 2 or not squared > 0:
        return ClusterVariance(np.nan, np.nan, count, np.zeros(size))
    shares = adjusted_scores**2 / total if total > 0 else np.zeros(size)
    return ClusterVariance(float(np.sqrt(total)) / information, trace**2 / squared, count, shares)


def leave_one_out_estimates(estimate: float, residual: np.ndarray, cluster: np.ndarray, basis: np.ndarray, column: int) -> np.ndarray:
    """(G,) least-squares estimates of the coefficient of ``basis[:, column]`` without each cluster, in closed form.

    residual : (n,) of the full fit; basis : as in `cr2`. NaN where the coefficient does not exist without the cluster.
    """
    gram = basis.T @ basis

    def row(block: np.ndarray) -> np.ndarray:
        inverse, _, determined = symmetric_inverse(gram - block.T @ block)
        return inverse[column] if determined[column] else np.full(len(gram), np.nan)

    recall = _once(row)
    out = np.full(int(cluster.max()) + 1, np.nan)
    for code, block, e in _blocks(cluster, basis, residual):
        out[code] = estimate - recall(block) @ (block.T @ e)
    return out
