"""Scores by hand, exclusions from both sides, reasons in words, and the bound on what a change costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.matching import Pool, Weights, assign, parts_of_score, permitted, propose, score_matrix


def pool(wishes: list[tuple[str, str, str]], capacity: tuple[int, ...] = (2, 1, 1), load: tuple[int, ...] = (1, 0, 0)) -> Pool:
    mentees = pd.DataFrame({"profession": ["nurse", "nurse", None], "gender": ["f", "m", None]}, index=["e1", "e2", "e3"], dtype=object)
    mentors = pd.DataFrame({"profession": ["nurse", "physician", "nurse"], "gender": ["f", "f", None]}, index=["m1", "m2", "e1"], dtype=object)
    mentors = mentors.assign(capacity=capacity, load=load)
    return Pool(mentees, mentors, pd.DataFrame(wishes, columns=["staff_id", "kind", "value"]))


WISHES = [
    ("e1", "seeks", "clinical"), ("e1", "seeks", "career"), ("m2", "offers", "clinical"), ("m1", "offers", "research"), ("e1", "same", "gender"),
    ("e2", "prefers", "m2"), ("e2", "excludes", "e1"), ("m1", "managed_by", "e2"),
]


def test_scores_by_hand() -> None:
    made = pool(WISHES)
    score = score_matrix(parts_of_score(made), Weights())
    # e1 asks for goals (0.4), field (0.2) and concordance (0.2); with m1: none, same profession, same gender
    assert score[0, 0] == pytest.approx(0.4 / 0.8)
    # with m2: one of two goals, another profession, same gender
    assert score[0, 1] == pytest.approx((0.4 * 0.5 + 0.2) / 0.8)
    # e2: field and the mentor who was named
    assert score[1] == pytest.approx([0.5, 0.5, 0.5])
    # of e3 nothing is known: an unknown profession is not like another one
    assert score[2] == pytest.approx([0, 0, 0])


def test_nobody_is_paired_with_self_manager_managed_or_whom_either_rules_out() -> None:
    may = permitted(pool([*WISHES, ("m2", "excludes", "e3")]))
    assert may.tolist() == [[True, True, False], [False, True, False], [True, False, True]]


def test_a_proposal_says_why() -> None:
    made = propose(pool(WISHES), draws=2)
    pairs = made.pairs.set_index("mentee_id")
    assert pairs.loc["e1", "mentor_id"] == "m1" and pairs.loc["e2", "mentor_id"] == "m2"
    assert pairs.loc["e1", "why"] == "does not offer career, clinical; same profession; alike as wished in gender"
    assert pairs.loc["e2", "why"] == "another profession; named by the mentee"
    assert pairs.loc["e3", "why"] == "nothing is known of what the mentee wants"
    assert pairs.loc["e1", ["load_before", "load_after", "capacity"]].tolist() == [1, 2, 2]
    assert made.assignment.proved and made.unmatched.empty


def test_who_stays_without_a_mentor_is_told_why() -> None:
    made = propose(pool([*WISHES, *(("e2", "excludes", other) for other in ("m1", "m2"))], capacity=(1, 1, 0)), draws=2)
    told = made.unmatched.set_index("mentee_id")
    assert told.loc["e2", ["why", "open_mentors"]].tolist() == ["no mentor with room is permitted", 0]
    assert told.loc["e3", ["why", "open_mentors"]].tolist() == ["the places open to them went to others", 1]


def test_kept_pairs_stay_and_refused_ones_go() -> None:
    made = propose(pool(WISHES), keep={"e3": "m2"}, refused=[("e1", "m1")], draws=2)
    pairs = made.pairs.set_index("mentee_id")
    assert pairs.loc["e3", ["mentor_id", "status"]].tolist() == ["m2", "kept"]
    assert set(made.unmatched["mentee_id"]) == {"e1", "e2"}
    with pytest.raises(DataError, match="cannot be kept"):
        propose(pool(WISHES), keep={"e2": "m1"}, draws=2)
    with pytest.raises(DataError, match="cannot be kept"):
        propose(pool(WISHES), keep={"e1": "m2", "e3": "m2"}, draws=2)


def test_a_change_costs_at_least_what_is_told() -> None:
    rng = np.random.default_rng(5)
    domains = [f"d{i}" for i in range(6)]
    mentees, mentors = [f"e{i:02}" for i in range(18)], [f"m{i}" for i in range(7)]
    wishes = [(person, "seeks", value) for person in mentees for value in rng.choice(domains, 3, replace=False)]
    wishes += [(person, "offers", value) for person in mentors for value in rng.choice(domains, 3, replace=False)]
    field = pd.Series(rng.choice(["a", "b"], 25), index=[*mentees, *mentors], dtype=object)
    made = Pool(
        pd.DataFrame({"profession": field[mentees]}), pd.DataFrame({"profession": field[mentors], "capacity": 2, "load": 0}),
        pd.DataFrame(wishes, columns=["staff_id", "kind", "value"]),
    )
    proposal, score, may = propose(made, draws=2), score_matrix(parts_of_score(made), Weights()), permitted(made)
    assert (proposal.pairs["loss"] > 0).any()
    for pair in proposal.pairs.itertuples():
        forced = may.copy()
        row = mentees.index(pair.mentee_id)
        forced[row] = [mentor == pair.next_best for mentor in mentors]
        bonus = score.copy()
        bonus[row] += 100  # so that the pair is made
        after = assign(bonus, forced, made.room.to_numpy(), cost=1.0).value - 100
        assert proposal.assignment.value - after >= pair.loss - 1e-4


@pytest.mark.parametrize("wish", [("e1", "sekes", "x"), ("e1", "same", "shoe size")])
def test_a_wish_that_is_not_understood_stops_the_work(wish: tuple[str, str, str]) -> None:
    with pytest.raises(DataError):
        pool([wish])


@pytest.mark.parametrize("weights", [{"goals": -1}, {"unmatched": float("nan")}, {"goals": 0, "field": 0, "concordance": 0, "preference": 0}])
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Weights(**weights)
