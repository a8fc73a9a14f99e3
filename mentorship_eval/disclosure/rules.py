"""What may leave the building: the rule as data.

One rule for now: counts from 1 up to below the threshold are suppressed, zero is shown, and every
number that rests on a suppressed count goes with it. The threshold of 10 when study.yaml says
nothing follows the common practice of official health statistics (counts of 1-10 or 1-9 are
withheld); ``disclosure: none`` must be written out to switch protection off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule:
    """threshold: the smallest count that may be shown (0 switches protection off)."""

    threshold: int = 10
    name: str = "threshold 10"

    @property
    def active(self) -> bool:
        return self.threshold > 0

    def small(self, count: object) -> bool:
        """Whether a count must not be shown; missing counts and zero are not small."""
        if not self.active or count is None or isinstance(count, str):
            return False
        value = float(count)  # type: ignore[arg-type]
        return not math.isnan(value) and 0 < value < self.threshold

    @property
    def mark(self) -> str:
        """What stands in place of a suppressed count."""
        return f"<{self.threshold}"

    def show(self, count: float | None) -> str:
        """A count as it may be printed in a sentence."""
        if count is None or (isinstance(count, float) and math.isnan(count)):
            return "an unknown number of"
        return f"fewer than {self.threshold}" if self.small(count) else f"{count:,.0f}"

    def describe(self) -> str:
        if not self.active:
            return "No disclosure control: study.yaml says `disclosure: none`. This output must not leave the team that holds the data."
        return (
            f"Counts of 1 to {self.threshold - 1} are withheld (printed as {self.mark}), and with them every estimate, curve step or "
            f"percentage that rests on them; zero is shown."
        )
