"""Limits of proportions, rates and their differences that hold for few events and for none.

Score-based throughout, without continuity correction: Wilson (1927, JASA 22:209-212) for a proportion, Newcombe's method 10
(1998, Statistics in Medicine 17:873-890) for a difference of two, Garwood's exact limits (1936, Biometrika 28:437-442) for a
Poisson count, the gamma limits of Fay & Feuer (1997, Statistics in Medicine 16:791-801) for a weighted one, and the same
squaring and adding of recovered variances as Newcombe's for a difference of two rates (Zou & Donner 2008, ibid. 27:1693-1702).
"""

from __future__ import annotations

import math

from scipy.special import gammaincinv

from mentorship_eval.errors import UsageError, listing
from mentorship_eval.inference.intervals import critical_value

__all__ = ["gamma_limits", "newcombe", "poisson_limits", "rate_difference_limits", "wilson"]


def wilson(events: float, n: float, ci_level: float = 0.95) -> tuple[float, float]:
    """Wilson's limits of events / n; 0 of 18 gives an upper limit of 17.6 %. NaN for n = 0."""
    if not 0 <= events <= n:
        raise UsageError(f"{events:g} events among {n:g} is not a proportion.", fix="events lies between 0 and n.")
    if n == 0:
        return math.nan, math.nan
    z = critical_value(ci_level)
    share = events / n
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # exact at the ends, where the formula only comes close
    low = (centre - half) / scale if events else 0.0
    return low, (centre + half) / scale if events < n else 1.0


def _recovered(first: float, second: float, of_first: tuple[float, float], of_second: tuple[float, float]) -> tuple[float, float]:
    """Limits of first - second from the limits of each, the squared distances added."""
    low = first - second - math.hypot(first - of_first[0], of_second[1] - second)
    return low, first - second + math.hypot(of_first[1] - first, second - of_second[0])


def newcombe(events: float, n: float, other_events: float, other_n: float, ci_level: float = 0.95) -> tuple[float, float]:
    """Limits of events / n - other_events / other_n: 56/70 against 48/80 gives 0.0524 to 0.3339. NaN without people in an arm."""
    of_first, of_second = wilson(events, n, ci_level), wilson(other_events, other_n, ci_level)
    if not (n and other_n):
        return math.nan, math.nan
    return _recovered(events / n, other_events / other_n, of_first, of_second)


def gamma_limits(total: float, squares: float, largest: float, exposure: float = 1.0, ci_level: float = 0.95) -> tuple[float, float]:
    """Limits of a rate total / exposure of a sum of weighted Poisson events.

    total: sum of the weights of the events; squares: sum of their squares; largest: the largest weight that an event
    could have. With all weights 1 these are `poisson_limits`. NaN without exposure.
    """
    if min(total, squares, exposure) < 0 or largest <= 0:
        raise UsageError(f"Weights and exposure cannot be {listing([total, squares, largest, exposure])}.", fix="They are not negative.")
    if exposure == 0:
        return math.nan, math.nan
    tail = (1 - ci_level) / 2
    critical_value(ci_level)  # refuses a level that is none
    low = squares / total * gammaincinv(total**2 / squares, tail) if total else 0.0
    above, spread = total + largest, squares + largest**2
    high = spread / above * gammaincinv(above**2 / spread, 1 - tail)
    return float(low) / exposure, float(high) / exposure


def poisson_limits(events: float, exposure: float = 1.0, ci_level: float = 0.95) -> tuple[float, float]:
    """Garwood's exact limits of the rate events / exposure; 0 events give an upper limit of 3.69 / exposure."""
    return gamma_limits(events, events, 1.0, exposure, ci_level)


def rate_difference_limits(
    events: float, exposure: float, other_events: float, other_exposure: float, ci_level: float = 0.95
) -> tuple[float, float]:
    """Limits of events / exposure - other_events / other_exposure, from the exact limits of each."""
    of_first, of_second = poisson_limits(events, exposure, ci_level), poisson_limits(other_events, other_exposure, ci_level)
    if not (exposure and other_exposure):
        return math.nan, math.nan
    return _recovered(events / exposure, other_events / other_exposure, of_first, of_second)
