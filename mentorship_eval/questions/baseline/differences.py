"""Standardised differences between two groups: of numbers, of shares, and of a variable with several levels as one number.

Always as a distance, without a sign. They do not grow with the number of people, as a p-value does, and so say how unlike groups are.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

__all__ = ["largest_of_pairs", "of_levels", "of_numbers"]


def of_numbers(one: np.ndarray, other: np.ndarray) -> float:
    """|difference of means| over the root of the mean of the two sample variances (Austin 2009, Stat Med 28:3083-3107).

    NaN with fewer than two known values in a group; infinite where the means differ and nothing varies.
    """
    one, other = (part[~np.isnan(part)] for part in (np.asarray(one, float), np.asarray(other, float)))
    if min(len(one), len(other)) < 2:
        return float("nan")
    gap, spread = abs(one.mean() - other.mean()), float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    if spread > 0:
        return float(gap / spread)
    return 0.0 if gap < 1e-12 else float("inf")


def of_levels(one: np.ndarray, other: np.ndarray) -> float:
    """The Mahalanobis distance between two rows of shares, of a multinomial (Yang & Dalton 2012, SAS Global Forum 335).

    one, other: counts of each level, in the same order. For two levels it is the standardised difference of a share. NaN for an empty
    group; infinite where the groups have no level in common.
    """
    counts = np.array([one, other], dtype=float)
    if (counts.sum(axis=1) == 0).any():
        return float("nan")
    # a level that nobody has says nothing; of the others one follows from the rest
    shares = (counts / counts.sum(axis=1, keepdims=True))[:, counts.sum(axis=0) > 0][:, 1:]
    gap = shares[0] - shares[1]
    spread = sum(np.diag(p) - np.outer(p, p) for p in shares) / 2
    if not len(gap):
        return 0.0
    size, axes = np.linalg.eigh(spread)
    free, along = size > 1e-12, axes.T @ gap
    if (np.abs(along[~free]) > 1e-9).any():
        return float("inf")
    return float(np.sqrt(np.sum(along[free] ** 2 / size[free])))


def largest_of_pairs(values: pd.Series, groups: pd.Series, names: list[str], *, numeric: bool) -> float:
    """The largest standardised difference between any two of the groups ``names``; missing values of a category are a level."""
    if numeric:
        parts = [values[groups == name].to_numpy(float) for name in names]
        found = [of_numbers(a, b) for a, b in combinations(parts, 2)]
    else:
        table = pd.crosstab(values.astype(object).where(values.notna(), "\0missing").astype(str), groups)
        found = [of_levels(table[a].to_numpy(), table[b].to_numpy()) for a, b in combinations([n for n in names if n in table], 2)]
    known = [one for one in found if not np.isnan(one)]
    return max(known, default=float("nan"))
