"""Two-way logistic effects by maximum likelihood, many weightings at once.

The share of a cell is 1 / (1 + exp(-(a_i + b_t + x_it' g))). Newton's steps are taken in all effects; the unit effects are eliminated
from each step (their block of the Hessian is diagonal), so that a step solves one system of periods and covariates (Schur complement)
however many units there are. The likelihood is concave; a step that lowers it is halved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

__all__ = ["Effects", "logits", "newton"]

RIDGE = 1e-10  # of the diagonal, for cores that fall into parts
LONGEST_STEP = 3.0
SAFE_STEP = 0.5  # shorter steps cannot overshoot, and their likelihood is not worked out


@dataclass(frozen=True)
class Effects:
    """unit (D, I), period (D, T), slope (D, K), converged (D,)."""

    unit: np.ndarray
    period: np.ndarray
    slope: np.ndarray
    converged: np.ndarray


def logits(unit: np.ndarray, period: np.ndarray, slope: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """(D, I, T) from effects (D, I), (D, T), slopes (D, K) and covariates (I, T, K)."""
    out = unit[:, :, None] + period[:, None, :]
    if covariates.shape[2]:
        out += np.einsum("itk,dk->dit", covariates, slope)
    return out


def _start(size: np.ndarray, hits: np.ndarray, given: Effects | None, terms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count, units, periods = size.shape
    if given is None:
        total, good = size.sum(axis=2), hits.sum(axis=2)
        return np.log((good + 0.5) / (total - good + 0.5)), np.zeros((count, periods)), np.zeros((count, terms))
    return (
        np.broadcast_to(given.unit, (count, units)).copy(), np.broadcast_to(given.period, (count, periods)).copy(),
        np.broadcast_to(given.slope, (count, terms)).copy(),
    )


def _log_likelihood(size: np.ndarray, hits: np.ndarray, eta: np.ndarray) -> np.ndarray:
    return np.asarray((hits * eta - size * (np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))))).sum(axis=(1, 2)))


def newton(
    size: np.ndarray, hits: np.ndarray, covariates: np.ndarray, *, start: Effects | None = None, tolerance: float = 1e-8, most: int = 40
) -> Effects:
    """Fit D weightings at once.

    size, hits : (D, I, T) denominators and numerators of the cells of the fit, 0 elsewhere; covariates : (I, T, K).
    start : effects to begin from, of one fit (1, ...) or of each.
    tolerance : largest last step of any effect; the convergence is quadratic, so the error is about its square.

    A fit that does not converge in ``most`` steps (some effect runs to infinity) is marked so. Effects of units and periods
    without cells are left at their start.
    """
    count, _, width = size.shape
    terms = covariates.shape[2]
    a, b, g = _start(size, hits, start, terms)
    converged = np.zeros(count, dtype=bool)
    best = np.full(count, -np.inf)
    last_a, last_b, last_g = np.zeros_like(a), np.zeros_like(b), np.zeros_like(g)
    active, diagonal = np.arange(count), np.arange(width)
    n, y = size, hits
    rows_live, cols_live = np.asarray((size > 0).any(axis=2)), np.asarray((size > 0).any(axis=1))
    for _ in range(most):
        eta = logits(a[active], b[active], g[active], covariates)
        p = expit(eta)
        mean = n * p
        value = _log_likelihood(n, y, eta) if np.isfinite(best[active]).any() else None
        worse = np.zeros(len(active), dtype=bool) if value is None else value < best[active] - 1e-10 * (1 + np.abs(value))
        w = mean * (1 - p)
        live_unit, live = rows_live[active], cols_live[active]
        own = np.where(live_unit, w.sum(axis=2), 1.0)
        rest = y - mean
        score_a, score_b = rest.sum(axis=2), rest.sum(axis=1)
        root = w / np.sqrt(np.maximum(own, 1e-300))[:, :, None]
        matrix = np.zeros((len(active), width + terms, width + terms))
        matrix[:, :width, :width] = -np.matmul(root.transpose(0, 2, 1), root)
        by_period = w.sum(axis=1)
        scale = np.maximum(by_period.sum(axis=1) / np.maximum(live.sum(axis=1), 1), 1e-300)
        # only the level shared by all units and periods is open: this term settles it and moves nothing else
        matrix[:, :width, :width] += (scale / np.maximum(live.sum(axis=1), 1))[:, None, None] * (live[:, :, None] & live[:, None, :])
        matrix[:, diagonal, diagonal] += np.where(live, by_period * (1 + RIDGE) + RIDGE * scale[:, None], scale[:, None])
        right = score_b - np.matmul((score_a / own)[:, None, :], w)[:, 0, :]
        if terms:
            by_unit = np.einsum("dit,itk->dik", w, covariates)
            cross = np.einsum("dit,itk->dtk", w, covariates) - np.matmul(w.transpose(0, 2, 1), by_unit / own[:, :, None])
            matrix[:, :width, width:], matrix[:, width:, :width] = cross, cross.transpose(0, 2, 1)
            matrix[:, width:, width:] = np.einsum("dit,itk,itl->dkl", w, covariates, covariates)
            matrix[:, width:, width:] -= np.matmul(by_unit.transpose(0, 2, 1), by_unit / own[:, :, None])
            slopes = np.einsum("dit,itk->dk", rest, covariates) - ((score_a / own)[:, :, None] * by_unit).sum(axis=1)
            right = np.concatenate([right, slopes], axis=1)
        step = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        step_b, step_g = np.where(live, step[:, :width], 0.0), step[:, width:]
        step_a = score_a - np.matmul(w, step_b[:, :, None])[:, :, 0]
        if terms:
            step_a -= (by_unit * step_g[:, None, :]).sum(axis=2)
        step_a = np.where(live_unit, step_a / own, 0.0)
        longest = np.maximum(np.abs(step_a).max(axis=1), np.abs(step).max(axis=1))
        short = np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))[:, None]
        if (longest > SAFE_STEP).any():
            value = _log_likelihood(n, y, eta) if value is None else value
            best[active] = np.where(worse, best[active], value)
        else:
            best[active] = -np.inf
        moves = [step_a * short, step_b * short, step_g * short]
        for current, last, move in zip((a, b, g), (last_a, last_b, last_g), moves, strict=True):
            # an overshoot: half of the last step is taken back instead
            move = np.where(worse[:, None], -last[active] / 2, move)
            last[active] = np.where(worse[:, None], last[active] / 2, move)
            current[active] += move
        finite = np.isfinite(longest)
        done = finite & (longest < tolerance) & ~worse
        converged[active[done]] = True
        going = finite & ~done
        if not going.all():
            active, n, y = active[going], n[going], y[going]
        if not len(active):
            break
    return Effects(a, b, g, converged)
