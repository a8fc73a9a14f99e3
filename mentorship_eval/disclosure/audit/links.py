"""The same quantity in two places: a cell and the result that it tells, two tables, a caption, a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mentorship_eval.disclosure.audit.reading import is_hidden, told
from mentorship_eval.disclosure.audit.system import Cell, System
from mentorship_eval.disclosure.audit.tables import Table
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer, Statement

__all__ = ["OPTIONS", "RESULTS", "TEXT", "add_published", "link", "readable"]

OPTIONS, RESULTS, TEXT = "options", "results", "text"
_COUNTS = ("n", "n_events")
# columns that count people, and columns that count events: what a caption's n and n_events may be the sum of
_KIND = {
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


def link(system: System, tables: Sequence[Table], private: Sequence[Answer], rule: Rule) -> None:
    """Join the cells that tell one quantity. Values that differ are never joined, so that a wrong guess costs nothing but a coincidence."""
    _results(system, tables, private)
    _names(system, tables)
    _labels(system, tables)
    _captions(system, tables, private, rule)


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
                            kind = _KIND.get(place, "n_events")
                            system.same((RESULTS, name, 0, kind), table.cell(row, place))


def _names(system: System, tables: Sequence[Table]) -> None:
    """Quantities that the declarations name alike."""
    first: dict[str, Cell] = {}
    for table in tables:
        for column, naming in table.counted.same.items():
            for row, name in enumerate(table.private[naming] if naming in table.private else ()):
                if isinstance(name, str) and name and system.knows(table.cell(row, column)):
                    system.same(first.setdefault(name, table.cell(row, column)), table.cell(row, column))


def _labels(system: System, tables: Sequence[Table]) -> None:
    """Rows with the same labels under the same heading, where all such rows of two tables agree."""
    found: dict[str, list[tuple[Table, dict[frozenset[str], int]]]] = {}
    for table in tables:
        if table.labels:
            rows: dict[frozenset[str], int] = {}
            for row in range(len(table.private)):
                rows.setdefault(frozenset(str(table.private[c].iloc[row]).lower() for c in (*table.labels, *_times(table))), row)
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


def _captions(system: System, tables: Sequence[Table], private: Sequence[Answer], rule: Rule) -> None:
    """A withheld count that is told by a caption, a result or a sentence of its chapter, and sums that are.

    Only counts of at least three thresholds: smaller ones agree by chance.
    """
    published = _published(system, private)
    for table in tables:
        for place, column in enumerate(table.columns):
            kind = _KIND.get(column)
            if kind is None or column == table.counted.cumulative or not table.hidden[:, place].any():
                continue
            here = published.get(table.chapter, [])
            for row in range(len(table.private)):
                value = table.values[row, place]
                if table.hidden[row, place] and value >= 3 * rule.threshold:
                    for cell, number in here:
                        if number == value and cell[3] in (kind, ""):
                            system.same(cell, table.cell(row, column))
            for name in ("*", *table.labels):
                for rows in table.groups(name):
                    cells = [table.cell(row, column) for row in rows if system.knows(table.cell(row, column))]
                    total = sum(system.truth[system.numbers[cell]] for cell in cells)
                    if len(cells) < 2 or total < 3 * rule.threshold or not table.hidden[rows, place].any():
                        continue
                    for cell, number in here:
                        if number == total and cell[3] in (kind, ""):
                            system.relate([*((one, 1.0) for one in cells), (cell, -1.0)], 0, 0, "rows add up to a count that is published elsewhere")


def readable(system: System, tables: Sequence[Table], private: Sequence[Answer], rule: Rule) -> dict[str, dict[float, Cell]]:
    """By chapter, counts that stand somewhere as they are, and where each stands first; small ones are of departments and periods."""
    out: dict[str, dict[float, Cell]] = {answer.chapter: {} for answer in private}
    chapters = {table.exhibit: table.chapter for table in tables}
    chapters |= {result.id: answer.chapter for answer in private for result in answer.results}
    chapters |= {exhibit.id: answer.chapter for answer in private for exhibit in answer.exhibits}
    for cell, number in system.numbers.items():
        if not system.hidden[cell] and system.lower[number] == system.upper[number] >= rule.threshold:
            chapter = chapters.get(cell[1] if cell[0] == RESULTS else cell[0], cell[0])
            out.setdefault(chapter, {}).setdefault(system.truth[number], cell)
    return out


def _published(system: System, private: Sequence[Answer]) -> dict[str, list[tuple[Cell, float]]]:
    """Counts of captions, results and sentences by chapter; equal ones of one kind are one quantity."""
    out: dict[str, list[tuple[Cell, float]]] = {}
    for answer in private:
        cells = [(exhibit.id, OPTIONS, 0, name) for exhibit in answer.exhibits for name in _COUNTS]
        cells += [(RESULTS, result.id, 0, name) for result in answer.results for name in _COUNTS]
        first: dict[tuple[str, float], Cell] = {}
        for cell in cells:
            if system.knows(cell):
                value = system.truth[system.numbers[cell]]
                first.setdefault((cell[3], value), cell)
        told_here = [(cell, key[1]) for key, cell in first.items()]
        for place, statement in enumerate(answer.lead):
            for name in statement.counts:
                cell = (answer.chapter, TEXT, place, name)
                if system.knows(cell):
                    told_here.append(((answer.chapter, TEXT, place, name), system.truth[system.numbers[cell]]))
        out[answer.chapter] = told_here
    return out
