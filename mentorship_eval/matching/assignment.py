"""The best many-to-one assignment, exactly, with prices that prove it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["Assignment", "assign"]

_TOLERANCE = 1e-9  # per mentee, of scores between 0 and 1


@dataclass(frozen=True)
class Assignment:
    """mentor: for each mentee the position of their mentor, -1 for none. value: sum of scores less ``cost`` for each without a mentor.

    prices: what a place with each mentor is worth, 0 where one is free. bound: no assignment whatever has a larger value (weak duality of the
    linear program); ``gap`` is bound - value, 0 up to rounding when the assignment is the best.
    """

    mentor: np.ndarray
    value: float
    prices: np.ndarray
    bound: float

    @property
    def gap(self) -> float:
        return max(0.0, self.bound - self.value)

    @property
    def proved(self) -> bool:
        """Whether the gap is nothing but rounding."""
        return self.gap <= _TOLERANCE * max(1, len(self.mentor))


def assign(score: np.ndarray, may: np.ndarray, room: np.ndarray, *, cost: float) -> Assignment:
    """The assignment of the largest value.

    Parameters
    ----------
    score : (mentees, mentors), finite.
    may : (mentees, mentors) of bool; False is never assigned.
    room : (mentors,) whole numbers of 0 or more.
    cost : of a mentee without a mentor. A pair is never made whose score is below ``-cost``; at ``cost`` of 1 or more nearly always as many
        are matched as can be.

    Notes
    -----
    Places of a mentor are columns of their own, and so is going without (Jonker and Volgenant's algorithm, `scipy.optimize.linear_sum_assignment`).
    The prices are the longest that the optimality conditions allow, by Bellman and Ford's relaxation over mentors; the bound computed from them
    holds for any prices of 0 or more, so that the proof does not rest on the solver.
    """
    score, may, room = np.asarray(score, float), np.asarray(may, bool), np.asarray(room, int)
    if score.shape != may.shape or room.shape != score.shape[1:] or not np.isfinite(score).all() or (room < 0).any() or not np.isfinite(cost):
        raise UsageError("Scores, permissions, room and cost do not fit together.",
            fix="Give finite scores and permissions of (mentees, mentors), room of (mentors) with 0 or more, and a finite cost.")
    from scipy.optimize import linear_sum_assignment

    mentees = len(score)
    place = np.repeat(np.arange(len(room)), np.minimum(room, mentees))
    gain = np.where(may, score, -np.inf)
    columns = np.hstack([gain[:, place], np.full((mentees, mentees), -float(cost))])
    chosen = linear_sum_assignment(columns, maximize=True)[1]
    mentor = np.where(chosen < len(place), np.append(place, -1)[np.minimum(chosen, len(place))], -1)
    has = mentor >= 0
    value = float(score[np.flatnonzero(has), mentor[has]].sum() - cost * (~has).sum())
    prices = _prices(gain, room, mentor, cost)
    best = np.maximum(-cost, (gain - prices)[:, room > 0].max(axis=1, initial=-np.inf))
    return Assignment(mentor, value, prices, float(best.sum() + room @ prices))


def _prices(gain: np.ndarray, room: np.ndarray, mentor: np.ndarray, cost: float) -> np.ndarray:
    """The largest prices under which nobody who has a place would rather have another one, or none."""
    used = np.bincount(mentor[mentor >= 0], minlength=len(room))
    price = np.zeros(len(room))
    full = np.flatnonzero((used >= room) & (room > 0))
    if not len(full):
        return price
    # loss[a, k]: the least that one of the mentees of the full mentor a loses by going to k
    loss = np.full((len(full), len(room)), np.inf)
    ceiling = np.full(len(full), np.inf)
    for at, each in enumerate(full):
        rows = np.flatnonzero(mentor == each)
        own = gain[rows, each]
        loss[at] = (own[:, None] - gain[rows]).min(axis=0)
        ceiling[at] = (own + cost).min()
    loss[:, room == 0] = np.inf
    price[full] = ceiling
    for _ in range(len(full) + 1):
        better = np.minimum(ceiling, (price + loss).min(axis=1))
        if not (better < price[full] - 1e-15).any():
            break
        price[full] = np.minimum(price[full], better)
    return np.maximum(price, 0.0)
