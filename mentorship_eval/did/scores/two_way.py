"""Unit and period effects by exact weighted least squares, without dummies.

The unit effects are profiled out in closed form, which leaves normal equations in the T period
effects (and K slopes) alone: a weighted graph Laplacian over periods, whose null space is one constant for each
group of periods that units tie together. Grounding each group makes it positive definite and
changes no contrast within a group. What a group does not hold is not identified, and is NaN here rather than a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from mentorship_eval.errors import EstimationError, listing

__all__ = ["TwoWay", "fit_two_way", "period_groups", "profile_matrices"]

COLLINEAR = 1e-9


@dataclass(frozen=True)
class TwoWay:
    """A fit over I units, T periods and K covariates.

    weights (I, T): of the fitted cells, 0 elsewhere; totals (I,): their row sums; unit (I,), period (T,), slope (K,);
    centred (I, T, K): covariates less their fitted mean of the unit; matrix (T+K, T+K): grounded normal equations;
    group (T,): the label of the group of tied periods, -1 for a period without a fitted cell; unit_group (I,): the
    group of the unit's fitted cells, -1 without any; expected (I, T): the fit projected on every cell, NaN where unit and period
    are not tied; residual (I, T): of the fitted cells, 0 elsewhere.
    """

    weights: np.ndarray
    totals: np.ndarray
    unit: np.ndarray
    period: np.ndarray
    slope: np.ndarray
    centred: np.ndarray
    matrix: np.ndarray
    group: np.ndarray
    unit_group: np.ndarray
    expected: np.ndarray
    residual: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(I, T+K): each unit's contribution to the normal equations at the solution; they sum to zero."""
        weighted = self.weights * self.residual
        if not len(self.slope):
            return weighted
        return np.concatenate([weighted, np.einsum("it,itk->ik", weighted, self.centred)], axis=1)


def period_groups(together: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(T,) labels of periods tied by ``together`` (T, T), positive where a unit is fitted in both; -1 where not ``seen`` (T,)."""
    return np.where(seen, connected_components(together > 0, directed=False)[1], -1)


def profile_matrices(weights: np.ndarray, totals: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """(I, T+K, T+K): each unit's part of the normal equations after its effect is profiled out."""
    units, width = weights.shape
    terms = centred.shape[2]
    inverse = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    out = np.zeros((units, width + terms, width + terms))
    out[:, :width, :width] = -(weights * inverse[:, None])[:, :, None] * weights[:, None, :]
    out[:, np.arange(width), np.arange(width)] += weights
    if terms:
        # centred covariates have a weighted mean of 0 in every unit, so that profiling leaves them as they are
        cross = weights[:, :, None] * centred
        out[:, :width, width:], out[:, width:, :width] = cross, cross.transpose(0, 2, 1)
        out[:, width:, width:] = np.matmul(cross.transpose(0, 2, 1), centred)
    return out


def _normal(weights: np.ndarray, totals: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """The sum of `profile_matrices` without forming them."""
    width, terms = weights.shape[1], centred.shape[2]
    inverse = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    out = np.zeros((width + terms, width + terms))
    out[:width, :width] = np.diag(weights.sum(axis=0)) - (weights * inverse[:, None]).T @ weights
    if terms:
        cross = np.einsum("it,itk->tk", weights, centred)
        out[:width, width:], out[width:, :width] = cross, cross.T
        out[width:, width:] = np.einsum("it,itk,itl->kl", weights, centred, centred, optimize=True)
    return out


def _grounded(normal: np.ndarray, group: np.ndarray) -> np.ndarray:
    out = normal.copy()
    width = len(group)
    scale = max(float(np.mean(np.diag(normal)[:width][group >= 0])), 1e-300) if (group >= 0).any() else 1.0
    empty = np.flatnonzero(group < 0)
    out[empty, empty] = scale
    for label in np.unique(group[group >= 0]):
        member = np.flatnonzero(group == label)
        out[np.ix_(member, member)] += scale / len(member)
    return out


def _refuse_collinear(matrix: np.ndarray, names: tuple[str, ...], spread: np.ndarray) -> None:
    """Raise when a covariate is what effects or earlier covariates hold already; ``spread`` (K,) its sum of squares."""
    width = len(matrix) - len(names)
    kept, bad = list(range(width)), []
    for k, name in enumerate(names, start=width):
        left = matrix[k, k] - matrix[k, kept] @ np.linalg.solve(matrix[np.ix_(kept, kept)], matrix[kept, k])
        if left > COLLINEAR * max(spread[k - width], 1e-300):
            kept.append(k)
        else:
            bad.append(name)
    if bad:
        raise EstimationError(
            f"The covariate {listing(bad)} is collinear with the unit and period effects or the other covariates in untreated cells.",
            fix="Leave it out: what is constant within units or the same for all units in a period is adjusted for already.",
        )


def fit_two_way(outcome: np.ndarray, weights: np.ndarray, covariates: np.ndarray | None = None, names: tuple[str, ...] = ()) -> TwoWay:
    """Least squares of ``outcome`` (I, T) on unit and period effects and ``covariates`` (I, T, K) where ``weights`` (I, T) > 0.

    Raises `EstimationError` naming collinear covariates. One step of iterative refinement follows the
    solution, so that large levels of the outcome cost no digits.
    """
    units, width = outcome.shape
    x = np.zeros((units, width, 0)) if covariates is None else covariates
    fitted = weights > 0
    totals = weights.sum(axis=1)
    inverse = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    centred = x - (np.einsum("it,itk->ik", weights, x) * inverse[:, None])[:, None, :] if x.shape[2] else x
    count = fitted.astype(np.float32)
    group = period_groups(count.T @ count, np.asarray(fitted.any(axis=0)))
    unit_group = np.where(fitted.any(axis=1), group[fitted.argmax(axis=1)], -1)
    matrix = _grounded(_normal(weights, totals, centred), group)
    if x.shape[2]:
        _refuse_collinear(matrix, names or tuple(f"covariate {k}" for k in range(x.shape[2])),
            np.einsum("it,itk,itk->k", weights, x, x))
    unit, effects = np.zeros(units), np.zeros(len(matrix))
    left = np.where(fitted, outcome, 0.0)
    for _ in range(3):
        mean = (weights * left).sum(axis=1) * inverse
        unit += mean
        weighted = weights * (left - mean[:, None])
        step = np.linalg.solve(matrix, np.concatenate([weighted.sum(axis=0), np.einsum("it,itk->k", weighted, centred)]))
        effects += step
        left = left - mean[:, None] - step[:width] - (centred @ step[width:] if x.shape[2] else 0.0)
        left = np.where(fitted, left, 0.0)
    mean = (weights * left).sum(axis=1) * inverse
    unit += mean
    period, slope = effects[:width], effects[width:]
    expected = unit[:, None] + period[None, :] + (centred @ slope if len(slope) else 0.0)
    tied = (unit_group[:, None] == group[None, :]) & (unit_group >= 0)[:, None]
    return TwoWay(
        weights, totals, unit, period, slope, centred, matrix, group, unit_group, np.where(tied, expected, np.nan),
        np.where(fitted, left - mean[:, None], 0.0),
    )
