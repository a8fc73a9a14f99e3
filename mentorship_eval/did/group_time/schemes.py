"""Which group-time effects an aggregate averages, and by what weights (Callaway & Sant'Anna 2021, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mentorship_eval.did.group_time.comparisons import Comparison
from mentorship_eval.did.group_time.design import Design

__all__ = ["KINDS", "Scheme", "make_scheme"]

KINDS = ("simple", "dynamic", "group", "calendar")


@dataclass(frozen=True)
class Scheme:
    """Rows of an aggregate: each averages its comparisons by the shares of their groups.

    key: name of the first column ("" for simple); labels (K,); row (C,): the row of each comparison, -1 for
    none; overall (K,): rows that the overall value averages; by_share: whether it weights rows by the shares
    of their groups (row_group) instead of equally.
    """

    kind: str
    key: str
    labels: tuple[Any, ...]
    row: np.ndarray
    overall: np.ndarray
    by_share: bool
    row_group: np.ndarray


def _event_label(value: float) -> Any:
    return int(value) if float(value).is_integer() else value


def make_scheme(
    design: Design, cells: list[Comparison], known: np.ndarray, kind: str, *, min_e: float, max_e: float, balance_e: float | None
) -> Scheme:
    """The rows of ``kind``; known (C,): comparisons that could be estimated. Rows without any are absent.

    min_e, max_e : the first and last event time (max_e also ends the averages of simple and group).
    balance_e : dynamic only: groups observed for at least this many periods after adoption, and event
        times for which all of them can be observed.
    """
    event = np.array([cell.event for cell in cells])
    group = np.array([cell.group for cell in cells], dtype=int)
    period = np.array([cell.t for cell in cells], dtype=int)
    post = known & (event >= 0) & (event <= max_e)
    if kind == "simple":
        return Scheme(kind, "", ("all",), np.where(post, 0, -1), np.array([True]), False, np.array([-1]))
    if kind == "dynamic":
        chosen = known & (event >= min_e) & (event <= max_e)
        if balance_e is not None:
            last, first = design.position[-1], design.position[period.min()]
            chosen &= (last - design.groups[group] >= balance_e) & (event <= balance_e) & (event >= balance_e - last + first)
        values = event
    elif kind == "group":
        chosen, values = post, group.astype(float)
    else:
        chosen, values = known & (event >= 0), period.astype(float)
    levels = np.unique(values[chosen])
    row = np.where(chosen, np.searchsorted(levels, values), -1)
    if kind == "dynamic":
        return Scheme(kind, "event_time", tuple(_event_label(v) for v in levels), row, levels >= 0, False, np.full(len(levels), -1))
    index = levels.astype(int)
    if kind == "group":
        return Scheme(kind, "group", tuple(design.labels[j] for j in index), row, np.ones(len(index), dtype=bool), True, index)
    return Scheme(kind, "time", tuple(design.times[t] for t in index), row, np.ones(len(index), dtype=bool), False, np.full(len(index), -1))
