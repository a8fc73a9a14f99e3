"""Second blanks: a count that is withheld must not be had from the others of a sum that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["Sum", "cover", "sums_of"]

_Cells = list[tuple[int, int]]


@dataclass(frozen=True)
class Sum:
    """Cells that add up to ``total``, a cell that is shown too; None: to a number that is shown elsewhere."""

    parts: _Cells
    total: tuple[int, int] | None


def _total_rows(frame: pd.DataFrame, within: str, totals: tuple[str, ...]) -> np.ndarray:
    """Rows that their labels, but for that of the group, call a total."""
    if not totals:
        return np.zeros(len(frame), dtype=bool)
    words = frame.drop(columns=within, errors="ignore").select_dtypes(exclude="number")
    return np.asarray(words.astype(object).isin(totals).to_numpy().any(axis=1))


def sums_of(frame: pd.DataFrame, counted: Counted, columns: list[str]) -> Iterator[Sum]:
    """All sums that are declared of a frame: down its groups of rows, and across its columns."""
    within = (counted.within,) if isinstance(counted.within, str) else counted.within
    places = [place for place, column in enumerate(columns) if column in counted.counts]
    for name in (name for name in within if name == "*" or name in frame):
        groups = np.zeros(len(frame)) if name == "*" else frame[name].to_numpy()
        called = _total_rows(frame, name, counted.totals)
        for group in pd.unique(pd.Series(groups)):
            rows = np.flatnonzero(groups == group)
            # the one row of a group that is its total
            found = rows[called[rows]]
            total = int(found[0]) if len(found) == 1 else None
            for place in places:
                yield Sum([(int(row), place) for row in rows if row != total], None if total is None else (total, place))
    for total_and_parts in counted.sums:
        if all(column in columns for column in total_and_parts):
            first, *rest = (columns.index(column) for column in total_and_parts)
            for row in range(len(frame)):
                yield Sum([(row, place) for place in rest], (row, first))


def _gives_away(one: Sum, blank: np.ndarray, values: np.ndarray, rule: Rule) -> bool:
    """Whether what is blanked can be had from what is shown: a single part, or parts that hold a small number together."""
    hidden = [cell for cell in one.parts if blank[cell] and rule.holds(values[cell])]
    if one.total is not None and not np.isnan(values[one.total]):
        if blank[one.total]:
            # all parts shown would add up to it
            return not hidden and not any(np.isnan(values[cell]) for cell in one.parts)
        # what has no number here is hidden too
        unknown = sum(bool(np.isnan(values[cell])) for cell in one.parts)
        left = values[one.total] - sum(values[cell] for cell in one.parts if not blank[cell] and values[cell] > 0)
        return bool(hidden) and (rule.small(left) or len(hidden) + unknown == 1) and left < values[one.total]
    return bool(hidden) and (len(hidden) == 1 or rule.small(sum(values[cell] for cell in hidden)))


def cover(blank: np.ndarray, values: np.ndarray, sums: list[Sum], rule: Rule) -> np.ndarray:
    """Further blanks, the smallest part first, until no sum gives a blanked cell away."""
    blank, before = blank.copy(), -1
    while int(blank.sum()) != before:
        before = int(blank.sum())
        for one in sums:
            while _gives_away(one, blank, values, rule):
                free = [cell for cell in one.parts if not blank[cell] and values[cell] > 0]
                if not free:
                    break
                blank[min(free, key=lambda cell: values[cell])] = True
    return blank
