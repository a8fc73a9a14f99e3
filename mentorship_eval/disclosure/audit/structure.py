"""Relations within a table: parts of a total, a flow, counts so far. The data say which of them hold; the attacker knows those."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from mentorship_eval.disclosure.audit.links import KIND, Readable
from mentorship_eval.disclosure.audit.system import Cell, System, Target
from mentorship_eval.disclosure.audit.tables import Table, is_total
from mentorship_eval.disclosure.rules import Rule

__all__ = ["relate_rows", "relate_steps", "step_cell"]

# part and whole by the names that our tables use; a part is never more than its whole
_PARTS = (("n_events", "n"), ("left", "people"), ("left", "at_risk"), ("mentees", "people"), ("mentored", "people"), ("left_mentored", "left"),
          ("left_mentored", "mentored"), ("mentored_left", "mentored_n"), ("not_left", "not_n"))  # fmt: skip


def relate_rows(system: System, table: Table, published: Readable) -> None:
    """Sums down and across, and flows, of a table in which something is withheld; published: counts of its chapter that can be read."""
    for total, parts in _across(table):
        for row in range(len(table.private)):
            _sum(system, table, [table.cell(row, part) for part in parts], table.cell(row, total), "parts of a row add up to its total")
    if table.counted.adds_up:
        _flow(system, table)
    for column in table.counted.counts:
        if column == table.counted.cumulative or column not in table.columns:
            continue
        for rows in _added_rows(table):
            _down(system, table, rows, column, published)
    for part, whole in _PARTS:
        if part in table.columns and whole in table.columns:
            for row in range(len(table.private)):
                system.relate([(table.cell(row, whole), 1.0), (table.cell(row, part), -1.0)], 0, math.inf, "a part is not more than the whole",
                              pure=True)  # fmt: skip


def _across(table: Table) -> Iterator[tuple[str, Sequence[str]]]:
    yield from ((total, parts) for total, *parts in table.counted.sums if {total, *parts} <= set(table.columns))
    declared = {frozenset(one) for one in table.counted.sums}
    values = table.values
    for a, total in enumerate(table.columns):
        for b in range(len(table.columns)):
            for c in range(b + 1, len(table.columns)):
                names = (total, table.columns[b], table.columns[c])
                if a in (b, c) or frozenset(names) in declared or table.counted.cumulative in names:
                    continue
                if len(values) > 1 and (values[:, [b, c]] > 0).all(axis=1).any() and np.allclose(values[:, a], values[:, b] + values[:, c]):
                    yield total, names[1:]


def _sum(system: System, table: Table, parts: list[Cell], total: Cell, why: str) -> None:
    """total = sum of parts; parts without a number here leave room between them."""
    known = [part for part in parts if system.knows(part)]
    if system.knows(total) and known:
        room = math.inf if len(known) < len(parts) else 0.0
        system.relate([(total, 1.0), *((part, -1.0) for part in known)], 0.0, room, why, pure=True)


def _flow(system: System, table: Table) -> None:
    """What is read, with what is added and less what is removed, is kept; the next step begins with it."""
    signs = {"read": 1.0, "added": 1.0, "removed": -1.0, "kept": -1.0}
    if not {"read", "kept"} <= set(table.columns):
        return
    columns = [column for column in signs if column in table.columns]
    for row in range(len(table.private)):
        system.relate([(table.cell(row, column), signs[column]) for column in columns], 0, 0, "read less removed is kept", pure=True)
        if row:
            same = all(table.private[column].iloc[row] == table.private[column].iloc[row - 1] for column in table.labels if column == "table")
            if same:
                system.same(table.cell(row, "read"), table.cell(row - 1, "kept"))


def _added_rows(table: Table) -> Iterator[tuple[np.ndarray, bool]]:
    """Groups of rows that may add up, and whether they are declared to."""
    within = (table.counted.within,) if isinstance(table.counted.within, str) else table.counted.within
    for name in filter(None, within):
        yield from ((rows, True) for rows in table.groups(name) if len(rows) > 1)
    for name in ("*", *table.labels):
        if name not in within:
            yield from ((rows, False) for rows in table.groups(name) if len(rows) > 1)


def _down(system: System, table: Table, found: tuple[np.ndarray, bool], column: str, published: Readable) -> None:
    """The rows of a group add up to the row that is their total, or, where that is declared, to a count that is published elsewhere."""
    rows, declared = found
    place = table.columns.index(column)
    if not table.hidden[rows, place].any() and not _rounded(table, rows, column):
        return
    # which of several rows called a total is that of these rows, the data say
    for row in rows:
        parts = [int(other) for other in rows if other != row]
        if is_total(table, row) and abs(np.nansum(table.values[parts, place]) - table.values[row, place]) < 0.5:
            _sum(system, table, [table.cell(other, column) for other in parts], table.cell(row, column), "rows add up to their total")
            return
    if declared and not any(is_total(table, row) for row in rows):
        known = [table.cell(row, column) for row in rows if system.knows(table.cell(row, column))]
        elsewhere = published.find(KIND.get(column, ""), float(np.nansum(table.values[rows, place])))
        if len(known) > 1 and elsewhere is not None and elsewhere not in known:
            terms = [*((cell, 1.0) for cell in known), (elsewhere, -1.0)]
            system.relate(terms, 0.0, 0.0, "rows add up to a total that is published elsewhere")


def _rounded(table: Table, rows: np.ndarray, column: str) -> bool:
    return any(str(table.published(row, column)).startswith("≈") for row in rows)


# -- counts so far ---------------------------------------------------------------------------------------------------------


def step_cell(table: Table, row: int, column: str) -> Cell:
    """The step to a row from the one before it in its group."""
    return table.exhibit, table.name, int(row), f"{column} (step)"


def relate_steps(system: System, table: Table, rule: Rule) -> None:
    """Counts so far never fall; a small step between two rows must stay uncertain, and nobody leaves a risk set but by event or censoring."""
    running = dict.fromkeys((table.counted.cumulative, *table.counted.steps))
    for column in (name for name in running if name in table.columns):
        for rows in table.groups(table.counted.by or "*"):
            rows = np.array([row for row in rows if system.knows(table.cell(row, column))], dtype=int)
            for before, row in zip([None, *rows], rows, strict=False):
                earlier = 0.0 if before is None else table.value(before, column)
                step, size = step_cell(table, row, column), table.value(row, column) - earlier
                if size < 0:
                    continue
                system.add(step, size, 0.0, math.inf, hidden=True)
                terms = [(table.cell(row, column), 1.0), (step, -1.0)]
                if before is not None:
                    terms.append((table.cell(before, column), -1.0))
                    _risk(system, table, int(before), int(row))
                system.relate(terms, 0, 0, "counts so far")
                if rule.near(size):
                    system.targets.append(Target(step, "step"))


def _risk(system: System, table: Table, before: int, row: int) -> None:
    """Where nobody enters late, those who are gone from the risk set are the events and the censored, so that events are no more."""
    if "n_risk" not in table.columns or not table.falls:
        return
    terms = [(table.cell(one, column), sign) for column in ("n_risk", table.counted.cumulative) for one, sign in ((before, 1.0), (row, -1.0))]
    system.relate(terms, 0, math.inf, "events are no more than leave the risk set")
