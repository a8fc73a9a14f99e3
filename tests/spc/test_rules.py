"""Run rules: each on a series made for it, their limits against R, and how often they speak without cause."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import spc
from mentorship_eval.errors import UsageError
from mentorship_eval.spc.rules import RULE_SETS, RULE_WORDS, RULES, fewest_crossings, find_signals, longest_run, rules_of


def signals(rules, z):
    z = np.asarray(z, dtype=float)
    return [(found.points, found.direction) for found in find_signals(rules_of(rules), z, np.sign(z), z)]


def span(first, last):
    return tuple(range(first, last + 1))


def test_limits_of_runs_and_crossings():
    """R: round(log2(n)) + 3; qbinom(0.05, n - 1, 0.5)."""
    sizes = [10, 12, 15, 20, 24, 30, 36, 40, 60, 100]
    assert [longest_run(n) for n in sizes] == [6, 7, 7, 7, 8, 8, 8, 8, 9, 10]
    assert [fewest_crossings(n) for n in sizes] == [2, 3, 4, 6, 8, 10, 13, 14, 23, 41]


UP = [1, -1] * 5
CASES = [
    ("beyond_limits", [0, 3.0, 3.01, -3.2], [((2,), "high"), ((3,), "low")]),
    ("beyond_limits", [0, 3.5, 4, 0, -5, -6, 7], [((1, 2), "high"), ((4, 5), "low"), ((6,), "high")]),
    ("long_run", [*UP, *[0.5] * 8, -1, 1], [(span(10, 17), "high")]),
    ("long_run", [*UP, *[0.5] * 7, -1, 1, -1], []),
    ("long_run", [*[-0.5] * 3, 0, *[-0.5] * 5, *UP], [((0, 1, 2, 4, 5, 6, 7, 8), "low")]),
    ("long_run", [0.5] * 9, []),
    ("few_crossings", [*[1] * 5, *[-1] * 5, *[1] * 5], [(span(0, 14), "")]),
    ("few_crossings", [1, 1, -1, -1, 1, 1, -1, -1, 1, 1], []),
    ("two_of_three", [0, 2.1, 1.0, 2.2, 0], [((1, 3), "high")]),
    ("two_of_three", [0, 2.1, -2.2, 0], []),
    ("two_of_three", [2.1, 0, 0, 2.2], []),
    ("four_of_five", [1.1, 1.2, 0.9, 1.3, 1.4, 0], [((0, 1, 3, 4), "high")]),
    ("four_of_five", [1.1, 1.2, 0.9, 0.9, 1.4, 1.4, 0], []),
    ("eight_one_side", [-1, *[0.1] * 8, -1], [(span(1, 8), "high")]),
    ("eight_one_side", [0.1] * 4 + [0.0] + [0.1] * 4, []),
    ("nine_one_side", [0.1] * 8, []),
    ("six_trend", [0, 1, 2, 3, 4, 5, 4], [(span(0, 5), "rising")]),
    ("six_trend", [0, 1, 2, 3, 4, 4, 5], []),
    ("seven_trend", [0, -1, -2, -3, -4, -5, -6], [(span(0, 6), "falling")]),
    ("seven_trend", [0, 1, 2, 3, 4, 5, 4], []),
    ("seven_one_side", [-1, *[2] * 7], [(span(1, 7), "high")]),
    ("two_of_three_near_limit", [2.1, 0.1, 2.9], [((0, 2), "high")]),
    ("two_of_three_near_limit", [2.1, -0.1, 2.9], []),
    ("two_of_three_near_limit", [2.1, 0.1, 3.1], []),
    ("fourteen_alternating", [0, 1] * 7, [(span(0, 13), "")]),
    ("fourteen_alternating", [0, 1] * 6 + [0], []),
    ("fifteen_within_one", [0.9, -0.9] * 7 + [0.2], [(span(0, 14), "")]),
    ("eight_beyond_one", [1.1, -1.1] * 4, [(span(0, 7), "")]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "z", "expected"), CASES)
def test_a_rule_marks_what_it_says_and_no_more(rule, z, expected):
    assert signals(rule, z) == expected


def test_every_rule_has_a_case_and_words():
    assert set(RULE_WORDS) == set(RULES) == {rule for rule, _, _ in CASES} == {rule for rules in RULE_SETS.values() for rule in rules}


def test_a_missing_point_is_passed_over_and_keeps_its_place():
    assert signals("seven_one_side", [1, 1, np.nan, 1, 1, 1, 1, 1, -1]) == [((0, 1, 3, 4, 5, 6, 7), "high")]


def test_unknown_rules_are_refused():
    with pytest.raises(UsageError, match=r"No run rule is called 'sevn'.*making_data_count"):
        rules_of("sevn")
    assert rules_of(["long_run", "long_run"]) == ("long_run",)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-4, 4).map(lambda x: round(x, 2)), min_size=3, max_size=60))
def test_a_series_upside_down_has_the_same_signals_the_other_way(z):
    turned = {"high": "low", "low": "high", "rising": "falling", "falling": "rising", "": ""}
    for rules in RULE_SETS:
        there = sorted((points, direction) for points, direction in signals(rules, z))
        back = sorted((points, turned[direction]) for points, direction in signals(rules, [-x for x in z]))
        assert there == back


def no_signal_by_anhoej(n):
    """Exact probability that ``n`` independent fair signs have neither a long run nor few crossings, by recursion on
    (crossings so far, length of the run at the end).
    """
    longest, fewest = longest_run(n), fewest_crossings(n)
    state = np.zeros((n, longest + 1))
    state[0, 1] = 1.0
    for _ in range(n - 1):
        after = np.zeros_like(state)
        after[:, 2:] = state[:, 1:-1] / 2
        after[1:, 1] = state[:-1].sum(axis=1) / 2
        state = after
    return state[fewest:].sum()


@pytest.mark.parametrize("n", [12, 24, 36])
def test_false_signals_of_runs_about_a_known_centre_are_what_they_must_be(n):
    random = np.random.default_rng(n)
    rules = ("long_run", "few_crossings")
    draws = 1500
    hits = sum(bool(signals(rules, random.normal(size=n))) for _ in range(draws))
    exact = 1 - no_signal_by_anhoej(n)
    assert 0.03 < exact < 0.10
    assert abs(hits / draws - exact) < 4 * np.sqrt(exact * (1 - exact) / draws)


def test_rare_false_signals_of_the_three_sigma_rule_with_known_limits():
    z = np.random.default_rng(1).normal(size=200_000)
    share = sum(len(points) for points, _ in signals("shewhart", z)) / len(z)
    assert share == pytest.approx(0.0027, abs=4 * np.sqrt(0.0027 / len(z)))


def test_false_alarms_grow_with_short_baselines_more_rules_and_correlation():
    def share(**options):
        table = spc.false_signals(36, draws=600, seed=3, **options).set_index("rule")["share"]
        return table["any"]

    whole, eighteen, twelve = share(), share(baseline=18), share(baseline=12)
    assert 0.08 < whole < 0.17 and whole < eighteen < twelve and 0.27 < twelve < 0.42
    assert share(rules="shewhart") < whole < share(rules="making_data_count") and share(rules="nelson") > 1.5 * whole
    assert share(baseline=18, correlation=0.4) > 1.8 * eighteen
    again = spc.false_signals(20, draws=50, seed=1)
    assert again.equals(spc.false_signals(20, draws=50, seed=1)) and again["rule"].tolist() == ["beyond_limits", "long_run", "few_crossings", "any"]
    assert again["mc_error"].iloc[-1] == pytest.approx(np.sqrt(again["share"].iloc[-1] * (1 - again["share"].iloc[-1]) / 50))


@pytest.mark.parametrize(
    "options", [{"points": 4}, {"points": 20, "baseline": 5}, {"points": 20, "baseline": 21}, {"points": 20, "correlation": 1.0}]
)
def test_designs_that_cannot_be_simulated_are_refused(options):
    with pytest.raises(UsageError, match="cannot be simulated"):
        spc.false_signals(**options)
