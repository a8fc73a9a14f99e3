"""The critical value of a simultaneous band: its limits, and that it holds its level where clusters are few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from mentorship_eval.inference.simultaneous import critical_value_of_largest, joint_draws


def test_one_estimate_alone_has_nearly_the_quantile_of_t() -> None:
    deviations = np.random.default_rng(0).normal(size=(400, 1))
    assert critical_value_of_largest(deviations, 0.95) == pytest.approx(student.ppf(0.975, 399), abs=0.05)


def test_the_same_estimate_many_times_is_one() -> None:
    deviations = np.random.default_rng(1).normal(size=(60, 1))
    assert critical_value_of_largest(np.repeat(deviations, 9, axis=1), 0.95) == pytest.approx(critical_value_of_largest(deviations, 0.95))


def test_independent_estimates_are_those_of_sidak() -> None:
    deviations = np.random.default_rng(2).normal(size=(3_000, 6))
    assert critical_value_of_largest(deviations, 0.95) == pytest.approx(student.ppf(0.5 + 0.95 ** (1 / 6) / 2, 1e7), abs=0.06)


def test_errors_have_the_jackknife_covariance() -> None:
    deviations = np.random.default_rng(3).normal(size=(12, 3)) @ np.array([[1, 0.5, 0], [0, 1, -0.8], [0, 0, 1]])
    error, spread = joint_draws(deviations, draws=60_000)
    wanted = 11 / 12 * deviations.T @ deviations
    assert np.cov(error, rowvar=False) == pytest.approx(wanted, abs=0.03 * np.abs(wanted).max())
    assert (spread**2).mean(axis=0) == pytest.approx(np.diag(wanted), rel=0.02)


def test_what_does_not_vary_is_left_out() -> None:
    deviations = np.random.default_rng(4).normal(size=(20, 2))
    assert critical_value_of_largest(np.column_stack((deviations, np.zeros(20))), 0.95) == critical_value_of_largest(deviations, 0.95)
    assert np.isnan(critical_value_of_largest(np.zeros((20, 2)), 0.95))


@pytest.mark.parametrize(("clusters", "estimates", "common"), [(24, 20, 0.3), (12, 8, 0.6)])
def test_the_band_holds_its_level_with_uneven_clusters(clusters: int, estimates: int, common: float) -> None:
    random, missed, number = np.random.default_rng(5), 0, 400
    for _ in range(number):
        noise = np.sqrt(common) * random.standard_normal((clusters, 1)) + np.sqrt(1 - common) * random.standard_normal((clusters, estimates))
        noise *= random.lognormal(0, 0.5, (clusters, 1))
        centre = noise.mean(axis=0)
        deviations = (centre - noise) / (clusters - 1)
        se = np.sqrt((clusters - 1) / clusters * (deviations**2).sum(axis=0))
        missed += np.abs(centre / se).max() > critical_value_of_largest(deviations, 0.95)
    assert 0.02 < missed / number < 0.085  # Monte-Carlo error 0.011


def test_shares_keep_the_level_where_estimates_rest_on_few_uneven_clusters() -> None:
    """Weighted means of six of 24 clusters each, one of which holds a third: with equal shares in their place the band is far too narrow."""
    random, missed, number = np.random.default_rng(6), {True: 0, False: 0}, 300
    members = np.array([random.permutation(24)[:6] for _ in range(12)])
    weight = np.zeros((24, 12))
    for k, some in enumerate(members):
        weight[some, k] = np.array([6, 4, 3, 2, 2, 1]) / 18
    for _ in range(number):
        noise = random.standard_normal((24, 12))
        centre = (weight * noise).sum(axis=0)
        deviations = weight * (centre - noise) / (1 - weight)
        se = np.sqrt(23 / 24 * (deviations**2).sum(axis=0))
        for known in missed:
            missed[known] += np.abs(centre / se).max() > critical_value_of_largest(deviations, 0.95, weight if known else None)
    assert missed[True] / number < 0.085 < missed[False] / number
