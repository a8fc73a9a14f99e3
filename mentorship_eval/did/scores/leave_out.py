"""A two-way fit without each cluster in turn, by one update of the full fit instead of a refit.

With A the normal equations and s_c what cluster c contributes to their score at the solution, the
effects without c differ by -(A - A_c)^(-1) s_c. Clusters of one unit that share a row of weights (all units of
a wave, in a complete unweighted panel) share the factor too. Clusters without which some periods are
no longer tied together, or a covariate no longer varies, are named in ``broken`` and want a fit of their own.
(MacKinnon, Nielsen & Webb 2023, Journal of Applied Econometrics 38:671, give the idea for general regressions.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.scores.two_way import COLLINEAR, TwoWay, period_groups, profile_matrices

__all__ = ["Steps", "leave_out_steps"]

CELLS_AT_ONCE = 3_000_000


@dataclass(frozen=True)
class Steps:
    """change (G, T+K): effects without each cluster less the full ones, NaN where broken; broken (G,): see the module."""

    change: np.ndarray
    broken: np.ndarray


def _untied(fit: TwoWay, cluster: np.ndarray, number: int) -> np.ndarray:
    """(G,) without the cluster, periods that the full fit ties together fall apart."""
    fitted = fit.weights > 0
    order = np.argsort(cluster, kind="stable")
    out = np.zeros(number, dtype=bool)
    seen = fit.group >= 0
    count = fitted.astype(np.float32)
    if number == len(cluster):
        holders = count.T @ count
    else:
        # a cluster ties two periods once, however many of its units do
        holders = np.zeros((fitted.shape[1],) * 2)
        for members in np.split(order, np.cumsum(np.bincount(cluster, minlength=number))[:-1]):
            holders += (count[members].T @ count[members]) > 0
    if np.array_equal(_canonical(period_groups(holders >= 2, seen)), _canonical(fit.group)) and (np.diag(holders)[seen] >= 2).all():
        return out
    total = count.T @ count
    for c, members in enumerate(np.split(order, np.cumsum(np.bincount(cluster, minlength=number))[:-1])):
        rest = total - count[members].T @ count[members]
        out[c] = not np.array_equal(_canonical(period_groups(rest > 0.5, np.diag(rest) > 0.5)), _canonical(fit.group))
    return out


def _canonical(group: np.ndarray) -> np.ndarray:
    """Labels by first appearance, so that equal partitions are equal arrays; -1 stays."""
    values, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(np.where(values < 0, -1, first)))
    return np.where(group < 0, -1, rank[inverse] + (0 if (values < 0).any() else 1))


def _degenerate(matrices: np.ndarray, full: np.ndarray, width: int) -> np.ndarray:
    """(D,) the covariates hardly vary beyond the effects any more."""
    if matrices.shape[1] == width:
        return np.zeros(len(matrices), dtype=bool)

    def left(m: np.ndarray) -> np.ndarray:
        return np.asarray(m[..., width:, width:] - np.swapaxes(m[..., :width, width:], -1, -2) @ np.linalg.solve(
            m[..., :width, :width], m[..., :width, width:]))

    scale = np.sqrt(np.diag(left(full)))
    return np.asarray(np.linalg.eigvalsh(left(matrices) / scale[:, None] / scale[None, :])[:, 0] < COLLINEAR)


def _alike(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first of each kind of row (K,) and the kind of every row (n,); rows of one kind are equal to the last bit."""
    if not len(rows):
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    # sorting one number per row is much faster than sorting rows; a tie of unequal rows, if it ever happens, only costs the short cut
    key = (rows * np.random.default_rng(0).standard_normal(rows.shape[1])).sum(axis=1)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(rows[first][which], rows):
        return np.arange(len(rows)), np.arange(len(rows))
    return first, which


def leave_out_steps(fit: TwoWay, cluster: np.ndarray, number: int) -> Steps:
    """`Steps` for ``cluster`` (I,), codes from 0 to ``number`` - 1."""
    units, size = fit.weights.shape[0], len(fit.matrix)
    width = fit.weights.shape[1]
    broken = _untied(fit, cluster, number)
    scores = np.zeros((number, size))
    np.add.at(scores, cluster, fit.scores)
    change = np.zeros((number, size))
    moving = np.flatnonzero(~broken & (np.abs(scores) > 0).any(axis=1))
    if number == units:
        row_of = np.empty(number, dtype=int)
        row_of[cluster] = np.arange(units)
        rows = row_of[moving]
        both = np.concatenate([fit.weights[rows][:, :, None], fit.centred[rows]], axis=2)
        first, which = _alike(both.reshape(len(rows), both.shape[1] * both.shape[2]))
        if len(first) <= len(moving) // 2:
            alike = rows[first]
            left = fit.matrix[None] - profile_matrices(fit.weights[alike], fit.totals[alike], fit.centred[alike])
            lost = _degenerate(left, fit.matrix, width)
            for k in range(len(first)):
                mine = moving[which == k]
                broken[mine] = lost[k]
                change[mine] = 0.0 if lost[k] else -np.linalg.solve(left[k], scores[mine].T).T
            moving = moving[:0]
    order = np.argsort(cluster, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(cluster, minlength=number))])
    at_once = max(1, CELLS_AT_ONCE // size**2)
    position = 0
    while position < len(moving):
        batch = [moving[position]]
        room = at_once - (begin[batch[0] + 1] - begin[batch[0]])
        position += 1
        while position < len(moving) and (room := room - (begin[moving[position] + 1] - begin[moving[position]])) >= 0:
            batch.append(moving[position])
            position += 1
        members = np.concatenate([order[begin[c]: begin[c + 1]] for c in batch])
        starts = np.concatenate([[0], np.cumsum([begin[c + 1] - begin[c] for c in batch])[:-1]])
        parts = np.add.reduceat(profile_matrices(fit.weights[members], fit.totals[members], fit.centred[members]), starts, axis=0)
        left = fit.matrix[None] - parts
        lost = _degenerate(left, fit.matrix, width)
        left[lost] = np.eye(size)
        solved = -np.linalg.solve(left, scores[batch][:, :, None])[:, :, 0]
        change[batch] = solved
        broken[np.asarray(batch)[lost]] = True
    change[broken] = np.nan
    return Steps(change, broken)
