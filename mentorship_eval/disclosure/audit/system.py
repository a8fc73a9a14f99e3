"""What an attacker knows of the counts of a run: each count a whole number between bounds, and linear relations between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

__all__ = ["Cell", "Relation", "System", "Target"]

Cell = tuple[str, str, int, str]  # exhibit id, frame name, row of the private frame, column
_SLACK = 1e-6


@dataclass(frozen=True)
class Relation:
    """lower <= sum of coefficient times count <= upper; why: in words, for the log.

    pure: holds whatever is published. by: published numbers, no counts, that it is read from.
    """

    terms: tuple[tuple[int, float], ...]
    lower: float
    upper: float
    why: str
    pure: bool = False
    by: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Target:
    """A count that is to stay uncertain. kind: ``small`` (must not be shown), ``cover`` (withheld for another), ``step`` (a difference)."""

    cell: Cell
    kind: str


@dataclass
class System:
    """Counts by cell, in one numbering; cells of the same quantity share a number."""

    numbers: dict[Cell, int] = field(default_factory=dict)
    truth: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    hidden: dict[Cell, bool] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    _merged: list[int] = field(default_factory=list)
    _places: dict[int, list[Cell]] = field(default_factory=dict)
    _placed: int = -1  # how many cells ``_places`` was made of; -1 where numbers were joined since

    def add(self, cell: Cell, truth: float, lower: float, upper: float, *, hidden: bool) -> None:
        """A count that is published as something between ``lower`` and ``upper``."""
        if cell in self.numbers or math.isnan(truth):
            return
        if not lower <= truth <= upper:
            # a number that is another quantity (a sum of rounded parts) tells nothing of this one
            lower, upper = 0.0, math.inf
        self.numbers[cell] = len(self.truth)
        self._merged.append(len(self.truth))
        self.truth.append(truth)
        self.lower.append(lower)
        self.upper.append(upper)
        self.hidden[cell] = hidden

    def knows(self, cell: Cell) -> bool:
        return cell in self.numbers

    def number(self, cell: Cell) -> int:
        return self._root(self.numbers[cell])

    def _root(self, number: int) -> int:
        while self._merged[number] != number:
            number = self._merged[number]
        return number

    def same(self, left: Cell, right: Cell) -> bool:
        """The two cells tell one quantity: whatever is known of one is known of both. False where their values differ."""
        if left not in self.numbers or right not in self.numbers:
            return False
        a, b = sorted((self.number(left), self.number(right)))
        if abs(self.truth[a] - self.truth[b]) > _SLACK:
            return False
        if a != b:
            self._merged[b] = a
            self._placed = -1
            self.lower[a], self.upper[a] = max(self.lower[a], self.lower[b]), min(self.upper[a], self.upper[b])
        return True

    def relate(self, terms: Iterable[tuple[Cell, float]], lower: float, upper: float, why: str, *, pure: bool = False,
               by: tuple[Cell, ...] = ()) -> bool:
        """The attacker knows this relation; refused where a cell is unknown or the data do not fulfil it."""
        terms = list(terms)
        if not all(cell in self.numbers for cell, _ in terms):
            return False
        value = sum(coefficient * self.truth[self.numbers[cell]] for cell, coefficient in terms)
        slack = _SLACK * max(1.0, *(abs(c * self.truth[self.numbers[cell]]) for cell, c in terms))
        if not lower - slack <= value <= upper + slack:
            return False
        # numbers of cells may still be joined: they are looked up when the system is solved
        self.relations.append(Relation(tuple((self.numbers[cell], c) for cell, c in terms), lower, upper, why, pure, by))
        return True

    def hides(self, cell: Cell) -> bool:
        """Whether the count is not published in this place."""
        return self.hidden[cell]

    def places(self, number: int) -> list[Cell]:
        """All cells that tell a count."""
        if self._placed != len(self.numbers):
            self._places, self._placed = {}, len(self.numbers)
            for cell in self.numbers:
                self._places.setdefault(self.number(cell), []).append(cell)
        return self._places.get(self._root(number), [])

    def settled(self) -> list[Relation]:
        """Relations over the joined numbers, without repetitions."""
        out: dict[tuple[object, ...], Relation] = {}
        for one in self.relations:
            terms: dict[int, float] = {}
            for number, coefficient in one.terms:
                root = self._root(number)
                terms[root] = terms.get(root, 0.0) + coefficient
            kept = tuple(sorted((number, c) for number, c in terms.items() if c != 0.0))
            if kept:
                out.setdefault((kept, one.lower, one.upper, one.pure, one.by), replace(one, terms=kept))
        return list(out.values())
