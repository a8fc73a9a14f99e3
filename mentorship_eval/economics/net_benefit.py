"""Net benefit of a programme: events avoided times the value of one, minus what the programme costs; with all uncertainty drawn at once.

Stinnett & Mullahy (1998) on net benefit; van Hout et al. (1994) and Fenwick et al. (2001) on acceptability curves. Events avoided are drawn from the
whole law of their estimate, those below zero too: to cut them off would make every programme look better than its data. All programmes are taken as
alike likely beforehand, so that the share of draws that pay is no more than the estimate says.

Ratios are held back where they mean nothing. The cost of one event avoided passes through infinity where events avoided may be none, and below zero a
smaller ratio is a worse programme: it has a bounded interval (as Fieller's has) only where the whole interval of events avoided lies above zero.
A return on a cost that may be next to nothing grows without bound in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from mentorship_eval.economics.amounts import Amount, Law
from mentorship_eval.errors import UsageError

__all__ = ["Effect", "Simulated", "acceptability", "break_even", "discount_factor", "normal_acceptability", "one_way", "simulate"]


@dataclass(frozen=True)
class Effect:
    """Events avoided (negative: events added): estimate, standard error and degrees of freedom (None: normal), on the scale of its interval."""

    value: float
    se: float
    df: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.se) and self.se >= 0) or (self.df is not None and not self.df > 0):
            raise UsageError("An effect without a standard error has no probability.", fix="Give a finite value, se and df > 0.")

    def quantile(self, p: float) -> float:
        at = special.ndtri(p) if self.df is None else special.stdtrit(self.df, p)
        return float(self.value + self.se * at)

    def draw(self, rng: np.random.Generator, draws: int) -> np.ndarray:
        """(draws,) events avoided, from the estimate's own normal or t law."""
        noise = rng.standard_normal(draws) if self.df is None else rng.standard_t(self.df, draws)
        return self.value + self.se * noise


@dataclass(frozen=True)
class Simulated:
    """Draws of a probabilistic sensitivity analysis: (draws,) events avoided and value of one, (items, draws) costs of the programme."""

    avoided: np.ndarray
    worth: np.ndarray
    items: np.ndarray

    @cached_property
    def cost(self) -> np.ndarray:
        """(draws,) cost of the programme."""
        return np.asarray(self.items.sum(axis=0))

    def scaled(self, avoided: float, items: Sequence[float]) -> Simulated:
        """The same draws with events avoided and each cost times a factor: discounted, or with other quantities."""
        return Simulated(self.avoided * avoided, self.worth, self.items * np.asarray(items, dtype=float)[:, None])

    def together(self) -> Simulated:
        """The same laws with all costs dear or cheap at once, the most that they can move together; the value of an event apart from them."""
        # sorted draws have a common rank in each column; those of events avoided and of their value know nothing of it
        return Simulated(self.avoided, self.worth, np.sort(self.items, axis=1))

    @property
    def net(self) -> np.ndarray:
        return self.avoided * self.worth - self.cost

    def return_on_cost(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval of net benefit over cost; None where the cost may be nearer to nothing than to a tenth of its median."""
        if not (self.cost > 0).all() or self.interval(self.cost, level)[0] < np.median(self.cost) / 10:
            return None
        return self.interval(self.net / self.cost, level)

    @staticmethod
    def interval(of: np.ndarray, level: float = 0.95) -> tuple[float, float]:
        low, high = np.quantile(of, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def probability(self) -> tuple[float, float]:
        """Share of the draws with a net benefit above zero, and the Monte-Carlo standard error of that share.

        The error is Agresti-Coull's, so that it is not zero when all draws agree.
        """
        draws = len(self.avoided)
        share = float((self.net > 0).mean())
        near = (share * draws + 2) / (draws + 4)
        return share, math.sqrt(near * (1 - near) / (draws + 4))

    def quadrants(self) -> dict[str, float]:
        """Shares of the draws by events avoided and by whether what they are worth pays for the programme; they add up to one."""
        more, pays = self.avoided > 0, self.net > 0
        return {
            "avoided, and it pays for itself": float((more & pays).mean()),
            "avoided, at a net cost": float((more & ~pays).mean()),
            "none avoided, or more of them, at a net cost": float((~more & ~pays).mean()),
            "none avoided, or more of them, and it pays for itself": float((~more & pays).mean()),
        }

    def cost_per_event(self, level: float = 0.95) -> tuple[float, float] | None:
        """Interval of the cost of one event avoided; None unless the events avoided lie above zero at that level."""
        if self.interval(self.avoided, level)[0] <= 0:
            return None
        return self._ranked(level)

    def _ranked(self, level: float) -> tuple[float, float]:
        # the few draws without an event avoided are beyond any price: they stand at the dear end
        ratio = np.where(self.avoided > 0, self.cost / np.where(self.avoided > 0, self.avoided, 1), np.inf)
        ordered = np.sort(ratio)
        ends = [(1 - level) / 2, (1 + level) / 2]
        low, high = (float(ordered[min(math.ceil(end * len(ordered)), len(ordered)) - 1]) for end in ends)
        return low, high


def simulate(effect: Effect, worth: Amount, costs: Sequence[Amount], *, draws: int, seed: int, law: Law = "gamma") -> Simulated:
    """All amounts and the effect drawn at once, independently; the same seed gives the same draws.

    worth: value of one event avoided; costs: totals of the programme, one for each item. Costs that move together: `Simulated.together`.
    """
    if draws < 1:
        raise UsageError("No draws, no analysis.", fix="Ask for 1,000 draws or more.")
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(2 + len(costs))]
    items = [item.draw(rng, draws, law) for item, rng in zip(costs, streams[2:], strict=True)]
    return Simulated(effect.draw(streams[0], draws), worth.draw(streams[1], draws, law), np.array(items).reshape(len(costs), draws))


def acceptability(simulated: Simulated, worths: np.ndarray) -> np.ndarray:
    """Share of the draws in which the programme pays for itself, at each value (k,) that one event avoided might have."""
    return np.array([float((simulated.avoided * worth > simulated.cost).mean()) for worth in worths])


def normal_acceptability(effect: Effect, cost: float, cost_se: float, worths: np.ndarray) -> np.ndarray:
    """The same in closed form, where effect and cost are normal: Phi((w * effect - cost) / sqrt(w^2 se^2 + se_cost^2))."""
    worths = np.asarray(worths, dtype=float)
    return np.asarray(special.ndtr((worths * effect.value - cost) / np.hypot(worths * effect.se, cost_se)))


def one_way(effect: Effect, worth: Amount, costs: Sequence[Amount], level: float = 0.95) -> list[tuple[str, float, float, float, float]]:
    """(label, low input, high input, net benefit at the low, at the high), one input at a time, the widest first; "": the effect itself.

    Ranges of amounts are their plausible ones, that of the effect is its interval at ``level``.
    """
    total = sum(item.value for item in costs)
    ends = (effect.quantile((1 - level) / 2), effect.quantile((1 + level) / 2))
    rows = [("", *ends, ends[0] * worth.value - total, ends[1] * worth.value - total)]
    rows.append((worth.label, worth.low, worth.high, effect.value * worth.low - total, effect.value * worth.high - total))
    base = effect.value * worth.value - total
    rows += [(c.label, c.low, c.high, base - (c.low - c.value), base - (c.high - c.value)) for c in costs]
    return sorted(rows, key=lambda row: -abs(row[4] - row[3]))


def break_even(effect: Effect, worth: Amount, costs: Sequence[Amount]) -> tuple[float, float]:
    """Events that must be avoided to pay for the programme, and what one must be worth; NaN where no worth would do."""
    total = sum(item.value for item in costs)
    return (total / worth.value if worth.value > 0 else math.nan), (total / effect.value if effect.value > 0 else math.nan)


def discount_factor(shares: np.ndarray, rate: float) -> float:
    """Present value of one unit spread over years by ``shares`` (they add up to one); the first year is not discounted."""
    shares = np.asarray(shares, dtype=float)
    return float((shares / (1 + rate) ** np.arange(len(shares))).sum())
