"""Charts for rare events: how many opportunities (g), or how much time (t), lies between one event and the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.spc.assemble import Lines, assemble, phase_by_phase
from mentorship_eval.spc.individuals import individuals_fit
from mentorship_eval.spc.limits import Phase
from mentorship_eval.spc.result import ControlChart
from mentorship_eval.spc.rules import rules_of
from mentorship_eval.spc.series import Series, column, series_of

__all__ = ["days_between", "g_chart", "t_chart"]

_POWER = 3.6  # Nelson, Journal of Quality Technology 26 (1994) 239-243: times between events to the power 1 / 3.6 are nearly normal
_LONGER = "Longer intervals mean fewer events: a point above the upper limit is a fall in events."


def days_between(data: pd.DataFrame, *, time: str, until: Any = None) -> pd.DataFrame:
    """Days from each event to the next, for `g_chart` and `t_chart`: time (of the event that ends the interval), between, open.

    data: one row an event, time its date; two events on a day are 0 days apart. The first event ends no interval that is known. until: the
    last day of observation: the time since the last event becomes a row of its own with open true, as nothing has ended it.

    Raises `EstimationError` with fewer than two events, and for events after ``until``.
    """
    if not isinstance(data, pd.DataFrame) or time not in data.columns:
        raise UsageError(f"No column {time!r} of dates in the data.", fix="Pass a DataFrame with one row an event.")
    dates = pd.to_datetime(data[time], errors="coerce")
    if dates.isna().any():
        rows = list(data.index[dates.isna()])
        raise EstimationError(f"Column {time!r} holds no date in rows {listing(rows)}.", fix="Date every event.", rows=rows)
    if len(dates) < 2:
        raise EstimationError(f"{len(dates)} event leaves no interval between events.", fix="Say that nothing can be charted.")
    dates = dates.dt.normalize().sort_values().reset_index(drop=True)
    out = pd.DataFrame({"time": dates.iloc[1:], "between": dates.diff().dt.days.iloc[1:].astype(float), "open": False})
    if until is not None:
        end = pd.Timestamp(until).normalize()
        if end < dates.iloc[-1]:
            raise EstimationError("There are events after the end of observation.", fix="Give the last day observed.")
        last = pd.DataFrame({"time": [end], "between": [float((end - dates.iloc[-1]).days)], "open": [True]})
        out = pd.concat([out, last])
    return out.reset_index(drop=True)


def _intervals(
    data: pd.DataFrame, between: str, time: str, open_: str | None, options: dict[str, Any]
) -> tuple[Series, np.ndarray, np.ndarray | None]:
    ordered, series = series_of(data, time, unique=False, **options)
    lengths = column(ordered, between, "the interval")
    wrong = lengths < 0
    if wrong.any():
        rows = list(series.rows[wrong])
        raise EstimationError(f"Column {between!r} is negative in rows {listing(rows)}.", fix="An interval is at least 0.", rows=rows)
    if open_ is None:
        return series, lengths, None
    flags = column(ordered, open_, "whether an interval goes on").astype(bool)
    if flags[:-1].any():
        rows = list(series.rows[:-1][flags[:-1]])
        raise EstimationError("Only the last interval can be open.", fix="Give one row with open true, the last.", rows=rows)
    return series, lengths, flags


def g_chart(
    data: pd.DataFrame,
    *,
    between: str,
    time: str,
    open: str | None = None,
    centre: str = "mean",
    baseline: int | tuple[Any, Any] | None = None,
    go_live: Any = None,
    phases: Any = None,
    exclude: Sequence[Any] = (),
    rules: str | Sequence[str] = "anhoej",
) -> ControlChart:
    """Opportunities, or whole days, between events: limits at m ± 3 sqrt(m (m + 1)) for the mean m of a geometric count (Benneyan 2001).

    data: one row an event. between: opportunities without event since the one before (0 for none); time: when the event was; open: a column
        that is true for a last interval which no event has ended yet (`days_between`). It sets no limits and can only signal
        that it is already too long.
    centre: ``mean``, or ``median``, which is drawn instead (Provost and Murray; qicharts2). Runs are counted about the median in
        either case, as a geometric count lies below its mean nearly two times in three.

    The lower limit is zero, so no single short interval signals a rise. Other options as in `u_chart`, with the times of the
    events in place of periods.
    """
    if centre not in ("mean", "median"):
        raise UsageError(f"centre is {centre!r}.", fix="Use mean or median.")
    options = {"baseline": baseline, "go_live": go_live, "phases": phases, "exclude": exclude}
    series, lengths, ongoing = _intervals(data, between, time, open, options)
    ended = lengths if ongoing is None else np.where(ongoing, np.nan, lengths)
    medians = np.full(len(series), np.nan)

    def fit(rows: np.ndarray, used: np.ndarray) -> Phase:
        mean = float(ended[rows][used].mean())
        medians[rows] = float(np.median(ended[rows][used]))
        if not mean > 0:
            return Phase(np.full(len(rows), mean), np.full(len(rows), np.nan), np.nan, int(used.sum()), "all intervals that would set them are 0")
        return Phase(np.full(len(rows), mean), np.full(len(rows), float(np.sqrt(mean * (mean + 1)))), np.nan, int(used.sum()))

    mean, sigma, fitted = phase_by_phase(series, ended, fit, lambda rows: float(ended[rows].mean()))
    with np.errstate(invalid="ignore"):
        z = (lengths - mean) / sigma
        lower, upper = np.maximum(mean - 3 * sigma, 0.0), mean + 3 * sigma
        side = np.where(np.isfinite(z), np.sign(lengths - medians), np.nan)
    drawn = np.where(np.isfinite(medians), medians, mean) if centre == "median" else mean
    lines = Lines(lengths, drawn, lower, upper, sigma, z, side, ongoing)
    return assemble("g", series, lines, fitted, rules_of(rules), _reasons(lengths), extra=[_direction()])


def t_chart(
    data: pd.DataFrame,
    *,
    between: str,
    time: str,
    open: str | None = None,
    baseline: int | tuple[Any, Any] | None = None,
    go_live: Any = None,
    phases: Any = None,
    exclude: Sequence[Any] = (),
    rules: str | Sequence[str] = "anhoej",
    screened: bool = False,
) -> ControlChart:
    """Time between events: an individuals chart of the times to the power 1/3.6 (Nelson 1994), turned back for drawing.

    between: time since the event before, above 0; with ties on a day use `g_chart`. The rest as in `g_chart`.
    """
    options = {"baseline": baseline, "go_live": go_live, "phases": phases, "exclude": exclude}
    series, lengths, ongoing = _intervals(data, between, time, open, options)
    zero = lengths == 0
    if ongoing is not None:
        zero &= ~ongoing
    if zero.any():
        rows = list(series.rows[zero])
        raise EstimationError(f"Two events at one time in rows {listing(rows)}.", fix="Give times to the hour, or use g_chart on days.", rows=rows)
    bent = lengths ** (1 / _POWER)
    ended = bent if ongoing is None else np.where(ongoing, np.nan, bent)
    middle, sigma, fitted = individuals_fit(series, ended, screened=screened)
    with np.errstate(invalid="ignore"):
        z = (bent - middle) / sigma
        lower, upper = np.maximum(middle - 3 * sigma, 0.0) ** _POWER, (middle + 3 * sigma) ** _POWER
    lines = Lines(lengths, middle**_POWER, lower, upper, sigma, z, np.sign(np.round(z, 9)), ongoing)
    return assemble("t", series, lines, fitted, rules_of(rules), _reasons(lengths), extra=[_direction()])


def _reasons(lengths: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(lengths), "", "no interval given")


def _direction() -> Caution:
    return Caution("longer_is_fewer", _LONGER)
