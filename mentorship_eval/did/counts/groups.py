"""Cells summed by wave, by time since adoption, by calendar period: all are sums over (wave, period) blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.did.panels.panel import Panel

__all__ = ["Grouping", "Waves", "block_sums", "by_code", "find_waves", "used_blocks"]


@dataclass(frozen=True)
class Waves:
    """at (V,): the adoption positions, ascending, infinity (never) last; of_unit (I,): codes into it; members: units of each wave;
    since (V, T): periods since adoption of every block, minus infinity for never.
    """

    at: np.ndarray
    of_unit: np.ndarray
    members: tuple[np.ndarray, ...]
    since: np.ndarray


@dataclass(frozen=True)
class Grouping:
    """code (V, T): the group of each block of a wave and a period, -1 for none; values (K,): what the groups are called."""

    code: np.ndarray
    values: np.ndarray

    def collect(self, blocks: np.ndarray) -> np.ndarray:
        """Sums (R, K) of blocks (R, V, T)."""
        flat, code = blocks.reshape(len(blocks), -1), self.code.ravel()
        order = np.argsort(code, kind="stable")[(code < 0).sum():]
        out = np.zeros((len(flat), len(self.values)))
        if len(order):
            starts = np.flatnonzero(np.diff(code[order], prepend=-1))
            out[:, code[order][starts]] = np.add.reduceat(flat[:, order], starts, axis=1)
        return out


def find_waves(panel: Panel) -> Waves:
    at, of_unit = np.unique(panel.adopted, return_inverse=True)
    members = np.split(np.argsort(of_unit, kind="stable"), np.cumsum(np.bincount(of_unit))[:-1])
    return Waves(at, of_unit, tuple(members), panel.position[None, :] - at[:, None])


def by_code(keys: np.ndarray, used: np.ndarray) -> Grouping:
    """Groups of equal ``keys`` (V, T) among the ``used`` blocks."""
    values = np.unique(keys[used])
    code = np.searchsorted(values, np.where(used, keys, values[0] if len(values) else 0))
    return Grouping(np.where(used, code, -1), values)


def used_blocks(waves: Waves, cells: np.ndarray) -> np.ndarray:
    """(V, T) whether any of ``cells`` (I, T) lies in a block."""
    out = np.zeros(waves.since.shape, dtype=bool)
    for v, members in enumerate(waves.members):
        out[v] = cells[members].any(axis=0)
    return out


def block_sums(waves: Waves, values: np.ndarray) -> np.ndarray:
    """(V, T) sums of values (I, T) over the units of each wave."""
    return np.stack([values[members].sum(axis=0) for members in waves.members])
