"""Days with times of day, read for certain or not at all."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import MISSING

__all__ = ["read_times"]

_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$")
_ZONE = re.compile(r"(?<=:\d\d)(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$")


def read_times(words: list[str], declared: str | None) -> tuple[np.ndarray, list[int]]:
    """Local times of distinct texts, in seconds, NaT where missing; and the positions of those that cannot be read.

    ISO times are read as they stand (a zone at the end is not applied); anything else needs a declared format.
    """
    text = pd.Series(words, dtype=object)
    given = ~text.isin(list(MISSING)).to_numpy()
    values = np.full(len(words), np.datetime64("NaT", "s"), dtype="datetime64[s]")
    iso = given & text.str.match(_ISO).fillna(False).to_numpy(dtype=bool)
    # a time without its zone: what a clock on the ward showed
    plain = text[iso]
    if len(plain) and plain.str.contains(_ZONE).any():
        plain = plain.where(plain.str.len() <= 16, plain.str.replace(_ZONE, "", regex=True))
    values[iso] = _parsed(plain, "ISO8601")
    if declared:
        values[given & ~iso] = _parsed(text[given & ~iso], declared)
    return values, [int(i) for i in np.flatnonzero(given & np.isnat(values))]


def _parsed(text: pd.Series, pattern: str) -> np.ndarray:
    try:
        found = pd.to_datetime(text, format=pattern, errors="coerce")
    except (ValueError, TypeError):  # the pattern itself is no good: every cell is then a problem
        return np.full(len(text), np.datetime64("NaT", "s"), dtype="datetime64[s]")
    if not pd.api.types.is_datetime64_any_dtype(found):
        return np.full(len(text), np.datetime64("NaT", "s"), dtype="datetime64[s]")
    found = found.dt.tz_localize(None) if found.dt.tz is not None else found
    return found.to_numpy(dtype="datetime64[ns]").astype("datetime64[s]")
