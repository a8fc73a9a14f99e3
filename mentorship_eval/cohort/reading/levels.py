"""Categories never seen before: where study.yaml declares the levels of a column, another one stops the reading (E125)."""

from __future__ import annotations

import difflib

import pandas as pd

from mentorship_eval.cohort.reading.raw import Source

__all__ = ["check_levels"]


def check_levels(source: Source, ours: str, values: pd.Series) -> None:
    """E125 for what stands in ``values``, as read, and is not among the declared levels of the column; the nearest known one is named.

    Missing values are none, and neither are numbers and truth values.
    """
    levels = source.declared.levels.get(ours)
    if not levels or values.dtype != object:
        return
    known = set(levels)
    new = [value for value in pd.unique(values.dropna()) if isinstance(value, str) and value not in known]
    if not new:
        return
    folded = {level.casefold(): level for level in levels}
    hints = []
    for value in new[:4]:
        near = difflib.get_close_matches(value[:200].casefold(), folded, n=1, cutoff=0.0)
        hints.append(f"{value[:40]!r} (nearest known: {folded[near[0]]!r})")
    more = f" and {len(new) - 4} more" if len(new) > 4 else ""
    source.find(
        "E125",
        f"never seen before in {ours}: {', '.join(hints)}{more}",
        rows=values.index[values.isin(new).to_numpy()],
        column=ours,
        fix=f"To accept it, add it to tables.{source.name}.levels.{ours} in study.yaml; if it is a known one under another name, map it with "
        f"values: {{{ours}: {{{new[0][:40]}: KNOWN LEVEL}}}}.",
    )
