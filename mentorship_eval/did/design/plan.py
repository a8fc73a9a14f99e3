"""A design on paper: how many units and periods, how much exposure, which rate, who adopts when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mentorship_eval.errors import UsageError

__all__ = ["Design", "adoption_of_waves", "check_noise"]


def check_noise(overdispersion: float | None, autocorrelation: float | None) -> None:
    """Raise `UsageError` for values that no process has; None stands for one that is still to be estimated."""
    if overdispersion is not None and not 0 <= overdispersion < 25:
        raise UsageError(f"overdispersion is {overdispersion}.",
            fix="Give the variance of the rate around its expectation, relative to its square: 0 for none, 0.05 to 0.3 as a rule.")
    if autocorrelation is not None and not 0 <= autocorrelation < 1:
        raise UsageError(f"autocorrelation is {autocorrelation}.", fix="Give the correlation of neighbouring periods: 0 or more, below 1.")


def adoption_of_waves(waves: Sequence[tuple[int, int]], units: int, periods: int) -> np.ndarray:
    """(units,) first treated period, NaN for never, from (period, units) pairs."""
    first: list[float] = []
    for wave in waves:
        try:
            period, number = (int(value) for value in wave)
            whole = (period, number) == tuple(wave)
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise UsageError(f"The wave {wave!r} is not a pair of whole numbers.", fix="Give (first treated period, units), such as (12, 8).")
        if not 2 <= period <= periods:
            raise UsageError(f"A wave begins in period {period}, but only periods 2 to {periods} leave it a period before and one after.",
                fix="Number the periods from 1.")
        if number < 1:
            raise UsageError(f"The wave of period {period} has {number} units.", fix="Give 1 or more.")
        first += [float(period)] * number
    if not first:
        raise UsageError("No wave adopts, so that nothing can be estimated.", fix="Give waves such as ((12, 8), (18, 8)).")
    if len(first) > units:
        raise UsageError(f"The waves hold {len(first)} units of {units}.", fix="Make the waves smaller or the design larger.")
    return np.array(first + [np.nan] * (units - len(first)))


@dataclass(frozen=True, kw_only=True)
class Design:
    """A staggered roll-out that has not happened yet.

    units, periods : departments and months, say.
    exposure : of a unit in a period, on average over units; or one value for each unit.
    rate : events per ``per`` of exposure without treatment, on average.
    waves : (first treated period, number of units), periods counted from 1; who is in none never adopts.
    overdispersion : variance of a unit's rate in a period around its expectation, relative to its square: a
        count of mean m has variance m + overdispersion * m^2.
    autocorrelation : of the log rates of a unit in neighbouring periods.
    exposure_spread, rate_spread : standard deviation over units of log exposure (0.6: the largest of 24 has about ten
        times the smallest's) and of log rates. Which unit is in which wave is drawn anew in each simulation.

    Raises `UsageError` for values that make no design.
    """

    units: int
    periods: int
    exposure: float | Sequence[float]
    rate: float
    waves: Sequence[tuple[int, int]]
    overdispersion: float = 0.1
    autocorrelation: float = 0.3
    per: float = 1000
    exposure_spread: float = 0.6
    rate_spread: float = 0.35

    def __post_init__(self) -> None:
        if self.units < 2 or self.units != int(self.units):
            raise UsageError(f"units is {self.units}.", fix="Give a whole number of 2 or more.")
        if self.periods < 2 or self.periods != int(self.periods):
            raise UsageError(f"periods is {self.periods}.", fix="Give a whole number of 2 or more.")
        each = np.asarray(self.exposure, dtype=float)
        if each.ndim and each.shape != (self.units,):
            raise UsageError(f"exposure has {each.size} values for {self.units} units.", fix="Give one number, or one for each unit.")
        for name, values in (("exposure", each), ("rate", self.rate), ("per", self.per)):
            if not (np.isfinite(values).all() and (np.asarray(values) > 0).all()):
                raise UsageError(f"{name} is {values}.", fix="Give a number above 0.")
        for name in ("exposure_spread", "rate_spread"):
            if not 0 <= getattr(self, name) < 3:
                raise UsageError(f"{name} is {getattr(self, name)}.", fix="Give a standard deviation of logarithms, 0 or more; 0.6 is much.")
        check_noise(self.overdispersion, self.autocorrelation)
        adoption_of_waves(self.waves, self.units, self.periods)

    @property
    def never(self) -> int:
        return self.units - sum(number for _, number in self.waves)

    def _spread(self, size: float) -> np.ndarray:
        """(units,) log-normal quantiles of mean 1."""
        values = np.exp(size * ndtri((np.arange(self.units) + 0.5) / self.units))
        return np.asarray(values / values.mean())

    def frame(self) -> pd.DataFrame:
        """unit, period, adopted, exposure, rate (per 1 of exposure), count (0): one row per unit and period."""
        exposure = np.asarray(self.exposure, dtype=float)
        exposure = exposure if exposure.ndim else exposure * self._spread(self.exposure_spread)
        # large units have neither the higher nor the lower rates
        rate = np.random.default_rng(0).permutation(self._spread(self.rate_spread)) * self.rate / self.per
        rate *= self.rate / self.per * exposure.sum() / (rate * exposure).sum()
        return pd.DataFrame({
            "unit": np.repeat(np.arange(1, self.units + 1), self.periods), "period": np.tile(np.arange(1, self.periods + 1), self.units),
            "adopted": np.repeat(adoption_of_waves(self.waves, self.units, self.periods), self.periods),
            "exposure": np.repeat(exposure, self.periods), "rate": np.repeat(rate, self.periods), "count": 0,
        })
