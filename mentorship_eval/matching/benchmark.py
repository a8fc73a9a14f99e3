"""What pairs drawn at random would score, under the same rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.errors import UsageError

__all__ = ["RandomPairs", "random_scores"]


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
    means, matched = [], []
    for _ in range(draws):
        left, total, made = np.array(room, int), 0.0, 0
        for mentee in rng.permutation(len(score)):
            open_to = np.flatnonzero(may[mentee] & (left > 0))
            if not len(open_to):
                continue
            mentor = open_to[rng.integers(len(open_to))]
            left[mentor] -= 1
            total += score[mentee, mentor]
            made += 1
        matched.append(made)
        if made:
            means.append(total / made)
    return RandomPairs(np.array(means), np.array(matched))
