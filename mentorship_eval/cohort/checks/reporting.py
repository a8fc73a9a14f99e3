"""Incidents as they were reported: days that cannot be (E105), reports still coming in (W114, R114), changes of the system (W112), shocks (W115)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading, Source
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.errors import listing

__all__ = ["check_reporting", "drawn_on", "share_reported"]

# reports from which the lags are learnt: so many, from months that lie so many days back, the longest wait first
_FEWEST, _SETTLED = 50, (365, 180, 90)
_FEWEST_MISSING = 5  # reports expected to be still on their way, below which a month is complete where study.extract is not given
_FEW_OF_A_SYSTEM = 5


def check_reporting(reading: Reading) -> None:
    incidents = reading.sources.get("incidents")
    if incidents is not None and {"dept_id", "occurred"} <= set(incidents.frame):
        _after_the_extract(incidents)
        _still_coming_in(reading, incidents)
        _systems(reading, incidents)
    _calendar(reading)


def drawn_on(study: Study, reported: pd.Series) -> pd.Timestamp | None:
    """The day on which the files were drawn: study.extract, else the end of the window, or the last report where that is later."""
    window = study.study
    if window.extract:
        return pd.Timestamp(window.extract)
    days = [day for day in (pd.Timestamp(window.end) if window.end else pd.NaT, reported.max()) if not pd.isna(day)]
    return max(days, default=None)


def _after_the_extract(source: Source) -> None:
    extract = source.reading.study.study.extract
    for name in ("occurred", "reported") if extract else ():
        if name in source.frame:
            late = (source.frame[name] > pd.Timestamp(extract)).to_numpy()
            if late.any():
                row = source.frame.index[late][0]
                source.find(
                    "E105",
                    f"{name} {source.frame.loc[row, name]:%Y-%m-%d} is after the extract of {extract}",
                    rows=source.frame.index[late],
                    column=name,
                    fix="Correct the dates, or study.extract.",
                )


def share_reported(occurred: pd.Series, reported: pd.Series, drawn: pd.Timestamp, months: pd.PeriodIndex) -> pd.Series | None:
    """By month, the share of its incidents that are expected to have been reported by ``drawn``; None when the lags cannot be learnt.

    The lags are those of incidents that occurred long before the files were drawn (a year if there are enough of them): among later ones long lags
    are not seen yet, and would make reporting look prompt.
    """
    lag = (reported - occurred).dt.days
    back = (drawn - occurred).dt.days
    known = (lag >= 0) & (back >= 0)
    for wait in _SETTLED:
        settled = known & (back >= wait)
        if settled.sum() >= _FEWEST:
            break
    else:
        return None
    lags = np.sort(lag[settled].to_numpy(dtype=float))
    share = []
    for month in months:
        days = pd.date_range(month.start_time, month.end_time.normalize())
        left = (drawn - days).days.to_numpy(dtype=float)
        share.append(float(np.mean(np.searchsorted(lags, left, side="right") / len(lags))))
    return pd.Series(share, index=months)


def _still_coming_in(reading: Reading, source: Source) -> None:
    frame, rules, window = source.frame, reading.study.rules, reading.study.study
    if "reported" not in frame or frame["occurred"].isna().all():
        return
    drawn = drawn_on(reading.study, frame["reported"])
    if drawn is None:
        return
    first = pd.Timestamp(window.start) if window.start else frame["occurred"].min()
    months = pd.period_range(first, drawn if not window.end else min(drawn, pd.Timestamp(window.end)), freq="M")
    share = share_reported(frame["occurred"], frame["reported"], drawn, months)
    if share is None:
        return
    late = share[share < rules.reported_share]
    if not window.extract and not (window.end and drawn == pd.Timestamp(window.end)):
        # the day is only known to be no earlier than the last report: hardly a report missing is none
        came = frame["occurred"].dt.to_period("M").value_counts().reindex(late.index).fillna(0)
        late = late[came * (1 - late) >= _FEWEST_MISSING * late]
    if late.empty:
        return
    shown = listing([f"{month} ({value:.0%} in)" for month, value in late.items()], 4)
    at = frame["occurred"].dt.to_period("M").isin(late.index).to_numpy()
    if rules.reporting_lag == "flag":
        source.find(
            "W114",
            f"reports are still coming in: {shown}, by the lags of earlier months on {drawn:%Y-%m-%d}",
            rows=frame.index[at],
            column="reported",
            fix="An analysis without these months stands beside the default one; rules.reporting_lag: drop leaves them out of it.",
        )
        return
    _drop_months(reading, source, late.index, frame.index[at], shown)


def _drop_months(reading: Reading, source: Source, months: pd.PeriodIndex, rows: pd.Index, shown: str) -> None:
    source.find(
        "R114",
        f"months whose reports are still coming in are left out: {shown}",
        rows=rows,
        column="occurred",
        fix="rules.reporting_lag: flag keeps them.",
    )
    for name, column in (("incidents", "occurred"), ("exposure", "month")):
        other = reading.sources.get(name)
        if other is None or column not in other.frame:
            continue
        gone = other.frame[column].dt.to_period("M").isin(months).to_numpy()
        if not gone.any():
            continue
        other.repair(
            "R114",
            row=int(other.frame.index[gone][0]),
            column=column,
            before=f"{months[0]} to {months[-1]}",
            after="left out",
            reason="reports still coming in",
            count=int(gone.sum()),
        )
        n = len(other.frame)
        other.frame = other.frame[~gone]
        other.step("months whose reports are still coming in", n, len(other.frame))


def _systems(reading: Reading, source: Source) -> None:
    """W112 from the column ``system``: more than one in use, each with its first day."""
    frame, window = source.frame, reading.study.study
    if "system" not in frame:
        return
    seen = frame[["occurred", "system"]].dropna()
    if window.start and window.end:
        seen = seen[seen["occurred"].between(pd.Timestamp(window.start), pd.Timestamp(window.end))]
    uses = seen.groupby("system")["occurred"].agg(["min", "size"])
    uses = uses[uses["size"] >= _FEW_OF_A_SYSTEM].sort_values("min", kind="stable")
    if len(uses) < 2:
        return
    dates = listing([f"{name} from {row['min']:%Y-%m-%d}" for name, row in uses.iterrows()], 4)
    source.find(
        "W112",
        f"incidents come from {len(uses)} reporting systems ({dates}): counts before and after a change are not alike",
        rows=frame.index[(frame["system"] == uses.index[1]).to_numpy()],
        column="system",
        fix="The incidents chapter tests for a step and leaves out the months around it (plan.incidents.switch_months).",
    )


def _calendar(reading: Reading) -> None:
    """W112 and W115 from the calendar: lasting changes, and shocks with an end, that touch the window."""
    source, window = reading.sources.get("calendar"), reading.study.study
    if source is None or not {"start", "label"} <= set(source.frame):
        return
    frame = source.frame[source.frame["start"].notna()]
    end = frame["end"] if "end" in frame else pd.Series(pd.NaT, index=frame.index)
    lasting = end.isna()
    inside = pd.Series(True, index=frame.index)
    if window.start:
        inside &= end.where(~lasting, frame["start"]) >= pd.Timestamp(window.start)
    if window.end:
        inside &= frame["start"] <= pd.Timestamp(window.end)
    for code, mask, what, fix in (
        ("W112", inside & lasting, "lasting changes inside the window", "The incidents chapter tests for a step at the date."),
        ("W115", inside & ~lasting, "shocks inside the window", "Analyses without these months stand beside the default ones."),
    ):
        chosen = frame[mask.to_numpy()]
        if len(chosen):
            names = [f"{row.label} ({row.start:%Y-%m-%d}{'' if code == 'W112' else f' to {end[row.Index]:%Y-%m-%d}'})" for row in chosen.itertuples()]
            source.find(code, f"{what}: {listing(names, 4)}", rows=chosen.index, column="label", fix=fix)
