"""The column that says which event ended a row, or that none did."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import read_groups

__all__ = ["position_of", "read_causes"]


def read_causes(data: pd.DataFrame, cause: str) -> tuple[np.ndarray, tuple[object, ...]]:
    """(n,) codes, -1 for censored, and the causes in order; 0, False, "" and missing mean censored.

    Raises `UsageError` for an absent column and `EstimationError` when every row is censored.
    """
    if cause not in data.columns:
        raise UsageError(f"No column {cause!r} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    column = data[cause]
    if isinstance(column, pd.DataFrame):
        raise UsageError(f"Column {cause!r} stands in the data more than once.", fix="Rename or remove the copies.")
    missing = column.isna().to_numpy()
    if isinstance(column.dtype, pd.CategoricalDtype):
        none = np.array([_is_none(level) for level in column.cat.categories] + [True])
        censored = none[column.cat.codes.to_numpy()]  # code -1 is the last: missing
    elif pd.api.types.is_numeric_dtype(column):
        censored = missing | (column.to_numpy(dtype=float, na_value=np.nan) == 0)
    else:
        # there are few causes and many rows: each cause is looked at once; the last entry answers for the code of a missing value
        code, distinct = pd.factorize(column.astype(object))
        censored = np.array([_is_none(value) for value in distinct] + [True])[code]
    codes = np.full(len(column), -1, dtype=np.intp)
    if censored.all():
        raise EstimationError(f"No events: every row is censored in {cause!r}.", fix="Check the coding: 0 or an empty text means censored.")
    happened = column[~censored]
    if isinstance(column.dtype, pd.CategoricalDtype):
        happened = happened.cat.remove_unused_categories()
    groups = read_groups(pd.DataFrame({"cause": happened}), "cause")
    codes[~censored] = groups.codes
    return codes, tuple(int(label) if isinstance(label, float) and label.is_integer() else label for label in groups.labels)


def _is_none(value: object) -> bool:
    return bool(value == 0) or (isinstance(value, str) and not value.strip())


def position_of(cause: object, causes: tuple[object, ...], column: str) -> int:
    """Where ``cause`` stands among ``causes``; `UsageError` when nobody had it."""
    if cause not in causes:
        raise UsageError(f"Nobody had the event {cause!r} in {column!r}.", fix=f"The causes are {listing(map(repr, causes), 12)}.")
    return causes.index(cause)
