"""Mixing against chance: expectations by enumeration, Mantel-Haenszel by hand, tests that keep their level."""

from __future__ import annotations

from itertools import permutations

import networkx as nx
import numpy as np
import pytest

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.mixing import expected_across, mixing_test, share_difference


def test_the_chance_of_a_tie_across_is_that_of_all_permutations_within_blocks():
    labels, blocks = np.array(list("aabcabb")), np.array([0, 0, 0, 0, 1, 1, 1])
    source, target = np.array([0, 2, 4, 0, 3]), np.array([1, 3, 6, 5, 4])
    total, number = np.zeros(5), 0
    for one in permutations(labels[:4]):
        for two in permutations(labels[4:]):
            given = np.array([*one, *two])
            total, number = total + (given[source] != given[target]), number + 1
    assert expected_across(source, target, labels, blocks) == pytest.approx(total / number, abs=1e-12)


def test_the_index_of_a_network_that_mixes_by_chance_lies_where_the_draws_do_and_that_of_cliques_does_not():
    rng = np.random.default_rng(3)
    labels, blocks = rng.choice(list("nppd"), 300), np.repeat(np.arange(6), 50)
    source, target = rng.integers(0, 300, (2, 900))
    keep = source != target
    by_chance = mixing_test(source[keep], target[keep], labels, blocks, draws=199, seed=1)
    assert by_chance.low < by_chance.observed < by_chance.high and by_chance.p_value > 0.05
    assert by_chance.low < by_chance.expected < by_chance.high
    alike = labels[source] == labels[target]
    closed = mixing_test(source[keep & alike], target[keep & alike], labels, blocks, draws=199, seed=1)
    assert closed.observed == -1 and closed.p_value == pytest.approx(1 / 200)
    graph = nx.DiGraph(zip(source[keep].tolist(), target[keep].tolist(), strict=True))
    nx.set_node_attributes(graph, dict(enumerate(labels.tolist())), "label")
    across = np.mean([graph.nodes[a]["label"] != graph.nodes[b]["label"] for a, b in zip(source[keep].tolist(), target[keep].tolist(), strict=True)])
    assert by_chance.observed == pytest.approx(2 * across - 1)
    with pytest.raises(UsageError, match="no tie"):
        mixing_test(source[:0], target[:0], labels, blocks)


def test_the_difference_of_shares_is_mantel_haenszels_and_a_block_of_one_kind_says_nothing():
    across, ties = np.array([3.0, 1, 2, 0, 4]), np.array([4.0, 4, 5, 5, 4])
    marked, blocks = np.array([1, 0, 1, 0, 1]), np.array(["a", "a", "b", "b", "c"])
    estimate, test = share_difference(across, ties, marked, blocks, blocks, draws=50)
    by_hand = 100 * ((3 * 4 - 1 * 4) / 8 + (2 * 5 - 0 * 5) / 10) / (16 / 8 + 25 / 10)
    assert estimate.value == pytest.approx(by_hand) and estimate.n_clusters == 2
    # all assignments: each of the two blocks may be turned round
    assert test.exact and test.p_value == pytest.approx(2 / 4)
    with pytest.raises(UsageError, match="both kinds"):
        share_difference(across[[0, 4]], ties[[0, 4]], np.array([1, 1]), blocks[[0, 4]], blocks[[0, 4]])


def test_over_networks_without_an_effect_the_placebo_test_rejects_at_its_level():
    rng, rejected, covered = np.random.default_rng(8), 0, 0
    for _ in range(60):
        blocks = np.repeat(np.arange(24), 12)
        ties = rng.poisson(3, 288).astype(float)
        across = rng.binomial(ties.astype(int), np.repeat(rng.uniform(0.2, 0.6, 24), 12)).astype(float)
        estimate, test = share_difference(across, ties, rng.integers(0, 2, 288), blocks, blocks // 2, draws=99)
        rejected, covered = rejected + (test.p_value <= 0.05), covered + (estimate.ci_low < 0 < estimate.ci_high)
    assert rejected <= 8 and covered >= 51
