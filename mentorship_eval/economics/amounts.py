"""An uncertain amount: a best guess with its plausible range, and the law from which it is drawn.

Laws follow Briggs, Claxton & Sculpher (2006, Decision Modelling for Health Economic Evaluation). Gamma, the default: the best guess is the mean, so
that the mean of the draws is the figure at best guesses, and the width of the range is that of the middle 95 per cent of a normal law, 3.92 standard
deviations; costs are never below zero and lean to the dear side. A gamma law has no room for a range that leans another way: `strays` says when its
own middle 95 per cent is another range than the one given. Triangular and PERT laws read the range as the two ends, the best guess as the most likely
amount; their mean is another one when the range leans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from mentorship_eval.errors import UsageError

__all__ = ["LAWS", "Amount", "Law"]

Law = Literal["gamma", "triangular", "pert"]
LAWS: tuple[Law, ...] = ("gamma", "triangular", "pert")
_SPAN = 2 * 1.959963984540054  # standard deviations between the two ends of a 95 % range
_ASTRAY = 0.25  # of the width of the range


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
        if law not in LAWS:
            raise UsageError(f"There is no law {law!r}.", fix=f"Use one of {', '.join(LAWS)}.")
        if self.is_certain:
            return np.full(draws, self.value)
        if law == "gamma":
            # a best guess of nothing has no gamma law; its range is then all that is known
            return rng.gamma(*self._gamma(), draws) if self.value > 0 else rng.uniform(self.low, self.high, draws)
        if law == "triangular":
            return rng.triangular(self.low, self.value, self.high, draws)
        width = self.high - self.low
        return self.low + width * rng.beta(1 + 4 * (self.value - self.low) / width, 1 + 4 * (self.high - self.value) / width, draws)

    def _gamma(self) -> tuple[float, float]:
        """Shape and scale."""
        spread = (self.high - self.low) / _SPAN
        return (self.value / spread) ** 2, spread**2 / self.value

    def strays(self) -> tuple[float, float] | None:
        """The middle 95 % of the gamma law where one of its ends lies a quarter of the range or more off the end that was given; else None."""
        if self.is_certain or self.value == 0:
            return None
        shape, scale = self._gamma()
        low, high = (float(special.gammaincinv(shape, p) * scale) for p in (0.025, 0.975))
        return (low, high) if max(abs(low - self.low), abs(high - self.high)) >= _ASTRAY * (self.high - self.low) else None
