"""Scarce places: what each objective says, that it is met exactly, and that lots decide between equals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.matching import Pool, assign, best_open, claims, propose, score_matrix
from mentorship_eval.matching.scores import Weights, parts_of_score, permitted
from tests.matching.test_assignment import brute_force, case


def equal(score: np.ndarray, may: np.ndarray, room: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float]:
    """The mentors, and by how much in all those with one fall short of the best that was open to them."""
    best = best_open(score, may & (room > 0))
    found = assign(score + claims(best, "equal", seed)[:, None], may, room, cost=1.0)
    assert found.proved
    has = np.flatnonzero(found.mentor >= 0)
    return found.mentor, float((best[has] - score[has, found.mentor[has]]).sum())


@pytest.mark.parametrize("seed", range(12))
def test_an_equal_claim_is_what_it_says_and_met_exactly(seed: int) -> None:
    score, may, room = case(seed, 5, 3)
    room = np.minimum(room, 1)
    best = best_open(score, may & (room > 0))
    stated = np.where(may, 1 - (best[:, None] - score), 0.0)
    mentor, short = equal(score, may, room, seed)
    has = mentor >= 0
    assert has.sum() - short - (~has).sum() == pytest.approx(brute_force(np.nan_to_num(stated), may, room, 1.0), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), mentees=st.integers(1, 25), mentors=st.integers(1, 8))
def test_how_easily_somebody_is_suited_moves_no_claim(seed: int, mentees: int, mentors: int) -> None:
    score, may, room = case(seed, mentees, mentors)
    mentor, short = equal(score, may, room, seed)
    lifted = score + np.random.default_rng(seed).random((mentees, 1))
    again, shorter = equal(lifted, may, room, seed)
    assert (again >= 0).tolist() == (mentor >= 0).tolist() and shorter == pytest.approx(short, abs=1e-7)


def test_the_hard_to_suit_are_passed_over_by_the_total_alone() -> None:
    score, may, room = np.array([[0.9], [0.3], [0.8]]), np.ones((3, 1), bool), np.array([1])
    best = best_open(score, may)
    total = {int(np.flatnonzero(assign(score + claims(best, "total", seed)[:, None], may, room, cost=1.0).mentor >= 0)[0]) for seed in range(40)}
    got = [int(np.flatnonzero(equal(score, may, room, seed)[0] >= 0)[0]) for seed in range(600)]
    assert total == {0}
    # 600 lots between three: 200 each, give or take 4 standard deviations
    assert np.abs(np.bincount(got, minlength=3) - 200).max() < 47


def test_equals_are_settled_by_lot_not_by_their_ids() -> None:
    score, may, room = np.full((4, 2), 0.5), np.ones((4, 2), bool), np.array([1, 1])
    sets = {tuple(np.flatnonzero(assign(score + claims(best_open(score, may), "total", seed)[:, None], may, room, cost=1.0).mentor >= 0))
            for seed in range(60)}  # fmt: skip
    assert len(sets) == 6


def test_nobody_without_an_open_mentor_is_counted() -> None:
    best = best_open(np.array([[0.4, 0.9], [0.2, 0.1]]), np.array([[True, False], [False, False]]))
    assert best[0] == 0.4 and np.isnan(best[1]) and np.isfinite(claims(best, "equal", 0)).all()
    assert best_open(np.zeros((2, 0)), np.zeros((2, 0), bool)).shape == (2,)
    with pytest.raises(UsageError, match="total or equal"):
        claims(best, "worst", 0)  # type: ignore[arg-type]


def scarce_pool(seed: int, mentees: int, mentors: int) -> Pool:
    """Wishes of every kind, exclusions and managers among them, and fewer places than mentees."""
    rng = np.random.default_rng(seed)
    ours, theirs = [f"e{i:02}" for i in range(mentees)], [f"m{i}" for i in range(mentors)]
    field = pd.Series(rng.choice(["a", "b"], mentees + mentors), index=[*ours, *theirs], dtype=object)
    wishes = [(person, "seeks", value) for person in ours for value in rng.choice(list("wxyz"), 1 + rng.integers(3), replace=False)]
    wishes += [(person, "offers", value) for person in theirs for value in rng.choice(list("wxyz"), 2, replace=False)]
    wishes += [(str(rng.choice(ours)), kind, str(rng.choice(theirs))) for kind in ("prefers", "excludes", "managed_by") for _ in range(mentees // 3)]
    wishes += [(str(rng.choice(theirs)), "excludes", str(rng.choice(ours))) for _ in range(3)]
    wishes += [(person, "same", "profession") for person in ours[::3]]
    offering = pd.DataFrame({"profession": field[theirs], "capacity": rng.integers(0, 4, mentors), "load": rng.integers(0, 3, mentors)})
    return Pool(pd.DataFrame({"profession": field[ours]}), offering, pd.DataFrame(wishes, columns=["staff_id", "kind", "value"]).drop_duplicates())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), mentees=st.integers(1, 24), mentors=st.integers(1, 6), scarce=st.sampled_from(["total", "equal"]))
def test_no_rule_is_broken_whatever_is_sought(seed: int, mentees: int, mentors: int, scarce: str) -> None:
    pool = scarce_pool(seed, mentees, mentors)
    made = propose(pool, draws=2, seed=seed, scarce=scarce)  # type: ignore[arg-type]
    told = pool.wishes[pool.wishes["kind"].isin(["excludes", "managed_by"])]
    forbidden = {frozenset(pair) for pair in told[["staff_id", "value"]].to_numpy().tolist()}
    assert not {frozenset(pair) for pair in made.pairs[["mentee_id", "mentor_id"]].to_numpy().tolist()} & forbidden
    used = made.pairs["mentor_id"].value_counts().reindex(pool.mentors.index, fill_value=0)
    assert (used + pool.mentors["load"] <= pool.mentors["capacity"].clip(lower=pool.mentors["load"])).all()
    assert sorted([*made.pairs["mentee_id"], *made.unmatched["mentee_id"]]) == list(pool.mentees.index) and made.assignment.proved
    score, may = score_matrix(parts_of_score(pool), Weights()), permitted(pool)
    best = best_open(score, may & (pool.room.to_numpy() > 0))
    assert made.best_scores.to_numpy() == pytest.approx(best, nan_ok=True)
    if scarce == "equal":
        total = assign(score, may, pool.room.to_numpy(), cost=1.0)
        has = np.flatnonzero(total.mentor >= 0)
        assert total.value >= made.pairs["score"].sum() - len(made.unmatched) - 1e-3
        assert made.highest == pytest.approx(score[has, total.mentor[has]].sum())
    else:
        assert np.isnan(made.highest)
