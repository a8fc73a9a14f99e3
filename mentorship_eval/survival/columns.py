"""The columns of a caller's frame as arrays, checked: what cannot be answered is refused by name.

Nothing is repaired or dropped here. Times may be numbers or timedeltas (taken as days).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing

__all__ = [
    "Groups", "case_weights", "distinct_values", "event_flags", "interval_times", "labels_of", "merge_near_ties", "read_groups",
    "require_columns", "snap_to",
]

DAY = np.timedelta64(1, "D")
# Times closer than this, absolutely or relative to their mean, are one time: the difference is
# the rounding of a subtraction of dates, not an order of events (as in R's survival, aeqSurv).
TIE_TOLERANCE = float(np.sqrt(np.finfo(float).eps))


def labels_of(data: pd.DataFrame, rows: np.ndarray) -> list[object]:
    """Index labels of the rows where the boolean mask ``rows`` holds."""
    return list(data.index[np.flatnonzero(rows)])


def require_columns(data: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse an empty frame, absent columns (`UsageError`) and missing values (`EstimationError`)."""
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"The data are a {type(data).__name__}, not a pandas DataFrame.", fix="Pass a DataFrame.")
    absent = [name for name in columns if name not in data.columns]
    if absent:
        raise UsageError(f"No column {listing(map(repr, absent))} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    copies = [name for name in dict.fromkeys(columns) if isinstance(data[name], pd.DataFrame)]
    if copies:
        raise UsageError(f"Column {listing(map(repr, copies))} stands in the data more than once.", fix="Rename or remove the copies.")
    if len(data) == 0:
        raise EstimationError("The data have no rows.", fix="Check the filters that were applied before.")
    for name in dict.fromkeys(columns):
        missing = data[name].isna().to_numpy()
        if missing.any():
            rows = labels_of(data, missing)
            raise EstimationError(
                f"Column {name!r} has no value in {len(rows):,} of {len(data):,} rows ({listing(rows)}).",
                fix="Leave these rows out or complete them first, and report how many; nothing is dropped silently.", rows=rows,
            )


def _numbers(data: pd.DataFrame, name: str, what: str) -> np.ndarray:
    column = data[name]
    if pd.api.types.is_timedelta64_dtype(column):
        return column.to_numpy() / DAY
    if pd.api.types.is_datetime64_any_dtype(column):
        raise EstimationError(f"Column {name!r} holds dates, but {what} is a duration.", fix="Subtract the origin, e.g. the date of hire.")
    try:
        values = column.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise EstimationError(f"Column {name!r} is not numeric, but {what} must be.", fix="Convert it to numbers first.") from None
    infinite = ~np.isfinite(values)
    if infinite.any():
        rows = labels_of(data, infinite)
        raise EstimationError(f"Column {name!r} is not finite in rows {listing(rows)}.", fix="Give every row a finite value.", rows=rows)
    return values


def distinct_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) positions among the sorted distinct values, and these. By hashing: times in days have few of them."""
    code, distinct = pd.factorize(values)
    order = np.argsort(distinct)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[code], distinct[order]


def merge_near_ties(*times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give times that differ only by rounding one value, jointly over all the arrays."""
    distinct = np.unique(np.concatenate([pd.unique(array) for array in times]))
    if len(distinct) < 2:
        return times
    gaps = np.diff(distinct)
    tied = gaps <= TIE_TOLERANCE * max(1.0, float(np.mean(np.abs(distinct))))
    if not tied.any():
        return times
    values = distinct[np.concatenate(([True], ~tied))]
    return tuple(values[np.searchsorted(values, array, side="right") - 1] for array in times)


def snap_to(times: np.ndarray, known: np.ndarray) -> np.ndarray:
    """``times``, but those that equal one of the sorted ``known`` times up to rounding become it."""
    if not len(known):
        return times
    above = np.searchsorted(known, times)
    below, above = np.maximum(above - 1, 0), np.minimum(above, len(known) - 1)
    nearest = np.where(np.abs(known[below] - times) < np.abs(known[above] - times), known[below], known[above])
    near = np.abs(nearest - times) <= TIE_TOLERANCE * max(1.0, float(np.abs(known).mean()))
    return np.where(near, nearest, times)


def interval_times(data: pd.DataFrame, start: str | None, stop: str) -> tuple[np.ndarray, np.ndarray]:
    """(start, stop) with near-ties merged; start is -inf throughout when there is no entry column."""
    ends = _numbers(data, stop, "the time at which a row ends")
    if start is None:
        negative = ends < 0
        if negative.any():
            rows = labels_of(data, negative)
            raise EstimationError(f"Column {stop!r} is negative in rows {listing(rows)}.", fix="A follow-up time is at least 0.", rows=rows)
        (ends,) = merge_near_ties(ends)
        return np.full(len(ends), -np.inf), ends
    begins = _numbers(data, start, "the time at which a row begins")
    empty = begins >= ends
    if not empty.any():
        begins, ends = merge_near_ties(begins, ends)
        empty = begins >= ends
    if empty.any():
        rows = labels_of(data, empty)
        raise EstimationError(
            f"{start!r} is not before {stop!r} in {len(rows):,} rows ({listing(rows)}).",
            fix="Every row covers (start, stop] with start < stop; correct or remove these rows.", rows=rows,
        )
    return begins, ends


def event_flags(data: pd.DataFrame, event: str) -> np.ndarray:
    """Boolean events from a column of 0/1 or booleans; at least one must have happened."""
    column = data[event]
    values = column.to_numpy()
    wrong = np.array([value not in (0, 1) for value in values]) if values.dtype == object else (values != 0) & (values != 1)
    if wrong.any():
        rows, strange = labels_of(data, wrong), pd.unique(column[wrong]).tolist()
        raise EstimationError(
            f"Event column {event!r} holds {listing(map(repr, strange))} in {len(rows):,} rows ({listing(rows)}).",
            fix="Use 1 (or True) for the event and 0 (or False) for censored.", rows=rows,
        )
    flags = values.astype(bool)
    if not flags.any():
        raise EstimationError(
            f"No events: column {event!r} is 0 in all {len(data):,} rows.",
            fix="Nothing can be compared without events; lengthen the follow-up or check the coding.",
        )
    return flags


def case_weights(data: pd.DataFrame, weights: str | None) -> np.ndarray:
    """Case weights, 1 without a column; negative ones are refused, and so are weights that are all 0."""
    if weights is None:
        return np.ones(len(data))
    values = _numbers(data, weights, "a weight")
    negative = values < 0
    if negative.any():
        rows = labels_of(data, negative)
        raise EstimationError(f"Weights in {weights!r} are negative in rows {listing(rows)}.", fix="Weights are at least 0.", rows=rows)
    if not (values > 0).any():
        raise EstimationError(f"All weights in {weights!r} are 0.", fix="Check how the weights were made.")
    return values


@dataclass(frozen=True)
class Groups:
    """codes: (n,) integers into labels; labels: the groups in sorted (or category) order."""

    codes: np.ndarray
    labels: tuple[object, ...]

    def __len__(self) -> int:
        return len(self.labels)


def read_groups(data: pd.DataFrame, columns: str | Sequence[str] | None, nobody: object = "all") -> Groups:
    """Groups by one or several columns; one group labelled ``nobody`` when there is no column."""
    if columns is None:
        return Groups(np.zeros(len(data), dtype=np.intp), (nobody,))
    if isinstance(columns, str):
        column = data[columns]
        try:
            codes, levels = pd.factorize(column, sort=not isinstance(column.dtype, pd.CategoricalDtype))
        except TypeError:  # levels of mixed type have no order of their own
            codes, levels = pd.factorize(column)
        levels = levels.tolist()
        if isinstance(column.dtype, pd.CategoricalDtype):
            used = [level for level in column.cat.categories if level in set(levels)]
            codes, levels = pd.Categorical(column, categories=used).codes, used
        return Groups(np.asarray(codes, dtype=np.intp), tuple(levels))
    grouped = data.groupby(list(columns), sort=True, observed=True)
    codes = grouped.ngroup().to_numpy()
    return Groups(codes.astype(np.intp), tuple(key if isinstance(key, tuple) else (key,) for key in grouped.groups))
