"""Robust intervals against published ones.

Sources: README of the R package HonestDiD (Medicaid tables; the mean of both years from the README of the Stata package honestdid);
values of R's HonestDiD on BCdata_EventStudy and the walk-through in the tests and README of HonestDiD.jl. Those of R are end points
on a grid (1,000 points unless said); fixed-length intervals use a simulated folded-normal quantile there, and the first stage of the
hybrid test a critical value at level 0.995 from 1,000 draws. Hence the tolerances.
"""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from tests.did.event_studies import (
    MADE_UP,
    MADE_UP_COVARIANCE,
    MEDICAID,
    MEDICAID_COVARIANCE,
    RESTAURANTS,
    RESTAURANTS_COVARIANCE,
)


def limits(result):
    return result.table[["ci_low", "ci_high"]].to_numpy()


def test_relative_magnitudes_of_the_medicaid_expansion():
    found = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=[-6, -5, -4, -3, -2], post=[0, 1])
    published = [[0.0240, 0.0672], [0.0170, 0.0720], [0.00824, 0.0797], [-0.000916, 0.0881]]
    step = 40 * np.sqrt(MEDICAID_COVARIANCE[5, 5]) / 999
    np.testing.assert_allclose(limits(found), published, atol=step + 1e-4)
    assert (round(found.ci_low, 3), round(found.ci_high, 3)) == (0.029, 0.064)
    # "the breakdown value is Mbar = 2": the interval at 2 just includes 0
    assert 1.9 < found.breakdown < 2


def test_relative_magnitudes_of_the_mean_of_two_years():
    found = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, weights=[0.5, 0.5], at=[0, 0.5, 1, 1.5, 2])
    published = [[0.041, 0.075], [0.033, 0.080], [0.020, 0.090], [0.006, 0.103], [-0.008, 0.117]]
    np.testing.assert_allclose(limits(found), published, atol=1.2e-3)


def test_smoothness_of_the_medicaid_expansion():
    found = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, restriction="smoothness", at=np.arange(6) / 100)
    published = [[0.0259, 0.0607], [0.0132, 0.0787], [0.00286, 0.0907], [-0.00714, 0.101], [-0.0171, 0.111], [-0.0271, 0.121]]
    np.testing.assert_allclose(limits(found), published, atol=5e-4)
    assert 0.02 < found.breakdown < 0.03


@pytest.mark.parametrize(("m", "low", "high"), [(0, 0.131411316, 0.2161696482), (0.1, 0.1194440001, 0.4185082143), (0.2, 0.0194440002, 0.5185082143)])
def test_fixed_length_intervals_of_restaurant_prices(m, low, high):
    found = did.honest_bounds(RESTAURANTS, RESTAURANTS_COVARIANCE, pre=4, post=4, restriction="smoothness", at=[m])
    np.testing.assert_allclose(limits(found), [[low, high]], atol=1e-4)


@pytest.mark.parametrize(("m", "low", "high"), [
    (0, 0.2100501789, 0.3277998271), (0.1, 0.1195044811, 0.4180257149), (0.2, 0.0203013221, 0.5179737331)])
def test_conditional_intervals_of_restaurant_prices_under_smoothness(m, low, high):
    found = did.honest_bounds(RESTAURANTS, RESTAURANTS_COVARIANCE, pre=4, post=4, restriction="smoothness", method="conditional", at=[m])
    step = 2 * (m + 20 * np.sqrt(RESTAURANTS_COVARIANCE[4, 4])) / 999
    np.testing.assert_allclose(limits(found), [[low, high]], atol=step)
    # the grid of the reference lies inside the exact interval
    assert found.table["ci_low"][0] <= low
    assert high <= found.table["ci_high"][0]


@pytest.mark.parametrize("method", ["conditional", "hybrid"])
def test_relative_magnitudes_of_restaurant_prices(method):
    found = did.honest_bounds(RESTAURANTS, RESTAURANTS_COVARIANCE, pre=4, post=4, at=[1], method=method)
    step = 40 * np.sqrt(RESTAURANTS_COVARIANCE[4, 4]) / 199  # 200 points
    np.testing.assert_allclose(limits(found), [[0.07055244362, 0.3184394077]], atol=step * (1 if method == "conditional" else 1.5))


def test_fixed_length_intervals_with_an_exact_quantile():
    found = did.honest_bounds(MADE_UP, MADE_UP_COVARIANCE, pre=3, post=5, restriction="smoothness", at=np.arange(7) / 100)
    published = [[0.03849, 0.23376], [0.027367, 0.2422], [0.0061132, 0.25851], [-0.01481, 0.27416], [-0.028729, 0.294], [-0.041775, 0.31396],
        [-0.054089, 0.33366]]
    np.testing.assert_allclose(limits(found), published, atol=6e-6)


def test_relative_magnitudes_of_the_walk_through():
    found = did.honest_bounds(MADE_UP, MADE_UP_COVARIANCE, pre=3, post=5)
    published = [[0.031031, 0.28328], [-0.003003, 0.33734], [-0.053053, 0.39339], [-0.10511, 0.45345]]
    step = 40 * np.sqrt(MADE_UP_COVARIANCE[3, 3]) / 999
    np.testing.assert_allclose(limits(found), published, atol=1.5 * step)
