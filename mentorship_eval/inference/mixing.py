"""How people of different groups mix in a network, against chance: what a permutation of labels within blocks would give, and a test by it.

The network is kept as it is and only the labels move (quadratic assignment procedure: Hubert & Schultz 1976; Krackhardt 1988, Social Networks
10:359), so that who has many ties, who answers whom and which blocks know each other are the same in every draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.intervals import difference_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.inference.permutation import Permutation, permutation_test

__all__ = ["Mixing", "expected_across", "mixing_test", "share_difference"]


@dataclass(frozen=True)
class Mixing:
    """observed, expected: E-I index, (E - I) / (E + I), between -1 (all ties within groups) and 1 (all across; Krackhardt & Stern 1988, Social
    Psychology Quarterly 51:123); low, high: the middle 95 % of the draws; p_value: two-sided, of the distance from what is expected."""

    observed: float
    expected: float
    low: float
    high: float
    p_value: float
    draws: int
    exact: bool


def expected_across(source: np.ndarray, target: np.ndarray, labels: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """For each tie (E,) the chance that its two ends have different labels when labels are permuted within blocks; exact.

    source, target : (E,) positions of the ends; labels, blocks : (n,) of all who could have been an end.
    """
    _, label = np.unique(labels, return_inverse=True)
    _, block = np.unique(blocks, return_inverse=True)
    counts = np.zeros((block.max() + 1, label.max() + 1))
    np.add.at(counts, (block, label), 1.0)
    size = counts.sum(axis=1)
    here, there = block[source], block[target]
    alike = np.einsum("el,el->e", counts[here], counts[there])
    same = here == there
    # two ends in one block are two different people
    pairs = np.where(same, size[here] * (size[here] - 1), size[here] * size[there])
    alike = np.where(same, alike - size[here], alike)
    return 1 - np.divide(alike, pairs, out=np.ones_like(alike), where=pairs > 0)


def mixing_test(
    source: np.ndarray, target: np.ndarray, labels: np.ndarray, blocks: np.ndarray, *, draws: int = 999, seed: int = 0
) -> Mixing:
    """E-I index of a network of ties (E,) by ``labels`` (n,), against permutations of the labels within ``blocks`` (n,).

    Raises `UsageError` for a network without ties.
    """
    if not len(source):
        raise UsageError("The network has no tie.", fix="Leave it out.")
    _, code = np.unique(labels, return_inverse=True)
    expected = 2 * float(expected_across(source, target, labels, blocks).mean()) - 1
    seen: list[np.ndarray] = []

    def distance(given: np.ndarray) -> np.ndarray:
        index = 2 * (given[:, source] != given[:, target]).mean(axis=1) - 1
        seen.append(index)
        return index - expected

    observed = 2 * float((code[source] != code[target]).mean()) - 1
    test = permutation_test(observed - expected, distance, code.astype(np.int16), blocks=blocks, draws=draws, seed=seed, at_once=64)
    low, high = np.quantile(np.concatenate(seen), [0.025, 0.975]) if seen else (math.nan, math.nan)
    return Mixing(observed, expected, float(low), float(high), test.p_value, test.draws, test.exact)


def share_difference(
    across: np.ndarray, ties: np.ndarray, marked: np.ndarray, blocks: np.ndarray, clusters: np.ndarray, *, draws: int = 999, seed: int = 0,
    estimand: str = "",
) -> tuple[Estimate, Permutation]:
    """Difference in the share of ties that cross groups, people who are marked minus people who are not, compared within blocks.

    across, ties : (n,) ties of each person that cross, and all of them; marked : (n,) 0/1; blocks : (n,) within which marks are exchangeable;
    clusters : (n,) left out in turn; a block lies within one cluster. Mantel-Haenszel weights (Greenland & Robins 1985), so that a block with marked
    people alone, or with none, says nothing. Percentage points; interval and p-value by a leave-one-cluster-out jackknife. Beside
    it the permutation of the marks within blocks: it asks less, since it takes the people of a block, and not clusters, for independent.

    Raises `UsageError` when no block has ties of both kinds of people.
    """
    order = np.argsort(blocks, kind="stable")
    _, begins = np.unique(np.asarray(blocks)[order], return_index=True)
    crossing, total, mark = (np.asarray(values, float)[order] for values in (across, ties, marked))
    all_crossing, all_ties = np.add.reduceat(crossing, begins), np.add.reduceat(total, begins)

    def parts(given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mine_crossing, mine = np.add.reduceat(given * crossing, begins, axis=-1), np.add.reduceat(given * total, begins, axis=-1)
        rest_crossing, rest = all_crossing - mine_crossing, all_ties - mine
        scale = np.maximum(all_ties, 1)
        return (mine_crossing * rest - rest_crossing * mine) / scale, mine * rest / scale

    above, below = parts(mark)
    if below.sum() <= 0:
        raise UsageError("No block has ties of both kinds of people.", fix="Use larger blocks.")
    value = 100 * float(above.sum() / below.sum())

    def statistic(given: np.ndarray) -> np.ndarray:
        top, bottom = parts(given.astype(float))
        weight = bottom.sum(axis=-1)
        return 100 * np.divide(top.sum(axis=-1), weight, out=np.full(len(weight), np.nan), where=weight > 0)

    test = permutation_test(value, statistic, mark.astype(np.int8), blocks=np.asarray(blocks)[order], draws=draws, seed=seed, at_once=64)
    owner = np.asarray(clusters)[order][begins]
    places = np.unique(owner[below > 0])
    without = np.array([
        100 * (above.sum() - above[owner == place].sum()) / left if (left := below.sum() - below[owner == place].sum()) > 0 else np.nan
        for place in places
    ])
    jackknife = cluster_jackknife(value, without)
    estimate = difference_estimate(
        value, float(jackknife.se[0]), unit="percentage points", df=jackknife.df, n=len(mark), n_events=int(total.sum()),
        n_clusters=jackknife.n_clusters, estimand=estimand,
        method="Mantel-Haenszel difference of shares within blocks; leave-one-cluster-out jackknife, t(G-1)",
    )
    return estimate, test
