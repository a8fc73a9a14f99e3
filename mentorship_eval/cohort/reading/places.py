"""Where each row of a table came from: one table may be made of many files, and every message has to name the right one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = ["Places"]


@dataclass
class Places:
    """Files in the order in which they were read, and the file and row behind every number of ``Source.raw.index``.

    Row r of the k-th file has the number ``starts[k] + r``, and ``starts[0]`` is 0: in a table of one file the numbers are
    the rows of that file. ``columns`` are those in the header of each file.
    """

    files: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    columns: list[tuple[str, ...]] = field(default_factory=list)
    _end: int = 0

    def __len__(self) -> int:
        return len(self.files)

    def add(self, file: str, sha256: str, columns: tuple[str, ...], last_row: int) -> int:
        """Take a file in; returns what is to be added to its row numbers."""
        self.files.append(file)
        self.starts.append(self._end)
        self.sha256.append(sha256)
        self.columns.append(columns)
        self._end += max(last_row, 1)
        return self.starts[-1]

    def number_of(self, index: object) -> np.ndarray:
        """Which file (0, 1, ...) each of the row numbers stands in."""
        rows = np.asarray(index, dtype="int64").ravel()
        return np.maximum(np.searchsorted(np.array(self.starts, dtype="int64"), rows, side="left") - 1, 0)

    def locate(self, index: int) -> tuple[str, int]:
        """File and row in it of one row number."""
        if not self.files:
            return "", int(index)
        k = int(self.number_of(index)[0])
        return self.files[k], int(index) - self.starts[k]

    def file_of(self, index: int | pd.Index | np.ndarray) -> str | np.ndarray:
        """Name of the file behind one row number, or an array of names for many."""
        if np.ndim(index) == 0:
            return self.locate(int(index))[0]  # type: ignore[arg-type]
        return np.array(self.files, dtype=object)[self.number_of(index)]

    def row_of(self, index: int) -> str:
        """A row as a message names it: its number, with the file where there are several."""
        file, row = self.locate(index)
        return f"{row} of {file}" if len(self.files) > 1 else str(row)

    def spans(self, index: pd.Index) -> list[np.ndarray]:
        """Positions in ``index`` of the rows of each file, in the order of ``files``."""
        if len(self.files) < 2:
            return [np.arange(len(index))]
        number = self.number_of(index)
        return [np.flatnonzero(number == k) for k in range(len(self.files))]

    def lacking(self, column: str) -> list[str]:
        """Files whose header does not have ``column`` although that of another has it."""
        without = [file for file, names in zip(self.files, self.columns, strict=True) if column not in names]
        return without if len(without) < len(self.files) else []

    def group(self, index: object) -> list[tuple[str, np.ndarray]]:
        """Row numbers as (file, its rows), in the order of ``files``."""
        rows = np.asarray(index, dtype="int64").ravel()
        if len(self.files) < 2 or not len(rows):
            return [(self.files[0] if self.files else "", rows)]
        number = self.number_of(rows)
        return [(self.files[k], rows[number == k] - self.starts[k]) for k in np.unique(number)]
