"""The posts of mentors, and who mentors whom: somebody of the same department if one is there, else anybody."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Mentors"]

# up to so many posts every one is given a random score; above, posts are tried at random, in time that does not grow with them
EVERY_POST = 8_000
_TRIES = 24


@dataclass(frozen=True)
class Mentors:
    """Posts of mentors: person, department, first and last day, and the day on which the person left."""

    person: np.ndarray
    dept: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    left: np.ndarray
    female: np.ndarray | None = None
    alike: float = 0.0

    @cached_property
    def _by_dept(self) -> tuple[np.ndarray, np.ndarray]:
        """Posts in the order of departments, and where each department begins and the last one ends."""
        order = np.argsort(self.dept, kind="stable")
        return order, np.searchsorted(self.dept[order], np.arange(self.dept.max(initial=0) + 2))

    def pick(self, dept: np.ndarray, day: np.ndarray, rng: np.random.Generator, female: np.ndarray | None = None) -> np.ndarray:
        """A post in the department on that day at random, else one anywhere, else -1; with ``alike``, sooner one of the own gender."""
        if len(self.person) > EVERY_POST:
            return self._tried(dept, day, rng)  # gender has no part in it among so many
        present = (self.start[None, :] < day[:, None]) & (self.stop[None, :] > day[:, None])
        score = rng.random(present.shape) + (1 + self.alike) * (self.dept[None, :] == dept[:, None])
        if self.alike > 0 and self.female is not None and female is not None:
            score += self.alike * (self.female[None, :] == female[:, None])
        score = np.where(present, score, -1.0)
        best = score.argmax(axis=1)
        return np.where(score[np.arange(len(dept)), best] >= 0, best, -1)

    def _tried(self, dept: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """As `pick`, by trying posts of the department and then of all: where hardly any post is filled one may be missed."""
        order, begins = self._by_dept
        chosen = np.full(len(dept), -1)
        known = np.minimum(dept, len(begins) - 2)
        size = np.where(dept == known, begins[known + 1] - begins[known], 0)
        for everywhere in (False, True):
            todo = np.flatnonzero((chosen < 0) & (everywhere | (size > 0)))
            for _ in range(_TRIES):
                if everywhere:
                    post = rng.integers(len(order), size=len(todo))
                else:
                    post = order[begins[known[todo]] + np.floor(rng.random(len(todo)) * size[todo]).astype(int)]
                there = (self.start[post] < day[todo]) & (self.stop[post] > day[todo])
                chosen[todo[there]] = post[there]
                todo = todo[~there]
        return chosen
