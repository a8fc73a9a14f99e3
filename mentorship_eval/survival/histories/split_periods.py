"""Rows (start, stop] cut into periods of equal length, for models in discrete time.

The treatment of a period is the one in force when it begins. A treatment that counted from the start of the period in which it
begins would have to be awaited: who leaves before could not be counted as treated, and the time until then would be immortal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.survival.columns import interval_times, labels_of, require_columns
from mentorship_eval.survival.weighting.arms import flags

__all__ = ["person_periods"]

PERIOD_COLUMNS = ("period", "period_start")


def person_periods(
    data: pd.DataFrame, *, person: str, start: str, stop: str, event: str, treatment: str, width: float, covariates: Sequence[str] = (),
    censored: str | None = None, origin: float = 0.0,
) -> pd.DataFrame:
    """One row for each person and period (origin + k width, origin + (k+1) width] in which the person is at risk.

    Parameters
    ----------
    data : rows (start, stop] of persons, not overlapping, with 0/1 columns ``event``, ``treatment`` and, optionally, ``censored``
        (lost at the end of the row in a way that may depend on covariates).
    width : length of a period, in the units of the times; the shorter, the nearer to continuous time.
    covariates : other columns to keep, fixed or changing.

    Returns
    -------
    Columns person, period (k), period_start (the later of the period's begin and the person's entry), treatment (in force then), event and
    censored (of rows that end within the period), and the covariates: as in force at period_start, but in the period in which
    treatment is first in force as they stood just before it began, so that no covariate is a consequence of the treatment that it
    is to explain. Persons by first appearance, periods in order.

    Raises
    ------
    UsageError : absent columns, a width that is not positive. EstimationError : missing or impossible values, overlapping rows, rows
        after the event.
    """
    if not (np.isfinite(width) and width > 0):
        raise UsageError(f"The width is {width}.", fix="Give the length of a period, such as 30 days.")
    names = list(covariates)
    taken = [name for name in (person, event, treatment, *names) if name in PERIOD_COLUMNS]
    if taken:
        raise UsageError(f"The column names {listing(PERIOD_COLUMNS)} are made here, but {listing(taken)} is in the data.", fix="Rename it.")
    require_columns(data, [person, start, stop, event, treatment, *names, *([censored] if censored else [])])
    begin, end = interval_times(data, start, stop)
    if (begin < origin).any():
        rows = labels_of(data, begin < origin)
        raise EstimationError(f"{start!r} lies before the origin {origin:g} in rows {listing(rows)}.", fix="Give an earlier origin.", rows=rows)
    happened, treated = flags(data, event, "Event"), flags(data, treatment, "Treatment")
    lost = flags(data, censored, "Censoring") if censored else np.zeros(len(data), dtype=bool)
    who = pd.factorize(data[person])[0]
    order = np.lexsort((begin, who))
    who, begin, end, happened, treated, lost = (array[order] for array in (who, begin, end, happened, treated, lost))
    again = np.r_[False, who[1:] == who[:-1]]
    _refuse(data, order, again & (begin < np.r_[-np.inf, end[:-1]]), f"overlap with an earlier row of the same {person!r}")
    _refuse(data, order, again & np.r_[False, happened[:-1]], f"come after the event of the same {person!r}")

    first = np.floor((begin - origin) / width + 1e-9).astype(int)
    last = np.ceil((end - origin) / width - 1e-9).astype(int) - 1
    last = np.maximum(last, first)
    count = last - first + 1
    row = np.repeat(np.arange(len(who)), count)
    period = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
    new = np.r_[True, (who[row][1:] != who[row][:-1]) | (period[1:] != period[:-1])]  # the first row at risk in the period
    cell = np.cumsum(new) - 1
    source, when = row[new], period[new]
    ends_here = period == last[row]
    size = int(new.sum())
    out = {
        person: data[person].to_numpy()[order][source], "period": when, "period_start": np.maximum(begin[source], origin + when * width),
        treatment: treated[source].astype(int), event: np.bincount(cell, happened[row] & ends_here, size).astype(int),
    }
    if censored:
        out[censored] = np.bincount(cell, lost[row] & ends_here, size).astype(int)
    frame = pd.DataFrame(out)
    same = np.r_[False, who[source][1:] == who[source][:-1]]
    started = treated[source] & same & np.r_[False, ~treated[source][:-1]]
    # the last untreated row of the person stands just before the first treated one
    begins_at = pd.Series(np.where(treated, np.arange(len(who)), len(who))).groupby(who).transform("min").to_numpy()
    before = np.where(started, begins_at[source] - 1, source)
    for name in names:
        frame[name] = data[name].iloc[order[before]].array
    return frame


def _refuse(data: pd.DataFrame, order: np.ndarray, wrong: np.ndarray, what: str) -> None:
    if wrong.any():
        rows = [data.index[place] for place in order[wrong]]
        raise EstimationError(f"{len(rows):,} rows ({listing(rows)}) {what}.", fix="Correct or remove these rows.", rows=rows)
