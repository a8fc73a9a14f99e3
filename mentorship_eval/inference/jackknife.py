"""Leave-one-cluster-out jackknife, and how much each cluster weighs in it.

The variance is (G-1)/G times the sum of squared deviations of the leave-one-out estimates from
the full estimate (CR3-type; MacKinnon, Nielsen & Webb 2023, J. Econometrics 232:272-299), with
t on G-1 degrees of freedom, G counting the clusters that carry information.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Jackknife", "cluster_jackknife"]


@dataclass(frozen=True)
class Jackknife:
    """Result of `cluster_jackknife`.

    covariance: (p, p); se: (p,); n_clusters: G; df: G-1; shares: (G, p), each cluster's share of
    each variance (columns sum to 1); failed: indices of clusters whose leave-one-out estimate
    does not exist, which are left out of G.
    """

    covariance: np.ndarray
    se: np.ndarray
    n_clusters: int
    df: float
    shares: np.ndarray
    failed: tuple[int, ...]

    @property
    def failed_words(self) -> str:
        """As in "does not exist without ..."."""
        return "one cluster" if len(self.failed) == 1 else f"one of {len(self.failed)} clusters"


def cluster_jackknife(full: np.ndarray | float, leave_one_out: np.ndarray) -> Jackknife:
    """Jackknife covariance from the full estimate and one estimate per left-out cluster.

    Parameters
    ----------
    full : (p,) or scalar, the estimate from all clusters.
    leave_one_out : (G, p) or (G,), the estimate without each informative cluster. Rows with a
        non-finite entry (a quantity that does not exist without that cluster) are set aside
        and reported in ``failed``.

    Returns
    -------
    Jackknife. With fewer than two usable clusters every standard error is NaN.
    """
    centre = np.atleast_1d(np.asarray(full, dtype=float))
    estimates = np.asarray(leave_one_out, dtype=float).reshape(-1, centre.size)
    usable = np.isfinite(estimates).all(axis=1)
    failed = tuple(int(i) for i in np.flatnonzero(~usable))
    deviations = estimates[usable] - centre
    count = len(deviations)
    if count < 2:
        nan = np.full((centre.size, centre.size), np.nan)
        return Jackknife(nan, np.full(centre.size, np.nan), count, float(count - 1), np.full((len(estimates), centre.size), np.nan), failed)
    covariance = (count - 1) / count * deviations.T @ deviations
    squares = np.zeros_like(estimates)
    squares[usable] = deviations**2
    total = squares.sum(axis=0)
    shares = np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)
    return Jackknife(covariance, np.sqrt(np.diag(covariance)), count, float(count - 1), shares, failed)
