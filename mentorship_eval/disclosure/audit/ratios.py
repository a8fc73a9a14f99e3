"""Counts from the numbers that are made of them: percentages, rates, means, and the limits of an interval.

Which formula a published number follows, the private table says: a formula is taken for known where it gives the numbers of every row. A
ratio of two counts with a printed number is linear in both: of ``x = part / whole`` with x between a and b, a whole <= part <= b whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mentorship_eval.disclosure.audit.limits import counts_behind
from mentorship_eval.disclosure.audit.reading import Interval, printed
from mentorship_eval.disclosure.audit.system import Cell, System
from mentorship_eval.disclosure.audit.tables import Table

__all__ = ["relate_ratios"]

_SCALES = (1.0, 100.0, 1000.0)
_MANY = 2000  # rows beyond which a table is no table


def relate_ratios(system: System, table: Table) -> None:
    """Relations from the numbers of a table that are published in rows with a withheld count."""
    counts = [column in table.counted.counts for column in table.columns]
    rows = np.flatnonzero(table.hidden[:, counts].any(axis=1))
    if table.shown is None or not len(rows) or len(table.private) > _MANY:
        return
    for column in _numbers(table):
        published = {int(row): printed(table.published(int(row), column)) for row in rows}
        if not any(published.values()):
            continue
        for part, whole, scale in _formulas(table, column):
            for row, found in published.items():
                if found:
                    _ratio(system, table, row, column, part, whole, (found[0][0] / scale, found[0][1] / scale))
    for behind in counts_behind(table, [int(row) for row in rows]):
        system.relate([(behind.cell, 1.0)], behind.least, behind.most, "limits of an interval give the count behind them", by=behind.by)
    _means(system, table)


def _numbers(table: Table) -> list[str]:
    """Published columns with numbers that are no counts."""
    other = {*table.columns, *table.counted.results, *table.counted.same.values(), "id", "reason"}
    return [column for column in table.shown if column not in other and column in table.private] if table.shown is not None else []


def _values(table: Table, column: str) -> list[Interval | None]:
    return [found[0] if (found := printed(value)) else None for value in table.private[column]]


def _formulas(table: Table, column: str) -> Iterator[tuple[str, str, float]]:
    """(part, whole, scale) of which the column is the quotient in every row where it has a number; part or whole may be no count but a number
    (person-years, a sum of scores); a whole in parentheses is the total of the group.
    """
    values = _values(table, column)
    counts = [name for name in table.counted.counts if name in table.columns]
    others = [name for name in _numbers(table) if name != column and table.private[name].dtype.kind in "if"]
    pairs = [(part, whole) for part in counts for whole in (*counts, *others, *(f"({name})" for name in ("*", *table.labels))) if part != whole]
    pairs += [(part, whole) for part in others for whole in counts]
    for part, whole in pairs:
        top, bottom = _numbers_of(table, part, part), _numbers_of(table, whole, part)
        for scale in _SCALES:
            if _holds(values, top, bottom, scale):
                yield part, whole, scale
                break


def _numbers_of(table: Table, name: str, part: str) -> np.ndarray:
    if name in table.columns:
        return table.values[:, table.columns.index(name)]
    if not name.startswith("("):
        return table.private[name].to_numpy(dtype=float)
    out, counts = np.full(len(table.private), np.nan), table.values[:, table.columns.index(part)]
    for rows in table.groups(name[1:-1]):
        # the largest of a group is its total, where the others add up to it; else all of them
        total = float(np.nansum(counts[rows]))
        out[rows] = total / 2 if len(rows) > 2 and abs(np.nanmax(counts[rows], initial=0.0) * 2 - total) < 0.5 else total
    return out


def _holds(values: list[Interval | None], top: np.ndarray, bottom: np.ndarray, scale: float) -> bool:
    told = 0
    for one, a, b in zip(values, top, bottom, strict=True):
        if one is None or math.isnan(a) or math.isnan(b) or b == 0:
            continue
        slack = 1e-7 * max(1.0, abs(a / b * scale))
        if not one[0] - slack <= a / b * scale <= one[1] + slack:
            return False
        told += a > 0
    return told > 0


def _ratio(system: System, table: Table, row: int, column: str, part: str, whole: str, share: Interval) -> None:
    """low whole <= part <= high whole, with what is no count put in as the number that is published."""
    top, bottom = _terms(table, row, part, part), _terms(table, row, whole, part)
    if top is None or bottom is None:
        return
    by = (table.cell(row, column), *(table.cell(row, name) for name, one in ((part, top), (whole, bottom)) if not one[0]))
    why = f"{column} is {part} by {whole.strip('()')}"
    for end, sign in ((share[0], 1.0), (share[1], -1.0)):
        # sign times (part - end whole) is at least 0; of a number the end that leaves most room
        terms = [(cell, sign) for cell in top[0]] + [(cell, -sign * end) for cell in bottom[0]]
        known = (max(sign * one for one in top[1]) if not top[0] else 0.0) + (max(-sign * end * one for one in bottom[1]) if not bottom[0] else 0.0)
        system.relate(terms, -known - 1e-7 * max(1.0, abs(known)), math.inf, why, by=by)


def _terms(table: Table, row: int, name: str, part: str) -> tuple[list[Cell], Interval] | None:
    """The counts that make up a part or whole; none and an interval where it is a published number; None where nothing is published."""
    if name in table.columns:
        return [table.cell(row, name)], (0.0, 0.0)
    if name.startswith("("):
        rows = next(rows for rows in table.groups(name[1:-1]) if row in rows)
        counts = table.values[rows, table.columns.index(part)]
        total = rows[int(np.nanargmax(counts))]
        own = abs(2 * counts[rows == total][0] - np.nansum(counts)) < 0.5 and len(rows) > 2
        return [table.cell(one, part) for one in ([total] if own else rows)], (0.0, 0.0)
    found = printed(table.published(row, name))
    return ([], found[0]) if found else None


def _means(system: System, table: Table) -> None:
    """Means of parts and of the whole: the counts weigh the parts, so that sum of n times (mean - mean of all) is nought."""
    for column in table.counted.derived:
        # printed numbers are near one another, so that many weights would seem to fit
        if column not in table.private or (table.private[column].dtype.kind != "f" and "mean" not in column):
            continue
        values = _values(table, column)
        for count in table.counted.counts:
            for name in ("*", *table.labels):
                for rows in table.groups(name) if count in table.columns and len(table.private) > 2 else ():
                    _weighted(system, table, column, count, rows, values)


def _weighted(system: System, table: Table, column: str, count: str, rows: np.ndarray, values: list[Interval | None]) -> None:
    n = table.values[:, table.columns.index(count)]
    counted = np.where(n[rows] > 0, n[rows], 0.0)
    # a total is as large as all others together
    for total in rows[~(np.abs(counted.sum() - counted - n[rows]) > 0.5)]:
        parts = [int(row) for row in rows if row != total and n[row] > 0]
        if len(parts) < 2 or values[total] is None or any(values[row] is None for row in parts):
            continue
        if not table.hidden[[*parts, total], table.columns.index(count)].any():
            continue
        shown = [printed(table.published(row, column)) for row in (int(total), *parts)]
        if not all(shown):
            continue
        whole, each = shown[0][0], [found[0] for found in shown[1:]]
        by = tuple(table.cell(row, column) for row in parts)
        why = f"{column} of the parts and of the whole"
        system.relate([(table.cell(row, count), one[1] - whole[0]) for row, one in zip(parts, each, strict=True)], 0, math.inf, why, by=by)
        system.relate([(table.cell(row, count), one[0] - whole[1]) for row, one in zip(parts, each, strict=True)], -math.inf, 0, why, by=by)
        return
