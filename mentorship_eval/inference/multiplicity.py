"""P-values of several tests, adjusted for their number.

Holm (1979, Scand J Stat 6:65-70) holds the chance of any false positive; Benjamini and Hochberg (1995, JRSS B 57:289-300) the expected
share of false ones among the positives. Tests without a p-value (NaN) stay NaN and are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["benjamini_hochberg", "holm", "within_families"]


def _known(p_values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All p-values, the places of those that exist, and the latter in ascending order."""
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1:
        raise UsageError("Adjusting takes one list of p-values.", fix="Flatten it, or adjust each family by itself.")
    if ((p < 0) | (p > 1)).any():
        raise UsageError("A p-value lies between 0 and 1.", fix="Give p-values, not test statistics.")
    places = np.flatnonzero(~np.isnan(p))
    return p, places, places[np.argsort(p[places], kind="stable")]


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """(n,) Holm-adjusted p-values in the order given."""
    p, places, order = _known(p_values)
    out, count = np.full(len(p), np.nan), len(places)
    out[order] = np.minimum(np.maximum.accumulate(p[order] * (count - np.arange(count))), 1.0)
    return out


def benjamini_hochberg(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """(n,) p-values adjusted for the false discovery rate, in the order given."""
    p, places, order = _known(p_values)
    out, count = np.full(len(p), np.nan), len(places)
    raised = p[order] * count / np.arange(1, count + 1)
    out[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return out


def within_families(families: Sequence[str], p_values: np.ndarray, adjust: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(n,) p-values adjusted by ``adjust`` within each family, by its name."""
    out = np.full(len(p_values), np.nan)
    for family in dict.fromkeys(families):
        members = np.array([mine == family for mine in families])
        out[members] = adjust(p_values[members])
    return out
