"""Counts and what they are divided by: no incident without patient-days, no silent gap, one adoption per unit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading, Source
from mentorship_eval.errors import listing

__all__ = ["check_counts", "check_exposure"]


def check_exposure(reading: Reading) -> None:
    """E111 (or R111 under rules.missing_exposure: exclude) and W111, for incidents and exposure."""
    exposure, incidents = reading.sources.get("exposure"), reading.sources.get("incidents")
    if exposure is None:
        return
    _jumps(exposure, reading.study.rules.exposure_jump)
    if incidents is None:
        return
    frame = incidents.frame[["dept_id", "occurred"]].dropna()
    window = reading.study.study
    if window.start:
        frame = frame[frame["occurred"] >= pd.Timestamp(window.start)]
    if window.end:
        frame = frame[frame["occurred"] < pd.Timestamp(window.end) + pd.Timedelta(days=1)]
    if not (window.start or window.end) and exposure.frame["month"].notna().any():
        # without a window the months of the exposure table are the study
        months = exposure.frame["month"]
        frame = frame[(frame["occurred"] >= months.min()) & (frame["occurred"] < months.max() + pd.offsets.MonthBegin(1))]
    # one look per department and month, not one per incident
    month = frame["occurred"].to_numpy(dtype="datetime64[M]").astype("int64")
    codes, dept = pd.factorize(frame["dept_id"])
    first = int(month.min()) if len(month) else 0
    width = int(month.max()) - first + 1 if len(month) else 1
    number, pairs = pd.factorize(codes * width + (month - first))
    cells = pd.MultiIndex.from_arrays([dept[pairs // width], (pairs % width + first).astype("datetime64[M]").astype("datetime64[ns]")])
    days = exposure.frame.drop_duplicates(["dept_id", "month"]).set_index(["dept_id", "month"])["patient_days"]
    # departments that exposure does not know at all are E109
    without = ~(days.reindex(cells).to_numpy(dtype="float64") > 0) & cells.get_level_values(0).isin(exposure.frame["dept_id"])
    lacking = without[number]
    if not lacking.any():
        return
    bad = cells[without]
    where = listing([f"{dept} {month:%Y-%m}" for dept, month in bad], 3)
    rows = frame.index[lacking]
    if reading.study.rules.missing_exposure == "exclude":
        _exclude(reading, incidents, exposure, rows, bad)
        return
    incidents.find(
        "E111",
        f"{len(rows)} incidents in {len(bad)} department-months with missing or zero patient-days ({where})",
        rows=rows,
        column="occurred",
        fix=f"Fill in {exposure.file}, or set rules: {{missing_exposure: exclude}} to leave those months out.",
    )


def _exclude(reading: Reading, incidents: Source, exposure: Source, rows: pd.Index, bad: pd.MultiIndex) -> None:
    incidents.find(
        "R111", f"{len(rows)} incidents left out with their department-months, which have no patient-days", rows=rows, column="occurred"
    )
    for dept, month in bad:
        incidents.repair("R111", row=None, before=f"{dept} {month:%Y-%m}", after="left out", reason="incidents but no patient-days")
    n = len(incidents.frame)
    incidents.frame = incidents.frame.drop(index=rows)
    incidents.step("department-months without patient-days", n, len(incidents.frame))
    cells = pd.MultiIndex.from_frame(exposure.frame[["dept_id", "month"]])
    n = len(exposure.frame)
    exposure.frame = exposure.frame[~cells.isin(bad)]
    exposure.step("department-months without patient-days", n, len(exposure.frame))


def _jumps(source: Source, factor: float) -> None:
    """Patient-days that change more than ``factor``-fold from one month to the next."""
    frame = source.frame.dropna(subset=["dept_id", "month", "patient_days"]).sort_values(["dept_id", "month"], kind="stable")
    days = frame["patient_days"].to_numpy(dtype="float64")
    same = np.concatenate([[False], frame["dept_id"].to_numpy()[1:] == frame["dept_id"].to_numpy()[:-1]])[: len(frame)]
    before = np.concatenate([[np.nan], days[:-1]])[: len(frame)]
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = same & (before > 0) & (days > 0) & ((days > factor * before) | (before > factor * days))
    if jump.any():
        source.find(
            "W111",
            f"patient-days jump more than {'three' if factor == 3 else f'{factor:g}-'}fold from the month before",
            rows=np.sort(frame.index[jump]),
            column="patient_days",
            fix="See whether the unit was merged, split (dept_lineage) or counted otherwise.",
        )


def check_counts(source: Source) -> None:
    """The aggregated table: counts over nothing, units that adopt twice, periods that are missing."""
    frame = source.frame
    if "active_from" not in frame:
        frame["active_from"] = np.nan if not pd.api.types.is_datetime64_any_dtype(frame["period"]) else pd.NaT
    outcomes = [name for name in source.declared.outcomes if name in frame]
    if outcomes and "exposure" in frame:
        events = frame[outcomes].fillna(0).sum(axis=1)
        empty = ~(frame["exposure"] > 0)
        bad = (empty & (events > 0)).to_numpy()
        if bad.any():
            source.find(
                "E111",
                f"counts where exposure is missing or zero ({listing(_cells(frame[bad]), 3)})",
                rows=frame.index[bad],
                column="exposure",
                fix="Fill in the exposure, or leave out those rows.",
            )
        idle = (empty & ~(events > 0)).to_numpy()
        if idle.any():
            source.find(
                "W111",
                "no exposure and no counts",
                rows=frame.index[idle],
                column="exposure",
                fix="Leave the rows out if the unit was closed.",
            )
    if _types_differ(frame):
        source.find(
            "E106",
            "period and active_from are not written alike (one in months, one in numbers)",
            column="active_from",
            rows=source.declared.header_row,
            fix="Use one of the two for both.",
        )
        return
    kinds = frame.groupby("dept_id")["active_from"].nunique(dropna=False)
    twice = list(kinds.index[kinds > 1])
    if twice:
        source.find(
            "E101",
            f"active_from differs between rows of one unit: {listing(twice, 4)}",
            rows=frame.index[frame["dept_id"].isin(twice).to_numpy()],
            column="active_from",
            fix="A unit adopts once: give all its rows the same active_from.",
        )
    if not pd.api.types.is_datetime64_any_dtype(frame["active_from"]):
        zero = (frame["active_from"] == 0).to_numpy()
        if zero.any() and not (frame["period"] <= 0).any():
            source.find(
                "E108",
                "active_from 0 is before the first period",
                rows=frame.index[zero],
                column="active_from",
                fix='Units that never adopt have an empty active_from: map it with values: {active_from: {0: ""}}.',
            )
    _gaps(source)


def _cells(frame: pd.DataFrame) -> list[str]:
    periods = frame["period"].dt.strftime("%Y-%m") if pd.api.types.is_datetime64_any_dtype(frame["period"]) else frame["period"].astype(str)
    return [f"{dept} {period}" for dept, period in zip(frame["dept_id"], periods, strict=True)]


def _types_differ(frame: pd.DataFrame) -> bool:
    given = frame["active_from"].notna().any()
    dates = [pd.api.types.is_datetime64_any_dtype(frame[name]) for name in ("period", "active_from")]
    if not given and dates[0] != dates[1]:
        frame["active_from"] = pd.NaT if dates[0] else np.nan
        if dates[0]:
            frame["active_from"] = pd.to_datetime(frame["active_from"])
        return False
    return dates[0] != dates[1]


def _gaps(source: Source) -> None:
    frame = source.frame
    units, periods = frame["dept_id"].nunique(), frame["period"].nunique()
    lacking = units * periods - len(frame.drop_duplicates(["dept_id", "period"]))
    if lacking > 0:
        per_unit = frame.groupby("dept_id")["period"].nunique()
        source.find(
            "W111",
            f"{lacking} of {units * periods} unit-periods have no row ({listing(per_unit.index[per_unit < periods], 4)})",
            column="period",
            fix="A missing unit-period changes estimates: add the rows, or know why they are absent.",
        )
