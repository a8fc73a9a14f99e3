"""Accepted pairs as rows of the table matches, with the columns of the cohort's own file."""

from __future__ import annotations

import re
from itertools import pairwise

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.errors import listing

__all__ = ["wave_rows"]

_KEPT = ("mentor_id", "score", "method")  # what a later evaluation of the pairs needs


def wave_rows(cohort: Cohort, pairs: pd.DataFrame, day: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """A row for each of ``pairs`` (mentee_id, mentor_id, score, method), offered and begun on ``day``; and what to know before adding them.

    The columns are those that the cohort's table has, so that the rows may stand in a file of their own beside it
    (``matches: [matches.csv, round2/matches.csv]``: several files need the same columns). Where matches come through a recipe, from an export of
    another system, the columns are ours. Texts, since that is how they are written.
    """
    table, declared = cohort.table("matches"), cohort.study.tables["matches"]
    mapped = declared.recipe is None
    names = [name for name in TABLES["matches"].names if not mapped or name in table]
    if mapped and _numbered_by_us(table["match_id"]):
        names.remove("match_id")
    written = f"{day:%Y-%m-%d}"
    programmes = table["programme_id"].dropna().unique() if "programme_id" in table else []
    known = {
        "match_id": [f"{day:%Y%m%d}-{mentee}" for mentee in pairs["mentee_id"]],
        "programme_id": programmes[0] if len(programmes) == 1 else "", "mentor_id": pairs["mentor_id"].to_numpy(),
        "mentee_id": pairs["mentee_id"].to_numpy(), "offered_on": written, "start": written, "method": pairs["method"].to_numpy(),
        "score": [f"{score:g}" for score in pairs["score"]], "relationship_type": "mentoring",
    }  # fmt: skip
    rows = pd.DataFrame({name: known.get(name, "") for name in names}, index=range(len(pairs)), dtype=object)
    notes = []
    lost = [name for name in _KEPT if name not in names]
    if lost and len(rows):
        notes.append(f"Your table matches has no column {listing(lost)}: add it, and the rows in matches.csv will tell how each pair was made.")
    if not mapped:
        notes.append("Your matches come through a recipe: matches.csv has our columns; enter the pairs in the system from which you export.")
        return rows, notes
    return rows.rename(columns=declared.columns), notes


def _numbered_by_us(ids: pd.Series) -> bool:
    """Whether the file has no key: the reader then calls each row m and its number, the first below the header m2."""
    numbers = [int(text[1:]) if re.fullmatch(r"m[1-9]\d*", text) else -1 for text in ids.astype(str)]
    return bool(numbers) and numbers[0] >= 2 and all(one < other for one, other in pairwise(numbers))
