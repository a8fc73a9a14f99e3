"""Which comparisons of two groups a two-way coefficient averages, and with what weights.

In a balanced panel the coefficient is a weighted mean of all differences in differences of two groups
and two stretches of time (Goodman-Bacon 2021, J. Econometrics 225:254-277, theorem 1). Groups are the
waves, the never treated and those treated throughout; the comparisons of a later wave with units that are
treated already are the forbidden ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.panel import Panel

__all__ = ["ALWAYS", "FORBIDDEN", "NEVER", "TYPES", "compare"]

NEVER, ALWAYS = "never treated", "always treated"
TYPES = ("Treated vs Untreated", "Earlier vs Later Treated", "Later vs Earlier Treated", "Later vs Always Treated")
FORBIDDEN = frozenset(TYPES[2:])


@dataclass(frozen=True)
class _Groups:
    """label (K,); first (K,): index of the first treated period, 0 for always, T for never; size (K,): share of the
    weight; units (K,): how many; means (K, T): of the outcome.
    """

    label: list[object]
    first: np.ndarray
    size: np.ndarray
    units: np.ndarray
    means: np.ndarray


def _groups(panel: Panel) -> _Groups:
    periods = panel.shape[1]
    # waves between two periods of the panel begin, as far as it can tell, at the next one
    first_of_unit = np.searchsorted(panel.position, panel.adopted)
    first, code = np.unique(first_of_unit, return_inverse=True)
    weight = panel.exposure[:, 0]
    size = np.bincount(code, weights=weight)
    means = np.stack([np.bincount(code, weights=weight * column) for column in panel.outcome.T], axis=1) / size[:, None]
    label = [ALWAYS if f == 0 else NEVER if f == periods else panel.times[f] for f in first]
    return _Groups(label, first, size / size.sum(), np.bincount(code), means)


def _mean(cumulated: np.ndarray, begin: np.ndarray, end: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Mean over the periods [begin, end) of group ``of``, all (C,)."""
    return (cumulated[of, end] - cumulated[of, begin]) / (end - begin)


def compare(panel: Panel) -> pd.DataFrame:
    """Every comparison of a balanced panel whose weights are constant within units.

    Returns a row per comparison: type, treated, control (labels of the groups), weight (they add up to 1), estimate,
    treated_units, control_units, forbidden.
    """
    groups = _groups(panel)
    periods = panel.shape[1]
    cumulated = np.concatenate([np.zeros((len(groups.first), 1)), np.cumsum(groups.means, axis=1)], axis=1)
    k, c = (index.ravel() for index in np.meshgrid(np.arange(len(groups.first)), np.arange(len(groups.first)), indexing="ij"))
    changes = (groups.first[k] > 0) & (groups.first[k] < periods) & (k != c)  # the treated group must change within the panel
    k, c = k[changes], c[changes]
    own, other = groups.first[k], groups.first[c]
    # the control keeps its status within the window: up to its own adoption when it comes later, from there on when it came before
    begin, end = np.where(other < own, other, 0), np.where(other > own, other, periods)
    estimate = (
        _mean(cumulated, own, end, k) - _mean(cumulated, begin, own, k) - _mean(cumulated, own, end, c) + _mean(cumulated, begin, own, c)
    )
    # the variance of the treatment within the pair and window, and the share of all cells that these hold
    both = groups.size[k] + groups.size[c]
    share = groups.size[k] / both
    treated_time = (end - own) / (end - begin)
    weight = (both * (end - begin) / periods) ** 2 * share * (1 - share) * treated_time * (1 - treated_time)
    kind = np.select([other == periods, other == 0, other > own], [TYPES[0], TYPES[3], TYPES[1]], TYPES[2])
    return pd.DataFrame({
        "type": kind, "treated": [groups.label[i] for i in k], "control": [groups.label[i] for i in c],
        "weight": weight / weight.sum(), "estimate": estimate, "treated_units": groups.units[k], "control_units": groups.units[c],
        "forbidden": np.isin(kind, list(FORBIDDEN)),
    })
