"""Simultaneous bands by the multiplier bootstrap of influence functions (Callaway & Sant'Anna 2021, section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import ndtri

__all__ = ["MULTIPLIERS", "band_critical_value"]

MULTIPLIERS = ("rademacher", "mammen")
_ROOT5 = 5**0.5
# Mammen's two points: mean 0, variance 1, third moment 1.
_LOW, _HIGH, _CHANCE_LOW = (1 - _ROOT5) / 2, (1 + _ROOT5) / 2, (1 + _ROOT5) / (2 * _ROOT5)
_BLOCK = 256
_DRAWS_AT_ONCE = 1_000


def _draws(clusters: int, draws: int, multiplier: str, seed: int) -> Iterator[np.ndarray]:
    """Blocks (draws, G) of multipliers; the same for the same seed."""
    random = np.random.default_rng(seed)
    for begin in range(0, draws, _DRAWS_AT_ONCE):
        shape = (min(_DRAWS_AT_ONCE, draws - begin), clusters)
        if multiplier == "mammen":
            yield np.where(random.random(shape) < _CHANCE_LOW, _LOW, _HIGH)
        else:  # one random bit each
            size = shape[0] * shape[1]
            bits = np.unpackbits(np.frombuffer(random.bytes(-(-size // 8)), dtype=np.uint8))[:size]
            yield bits.reshape(shape) * 2.0 - 1.0


def band_critical_value(
    influence: Callable[[int, int], np.ndarray], width: int, clusters: int, *, draws: int, multiplier: str, seed: int, level: float
) -> float:
    """Quantile of the largest |estimate| over its spread, among bootstrap draws.

    influence(begin, end) : (G, end - begin) influence functions of a block of the ``width`` estimates; blocks
    are asked for once, in turn. The spread is the interquartile range of the draws, made comparable to a
    standard deviation. With few clusters the draws take few values and their quartiles can jump from one
    to the next, so that it is never taken below the standard deviation of the draws, which is known.
    Estimates that do not vary take no part; NaN when none varies.
    """
    largest = np.zeros(draws)
    varied = False
    normal_range = float(ndtri(0.75) - ndtri(0.25))
    for begin in range(0, width, _BLOCK):
        block = influence(begin, min(begin + _BLOCK, width))
        size = np.sqrt((block**2).sum(axis=0))
        moving = size > 1e-12 * max(1.0, float(size.max(initial=0.0)))
        if not moving.any():
            continue
        varied = True
        block, size = block[:, moving], size[moving]
        drawn = np.concatenate([multipliers @ block for multipliers in _draws(clusters, draws, multiplier, seed)])
        quartiles = np.quantile(drawn, [0.25, 0.75], axis=0, method="inverted_cdf")
        spread = np.maximum((quartiles[1] - quartiles[0]) / normal_range, size)
        np.maximum(largest, np.abs(drawn / spread).max(axis=1), out=largest)
    return float(np.quantile(largest, level, method="inverted_cdf")) if varied else float("nan")
