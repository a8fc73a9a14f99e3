"""Ends of spells that may be administrative (W108): retired and back, over to the bank, many of a department on one day.

Records call a ward that went to another employer a hundred resignations on one day. What looks administrative is said; it is told otherwise only
where a rule of study.yaml says so, and each such change is in the repair log.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.errors import listing

__all__ = [
    "BANK", "FEWEST_LEAVERS", "MASS", "RETIRED", "apply_bank",
    "apply_mass_ends", "apply_retire_return", "lasting_until_return", "unusual_days",
]

# how the message of each kind begins
RETIRED, BANK, MASS = "retired and back", "bank contracts after a substantive post", "many people of a department left on one day"
FEWEST_LEAVERS, TIMES_THE_USUAL = 5, 3
_PLANNED = ("tupe", "end_of_contract", "transfer")


def _after(frame: pd.DataFrame) -> np.ndarray:
    """(rows - 1,) whether the next row is of the same person."""
    person = frame["staff_id"].to_numpy()
    return person[1:] == person[:-1]


def lasting_until_return(source: Source, frame: pd.DataFrame, at: np.ndarray, code: str, reason: str) -> pd.DataFrame:
    """The spells at the positions ``at`` last until the next one starts; each is a repair, ``reason`` with {days} between and the {row} of the next.

    frame: sorted by person and start, each spell at ``at`` followed by one of the same person.
    """
    rows, ends, starts = frame["file_row"].to_numpy(), frame["end"].to_numpy().copy(), frame["start"].to_numpy()
    for i in at:
        days = (starts[i + 1] - ends[i]) / np.timedelta64(1, "D")
        source.repair(
            code,
            row=int(rows[i]),
            column="end",
            before=str(ends[i])[:10],
            after=str(starts[i + 1])[:10],
            reason=reason.format(days=days, row=source.places.row_of(rows[i + 1])),
        )
        ends[i] = starts[i + 1]
    return frame.assign(end=ends)


def apply_retire_return(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """Under ``stay`` a retirement followed by a return within rules.retire_return_days lasts until the return.

    frame: sorted by person and start. Returns within the rehire gap are bridged anyway (R103).
    """
    rules = source.reading.study.rules
    gap = (frame["start"].to_numpy()[1:] - frame["end"].to_numpy()[:-1]) / np.timedelta64(1, "D")
    retired = (frame["leaving_reason"].to_numpy(dtype=object) == "retirement")[:-1]
    back = np.flatnonzero(_after(frame) & retired & (gap > max(rules.rehire_gap_days, 1.0)) & (gap <= rules.retire_return_days))
    if not len(back):
        return frame
    rows = frame["file_row"].to_numpy()
    stay = rules.retire_return == "stay"
    done = "the employment goes on" if stay else "the retirement counts as the leave"
    source.find(
        "W108",
        f"{RETIRED} within {rules.retire_return_days:g} days: {done}",
        rows=np.sort(rows[back]),
        column="leaving_reason",
        fix="rules.retire_return: leave or stay.",
    )
    if not stay:
        return frame
    return lasting_until_return(source, frame, back, "W108", "retired and back after {days:g} days (row {row})")


def apply_bank(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """Under ``leave`` the bank contract after a substantive one is left out, so that the substantive one ends as recorded.

    frame: sorted by person and start, without overlaps.
    """
    bank = (frame["contract"].to_numpy(dtype=object) == "bank")
    if not bank.any() or bank.all():
        return frame
    after = np.zeros(len(frame), dtype=bool)
    follows, previous = _after(frame), frame["contract"].to_numpy(dtype=object)
    for i in np.flatnonzero(bank[1:] & follows) + 1:
        after[i] = after[i - 1] or (not bank[i - 1] and isinstance(previous[i - 1], str))
    if not after.any():
        return frame
    rows = frame["file_row"].to_numpy()
    leave = source.reading.study.rules.bank == "leave"
    done = "left out, so that the substantive post ends as recorded" if leave else "they count as still employed"
    source.find(
        "W108",
        f"{BANK}: {done}",
        rows=np.sort(rows[after]),
        column="contract",
        fix="rules.bank: stay or leave; plan.leaving: role counts it as leaving the post.",
    )
    if not leave:
        return frame
    for row in rows[after]:
        source.repair("W108", row=int(row), column="contract", before="bank", after="left out", reason="bank contract after a substantive post")
    source.step(BANK, len(frame), int((~after).sum()))
    return frame[~after]


def unusual_days(days: pd.Series) -> pd.Series:
    """Of leavers by department and day, those of at least five people and three times what the department has on the other days with any.

    Where staff are known from monthly lists everybody leaves on a last day of a month; such a day is not unusual.
    """
    many = days[days >= FEWEST_LEAVERS]
    keep = []
    for (dept, day), left in many.items():
        others = days.loc[[dept]].drop((dept, day))
        keep.append(left >= TIMES_THE_USUAL * (others.median() if len(others) else 0))
    return many[np.array(keep, dtype=bool)]


def apply_mass_ends(source: Source) -> None:
    """Department-days in the window on which unusually many, and rules.mass_end_share of the department, left for reasons that are no plan.

    Under ``administrative``, or for the days that the rule lists, voluntary and unknown ends are told as ``tupe``.
    """
    frame, rules, window = source.frame, source.reading.study.rules, source.reading.study.study
    ended = frame["end"].notna() & ~frame["leaving_reason"].isin(_PLANNED)
    if window.start and window.end:
        ended &= frame["end"].between(pd.Timestamp(window.start), pd.Timestamp(window.end))
    days = frame[ended].groupby(["dept_id", "end"]).size()
    found = []
    for (dept, day), left in unusual_days(days).items():
        mine = frame[frame["dept_id"] == dept]
        before = day - pd.Timedelta(days=1)
        heads = int(((mine["start"] <= before) & (mine["end"].isna() | (mine["end"] > before))).sum())
        if left >= rules.mass_end_share * heads:
            found.append((dept, day))
    if not found:
        return
    at = pd.MultiIndex.from_frame(frame[["dept_id", "end"]]).isin(found) & ended.to_numpy()
    told = found if rules.mass_ends == "administrative" else []
    if isinstance(rules.mass_ends, list):
        told = [(dept, day) for dept, day in found if day.date() in rules.mass_ends]
    shown = listing([f"{dept} on {day:%Y-%m-%d}" for dept, day in sorted(found, key=lambda one: (one[1], one[0]))], 3)
    done = f"; told as tupe: {len(told)} of {len(found)}" if told else ": they count as recorded"
    source.find(
        "W108",
        f"{MASS} ({shown}){done}",
        rows=np.sort(frame.index[at]),
        column="end",
        fix="If it was a merger, a closure or a transfer of undertaking, list the day under rules: {mass_ends: [2023-04-01]}, and describe the "
        "change of departments in dept_lineage.",
    )
    for dept, day in told:
        hit = ((frame["dept_id"] == dept) & (frame["end"] == day) & ended & frame["leaving_reason"].isin(["voluntary", "unknown"])).to_numpy()
        if not hit.any():
            continue
        source.repair(
            "W108",
            row=int(frame.index[hit].min()),
            column="leaving_reason",
            before="voluntary or unknown",
            after="tupe",
            reason=f"administrative end on {day:%Y-%m-%d}",
            count=int(hit.sum()),
        )
        frame.loc[hit, "leaving_reason"] = "tupe"
