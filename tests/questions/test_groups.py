"""Differences and ratios without each department: what a group in few departments can carry, and what one in a single one cannot."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from mentorship_eval.inference.clustered import clustered_mean, clustered_share
from mentorship_eval.questions.groups import fewest_places, jackknifed_difference, jackknifed_ratio

RNG = np.random.default_rng(4)


def shares(yes: np.ndarray, place: np.ndarray, mine: np.ndarray, places: int) -> np.ndarray:
    top, bottom = (np.bincount(place[mine], weights=part[mine], minlength=places) for part in (yes, np.ones(len(yes))))
    with np.errstate(invalid="ignore"):
        return (top.sum() - np.append(0.0, top)) / (bottom.sum() - np.append(0.0, bottom))


def test_a_group_that_lies_in_one_department_has_no_interval_and_says_why():
    place = np.repeat(np.arange(20), 50)
    mine = place == 3
    yes = (RNG.random(1000) < 0.5).astype(float)
    one, other = (shares(yes, place, group, 20) for group in (mine, ~mine))
    for found in (jackknifed_difference(one, other, places=fewest_places(place, mine, ~mine)), jackknifed_ratio(one / other, scale="risk ratio")):
        assert np.isfinite(found.value) and np.isnan(found.ci_low) and np.isnan(found.p_value)
        assert [caution.code for caution in found.warnings] == ["group_in_one_place"]


def test_degrees_of_freedom_are_those_of_the_group_in_fewest_departments():
    place = np.repeat(np.arange(20), 50)
    mine = (place < 3) & (np.arange(1000) % 2 == 0)
    yes = (RNG.random(1000) < 0.5).astype(float)
    one, other = (shares(yes, place, group, 20) for group in (mine, ~mine))
    found = jackknifed_difference(one, other, places=fewest_places(place, mine, ~mine))
    assert found.df == 2 and found.n_clusters == 3
    assert found.ci_high - found.value == pytest.approx(t.ppf(0.975, 2) * found.se)


def test_without_an_effect_the_test_keeps_its_size_where_a_group_is_in_three_of_forty_departments():
    place = np.repeat(np.arange(40), 30)
    mine = (place < 3) & (np.arange(1200) % 3 == 0)
    rejected = wide = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        yes = (rng.random(1200) < np.clip(0.4 + 0.15 * rng.standard_normal(40), 0.02, 0.98)[place]).astype(float)
        one, other = (shares(yes, place, group, 40) for group in (mine, ~mine))
        rejected += jackknifed_difference(one, other, places=fewest_places(place, mine, ~mine)).p_value < 0.05
        wide += jackknifed_difference(one, other).p_value < 0.05
    assert rejected <= 24 < wide  # 8 of 100, and what all departments less one would reject


def test_clusters_without_units_count_for_nothing():
    yes, trials = np.array([3.0, 2.0, 4.0, *[0.0] * 17]), np.array([8.0, 7.0, 6.0, *[0.0] * 17])
    all_, few = clustered_share(yes, trials, np.arange(20)), clustered_share(yes[:3], trials[:3], np.arange(3))
    assert (all_.ci_low, all_.ci_high, all_.df, all_.n_clusters) == (few.ci_low, few.ci_high, 2, 3)
    mean = clustered_mean(yes, trials, np.arange(20))
    assert mean.df == 2


def test_what_passes_one_without_a_cluster_is_a_ratio_with_its_own_interval():
    taken, places = np.array([30.0, 31.0, 29.0, 30.0, 0.0]), np.array([29.0, 29.0, 29.0, 29.0, 24.0])
    found = clustered_share(taken, places, np.arange(5))
    plain = clustered_mean(taken, places, np.arange(5))
    assert found.ci_high == plain.ci_high and found.ci_low == max(plain.ci_low, 0.0) and not found.warnings
    assert found.ci_high - found.ci_low > 0.3
