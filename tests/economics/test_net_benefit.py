"""The engine of costs: closed forms where everything is normal, properties on random input, no ratio through zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.economics.amounts import LAWS, Amount
from mentorship_eval.economics.net_benefit import (
    Effect,
    Simulated,
    acceptability,
    break_even,
    discount_factor,
    normal_acceptability,
    one_way,
    simulate,
)
from mentorship_eval.errors import UsageError

MONEY = st.floats(1, 1e6)
WORTH = Amount("a leaver", 10_000, 10_000, 10_000)


def test_acceptability_equals_the_closed_form_where_everything_is_normal():
    effect, draws = Effect(8.0, 5.0), 40_000
    rng = np.random.default_rng(1)
    normal = Simulated(effect.draw(rng, draws), np.full(draws, 10_000.0), rng.normal(50_000, 8_000, (1, draws)))
    worths = np.array([2_000.0, 6_000.0, 10_000.0, 40_000.0])
    exact = normal_acceptability(effect, 50_000, 8_000, worths)
    assert np.abs(acceptability(normal, worths) - exact).max() < 4 * np.sqrt(0.25 / draws)
    share, error = normal.probability()
    assert abs(share - exact[2]) < 4 * error and 0 < error < 0.003


def test_with_no_effect_and_no_cost_the_probability_is_one_half_and_a_cost_takes_from_it():
    shares = [simulate(Effect(0, 5), WORTH, [Amount("programme", c, c, c)], draws=20_000, seed=3).probability() for c in (0.0, 20_000.0)]
    assert abs(shares[0][0] - 0.5) < 4 * shares[0][1]
    assert abs(shares[1][0] - normal_acceptability(Effect(0, 5), 20_000, 0, np.array([10_000.0]))[0]) < 4 * shares[1][1]


@pytest.mark.parametrize("law", LAWS)
def test_laws_stay_above_zero_and_gamma_keeps_mean_and_range(law):
    amount = Amount("training", 180, 120, 260)
    drawn = amount.draw(np.random.default_rng(2), 50_000, law)
    assert (drawn >= 0).all()
    if law == "gamma":
        assert abs(drawn.mean() - 180) < 1 and abs(drawn.std() - 140 / 3.92) < 0.6
    else:
        assert drawn.min() >= 120 and drawn.max() <= 260


@settings(max_examples=25, deadline=None)
@given(st.floats(-50, 50), st.floats(0.1, 30), st.one_of(st.none(), st.floats(1, 40)), MONEY, MONEY)
def test_shares_add_up_and_more_worth_never_helps_a_programme_that_adds_leavers(value, se, df, worth, cost):
    done = simulate(Effect(value, se, df), Amount("w", worth, worth / 2, worth * 2), [Amount("c", cost, cost, cost)], draws=500, seed=1)
    quadrants = done.quadrants()
    assert sum(quadrants.values()) == pytest.approx(1)
    # what is not avoided cannot pay
    assert list(quadrants.values())[3] == 0
    curve = acceptability(done, np.array([0.0, worth / 2, worth, 10 * worth]))
    assert curve[0] == 0 and (np.diff(curve) >= 0).all() and curve[-1] <= (done.avoided > 0).mean()
    again = simulate(Effect(value, se, df), Amount("w", worth, worth / 2, worth * 2), [Amount("c", cost, cost, cost)], draws=500, seed=1)
    assert (again.net == done.net).all()


def test_no_cost_per_leaver_where_none_may_have_been_avoided():
    cost = [Amount("c", 1000, 800, 1200)]
    assert simulate(Effect(5, 5), WORTH, cost, draws=4000, seed=0).cost_per_event() is None
    low, high = simulate(Effect(50, 5), WORTH, cost, draws=4000, seed=0).cost_per_event()
    assert low < 1000 / 50 < high
    # wide tails: a few draws at or below zero stand at the dear end
    low, high = simulate(Effect(5, 1, 4), WORTH, cost, draws=4000, seed=0).cost_per_event()
    assert 0 < low < 200 < high < np.inf


def test_the_cost_of_one_event_avoided_has_the_limits_of_fieller():
    # (c - r m)^2 = q^2 (s_c^2 + r^2 s^2) for a normal cost and effect; error of a 2.5 % quantile among 200,000: 0.035 %
    effect, cost, cost_se, draws, q = Effect(20.0, 4.0), 50_000.0, 5_000.0, 200_000, 1.959964
    rng = np.random.default_rng(5)
    low, high = Simulated(effect.draw(rng, draws), np.ones(draws), rng.normal(cost, cost_se, (1, draws))).cost_per_event()
    ends = np.roots([400 - (q * 4) ** 2, -2 * 20 * cost, cost**2 - (q * cost_se) ** 2])
    assert low == pytest.approx(min(ends), rel=0.01) and high == pytest.approx(max(ends), rel=0.02)


def test_no_return_on_a_cost_that_may_be_next_to_nothing():
    sure, vague = Amount("c", 1000, 800, 1200), Amount("c", 1000, 0, 4000)
    low, high = simulate(Effect(5, 1), WORTH, [sure], draws=4000, seed=0).return_on_cost()
    assert low < (5 * 10_000 - 1000) / 1000 < high
    assert simulate(Effect(5, 1), WORTH, [vague], draws=4000, seed=0).return_on_cost() is None
    assert simulate(Effect(5, 1), WORTH, [], draws=4000, seed=0).return_on_cost() is None


@settings(max_examples=20, deadline=None)
@given(st.floats(-40, 40), st.floats(0.5, 30), st.lists(st.tuples(MONEY, st.floats(0, 1), st.floats(0, 3)), min_size=1, max_size=5))
def test_the_plane_the_curve_and_the_tornado_agree_with_each_other(value, se, given_costs):
    effect, worth = Effect(value, se, 11), Amount("w", 10_000, 4_000, 22_000)
    costs = [Amount(f"c{i}", c, c * (1 - down), c * (1 + up)) for i, (c, down, up) in enumerate(given_costs)]
    done = simulate(effect, worth, costs, draws=400, seed=2)
    good, dear, dominated, absurd = done.quadrants().values()
    assert good + dear == pytest.approx((done.avoided > 0).mean()) and good == done.probability()[0] and absurd == 0
    # from nothing at no value to all draws that avoid any at a boundless one, and never down
    curve = acceptability(done, np.r_[0.0, np.geomspace(1, 1e12, 30)])
    assert curve[0] == 0 and (np.diff(curve) >= 0).all() and curve[-1] == pytest.approx(good + dear)
    if dominated == 1:
        assert done.cost_per_event() is None and curve[-1] == 0
    bars = one_way(effect, worth, costs)
    widths = [abs(high - low) for *_, low, high in bars]
    assert widths == sorted(widths, reverse=True) and {label for label, *_ in bars} == {"", "w", *(c.label for c in costs)}
    base = value * worth.value - sum(c.value for c in costs)
    for label, _, _, low, high in bars:
        assert min(low, high) - 1e-6 * abs(base) - 1e-6 <= base <= max(low, high) + 1e-6 * abs(base) + 1e-6
        assert not label.startswith("c") or high <= low


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(MONEY, st.floats(0.05, 0.9), st.floats(0.05, 2)), min_size=2, max_size=4))
def test_costs_that_move_together_widen_the_interval_of_their_sum_and_leave_its_mean(given_costs):
    costs = [Amount(f"c{i}", c, c * (1 - down), c * (1 + up)) for i, (c, down, up) in enumerate(given_costs)]
    apart = simulate(Effect(0, 0), WORTH, costs, draws=1000, seed=1)
    joined = apart.together()
    assert joined.cost.mean() == pytest.approx(apart.cost.mean()) and joined.cost.std() >= apart.cost.std()
    # of a common rank: the quantile of the sum is the sum of the quantiles
    assert np.quantile(joined.cost, 0.975) == pytest.approx(sum(np.quantile(item, 0.975) for item in apart.items))
    half = apart.scaled(2.0, [0.5] * len(costs))
    assert np.allclose(half.cost, apart.cost / 2) and (half.avoided == 2 * apart.avoided).all()


def test_a_range_that_no_gamma_law_can_keep_to_is_told():
    assert Amount("x", 12_000, 5_000, 25_000).strays() is None and Amount("x", 10, 10, 10).strays() is None
    low, high = Amount("x", 100, 100, 200).strays()
    drawn = Amount("x", 100, 100, 200).draw(np.random.default_rng(0), 50_000)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([low, high], rel=0.02) and low < 60


def test_one_way_ranges_and_break_even_by_hand():
    effect, worth = Effect(4, 1), Amount("leaver", 100, 50, 150)
    rows = {row[0]: row for row in one_way(effect, worth, [Amount("c", 200, 150, 300)])}
    assert rows["leaver"][3:] == (0, 400) and rows["c"][3:] == (250, 100)
    assert rows[""][3] == pytest.approx(100 * (4 - 1.959964) - 200)
    assert break_even(effect, worth, [Amount("c", 200, 150, 300)]) == (2, 50)
    assert np.isnan(break_even(Effect(-1, 1), worth, [Amount("c", 200, 150, 300)])[1])
    assert discount_factor(np.array([0.5, 0.5]), 0.035) == pytest.approx(0.5 + 0.5 / 1.035)


def test_impossible_input_is_refused():
    for bad in ((10, 11, 12), (10, 5, 9), (-1, -2, 3), (float("nan"), 0, 1)):
        with pytest.raises(UsageError):
            Amount("x", *bad)
    with pytest.raises(UsageError):
        Effect(1, float("nan"))
    with pytest.raises(UsageError):
        Amount("x", 10, 5, 20).draw(np.random.default_rng(0), 3, "normal")
    with pytest.raises(UsageError):
        simulate(Effect(1, 1), WORTH, [], draws=0, seed=0)
