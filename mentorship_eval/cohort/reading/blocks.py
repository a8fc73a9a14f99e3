"""Rows that come block by block, kept so that a file of many million rows fits: equal texts of a column are one string."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["CELLS", "Pools", "Stack"]

CELLS = 1_000_000  # cells in a block: enough to be quick, few enough not to show in memory


class _Pool:
    """The strings of one column, each once. A column whose texts are mostly different gains nothing and is let through."""

    def __init__(self) -> None:
        self.known: dict[str, str] | None = {}

    def share(self, texts: np.ndarray) -> np.ndarray:
        if self.known is None:
            return texts
        codes, different = pd.factorize(texts)
        if len(different) > 1000 and len(different) > 0.5 * len(texts):
            self.known = None
            return texts
        known = self.known
        return np.array([known.setdefault(text, text) for text in different], dtype=object)[codes]


class Pools(dict[str, _Pool]):
    """The pool of each column of a table, over all its files."""

    def __missing__(self, name: str) -> _Pool:
        return self.setdefault(name, _Pool())


class Stack:
    """Columns that grow block by block; ``names`` may be empty texts, for columns without a header."""

    def __init__(self, names: Sequence[str], pools: Pools) -> None:
        self.names, self.pools = list(names), pools
        self.rows = 0
        self._parts: list[list[np.ndarray]] = [[] for _ in self.names]

    @property
    def block(self) -> int:
        """How many rows a block should have."""
        return max(CELLS // max(len(self.names), 1), 1000)

    def add(self, columns: Sequence[np.ndarray]) -> None:
        """Take in a block: for each column its texts, all of one length."""
        self.rows += len(columns[0]) if columns else 0
        for name, parts, texts in zip(self.names, self._parts, columns, strict=True):
            parts.append(self.pools[name].share(texts))

    def frame(self, first: int) -> pd.DataFrame:
        """All rows, numbered from ``first``. Columns with neither a name nor a text are left out."""
        columns = {}
        for position, name in enumerate(self.names):
            parts, self._parts[position] = self._parts[position], []
            values = np.concatenate(parts) if parts else np.array([], dtype=object)
            if name or (values != "").any():
                columns[name or f"(column {position + 1})"] = values
        index = pd.RangeIndex(first, first + self.rows, name="row")
        # a column each: pandas would otherwise copy all of them into one array
        return pd.DataFrame(columns, index=index, columns=pd.Index(list(columns), dtype=object), copy=False)
