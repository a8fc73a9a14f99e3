"""One series in order of time, checked: its places, its phases and the points that set the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing

__all__ = ["Series", "column", "require_whole", "series_of", "time_words"]


@dataclass(frozen=True)
class Series:
    """times (n,): as the caller wrote them, in order; moment (n,): comparable; rows (n,): the caller's index labels;
    phase (n,): 0, 1, ...; phase_names: one for each phase; baseline (n,): may set limits, as far as a point has a value;
    since (n,): at or after go-live; go_live: as the caller wrote it, None for none.
    """

    times: np.ndarray
    moment: np.ndarray
    rows: np.ndarray
    phase: np.ndarray
    phase_names: tuple[str, ...]
    baseline: np.ndarray
    since: np.ndarray
    go_live: Any
    excluded: int
    lacks_baseline: bool

    def __len__(self) -> int:
        return len(self.times)


def _moment(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        raise ValueError
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    if isinstance(value, pd.Period):
        return value.start_time
    try:
        return pd.Timestamp(value)
    except (ValueError, TypeError):
        return pd.Period(value).start_time


def _moments(values: Sequence[Any], what: str) -> np.ndarray:
    try:
        moments = [_moment(value) for value in values]
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{what} holds {listing(map(repr, values), 3)}, which are neither numbers nor dates.", fix="Write 2024-03, a date, or 1, 2, 3."
        ) from error
    kinds = {isinstance(moment, float) for moment in moments}
    if len(kinds) > 1:
        raise UsageError(f"{what} mixes numbers and dates.", fix="Use one form throughout.")
    if kinds == {True}:
        return np.array(moments, dtype=float)
    return np.array([moment.tz_localize(None) if moment.tzinfo else moment for moment in moments], dtype="datetime64[ns]")


def _points(given: Any, like: np.ndarray, what: str) -> np.ndarray:
    values = [given] if isinstance(given, str) or not isinstance(given, Sequence | pd.Index | np.ndarray | pd.Series) else list(given)
    moments = _moments(values, what) if values else np.array([], dtype=like.dtype)
    if moments.dtype != like.dtype:
        raise UsageError(f"{what} and the times of the series are of different kinds (numbers, dates).", fix="Write both in one form.")
    return moments


def time_words(value: Any) -> str:
    """A time as it is written in sentences."""
    if isinstance(value, pd.Timestamp | np.datetime64):
        stamp = pd.Timestamp(value)
        return stamp.strftime("%Y-%m-%d" if stamp == stamp.normalize() else "%Y-%m-%d %H:%M")
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    return str(value)


def column(data: pd.DataFrame, name: str, what: str) -> np.ndarray:
    """A column as floats, NaN where it is missing; text and infinities are refused."""
    if name not in data.columns:
        raise UsageError(f"No column {name!r} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    values = data[name]
    if isinstance(values, pd.DataFrame):
        raise UsageError(f"Column {name!r} stands in the data more than once.", fix="Rename or remove the copies.")
    numeric = pd.to_numeric(values, errors="coerce")
    odd = (numeric.isna() & values.notna()).to_numpy() | np.isinf(numeric.to_numpy(dtype=float, na_value=np.nan))
    if odd.any():
        rows = list(data.index[odd])
        raise EstimationError(
            f"Column {name!r} ({what}) holds {listing(map(repr, values[odd].unique()), 3)}, not numbers, in rows {listing(rows)}.",
            fix="Give numbers, or nothing where there is none.", rows=rows,
        )  # fmt: skip
    return numeric.to_numpy(dtype=float, na_value=np.nan)


def require_whole(values: np.ndarray, name: str, series: Series) -> None:
    """Refuse counts that are negative or not whole."""
    wrong = np.isfinite(values) & ((values < 0) | (values != np.floor(values)))
    if wrong.any():
        rows = list(series.rows[wrong])
        raise EstimationError(f"Column {name!r} is no count in rows {listing(rows)}.", fix="Counts are 0, 1, 2, ...", rows=rows)


def _phases(phases: Any, moment: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    if phases is None:
        return np.zeros(len(moment), dtype=int), ("",)
    given = list(phases) if not isinstance(phases, str) else [phases]
    labels = [str(label) for label in phases.values()] if isinstance(phases, Mapping) else [f"from {time_words(value)}" for value in given]
    starts = _points(given, moment, "phases")
    order = np.argsort(starts, kind="stable")
    starts, labels = starts[order], [labels[k] for k in order]
    code = np.searchsorted(starts, moment, side="right")
    counts = np.bincount(code, minlength=len(starts) + 1)
    if (counts == 0).any():
        raise UsageError(
            "A phase has no points: the change points leave nothing before, between or after them.",
            fix="Give the first period of each new phase, inside the series.",
        )
    return code, (f"before {time_words(given[order[0]])}", *labels) if len(starts) else ("",)


def _baseline(baseline: Any, moment: np.ndarray, phase: np.ndarray, since: np.ndarray, has_go_live: bool) -> np.ndarray:
    if baseline is None:
        return ~since if has_go_live else np.ones(len(moment), dtype=bool)
    if isinstance(baseline, int | np.integer) and not isinstance(baseline, bool):
        if baseline < 1:
            raise UsageError("baseline is the number of first points, at least 1.", fix="Give a number of points, or (first, last) periods.")
        place = np.array([np.count_nonzero(phase[:k] == phase[k]) for k in range(len(phase))])
        return np.asarray(place < baseline)
    if not (isinstance(baseline, tuple | list) and len(baseline) == 2):
        raise UsageError("baseline is neither a number of points nor a pair.", fix="Give (first, last) periods, None for an open end, or 12.")
    keep = np.ones(len(moment), dtype=bool)
    if baseline[0] is not None:
        keep &= moment >= _points([baseline[0]], moment, "baseline")[0]
    if baseline[1] is not None:
        keep &= moment <= _points([baseline[1]], moment, "baseline")[0]
    if not keep.any():
        raise UsageError("baseline holds no period of the series.", fix="Give periods inside it.")
    return keep


def series_of(data: Any, time: str, *, baseline: Any, phases: Any, go_live: Any, exclude: Any, unique: bool = True) -> tuple[pd.DataFrame, Series]:
    """``data`` in order of time, and its `Series`. Raises for absent columns, missing or repeated times, and empty phases."""
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"The data are a {type(data).__name__}, not a pandas DataFrame.", fix="Pass one row per period.")
    if time not in data.columns:
        raise UsageError(f"No column {time!r} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    if data.empty:
        raise EstimationError("The data have no rows.", fix="Check the filters that were applied before.")
    blank = data[time].isna().to_numpy()
    if blank.any():
        rows = list(data.index[blank])
        raise EstimationError(f"Column {time!r} has no value in rows {listing(rows)}.", fix="Date these rows.", rows=rows)
    moment = _moments(list(data[time]), f"Column {time!r}")
    order = np.argsort(moment, kind="stable")
    moment, ordered = moment[order], data.iloc[order]
    twice = pd.Series(moment).duplicated(keep=False).to_numpy()
    if unique and twice.any():
        rows = list(ordered.index[twice])
        raise EstimationError(
            f"Column {time!r} repeats a period in rows {listing(rows)}.", fix="A control chart has one point a period: add up, or chart each unit.",
            rows=rows,
        )  # fmt: skip
    phase, names = _phases(phases, moment)
    since = np.zeros(len(moment), dtype=bool) if go_live is None else moment >= _points([go_live], moment, "go_live")[0]
    may = _baseline(baseline, moment, phase, since, go_live is not None)
    lacks = False
    for code in range(len(names)):
        mine = phase == code
        if not may[mine].any():  # a phase after the baseline sets its own limits
            may = may | mine
            lacks |= phases is None
    out = np.isin(moment, _points(list(exclude), moment, "exclude")) if len(exclude) else np.zeros(len(moment), dtype=bool)
    series = Series(
        ordered[time].to_numpy(dtype=object), moment, ordered.index.to_numpy(dtype=object), phase, names, may & ~out, since, go_live,
        int(out.sum()), lacks,
    )  # fmt: skip
    return ordered, series
