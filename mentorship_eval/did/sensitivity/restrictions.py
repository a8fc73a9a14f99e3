"""Bounded violations of parallel trends as moment inequalities, reduced to the vertices that decide their test.

delta is the violation of parallel trends in each period, 0 in the base period; an event study's coefficients
have mean delta before treatment and effect + delta after it. Both restrictions of Rambachan & Roth (2023, Review
of Economic Studies 90:2555) bound differences of delta from both sides, D delta - u <= 0 and -D delta - u <= 0:

* relative magnitudes: D takes first differences, u is Mbar times one signed first difference before
  treatment; the restriction is the union over which difference is the largest and its sign;
* smoothness: D takes second differences, u is the constant M.

A value theta of the parameter l'effect is tested with the effects at l'effect = theta as nuisance parameters
(Andrews, Roth & Pakes 2023, Review of Economic Studies 90:2763): the statistic is the largest of lambda'y over
lambda >= 0 with unit studentised weight whose nuisance parts cancel. D restricted to the periods after treatment
is invertible, so that lambda+ - lambda- is a multiple of w, where D'w = l: there is one vertex with a positive
multiple, one with a negative one, and the multiple 0, where the pairs of one period cancel. No linear program is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Vertices", "difference_rows", "relative_magnitudes", "smoothness"]


@dataclass(frozen=True)
class Vertices:
    """The statistic is the largest over rows of ``loading`` (V, P) @ coefficients - ``constant`` (V,) - ``slope`` (V,) * theta."""

    loading: np.ndarray
    constant: np.ndarray
    slope: np.ndarray



def difference_rows(pre: int, post: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """First or second differences of delta as rows over (pre, post) coefficients, the base period's 0 left out.

    Returns those of the periods before treatment and those that reach into the periods after it (one per period).
    """
    rows = np.diff(np.eye(pre + 1 + post), n=order, axis=0)
    kept = np.delete(rows, pre, axis=1)
    return kept[: len(kept) - post], kept[len(kept) - post:]


def _vertices(before: np.ndarray, after: np.ndarray, bound: np.ndarray, level: float, covariance: np.ndarray, weights: np.ndarray,
    bound_before: np.ndarray | None) -> Vertices:
    """Vertices of the test of ``+-after @ delta <= bound @ delta + level``.

    bound_before : with it, the moments of the periods before treatment, ``+-before @ delta <= bound_before @ delta + level``,
    are tested too.
    """
    post = len(weights)
    upper, lower = after - bound, -after - bound
    deviation = [np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows)) for rows in (upper, lower)]
    # w: how the differences after treatment add up to l'delta
    w = np.linalg.solve(after[:, -post:].T, weights)
    rising, falling = np.maximum(w, 0.0), np.maximum(-w, 0.0)
    loading, constant, slope = [], [], []
    for sign, (up, down) in ((1.0, (rising, falling)), (-1.0, (falling, rising))):
        total = deviation[0] @ up + deviation[1] @ down
        loading.append((up @ upper + down @ lower) / total)
        constant.append(level * (up.sum() + down.sum()) / total)
        slope.append(sign / total)
    # pairs of one period cancel: all are multiples of one another, so that the largest and the smallest stand for all
    pair = 1 / (deviation[0] + deviation[1])
    for size in {float(pair.min()), float(pair.max())}:
        loading.append(-2 * size * bound[0])
        constant.append(2 * level * size)
        slope.append(0.0)
    if bound_before is not None:
        for rows in (before - bound_before, -before - bound_before):
            size = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))
            used = size > 1e-9 * np.sqrt(np.diag(covariance).max())
            loading.extend(rows[used] / size[used, None])
            constant.extend(level / size[used])
            slope.extend(np.zeros(int(used.sum())))
    return Vertices(np.array(loading), np.array(constant), np.array(slope))


def relative_magnitudes(covariance: np.ndarray, weights: np.ndarray, pre: int, mbar: float) -> list[Vertices]:
    """One `Vertices` per difference before treatment and sign; a theta belongs to the set when any of them accepts it.

    With several periods after treatment only moments that reach into them are used, with one all of them, as in
    the authors' own implementation (R package HonestDiD).
    """
    before, after = difference_rows(pre, len(weights), 1)
    sets = []
    for largest in range(pre):
        for sign in (1.0, -1.0):
            ceiling = np.tile(sign * before[largest], (len(weights), 1))
            alone = np.tile(sign * before[largest], (pre, 1)) if len(weights) == 1 else None
            sets.append(_vertices(before, after, mbar * ceiling, 0.0, covariance, weights, alone))
    return sets


def smoothness(covariance: np.ndarray, weights: np.ndarray, pre: int, m: float) -> list[Vertices]:
    """The one `Vertices` of a slope that changes by at most ``m`` from one period to the next."""
    before, after = difference_rows(pre, len(weights), 2)
    alone = np.zeros_like(before) if len(weights) == 1 and len(before) else None
    return [_vertices(before, after, np.zeros_like(after), m, covariance, weights, alone)]
