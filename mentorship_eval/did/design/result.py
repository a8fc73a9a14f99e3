"""What `power` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Caution, format_number
from mentorship_eval.inference.shown import Shown

__all__ = ["PowerResult", "events_in_words"]


def _ratio(value: float) -> str:
    return format_number(value, 2) if np.isfinite(value) else "beyond the ratios tried"


def events_in_words(number: float) -> str:
    """``1,204``; fewer than ten are not told, because the words may be shown where small counts may not."""
    return format_number(number, 0) if number >= 10 else "fewer than 10"


@dataclass(frozen=True, kw_only=True)
class PowerResult(Shown):
    """Power of a design at stated rate ratios, always with its size: the share of rejections when the ratio is 1.

    table : ratio, power, mc_se, ci_low, ci_high (Wilson, 95 %, of the simulation), wrong_direction (share that rejects on
        the other side of 1), role (size or power); one row for each ratio asked for.
    curve : ratio, power, mc_se, ci_low, ci_high on a finer ladder, for drawing (the same rows where a permutation test is made).
    minimum_detectable : direction, ratio, mc_low, mc_high, approximation, note; the ratio on either side of 1 at which power
        reaches ``target``. ``approximation`` is the textbook figure from the spread of the estimates.
    design : what was simulated, by name; noise : where overdispersion and autocorrelation come from.
    test : ``jackknife t`` or ``permutation``; replicates : simulated panels, of which ``failed`` had no estimate and count as not rejecting.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    minimum_detectable: pd.DataFrame
    target: float
    alpha: float
    test: str
    replicates: int
    failed: int
    seed: int
    design: dict[str, object]
    noise: str
    warnings: tuple[Caution, ...]

    @property
    def size(self) -> float:
        """Share of simulations without any effect in which no effect is rejected; ``alpha`` when the test holds its level."""
        return float(self._size_row["power"])

    @property
    def size_se(self) -> float:
        return float(self._size_row["mc_se"])

    @property
    def _size_row(self) -> pd.Series:
        return self.table[self.table["role"] == "size"].iloc[0]

    @property
    def minimum_decrease(self) -> float:
        """The ratio below 1 at which power reaches the target; NaN when none that was tried does."""
        return float(self.minimum_detectable["ratio"].iloc[0])

    @property
    def minimum_increase(self) -> float:
        return float(self.minimum_detectable["ratio"].iloc[1])

    def design_statement(self) -> str:
        d = self.design
        waves = f"{d['waves']} wave{'s' if d['waves'] != 1 else ''}"
        return (
            f"{d['units']:,} units over {d['periods']:,} periods, {d['treated_units']:,} of them treated in {waves}; "
            f"{events_in_words(float(d['expected_treated']))} events are expected in the treated cells without an effect, "  # type: ignore[arg-type]
            f"{events_in_words(float(d['expected_untreated']))} in the untreated cells. {self.noise}"  # type: ignore[arg-type]
        )

    def detectable_statement(self) -> str:
        """The minimum detectable ratios, or why there is none."""
        parts = []
        for row, word in zip(self.minimum_detectable.itertuples(), ("lower", "higher"), strict=True):
            if np.isnan(row.ratio):
                parts.append(f"none {row.direction} ({row.note})")
            else:
                parts.append(f"{_ratio(row.ratio)} or {word} (Monte-Carlo interval {_ratio(row.mc_low)} to {_ratio(row.mc_high)})")
        return f"Rate ratios detected with {self.target:.0%} power: {'; '.join(parts)}."

    def size_statement(self) -> str:
        return (
            f"Without any effect the test rejects in {self.size:.1%} of simulations (Monte-Carlo SE {self.size_se:.1%}; nominal {self.alpha:.0%})."
        )

    def statement(self) -> str:
        """A few sentences; what the power is of, its size beside it, and what it is not."""
        how = "the jackknife t test" if self.test == "jackknife t" else "the permutation test"
        return " ".join([
            self.detectable_statement(),
            f"Of {how} at {self.alpha:.0%}, two-sided; {self.replicates:,} simulations, seed {self.seed}.",
            self.size_statement(), self.design_statement(),
            "This is power at stated ratios that are constant over units and periods. Power at the ratio that was observed would only "
            "restate its p-value.",
        ])
