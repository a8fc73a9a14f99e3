"""Axes for ratios: logarithmic, with ticks that a reader would choose."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["limits", "ratio_label", "ratio_ticks", "set_ratio_axis"]

_COARSE = (1, 2, 5)
_MIDDLE = (1, 1.5, 2, 3, 5, 7)
_ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_FINE = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
_TENTHS = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)  # without halves of tenths below 1
_FINEST = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 7.5, 8, 8.5, 9, 9.5)


def ratio_label(value: float) -> str:
    return f"{value:,.10g}"


def ratio_ticks(low: float, high: float, most: int = 7, apart: float = 1 / 12) -> list[float]:
    """Round ratios between ``low`` and ``high``, at most ``most``; 1 is among them when it is in range.

    ``apart``: the share of the axis below which two labels would run into each other.
    """
    if not 0 < low < high:
        return [1.0]
    best: list[float] = []
    for mantissas in (_FINEST, _TENTHS, _FINE, _ROUND, _MIDDLE, _COARSE, (1,)):
        decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        ticks = sorted({float(f"{m * 10.0**d:.6g}") for d in decades for m in mantissas})
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        spread = math.log(high / low)
        close = any(math.log(b / a) < spread * apart for a, b in pairwise(ticks))
        if len(ticks) >= 2 and (not best or len(best) > most):
            best = ticks
        if 2 <= len(ticks) <= most and not close:
            return ticks
    return best if len(best) <= most else best[:: math.ceil(len(best) / most)]


def limits(
    points: np.ndarray, low: np.ndarray, high: np.ndarray, *, log: bool, reference: float, reach: float = 1.0
) -> tuple[float, float]:
    """Axis limits that hold every point and the reference, and intervals as far as that leaves the points readable.

    ``reach``: how far beyond the points an interval may widen the axis, as a multiple of their spread
    (at least a factor of 1.5); what lies beyond is drawn as an arrow.
    """
    change = np.log if log else np.asarray
    back = np.exp if log else float
    with np.errstate(all="ignore"):
        inner = change(np.append(points[np.isfinite(points)], reference))
        ends = change(np.concatenate([low, high]))
        widths = np.abs(change(high) - change(low))
    first, last = float(inner.min()), float(inner.max())
    finite = ends[np.isfinite(ends)]
    widths = widths[np.isfinite(widths)]
    usual = float(np.median(widths)) if len(widths) else 0.0
    room = max(reach * (last - first), 1.5 * usual, math.log(1.5) if log else 1e-9)
    if len(finite):
        first, last = min(first, max(float(finite.min()), first - room)), max(last, min(float(finite.max()), last + room))
    margin = 0.06 * (last - first) or (0.2 if log else 1.0)
    return float(back(first - margin)), float(back(last + margin))


def set_ratio_axis(axis: Any, low: float, high: float, most: int = 7, apart: float = 1 / 12) -> None:
    """Log scale with plain-number ticks on an ``XAxis`` or ``YAxis`` of matplotlib."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    setter = axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale
    setter("log")
    ticks = ratio_ticks(low, high, most, apart)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([ratio_label(tick) for tick in ticks]))
    axis.set_minor_locator(NullLocator())
