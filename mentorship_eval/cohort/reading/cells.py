"""One column on its way from text to a type: its distinct texts, and where each stands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING, Source
from mentorship_eval.errors import listing

__all__ = ["Cells"]


class Cells:
    """One column as distinct texts and the code of each row: work is done on the texts, spread over the rows."""

    def __init__(self, source: Source, ours: str) -> None:
        self.source, self.ours = source, ours
        text = source.raw[source.theirs[ours]].to_numpy(dtype=object)
        self.rows = source.raw.index
        self.codes, uniques = pd.factorize(text)
        self.texts: list[str] = uniques.tolist()
        mapping = source.declared.values.get(ours)
        self.mapped = bool(mapping)
        if mapping:
            folded = {key.strip().casefold(): value for key, value in mapping.items()}
            self.texts = [mapping.get(text, folded.get(text.casefold(), text)) for text in self.texts]
        self.missing = np.array([text in MISSING for text in self.texts], dtype=bool)

    def rows_of(self, positions: list[int]) -> pd.Index:
        return self.rows[np.isin(self.codes, positions)]

    def first_row(self, position: int) -> int:
        return int(self.rows[int(np.argmax(self.codes == position))])

    def count(self, position: int) -> int:
        return int((self.codes == position).sum())

    def spread(self, values: object) -> np.ndarray | pd.Series:
        if isinstance(values, pd.DatetimeIndex):
            return values.take(self.codes) if len(values) else pd.DatetimeIndex([])
        return np.asarray(values)[self.codes]

    def bad(self, code: str, positions: list[int], what: str, fix: str) -> None:
        if positions:
            shown = listing([repr(self.texts[i][:40]) for i in positions], 4)
            self.source.find(code, f"{shown}: {what}", rows=self.rows_of(positions), column=self.ours, fix=fix)
