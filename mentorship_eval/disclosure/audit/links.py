"""The same quantity in two places: a cell and the result that it tells, two tables, a caption, a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mentorship_eval.disclosure.audit.reading import is_hidden, told
from mentorship_eval.disclosure.audit.system import Cell, System
from mentorship_eval.disclosure.audit.tables import Table, is_total
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer, Statement

__all__ = ["KIND", "OPTIONS", "RESULTS", "TEXT", "Readable", "add_published", "link", "readable"]

OPTIONS, RESULTS, TEXT = "options", "results", "text"
_COUNTS = ("n", "n_events")
# columns that count people, and columns that count events: what a caption's n and n_events may be the sum of
KIND = {
    "n": "n", "people": "n", "at_risk": "n", "n_risk": "n",
    "n_events": "n_events", "n_event": "n_events", "left": "n_events", "events": "n_events", "observed": "n_events", "leavers": "n_events",
    "voluntary": "n_events",
}  # fmt: skip


def add_published(system: System, private: Sequence[Answer], shown: Sequence[Answer], rule: Rule) -> None:
    """Counts outside the tables: of results, captions and sentences."""
    for mine, theirs in zip(private, shown, strict=True):
        for result in mine.results:
            there = theirs.result(result.id)
            for name in _COUNTS:
                _add(system, (RESULTS, result.id, 0, name), getattr(result.estimate, name), getattr(there.estimate, name) if there else None, rule)
        for exhibit in mine.exhibits:
            published = theirs.exhibit(exhibit.id)
            for name in _COUNTS:
                if isinstance(exhibit.options.get(name), int | float):
                    _add(system, (exhibit.id, OPTIONS, 0, name), exhibit.options[name], published.options.get(name) if published else None, rule)
        kept = _pairs(mine.lead, theirs.lead)
        for place, statement in enumerate(mine.lead):
            for name, value in statement.counts.items():
                text = kept.get(place)
                visible = text is not None and f"{value:,.0f}" in text.text
                _add(system, (mine.chapter, TEXT, place, name), value, value if visible else None, rule)


def _pairs(mine: Sequence[Statement], theirs: Sequence[Statement]) -> dict[int, Statement]:
    """For each private sentence the published one with the same beginning; withheld ones have none."""
    out = {}
    for place, statement in enumerate(mine):
        stem = statement.text.split("{")
        for other in theirs:
            if all(part in other.text for part in (piece.split("}")[-1] for piece in stem)):
                out[place] = other
                break
    return out


def _add(system: System, cell: Cell, truth: Any, published: Any, rule: Rule) -> None:
    if truth is None or float(truth) != round(float(truth)):
        return
    lower, upper = told(published, rule)
    system.add(cell, float(truth), lower, upper, hidden=published is None or is_hidden(published, rule))


def link(
    system: System, tables: Sequence[Table], private: Sequence[Answer], told_here: Mapping[str, Readable], rule: Rule
) -> None:
    """Join the cells that tell one quantity. Values that differ are never joined, so that a wrong guess costs nothing but a coincidence."""
    _results(system, tables, private)
    _names(system, tables)
    _labels(system, tables)
    _captions(system, tables, told_here, rule)


def _results(system: System, tables: Sequence[Table], private: Sequence[Answer]) -> None:
    known = {result.id for answer in private for result in answer.results}
    for table in tables:
        for column, count in table.counted.results.items():
            if column not in table.private:
                continue
            for row, value in enumerate(table.private[column]):
                for name in str(value).split() if isinstance(value, str) else []:
                    for place in (count,) if count else table.counted.counts:
                        if name in known and system.knows(table.cell(row, place)):
                            kind = KIND.get(place, "n_events")
                            system.same((RESULTS, name, 0, kind), table.cell(row, place))


def _names(system: System, tables: Sequence[Table]) -> None:
    """Quantities that the declarations name alike."""
    first: dict[str, Cell] = {}
    for table in tables:
        for column, naming in table.counted.same.items():
            for row, name in enumerate(table.private.get(naming, ())):
                if isinstance(name, str) and name and system.knows(table.cell(row, column)):
                    system.same(first.setdefault(name, table.cell(row, column)), table.cell(row, column))


def _labels(system: System, tables: Sequence[Table]) -> None:
    """Rows with the same labels under the same heading, where all such rows of two tables agree."""
    found: dict[str, list[tuple[Table, dict[frozenset[str], int]]]] = {}
    for table in tables:
        if table.labels:
            rows: dict[frozenset[str], int] = {}
            words = [[str(value).lower() for value in table.private[column].array] for column in (*table.labels, *_times(table))]
            for row, those in enumerate(zip(*words, strict=True)):
                rows.setdefault(frozenset(those), row)
            for column in table.columns:
                found.setdefault(column, []).append((table, rows))
    for column, pairs in found.items():
        for place, (one, rows) in enumerate(pairs):
            for other, others in pairs[:place]:
                if not (one.hidden[:, one.columns.index(column)].any() or other.hidden[:, other.columns.index(column)].any()):
                    continue
                shared = [(one.cell(rows[key], column), other.cell(others[key], column)) for key in rows.keys() & others.keys()]
                shared = [pair for pair in shared if system.knows(pair[0]) and system.knows(pair[1])]
                if shared and all(system.truth[system.numbers[a]] == system.truth[system.numbers[b]] for a, b in shared):
                    for a, b in shared:
                        system.same(a, b)


def _times(table: Table) -> list[str]:
    return [column for column in ("time", "event_time", "bin_low") if column in table.private and column not in table.labels]


def _captions(system: System, tables: Sequence[Table], told_here: Mapping[str, Readable], rule: Rule) -> None:
    """Withheld counts and sums that nobody declared, and that are published elsewhere in the chapter.

    Equal numbers may be equal by chance. So a cell is joined only with a number that stands in several places (the size of a population does), and
    the rows of a group are taken to add up to one only where those of every group of the column do.
    """
    for table in tables:
        for place, column in enumerate(table.columns):
            kind = KIND.get(column)
            if kind is None or column == table.counted.cumulative or not table.hidden[:, place].any():
                continue
            here = told_here[table.chapter]
            for row in np.flatnonzero(table.hidden[:, place] & (table.values[:, place] >= 3 * rule.threshold)):
                cell = here.find(kind, table.values[row, place], often=True)
                if cell is not None:
                    system.same(cell, table.cell(int(row), column))
            for name in ("*", *table.labels):
                groups = [rows for rows in table.groups(name) if len(rows) > 1]
                sums = [here.find(kind, float(np.nansum(table.values[rows, place]))) for rows in groups]
                if not groups or None in sums or (name != "*" and len(groups) < 2):
                    continue
                for rows, total in zip(groups, sums, strict=True):
                    parts = [(table.cell(int(row), column), 1.0) for row in rows if system.knows(table.cell(int(row), column))]
                    if total is not None and np.nansum(table.values[rows, place]) >= 3 * rule.threshold:
                        system.relate([*parts, (total, -1.0)], 0, 0, "rows add up to a count that is published elsewhere")


@dataclass
class Readable:
    """Counts of a chapter that stand as they are in a caption, result, sentence or row of totals: by kind and value where, and how often.

    A result of everybody, the largest population of its chapter, counts twice.
    """

    first: dict[tuple[str, float], Cell] = field(default_factory=dict)
    times: dict[tuple[str, float], int] = field(default_factory=dict)

    def add(self, kind: str, value: float, cell: Cell, times: int) -> None:
        self.first.setdefault((kind, value), cell)
        self.times[kind, value] = self.times.get((kind, value), 0) + times

    def find(self, kind: str, value: float, *, often: bool = False) -> Cell | None:
        """A place where the value stands; "": in a sentence, of either kind."""
        for one in ((kind, value), ("", value)):
            if one in self.first and (not often or self.times[one] > 1):
                return self.first[one]
        return None


def readable(system: System, tables: Sequence[Table], private: Sequence[Answer], rule: Rule) -> dict[str, Readable]:
    """By chapter, what an attacker may take for the total of a table; small counts among it are of departments and periods."""
    out = {answer.chapter: Readable() for answer in private}

    def add(chapter: str, kind: str, cell: Cell, times: int = 1) -> None:
        if system.knows(cell) and not system.hides(cell):
            number = system.numbers[cell]
            if system.lower[number] == system.upper[number] >= rule.threshold:
                out[chapter].add(kind, system.truth[number], cell, times)

    for answer in private:
        everybody = max((result.estimate.n or 0 for result in answer.results), default=0)
        for name in _COUNTS:
            for exhibit in answer.exhibits:
                add(answer.chapter, name, (exhibit.id, OPTIONS, 0, name))
            for result in answer.results:
                add(answer.chapter, name, (RESULTS, result.id, 0, name), 2 if result.estimate.n == everybody else 1)
        for place, statement in enumerate(answer.lead):
            for name in statement.counts:
                add(answer.chapter, "", (answer.chapter, TEXT, place, name))
    for table in tables:
        for column in table.columns:
            for row in range(len(table.private)) if column in KIND else ():
                if is_total(table, row):
                    add(table.chapter, KIND[column], table.cell(row, column))
    return out
