"""Every wave against the units that never adopt, period by period: the saturated regression of Sun & Abraham, wave by wave.

A regression with unit effects, period effects and an indicator for every wave and period but one reference falls apart:
each wave's own periods are free, so that a two-way fit within the wave gives its changes since the reference period, a two-way fit within
the controls gives theirs, and the coefficient is the difference of the two. No regression with hundreds of indicators is
run, whatever is missing or weighted. The residuals, and so the cluster scores, are those of the whole regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.scores.leave_out import leave_out_steps
from mentorship_eval.did.scores.two_way import TwoWay, fit_two_way

__all__ = ["Block", "CellEffects", "Waves", "cell_effects", "group_scores", "leave_one_out", "linear_block"]


@dataclass(frozen=True)
class Block:
    """units (n,): rows of the panel; fit: their two-way fit; outcome, weights (n, T): what it was fitted to."""

    units: np.ndarray
    fit: TwoWay
    outcome: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Waves:
    """controls: the block of units not adopting; blocks: one per wave, adopted (W,) positions and reference (W,) column of each."""

    controls: Block
    blocks: tuple[Block, ...]
    adopted: np.ndarray
    reference: np.ndarray


@dataclass(frozen=True)
class CellEffects:
    """N coefficients: wave, period, base (N,): indices of the wave, of the column and of the reference column; value (N,);
    weight (N,): total weight of the wave's units in the period; unidentified: (wave, period) not tied to the reference.
    """

    wave: np.ndarray
    period: np.ndarray
    base: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    unidentified: tuple[tuple[int, int], ...]


def linear_block(outcome: np.ndarray, weights: np.ndarray, units: np.ndarray) -> Block:
    """The least-squares block of ``units`` (n,) from a panel's outcome and weights (I, T)."""
    return Block(units, fit_two_way(outcome[units], weights[units]), outcome[units], weights[units])


def _tied(fit: TwoWay, base: int) -> np.ndarray:
    return np.asarray((fit.group == fit.group[base]) & (fit.group[base] >= 0))


def cell_effects(waves: Waves) -> CellEffects:
    """Coefficients of all waves in all periods but their reference."""
    wave, period, base, value, weight, missing = [], [], [], [], [], []
    for w, (block, r) in enumerate(zip(waves.blocks, waves.reference, strict=True)):
        observed = (block.weights > 0).any(axis=0)
        known = _tied(block.fit, r) & _tied(waves.controls.fit, r)
        missing += [(w, int(t)) for t in np.flatnonzero(observed & ~known)]
        for t in np.flatnonzero(known & (np.arange(len(known)) != r)):
            wave.append(w)
            period.append(t)
            base.append(r)
            mine, theirs = block.fit.period, waves.controls.fit.period
            value.append((mine[t] - mine[r]) - (theirs[t] - theirs[r]))
            weight.append(block.weights[:, t].sum())
    return CellEffects(np.asarray(wave, dtype=int), np.asarray(period, dtype=int), np.asarray(base, dtype=int), np.asarray(value, dtype=float),
        np.asarray(weight, dtype=float), tuple(missing))


def group_scores(waves: Waves, cells: CellEffects, loads: np.ndarray, cluster: np.ndarray, number: int) -> np.ndarray:
    """(G, K) contributions of clusters to K combinations ``loads`` (N, K) of the cells; their squares add up to the CR0 variance."""
    width = len(waves.controls.fit.period)
    out = np.zeros((number, loads.shape[1]))

    def add(block: Block, mine: np.ndarray, sign: float) -> None:
        contrast = np.zeros((width, loads.shape[1]))
        np.add.at(contrast, cells.period[mine], sign * loads[mine])
        np.add.at(contrast, cells.base[mine], -sign * loads[mine])
        np.add.at(out, cluster[block.units], block.fit.scores @ np.linalg.solve(block.fit.matrix, contrast))

    for w, block in enumerate(waves.blocks):
        add(block, cells.wave == w, 1.0)
    add(waves.controls, np.ones(len(cells.wave), dtype=bool), -1.0)
    return out


def leave_one_out(waves: Waves, cells: CellEffects, cluster: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and weights (G, N) without each cluster; weight 0 where a cell is not identified any more. Least squares only."""
    value = np.tile(cells.value, (number, 1))
    weight = np.tile(cells.weight, (number, 1))
    everything = np.ones(len(cells.wave), dtype=bool)
    for w, block, sign in [*((w, block, 1.0) for w, block in enumerate(waves.blocks)), (-1, waves.controls, -1.0)]:
        mine = np.flatnonzero(cells.wave == w if w >= 0 else everything)
        t, r = cells.period[mine], cells.base[mine]
        ids, local = np.unique(cluster[block.units], return_inverse=True)
        steps = leave_out_steps(block.fit, local, len(ids))
        value[np.ix_(ids, mine)] += sign * np.nan_to_num(steps.change[:, t] - steps.change[:, r])
        if w >= 0:
            held = np.zeros((len(ids), block.weights.shape[1]))
            np.add.at(held, local, block.weights)
            weight[np.ix_(ids, mine)] -= held[:, t]
        for c in np.flatnonzero(steps.broken):
            keep = local != c
            rest = fit_two_way(block.outcome[keep], block.weights[keep])
            known = (rest.group[t] == rest.group[r]) & (rest.group[r] >= 0)
            moved = (rest.period[t] - rest.period[r]) - (block.fit.period[t] - block.fit.period[r])
            value[ids[c], mine] += sign * np.where(known, moved, 0.0)
            weight[ids[c], mine] = np.where(known, weight[ids[c], mine], 0.0)
    return value, np.where(weight > 1e-12 * cells.weight, weight, 0.0)
