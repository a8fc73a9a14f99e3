"""The standard errors of a two-way coefficient, side by side, and the one that was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.two_way.models import Model, PoissonModel
from mentorship_eval.inference.cluster_variance import ClusterVariance, cr1, cr2, heteroskedastic, iid
from mentorship_eval.inference.intervals import critical_value, two_sided_p
from mentorship_eval.inference.jackknife import cluster_jackknife

__all__ = ["VARIANCES", "Chosen", "choose_variance"]

# A cluster with less of the information than this has none: what effects that run off leave behind is larger than rounding.
NOTHING = 1e-7
VARIANCES = ("CR1", "CR2", "CR3")
WORDS = {
    "iid": "independent cells", "HC1": "robust, independent cells", "CR1": "cluster-robust (CR1), t(G-1)",
    "CR2": "bias-reduced (CR2), Satterthwaite t", "CR3": "leave-one-cluster-out jackknife (CR3), t(G-1)",
}


@dataclass(frozen=True)
class Chosen:
    """variance: the chosen one; without (G,): coefficients without each cluster (NaN unless CR3); failed: clusters
    without which there is none; table: variance, se, df, ci_low, ci_high, p_value, on the scale of the coefficient.
    """

    variance: ClusterVariance
    without: np.ndarray
    failed: np.ndarray
    table: pd.DataFrame


def _jackknife(model: Model) -> tuple[ClusterVariance, np.ndarray, np.ndarray]:
    """CR3 over the clusters that carry information: those in which treatment varies beyond effects and covariates."""
    fit = model.linearised
    without = model.leave_one_out()
    moving = np.bincount(fit.cluster, weights=fit.regressor**2, minlength=len(without)) > NOTHING * fit.information
    places = np.flatnonzero(moving)
    result = cluster_jackknife(fit.estimate, without[places])
    shares = np.zeros(len(without))
    shares[places] = np.nan_to_num(result.shares[:, 0])
    return ClusterVariance(float(result.se[0]), result.df, result.n_clusters, shares), without, places[list(result.failed)]


def choose_variance(model: Model, variance: str, clusters: int, ci_level: float) -> Chosen:
    """The chosen variance and the table of it beside the simple ones; clusters: how many codes there are."""
    fit = model.linearised
    n, k = len(fit.residual), fit.parameters
    poisson = isinstance(model, PoissonModel)
    sigma2 = 1.0 if poisson else float(fit.residual @ fit.residual) / max(n - k, 1)
    found = {
        "iid": iid(fit.regressor, sigma2, correction=(n - 1) / max(n - k, 1) if poisson else 1.0),
        "HC1": heteroskedastic(fit.regressor, fit.residual, parameters=k) if n > k else ClusterVariance(np.nan, None, None, np.zeros(0)),
        "CR1": cr1(fit.regressor, fit.residual, fit.cluster, parameters=fit.non_nested_parameters),
    }
    without, failed = np.full(clusters, np.nan), np.zeros(0, dtype=int)
    if variance == "CR2":
        found["CR2"] = cr2(fit.regressor, fit.residual, fit.cluster, fit.basis)
    elif variance == "CR3":
        found["CR3"], without, failed = _jackknife(model)
    chosen = found[variance]
    shares = np.zeros(clusters)
    shares[: len(chosen.shares)] = chosen.shares
    rows = []
    for name, one in found.items():
        known = np.isfinite(one.se) and one.se > 0 and (one.df is None or one.df >= 1)
        half = critical_value(ci_level, one.df) * one.se if known else np.nan
        rows.append({
            "variance": name, "meaning": WORDS[name], "se": one.se, "df": np.inf if one.df is None else one.df,
            "ci_low": fit.estimate - half, "ci_high": fit.estimate + half,
            "p_value": float(two_sided_p(fit.estimate / one.se, one.df)) if known else np.nan,
        })
    # clusters without a cell in the fit come last or nowhere in the sums
    padded = np.concatenate([without, np.full(clusters - len(without), np.nan)])
    return Chosen(ClusterVariance(chosen.se, chosen.df, chosen.n_clusters, shares), padded, failed, pd.DataFrame(rows))
