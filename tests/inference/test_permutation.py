from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.permutation import assignments, count_assignments, permutation_test


def every(labels, blocks=None, at_once=7):
    return np.concatenate(list(assignments(np.array(labels), None if blocks is None else np.array(blocks), draws=10**6, seed=0,
        at_once=at_once)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
@settings(deadline=None, max_examples=40)
def test_enumeration_is_every_distinct_order_once(labels):
    found = [tuple(row) for row in every(labels)]
    assert sorted(found) == sorted(set(permutations(labels)))
    assert len(found) == count_assignments(np.array(labels))


def test_labels_stay_within_their_block():
    labels, blocks = [1, 2, np.inf, 3, 3, np.inf], [0, 0, 0, 1, 1, 1]
    found = every(labels, blocks)
    assert len(found) == 6 * 3 == len({tuple(row) for row in found})
    for row in found:
        assert sorted(row[:3]) == [1, 2, np.inf] and sorted(row[3:]) == [3, 3, np.inf]
    drawn = np.concatenate(list(assignments(np.array(labels), np.array(blocks), draws=10, seed=4, at_once=3)))
    assert drawn.shape == (10, 6) and (np.sort(drawn[:, 3:], axis=1) == [3, 3, np.inf]).all()


def test_draws_do_not_depend_on_the_batch():
    labels, blocks = np.arange(20.0), np.repeat([0, 1], 10)
    whole, parts = (np.concatenate(list(assignments(labels, blocks, draws=50, seed=9, at_once=n))) for n in (50, 7))
    np.testing.assert_array_equal(whole, parts)
    other = next(assignments(labels, blocks, draws=50, seed=10, at_once=50))
    assert (other != whole).any()


def test_exact_p_by_hand():
    values = np.array([5.0, 1.0, 2.0, 4.0])
    labels = np.array([1, 0, 0, 1])

    def difference(batch):
        return (batch * values).sum(axis=1) / 2 - ((1 - batch) * values).sum(axis=1) / 2

    found = permutation_test(3.0, difference, labels, draws=100)
    assert found.exact and found.draws == found.possible == 6
    assert found.p_value == pytest.approx(2 / 6)  # the assignment itself and its mirror image
    assert found.smallest_p == pytest.approx(1 / 6)
    assert found.seed is None


def test_monte_carlo_p_and_its_floor():
    labels = np.arange(12)
    found = permutation_test(1e9, lambda batch: np.zeros(len(batch)), labels, draws=99, seed=5)
    assert not found.exact and found.p_value == found.smallest_p == pytest.approx(0.01) and found.seed == 5
    assert permutation_test(0.0, lambda batch: np.ones(len(batch)), labels, draws=99).p_value == 1


def test_undefined_statistics_count_against_the_effect():
    found = permutation_test(2.0, lambda batch: np.full(len(batch), np.nan), np.arange(12), draws=99)
    assert found.p_value == 1 and found.undefined == 99


def test_no_test():
    assert np.isnan(permutation_test(1.0, lambda batch: batch[:, 0], np.array([1, 1, 1]), draws=99).p_value)
    assert np.isnan(permutation_test(1.0, lambda batch: batch[:, 0], np.arange(5), draws=0).p_value)
    with pytest.raises(UsageError):
        permutation_test(1.0, lambda batch: batch[:, 0], np.arange(5), draws=-1)
