"""What to withhold besides when a suppressed count can be narrowed: the cheapest published number that the attack leans on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.audit.judge import Audit, Narrow
from mentorship_eval.disclosure.audit.links import OPTIONS, RESULTS, TEXT
from mentorship_eval.disclosure.audit.system import Cell, Relation
from mentorship_eval.questions.answer import Answer, Exhibit, Result, Statement

__all__ = ["Remedy", "Requests", "remedies"]

_REACH = 14  # relations between a narrowed count and the number that is withheld for it
_FARTHER = 0.05  # cost of each of them: what is near is more likely to help
_DERIVED = 2.0
# the table below a curve, in which the counts so far are dispensable
AT_RISK, EVENTS = "at_risk", "n_event"


@dataclass
class Requests:
    """What the audit asks for. also: counts in tables; running: counts so far in tables beside curves, of which all of the column go;
    derived: other numbers in tables; options, results, texts, exhibits: by id.
    """

    also: set[Cell] = field(default_factory=set)
    running: set[tuple[str, str, str]] = field(default_factory=set)
    derived: set[Cell] = field(default_factory=set)
    options: set[tuple[str, str]] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    texts: set[tuple[str, int]] = field(default_factory=set)
    exhibits: set[str] = field(default_factory=set)

    def ask(self, cell: Cell, *, derived: bool = False) -> None:
        where, part, row, column = cell
        if where == RESULTS:
            self.results.add(part)
        elif part == OPTIONS:
            self.options.add((where, column))
        elif part == TEXT:
            self.texts.add((where, row))
        elif part == AT_RISK and column == EVENTS:
            self.running.add((where, part, column))
        else:
            (self.derived if derived else self.also).add(cell)

    def includes(self, one: Remedy) -> bool:
        """Whether all of it was asked for before, to no avail."""
        trial = Requests()
        for cell in one.places:
            trial.ask(cell, derived=one.derived)
        return (trial.also <= self.also and trial.running <= self.running and trial.derived <= self.derived and trial.options <= self.options
                and trial.results <= self.results and trial.texts <= self.texts)  # fmt: skip

    @property
    def size(self) -> int:
        return sum(len(part) for part in (self.also, self.running, self.derived, self.options, self.results, self.texts, self.exhibits))

    def apply(self, answers: Sequence[Answer], mark: str) -> list[Answer]:
        """The private answers without what is to be withheld, with ``mark`` in its place.

        Counts in tables are left to the ledger, which knows what goes with them.
        """
        # a count of one behind a number withholds it under every rule
        out = []
        for answer in answers:
            lead = tuple(replace(one, rests_on=(*one.rests_on, 1)) if (answer.chapter, place) in self.texts else one
                         for place, one in enumerate(answer.lead))  # fmt: skip
            lead = tuple(self._quoting(one) for one in lead)
            results = tuple(replace(r, rests_on=(*r.rests_on, 1)) if r.id in self.results else r for r in answer.results)
            out.append(replace(answer, lead=lead, results=results, exhibits=tuple(self._exhibit(one, mark) for one in answer.exhibits)))
        return out

    def _quoting(self, one: Statement) -> Statement:
        return replace(one, rests_on=(*one.rests_on, 1)) if self.results.intersection(one.results) else one

    def _exhibit(self, exhibit: Exhibit, mark: str) -> Exhibit:
        if exhibit.id in self.exhibits:
            return replace(exhibit, rests_on=(*exhibit.rests_on, 1))
        options = {name: mark if (exhibit.id, name) in self.options else value for name, value in exhibit.options.items()}
        frames = dict(exhibit.frames)
        for _, name, row, column in sorted(cell for cell in self.derived if cell[0] == exhibit.id):
            frames[name] = _without(frames[name], row, column)
        for _, name, column in sorted(each for each in self.running if each[0] == exhibit.id):
            values = frames[name][column].astype(object)
            frames[name] = frames[name].assign(**{column: values.where(~(frames[name][column] > 0), mark)})
        return replace(exhibit, frames=frames, options=options)


def _without(frame: pd.DataFrame, row: int, column: str) -> pd.DataFrame:
    kept = np.arange(len(frame)) != row
    return frame.assign(**{column: frame[column].where(kept)})


@dataclass(frozen=True)
class Remedy:
    """Published places of one number near a narrowed count. derived: it is no count; cost: what a reader loses; why: the relation that tells."""

    places: tuple[Cell, ...]
    derived: bool
    cost: float
    why: str


def remedies(found: Audit, narrow: Narrow, answers: Sequence[Answer], of: dict[int, list[Relation]]) -> list[Remedy]:
    """What could be withheld so that a count is no longer narrow, the cheapest first; of: relations by the counts in them."""
    system = found.system
    start = system.number(narrow.cell)
    seen, frontier, out = {start}, [start], []
    for hop in range(_REACH):
        after = []
        for number in frontier:
            for one in of.get(number, ()):
                if one.by:
                    out.append(Remedy(one.by, True, _DERIVED + _FARTHER * hop, one.why))
                for other, _ in one.terms:
                    if other in seen:
                        continue
                    seen.add(other)
                    places = tuple(cell for cell in system.places(other) if not system.hides(cell))
                    if not places:
                        after.append(other)
                    elif system.truth[other]:
                        out.append(Remedy(places, False, _cost(places, answers) + _FARTHER * hop, one.why))
        frontier = after
    return sorted(out, key=lambda one: (one.cost, sorted(one.places)))


def _cost(places: Iterable[Cell], answers: Sequence[Answer]) -> float:
    """What a reader loses: a headline is dearer than another result, a sentence than a caption, and all than a cell of a table."""
    cost = 0.0
    for where, part, _, _ in places:
        if where == RESULTS:
            result = next((one for one in (answer.result(part) for answer in answers) if one is not None), None)
            cost += 40.0 if _headline(result) else 8.0
        else:
            # the people at risk stand beside a curve that is shown without them
            cost += {TEXT: 5.0, OPTIONS: 2.0, AT_RISK: 0.3}.get(part, 1.0)
    return cost


def _headline(result: Result | None) -> bool:
    return result is not None and result.role == "headline"
