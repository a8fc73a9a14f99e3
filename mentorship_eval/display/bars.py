"""Bars of a histogram that disclosure control has passed: counts that are numbers, and counts that are withheld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.frames import is_blank, is_withheld, numbers
from mentorship_eval.display.style import GREY
from mentorship_eval.display.words import plural
from mentorship_eval.errors import UsageError

__all__ = ["WITHHELD", "Bins", "bars", "read_bins"]

WITHHELD: dict[str, Any] = {"facecolor": "white", "edgecolor": GREY, "hatch": "//////", "linewidth": 0.6}
_STUB = 0.05  # height of every withheld bin, as a share of the largest bar


@dataclass(frozen=True)
class Bins:
    """low, high: limits; counts: numbers, NaN where withheld; withheld: whether a count is."""

    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray
    withheld: np.ndarray

    def words(self) -> str:
        """Where the bars lie, the tallest of them, and how many are withheld."""
        there = (self.counts > 0) | self.withheld
        if not there.any():
            return "no bin holds anybody"
        reach = f"bins from {self.low[there].min():.3g} to {self.high[there].max():.3g}"
        top = ""
        if np.isfinite(self.counts).any() and np.nanmax(self.counts) > 0:
            i = int(np.nanargmax(self.counts))
            top = f", most in {self.low[i]:.3g} to {self.high[i]:.3g} ({self.counts[i]:,.0f})"
        gone = int(self.withheld.sum())
        return reach + top + (f", {plural(gone, 'bin')} withheld" if gone else "")


def read_bins(rows: pd.DataFrame, what: str) -> Bins:
    """The bins of one arm from bin_low, bin_high, count. Raises `UsageError` for impossible ones."""
    low, high = numbers(rows, "bin_low", what), numbers(rows, "bin_high", what)
    hidden = np.array([is_withheld(value) or is_blank(value) for value in rows["count"]])
    # a count that may only be shown roughly is drawn at the number that is said
    said = [value.removeprefix("≈").replace(",", "") if isinstance(value, str) else value for value in rows["count"]]
    counts = numbers(rows.assign(count=pd.Series(said, index=rows.index, dtype=object).where(~hidden)), "count", what)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high > low).all()) or (counts < 0).any():
        raise UsageError(f"{what}: bins need finite limits, low below high, and no negative count.", fix="Take numpy.histogram's edges and counts.")
    return Bins(low, high, counts, hidden)


def bars(axes: Any, bins: Bins, largest: float, style: dict[str, Any], sign: int = 1) -> None:
    """Draw ``bins`` upwards (``sign`` 1) or downwards (-1); withheld ones as hatched stubs of one height."""
    shown = ~bins.withheld & (bins.counts > 0)
    wide = bins.high - bins.low
    axes.bar(bins.low[shown], sign * bins.counts[shown], width=wide[shown], align="edge", zorder=2, **style)
    axes.bar(bins.low[bins.withheld], sign * _STUB * largest, width=wide[bins.withheld], align="edge", zorder=2, **WITHHELD)
