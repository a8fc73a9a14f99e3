"""Limits of proportions and rates against published numbers, and against their own definitions solved by bisection."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.proportions import gamma_limits, newcombe, poisson_limits, rate_difference_limits, wilson


@pytest.mark.parametrize(
    ("events", "n", "expected"),
    [
        # R: prop.test(x, n, correct = FALSE)$conf.int
        (81, 263, (0.255288520, 0.366209577)),
        (15, 148, (0.0623863995, 0.1604872417)),
        (0, 20, (0.0, 0.161125158)),
        (1, 29, (0.00611321429, 0.17175521879)),
        (0, 18, (0.0, 0.175879224)),
    ],
)
def test_wilson_against_r(events, n, expected):
    assert wilson(events, n) == pytest.approx(expected, abs=5e-9)


def test_wilson_at_the_ends_and_without_people():
    assert wilson(0, 18)[0] == 0.0 and wilson(18, 18)[1] == 1.0
    assert wilson(18, 18)[0] == pytest.approx(1 - wilson(0, 18)[1], abs=1e-15)
    assert all(math.isnan(limit) for limit in wilson(0, 0))
    with pytest.raises(UsageError):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Newcombe 1998, table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
    ],
)
def test_newcombe_against_the_published_examples(table, expected):
    assert newcombe(*table) == pytest.approx(expected, abs=5e-5)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_newcombe_is_antisymmetric_holds_the_difference_and_stays_in_range(a, rest_a, b, rest_b):
    n, m = a + rest_a, b + rest_b
    if not (n and m):
        assert math.isnan(newcombe(a, n, b, m)[0])
        return
    low, high = newcombe(a, n, b, m)
    assert -1 - 1e-12 <= low <= a / n - b / m <= high <= 1 + 1e-12
    assert newcombe(b, m, a, n) == pytest.approx((-high, -low), abs=1e-12)


def poisson_tail(k: int, mean: float) -> float:
    """P(X <= k), term by term."""
    term = total = math.exp(-mean)
    for i in range(1, k + 1):
        term *= mean / i
        total += term
    return total


def bisect(function, low: float, high: float) -> float:
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize("events", [0, 1, 2, 5, 18, 60])
def test_poisson_limits_are_where_the_tails_hold_two_and_a_half_per_cent(events):
    low, high = poisson_limits(events, 50.0)
    assert high * 50 == pytest.approx(bisect(lambda mean: poisson_tail(events, mean) - 0.025, 0, 200), abs=1e-9)
    expected = bisect(lambda mean: 0.025 - (1 - poisson_tail(events - 1, mean)), 0, 200) if events else 0.0
    assert low * 50 == pytest.approx(expected, abs=1e-9)
    assert math.isnan(poisson_limits(events, 0.0)[0])


def test_no_event_leaves_room_for_three_point_seven():
    assert poisson_limits(0) == pytest.approx((0.0, 3.688879), abs=1e-6)


def test_gamma_limits_with_equal_weights_are_the_poisson_limits_scaled():
    assert gamma_limits(7 * 0.6, 7 * 0.36, 0.6, 10.0) == pytest.approx([0.6 * limit for limit in poisson_limits(7, 10.0)], rel=1e-12)
    with pytest.raises(UsageError):
        gamma_limits(-1.0, 1.0, 1.0)


def test_the_difference_of_two_rates_holds_for_no_events():
    low, high = rate_difference_limits(0, 4.5, 12, 60.0)
    assert low < -0.2 < high
    assert high == pytest.approx(-0.2 + math.hypot(3.688879 / 4.5, 0.2 - poisson_limits(12, 60.0)[0]), abs=1e-6)
    assert rate_difference_limits(12, 60.0, 0, 4.5) == pytest.approx((-high, -low))
    assert math.isnan(rate_difference_limits(0, 0.0, 12, 60.0)[0])
