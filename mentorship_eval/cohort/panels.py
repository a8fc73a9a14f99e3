"""Department-months: incident counts per patient-day, and leavers per person-month by tenure band.

Months are calendar months, numbered 1..T from the month of ``start``. ``adopted`` is the number of the
first full month in which a programme was active in the department: a go-live on the 1st counts from that month,
any other from the next, and the month of the go-live itself is ``partial`` (neither treated nor untreated) and
left out, counted in ``flow``. Missing ``adopted`` = never within the window; a go-live before the window gives
1, so that the department has no untreated month. A programme that stops stays adopted (intention to treat).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import FAR, day_number, flow_table, require_columns
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.errors import DataError, UsageError, listing
from mentorship_eval.inference.shown import Shown

__all__ = ["DAYS_PER_MONTH", "HARM_LEVELS", "Panel", "adoption", "department_months", "leaver_panel"]

DAYS_PER_MONTH = 30.4375
# what a report of an incident says about harm -> the outcome under which it is counted
HARM_LEVELS = {"near_miss": "near_miss", "none": "no_harm", "low": "harm", "moderate": "harm", "severe": "harm", "death": "harm"}


@dataclass(frozen=True)
class Panel(Shown):
    """rows: one per unit and month; flow: records in, removed and kept by reason; missing: department-months without exposure.

    partial: department-months left out because the programme went live within them.
    """

    rows: pd.DataFrame
    flow: pd.DataFrame
    missing: pd.DataFrame
    partial: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        return self.rows

    def statement(self) -> str:
        units, months = self.rows["dept_id"].nunique(), self.rows["month"].nunique()
        adopted = self.rows.loc[self.rows["adopted"].notna(), "dept_id"].nunique()
        return (f"{units:,} departments over {months:,} months, {adopted:,} of which adopted the programme in the window; "
                f"{len(self.missing):,} department-months are missing and {len(self.partial):,} were left out as partial.")

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.flow,)


def _month_index(day: np.ndarray) -> np.ndarray:
    """Months since 1970-01 of day numbers; exact, by the calendar."""
    return day.astype("int64").astype("datetime64[D]").astype("datetime64[M]").astype("int64")


def _window_months(start: str | pd.Timestamp, end: str | pd.Timestamp) -> tuple[int, int]:
    """The month of ``start`` (since 1970-01) and the number of months that the window touches."""
    start, end = pd.Timestamp(start), pd.Timestamp(end)
    if not start < end:
        raise DataError("The window ends before it starts.", fix="Check study.start and study.end.")
    first, last = ((date.year - 1970) * 12 + date.month - 1 for date in (start, end))
    return first, last - first + 1


def _broken_months(start: str | pd.Timestamp, end: str | pd.Timestamp, number: int) -> np.ndarray:
    """Which of the window's months are not wholly inside it (the first and the last can be broken)."""
    broken = np.zeros(number, bool)
    broken[0] |= pd.Timestamp(start).day != 1
    broken[-1] |= (pd.Timestamp(end) + pd.Timedelta(days=1)).day != 1
    return broken


def adoption(*, rollout: pd.DataFrame, start: str | pd.Timestamp, end: str | pd.Timestamp) -> pd.DataFrame:
    """Per department: adopted (period, NaN = never in the window), partial (period left out, NaN = none), active_from.

    A department with several programmes adopts with the first of them.
    """
    require_columns(rollout, "rollout", ("dept_id", "active_from"))
    first, number = _window_months(start, end)
    day = pd.Series(day_number(rollout["active_from"], "rollout.active_from")).groupby(rollout["dept_id"].to_numpy()).min()
    known = day.to_numpy() < FAR
    index = _month_index(np.where(known, day, 0.0))
    within = np.where(known, day, 0.0).astype("int64").astype("datetime64[D]") != index.astype("datetime64[M]").astype("datetime64[D]")
    period = index - first + 1
    adopted = np.maximum(np.where(known, period + within, np.nan), 1.0)
    adopted[adopted > number] = np.nan
    partial = np.where(known & within & (period >= 1) & (period <= number), period, np.nan)
    # by whole days: pandas turns missing floats with a unit into dates by way of uninitialised numbers, which may overflow
    dates = np.where(known, day, 0.0).astype("int64").astype("datetime64[D]").astype("datetime64[ns]")
    dates[~known] = np.datetime64("NaT")
    return pd.DataFrame({"adopted": adopted, "partial": partial, "active_from": dates}, index=day.index.rename("dept_id"))


def department_months(*, incidents: pd.DataFrame, exposure: pd.DataFrame, rollout: pd.DataFrame, start: str | pd.Timestamp,
                      end: str | pd.Timestamp, denominator: str = "patient_days", departments: list | None = None,
                      by: str | None = None) -> Panel:
    """Counts of incidents by month of occurrence, with ``denominator`` from the exposure table.

    rows: dept_id, month (Timestamp), period, ``denominator``, harm (low, moderate, severe, death), no_harm, near_miss,
    all_incidents, unclassified (harm missing or unknown; within all_incidents alone), adopted; with ``by`` also one
    column ``by=value`` for each value of that column of incidents. departments: which; all in ``exposure`` when None.
    Months that the window cuts are left out, since their denominator is of the whole month.
    A department-month without a row in exposure, or with a missing or zero denominator, is not a cell: it is listed in
    ``missing``, and incidents in it are counted out. Departments without a row in rollout never adopt.

    Raises `DataError` for doubled department-months, negative denominators, unreadable dates, missing columns.
    """
    require_columns(incidents, "incidents", ("dept_id", "occurred", *((by,) if by else ())))
    require_columns(exposure, "exposure", ("dept_id", "month", denominator))
    first, number = _window_months(start, end)
    units = pd.Index(pd.unique(exposure["dept_id"]) if departments is None else departments).sort_values()
    plan = adoption(rollout=rollout, start=start, end=end).reindex(units)

    unit = units.get_indexer(exposure["dept_id"])
    month_day = day_number(exposure["month"], "exposure.month")
    if (month_day == FAR).any():
        raise DataError("Rows of exposure have no month.", rows=list(exposure.index[month_day == FAR]), fix="Fill in the month.")
    period = _month_index(month_day) - first
    size = pd.to_numeric(exposure[denominator], errors="raise").to_numpy(dtype=float, na_value=np.nan)
    if (size < 0).any():
        raise DataError(f"exposure.{denominator} is negative.", rows=list(exposure.index[size < 0]), fix="Correct these rows.")
    inside = (unit >= 0) & (period >= 0) & (period < number)
    cell = unit[inside] * number + period[inside]
    twice = pd.Series(cell).duplicated(keep=False).to_numpy()
    if twice.any():
        raise DataError(f"{int(twice.sum()):,} rows of exposure share a department and month.", rows=list(exposure.index[inside][twice]),
                        fix="Keep one row per department and month.")
    amount = np.full(len(units) * number, np.nan)
    amount[cell] = size[inside]
    present = amount > 0  # NaN and 0 alike: no denominator, no cell
    grid = pd.DataFrame({"dept_id": np.repeat(units.to_numpy(), number), "period": np.tile(np.arange(1, number + 1), len(units))})
    months = (first + np.arange(number)).astype("datetime64[M]").astype("datetime64[ns]")
    grid.insert(1, "month", np.tile(months, len(units)))
    grid[denominator] = amount
    grid["adopted"] = np.repeat(plan["adopted"].to_numpy(float), number)
    partial = grid["period"].to_numpy() == np.repeat(plan["partial"].to_numpy(float), number)

    # each incident falls out for the first reason that applies
    day = day_number(incidents["occurred"], "incidents.occurred")
    undated = day == FAR
    at, when = units.get_indexer(incidents["dept_id"]), _month_index(np.where(undated, 0.0, day)) - first
    broken = _broken_months(start, end, number)
    whole = np.flatnonzero(~broken)
    if not len(whole):
        raise DataError("The window holds no whole calendar month.", fix="Rates are per month: widen the window.")
    outside = ~undated & ((when < whole[0]) | (when > whole[-1]))
    stranger = ~undated & ~outside & (at < 0)
    inside = ~undated & ~outside & ~stranger
    where = np.where(inside, at * number + when, 0)
    no_cell, half = inside & ~present[where], inside & present[where] & partial[where]
    counted = inside & ~no_cell & ~half
    flow = flow_table([("date", "no date of occurrence", int(undated.sum())),
                       ("window", "outside the whole months of the window", int(outside.sum())),
                       ("department", "department not in the panel", int(stranger.sum())),
                       ("exposure", f"no {denominator} for the department-month", int(no_cell.sum())),
                       ("go-live", "in the partial month of a go-live", int(half.sum()))], len(incidents), "incidents")
    where = where[counted]
    harm = incidents["harm"] if "harm" in incidents else pd.Series(np.nan, index=incidents.index)
    outcome = harm.astype(object).map(HARM_LEVELS).to_numpy(object)[counted]
    for name in ("harm", "no_harm", "near_miss"):
        grid[name] = np.bincount(where[outcome == name], minlength=len(grid))
    grid["all_incidents"] = np.bincount(where, minlength=len(grid))
    grid["unclassified"] = grid["all_incidents"] - grid[["harm", "no_harm", "near_miss"]].sum(axis=1)
    if by is not None:
        label = incidents[by].astype(object).where(incidents[by].notna(), "missing").to_numpy()[counted]
        for value in sorted(set(label), key=str):
            grid[f"{by}={value}"] = np.bincount(where[label == value], minlength=len(grid))
    columns = ["dept_id", "month", "period"]
    inner = ~np.tile(broken, len(units))
    grid, present, partial = grid[inner], present[inner], partial[inner]
    return Panel(grid[present & ~partial].reset_index(drop=True), flow, grid.loc[~present, columns].reset_index(drop=True),
                 grid.loc[present & partial, columns].reset_index(drop=True))


def leaver_panel(*, staff: pd.DataFrame, spells: pd.DataFrame, rollout: pd.DataFrame, start: str | pd.Timestamp,
                 end: str | pd.Timestamp, bands: tuple[int, ...] = (0, 365, 730), cause: str | tuple[str, ...] | None = None,
                 **options: object) -> Panel:
    """Leavers per person-month by department, tenure band and month: intention to treat.

    rows: unit (``dept_id|band``), dept_id, band, month, period, leavers (of ``cause``, one or several; by default the outcome at the level
    of leaving), exits (all), person_days, person_months (30.4375 days), adopted. Person-time and leavers are those of
    `mentorship_episodes` exactly; a leaver counts in the department, band and month of the leave date. Cells without person-time are not rows.
    bands: lower limits in days since hire, ascending from 0; a band holds (lower, next lower].
    flow: leavers of ``cause`` in, removed (partial months) and kept. options: level, suspended, bridge_gap, destinations.
    """
    lower = np.asarray(bands, float)
    if not len(lower) or lower[0] != 0 or (np.diff(lower) <= 0).any():
        raise UsageError(f"bands are {listing(bands, 10)}.", fix="They are lower limits in days since hire, ascending from 0.")
    no_match = pd.DataFrame({"mentee_id": pd.Series(dtype=object), "start": pd.Series(dtype="datetime64[ns]")})
    first, number = _window_months(start, end)
    made = mentorship_episodes(staff=staff, spells=spells, matches=no_match, start=start, end=end, calendar=None, **options)
    people, rows = made.persons.set_index("staff_id"), made.rows
    causes = made.outcome if cause is None else (cause,) if isinstance(cause, str) else cause
    hire = (people["hire"].to_numpy("datetime64[D]").astype("int64").astype(float))[people.index.get_indexer(rows["staff_id"])]
    units = pd.Index(pd.unique(rows["dept_id"])).sort_values()
    dept = units.get_indexer(rows["dept_id"])
    begin, stop = rows["start"].to_numpy(float), rows["stop"].to_numpy(float)

    # +1 on the first day at risk, -1 after the last, summed up over days: exact, and no row per person and month.
    # Day D stands for the interval (D-1, D], so a month is its own days.
    edges = (first + np.arange(number + 1)).astype("datetime64[M]").astype("datetime64[D]").astype("int64")
    length = int(edges[-1] - edges[0])
    change = np.zeros((len(units) * len(lower), length + 1))
    upper = np.append(lower[1:], np.inf)
    for band in range(len(lower)):
        low, high = np.maximum(begin, lower[band]), np.minimum(stop, upper[band])
        some = high > low
        cell = dept[some] * len(lower) + band
        from_day, to_day = hire[some] + low[some] - edges[0], hire[some] + high[some] - edges[0]
        whole = to_day == np.floor(to_day)
        np.add.at(change, (cell[whole], (from_day[whole] + 1).astype(int)), 1.0)
        np.add.at(change, (cell[whole], (to_day[whole] + 1).astype(int)), -1.0)
        half = (cell[~whole], np.floor(to_day[~whole]).astype(int))  # hired and left on one day
        np.add.at(change, half, 0.5)
        np.add.at(change, (half[0], half[1] + 1), -0.5)
    at_risk = np.add.reduceat(np.cumsum(change, axis=1)[:, :length], edges[:-1] - edges[0], axis=1).ravel()

    left = rows["cause"].ne("").to_numpy()
    band = np.searchsorted(lower, stop[left], side="left") - 1
    month = _month_index(np.floor(hire[left] + stop[left])) - first
    cell = (dept[left] * len(lower) + band) * number + month
    mine = rows["cause"].isin(causes).to_numpy()[left]
    labels = [f"{int(a)}-{int(b)}" if np.isfinite(b) else f"{int(a)}+" for a, b in zip(lower, upper, strict=True)]
    plan = adoption(rollout=rollout, start=start, end=end).reindex(units)
    months = (first + np.arange(number)).astype("datetime64[M]").astype("datetime64[ns]")
    block = len(lower) * number
    cells = len(units) * len(lower)
    grid = pd.DataFrame({"dept_id": np.repeat(units.to_numpy(), block), "band": np.tile(np.repeat(labels, number), len(units)),
                         "month": np.tile(months, cells), "period": np.tile(np.arange(1, number + 1), cells)})
    grid.insert(0, "unit", grid["dept_id"].astype(str) + "|" + grid["band"])
    grid["leavers"] = np.bincount(cell[mine], minlength=len(grid))
    grid["exits"] = np.bincount(cell, minlength=len(grid))
    grid["person_days"] = at_risk
    grid["person_months"] = at_risk / DAYS_PER_MONTH
    grid["adopted"] = np.repeat(plan["adopted"].to_numpy(float), block)
    partial = grid["period"].to_numpy() == np.repeat(plan["partial"].to_numpy(float), block)
    keep = (at_risk > 0) & ~partial
    lost = int(grid.loc[partial, "leavers"].sum())
    flow = flow_table([("go-live", "in the partial month of a go-live", lost)], int(mine.sum()), "leavers")
    nobody = grid.groupby(["dept_id", "month", "period"], as_index=False)["person_days"].sum().query("person_days == 0")
    left_out = grid.loc[partial & (at_risk > 0), ["dept_id", "month", "period"]].drop_duplicates().reset_index(drop=True)
    return Panel(grid[keep].reset_index(drop=True), flow, nobody[["dept_id", "month", "period"]].reset_index(drop=True), left_out)
