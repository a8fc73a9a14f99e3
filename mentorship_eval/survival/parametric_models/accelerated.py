"""Accelerated failure time models: log time = intercept + coef @ x + scale * error, so that a covariate stretches time.

lifelines fits the model (Weibull, log-normal, log-logistic); Newton's method on our own likelihood takes the estimate to rounding, gives the
scores behind a cluster-robust variance, and checks what lifelines makes of delayed entry. Parameters are named as in R's survreg.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from mentorship_eval.errors import EstimationError

__all__ = ["DISTRIBUTIONS", "Accelerated", "fit_accelerated"]

MOST_ITERATIONS = 100
LONGEST_STEP = 2.0  # of log time, its scale and the standardised coefficients, while far from the maximum


def _normal(z: np.ndarray) -> tuple[np.ndarray, ...]:
    tail = log_ndtr(-z)
    ratio = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - tail)  # hazard of the standard normal
    return -0.5 * z**2 - 0.5 * np.log(2 * np.pi), -z, -np.ones_like(z), tail, -ratio, -ratio * (ratio - z)


def _extreme(z: np.ndarray) -> tuple[np.ndarray, ...]:
    grown = np.exp(z)
    return z - grown, 1 - grown, -grown, -grown, -grown, -grown


def _logistic(z: np.ndarray) -> tuple[np.ndarray, ...]:
    p = 1 / (1 + np.exp(-z))
    tail = -np.logaddexp(0, z)
    return z + 2 * tail, 1 - 2 * p, -2 * p * (1 - p), tail, -p, -p * (1 - p)


# of z: log density, its first and second derivative, log survival, its first and second derivative
DISTRIBUTIONS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, ...]]] = {"weibull": _extreme, "lognormal": _normal, "loglogistic": _logistic}
# lifelines: fitter, parameter of location, parameter of shape, sign of log(scale) in the latter
FITTERS = {
    "weibull": ("WeibullAFTFitter", "lambda_", "rho_", -1.0), "lognormal": ("LogNormalAFTFitter", "mu_", "sigma_", 1.0),
    "loglogistic": ("LogLogisticAFTFitter", "alpha_", "beta_", -1.0),
}


@dataclass(frozen=True)
class Accelerated:
    """theta: (q,) intercept, coefficients, log(scale); scores: (n, q) of the rows; information: (q, q) observed; score_norm: largest
    absolute score at theta, in standard errors."""

    theta: np.ndarray
    loglik: float
    scores: np.ndarray
    information: np.ndarray
    score_norm: float

    @property
    def covariance(self) -> np.ndarray:
        return np.linalg.inv(self.information)


def likelihood(
    theta: np.ndarray, x: np.ndarray, log_stop: np.ndarray, log_start: np.ndarray, event: np.ndarray, distribution: str,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood of times (not of their logarithms), (n, q) scores and (q, q) information.

    x: (n, q - 1) with the constant; log_start: -inf without delayed entry. A row adds log f(stop) or log S(stop), less log S(start).
    """
    of = DISTRIBUTIONS[distribution]
    beta, log_scale = theta[:-1], theta[-1]
    scale = np.exp(log_scale)
    place = x @ beta
    z = (log_stop - place) / scale
    density, d1, d2, tail, t1, t2 = of(z)
    value = np.where(event, density - log_scale - log_stop, tail)
    first, second = np.where(event, d1, t1), np.where(event, d2, t2)
    own = -first / scale
    scores = np.column_stack([own[:, np.newaxis] * x, -first * z - event])
    weight = np.column_stack([second / scale**2, (first + second * z) / scale, first * z + second * z**2])
    entered = np.isfinite(log_start)
    if entered.any():
        w = (log_start[entered] - place[entered]) / scale
        _, _, _, tail0, s1, s2 = of(w)
        value[entered] -= tail0
        scores[entered] -= np.column_stack([(-s1 / scale)[:, np.newaxis] * x[entered], -s1 * w])
        weight[entered] -= np.column_stack([s2 / scale**2, (s1 + s2 * w) / scale, s1 * w + s2 * w**2])
    hessian = np.empty((len(theta), len(theta)))
    hessian[:-1, :-1] = (x * weight[:, :1]).T @ x
    hessian[:-1, -1] = hessian[-1, :-1] = x.T @ weight[:, 1]
    hessian[-1, -1] = weight[:, 2].sum()
    return float(value.sum()), scores, -hessian


def fit_accelerated(
    x: np.ndarray, start: np.ndarray, stop: np.ndarray, event: np.ndarray, distribution: str,
) -> Accelerated:
    """Maximum likelihood for x (n, p) without a constant, rows (start, stop], start 0 or -inf for none."""
    n = len(stop)
    full = np.column_stack([np.ones(n), x])
    centre = full[:, 1:].mean(axis=0)
    spread = full[:, 1:].std(axis=0)
    spread[spread == 0] = 1.0
    z = np.column_stack([np.ones(n), (full[:, 1:] - centre) / spread])
    log_stop = np.log(stop)
    with np.errstate(divide="ignore"):
        log_start = np.where(start > 0, np.log(np.where(start > 0, start, 1.0)), -np.inf)
    theta = _lifelines(z[:, 1:], start, stop, event, distribution) if x.shape[1] else None
    if theta is None:
        theta = np.r_[log_stop.mean(), np.zeros(x.shape[1]), np.log(max(log_stop.std(), 0.1))]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        theta, norm = _climb(theta, z, log_stop, log_start, event, distribution)
    back = np.eye(len(theta))
    back[0, 1:-1] = -centre / spread
    back[1:-1, 1:-1] = np.diag(1 / spread)
    theta = back @ theta
    loglik, scores, information = likelihood(theta, full, log_stop, log_start, event, distribution)
    return Accelerated(theta, loglik, scores, information, norm)


def _climb(
    theta: np.ndarray, z: np.ndarray, log_stop: np.ndarray, log_start: np.ndarray, event: np.ndarray, distribution: str,
) -> tuple[np.ndarray, float]:
    """Newton's method with step-halving; ridge steps where the curvature is not yet negative."""
    value, scores, information = likelihood(theta, z, log_stop, log_start, event, distribution)
    before = np.inf
    for _ in range(MOST_ITERATIONS):
        score = scores.sum(axis=0)
        lowest = float(np.linalg.eigvalsh(information)[0])
        lift = 0.0 if lowest > 1e-8 * np.abs(information).max() else 0.01 * float(np.abs(information).max()) - lowest
        move = np.linalg.solve(information + lift * np.eye(len(theta)), score)
        move *= min(1.0, LONGEST_STEP / np.abs(move).max()) if move.any() else 1.0
        length = float(np.sqrt(max(score @ move, 0.0)))
        if lift == 0 and (length < 1e-11 or (length < 1e-7 and length > 0.1 * before)):
            return theta, length
        before, halvings = length, 0
        trial = likelihood(theta + move, z, log_stop, log_start, event, distribution)
        while not trial[0] >= value - 1e-10 * (1 + abs(value)) and halvings < 40:
            move, halvings = move / 2, halvings + 1
            trial = likelihood(theta + move, z, log_stop, log_start, event, distribution)
        theta, (value, scores, information) = theta + move, trial
    raise EstimationError(
        f"The {distribution} model did not converge: a time ratio, or the scale, has no finite estimate.",
        fix="Check that every group has events, and that event times differ; use fewer covariates.",
    )


def _lifelines(x: np.ndarray, start: np.ndarray, stop: np.ndarray, event: np.ndarray, distribution: str) -> np.ndarray | None:
    """(q,) intercept, coefficients, log(scale) by lifelines; None where it fails, and Newton's method begins at the mean."""
    import lifelines
    from lifelines.exceptions import ConvergenceError, StatError

    name, location, shape, sign = FITTERS[distribution]
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])]).assign(_stop=stop, _event=event)
    entry = None
    if (start > 0).any():
        frame["_start"], entry = np.maximum(start, 0.0), "_start"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fitted = getattr(lifelines, name)().fit(frame, "_stop", "_event", entry_col=entry)
        except (ConvergenceError, StatError, ValueError, ZeroDivisionError, FloatingPointError):
            return None
    params = fitted.params_
    coef = [params[location].get(f"x{j}", 0.0) for j in range(x.shape[1])]
    theta = np.r_[params[location]["Intercept"], coef, sign * params[shape]["Intercept"]]
    return theta if np.isfinite(theta).all() else None
