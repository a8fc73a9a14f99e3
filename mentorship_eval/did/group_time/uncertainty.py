"""From standard errors to intervals: none where too few units or clusters are treated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.inference.intervals import critical_value

__all__ = ["FEW_CLUSTERS", "FEW_CONTROLS", "FEW_TREATED", "Limits", "limits"]

# Below this many treated clusters no t interval is trustworthy (MacKinnon & Webb 2018, Econometrics Journal 21:114).
FEW_TREATED = 6
# The same on the other side: with one control and CR3 a true null is rejected more often than not.
FEW_CONTROLS = 6
FEW_CLUSTERS = 8


@dataclass(frozen=True)
class Limits:
    """Arrays: se (NaN where 0), ci_low, ci_high, band_low, band_high, note (why a figure is missing, else "")."""

    se: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    band_low: np.ndarray
    band_high: np.ndarray
    note: np.ndarray


def limits(
    value: np.ndarray, se: np.ndarray, treated_clusters: np.ndarray, *, df: float, ci_level: float, band: float, note: np.ndarray | None = None,
    controls: np.ndarray | None = None,
) -> Limits:
    """t intervals on ``df`` degrees of freedom and bands of ``band`` standard errors (NaN: none).

    A standard error of 0 (a base period, one unit on either side) is NaN. With one treated unit or
    cluster the standard error is that of the controls alone: it is kept, said, and no interval is made of it. controls: clusters
    behind each value, with fewer than six no interval, with one no standard error.
    """
    se = np.where(se > 1e-12 * np.maximum(1.0, np.abs(value)), se, np.nan)
    text = np.full(len(value), "", dtype=object) if note is None else note.copy()
    blank = text == ""
    text[blank & ~np.isfinite(se)] = "nothing varies: no standard error"
    blank = text == ""
    text[blank & (treated_clusters < 2)] = "one treated unit or cluster: the standard error is that of its controls alone; no interval"
    if controls is not None:
        one = (text == "") & (controls < 2)
        text[one], se[one] = "one control unit or cluster: no standard error", np.nan
        text[(text == "") & (controls < FEW_CONTROLS)] = f"fewer than {FEW_CONTROLS} control units or clusters: no interval"
    blank = text == ""
    text[blank & (treated_clusters < FEW_TREATED)] = f"fewer than {FEW_TREATED} treated units or clusters: no interval"
    usable = np.where((text == "") & (df >= 1), se, np.nan)
    half = critical_value(ci_level, df) * usable if df >= 1 else usable
    return Limits(se, value - half, value + half, value - band * usable, value + band * usable, text)
