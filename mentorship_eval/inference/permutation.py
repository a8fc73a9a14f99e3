"""Permutation tests over assignments: who was given which label, within blocks.

Knows nothing of what a label means: a caller gives one label per unit and a function from many
assignments to many statistics. All distinct assignments are enumerated when they are few enough;
otherwise they are drawn at random and p = (1 + c) / (1 + B) (Phipson & Smyth 2010, SAGMB 9:39).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import comb, prod

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["Permutation", "assignments", "count_assignments", "permutation_test"]

# Statistics of equal assignments may differ in their last digits.
SLACK = 1e-7


@dataclass(frozen=True)
class Permutation:
    """Result of `permutation_test`.

    p_value: two-sided, by |statistic|; smallest_p: the smallest that this design allows; draws:
    assignments compared, all of them when exact; exact: enumerated; possible: distinct assignments;
    undefined: draws without a statistic, counted as at least as extreme; rank: of the observed
    |statistic| among all assignments when exact, 1 being the largest (ties share the worst rank); seed: of the draws.
    """

    p_value: float
    smallest_p: float
    draws: int
    exact: bool
    possible: int
    undefined: int
    rank: int | None
    seed: int | None


def _blocks(labels: np.ndarray, blocks: np.ndarray | None) -> list[np.ndarray]:
    codes = np.zeros(len(labels), dtype=int) if blocks is None else np.asarray(blocks)
    _, code, size = np.unique(codes, return_inverse=True, return_counts=True)
    return np.split(np.argsort(code, kind="stable"), np.cumsum(size)[:-1])


def _arrangements(values: np.ndarray) -> int:
    """How many distinct orders ``values`` have."""
    counts = np.unique(values, return_counts=True)[1]
    left = np.cumsum(counts)
    return prod(comb(int(n), int(k)) for n, k in zip(left, counts, strict=True))


def count_assignments(labels: np.ndarray, blocks: np.ndarray | None = None) -> int:
    """Number of distinct ways to hand out ``labels`` (n,) within ``blocks`` (n,)."""
    return prod(_arrangements(np.asarray(labels)[block]) for block in _blocks(np.asarray(labels), blocks))


def _orders(values: np.ndarray) -> list[np.ndarray]:
    """Every distinct order of ``values``, in lexicographic sequence."""
    now = np.sort(values)
    found = [now.copy()]
    while True:
        rising = np.flatnonzero(now[:-1] < now[1:])
        if not len(rising):
            return found
        pivot = rising[-1]
        other = np.flatnonzero(now > now[pivot])
        swap = other[other > pivot][-1]
        now[[pivot, swap]] = now[[swap, pivot]]
        now[pivot + 1 :] = now[pivot + 1 :][::-1].copy()
        found.append(now.copy())


def assignments(labels: np.ndarray, blocks: np.ndarray | None = None, *, draws: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """Arrays (D, n) of assignments, D at most ``at_once``: all distinct ones when no more than ``draws``, else random ones."""
    labels = np.asarray(labels)
    where = _blocks(labels, blocks)
    if count_assignments(labels, blocks) <= draws:
        every = product(*(_orders(labels[block]) for block in where))
        batch: list[np.ndarray] = []
        for parts in every:
            one = np.empty_like(labels)
            for block, part in zip(where, parts, strict=True):
                one[block] = part
            batch.append(one)
            if len(batch) == at_once:
                yield np.array(batch)
                batch = []
        if batch:
            yield np.array(batch)
        return
    # a stream of its own for each block: the draws are then the same however they are batched
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(len(where))]
    for begin in range(0, draws, at_once):
        out = np.tile(labels, (min(at_once, draws - begin), 1))
        for block, random in zip(where, streams, strict=True):
            out[:, block] = random.permuted(out[:, block], axis=1)
        yield out


def permutation_test(
    observed: float,
    statistic: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    *,
    blocks: np.ndarray | None = None,
    draws: int = 9999,
    seed: int = 0,
    at_once: int = 256,
) -> Permutation:
    """Compare |observed| with |statistic| under other assignments of ``labels``.

    Parameters
    ----------
    observed : the statistic of the actual assignment; infinite is allowed (more extreme than any number).
    statistic : from assignments (D, n) to statistics (D,); NaN where none exists, which counts as at
        least as extreme, so that the p-value errs upwards.
    labels, blocks : (n,) the label of each unit and the block that it may not leave.
    draws : assignments at most; 0 makes no test (NaN).
    at_once : assignments per call of ``statistic``; the draws, and so the result, do not depend on it.
    """
    if draws < 0:
        raise UsageError(f"permutations is {draws}.", fix="Give 0 for none, or a number such as 9999.")
    possible = count_assignments(labels, blocks)
    if draws == 0 or possible < 2 or np.isnan(observed):
        return Permutation(np.nan, np.nan if draws == 0 else 1 / possible, 0, False, possible, 0, None, None)
    exact = possible <= draws
    as_extreme = undefined = done = 0
    for batch in assignments(labels, blocks, draws=draws, seed=seed, at_once=at_once):
        values = np.abs(statistic(batch))
        unknown = np.isnan(values)
        undefined += int(unknown.sum())
        as_extreme += int((unknown | (values >= abs(observed) - SLACK)).sum())
        done += len(batch)
    p = as_extreme / done if exact else (1 + as_extreme) / (1 + done)
    smallest = 1 / possible if exact else max(1 / (1 + done), 1 / possible)
    return Permutation(p, smallest, done, exact, possible, undefined, as_extreme if exact else None, None if exact else seed)
