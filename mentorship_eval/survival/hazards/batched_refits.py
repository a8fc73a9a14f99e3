"""Cox fits without each of many clusters, side by side: one pass over the rows serves a batch of fits.

Leaving a cluster out changes neither the rows nor the event times of the others, so that the fits share all
that is not a coefficient. Everything that belongs to a fit has it as the last axis (.., B), where it is
contiguous: sums over risk sets become products of one sparse matrix with an (n, B) array of risks. A fit that
is not plain sailing (no maximum, no information, a fall of the likelihood) is left to be done by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from mentorship_eval.survival.hazards.risk_sets import RiskSets

__all__ = ["refit_in_batches"]

AT_ONCE = 250_000  # numbers in one array: 2 MB, which a processor's cache still holds
MOST_PRODUCTS = 5_000_000  # numbers
ROWS_AT_ONCE = 8192
MOST_ITERATIONS = 12  # a likelihood without maximum takes more
UNINFORMED = 1e-12  # information per event that is rounding
COLLINEAR = 1e-10  # share of its information that a term keeps beside the terms before it


@dataclass(frozen=True)
class _Board:
    """What all fits share. left: ((1 + p) * K, n), whose product with the risks is what leaves each risk set
    alive less what comes in, of 1 and of each covariate; died: ((1 + p) * K, dead), the same of the events;
    step: (M,) number of tied events already removed; gather: (K, M) sums pairs; order, bounds: rows by cluster;
    is_dead: (n,), the position among the dead or -1; products: (p (p + 1) / 2, n), None where that is too much."""

    sets: RiskSets
    x: np.ndarray
    left: csr_array
    died: csr_array
    step: np.ndarray
    gather: csr_array
    order: np.ndarray
    bounds: np.ndarray
    is_dead: np.ndarray
    products: np.ndarray | None


@dataclass(frozen=True)
class _Batch:
    """What hangs on the clusters left out and not on coefficients. own, column: rows to be left out, and of which fit;
    own_dead, own_column: the same among the dead; keep: (M, B) share of the tied events still at risk; steps: (M, B)
    weight of a pair. Then work space, for fresh memory costs as much as what is computed in it: by_row (2, n, B),
    by_pair (2, M, B), terms (M, 5, B)."""

    own: np.ndarray
    column: np.ndarray
    own_dead: np.ndarray
    own_column: np.ndarray
    keep: np.ndarray
    steps: np.ndarray
    by_row: np.ndarray
    by_pair: np.ndarray
    terms: np.ndarray


def _stacked(values: np.ndarray, times: np.ndarray, size: int, columns: np.ndarray, width: int) -> csr_array:
    """Rows j * size + time of a sparse matrix that sums 1 (j = 0) and each line of ``values`` by time."""
    data = np.concatenate((np.ones((1, values.shape[1])), values))
    rows = times + size * np.arange(len(data))[:, np.newaxis]
    return csr_array((data.ravel(), (rows.ravel(), np.tile(columns, len(data)))), shape=(len(data) * size, width))


def _board(sets: RiskSets, x: np.ndarray, clusters: np.ndarray) -> _Board:
    size, n, dead = sets.size, len(sets.rows), sets.dead
    is_dead = np.full(n, -1, dtype=np.intp)
    is_dead[dead] = np.arange(len(dead))
    alive = np.flatnonzero(is_dead < 0)
    comes = _stacked(x[:, sets.late], sets.first[sets.late] - 1, size, sets.late, n)
    left = _stacked(x[:, alive], sets.last[alive] - 1, size, alive, n) - comes
    died = _stacked(x[:, dead], sets.at, size, np.arange(len(dead)), len(dead))
    begins = np.searchsorted(sets.pair, np.arange(size + 1))
    step = np.arange(len(sets.pair)) - begins[sets.pair]
    gather = csr_array((np.ones(len(step)), np.arange(len(step)), begins), shape=(size, len(step)))
    order = np.argsort(clusters, kind="stable")
    bounds = np.searchsorted(clusters[order], np.arange(clusters.max() + 2))
    upper, lower = np.triu_indices(len(x))
    products = x[upper] * x[lower] if len(upper) * n <= MOST_PRODUCTS else None
    return _Board(sets, x, left, died, step, gather, order, bounds, is_dead, products)


def _batch(board: _Board, codes: np.ndarray) -> _Batch:
    sets, count = board.sets, len(codes)
    rows = [board.order[board.bounds[code] : board.bounds[code + 1]] for code in codes]
    own, column = np.concatenate(rows), np.repeat(np.arange(count), [len(part) for part in rows])
    own_dead, own_column = board.is_dead[own], column[board.is_dead[own] >= 0]
    own_dead = own_dead[own_dead >= 0]
    flat = sets.at[own_dead] * count + own_column

    def left_of(weight: np.ndarray) -> np.ndarray:
        """(K, B) sums by event time of a weight of the dead, without each cluster's own."""
        total = np.bincount(sets.at, weight, sets.size)[:, np.newaxis]
        return total - np.bincount(flat, weight[own_dead], sets.size * count).reshape(sets.size, count)

    many, weight = left_of(np.ones(len(sets.dead))), left_of(sets.weight[sets.dead])
    if sets.ties == "efron":
        of_pair = np.maximum(many, 1.0)[sets.pair]
        keep = 1.0 - board.step[:, np.newaxis] / of_pair
        steps = np.where((keep > 0) & (many[sets.pair] > 0), weight[sets.pair] / of_pair, 0.0)
    else:
        keep, steps = np.ones((len(sets.pair), count)), np.where(many > 0, weight, 0.0)[sets.pair]
    pairs = len(sets.pair)
    work = np.empty((2, len(sets.rows), count)), np.empty((2, pairs, count)), np.empty((pairs, 5, count))
    return _Batch(own, column, own_dead, own_column, keep, steps, *work)


def _evaluate(board: _Board, batch: _Batch, coef: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B,) log-likelihood, (B, p) score and (B, p, p) information at ``coef`` (p, B)."""
    sets, x = board.sets, board.x
    size, count = sets.size, coef.shape[1]
    risk, exposure = batch.by_row
    np.matmul(x.T, coef, out=risk)
    of_dead = risk[sets.dead]
    np.exp(risk, out=risk)
    risk *= sets.weight[:, np.newaxis]
    risk[batch.own, batch.column] = 0.0
    died = (board.died @ risk[sets.dead]).reshape(-1, size, count)
    stay = (board.left @ risk).reshape(-1, size, count)  # survivors of the event time: all at risk but the dead
    for begin, end in sets.blocks:
        later = np.cumsum((stay[:, begin:end] + died[:, begin:end])[:, :0:-1], axis=1)[:, ::-1]
        stay[:, begin : end - 1] += later
    below, spare = batch.by_pair
    np.take(died[0], sets.pair, axis=0, out=below, mode="clip")  # "raise" would buffer what it takes
    below *= batch.keep
    below += np.take(stay[0], sets.pair, axis=0, out=spare, mode="clip")
    below[batch.steps == 0] = 1.0

    weight = sets.weight[sets.dead]
    loglik = weight @ of_dead - np.einsum("mb,mb->b", batch.steps, np.log(below, out=spare))
    loglik -= np.bincount(batch.own_column, (weight[:, np.newaxis] * of_dead)[batch.own_dead, batch.own_column], count)
    terms = batch.terms
    hazard, kept, square = terms[:, 0], terms[:, 1], terms[:, 2]
    np.divide(batch.steps, below, out=hazard)
    np.multiply(hazard, batch.keep, out=kept)
    np.divide(hazard, below, out=square)
    np.multiply(square, batch.keep, out=terms[:, 3])
    np.multiply(terms[:, 3], batch.keep, out=terms[:, 4])
    terms = (board.gather @ terms.reshape(len(below), -1)).reshape(size, 5, count)
    whole, part = terms[:, 0], terms[:, 1]

    x_dead = x[:, sets.dead] * weight
    score = np.repeat(x_dead.sum(axis=1)[:, np.newaxis], count, axis=1)
    score -= np.array([np.bincount(batch.own_column, row[batch.own_dead], count) for row in x_dead])
    score -= np.einsum("jkb,kb->jb", stay[1:], whole) + np.einsum("jkb,kb->jb", died[1:], part)

    cumulated = np.concatenate((np.zeros((1, count)), np.cumsum(whole, axis=0)))
    np.take(cumulated, sets.last, axis=0, out=exposure, mode="clip")
    entered = np.flatnonzero(sets.first)
    exposure[entered] -= cumulated[sets.first[entered]]
    exposure[sets.dead] -= (whole - part)[sets.at]
    exposure *= risk
    s, d = (np.ascontiguousarray(sums[1:].transpose(2, 0, 1)) for sums in (stay, died))
    of_stay, mixed, of_died = np.ascontiguousarray(terms[:, 2:].transpose(1, 2, 0))[:, :, np.newaxis]
    information = _squares(board, exposure)
    information -= (s * of_stay + d * mixed) @ s.transpose(0, 2, 1) + (s * mixed + d * of_died) @ d.transpose(0, 2, 1)
    return loglik, score.T, information


def _squares(board: _Board, weight: np.ndarray) -> np.ndarray:
    """(B, p, p) sums of x x' over the rows for each of the (n, B) weights."""
    x = board.x
    upper, lower = np.triu_indices(len(x))
    if board.products is not None:
        flat = board.products @ weight
    else:
        flat = np.zeros((len(upper), weight.shape[1]))
        for low in range(0, x.shape[1], ROWS_AT_ONCE):
            part = x[:, low : low + ROWS_AT_ONCE]
            flat += (part[upper] * part[lower]) @ weight[low : low + ROWS_AT_ONCE]
    full = np.empty((weight.shape[1], len(x), len(x)))
    full[:, upper, lower] = full[:, lower, upper] = flat.T
    return full


def _well_conditioned(information: np.ndarray, events: int) -> np.ndarray:
    """(B,) whether every term has information, and keeps some of its own beside the terms before it."""
    left, fine = information.copy(), np.isfinite(information).all(axis=(1, 2))
    left[~fine] = 0.0
    for j in range(left.shape[1]):
        pivot = left[:, j, j].copy()
        fine &= pivot > np.maximum(COLLINEAR * information[:, j, j], UNINFORMED * events)
        left[~fine] = 0.0  # what is left of a singular matrix would grow without bound
        left -= left[:, :, j, np.newaxis] * left[:, np.newaxis, j] / np.where(fine, pivot, 1.0)[:, np.newaxis, np.newaxis]
    return fine


def refit_in_batches(
    sets: RiskSets, x: np.ndarray, clusters: np.ndarray, left_out: np.ndarray, begin: np.ndarray, converged: float
) -> np.ndarray:
    """(len(left_out), p) coefficients without each of the clusters ``left_out``; NaN rows are to be fitted by themselves.

    begin: (len(left_out), p) starting points. A fit ends when its next Newton decrement, foretold from the
    last two by quadratic convergence, is below ``converged``.
    """
    board = _board(sets, x, clusters)
    estimates = np.full(begin.shape, np.nan)
    width = max(4, AT_ONCE // max(len(sets.rows), len(sets.pair), (len(x) + 1) * sets.size))
    for low in range(0, len(left_out), width):
        position = np.arange(low, min(low + width, len(left_out)))
        coef, batch = begin[position], _batch(board, left_out[position])
        best, before = np.full(len(position), -np.inf), np.full(len(position), np.inf)
        for _ in range(MOST_ITERATIONS):
            with np.errstate(all="ignore"):
                loglik, score, information = _evaluate(board, batch, np.ascontiguousarray(coef.T))
            fine = _well_conditioned(information, len(sets.dead)) & (loglik >= best - 1e-10 * (1.0 + np.abs(best)))
            information[~fine] = np.eye(len(x))
            step = np.linalg.solve(information, score[:, :, np.newaxis])[:, :, 0]
            decrement = np.sqrt(np.maximum(np.einsum("bp,bp->b", score, step), 0.0))
            coef, curvature = coef + step, np.maximum(1.0, decrement / before**2)
            done = fine & ((decrement < converged) | ((decrement < 1e-3) & (curvature * decrement**2 < converged)))
            estimates[position[done]] = coef[done]
            on = fine & ~done
            if not on.any():
                break
            if not on.all():
                batch = _batch(board, left_out[position[on]])
            position, coef, best, before = position[on], coef[on], loglik[on], decrement[on]
    return estimates
