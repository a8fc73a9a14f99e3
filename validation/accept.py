"""The rule by which a claim of coverage or size is accepted, fixed before the runs.

A claim fails when the 99 % binomial interval of the simulated share, Bonferroni over the claims of its table, lies wholly on the
wrong side of the nominal value, or when coverage is below 93 %. A share on the safe side is told (``over-covers``, ``conservative``)
with the length of the interval and not tuned away.
"""

from __future__ import annotations

import math

from scipy.special import betaincinv

__all__ = ["FLOOR", "NOMINAL", "binomial_interval", "judge_coverage", "judge_size", "recovers"]

NOMINAL, FLOOR, LEVEL = 0.95, 0.93, 0.99


def binomial_interval(successes: int, number: int, claims: int = 1, level: float = LEVEL) -> tuple[float, float]:
    """Clopper-Pearson limits at ``level``, Bonferroni over ``claims``: exact, so that it holds at 0 and at ``number`` too."""
    if not 0 <= successes <= number or number < 1 or claims < 1:
        raise ValueError(f"{successes} of {number} with {claims} claims is no binomial count.")
    tail = (1 - level) / claims / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, number - successes + 1, tail))
    high = 1.0 if successes == number else float(betaincinv(successes + 1, number - successes, 1 - tail))
    return low, high


def judge_coverage(covered: int, number: int, claims: int = 1) -> str:
    """``holds``, ``over-covers`` or ``FAILS``."""
    low, high = binomial_interval(covered, number, claims)
    if covered / number < FLOOR or high < NOMINAL:
        return "FAILS"
    return "over-covers" if low > NOMINAL else "holds"


def judge_size(rejected: int, number: int, claims: int = 1) -> str:
    """``holds``, ``conservative`` or ``FAILS`` for the share of false positives at the 5 % level."""
    low, high = binomial_interval(rejected, number, claims)
    if low > 1 - NOMINAL:
        return "FAILS"
    return "conservative" if high < 1 - NOMINAL else "holds"


def recovers(mean: float, error: float, truth: float, tolerance: float = 0.03, claims: int = 1) -> bool:
    """Is the mean estimate within ``tolerance`` of the truth, beyond what Monte-Carlo ``error`` (99 %, Bonferroni) explains?"""
    from scipy.special import ndtri

    if not math.isfinite(mean) or not math.isfinite(error):
        return False
    return abs(mean - truth) <= tolerance + float(ndtri(1 - (1 - LEVEL) / claims / 2)) * error
