"""Matches and their sessions: a start that is missing (W117), sessions when there was no match or no mentee (E116, R116)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading, Source

__all__ = ["check_matches"]


def check_matches(reading: Reading) -> None:
    matches, sessions = reading.sources.get("matches"), reading.sources.get("sessions")
    if matches is None or sessions is None:
        return
    if not {"match_id", "mentee_id", "start"} <= set(matches.frame) or not {"match_id", "date"} <= set(sessions.frame):
        return
    if not matches.frame["match_id"].is_unique:
        return  # E005 stands already
    _starts(matches, sessions)
    _stray(reading, matches, sessions)


def _held(sessions: Source) -> pd.DataFrame:
    """Sessions that took place, as far as the records say."""
    frame = sessions.frame
    frame = frame[frame["date"].notna() & frame["match_id"].notna()]
    return frame[(frame["status"] == "held") | frame["status"].isna()] if "status" in frame else frame


def _starts(matches: Source, sessions: Source) -> None:
    """W117: a blank start means offered and never begun, unless there were sessions."""
    frame, rule = matches.frame, matches.reading.study.rules.match_start
    first = frame["match_id"].map(_held(sessions).groupby("match_id")["date"].min())
    blank = frame["start"].isna() & first.notna()
    if "end" in frame:
        blank &= ~(frame["end"] < first)
    if not blank.any():
        return
    rows = frame.index[blank.to_numpy()]
    done = "begin with their first held session" if rule == "first_session" else "are left without a start, and expose nobody"
    matches.find(
        "W117",
        f"matches without a start that have held sessions {done}",
        rows=rows,
        column="start",
        fix="Fill in the start; rules.match_start: first_session or missing.",
    )
    if rule == "missing":
        return
    for row in rows:
        matches.repair(
            "W117", row=int(row), column="start", before="", after=f"{first[row]:%Y-%m-%d}", reason="first held session of the match"
        )
    matches.frame = frame.assign(start=frame["start"].where(~blank, first))


def _stray(reading: Reading, matches: Source, sessions: Source) -> None:
    """Held sessions before the match began, after it ended, or after the mentee had left."""
    held, limit = _held(sessions), reading.study.rules.stray_sessions
    if held.empty:
        return
    of = matches.frame.set_index("match_id")
    day, match = held["date"], held["match_id"]
    why = pd.Series("", index=held.index, dtype=object)
    start = match.map(of["start"])
    why[(day < start).to_numpy()] = "before the match began"
    if "end" in of:
        why[((day > match.map(of["end"])) & (why == "")).to_numpy()] = "after the match ended"
    gone = match.map(of["mentee_id"]).map(_exits(reading))
    why[((day > gone) & (why == "")).to_numpy()] = "after the mentee had left"
    stray = why[why != ""]
    if stray.empty:
        return
    share = len(stray) / len(held)
    kinds = ", ".join(sorted(set(stray)))
    if share > limit:
        sessions.find(
            "E116",
            f"{share:.0%} of the held sessions lie outside their match or its mentee's employment ({kinds})",
            rows=stray.index,
            column="date",
            fix=f"See whether dates or match_id are wrong; up to rules.stray_sessions ({limit:g}) they are left out.",
        )
        return
    sessions.find(
        "R116",
        f"held sessions outside their match or its mentee's employment left out ({kinds})",
        rows=stray.index,
        column="date",
        fix="rules.stray_sessions is the share from which the work stops.",
    )
    for row, reason in stray.items():
        sessions.repair("R116", row=int(row), column="date", before=f"{day[row]:%Y-%m-%d}", after="left out", reason=str(reason))
    n = len(sessions.frame)
    sessions.frame = sessions.frame.drop(index=stray.index)
    sessions.step("sessions outside their match", n, len(sessions.frame))


def _exits(reading: Reading) -> pd.Series:
    """Last day of the last spell of each person whose spells have all ended."""
    spells = reading.sources.get("spells")
    if spells is None or not {"staff_id", "end"} <= set(spells.frame):
        return pd.Series(dtype="datetime64[ns]")
    ends = spells.frame.groupby("staff_id")["end"].agg(["max", "size", "count"])
    return ends["max"].where(ends["size"] == ends["count"], np.datetime64("NaT"))
