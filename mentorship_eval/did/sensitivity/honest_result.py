"""What `honest_bounds` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import format_number
from mentorship_eval.inference.shown import Shown

__all__ = ["HonestBounds"]

MEANING = {
    "relative_magnitude": "no step of the violation between two periods after treatment larger than Mbar times the largest before it",
    "smoothness": "the slope of the violation changing by at most M from one period to the next",
}
SYMBOL = {"relative_magnitude": "Mbar", "smoothness": "M"}


@dataclass(frozen=True, kw_only=True)
class HonestBounds(Shown):
    """Intervals under bounded violations of parallel trends.

    table : restriction, M (Mbar for relative magnitudes), ci_low, ci_high, excludes_no_effect, ci_level, method.
    value, ci_low, ci_high : the estimate and its interval if parallel trends held exactly.
    breakdown : the largest Mbar or M at which the interval still excludes ``null``; NaN when it does at none, infinite
        when no end was found; breakdown_note says which.
    largest_seen : the largest step (relative magnitudes) or change of slope (smoothness) among the estimates before
        treatment, with their sampling error in it.
    """

    table: pd.DataFrame
    value: float
    ci_low: float
    ci_high: float
    breakdown: float
    breakdown_note: str
    largest_seen: float
    restriction: str
    method: str
    null: float
    ci_level: float
    df: float | None

    @property
    def estimate(self) -> float:
        return self.value

    def breakdown_statement(self) -> str:
        """The breakdown value in words."""
        symbol = SYMBOL[self.restriction]
        if np.isnan(self.breakdown):
            return f"There is no breakdown value: {self.breakdown_note}."
        if np.isinf(self.breakdown):
            return f"No breakdown value was found: {self.breakdown_note}."
        unit = "" if self.restriction == "relative_magnitude" else f" per period (largest change of slope seen: {self.largest_seen:.3g})"
        return f"The interval excludes {self.null:g} up to {symbol} = {self.breakdown:.3g}{unit}."

    def statement(self) -> str:
        """A few sentences with the intervals; which violation is plausible is the reader's judgement."""
        level = f"{self.ci_level * 100:g} % CI"
        plain = f"{format_number(self.value, 3)} ({level} {format_number(self.ci_low, 3)} to {format_number(self.ci_high, 3)})"
        rows = "; ".join(
            f"{SYMBOL[self.restriction]} {row.M:.3g}: {format_number(row.ci_low, 3)} to {format_number(row.ci_high, 3)}"
            for row in self.table.itertuples())
        return f"If parallel trends held exactly: {plain}. Allowing {MEANING[self.restriction]}, {level}: {rows}. {self.breakdown_statement()}"
