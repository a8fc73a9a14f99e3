"""Poisson two-way effects with covariates, many weightings at once.

The mean of a cell is w_it a_i b_t exp(x_it' g). As in `fit`, the unit effects are eliminated in
closed form; Newton steps are taken jointly in log b and g on the profile likelihood, which is concave.
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.did.counts.fit import RIDGE, Effects, newton, unit_effects
from mentorship_eval.errors import EstimationError, listing

__all__ = ["check_collinear", "newton_covariates"]


def _value(rows: np.ndarray, cols: np.ndarray, sums: np.ndarray, period: np.ndarray, moments: np.ndarray, slope: np.ndarray) -> np.ndarray:
    by_period = np.where(cols > 0, cols * np.log(np.where(period > 0, period, 1.0)), 0.0).sum(axis=1)
    by_unit = np.where(rows > 0, rows * np.log(np.where(sums > 0, sums, 1.0)), 0.0).sum(axis=1)
    return by_period + (moments * slope).sum(axis=1) - by_unit


def newton_covariates(
    weights: np.ndarray, events: np.ndarray, covariates: np.ndarray, start: np.ndarray, slope: np.ndarray | None = None,
    *, tolerance: float = 1e-9, most: int = 40,
) -> tuple[Effects, np.ndarray]:
    """Effects and slopes (D, K).

    weights, events : (D, I, T), both 0 outside the fitted cells; covariates : (I, T, K);
    start : (T,) or (D, T) positive; slope : (K,) starting values. Steps that lower the likelihood are halved.
    """
    rows, cols = events.sum(axis=2), events.sum(axis=1)
    count, _, width = weights.shape
    terms = covariates.shape[2]
    moments = np.einsum("dit,itk->dk", events, covariates)
    slopes = np.zeros((count, terms)) if slope is None else np.broadcast_to(slope, (count, terms)).copy()

    def tilted(which: np.ndarray, g: np.ndarray) -> np.ndarray:
        return weights[which] * np.exp(np.einsum("itk,dk->dit", covariates, g))

    everything = np.arange(count)
    period = newton(tilted(everything, slopes), rows, cols, start, sweeps=3, tolerance=1e-3).period
    converged = np.zeros(count, dtype=bool)
    active = everything
    diagonal = np.arange(width)
    for _ in range(most):
        if not len(active):
            break
        r, c, b, g = rows[active], cols[active], period[active], slopes[active]
        w = tilted(active, g)
        unit, sums = unit_effects(w, r, b)
        value = _value(r, c, sums, b, moments[active], g)
        mean = w * unit[:, :, None] * b[:, None, :]
        total = mean.sum(axis=1)
        scaled = mean * np.divide(1.0, np.sqrt(r), out=np.zeros_like(r), where=r > 0)[:, :, None]
        by_unit = np.einsum("dit,itk->dik", scaled, covariates)
        hessian = np.zeros((len(active), width + terms, width + terms))
        hessian[:, :width, :width] = -np.matmul(scaled.transpose(0, 2, 1), scaled)
        hessian[:, diagonal, diagonal] += np.where(c > 0, total * (1 + RIDGE), 1.0)
        cross = np.einsum("dit,itk->dtk", mean, covariates) - np.matmul(scaled.transpose(0, 2, 1), by_unit)
        hessian[:, :width, width:], hessian[:, width:, :width] = cross, cross.transpose(0, 2, 1)
        hessian[:, width:, width:] = np.einsum("dit,itk,itl->dkl", mean, covariates, covariates)
        hessian[:, width:, width:] -= np.matmul(by_unit.transpose(0, 2, 1), by_unit)
        score = np.concatenate([np.where(c > 0, c - total, 0.0), moments[active] - np.einsum("dit,itk->dk", mean, covariates)], axis=1)
        step = np.linalg.solve(hessian, score[:, :, None])[:, :, 0]
        step[:, :width] = np.where(c > 0, step[:, :width], 0.0)
        average = step[:, :width].sum(axis=1, keepdims=True) / np.maximum((c > 0).sum(axis=1, keepdims=True), 1)
        step[:, :width] -= np.where(c > 0, average, 0.0)
        longest = np.abs(step).max(axis=1)
        length = np.minimum(1.0, 2.0 / np.maximum(longest, 1e-300))
        for _ in range(12):
            new_b = b * np.exp(length[:, None] * step[:, :width])
            new_g = g + length[:, None] * step[:, width:]
            new_value = _value(r, c, unit_effects(tilted(active, new_g), r, new_b)[1], new_b, moments[active], new_g)
            worse = new_value < value - 1e-10 * (1 + np.abs(value))
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        period[active], slopes[active] = new_b, new_g
        done = longest < tolerance
        converged[active[done]] = True
        active = active[~done]
    unit = unit_effects(tilted(everything, slopes), rows, period)[0]
    return Effects(unit, period, converged), slopes


def check_collinear(covariates: np.ndarray, weights: np.ndarray, names: tuple[str, ...]) -> None:
    """Raise `EstimationError` naming covariates (I, T, K) that unit and period effects, or each other, already hold.

    Judged within the cells of the fit, weights (I, T) > 0.
    """
    if not names:
        return
    i, t = np.nonzero(weights > 0)
    columns = np.concatenate([np.eye(weights.shape[1])[t], covariates[i, t]], axis=1)
    sizes = np.maximum(np.bincount(i, minlength=weights.shape[0]), 1)
    means = np.stack([np.bincount(i, weights=column, minlength=len(sizes)) / sizes for column in columns.T], axis=1)
    within = columns - means[i]  # takes the unit effects out
    kept = list(range(weights.shape[1]))
    bad = []
    for k, name in enumerate(names, start=weights.shape[1]):
        left = within[:, k] - within[:, kept] @ np.linalg.lstsq(within[:, kept], within[:, k], rcond=None)[0]
        if np.abs(left).max() > 1e-8:
            kept.append(k)
        else:
            bad.append(name)
    if bad:
        raise EstimationError(
            f"The covariate {listing(bad)} is collinear with the unit and period effects or the other covariates in untreated cells.",
            fix="Leave it out: what is constant within units or the same for all units in a period is adjusted for already.",
        )
