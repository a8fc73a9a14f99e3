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

__all__ = ["Requests", "remedy"]

_REACH = 4  # relations between a narrowed count and the number that is withheld for it
_WITHHELD = "withheld"


@dataclass
class Requests:
    """What the audit asks for. also: counts in tables; derived: other numbers in tables; options, results, texts, exhibits: by id."""

    also: set[Cell] = field(default_factory=set)
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
        else:
            (self.derived if derived else self.also).add(cell)

    @property
    def size(self) -> int:
        return sum(len(part) for part in (self.also, self.derived, self.options, self.results, self.texts, self.exhibits))

    def apply(self, answers: Sequence[Answer]) -> list[Answer]:
        """The private answers without what is to be withheld; counts in tables are left to the ledger, which knows what goes with them."""
        # a count of one behind a number withholds it under every rule
        out = []
        for answer in answers:
            lead = tuple(replace(one, rests_on=(*one.rests_on, 1)) if (answer.chapter, place) in self.texts else one
                         for place, one in enumerate(answer.lead))  # fmt: skip
            lead = tuple(self._quoting(one) for one in lead)
            results = tuple(replace(r, rests_on=(*r.rests_on, 1)) if r.id in self.results else r for r in answer.results)
            out.append(replace(answer, lead=lead, results=results, exhibits=tuple(self._exhibit(one) for one in answer.exhibits)))
        return out

    def _quoting(self, one: Statement) -> Statement:
        return replace(one, rests_on=(*one.rests_on, 1)) if self.results.intersection(one.results) else one

    def _exhibit(self, exhibit: Exhibit) -> Exhibit:
        if exhibit.id in self.exhibits:
            return replace(exhibit, rests_on=(*exhibit.rests_on, 1))
        options = {name: _WITHHELD if (exhibit.id, name) in self.options else value for name, value in exhibit.options.items()}
        frames = dict(exhibit.frames)
        for _, name, row, column in sorted(cell for cell in self.derived if cell[0] == exhibit.id):
            frames[name] = _without(frames[name], row, column)
        return replace(exhibit, frames=frames, options=options)


def _without(frame: pd.DataFrame, row: int, column: str) -> pd.DataFrame:
    kept = np.arange(len(frame)) != row
    return frame.assign(**{column: frame[column].where(kept)})


def remedy(found: Audit, narrow: Narrow, answers: Sequence[Answer], relations: Sequence[Relation], of: dict[int, list[Relation]]) -> tuple[list[tuple[Cell, bool]], str]:
    """The places of the cheapest published number near a narrowed count (cell; whether it is no count), and the relation that told."""
    system = found.system
    start = system.number(narrow.cell)
    seen, frontier, best = {start}, [start], None
    for _ in range(_REACH):
        candidates, after = [], []
        for number in frontier:
            for one in of.get(number, ()):
                if one.by:
                    candidates.append((0.5, 0.0, list(one.by), True, one.why))
                for other, _ in one.terms:
                    if other in seen:
                        continue
                    seen.add(other)
                    places = [cell for cell in system.places(other) if not system.hides(cell)]
                    if places and system.truth[other]:
                        candidates.append((_cost(places, answers), system.truth[other], places, False, one.why))
                    elif not places:
                        after.append(other)
        if candidates:
            best = min(candidates, key=lambda one: (one[0], one[1], sorted(one[2])))
            break
        frontier = after
    if best is None:
        return [], ""
    return [(cell, best[3]) for cell in sorted(best[2])], best[4]


def _cost(places: Iterable[Cell], answers: Sequence[Answer]) -> float:
    """What a reader loses: a headline is dearer than another result, a sentence than a caption, and all than a cell of a table."""
    cost = 0.0
    for where, part, _, _ in places:
        if where == RESULTS:
            result = next((one for one in (answer.result(part) for answer in answers) if one is not None), None)
            cost += 40.0 if _headline(result) else 8.0
        else:
            cost += {TEXT: 5.0, OPTIONS: 2.0}.get(part, 1.0)
    return cost


def _headline(result: Result | None) -> bool:
    return result is not None and result.role == "headline"
