"""Poisson two-way effects by maximum likelihood, many weightings at once.

The mean of a cell is w_it a_i b_t: w its exposure (0 outside the fit), a the unit's effect, b the
period's. The unit effects have a closed form given b (a_i = row total / sum_t w_it b_t), so the
work is in b alone: alternating scaling (each sweep raises the likelihood), then Newton steps on
log b with the unit effects eliminated (Schur complement). Sums over the fitted cells equal the
observed ones for every unit and period: without covariates the margins are all that is needed.

A unit or period with no event gets effect 0: the likelihood's maximum lies on that boundary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Effects", "newton", "scale_sweeps", "unit_effects"]

RIDGE = 1e-10  # of the diagonal: only the direction (a, b) -> (a/c, bc), which changes no mean, needs it
LONGEST_STEP = 2.0
MARGIN = 1e-12  # of a period's events: no step can bring fitted and counted closer


@dataclass(frozen=True)
class Effects:
    """unit (D, I), period (D, T), converged (D,)."""

    unit: np.ndarray
    period: np.ndarray
    converged: np.ndarray


def unit_effects(weights: np.ndarray, rows: np.ndarray, period: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a (D, I) given b (D, T), and the row sums of w b that it divides by."""
    sums = np.matmul(weights, period[:, :, None])[:, :, 0]
    return np.divide(rows, sums, out=np.zeros_like(sums), where=(rows > 0) & (sums > 0)), sums


def _columns(weights: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.matmul(unit[:, None, :], weights)[:, 0, :]


def scale_sweeps(weights: np.ndarray, rows: np.ndarray, cols: np.ndarray, period: np.ndarray, sweeps: int) -> np.ndarray:
    """b (D, T) after ``sweeps`` rounds of alternating scaling."""
    for _ in range(sweeps):
        unit, _ = unit_effects(weights, rows, period)
        sums = _columns(weights, unit)
        period = np.divide(cols, sums, out=np.zeros_like(period), where=(cols > 0) & (sums > 0))
    return period


def _log_likelihood(rows: np.ndarray, cols: np.ndarray, sums: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Profile log-likelihood, up to a constant of the data."""
    by_period = np.where(cols > 0, cols * np.log(np.where(period > 0, period, 1.0)), 0.0).sum(axis=1)
    return by_period - np.where(rows > 0, rows * np.log(np.where(sums > 0, sums, 1.0)), 0.0).sum(axis=1)


def newton(
    weights: np.ndarray, rows: np.ndarray, cols: np.ndarray, start: np.ndarray, *, sweeps: int = 5, tolerance: float = 1e-9, most: int = 30
) -> Effects:
    """Fit D weightings at once.

    Parameters
    ----------
    weights : (D, I, T) exposure of the fitted cells, 0 elsewhere.
    rows, cols : (D, I) and (D, T) events of the fitted cells by unit and by period.
    start : (D, T) or (T,) positive starting values of b.
    tolerance : largest last step of log b; the convergence is quadratic, so the error is about its square.

    A fit that does not converge in ``most`` steps (some effect runs to infinity) is marked so.
    """
    count, _, width = weights.shape
    period = np.where(cols > 0, np.broadcast_to(start, cols.shape), 0.0)
    period = scale_sweeps(weights, rows, cols, np.where((cols > 0) & ~(period > 0), 1.0, period), sweeps)
    converged = np.zeros(count, dtype=bool)
    active = np.arange(count)
    best = np.full(count, -np.inf)
    fallback = period.copy()
    diagonal = np.arange(width)
    for _ in range(most):
        if not len(active):
            break
        w, r, c, b = weights[active], rows[active], cols[active], period[active]
        unit, sums = unit_effects(w, r, b)
        value = _log_likelihood(r, c, sums, b)
        worse = value < best[active] - 1e-10 * (1 + np.abs(value))
        if worse.any():  # an overshoot: go back to the last point and take the safe step from there
            b[worse] = fallback[active[worse]]
            unit[worse], sums[worse] = unit_effects(w[worse], r[worse], b[worse])
            value[worse] = _log_likelihood(r[worse], c[worse], sums[worse], b[worse])
        best[active] = value
        mean = w * unit[:, :, None]
        mean *= b[:, None, :]
        total = mean.sum(axis=1)
        # what the fallback of the next step will be: one sweep of scaling
        fallback[active] = np.divide(b * c, total, out=np.zeros_like(b), where=total > 0)
        mean *= np.divide(1.0, np.sqrt(r), out=np.zeros_like(r), where=r > 0)[:, :, None]
        hessian = -np.matmul(mean.transpose(0, 2, 1), mean)
        hessian[:, diagonal, diagonal] += np.where(c > 0, total * (1 + RIDGE), 1.0)
        step = np.linalg.solve(hessian, np.where(c > 0, c - total, 0.0)[:, :, None])[:, :, 0]
        step -= np.where(c > 0, step, 0).sum(axis=1, keepdims=True) / np.maximum((c > 0).sum(axis=1, keepdims=True), 1)
        longest = np.abs(np.where(c > 0, step, 0.0)).max(axis=1)
        step *= np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))[:, None]
        moved = b * np.exp(np.where(c > 0, step, 0.0))
        moved[worse] = fallback[active[worse]]
        period[active] = moved
        # where the cells fall into parts, the step wanders between them without moving any mean: margins that agree are enough
        agree = (np.abs(c - total) <= MARGIN * np.maximum(c, 1.0)).all(axis=1)
        done = ((longest < tolerance) | agree) & ~worse
        converged[active[done]] = True
        active = active[~done]
    return Effects(unit_effects(weights, rows, period)[0], period, converged)
