"""Events from the steps of a curve: a survival curve falls by the share of those at risk who have the event.

Between two published points with survival falling by the factor r, and everybody's risk set between m and n people, the events d fulfil
m (1 - r) <= d <= n (-log r), since each factor is 1 - events / at risk. Of a cumulative incidence that rises by f from a point at which the
share s is still free of any event: m f / s <= d <= n f / s', with s' at the second point. Where the curve has limits of Greenwood's variance
(plain or log-log) their growth gives the risk set as well: d / (n (n - d)) with d = n (1 - r).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from mentorship_eval.disclosure.audit.system import Cell, System
from mentorship_eval.disclosure.audit.tables import Table

__all__ = ["relate_curves"]

_Z = 1.959963984540054


def relate_curves(system: System, table: Table) -> None:
    """Relations from the points that are published of a table of curves."""
    events = table.counted.cumulative
    if table.shown is None or not events or "estimate" not in table.private or "n_risk" not in table.columns or events not in table.columns:
        return
    for rows in table.groups(table.counted.by or "*"):
        rows = np.array([row for row in rows if system.knows(table.cell(row, events))], dtype=int)
        points = [int(row) for row in rows if isinstance(table.published(row, "estimate"), float | np.floating)
                  and not np.isnan(table.published(row, "estimate"))]  # fmt: skip
        if table.counted.carry:
            # the rows between two that may be shown repeat the first: only where the curve moves does it tell anything
            moved = [row for before, row in pairwise(points) if table.published(row, "estimate") != table.published(before, "estimate")]
            points = [*points[:1], *moved]
        for before, row in pairwise(points):
            _interval(system, table, before, row, [(table.cell(row, events), 1.0), (table.cell(before, events), -1.0)])


def _interval(system: System, table: Table, before: int, row: int, all_events: list[tuple[Cell, float]]) -> None:
    first, second = float(table.published(before, "estimate")), float(table.published(row, "estimate"))
    n, m = table.cell(before, "n_risk"), table.cell(row, "n_risk")
    by = (table.cell(row, "estimate"), table.cell(row, "ci_low"), table.cell(row, "ci_high"))
    why = "a step of a curve is events by people at risk"
    if second == first:
        system.relate(all_events, 0, 0, why, by=by)
        return
    if second < first <= 1 and second > 0:
        low, high = 1 - second / first, -math.log(second / first)
    elif 0 <= first < second < 1:
        # other causes leave fewer free of any event: with them the rise is worth no more people than these
        low, high = second - first, (second - first) / (1 - second)
    else:
        return
    # the data say whether the risk set falls, so that the first of the two is the larger
    system.relate([*all_events, (m, -low)], -1e-6, math.inf, why, by=by)
    system.relate([*all_events, (n, -high)], -math.inf, 1e-6, why, by=by)
    at_risk = _greenwood(table, before, row)
    if at_risk is not None:
        spread = max(1.0, 1e-4 * at_risk)
        system.relate([(n, 1.0)], at_risk - spread, at_risk + spread, "limits of a curve give the people at risk", by=by)
        system.relate(all_events, low * (at_risk - spread), high * (at_risk + spread), why, by=by)


def _greenwood(table: Table, before: int, row: int) -> float | None:
    """People at risk from the growth of Greenwood's sum between two points, if their limits are log-log or plain ones."""
    first, second = float(table.published(before, "estimate")), float(table.published(row, "estimate"))
    if not 0 < second < first <= 1:
        return None
    for sum_of in (_log_log, _plain):
        sums = [sum_of(table, one) for one in (before, row)]
        if None in sums or sums[1] <= sums[0]:  # type: ignore[operator]
            continue
        r = second / first
        # d / (n (n - d)) with d = n (1 - r) is (1 - r) / (n r)
        at_risk = (1 - r) / (r * (sums[1] - sums[0]))  # type: ignore[operator]
        return float(at_risk)
    return None


def _limits(table: Table, row: int) -> tuple[float, float, float]:
    return tuple(float(table.published(row, column)) for column in ("estimate", "ci_low", "ci_high"))  # type: ignore[return-value]


def _log_log(table: Table, row: int) -> float | None:
    value, low, high = _limits(table, row)
    if value == 1:
        return 0.0
    if not 0 < low < value < high < 1:
        return None
    ends = [math.log(-math.log(end)) - math.log(-math.log(value)) for end in (low, high)]
    if abs(ends[0] + ends[1]) > 1e-3 * abs(ends[0]):
        return None
    return (ends[0] / _Z * math.log(value)) ** 2


def _plain(table: Table, row: int) -> float | None:
    value, low, high = _limits(table, row)
    if value == 1:
        return 0.0
    if not low < value < high or abs(value - low - (high - value)) > 1e-6:
        return None
    return ((high - low) / (2 * _Z * value)) ** 2
