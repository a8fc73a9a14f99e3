"""What the ledger knows while it decides: which results, cells and sizes may not be told anywhere in the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["NOTHING", "PEOPLE", "Cell", "Known", "labels_of", "names_of"]

PEOPLE = frozenset({"n", "people", "persons", "n_risk"})  # columns that count people wherever they stand
Cell = tuple[str, str, int, str]  # exhibit id, frame name, row of the private frame, column of counts


@dataclass(frozen=True)
class Known:
    """told: ids of results that are withheld for what they rest on; covered: ids whose counts must not be read off a frame either;
    names: quantities that are withheld somewhere, and their counts; sizes: counts that may only be shown roughly, wherever they
    stand; people: counts of people that may only be shown roughly, where people are counted; said: counts near one of an earlier run,
    and that one, for sentences and captions.

    For the frame at hand, also: (row, column) to withhold besides; earlier: what earlier runs published, by labels of the row and column.
    """

    told: frozenset[str] = frozenset()
    covered: frozenset[str] = frozenset()
    names: frozenset[tuple[str, float]] = frozenset()
    sizes: frozenset[float] = frozenset()
    people: frozenset[float] = frozenset()
    also: frozenset[tuple[int, str]] = frozenset()
    earlier: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    said: Mapping[float, float] = field(default_factory=dict)

    def rough(self, values: np.ndarray, columns: Sequence[str], named: Iterable[str]) -> np.ndarray:
        """Which counts may only be shown roughly; named: columns whose quantities have names across exhibits."""
        of_people = np.array([column in PEOPLE or column in named for column in columns], dtype=bool)
        return np.asarray(np.isin(values, list(self.sizes)) | (np.isin(values, list(self.people)) & of_people))

    def withheld(self, name: str, count: float, rule: Rule) -> bool:
        """Whether the same quantity, of the same population or one that differs by few, is withheld somewhere."""
        quantity = name.partition("@")[0]
        return any(other == quantity and (value == count or rule.near(value - count)) for other, value in self.names)

    def roughly(self, count: float | None, rule: Rule, *, of_people: bool = True) -> float | None:
        """What may be said of a count outside of frames, where it may only be shown roughly; None where it may be exact."""
        secret = count in self.said or count in self.sizes or (of_people and count in self.people)
        if count is None or not secret:
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
