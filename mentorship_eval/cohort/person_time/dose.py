"""How much mentoring, by when: held sessions as an exposure that changes while people are followed.

A session counts from the end of its day, like a match, so that one on the day of leaving exposes nobody. Sessions after a person's exit,
or outside the dates of their match, count for nothing (they would be dose that only those who stay can have, or errors of dating).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import require_columns
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.cohort.person_time.splitting import split_rows
from mentorship_eval.estimate import Caution

__all__ = ["HeldSessions", "dose_rows", "held_sessions"]


@dataclass(frozen=True)
class HeldSessions:
    """table: staff_id, time (days since hire, end of the day), match_id, mode ('' unknown), minutes; sorted by person and time.

    notes: what was left out, and what had to be assumed.
    """

    table: pd.DataFrame
    notes: tuple[Caution, ...]


def held_sessions(*, episodes: Episodes, matches: pd.DataFrame, sessions: pd.DataFrame) -> HeldSessions:
    """The held sessions of the people followed, on the clock of ``episodes``, up to each person's exit.

    Raises `DataError` for missing columns.
    """
    require_columns(sessions, "sessions", ("match_id", "date"))
    require_columns(matches, "matches", ("match_id", "mentee_id", "start"))
    notes: list[Caution] = []
    table = sessions[["match_id", "date", *(name for name in ("minutes", "mode", "status") if name in sessions)]]
    if "status" in table and table["status"].notna().any():
        table = table[table["status"] == "held"]
    else:
        notes.append(Caution("sessions_without_status", "Sessions do not say whether they were held; all of them count as held."))
    table = table[table["date"].notna()]
    if "relationship_type" in matches:
        matches = matches[matches["relationship_type"].isna() | (matches["relationship_type"] == "mentoring")]
    if "end" not in matches:
        matches = matches.assign(end=pd.NaT)
    table = table.merge(matches[["match_id", "mentee_id", "start", "end"]], on="match_id")
    persons = episodes.persons
    table = table.merge(persons[["staff_id", "hire", "stop", "cause"]], left_on="mentee_id", right_on="staff_id")
    outside = (table["date"] < table["start"]) | (table["date"] > table["end"])
    time = (table["date"] - table["hire"]).dt.days.astype(float)
    # the window's end is no exit: what comes after it was not seen either way
    after = (time > table["stop"]) & (table["cause"] != "")
    for code, wrong, text in (
        ("session_after_exit", after, "held sessions are dated after the mentee's exit and count for nothing"),
        ("session_outside_match", outside & ~after, "held sessions are dated outside their match and count for nothing"),
    ):
        if wrong.any():
            notes.append(Caution(code, f"{wrong.mean():.1%} of the {text}.", {"share": float(wrong.mean())}))
    kept = ~outside & (time < table["stop"])
    out = pd.DataFrame({
        "staff_id": table["staff_id"], "time": time, "match_id": table["match_id"],
        "mode": table["mode"].fillna("").astype(str) if "mode" in table else "",
        "minutes": table["minutes"].astype(float) if "minutes" in table else np.nan,
    })[kept]
    return HeldSessions(out.sort_values(["staff_id", "time"], kind="stable", ignore_index=True), tuple(notes))


def _before(keys: np.ndarray, times: np.ndarray, person: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How many of the (keys, times) belong to ``person`` and lie at or before ``at``."""
    if not len(keys):
        return np.zeros(len(person), dtype=int)
    order = np.lexsort((times, keys))
    keys, times = keys[order], times[order]
    first = np.searchsorted(keys, person, side="left")
    # (person, time) as one ordered number: times are days, far below the step
    step = 2.0**20
    upto = np.searchsorted(keys * step + (times + step / 4), person * step + (at + step / 4), side="right")
    return upto - first


def dose_rows(rows: pd.DataFrame, held: HeldSessions, matches: pd.DataFrame, hire: pd.Series) -> pd.DataFrame:
    """``rows`` of `Episodes` (any columns beside) cut at every held session, with the dose by the start of each piece.

    hire: date by staff_id. Adds sessions (held so far), one ``sessions, MODE`` per mode, since_match (days since the first match began;
    NaN before it) and matched (1 while a match lasts).
    """
    ids = pd.Index(hire.index)
    table = held.table[held.table["staff_id"].isin(ids)]
    person, time = ids.get_indexer(table["staff_id"]), table["time"].to_numpy(float)
    met = matches[matches["start"].notna() & matches["mentee_id"].isin(ids)]
    mentee = ids.get_indexer(met["mentee_id"])
    origin = hire.to_numpy()[mentee]
    begun = ((met["start"].to_numpy() - origin) / np.timedelta64(1, "D")).astype(float)
    ended = ((met["end"].to_numpy() - origin) / np.timedelta64(1, "D")).astype(float) if "end" in met else np.full(len(met), np.nan)

    cuts = pd.DataFrame({"person": np.concatenate([person, mentee[~np.isnan(ended)]]), "time": np.concatenate([time, ended[~np.isnan(ended)]])})
    where = ids.get_indexer(rows["staff_id"])
    both = pd.DataFrame({"person": where, "row": np.arange(len(rows))})
    both = both[np.isin(where, cuts["person"].unique())].merge(cuts, on="person")
    out = split_rows(rows, both["row"].to_numpy(), both["time"].to_numpy(float))
    where, at = ids.get_indexer(out["staff_id"]), out["start"].to_numpy(float)
    out["sessions"] = _before(person, time, where, at)
    for mode in sorted(set(table["mode"]) - {""}):
        chosen = (table["mode"] == mode).to_numpy()
        out[f"sessions, {mode}"] = _before(person[chosen], time[chosen], where, at)
    first = pd.Series(begun).groupby(mentee).min().reindex(range(len(ids))).to_numpy(float)
    out["since_match"] = np.where(at >= first[where], at - first[where], np.nan)
    closed = ~np.isnan(ended)
    out["matched"] = (_before(mentee, begun, where, at) > _before(mentee[closed], ended[closed], where, at)).astype(int)
    return out
