"""What the ledger knows while it decides: which results, cells and sizes may not be told anywhere in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["NOTHING", "Cell", "Known", "labels_of", "names_of"]

Cell = tuple[str, str, int, str]  # exhibit id, frame name, row of the private frame, column of counts


@dataclass(frozen=True)
class Known:
    """told: ids of results that are withheld for what they rest on; covered: ids whose counts must not be read off a frame either;
    names: quantities that are withheld somewhere, and their counts; sizes: counts that may only be shown roughly, wherever they
    stand; said: counts near one of an earlier run, and that one, for sentences and captions.

    For the frame at hand, also: (row, column) to withhold besides; earlier: what earlier runs published, by labels of the row and column.
    """

    told: frozenset[str] = frozenset()
    covered: frozenset[str] = frozenset()
    names: frozenset[tuple[str, float]] = frozenset()
    sizes: frozenset[float] = frozenset()
    also: frozenset[tuple[int, str]] = frozenset()
    earlier: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    said: Mapping[float, float] = field(default_factory=dict)

    def rough(self, values: np.ndarray) -> np.ndarray:
        """Which counts are sizes that may only be shown roughly."""
        return np.isin(values, list(self.sizes)) if self.sizes else np.zeros(values.shape, dtype=bool)

    def withheld(self, name: str, count: float, rule: Rule) -> bool:
        """Whether the same quantity, of the same population or one that differs by few, is withheld somewhere."""
        quantity = name.partition("@")[0]
        return any(other == quantity and (value == count or rule.near(value - count)) for other, value in self.names)

    def roughly(self, count: float | None, rule: Rule) -> float | None:
        """What may be said of a count outside of frames, where it may only be shown roughly; None where it may be exact."""
        if count is None or (count not in self.said and count not in self.sizes):
            return None
        return self.said.get(count, rule.coarsely(count))


NOTHING = Known()


def names_of(frame: pd.DataFrame, counted: Counted, column: str) -> list[str]:
    """What the count of each row is called across exhibits; "" where it has no name."""
    named = counted.same.get(column, "")
    return [str(value) if isinstance(value, str) else "" for value in frame[named]] if named in frame else [""] * len(frame)


def labels_of(frame: pd.DataFrame, counted: Counted) -> list[str]:
    """What tells the rows of a frame from one another in every run of a cohort: its texts, and times; no number that was counted."""
    helpers = {*counted.behind, *counted.results, *counted.same.values(), *counted.amounts.values(), counted.cumulative}
    numbers = {*counted.counts, *counted.derived, *helpers, "reason", "text"}
    words = [c for c in frame if c == "time" or (c not in numbers and not pd.api.types.is_float_dtype(frame[c]))]
    rows = frame[words].astype(str).to_numpy().tolist()
    return ["\x1f".join(f"{column}={value}" for column, value in zip(words, row, strict=True)) for row in rows]
