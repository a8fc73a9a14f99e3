"""Rows that a recipe made: each remembers the row of the file from which it came."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.places import Places
from mentorship_eval.cohort.reading.raw import Source

__all__ = ["Traced", "replace_rows"]


@dataclass
class Traced(Places):
    """Places of rows 1, 2, ... that were made of others: ``origin[i - 1]`` is the number that row i had before."""

    origin: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype="int64"))

    def _before(self, index: object) -> np.ndarray:
        rows = np.asarray(index, dtype="int64").ravel()
        return self.origin[rows - 1] if len(self.origin) else rows

    def number_of(self, index: object) -> np.ndarray:
        return super().number_of(self._before(index))

    def locate(self, index: int) -> tuple[str, int]:
        return Places.locate(self._plain(), int(self._before(index)[0]))

    def group(self, index: object) -> list[tuple[str, np.ndarray]]:
        return self._plain().group(self._before(index))

    def lacking(self, column: str) -> list[str]:
        return []  # its columns are ours, not those of the files

    def _plain(self) -> Places:
        return Places(self.files, self.starts, self.sha256, self.columns, self._end)


def replace_rows(source: Source, frame: pd.DataFrame, origin: np.ndarray) -> None:
    """Put ``frame`` (our columns, text) in the place of ``source.raw``; ``origin`` are the rows of the old one that its rows stand for."""
    places = source.places
    source.places = Traced(places.files, places.starts, places.sha256, places.columns, places._end, np.asarray(origin, dtype="int64"))
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row").astype("int64")
    frame.columns = pd.Index([str(name) for name in frame.columns], dtype=object)
    source.raw = frame
    source.theirs = {name: name for name in frame.columns}
