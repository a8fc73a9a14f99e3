"""One group-time effect given covariates: doubly robust, inverse-probability weighted, or by outcome regression.

Sant'Anna & Zhao (2020), Journal of Econometrics 219:101: the estimators for panel data with a logistic
propensity score by maximum likelihood and a linear regression of the controls' changes, and the
influence functions that account for both being estimated. Sums stand where the paper has means, so that
the squares of an influence function sum to the squared standard error.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from mentorship_eval.did.group_time.comparisons import Comparison
from mentorship_eval.did.group_time.design import Design
from mentorship_eval.did.group_time.two_by_two import Effect

__all__ = ["conditional_effect"]

# Limits of the reference implementation: propensity scores are capped, controls above TRIM leave the
# weighting, and a comparison with a score of NO_OVERLAP or more is not estimated.
CAP, TRIM, NO_OVERLAP = 1 - 1e-6, 0.995, 0.999
NEWTON_STEPS = 60
SINGULAR = float(np.finfo(float).eps)


class NotEstimable(Exception):
    """Why a comparison cannot be made."""


def _reciprocal_condition(matrix: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        condition = np.linalg.cond(matrix, 1)
    return 1 / condition if np.isfinite(condition) else 0.0


def _newton(x: np.ndarray, d: np.ndarray, w: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    """Coefficients of the logit, or None where steps from this start go astray."""
    gamma = start
    for _ in range(NEWTON_STEPS):
        score = expit(x @ gamma)
        hessian = (x * (w * score * (1 - score))[:, None]).T @ x
        if not np.isfinite(hessian).all() or _reciprocal_condition(hessian) < SINGULAR:
            return None
        step = np.linalg.solve(hessian, x.T @ (w * (d - score)))
        gamma = gamma + step
        if np.abs(step).max() < 1e-11 * max(1.0, float(np.abs(gamma).max())):
            return gamma
    return None


def _propensity(x: np.ndarray, d: np.ndarray, w: np.ndarray, start: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and capped scores; from zero when the given start does not lead to the maximum."""
    gamma = _newton(x, d, w, start) if start is not None else None
    if gamma is None:
        gamma = _newton(x, d, w, np.zeros(x.shape[1]))
    if gamma is None:
        raise NotEstimable("the propensity score cannot be fitted (covariates separate the group from its controls)")
    score = expit(x @ gamma)
    if score[w > 0].max() >= NO_OVERLAP:
        raise NotEstimable("no overlap: the covariates all but determine who is in the group")
    return gamma, np.minimum(score, CAP)


def _regression(x: np.ndarray, change: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predicted changes from the controls (weights ``w``, 0 elsewhere), and the coefficients' influence function (n, K)."""
    weighted = x * w[:, None]
    gram = weighted.T @ x
    if _reciprocal_condition(gram) < SINGULAR:
        raise NotEstimable("too few controls to fit the regression on these covariates")
    predicted = x @ np.linalg.solve(gram, weighted.T @ change)
    return predicted, np.linalg.solve(gram, (weighted * (change - predicted)[:, None]).T).T


def _estimate(
    x: np.ndarray, change: np.ndarray, d: np.ndarray, w: np.ndarray, method: str, start: np.ndarray | None
) -> tuple[float, np.ndarray, np.ndarray | None]:
    """(effect, influence function (n,), coefficients of the propensity score)."""
    treat, gamma = w * d, None
    residual, of_regression = change, None
    if method != "ipw":
        predicted, of_regression = _regression(x, change, w * (1 - d))
        residual = change - predicted
    total = treat.sum()
    effect = float(treat @ residual / total)
    influence = treat * (residual - effect) / total
    if of_regression is not None:
        influence -= of_regression @ (treat @ x) / total
    if method == "reg":
        return effect, influence, None
    gamma, score = _propensity(x, d, w, start)
    control = np.where(score < TRIM, w * score * (1 - d) / (1 - score), 0.0)
    mass = control.sum()
    if not mass > 0:
        raise NotEstimable("no control has a usable propensity score")
    mean = float(control @ residual / mass)
    hessian = (x * (w * score * (1 - score))[:, None]).T @ x
    pull = np.linalg.solve(hessian, (control * (residual - mean)) @ x)
    of_control = control * (residual - mean) + w * (d - score) * (x @ pull)
    if of_regression is not None:
        of_control -= of_regression @ (control @ x)
    return effect - mean, influence - of_control / mass, gamma


def conditional_effect(
    design: Design, cell: Comparison, method: str, starts: dict[int, np.ndarray] | None = None, without: int | None = None
) -> Effect:
    """The effect of one comparison given the covariates at the earlier of its two periods.

    starts : coefficients of the last propensity score of each group, from which the next one begins.
    without : a cluster to leave out.
    """
    if cell.is_base:
        return Effect(0.0, reason="base period: 0 by construction")
    assert design.x is not None
    low, high = (int(v) for v in design.bounds[cell.group])
    slices = [slice(low, high), *design.controls(cell.group, cell.t, cell.b)]
    rows = np.concatenate([np.arange(part.start, part.stop) for part in slices])
    kept = np.ones(len(rows), dtype=bool) if design.usable is None else design.usable[cell.t, rows] & design.usable[cell.b, rows]
    if without is not None:
        kept &= design.cluster[rows] != without
    at = rows[kept]
    d = ((at >= low) & (at < high)).astype(float)
    treated, controls = int(d.sum()), int(len(d) - d.sum())
    if not treated or not controls:
        which = "unit of the group" if not treated else "control"
        return Effect(np.nan, reason=f"no {which} has both periods", treated=treated, controls=controls)
    change = design.y[cell.t, at] - design.y[cell.b, at]
    x = np.column_stack([np.ones(len(at)), design.x[min(cell.t, cell.b), at]])
    w = design.weight[at] / design.weight[at].mean()
    try:
        att, influence, gamma = _estimate(x, change, d, w, method, None if starts is None else starts.get(cell.group))
    except NotEstimable as reason:
        return Effect(np.nan, reason=str(reason), treated=treated, controls=controls)
    if starts is not None and gamma is not None:
        starts[cell.group] = gamma
    spread = np.zeros(len(rows))
    spread[kept] = influence
    cuts = np.cumsum([part.stop - part.start for part in slices])[:-1]
    return Effect(att, tuple(zip(slices, np.split(spread, cuts), strict=True)), treated=treated, controls=controls)
