"""What pairs drawn at random would score, under the same rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["RandomPairs", "random_scores"]

_TRIES = 8


@dataclass(frozen=True)
class RandomPairs:
    """means: the mean score of the pairs of each draw that made any. matched: mentees with a mentor, by draw."""

    means: np.ndarray
    matched: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.means.mean()) if len(self.means) else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Monte-Carlo interval of the mean over draws: how well these many draws tell it, not how draws differ."""
        if len(self.means) < 2:
            return float("nan"), float("nan")
        half = 1.96 * float(self.means.std(ddof=1)) / len(self.means) ** 0.5
        return self.mean - half, self.mean + half


def random_scores(score: np.ndarray, may: np.ndarray, room: np.ndarray, *, draws: int = 100, seed: int = 0) -> RandomPairs:
    """Mentees in random order, each to a random permitted mentor with room, every such mentor as likely as another.

    score, may: (mentees, mentors); room: (mentors,).
    """
    if draws < 2:
        raise UsageError(f"{draws} draws tell no interval.", fix="Ask for 2 or more.")
    rng = np.random.default_rng(seed)
    allowed, places = np.asarray(may, bool).tolist(), np.asarray(room, int).tolist()
    means, matched = [], []
    for _ in range(draws):
        left, with_room = places.copy(), [mentor for mentor, free in enumerate(places) if free > 0]
        rows, columns = [], []
        for mentee in rng.permutation(len(score)).tolist():
            at = _drawn(with_room, allowed[mentee], rng)
            if at < 0:
                continue
            mentor = with_room[at]
            rows.append(mentee)
            columns.append(mentor)
            left[mentor] -= 1
            if not left[mentor]:
                with_room[at] = with_room[-1]
                with_room.pop()
        matched.append(len(rows))
        if rows:
            means.append(float(score[rows, columns].mean()))
    return RandomPairs(np.array(means), np.array(matched))


def _drawn(with_room: list[int], allowed: list[bool], rng: np.random.Generator) -> int:
    """The place in ``with_room`` of a mentor who is allowed, each as likely as another; -1 where none is.

    Most are allowed to most, so that one drawn from all is soon one who is; else those who are get listed.
    """
    for _ in range(_TRIES if with_room else 0):
        at = int(rng.random() * len(with_room))
        if allowed[with_room[at]]:
            return at
    listed = [at for at, mentor in enumerate(with_room) if allowed[mentor]]
    return listed[int(rng.random() * len(listed))] if listed else -1
