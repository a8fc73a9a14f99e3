"""What `sun_abraham` returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.shown import Shown

__all__ = ["SunAbraham"]


@dataclass(frozen=True, kw_only=True)
class SunAbraham(Shown):
    """Effects of each wave in each period since its reference period, and their means by the shares of the waves.

    estimate : `Estimate` of the mean over all wave-periods from adoption on, weighted by their units.
    table : adopted, time, event_time, reference (the period compared with), estimate, se, ci_low, ci_high, weight, n_units, note:
        a row per coefficient of the saturated regression; of counts, estimates are logs of ratios.
    event_study : event_time, phase, estimate, se, ci_low, ci_high, band_low, band_high, n_waves, n_units, note.
    by_wave, dropped : DataFrames.
    factor : the small-sample factor that multiplies the CR1 variance.
    """

    estimate: Estimate
    table: pd.DataFrame
    event_study: pd.DataFrame
    by_wave: pd.DataFrame
    dropped: pd.DataFrame
    factor: float
    settings: dict[str, object]
    warnings: tuple[Caution, ...]

    @property
    def event_study_compared_with(self) -> str:
        return str(self.event_study.attrs["compared_with"])

    def statement(self) -> str:
        """A few sentences with their intervals; never a verdict."""
        waves = self.by_wave
        return (
            f"{self.estimate.statement()} The mean runs over {len(waves):,} waves and {int(waves['n_cells'].sum()):,} wave-periods from adoption "
            f"on, by their units. {self.event_study_compared_with}"
        )

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        shown = self.event_study[["event_time", "estimate", "ci_low", "ci_high", "band_low", "band_high", "n_units"]]
        return (shown,)
