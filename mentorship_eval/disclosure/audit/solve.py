"""What a count can still be: interval propagation, and a mixed-integer programme where propagation is no proof.

Propagation narrows every bound until no relation narrows any more. Where relations and open counts form a forest and all coefficients are
1 or -1, that is exact: each value between the bounds belongs to a solution (a Berge-acyclic network of sums of whole-number intervals).
Everything else goes to HiGHS (`scipy.optimize.milp`), one connected part at a time; every solution found is kept as a
witness for the values it gives to all other counts of the part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mentorship_eval.disclosure.audit.system import Relation

__all__ = ["Attack"]

_TOUCH = 1e-7
_ROUNDS = 200


_Terms = tuple[tuple[int, float], ...]


@dataclass
class _Part:
    """One connected part: open counts and the relations between them.

    tree: propagation is exact; network: the matrix is totally unimodular, so that all between the least and the greatest value is possible;
    seen: by number the values that it has in a solution found so far.
    """

    numbers: list[int]
    relations: list[tuple[_Terms, float, float]]
    tree: bool
    network: bool = False
    seen: dict[int, set[int]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    constraint: Any = None


class Attack:
    """Everything that follows from bounds and relations; ``lower``, ``upper`` by number.

    truth: a solution, which is known to the auditor and never used but as a first witness.
    """

    def __init__(self, lower: Sequence[float], upper: Sequence[float], relations: Iterable[Relation], truth: Sequence[float]) -> None:
        self.truth = truth
        finite = [value for value in (*truth, *upper) if math.isfinite(value)]
        self.far = 10 * max([*finite, 100.0])
        self.lower = [float(value) for value in lower]
        self.upper = [min(float(value), self.far) for value in upper]
        self.relations = list(relations)
        self._propagate()
        self._parts: dict[int, _Part] = {}
        self._split()

    # -- propagation --------------------------------------------------------------------------------------------------------

    def _propagate(self) -> None:
        of: dict[int, list[int]] = {}
        for place, one in enumerate(self.relations):
            for number, _ in one.terms:
                of.setdefault(number, []).append(place)
        waiting, queued, left = list(range(len(self.relations))), [True] * len(self.relations), _ROUNDS * max(1, len(self.relations))
        while waiting and left:
            left -= 1
            place = waiting.pop()
            queued[place] = False
            for number in self._narrow(self.relations[place]):
                for other in of[number]:
                    if not queued[other]:
                        queued[other] = True
                        waiting.append(other)

    def _narrow(self, one: Relation) -> list[int]:
        """Tighten the bounds of the counts of one relation; which of them changed."""
        least = [c * (self.lower[n] if c > 0 else self.upper[n]) for n, c in one.terms]
        most = [c * (self.upper[n] if c > 0 else self.lower[n]) for n, c in one.terms]
        low, high, changed = sum(least), sum(most), []
        for place, (number, c) in enumerate(one.terms):
            ends = ((one.lower - (high - most[place])) / c, (one.upper - (low - least[place])) / c)
            slack = _TOUCH * max(1.0, abs(low), abs(high)) / abs(c) if math.isfinite(low + high) else _TOUCH
            lower, upper = math.ceil(min(ends) - slack) if math.isfinite(min(ends)) else -math.inf, math.inf
            if math.isfinite(max(ends)):
                upper = math.floor(max(ends) + slack)
            if lower > self.lower[number] or upper < self.upper[number]:
                # never past the truth, whatever rounding did
                self.lower[number] = max(self.lower[number], min(lower, self.truth[number]))
                self.upper[number] = min(self.upper[number], max(upper, self.truth[number]))
                changed.append(number)
        return changed

    # -- connected parts ----------------------------------------------------------------------------------------------------

    def _open(self, number: int) -> bool:
        return self.lower[number] < self.upper[number]

    def _split(self) -> None:
        parent: dict[int, int] = {}

        def root(x: int) -> int:
            while parent[x] != x:
                parent[x] = parent[parent[x]]
                x = parent[x]
            return x

        live = self._live()
        for terms in live:
            for number, _ in terms:
                parent.setdefault(number, number)
                parent[root(number)] = root(terms[0][0])
        parts: dict[int, _Part] = {}
        for number in parent:
            parts.setdefault(root(number), _Part([], [], True)).numbers.append(number)
        edges = dict.fromkeys(parts, 0)
        for terms, (lower, upper) in live.items():
            name = root(terms[0][0])
            parts[name].relations.append((terms, lower, upper))
            edges[name] += len(terms)
            parts[name].tree &= all(abs(c) == 1.0 for _, c in terms)
        for name, part in parts.items():
            # a connected graph is a tree where it has one edge fewer than nodes
            part.network = part.tree and _unimodular([terms for terms, _, _ in part.relations])
            part.tree &= edges[name] < len(part.numbers) + len(part.relations)
            part.seen = {number: {round(self.truth[number])} for number in part.numbers}
            for number in part.numbers:
                self._parts[number] = part

    def _live(self) -> dict[_Terms, tuple[float, float]]:
        """Relations between counts that are still open, without those that the bounds imply; equal ones in one."""
        live: dict[_Terms, tuple[float, float]] = {}
        for one in self.relations:
            terms = tuple((number, c) for number, c in one.terms if self._open(number))
            if not terms:
                continue
            fixed = sum(c * self.lower[number] for number, c in one.terms if not self._open(number))
            lower, upper = one.lower - fixed, one.upper - fixed
            if terms[0][1] < 0:
                terms, lower, upper = tuple((number, -c) for number, c in terms), -upper, -lower
            least = sum(min(c * self.lower[number], c * self.upper[number]) for number, c in terms)
            most = sum(max(c * self.lower[number], c * self.upper[number]) for number, c in terms)
            if lower <= least + _TOUCH and most - _TOUCH <= upper:
                continue
            before = live.get(terms, (-math.inf, math.inf))
            live[terms] = (max(lower, before[0]), min(upper, before[1]))
        return live

    def part_of(self, number: int) -> int | None:
        """The part that a question about a count is asked of; None where its bounds are the answer."""
        part = self._parts.get(number)
        return None if part is None or part.tree else part.numbers[0]

    # -- questions ------------------------------------------------------------------------------------------------------------

    def _part(self, number: int) -> _Part | None:
        """The part of a count; at its first use a few solutions are sought that are far apart, as witnesses for all of its counts."""
        part = self._parts.get(number)
        if part is not None and not part.tree and part.constraint is None:
            for goal in ([1.0], [-1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]):
                self._solve(part, {n: goal[place % len(goal)] for place, n in enumerate(part.numbers)})
        return part

    def interval(self, number: int) -> tuple[float, float]:
        """The least and the greatest value that the count can have."""
        part = self._parts.get(number)
        if part is None or part.tree:
            return self.lower[number], self.upper[number]
        low, high = self._solve(part, {number: 1.0}), self._solve(part, {number: -1.0})
        return (self.lower[number] if low is None else low[number]), (self.upper[number] if high is None else high[number])

    def width(self, number: int, enough: float) -> float:
        """How far apart the least and the greatest value are; no further sought once it is ``enough``."""
        part = self._part(number)
        if part is None or part.tree:
            return self.upper[number] - self.lower[number]
        ends = [float(min(part.seen[number])), float(max(part.seen[number]))]
        room = (ends[0] - self.lower[number], self.upper[number] - ends[1])
        # the end with more room first: it may be enough by itself
        for place, goal in sorted(((0, 1.0), (1, -1.0)), key=lambda end: -room[end[0]]):
            if ends[1] - ends[0] >= enough:
                break
            found = self._solve(part, {number: goal})
            ends[place] = (self.lower, self.upper)[place][number] if found is None else found[number]
        return ends[1] - ends[0]

    def impossible(self, number: int, values: Sequence[int]) -> list[int]:
        """Which of ``values`` the count cannot have."""
        part = self._part(number)
        if part is None or part.tree:
            return [value for value in values if not self.lower[number] <= value <= self.upper[number]]
        if not part.network:
            return [value for value in values if value not in part.seen[number] and not self._can_be(part, number, value)]
        if min(part.seen[number]) > min(values) or max(part.seen[number]) < max(values):
            low, high = self.interval(number)
            return [value for value in values if not low <= value <= high]
        return []

    def _can_be(self, part: _Part, number: int, value: int) -> bool:
        return self.lower[number] <= value <= self.upper[number] and self._solve(part, {}, (number, value)) is not None

    def _solve(self, part: _Part, goal: Mapping[int, float], fixed: tuple[int, int] | None = None) -> dict[int, float] | None:
        """One mixed-integer programme: the solution with the least ``goal``, or any in which a count has a fixed value; None: there is none."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix

        if part.constraint is None:
            part.places = {n: place for place, n in enumerate(part.numbers)}
            matrix = np.zeros((len(part.relations), len(part.numbers)))
            for row, (terms, _, _) in enumerate(part.relations):
                for n, c in terms:
                    matrix[row, part.places[n]] = c
            ends = np.array([[lower, upper] for _, lower, upper in part.relations]).reshape(-1, 2)
            part.constraint = LinearConstraint(csr_matrix(matrix), ends[:, 0], ends[:, 1])
        places = part.places
        low, high = np.array([self.lower[n] for n in part.numbers]), np.array([self.upper[n] for n in part.numbers])
        if fixed is not None:
            low[places[fixed[0]]] = high[places[fixed[0]]] = fixed[1]
        costs = np.array([goal.get(n, 0.0) for n in part.numbers])
        found = milp(
            costs, constraints=part.constraint, bounds=Bounds(low, high), integrality=np.ones(len(costs)),
            options={"mip_rel_gap": 0.0, "time_limit": 20.0},
        )  # fmt: skip
        if found.x is None:
            # proved to have no solution; when the time is up the bounds of propagation stand, which is the attacker's worse case
            return None
        out = {n: float(round(found.x[place])) for n, place in places.items()}
        for n, value in out.items():
            part.seen[n].add(int(value))
        return out


def _unimodular(rows: Sequence[_Terms]) -> bool:
    """Whether coefficients of 1 and -1 are seen to be totally unimodular: but for counts in a single relation, which change nothing, they or
    their transpose are a network matrix.
    """
    of: dict[int, list[tuple[int, float]]] = {}
    for place, terms in enumerate(rows):
        for number, c in terms:
            of.setdefault(number, []).append((place, c))
    columns = [tuple(uses) for uses in of.values() if len(uses) > 1]
    kept = [tuple((number, c) for number, c in terms if len(of[number]) > 1) for terms in rows]
    return _two_sides(columns) or _two_sides(kept)


def _two_sides(lines: Sequence[_Terms]) -> bool:
    """Whether no line has more than two entries, and what the lines join can be put on two sides: equal signs on different sides, unequal
    ones on the same (Heller and Tompkins).
    """
    near: dict[int, list[tuple[int, int]]] = {}
    for line in lines:
        if len(line) > 2:
            return False
        if len(line) == 2:
            (one, a), (other, b) = line
            near.setdefault(one, []).append((other, int(a == b)))
            near.setdefault(other, []).append((one, int(a == b)))
    sides: dict[int, int] = {}
    for start in near:
        waiting = [] if start in sides else [start]
        sides.setdefault(start, 0)
        while waiting:
            one = waiting.pop()
            for other, flips in near[one]:
                side = sides[one] ^ flips
                if other not in sides:
                    sides[other] = side
                    waiting.append(other)
                elif sides[other] != side:
                    return False
    return True
