"""What `breakdown` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.sensitivity.count_drift import Seen
from mentorship_eval.did.sensitivity.honest_result import HonestBounds
from mentorship_eval.estimate import Caution, Estimate, format_number
from mentorship_eval.inference.shown import Shown

__all__ = ["CountBreakdown"]


def _per_cent(drift: float) -> str:
    """A drift of the log rate as a change of the rate per period."""
    return f"{format_number(100 * np.expm1(drift), 2)} %"


@dataclass(frozen=True, kw_only=True)
class CountBreakdown(Shown):
    """How large a violation of parallel trends would turn a rate ratio.

    irr : the estimate that is put to the test.
    drift : drift of the log rate per period, from the last untreated period on, at which the interval reaches 1; NaN when it
        contains 1 already or does not exist. drift_of_estimate : the same for the estimate itself.
    drift_throughout : the same for the interval if the drift was there before adoption too; NaN as before, or when every unit is
        treated some time. To be held against trend_seen.
    trend_seen : difference in linear trend between treated and other units in untreated cells; None when there are no others.
    largest_step_seen : the largest step per period between neighbouring placebo bins before adoption, too large on average
        because it was chosen as the largest; None where there are too few bins.
    relative : `HonestBounds` of the mean log ratio (0 is no effect) by relative magnitudes; None with relative_note.
    curve : drift, rate_factor_per_period, ratio, se, ci_low, ci_high; bins : the event study that was used, see `width`.
    """

    irr: Estimate
    drift: float
    drift_of_estimate: float
    drift_throughout: float
    trend_seen: Seen | None
    largest_step_seen: Seen | None
    relative: HonestBounds | None
    relative_note: str
    curve: pd.DataFrame
    bins: pd.DataFrame
    width: int
    warnings: tuple[Caution, ...]

    @property
    def estimate(self) -> Estimate:
        return self.irr

    @property
    def mbar(self) -> float:
        """The breakdown value of relative magnitudes; NaN where there is none, see `mbar_note`."""
        return np.nan if self.relative is None or self._not_of_this_estimate else self.relative.breakdown

    @property
    def _not_of_this_estimate(self) -> str:
        """Why a breakdown value of the estimate on the last bin before adoption says nothing about the rate ratio, or ""."""
        if self.irr.ci_low <= 1 <= self.irr.ci_high:
            return "the interval of the rate ratio contains 1 without any violation"
        if self.relative is not None and (self.relative.value > 0) != (self.irr.value > 1):
            return f"against the last bin before adoption alone the mean log ratio is {self.relative.value:.2f}, on the other side of no effect"
        return ""

    @property
    def mbar_note(self) -> str:
        """Why there is no finite `mbar`, or ""."""
        if self.relative is None:
            return self.relative_note
        return self._not_of_this_estimate or self.relative.breakdown_note

    @property
    def table(self) -> pd.DataFrame:
        """quantity, value, ci_low, ci_high, unit, note."""
        nothing = (np.nan, np.nan)
        rows: list[tuple[str, float, tuple[float, float], str, str]] = [
            ("drift that turns the interval", self.drift, nothing, "log rate per period", self._drift_note()),
            ("drift that turns the estimate", self.drift_of_estimate, nothing, "log rate per period", "from adoption on"),
            ("drift throughout that turns the interval", self.drift_throughout, nothing, "log rate per period", "before adoption too"),
        ]
        for name, seen in (("trend seen before adoption", self.trend_seen), ("largest step between placebo bins", self.largest_step_seen)):
            note = "cannot be seen here" if seen is None else f"event times {seen.between[0]:g} to {seen.between[1]:g}"
            value, limits = (np.nan, nothing) if seen is None else (seen.value, (seen.low, seen.high))
            rows.append((name, value, limits, "log rate per period", note))
        rows.append(("relative magnitude Mbar", self.mbar, nothing, "times the largest step before adoption", self.mbar_note))
        return pd.DataFrame([
            {"quantity": name, "value": value, "ci_low": low, "ci_high": high, "unit": unit, "note": note}
            for name, value, (low, high), unit, note in rows])

    def _drift_note(self) -> str:
        if np.isfinite(self.drift):
            return "from adoption on"
        return "the interval contains 1 without any drift" if np.isfinite(self.irr.ci_low) else "no interval is given"

    def statement(self, *, seen_before: bool = True) -> str:
        """A few sentences; whether such a violation is plausible is the reader's judgement. seen_before: also the drift seen before adoption,
        which the joint test of the event study tells too.
        """
        parts = []
        if np.isfinite(self.drift):
            parts.append(
                f"The interval of the rate ratio {self.irr.interval()} would reach 1 if, without treatment, the rate of the treated had drifted "
                f"by {_per_cent(self.drift)} per period against that of their controls from the last untreated period on.")
        else:
            parts.append(f"There is no breakdown value of the interval: {self._drift_note()}.")
        if np.isfinite(self.drift_of_estimate):
            parts.append(f"A drift of {_per_cent(self.drift_of_estimate)} per period would make the estimate itself 1.")
        if np.isfinite(self.drift_throughout):
            parts.append(f"Had it drifted before adoption too, {_per_cent(self.drift_throughout)} per period would do.")
        if seen_before and self.trend_seen is not None:
            seen = self.trend_seen
            parts.append(
                f"Before adoption it drifted by {_per_cent(seen.value)} per period ({self.irr.ci_level * 100:g} % CI {_per_cent(seen.low)} "
                f"to {_per_cent(seen.high)}).")
        if np.isfinite(self.mbar):
            parts.append(
                f"In bins of {self.width} periods and against the last one before adoption, the interval excludes no effect up to steps "
                f"after adoption {self.mbar:.2g} times as large as the largest before it (relative magnitudes).")
        else:
            parts.append(f"By relative magnitudes there is no breakdown value: {self.mbar_note}.")
        return " ".join(parts)
