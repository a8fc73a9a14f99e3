"""What must hold of the intervals whatever the data: limits, order, the programs that they solve, coverage under known violations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.did.sensitivity.conditional import MomentTest, least_favourable
from mentorship_eval.did.sensitivity.fixed_length import FixedLength, folded_quantile
from mentorship_eval.did.sensitivity.restrictions import difference_rows, relative_magnitudes, smoothness
from tests.did.event_studies import MEDICAID, MEDICAID_COVARIANCE, RESTAURANTS, RESTAURANTS_COVARIANCE, stationary


def random_study(seed: int, pre: int, post: int):
    random = np.random.default_rng(seed)
    root = random.normal(size=(pre + post, pre + post))
    return random.normal(size=pre + post), root @ root.T / (pre + post) + 0.1 * np.eye(pre + post), random.normal(size=post)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 4), st.sampled_from(["smooth", "relative"]))
def test_the_largest_vertex_is_the_value_of_the_linear_program(seed, pre, post, which):
    """min eta: y - X tau <= eta * sd over the effects tau with l'tau = theta (Andrews, Roth & Pakes 2023)."""
    from scipy.optimize import linprog

    beta, sigma, weights = random_study(seed, pre, post)
    theta, size = 0.3, 0.7
    if which == "smooth":
        sets, (_, after) = smoothness(sigma, weights, pre, size), difference_rows(pre, post, 2)
        bounds, level = [np.zeros_like(after)], size
    else:
        sets, (before, after) = relative_magnitudes(sigma, weights, pre, size), difference_rows(pre, post, 1)
        bounds, level = [np.tile(size * sign * row, (post, 1)) for row in before for sign in (1, -1)], 0.0
    assert len(sets) == len(bounds)
    for vertices, bound in zip(sets, bounds, strict=True):
        rows = np.vstack([after - bound, -after - bound])
        sd = np.sqrt(np.diag(rows @ sigma @ rows.T))
        program = linprog(
            np.r_[1, np.zeros(post)], A_ub=np.column_stack([-sd, -rows[:, pre:]]), b_ub=-(rows @ beta - level),
            A_eq=np.r_[0, weights][None], b_eq=[theta], bounds=[(None, None)] * (1 + post))
        assert program.status == 0
        values = vertices.loading @ beta - vertices.constant - vertices.slope * theta
        assert values.max() == pytest.approx(program.fun, abs=1e-7)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 4), st.floats(0.01, 3))
def test_the_fixed_length_interval_is_the_shortest(seed, pre, post, m):
    """Against a general solver from several starts, with the largest bias by a linear program over second differences."""
    from scipy.optimize import minimize

    _, sigma, weights = random_study(seed, pre, post)
    chosen, half = FixedLength.of(sigma, weights, pre).best(m, 0.95)
    np.testing.assert_allclose(chosen[pre:], weights)
    periods = np.r_[np.arange(-pre, 0), np.arange(1, post + 1)]
    changes = np.vstack(difference_rows(pre, post, 2))
    lift = np.linalg.lstsq(changes, np.eye(len(changes)), rcond=None)[0]

    def length(early: np.ndarray) -> float:
        v = np.r_[early, 0.0, weights]
        v[pre - 1] = v @ periods
        sd = np.sqrt(v @ sigma @ v)
        return sd * folded_quantile(m * np.abs(lift.T @ v).sum() / sd, 0.95)

    # no linear trend is left in the estimator, so that adding one to the lift of each change of slope changes nothing
    assert chosen @ periods == pytest.approx(0, abs=1e-8)
    assert length(chosen[: pre - 1]) == pytest.approx(half, rel=1e-9)
    starts = [chosen[: pre - 1], np.zeros(pre - 1), np.full(pre - 1, -0.3)]
    best = min(minimize(length, start, method="Nelder-Mead", options={"maxiter": 400, "xatol": 1e-7, "fatol": 1e-10}).fun for start in starts)
    assert half <= best * (1 + 1e-6)


def test_without_any_change_of_slope_the_interval_is_that_of_the_best_extrapolated_line():
    found = did.honest_bounds(RESTAURANTS, RESTAURANTS_COVARIANCE, pre=4, post=4, restriction="smoothness", at=[0])
    # generalised least squares with the effects free and one linear trend
    design = np.column_stack([np.r_[np.arange(-4, 0), np.arange(1, 5)], np.vstack([np.zeros((4, 4)), np.eye(4)])])
    information = design.T @ np.linalg.solve(RESTAURANTS_COVARIANCE, design)
    value = np.linalg.solve(information, design.T @ np.linalg.solve(RESTAURANTS_COVARIANCE, RESTAURANTS))[1]
    half = 1.959963984540054 * np.sqrt(np.linalg.inv(information)[1, 1])
    np.testing.assert_allclose(found.table[["ci_low", "ci_high"]].to_numpy()[0], [value - half, value + half], rtol=1e-7)


def test_with_one_coefficient_before_treatment_the_line_goes_through_it():
    sigma = np.diag([0.04, 0.01])
    found = did.honest_bounds([0.5, 1.0], sigma, pre=1, post=1, restriction="smoothness", at=[0, 1])
    # effect + trend 1.0, trend -0.5 a period: 1.0 + 0.5
    half = 1.959963984540054 * np.sqrt(0.05)
    np.testing.assert_allclose(found.table[["ci_low", "ci_high"]].to_numpy()[0], [1.5 - half, 1.5 + half])
    assert found.table["ci_high"][1] - 1.5 == pytest.approx(np.sqrt(0.05) * folded_quantile(1 / np.sqrt(0.05), 0.95))


@pytest.mark.parametrize(("restriction", "method"), [
    ("relative_magnitude", "hybrid"), ("relative_magnitude", "conditional"), ("smoothness", "fixed_length"), ("smoothness", "hybrid")])
def test_larger_violations_give_wider_intervals(restriction, method):
    grid = np.array([0, 0.25, 0.5, 1, 2, 4]) * (1 if restriction == "relative_magnitude" else 0.01)
    found = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, restriction=restriction, method=method, at=grid).table
    width = (found["ci_high"] - found["ci_low"]).to_numpy()
    assert (np.diff(width) > 0).all()
    assert (np.diff(found["ci_high"]) > -1e-9).all()


def test_no_violation_gives_about_the_plain_interval_and_the_breakdown_value_ends_there():
    found = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, at=[0])
    assert found.table["ci_low"][0] == pytest.approx(found.ci_low, abs=0.1 * (found.ci_high - found.ci_low))
    assert found.table["ci_high"][0] == pytest.approx(found.ci_high, abs=0.1 * (found.ci_high - found.ci_low))
    around = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, at=[0.997 * found.breakdown, 1.003 * found.breakdown]).table
    assert list(around["excludes_no_effect"]) == [True, False]


@pytest.mark.parametrize("restriction", ["relative_magnitude", "smoothness"])
def test_sign_scale_and_df(restriction):
    plain = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, restriction=restriction)
    turned = did.honest_bounds(-1000 * MEDICAID, 1e6 * MEDICAID_COVARIANCE, pre=5, post=2, restriction=restriction)
    np.testing.assert_allclose(turned.table["ci_low"], -1000 * plain.table["ci_high"], rtol=2e-3, atol=0.02)
    scale = 1 if restriction == "relative_magnitude" else 1000
    assert turned.breakdown == pytest.approx(scale * plain.breakdown, rel=4e-3)
    few = did.honest_bounds(MEDICAID, MEDICAID_COVARIANCE, pre=5, post=2, restriction=restriction, df=11)
    assert (few.table["ci_low"] < plain.table["ci_low"]).all()
    assert (few.ci_high - few.ci_low) / (plain.ci_high - plain.ci_low) == pytest.approx(2.200985160082949 / 1.959963984540054)
    assert few.breakdown < plain.breakdown


def test_an_interval_that_includes_no_effect_has_no_breakdown_value():
    found = did.honest_bounds([0.1, -0.1, 0.05], stationary(3, 1.0), pre=2, post=1)
    assert np.isnan(found.breakdown)
    assert "already at 0" in found.breakdown_note
    assert found.breakdown_statement() in found.statement()
    assert "<table" in found._repr_html_()


def test_a_restriction_that_the_time_before_contradicts_has_no_interval():
    found = did.honest_bounds([5.0, 0.0, 1.0], stationary(3, 0.1), pre=2, post=1, restriction="smoothness", method="hybrid", at=[0, 1, 6])
    assert found.table["ci_low"].isna().tolist() == [True, True, False]
    assert not found.table["excludes_no_effect"][:2].any()
    assert np.isnan(found.breakdown) and "no effect at all is compatible" in found.breakdown_note


def test_folded_normal_quantile_and_least_favourable_value():
    from scipy.stats import foldnorm, norm

    for bias in (0, 0.1, 1, 3, 40):
        assert folded_quantile(bias, 0.95) == pytest.approx(foldnorm.ppf(0.95, bias), rel=1e-9)
    # two independent normals: P(both <= c) = 0.995; 20,000 draws
    assert least_favourable(np.eye(2), 0.995) == pytest.approx(norm.ppf(np.sqrt(0.995)), abs=0.06)


def test_far_out_truncation_stays_finite():
    sigma, beta = stationary(3, 1e-3), np.array([5.0, -4.0, 3.0])
    for vertices in relative_magnitudes(sigma, np.array([1.0]), 2, 1.0):
        assert MomentTest.of(vertices, beta, sigma, 0.05, True).accepts(np.linspace(-50, 50, 101)).dtype == bool
    found = did.honest_bounds(beta, sigma, pre=2, post=1, at=[1]).table
    # steps before: -9 and 4; the violation after is at most 9 in size
    np.testing.assert_allclose(found[["ci_low", "ci_high"]].to_numpy()[0], [-6, 12], atol=0.01)


# Coverage. delta lies on the edge of what is allowed, where the intervals are at their least.
def coverage(restriction, method, delta, pre, post, at, repeats=1000, sd=0.3, seed=5, weights=None):
    """How often theta = 0 is accepted when the coefficients are ``delta`` and noise; everything known beforehand is worked out once."""
    sigma, random = stationary(pre + post, sd), np.random.default_rng(seed)
    betas = delta + random.standard_normal((repeats, pre + post)) @ np.linalg.cholesky(sigma).T
    weights = np.eye(post)[0] if weights is None else np.asarray(weights)
    if method == "fixed_length":
        chosen, half = FixedLength.of(sigma, weights, pre).best(at, 0.95)
        return np.mean(np.abs(betas @ chosen) <= half)
    sets = (relative_magnitudes if restriction == "relative_magnitude" else smoothness)(sigma, weights, pre, at)
    tests = [MomentTest.of(vertices, np.zeros(pre + post), sigma, 0.05, method == "hybrid") for vertices in sets]
    hits = [any(replace(test, centre=vertices.loading @ beta - vertices.constant).accepts(np.zeros(1))[0]
        for test, vertices in zip(tests, sets, strict=True)) for beta in betas]
    return np.mean(hits)


WORST = 0.95 - 3 * np.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.parametrize("method", ["hybrid", "conditional"])
def test_relative_magnitudes_cover_a_violation_at_their_edge(method):
    # steps before treatment 1.5, -1.5, 1.5 into the base period; after it twice 1.5 in the first period
    delta = np.array([-1.5, 0.0, -1.5, 1.5, 3.0])
    assert coverage("relative_magnitude", method, delta, 3, 2, at=1.0) >= WORST
    # a violation twice as large as allowed is missed far more often
    beyond = np.array([-1.5, 0.0, -1.5, 3.0, 6.0])
    assert coverage("relative_magnitude", method, beyond, 3, 2, at=1.0) < 0.5


@pytest.mark.parametrize("method", ["fixed_length", "hybrid", "conditional"])
def test_smoothness_covers_a_violation_at_its_edge(method):
    m = 0.4
    changes = np.full(4, m)
    lift = np.linalg.solve(np.vstack([np.eye(5)[2], *difference_rows(3, 2, 2)]), np.eye(5)[:, 1:])
    delta = lift @ changes + 0.7 * np.array([-3, -2, -1, 1, 2])
    assert coverage("smoothness", method, delta, 3, 2, at=m, weights=[0.5, 0.5]) >= WORST
    assert coverage("smoothness", method, lift @ (4 * changes), 3, 2, at=m, weights=[0.5, 0.5]) < 0.7
