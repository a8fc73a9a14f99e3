"""The assignment is the best, as brute force finds it; it proves so itself; and no rule is ever broken."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.matching import assign, random_scores


def brute_force(score: np.ndarray, may: np.ndarray, room: np.ndarray, cost: float) -> float:
    """The largest value over every assignment there is."""
    best = -np.inf
    for chosen in itertools.product(range(-1, score.shape[1]), repeat=len(score)):
        mentor = np.array(chosen)
        has = np.flatnonzero(mentor >= 0)
        if not may[has, mentor[has]].all() or (np.bincount(mentor[has], minlength=len(room)) > room).any():
            continue
        best = max(best, score[has, mentor[has]].sum() - cost * (len(score) - len(has)))
    return float(best)


def case(seed: int, mentees: int, mentors: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of one decimal, so that ties are many; a fifth of the pairs forbidden."""
    rng = np.random.default_rng(seed)
    return np.round(rng.random((mentees, mentors)), 1), rng.random((mentees, mentors)) > 0.2, rng.integers(0, 4, mentors)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("cost", [-0.4, 0.0, 1.0])
def test_it_is_the_best_of_all(seed: int, cost: float) -> None:
    score, may, room = case(seed, 1 + seed % 5, 1 + seed % 4)
    found = assign(score, may, room, cost=cost)
    assert found.value == pytest.approx(brute_force(score, may, room, cost), abs=1e-12)
    assert found.proved


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), mentees=st.integers(0, 40), mentors=st.integers(0, 15), cost=st.sampled_from([0.0, 0.3, 1.0]))
def test_no_rule_is_broken_and_the_prices_prove_the_rest(seed: int, mentees: int, mentors: int, cost: float) -> None:
    score, may, room = case(seed, mentees, mentors)
    found = assign(score, may, room, cost=cost)
    has = np.flatnonzero(found.mentor >= 0)
    used = np.bincount(found.mentor[has], minlength=mentors)
    assert may[has, found.mentor[has]].all() and (used <= room).all()
    # the certificate, written out: any prices of 0 or more bound every assignment from above; here the bound is met
    assert (found.prices >= 0).all() and (found.prices[used < room] == 0).all()
    reach = np.where(may & (room > 0), score - found.prices, -np.inf)
    bound = np.maximum(reach.max(axis=1, initial=-np.inf), -cost).sum() + room @ found.prices
    assert bound == pytest.approx(found.value, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("places", [1, 4])
def test_a_whole_round_is_proved_the_best_and_more_than_a_greedy_one(places: int) -> None:
    """400 mentees and 160 mentors, with fewer places than mentees and with more: the prices meet the value, and a greedy round stays below it."""
    rng = np.random.default_rng(5)
    # some mentors suit nearly everybody
    score, may = np.round((rng.random((400, 160)) + rng.random(160)) / 2, 2), rng.random((400, 160)) > 0.2
    room = rng.integers(places, places + 2, 160)
    found = assign(score, may, room, cost=1.0)
    assert found.proved and abs(found.gap) < 1e-9
    has = np.flatnonzero(found.mentor >= 0)
    assert len(has) == min(400, room.sum())
    assert may[has, found.mentor[has]].all() and (np.bincount(found.mentor[has], minlength=160) <= room).all()
    left, greedy = room.copy(), 0.0
    for mentee in range(400):
        open_ = np.where(may[mentee] & (left > 0), score[mentee], -np.inf)
        at = int(open_.argmax())
        greedy += open_[at] if np.isfinite(open_[at]) else -1.0
        left[at] -= int(np.isfinite(open_[at]))
    assert greedy < found.value - 1


def test_a_worse_assignment_would_not_pass_as_proved() -> None:
    found = assign(np.array([[0.9, 0.1], [0.8, 0.7]]), np.ones((2, 2), bool), np.array([1, 1]), cost=1.0)
    assert list(found.mentor) == [0, 1] and found.proved
    worse = type(found)(found.mentor[::-1], 0.9, found.prices, found.bound)
    assert worse.gap == pytest.approx(0.7) and not worse.proved


def test_a_mentee_without_a_mentor_costs_what_is_stated() -> None:
    score, may, room = np.array([[0.2], [0.9]]), np.ones((2, 1), bool), np.array([1])
    assert list(assign(score, may, room, cost=1.0).mentor) == [-1, 0]
    assert list(assign(score, may, np.array([2]), cost=-0.5).mentor) == [-1, 0]
    assert list(assign(score, may, np.array([2]), cost=0.0).mentor) == [0, 0]


@pytest.mark.parametrize(
    ("score", "room", "cost"), [([[np.nan]], [1], 1.0), ([[0.5]], [-1], 1.0), ([[0.5]], [1, 1], 1.0), ([[0.5]], [1], np.inf)]
)
def test_what_does_not_fit_is_refused(score: list, room: list, cost: float) -> None:
    with pytest.raises(UsageError, match="do not fit together"):
        assign(np.array(score), np.ones((1, 1), bool), np.array(room), cost=cost)


def test_random_pairs_score_what_chance_gives() -> None:
    rng = np.random.default_rng(3)
    score, room = rng.random((30, 10)), np.full(10, 3)
    drawn = random_scores(score, np.ones((30, 10), bool), room, draws=400)
    low, high = drawn.interval
    # every place filled by symmetry with every mentee as often: the mean of the whole matrix
    assert abs(drawn.mean - score.mean()) < 3.3 * (high - low) / 3.92
    assert (drawn.matched == 30).all() and high - low < 0.02


def test_random_pairs_keep_the_rules() -> None:
    may = np.array([[True, False], [True, False], [False, False]])
    drawn = random_scores(np.where(may, 0.5, 99.0), may, np.array([1, 5]), draws=20)
    assert (drawn.matched == 1).all() and drawn.means == pytest.approx(0.5)
    with pytest.raises(UsageError):
        random_scores(np.zeros((1, 1)), may[:1, :1], np.array([1]), draws=1)


def test_each_permitted_mentor_is_as_likely_as_another() -> None:
    """Of forty three may: found whether a draw from all hits one of them or those who may are listed."""
    may = np.zeros((1, 40), bool)
    may[0, [3, 17, 39]] = True
    drawn = random_scores(np.arange(40.0)[None, :], may, np.ones(40, int), draws=3000)
    mentors, times = np.unique(drawn.means, return_counts=True)
    # 3,000 draws between three: 1,000 each, give or take 4 standard deviations
    assert mentors.tolist() == [3, 17, 39] and np.abs(times - 1000).max() < 104
