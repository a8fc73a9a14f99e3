"""Who was asked and who answered, wave by wave and arm by arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.inference.shown import as_html
from mentorship_eval.surveys.columns import numbers, refuse_missing, require

__all__ = ["ResponseFlow", "answered_flags", "response_flow"]


@dataclass(frozen=True)
class ResponseFlow:
    """table: wave, arm, asked, answered, response; patterns: waves answered (1 and 0 in the order of the waves), n; None without persons."""

    table: pd.DataFrame
    patterns: pd.DataFrame | None

    def statement(self) -> str:
        by_wave = self.table.groupby("wave", sort=False)[["asked", "answered"]].sum()
        told = "; ".join(f"wave {wave} {row.answered:,} of {row.asked:,} ({row.answered / row.asked:.0%})" for wave, row in by_wave.iterrows())
        return f"Answered: {told}."

    def _repr_html_(self) -> str:
        return as_html(self.statement(), self.table, *([self.patterns] if self.patterns is not None else []))


def answered_flags(data: pd.DataFrame, answered: str) -> np.ndarray:
    """(n,) booleans from a column of 0/1 or booleans."""
    values = numbers(data, answered)
    odd = np.unique(values[~np.isin(values, (0.0, 1.0))])
    if len(odd):
        raise EstimationError(
            f"Column {answered!r} holds {listing(odd)}.", fix="Use 1 for an answer and 0 for none: data.assign(answered=data['score'].notna())."
        )
    return values == 1.0


def response_flow(data: pd.DataFrame, *, answered: str, wave: str, arm: str | None = None, person: str | None = None) -> ResponseFlow:
    """Numbers asked and answering.

    data : one row per person asked and wave. answered : 0/1. person : also counts people by the waves that they answered.
    """
    require(data, [answered, wave, arm, person])
    refuse_missing(data, [answered, wave, arm, person])
    flags = answered_flags(data, answered)
    by = [wave] + ([arm] if arm else [])
    frame = data.assign(asked=1, _answered=flags.astype(int))
    table = frame.groupby(by, sort=True, observed=True)[["asked", "_answered"]].sum().reset_index()
    table.columns = pd.Index(["wave", *(["arm"] if arm else []), "asked", "answered"])
    table["response"] = table["answered"] / table["asked"]
    patterns = None
    if person is not None:
        wide = frame.pivot_table(index=person, columns=wave, values="_answered", aggfunc="max", observed=True)
        text = wide.apply(lambda row: "".join("-" if np.isnan(v) else str(int(v)) for v in row.astype(float)), axis=1)
        counts = text.value_counts()
        patterns = pd.DataFrame({"pattern": counts.index, "n": counts.to_numpy()}).sort_values(
            ["n", "pattern"], ascending=[False, True], ignore_index=True
        )
    return ResponseFlow(table, patterns)
