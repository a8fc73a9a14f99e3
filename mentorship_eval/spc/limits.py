"""Centre lines and limits of one phase: where they are set, and by how much a point may stray.

Sources: Montgomery, Introduction to Statistical Quality Control (individuals, p, u and t charts); Laney, Quality Engineering 14
(2002) 531-537 (p' and u'); Benneyan, Health Care Management Science 4 (2001) 305-318, and Provost and Murray, The Health Care Data
Guide (g); Nelson, Journal of Quality Technology 14 (1982) 172-173 (screened moving ranges). Steps as in the R package qicharts2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["D2", "D4", "LEAST", "TRIAL", "Phase", "moving_ranges", "sigma_of_ranges"]

D2 = 1.128  # mean range of two standard normal values, as tables give it; 3 / D2 = 2.66
D4 = 3.267  # upper limit of a moving range, in mean moving ranges
# Fewer points than this set no limits: "useful limits may be constructed with as few as five or six values" (Wheeler, Understanding
# Variation). Below TRIAL they are trial limits (NHSRplotthedots for Making Data Count); Provost and Murray ask for 20 to 30.
LEAST, TRIAL = 6, 12


@dataclass(frozen=True)
class Phase:
    """One phase: centre and sigma for its points (n,), NaN where there are none; spread: sigma_z of a prime chart, the
    mean moving range of an XmR chart, NaN otherwise; n_used: points that set the limits; reason: why there are none.
    """

    centre: np.ndarray
    sigma: np.ndarray
    spread: float
    n_used: int
    reason: str = ""


def moving_ranges(values: np.ndarray) -> np.ndarray:
    """Absolute differences of neighbours, without those in which a value is missing."""
    ranges = np.abs(np.diff(values))
    return np.asarray(ranges[np.isfinite(ranges)])


def sigma_of_ranges(values: np.ndarray, *, screened: bool) -> tuple[float, float]:
    """(sigma, mean moving range) of values in order of time; NaN with fewer than two ranges.

    screened: ranges at or above 3.267 times their mean are left out, once (Nelson 1982).
    """
    ranges = moving_ranges(values)
    if len(ranges) < 2:
        return np.nan, np.nan
    mean = float(ranges.mean())
    if screened and mean > 0:
        mean = float(ranges[ranges < D4 * mean].mean())
    return mean / D2, mean
