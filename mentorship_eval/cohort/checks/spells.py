"""Spells made fit for person-time: one row per person and assignment, in time order, without overlaps.

Order of work: dates checked (E105, R105), suspended time marked (R107): its rows stay, or a return would look like a new employment;
concurrent assignments collapsed (R102), administrative ends (W108) as the rules say, short gaps bridged (R103), internal moves labelled (R104).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.checks.administrative import apply_bank, apply_mass_ends, apply_retire_return, lasting_until_return
from mentorship_eval.cohort.checks.concurrent import collapse_concurrent
from mentorship_eval.cohort.checks.suspended import mark_suspended
from mentorship_eval.cohort.reading.raw import Source

__all__ = ["clean_spells"]

CLEAN_COLUMNS = ["spell_id", "staff_id", "org_id", "dept_id", "start", "end", "wte", "contract", "status", "leaving_reason"]


def clean_spells(source: Source) -> None:
    """Clean ``source.frame`` in place; does nothing further once errors make the order of dates unsure."""
    frame = source.frame
    if "end" not in frame:
        frame["end"] = pd.NaT
    for name in ("wte", "contract", "status", "leaving_reason"):
        if name not in frame:
            # unknown stays unknown: a missing whole-time equivalent is not full time
            frame[name] = pd.Series(np.nan, index=frame.index, dtype="float64" if name == "wte" else object)
    if not _dates_in_order(source) or frame[["staff_id", "dept_id", "start"]].isna().any().any():
        return
    _same_day(source)
    mark_suspended(source)
    frame = source.frame
    frame["file_row"] = frame.index
    frame = frame.sort_values(["staff_id", "start", "file_row"], kind="stable")
    frame = collapse_concurrent(source, frame)
    frame = apply_retire_return(source, frame)
    frame = apply_bank(source, frame)
    frame = _join(source, frame)
    frame = frame.sort_values(["staff_id", "start", "file_row"], kind="stable")
    source.frame = frame.set_index("file_row", drop=True)
    _reasons(source)
    apply_mass_ends(source)
    first = [name for name in CLEAN_COLUMNS if name in source.frame]
    source.frame = source.frame[first + [name for name in source.frame if name not in first]]


def _dates_in_order(source: Source) -> bool:
    frame = source.frame
    before = len(source.reading.findings.of("E105"))
    wrong = (frame["end"] < frame["start"]).to_numpy()
    if wrong.any():
        row = frame.index[wrong][0]
        source.find(
            "E105",
            f"end {frame.loc[row, 'end']:%Y-%m-%d} is before start {frame.loc[row, 'start']:%Y-%m-%d}",
            rows=frame.index[wrong],
            column="end",
            fix="Correct the dates.",
        )
    extract = source.reading.study.study.extract
    drawn = pd.Series(pd.Timestamp(extract) if extract else pd.NaT, index=frame.index)
    if "extract_date" in frame:
        drawn = frame["extract_date"].fillna(drawn)
    for name, what in (("end", "leaving date"), ("start", "start")):
        late = (frame[name] > drawn).to_numpy()
        if late.any():
            row = frame.index[late][0]
            source.find(
                "E105",
                f"{what} {frame.loc[row, name]:%Y-%m-%d} is after the extract of {drawn[row]:%Y-%m-%d}",
                rows=frame.index[late],
                column=name,
                fix="Leave the end empty for planned leavers, leave future starters out, or correct the date.",
            )
    return len(source.reading.findings.of("E105")) == before


def _same_day(source: Source) -> None:
    frame, days = source.frame, source.reading.study.rules.same_day_days
    same = (frame["end"] == frame["start"]).to_numpy()
    if same.any():
        rows = frame.index[same]
        source.find("R105", f"start and end on the same day: counted as {days:g} day", rows=rows, column="end")
        for row in rows:
            source.repair(
                "R105",
                row=int(row),
                column="end",
                before=f"{frame.loc[row, 'end']:%Y-%m-%d}",
                after=f"start + {days:g} day",
                reason="same-day spell",
            )
        frame.loc[same, "end"] = frame.loc[same, "start"] + pd.Timedelta(days=days)


def _join(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """Bridge gaps up to the rehire rule inside one organisation and label internal moves; a secondment to another one and back is inside too."""
    limit = source.reading.study.rules.rehire_gap_days
    same_org = frame["org_id"].to_numpy()[1:] == frame["org_id"].to_numpy()[:-1]
    away = (frame["status"].to_numpy(dtype=object) == "secondment") & frame["suspended"].to_numpy(dtype=bool)
    same_person = (frame["staff_id"].to_numpy()[1:] == frame["staff_id"].to_numpy()[:-1]) & (same_org | away[1:] | away[:-1])
    gap = (frame["start"].to_numpy()[1:] - frame["end"].to_numpy()[:-1]) / np.timedelta64(1, "D")
    # a next day's start is a continuation under any rule; half days come from same-day spells
    follows = same_person & (gap <= max(limit, 1.0))
    if not follows.any():
        return frame
    rehired = follows & (gap > 1.0)
    alike = follows & same_org & (frame["dept_id"].to_numpy()[1:] == frame["dept_id"].to_numpy()[:-1])
    for name in ("wte", "contract", "status", *(("role",) if "role" in frame else ())):
        values = frame[name].to_numpy(dtype=object)
        equal = (values[1:] == values[:-1]) | (pd.isna(values[1:]) & pd.isna(values[:-1]))
        alike &= equal
    frame = _bridge(source, frame, rehired)
    frame = _label_moves(source, frame, follows & ~alike)
    return _merge_alike(source, frame, alike)


def _bridge(source: Source, frame: pd.DataFrame, rehired: np.ndarray) -> pd.DataFrame:
    at = np.flatnonzero(rehired)
    if not len(at):
        return frame
    rows = frame["file_row"].to_numpy()
    limit = source.reading.study.rules.rehire_gap_days
    source.find(
        "R103",
        f"gaps of up to {limit:g} days in one organisation bridged",
        rows=np.sort(rows[at]),
        column="end",
        fix="rules.rehire_gap_days in study.yaml sets the limit.",
    )
    return lasting_until_return(source, frame, at, "R103", "back after {days:g} days (row {row}): bridged")


def _label_moves(source: Source, frame: pd.DataFrame, moves: np.ndarray) -> pd.DataFrame:
    """R104: the person stays in the organisation, so the end of the earlier spell is a transfer."""
    reasons = frame["leaving_reason"].to_numpy(dtype=object).copy()
    relabelled = [i for i in np.flatnonzero(moves) if reasons[i] != "transfer"]
    if not relabelled:
        return frame
    rows = frame["file_row"].to_numpy()
    source.find(
        "R104",
        "ends followed by another post in the same organisation labelled transfer: not a leave of the organisation",
        rows=np.sort(rows[relabelled]),
        column="leaving_reason",
    )
    for i in relabelled:
        before = "" if pd.isna(reasons[i]) else reasons[i]
        source.repair(
            "R104",
            row=int(rows[i]),
            column="leaving_reason",
            before=before,
            after="transfer",
            reason=f"goes on in row {source.places.row_of(rows[i + 1])}",
        )
        reasons[i] = "transfer"
    return frame.assign(leaving_reason=reasons)


def _merge_alike(source: Source, frame: pd.DataFrame, alike: np.ndarray) -> pd.DataFrame:
    if not alike.any():
        return frame
    block = np.concatenate([[0], np.cumsum(~alike)])
    last = ~np.concatenate([alike, [False]])
    first = ~np.concatenate([[False], alike])
    merged = frame[first].copy()
    for name in ("end", "leaving_reason", "destination"):
        if name in frame:
            merged[name] = frame.loc[last, name].to_numpy()
    rows = frame["file_row"].to_numpy()
    opening = pd.Series(rows).groupby(block).transform("first").to_numpy()
    for i in np.flatnonzero(~first):
        into = source.places.row_of(opening[i])
        source.repair("R103", row=int(rows[i]), before="own row", after=f"merged into row {into}", reason="same post goes on")
    source.find("R103", "rows of one post that goes on merged", rows=np.sort(rows[~first]))
    source.step("rows of one post merged", len(frame), len(merged))
    return merged


def _reasons(source: Source) -> None:
    """Closed spells have a reason (unknown when none is given), open ones none."""
    frame = source.frame
    open_ = frame["end"].isna()
    blank = ~open_ & frame["leaving_reason"].isna()
    if blank.any():
        rows = frame.index[blank.to_numpy()]
        source.find(
            "W012",
            "closed spells without a leaving reason: unknown",
            rows=np.sort(rows),
            column="leaving_reason",
            fix="Fill in the reason.",
        )
        source.repair(
            "R108",
            row=int(rows.min()),
            column="leaving_reason",
            before="",
            after="unknown",
            reason="closed without a reason",
            count=len(rows),
        )
    odd = open_ & frame["leaving_reason"].notna()
    if odd.any():
        rows = frame.index[odd.to_numpy()]
        source.find(
            "W012",
            "open spells with a leaving reason: the reason is not used",
            rows=np.sort(rows),
            column="leaving_reason",
            fix="Give the end.",
        )
        source.repair(
            "R108", row=int(rows.min()), column="leaving_reason", before="a reason", after="", reason="spell has not ended", count=len(rows)
        )
    frame["leaving_reason"] = frame["leaving_reason"].astype(object).mask(blank, "unknown").mask(open_, np.nan)
