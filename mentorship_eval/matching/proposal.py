"""From a pool to proposed pairs, each with its reason in words, and those who stay without a mentor."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import DataError
from mentorship_eval.matching.assignment import Assignment, assign
from mentorship_eval.matching.benchmark import RandomPairs, random_scores
from mentorship_eval.matching.fairness import Scarce, best_open, claims
from mentorship_eval.matching.pool import Pool
from mentorship_eval.matching.scores import Weights, parts_of_score, permitted, score_matrix
from mentorship_eval.matching.words import reason

__all__ = ["Proposal", "propose"]


@dataclass(frozen=True)
class Proposal:
    """pairs: mentee_id, mentor_id, status (proposed or kept), score, its parts (each 0 to 1, missing where the mentee asked for nothing of the
    kind), why, load_before, load_after, capacity, next_best, loss.

    ``next_best`` is the other permitted mentor who costs the total least, and ``loss`` the least by which the total score falls when the mentee
    goes there instead, everybody else being placed anew as well as can be (a bound, from the prices of places); both blank for kept pairs.
    unmatched: mentee_id, why, open_mentors (permitted, with room at the start), best_score (of those with room still; missing without any).
    assignment: of the pairs that were free to choose. random: what chance would score for the same free mentees and places.
    best_scores: best_score of every mentee of the pool who was free, by mentee_id. highest: the total score of the free pairs if the highest total
    were sought, where it was not; else missing.
    """

    pairs: pd.DataFrame
    unmatched: pd.DataFrame
    assignment: Assignment
    random: RandomPairs
    best_scores: pd.Series
    highest: float = float("nan")

    @property
    def mean_score(self) -> float:
        return float(self.pairs["score"].mean())

    @property
    def mean_free(self) -> float:
        """Mean score of the pairs that were free to choose: what is held against chance."""
        return float(self.pairs.loc[self.pairs["status"] == "proposed", "score"].mean())


def propose(
    pool: Pool, weights: Weights | None = None, *, keep: Mapping[str, str] | None = None, refused: Collection[tuple[str, str]] = (),
    draws: int = 100, seed: int = 0, scarce: Scarce = "total",
) -> Proposal:
    """The best pairs of a pool. ``keep``: mentee -> mentor, settled beforehand; ``refused``: (mentee, mentor) not to be proposed.

    scarce: who comes first when places are fewer than mentees (`mentorship_eval.matching.fairness`). seed: of random pairs and of lots.
    Raises DataError when a kept pair is not permitted or goes beyond a capacity.
    """
    weights, keep = weights or Weights(), dict(keep or {})
    parts = parts_of_score(pool)
    score, may, room = score_matrix(parts, weights), permitted(pool), pool.room.to_numpy()
    rows = {person: at for at, person in enumerate(pool.mentees.index)}
    columns = {person: at for at, person in enumerate(pool.mentors.index)}
    mentor, left = np.full(len(rows), -1), room.copy()
    for one, other in keep.items():
        if one not in rows or other not in columns or not may[rows[one], columns[other]] or left[columns[other]] < 1:
            raise DataError(f"The pair of {one} and {other} cannot be kept.", fix="It must be permitted, and the mentor have room.")
        mentor[rows[one]] = columns[other]
        left[columns[other]] -= 1
    for one, other in refused:
        if one in rows and other in columns:
            may[rows[one], columns[other]] = False
    free = np.flatnonzero(mentor < 0)
    best = best_open(score, may & (left > 0))
    claim = claims(best, scarce, seed)
    found = assign(score[free] + claim[free, None], may[free], left, cost=weights.unmatched)
    highest = assign(score[free], may[free], left, cost=weights.unmatched) if scarce == "equal" else None
    chance = random_scores(score[free], may[free], left, draws=draws, seed=seed)
    mentor[free] = found.mentor
    worth = np.where(may & (left > 0), score - found.prices, -np.inf)
    return Proposal(
        _pairs(pool, parts, score, worth, mentor, set(keep)), _unmatched(pool, may, mentor, best), found, chance,
        pd.Series(best[free], index=pool.mentees.index[free], name="best_score"),
        _total(score[free], highest.mentor) if highest is not None else float("nan"),
    )


def _total(score: np.ndarray, mentor: np.ndarray) -> float:
    has = np.flatnonzero(mentor >= 0)
    return float(score[has, mentor[has]].sum())


def _pairs(
    pool: Pool, parts: dict[str, np.ndarray], score: np.ndarray, worth: np.ndarray, mentor: np.ndarray, kept: set[str]
) -> pd.DataFrame:
    """``worth``: (mentees, mentors), score less the price of the place; -inf where the pair cannot be proposed."""
    load, capacity = pool.mentors["load"].to_numpy(int), pool.mentors["capacity"].to_numpy(int)
    taken = np.bincount(mentor[mentor >= 0], minlength=len(load))
    said, made = {kind: pool.said(kind) for kind in ("seeks", "offers", "same")}, []
    for row in np.flatnonzero(mentor >= 0):
        column = mentor[row]
        others = worth[row].copy()
        others[column] = -np.inf
        other = int(others.argmax())
        mentee, chosen = pool.mentees.index[row], pool.mentors.index[column]
        there = bool(np.isfinite(others[other])) and mentee not in kept
        made.append({
            "mentee_id": mentee, "mentor_id": chosen, "status": "kept" if mentee in kept else "proposed",
            "score": round(float(score[row, column]), 4), **{name: round(float(array[row, column]), 4) for name, array in parts.items()},
            "why": reason(pool, said, {name: array[row, column] for name, array in parts.items()}, mentee, chosen),
            "load_before": load[column], "load_after": load[column] + taken[column], "capacity": capacity[column],
            "next_best": pool.mentors.index[other] if there else "",
            "loss": round(max(0.0, float(worth[row, column] - others[other])), 4) if there else np.nan,
        })
    names = ["mentee_id", "mentor_id", "status", "score", *parts, "why", "load_before", "load_after", "capacity", "next_best", "loss"]
    return pd.DataFrame(made, columns=names)


def _unmatched(pool: Pool, may: np.ndarray, mentor: np.ndarray, best: np.ndarray) -> pd.DataFrame:
    open_to = (may & (pool.room.to_numpy() > 0)).sum(axis=1)
    rows = np.flatnonzero(mentor < 0)
    why = np.where(open_to[rows] > 0, "the places open to them went to others", "no mentor with room is permitted").astype(object)
    return pd.DataFrame({"mentee_id": pool.mentees.index[rows], "why": why, "open_mentors": open_to[rows], "best_score": best[rows].round(4)})
