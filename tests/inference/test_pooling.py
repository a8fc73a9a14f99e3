"""Partial pooling: against a published REML estimate, and what shrinkage must do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.pooling import between_interval, partial_pooling

# log risk ratios and variances of the BCG trials (Colditz et al. 1994, JAMA 271:698-702), as in the documentation of metafor
BCG = np.array([-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173])
VARIANCE = np.array([0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230, 0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714])


def test_between_groups_as_published():
    made = partial_pooling(BCG, np.sqrt(VARIANCE))
    assert made.between**2 == pytest.approx(0.3132, abs=2e-4)
    assert made.mean == pytest.approx(-0.7145, abs=2e-4) and made.mean_se == pytest.approx(0.1798, abs=2e-4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 1)), min_size=3, max_size=9))
def test_each_lies_between_itself_and_the_mean(drawn):
    value, se = map(np.array, zip(*drawn, strict=True))
    made = partial_pooling(value, se)
    low, high = np.minimum(value, made.mean), np.maximum(value, made.mean)
    assert ((made.value >= low - 1e-9) & (made.value <= high + 1e-9)).all() and ((made.weight >= 0) & (made.weight < 1)).all()
    order = np.argsort(se)
    assert (np.diff(made.weight[order]) <= 1e-9).all()  # the less precise keeps less of its own


def test_what_has_no_estimate_gets_none_and_two_are_too_few():
    made = partial_pooling(np.array([0.1, np.nan, 0.3, -0.4]), np.array([0.1, 0.1, 0.2, 0.1]))
    assert np.isnan(made.value[1]) and np.isfinite(made.value[[0, 2, 3]]).all()
    with pytest.raises(EstimationError):
        partial_pooling(np.array([0.1, np.nan, 0.3]), np.array([0.1, 0.1, 0.2]))


def test_the_interval_of_what_lies_between_is_the_published_one():
    # confint() of metafor for the same trials: tau^2 from 0.1197 to 1.1115
    low, high = between_interval(BCG, np.sqrt(VARIANCE))
    assert low**2 == pytest.approx(0.1197, abs=2e-4) and high**2 == pytest.approx(1.1115, abs=2e-4)


def test_alike_groups_have_an_interval_from_nothing():
    assert between_interval(np.array([0.10, 0.11, 0.12, 0.10]), np.full(4, 0.3)) == (0.0, 0.0)
    low, high = between_interval(np.array([0.1, 0.4, -0.2, 0.3]), np.full(4, 0.3))
    assert low == 0.0 < high


def test_differences_between_blocks_are_no_part_of_those_within():
    rng = np.random.default_rng(4)
    block, se = np.repeat(np.arange(30), 4), np.full(120, 0.5)
    found = []
    for _ in range(60):
        truth = rng.normal(0, 1.0, 120)
        value = truth + 5.0 * rng.standard_normal(30)[block] + se * rng.standard_normal(120)
        low, high = between_interval(value, se, block)
        found.append((partial_pooling(value, se, block).between, low < 1.0 < high))
    between, covered = map(np.mean, zip(*found, strict=True))
    assert between == pytest.approx(1.0, abs=0.04) and covered > 0.88
    assert partial_pooling(value, se).between > 3
    one = partial_pooling(BCG, np.sqrt(VARIANCE), np.zeros(len(BCG)))
    assert one.between**2 == pytest.approx(0.3132, abs=2e-4)
    with pytest.raises(EstimationError, match="block"):
        partial_pooling(BCG, np.sqrt(VARIANCE), np.arange(len(BCG)))
