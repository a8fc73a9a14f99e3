"""With both cohort folders at hand: how many rows of each table are new, gone and the same, as far as that may be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mentorship_eval.disclosure import Rule

__all__ = ["RowChange", "compare_rows"]


@dataclass(frozen=True)
class RowChange:
    """Rows of one table. None in place of all three where one of them is small: with the sizes of both tables, which the reports show, one
    tells the others.
    """

    table: str
    added: int | None
    removed: int | None
    same: int | None

    def as_dict(self) -> dict[str, Any]:
        return {"table": self.table, "added": self.added, "removed": self.removed, "same": self.same}

    def __str__(self) -> str:
        if self.added is None:
            return f"{self.table}: some rows differ; how many is withheld"
        return f"{self.table}: {self.added:,} rows new, {self.removed:,} gone, {self.same:,} the same"


def _rows(frame: pd.DataFrame) -> Counter[tuple[str, ...]]:
    """Rows as texts, by the names of their columns, each as often as it stands there. A whole number is the same in a column that has gaps."""
    columns = sorted(map(str, frame.columns))
    texts = [(frame[name].astype(float) if pd.api.types.is_numeric_dtype(frame[name]) else frame[name]).astype(str) for name in columns]
    return Counter(zip(*([f"{name}={value}" for value in values] for name, values in zip(columns, texts, strict=True)), strict=True))


def compare_rows(old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame], rule: Rule) -> list[RowChange]:
    """Tables as they were read, in both cohorts, whose rows differ. rule: the stricter of the two; counts that it calls small are withheld."""
    found = []
    for table in [*old, *(name for name in new if name not in old)]:
        before, after = (_rows(each[table]) if table in each else Counter() for each in (old, new))
        added, removed, same = (after - before).total(), (before - after).total(), (before & after).total()
        if not added and not removed:
            continue
        counts = (added, removed, same, added - removed)
        # zero of one kind is said: the other is then the difference of the two sizes, and small or not by itself
        small = any(rule.small(count) or rule.near(float(count)) for count in counts)
        found.append(RowChange(table, None, None, None) if small else RowChange(table, added, removed, same))
    return found
