"""Labels beside a plot that keep their order and never touch, as near as may be to what they name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["spread"]


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Middles of labels of the given heights, in the order of ``wanted`` (ascending), between ``low`` and ``high``.

    Least squares under the order: subtract from each wanted middle the room that the labels before it need,
    pool neighbours that would touch (isotonic regression), add the room again. Where the labels need more
    than there is they go beyond ``high``.
    """
    if not len(wanted):
        return []
    tall = np.asarray(heights, dtype=float)
    room = np.concatenate([[0.0], np.cumsum((tall[1:] + tall[:-1]) / 2)])
    blocks: list[tuple[float, int]] = []
    for value in np.asarray(wanted, dtype=float) - room:
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (b, m), (a, k) = blocks.pop(), blocks.pop()
            blocks.append(((a * k + b * m) / (k + m), k + m))
    free = np.repeat([value for value, _ in blocks], [size for _, size in blocks])
    first, last = low + tall[0] / 2, high - tall[-1] / 2 - room[-1]
    return [float(x) for x in np.clip(free, first, max(first, last)) + room]
