"""One common factor of a correlation matrix, and omega total from it (McDonald 1999, Test Theory)."""

from __future__ import annotations

import numpy as np

__all__ = ["minres_loadings", "omega_total"]

LEAST_UNIQUE = 0.005  # as in R: a uniqueness at 0 (Heywood case) is held there


def minres_loadings(correlation: np.ndarray) -> np.ndarray:
    """(k,) loadings that leave the least squared off-diagonal residuals (minimum residual; Harman & Jones 1966, Psychometrika 31:351-368).

    The sign is that of most items. NaN for fewer than three items: one factor is not determined.
    """
    k = len(correlation)
    if k < 3 or not np.isfinite(correlation).all():
        return np.full(k, np.nan)
    from scipy.optimize import minimize

    def loadings(unique: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(correlation - np.diag(unique))
        return np.asarray(vectors[:, -1] * np.sqrt(max(values[-1], 0.0)))

    def direct(found: np.ndarray) -> tuple[float, np.ndarray]:
        residual = np.outer(found, found) - correlation
        np.fill_diagonal(residual, 0.0)
        return float((residual**2).sum() / 2), 2 * residual @ found

    inverse = np.linalg.pinv(correlation)
    start = loadings(np.clip(1 / np.maximum(np.diag(inverse), 1.0), LEAST_UNIQUE, 1.0))
    edge = float(np.sqrt(1 - LEAST_UNIQUE))
    start = np.clip(start if start.sum() >= 0 else -start, -edge, edge)
    made = minimize(direct, start, jac=True, method="L-BFGS-B", bounds=[(-edge, edge)] * k, options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10})
    return np.asarray(made.x if made.x.sum() >= 0 else -made.x)


def omega_total(loadings: np.ndarray) -> float:
    """Share of the variance of the sum of standardised items that the factor makes."""
    common = float(loadings.sum() ** 2)
    return common / (common + float((1 - loadings**2).sum()))
