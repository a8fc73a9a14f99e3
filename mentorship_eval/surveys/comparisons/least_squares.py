"""One adjusted difference by (weighted) least squares, with standard errors for few clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.inference.cluster_variance import cr1, cr2, iid, leave_one_out_estimates
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["VARIANCES", "Adjusted", "adjusted_difference"]

VARIANCES = {
    "CR2": "bias-reduced cluster-robust standard error (CR2), Satterthwaite t",
    "CR3": "leave-one-cluster-out jackknife (CR3), t(G-1)",
    "CR1": "cluster-robust standard error (CR1), t(G-1)",
    "classical": "standard error of least squares, t(n-k)",
}


@dataclass(frozen=True)
class Adjusted:
    """value, se, df; beta: (1 + q,) the difference first; n_clusters; without: (G,) the value without each cluster; failed: clusters without
    which there is none (CR3)."""

    value: float
    se: float
    df: float
    beta: np.ndarray
    n_clusters: int
    without: np.ndarray
    failed: int


def adjusted_difference(
    y: np.ndarray,
    inside: np.ndarray,
    others: np.ndarray,
    cluster: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    variance: str = "CR2",
    leave_out: bool = True,
) -> Adjusted:
    """The coefficient of ``inside`` (n,) beside the columns ``others`` (n, q), an intercept among them.

    cluster : (n,) codes 0 to G-1. weights : (n,) of the rows, taken as known. leave_out : whether ``without`` is wanted with CR2 too. Raises
    `EstimationError` when the arm is determined by the others.
    """
    if variance not in VARIANCES:
        raise UsageError(f"There is no variance {variance!r}.", fix=f"Choose one of {', '.join(VARIANCES)}.")
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    outcome, x, rest = y * root, inside * root, others * root[:, None]
    regressor = x - rest @ np.linalg.lstsq(rest, x, rcond=None)[0]
    if regressor @ regressor < 1e-10 * max(float(x @ x), 1e-300):
        raise EstimationError("The arm is determined by the other columns.", fix="Leave out the covariate that is known once the arm is.")
    basis = np.column_stack([x, rest])
    beta = np.linalg.lstsq(basis, outcome, rcond=None)[0]
    residual = outcome - basis @ beta
    count = int(cluster.max()) + 1
    without = np.full(count, np.nan)
    if leave_out or variance == "CR3":
        without = leave_one_out_estimates(float(beta[0]), residual, cluster, basis, 0)
    if variance == "CR3":
        made = cluster_jackknife(float(beta[0]), without)
        se = float(made.se[0]) if not made.failed else np.nan
        return Adjusted(float(beta[0]), se, made.df, beta, made.n_clusters, without, len(made.failed))
    if variance == "CR2":
        robust = cr2(regressor, residual, cluster, basis)
    elif variance == "CR1":
        robust = cr1(regressor, residual, cluster, parameters=basis.shape[1])
    else:
        free = len(y) - basis.shape[1]
        robust = replace(iid(regressor, float(residual @ residual) / free), df=float(free))
    return Adjusted(float(beta[0]), robust.se, float(robust.df if robust.df is not None else np.nan), beta, count, without, 0)
