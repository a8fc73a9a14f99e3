"""An uncertain amount: a best guess with its plausible range, and the law from which it is drawn.

Laws follow Briggs, Claxton & Sculpher (2006, Decision Modelling for Health Economic Evaluation): costs by a gamma law with the best guess as its
mean, the range read as its middle 95 per cent; triangular and PERT laws read the range as the two ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["LAWS", "Amount", "Law"]

Law = Literal["gamma", "triangular", "pert"]
LAWS: tuple[Law, ...] = ("gamma", "triangular", "pert")
_SPAN = 2 * 1.959963984540054  # standard deviations between the two ends of a 95 % range


@dataclass(frozen=True)
class Amount:
    """label; value: the best guess; low, high: its plausible range, equal to the value where none is known. All in one currency, none below zero.

    Raises `UsageError` for amounts below zero, not finite, or not in order.
    """

    label: str
    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not np.isfinite([self.value, self.low, self.high]).all() or not 0 <= self.low <= self.value <= self.high:
            raise UsageError(
                f"{self.label}: {self.value:g} with the range {self.low:g} to {self.high:g} is no amount with its range.",
                fix="Give 0 <= low <= amount <= high.",
            )

    @property
    def is_certain(self) -> bool:
        return self.low == self.high

    def times(self, quantity: float) -> Amount:
        """So many of it, all at one and the same uncertain price."""
        return Amount(self.label, self.value * quantity, self.low * quantity, self.high * quantity)

    def draw(self, rng: np.random.Generator, draws: int, law: Law = "gamma") -> np.ndarray:
        """(draws,) amounts."""
        if self.is_certain:
            return np.full(draws, self.value)
        if law == "gamma":
            spread = (self.high - self.low) / _SPAN
            # a best guess of nothing has no gamma law; its range is then all that is known
            if self.value > 0:
                return rng.gamma((self.value / spread) ** 2, spread**2 / self.value, draws)
            return rng.uniform(self.low, self.high, draws)
        if law == "triangular":
            return rng.triangular(self.low, self.value, self.high, draws)
        if law == "pert":
            width = self.high - self.low
            return self.low + width * rng.beta(1 + 4 * (self.value - self.low) / width, 1 + 4 * (self.high - self.value) / width, draws)
        raise UsageError(f"There is no law {law!r}.", fix=f"Use one of {', '.join(LAWS)}.")
