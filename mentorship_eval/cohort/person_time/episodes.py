"""Person-time in (start, stop]: mentorship as an exposure that changes while people are followed.

The clock is days since hire. A person enters at the later of hire and the first day of the window and
leaves at the leave date or, still employed, at the last day of the window (administrative censoring).

Two kinds of change, two rules for an event on the very day:

* a match belongs to the person: exposure begins *after* its date, so a match dated on the day of
  leaving exposes nobody, and a match before hire exposes from hire;
* calendar periods and a programme's activity belong to the calendar: the day itself is the first day
  of the new state, so that rows agree with the department-months of `panels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.employments import FAR, day_number, employments, require_columns
from mentorship_eval.cohort.person_time.leaving import LEVELS, OUTCOME_CAUSES
from mentorship_eval.errors import UsageError, listing
from mentorship_eval.estimate import Caution
from mentorship_eval.inference.shown import Shown

__all__ = ["BASELINE", "Episodes", "mentorship_episodes"]

BASELINE = ("profession", "gender", "ethnicity_group", "newly_qualified", "grade", "international")
_CALENDAR = {"month": "M", "quarter": "Q", "year": "Y"}
_KEY = float(2**20)  # one person's stretch of the key (person, day)


@dataclass(frozen=True)
class Episodes(Shown):
    """Rows (start, stop] in days since hire, sorted by person and time.

    rows: staff_id, start, stop, dept_id (now), dept_at_entry, mentored, programme_active, period, suspended,
        cause ('' except in the last row of a person who left), prevalent, then baseline covariates and age_at_entry.
    persons: one row a person: staff_id, hire (date), entry, stop, cause, mentored_from (days since hire at which
        mentoring began, if before the exit; may lie before entry), dept_at_entry, prevalent and covariates.
    flow: step, reason, persons_in, removed, kept; spell_flow: the same for spells.
    """

    rows: pd.DataFrame
    persons: pd.DataFrame
    flow: pd.DataFrame
    spell_flow: pd.DataFrame
    notes: tuple[Caution, ...]
    start: pd.Timestamp
    end: pd.Timestamp
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        return self.rows

    @property
    def person_days(self) -> float:
        return float((self.rows["stop"] - self.rows["start"]).sum())

    @property
    def mentored_days(self) -> float:
        return float(((self.rows["stop"] - self.rows["start"]) * self.rows["mentored"]).sum())

    @property
    def outcome(self) -> tuple[str, ...]:
        """Causes that are the outcome at the level of leaving: voluntary, and transfers where a move is a leave."""
        return OUTCOME_CAUSES[self.options.get("level", "organisation")]

    def leavers(self, cause: str | tuple[str, ...] | None = None) -> int:
        """Exits for ``cause``, or for any of several; all exits without it."""
        causes = (cause,) if isinstance(cause, str) else cause
        return int(self.rows["cause"].ne("").sum() if causes is None else self.rows["cause"].isin(causes).sum())

    def statement(self) -> str:
        years, share = self.person_days / 365.25, self.mentored_days / max(self.person_days, 1e-9)
        return (f"{len(self.persons):,} persons were followed for {years:,.0f} person-years, {share:.0%} of them mentored; "
                f"{self.leavers():,} left, {self.leavers('voluntary'):,} of them voluntarily.")

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        return (self.flow,)

    def _notes(self) -> tuple[Caution, ...]:
        return self.notes


def _calendar_cuts(calendar: str | None, start: pd.Timestamp, end: pd.Timestamp) -> np.ndarray:
    """The last day of each period inside the window: a row may not straddle it."""
    if calendar is None:
        return np.array([])
    code = _CALENDAR[calendar]
    firsts = pd.period_range(start, end, freq=code).start_time[1:]
    return day_number(pd.Series(firsts), "calendar") - 1


def _period_label(day: np.ndarray, calendar: str | None) -> np.ndarray:
    if calendar is None:
        return np.full(len(day), "", dtype=object)
    days = day.astype("int64").astype("datetime64[D]")
    year = days.astype("datetime64[Y]").astype(int) + 1970
    month = days.astype("datetime64[M]").astype(int) % 12
    if calendar == "year":
        code, name = year, lambda value: f"{value}"
    elif calendar == "quarter":
        code, name = year * 4 + month // 3, lambda value: f"{value // 4}Q{value % 4 + 1}"
    else:
        code, name = year * 12 + month, lambda value: f"{value // 12}-{value % 12 + 1:02d}"
    values, inverse = np.unique(code, return_inverse=True)
    return np.array([name(int(value)) for value in values], dtype=object)[inverse]


def _exposure(matches: pd.DataFrame, ids: pd.Index, persons: pd.DataFrame, exposure: str, lag: int, grace: int,
              notes: list[Caution]) -> pd.DataFrame:
    """Exposed intervals (person, begin, finish] in calendar days, only of analysed persons."""
    require_columns(matches, "matches", ("mentee_id", "start"))
    table = pd.DataFrame({"person": ids.get_indexer(matches["mentee_id"]), "begin": day_number(matches["start"], "matches.start")})
    end = day_number(matches["end"], "matches.end") if "end" in matches else np.full(len(matches), float(FAR))
    table["finish"] = np.where(end < FAR, end + grace, end) if exposure == "current" else float(FAR)
    kind = matches["relationship_type"].to_numpy(object) if "relationship_type" in matches else np.full(len(matches), "mentoring", object)
    mentoring = pd.Series(kind).isna().to_numpy() | (kind == "mentoring")
    checks = [("other_relationship", ~mentoring, "matches are not of the type mentoring and expose nobody"),
              ("match_without_start", mentoring & (table["begin"] == FAR).to_numpy(), "matches have no start and expose nobody"),
              ("match_of_others", mentoring & (table["person"] < 0).to_numpy(), "matches are of mentees who are not analysed")]
    for code, wrong, text in checks:
        if wrong.any():
            notes.append(Caution(code, f"{int(wrong.sum()):,} {text}.", {"matches": int(wrong.sum())}))
    table = table[mentoring & (table["begin"] < FAR) & (table["person"] >= 0)]
    hire, exit_ = (persons[name].to_numpy()[table["person"]] for name in ("hire", "exit"))
    # the lag runs from the match itself, also through the time before hire
    begin = np.maximum(table["begin"].to_numpy() + lag, hire)
    early, late = (table["begin"] < hire).to_numpy(), begin >= exit_
    left = late & (persons["cause"].to_numpy()[table["person"]] != "")
    if early.any():
        since = "from hire, or from the end of the lag when that is later" if lag else "from hire"
        notes.append(Caution("match_before_hire", f"{int(early.sum()):,} matches are dated before hire; they expose {since}.",
                             {"matches": int(early.sum())}))
    if left.any():
        notes.append(Caution("match_after_leave", f"{int(left.sum()):,} matches begin at or after the leave and expose nobody.",
                             {"matches": int(left.sum())}))
    table = table.assign(begin=begin)[~late]
    return table[table["finish"] > table["begin"]].sort_values(["person", "begin"], kind="stable", ignore_index=True)


def _split(segments: pd.DataFrame, row: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segments cut at (row, time): the segment of each piece, its start and its stop."""
    key = np.unique(np.concatenate([np.arange(len(segments)) * _KEY + (segments["start"].to_numpy() + FAR), row * _KEY + (time + FAR)]))
    piece = np.floor(key / _KEY).astype(int)
    start = key - piece * _KEY - FAR
    last = np.append(piece[1:] != piece[:-1], True) if len(piece) else np.array([], bool)
    stop = np.where(last, segments["stop"].to_numpy()[piece], np.append(start[1:], 0.0)[: len(start)])
    return piece, start, stop


def _interior(segments: pd.DataFrame, person: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those (person, time) that fall strictly inside a segment of the person: its row, and the time."""
    begins = segments["person"].to_numpy() * _KEY + (segments["start"].to_numpy() + FAR)
    row = np.searchsorted(begins, person * _KEY + (time + FAR), side="left") - 1
    ok = row >= 0
    row, person, time = row[ok], person[ok], time[ok]
    ok = (segments["person"].to_numpy()[row] == person) & (time < segments["stop"].to_numpy()[row])
    return row[ok], time[ok]


def mentorship_episodes(*, staff: pd.DataFrame, spells: pd.DataFrame, matches: pd.DataFrame, start: str | pd.Timestamp,
                        end: str | pd.Timestamp, rollout: pd.DataFrame | None = None, exposure: str = "absorbing", lag: int = 0,
                        grace: int = 0, covariates: tuple[str, ...] = (), calendar: str | None = "quarter", level: str = "organisation",
                        suspended: str = "keep", bridge_gap: int = 30, destinations: Mapping[str, str] | None = None) -> Episodes:
    """Person-time rows with mentorship by time t against not yet.

    exposure: ``absorbing`` (once mentored, always) or ``current`` (until the match ends, its last day included, and ``grace`` days longer).
    lag: days after the match date before exposure begins, never before hire. level: what counts as leaving, ``organisation`` (an
    internal transfer continues), ``department`` or ``role`` (it ends follow-up with cause ``transfer``) or ``profession`` (by the
    ``destinations`` of spells); see `cohort.leaving`. suspended: ``keep`` maternity, career break and secondment
    in the risk set, or ``remove`` them. bridge_gap: a return within so many days continues the employment.
    covariates: further columns of staff to carry. Without ``rollout`` programme_active is 0 throughout.

    Raises `DataError` for overlapping spells, doubled persons, unreadable dates and missing columns; `UsageError` for an
    unknown option.
    """
    for name, value, known in (("exposure", exposure, ("absorbing", "current")), ("level", level, LEVELS),
                               ("suspended", suspended, ("keep", "remove")), ("calendar", calendar, (*_CALENDAR, None))):
        if value not in known:
            raise UsageError(f"{name} is {value!r}.", fix=f"It must be one of {listing(known)}.")
    if lag < 0 or grace < 0 or bridge_gap < 0:
        raise UsageError("lag, grace and bridge_gap count days and cannot be negative.")
    start, end = pd.Timestamp(start), pd.Timestamp(end)
    require_columns(staff, "staff", ("staff_id", *covariates))
    base = employments(staff=staff, spells=spells, start=start, end=end, bridge_gap=bridge_gap, level=level, suspended=suspended,
                       destinations=destinations)
    persons, segments, notes = base.persons, base.segments, list(base.notes)
    member = staff.iloc[persons["person"].to_numpy()].reset_index(drop=True)
    exposed = _exposure(matches, pd.Index(member["staff_id"]), persons, exposure, lag, grace, notes)

    # where rows must be cut
    cuts = _calendar_cuts(calendar, start, end)
    low = np.searchsorted(cuts, segments["start"].to_numpy(), side="right")
    number = np.maximum(np.searchsorted(cuts, segments["stop"].to_numpy(), side="left") - low, 0)
    row = np.repeat(np.arange(len(segments)), number)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    pieces = [(row, cuts[np.repeat(low, number) + offset])]
    edges = exposed["finish"] < FAR
    pieces.append(_interior(segments, exposed["person"].to_numpy(), exposed["begin"].to_numpy()))
    pieces.append(_interior(segments, exposed.loc[edges, "person"].to_numpy(), exposed.loc[edges, "finish"].to_numpy()))
    active = np.full(len(segments), float(FAR))
    if rollout is not None:
        require_columns(rollout, "rollout", ("dept_id", "active_from"))
        first = pd.Series(day_number(rollout["active_from"], "rollout.active_from") - 1).groupby(rollout["dept_id"].to_numpy()).min()
        active = segments["dept_id"].map(first).fillna(FAR).to_numpy(float)
        inner = np.flatnonzero((active > segments["start"]) & (active < segments["stop"]))
        pieces.append((inner, active[inner]))
    piece, begin, finish = _split(segments, np.concatenate([part[0] for part in pieces]), np.concatenate([part[1] for part in pieces]))

    # the state of each row, constant over it
    who = segments["person"].to_numpy()[piece]
    hire = persons["hire"].to_numpy()[who]
    now = who * _KEY + (begin + FAR)
    stretch = exposed["person"].to_numpy() * _KEY + FAR
    opened = np.searchsorted(np.sort(stretch + exposed["begin"].to_numpy()), now, side="right")
    closed = np.searchsorted(np.sort(stretch + np.minimum(exposed["finish"], FAR - 1.0).to_numpy()), now, side="right")
    last = np.append(who[1:] != who[:-1], True) if len(who) else np.array([], bool)
    first_match = exposed.groupby("person")["begin"].min().reindex(range(len(persons))).to_numpy(float)
    prevalent = (first_match <= persons["entry"].to_numpy()) & (persons["hire"].to_numpy() < persons["entry"].to_numpy())

    people = pd.DataFrame({"staff_id": member["staff_id"].to_numpy()})
    people["hire"] = persons["hire"].to_numpy().astype("int64").astype("datetime64[D]").astype("datetime64[ns]")
    people["entry"], people["stop"] = persons["entry"] - persons["hire"], persons["exit"] - persons["hire"]
    people["cause"], people["mentored_from"] = persons["cause"], first_match - persons["hire"].to_numpy()
    people["dept_at_entry"], people["prevalent"] = persons["dept_at_entry"], prevalent.astype(int)
    carried = list(dict.fromkeys([*(name for name in BASELINE if name in member), *covariates]))
    for name in carried:
        people[name] = member[name].to_numpy()
    if "birth_year" in member:
        year = persons["entry"].to_numpy().astype("int64").astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
        people["age_at_entry"] = year - pd.to_numeric(member["birth_year"]).to_numpy(dtype=float, na_value=np.nan)
        carried.append("age_at_entry")

    rows = pd.DataFrame({"staff_id": people["staff_id"].to_numpy()[who], "start": begin - hire, "stop": finish - hire,
                         "dept_id": segments["dept_id"].to_numpy()[piece], "dept_at_entry": people["dept_at_entry"].to_numpy()[who],
                         "mentored": (opened > closed).astype(int), "programme_active": (begin >= active[piece]).astype(int)})
    rows["period"] = _period_label(np.minimum(np.floor(begin) + 1, np.floor(finish)), calendar)
    rows["suspended"] = segments["suspended"].to_numpy(bool)[piece].astype(int)
    rows["cause"] = np.where(last, people["cause"].to_numpy()[who], "")
    for name in ["prevalent", *carried]:
        rows[name] = people[name].to_numpy()[who]
    # conservation: cutting may neither lose nor make person-time
    lost = float((segments["stop"] - segments["start"]).sum()) - float((rows["stop"] - rows["start"]).sum())
    if lost:
        raise AssertionError(f"splitting changed the person-time by {lost} days")
    options = {"exposure": exposure, "lag": lag, "grace": grace,
               "calendar": calendar, "level": level, "suspended": suspended, "bridge_gap": bridge_gap}
    return Episodes(rows, people, base.flow, base.spell_flow, tuple(notes), start, end, options)
