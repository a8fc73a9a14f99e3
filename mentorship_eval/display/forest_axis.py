"""The drawn part of a forest plot: reference lines, whiskers, markers, on an axis that keeps the points readable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mentorship_eval.display.scales import limits, set_ratio_axis
from mentorship_eval.display.style import GREY, INK

__all__ = ["OVERALL", "marks", "value_axis", "whisker"]

# the line at the overall estimate: dashed, so that it is not taken for the line of no effect
OVERALL: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2.5)), "linewidth": 1.0}


def value_axis(
    axes: Any, points: np.ndarray, low: np.ndarray, high: np.ndarray, *, log: bool, overall: float, width: float
) -> tuple[float, float]:
    """Limits, ticks, the line of no effect and the one at ``overall`` (NaN: none) of a horizontal axis ``width`` inches wide."""
    reference = 1.0 if log else 0.0
    known = points if math.isnan(overall) else np.append(points, overall)
    first, last = limits(known, low, high, log=log, reference=reference)
    axes.set_xlim(first, last)
    if log:
        most = max(3, int(width / 0.36))
        set_ratio_axis(axes.xaxis, first, last, most, max(1 / 12, 0.3 / width))
        axes.set_xlim(first, last)
    else:
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(max(3, int(width / 0.45)), steps=[1, 2, 2.5, 5, 10], min_n_ticks=3))
    axes.patch.set_visible(False)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(reference, color=GREY, linewidth=0.9, zorder=1)
    if not math.isnan(overall):
        axes.axvline(overall, zorder=1.5, gid="overall", **OVERALL)
    return first, last


def whisker(axes: Any, middle: float, ends: Sequence[float], value: float, reach: tuple[float, float], colour: str, **style: Any) -> None:
    """The interval ``ends`` about ``value`` at height ``middle``, with an arrow where it leaves ``reach``."""
    low, high = ends
    if math.isnan(low) and math.isnan(high):
        return
    first, last = reach
    start = value if math.isnan(low) else max(low, first)
    stop = value if math.isnan(high) else min(high, last)
    axes.plot([start, stop], [middle, middle], **{"color": colour, "linewidth": 1.5, "zorder": 3, "solid_capstyle": "butt", **style})
    for beyond, edge, marker in ((low < first, first, "<"), (high > last, last, ">")):
        if beyond:
            axes.plot([edge], [middle], marker=marker, markersize=6, color=colour, clip_on=False, zorder=4, gid="arrow")


def marks(axes: Any, value: float, middle: float, colour: str, *, hollow: bool, headline: bool, truth: float) -> None:
    """The marker of one row (open when ``hollow``, larger for the headline) and the open diamond of a known value."""
    axes.plot(
        [value],
        [middle],
        marker="s",
        markersize=6.6 if headline else 4.8,
        color=colour,
        markerfacecolor="white" if hollow else colour,
        markeredgewidth=1.2,
        zorder=4,
    )
    if not math.isnan(truth):
        axes.plot([truth], [middle], marker="D", markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.1, zorder=5)
