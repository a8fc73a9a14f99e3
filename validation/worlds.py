"""Cohorts with a known truth: careers in departments, drawn fast and exactly, one knob for each threat to the analysis.

Hazards are constant between change points (a year of tenure, the start of mentoring, a transfer, a new month), so a time
to leaving is one exponential draw and one inversion. Days count from the first day of the window; an event in (D-1, D]
carries the date D, so that ties by the day come about as they do in personnel records. What is handed on are the tables that an evaluator
has (staff, spells, matches, rollout): person-time is made from them by the package itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["END", "START", "Draw", "People", "World", "as_dates", "draw"]

START, END = "2022-01-01", "2024-12-31"
EDGES = (pd.date_range(START, periods=37, freq="MS") - pd.Timestamp(START)).days.to_numpy(float)  # months of the window, in days
LAST = EDGES[-1] - 1  # the last day of the window
CUTS = EDGES - 1  # a month holds its own days, and day D is the interval (D-1, D]
MONTH = 30.4375
NEVER = 1e6
NO_REASON = np.array(None, dtype=object)


@dataclass(frozen=True, kw_only=True)
class World:
    """Log effects are natural logarithms; rates per month of 30.4375 days."""

    departments: int = 40
    staff: int = 1500  # employed at the start of the window or hired in it
    history_years: float = 10.0  # hires are even over this time before the window and over the window
    hazard: tuple[float, float, float] = (0.026, 0.017, 0.011)  # voluntary leaving in the first year of tenure, the second, later
    other_exits: float = 0.005
    frailty_sd: float = 0.4  # of departments' log hazard
    experience: float = -0.25  # log hazard ratio per SD of the measured covariate
    # mentoring
    hazard_ratio: float = 0.75
    uptake: float = 0.0  # log odds of an average person
    uptake_experience: float = 0.6  # log odds per SD
    uptake_frailty: float = -0.4  # log odds per SD of the department's log hazard
    delay: float = 4.0  # mean months from hire (or go-live) to the match, exponential
    informative: int | None = None  # departments in which anybody is mentored; None = all
    late_months: float = 0.0  # no effect for so long after the match
    # roll-out: go-live months of equal groups of departments (0 = first of the window); empty = the programme is as old as its staff
    waves: tuple[int, ...] = ()
    never: bool = False  # one more group of departments never has the programme
    # effect on everybody in the department from go-live on (intention to treat), log per month since go-live and at once
    programme_jump: float = 0.0
    programme_growth: float = 0.0
    trend: float = 0.0  # log hazard per month of the window
    # threats
    transfers: float = 0.0  # rate of moving to another department
    rehire: float = 0.0  # share of voluntary leavers who come back
    rehire_gap: float = 60.0  # mean days
    latent_sd: float = 0.0  # SD of an unmeasured trait's log hazard ratio
    latent_other: float = 0.0  # log hazard ratio of other exits per SD of it
    latent_other_mentored: float = 0.0  # the same, more, while mentored
    other_mentored: float = 0.0  # log hazard ratio of other exits while mentored


@dataclass
class People:
    """What is true of each person, one entry each; days of the calendar, `NEVER` where it never happens."""

    hire: np.ndarray
    dept: np.ndarray
    experience: np.ndarray
    latent: np.ndarray
    mentored: np.ndarray  # day of the match, if the person stays that long
    move: np.ndarray
    moved_to: np.ndarray

    def take(self, index: np.ndarray) -> People:
        return People(**{name: values[index] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Draw:
    """One simulated cohort: tables by name, and whatever an analysis or a truth may want to know besides."""

    world: World
    tables: dict[str, pd.DataFrame]
    log_frailty: np.ndarray
    go_live: np.ndarray  # month of the window, -1 = since ever, 99 = never
    more: dict[str, Any] = field(default_factory=dict)


def _go_live(world: World, rng: np.random.Generator) -> np.ndarray:
    if not world.waves:
        return np.full(world.departments, -1)
    groups = [*world.waves, *([99] if world.never else [])]
    return rng.permutation(np.resize(groups, world.departments))


def _people(world: World, number: int, z: np.ndarray, live_day: np.ndarray, rng: np.random.Generator) -> People:
    hire = np.floor(rng.uniform(-365.25 * world.history_years, LAST, number))
    dept = rng.integers(world.departments, size=number)
    experience, latent = rng.normal(size=number), rng.normal(size=number) if world.latent_sd else np.zeros(number)
    odds = world.uptake + world.uptake_experience * experience + world.uptake_frailty * z[dept]
    willing = rng.random(number) < 1 / (1 + np.exp(-odds))
    if world.informative is not None:
        willing &= dept < world.informative
    wait = np.ceil(rng.exponential(world.delay * MONTH, number))
    mentored = np.where(willing, np.maximum(hire, live_day[dept]) + wait, NEVER)
    move = np.full(number, NEVER)
    if world.transfers:
        move = hire + np.ceil(rng.exponential(MONTH / world.transfers, number))
    moved_to = (dept + rng.integers(1, max(world.departments, 2), size=number)) % world.departments
    return People(hire, dept, experience, latent, mentored, move, moved_to)


def live_days(go_live: np.ndarray) -> np.ndarray:
    """The last day without the programme, by department."""
    return np.where(go_live < 0, -NEVER, np.where(go_live < 36, CUTS[np.clip(go_live, 0, 35)], NEVER))


def leave(world: World, people: People, log_frailty: np.ndarray, go_live: np.ndarray, rng: np.random.Generator,
          begin: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Day of leaving (continuous, `NEVER` after the window) and whether it was voluntary; at risk from ``begin``, tenure from ``origin``."""
    number, live_day = len(begin), live_days(go_live)
    late = people.mentored + world.late_months * MONTH
    changes = [begin, origin + 365, origin + 730, people.mentored]
    changes += [late] if world.late_months else []
    changes += [people.move] if world.transfers else []
    calendar = bool(world.trend or world.programme_jump or world.programme_growth)
    points = np.stack(changes, axis=1)
    if calendar:
        points = np.concatenate([points, np.broadcast_to(CUTS[:-1], (number, len(CUTS) - 1))], axis=1)
    end = np.maximum(LAST + 1, begin + 1)[:, None]
    points = np.sort(np.concatenate([np.clip(points, begin[:, None], end), end], axis=1), axis=1)
    length, middle = np.diff(points, axis=1), (points[:, 1:] + points[:, :-1]) / 2

    tenure = middle - origin[:, None]
    log_rate = np.log(np.asarray(world.hazard) / MONTH)[(tenure > 365).astype(int) + (tenure > 730)]
    dept = people.dept[:, None]
    if world.transfers:
        dept = np.where(middle > people.move[:, None], people.moved_to[:, None], dept)
    log_rate = log_rate + log_frailty[dept] + (world.experience * people.experience + world.latent_sd * people.latent)[:, None]
    exposed = middle > people.mentored[:, None]
    log_rate += math.log(world.hazard_ratio) * (middle > late[:, None])
    if calendar:
        month = np.searchsorted(CUTS, middle, side="right") - 1
        since = np.where((go_live >= 0)[dept] & (middle > live_day[dept]), month - go_live[dept], -1)
        log_rate += world.trend * np.maximum(month, 0)
        log_rate += np.where(since >= 0, world.programme_jump + world.programme_growth * since, 0.0)
    other = np.full(middle.shape, world.other_exits / MONTH)
    if world.latent_other or world.latent_other_mentored or world.other_mentored:
        slope = world.latent_other + world.latent_other_mentored * exposed
        other = other * np.exp(slope * people.latent[:, None] + world.other_mentored * exposed)

    voluntary = np.exp(log_rate)
    cumulated = np.cumsum((voluntary + other) * length, axis=1)
    target = rng.exponential(size=number)
    piece = (cumulated < target[:, None]).sum(axis=1)
    left = piece < length.shape[1]
    at, row = np.minimum(piece, length.shape[1] - 1), np.arange(number)
    total = (voluntary + other)[row, at]
    day = points[row, at + 1] - (cumulated[row, at] - target) / total
    return np.where(left, day, NEVER), left & (rng.random(number) < voluntary[row, at] / total)


def as_dates(day: np.ndarray) -> np.ndarray:
    whole = np.where(day > LAST, 0, day).astype("int64")
    dates = (np.datetime64(START, "D") + whole).astype("datetime64[ns]")
    dates[day > LAST] = np.datetime64("NaT")
    return dates


def draw(world: World, rng: np.random.Generator) -> Draw:
    """One cohort of the world."""
    z = rng.normal(size=world.departments)
    log_frailty = world.frailty_sd * z
    go_live = _go_live(world, rng)
    factor = 2.4
    while True:
        number = int(world.staff * factor) + 200
        people = _people(world, number, z, live_days(go_live), rng)
        day, voluntary = leave(world, people, log_frailty, go_live, rng, people.hire, people.hire)
        back, day2, voluntary2 = _returns(world, people, day, voluntary, log_frailty, go_live, rng)
        seen = np.flatnonzero((np.ceil(day) > 0) | ((back <= LAST) & (np.ceil(day2) > 0)))
        if len(seen) >= world.staff:
            break
        factor *= 1.5
    chosen = seen[: world.staff]
    return Draw(world, _tables(world, people.take(chosen), [day[chosen], voluntary[chosen]], back[chosen],
                               [day2[chosen], voluntary2[chosen]], go_live), log_frailty, go_live)


def _returns(world: World, people: People, day: np.ndarray, voluntary: np.ndarray, log_frailty: np.ndarray, go_live: np.ndarray,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Day of return, of leaving again, and whether that was voluntary. A gap of up to 30 days does not restart the tenure."""
    back, again, willing = np.full(len(day), NEVER), np.full(len(day), NEVER), np.zeros(len(day), bool)
    if not world.rehire:
        return back, again, willing
    comes = np.flatnonzero(voluntary & (rng.random(len(day)) < world.rehire))
    gap = np.ceil(rng.exponential(world.rehire_gap, len(comes)))
    back[comes] = np.ceil(day[comes]) + gap
    # whoever would have been matched later is matched after coming back
    later = (people.mentored[comes] >= np.ceil(day[comes])) & (people.mentored[comes] < NEVER)
    people.mentored[comes[later]] = back[comes[later]] + np.ceil(rng.exponential(world.delay * MONTH, later.sum()))
    # nobody moves between departments in this world once back
    origin = np.where(gap <= 30, people.hire[comes], back[comes])
    again[comes], willing[comes] = leave(world, people.take(comes), log_frailty, go_live, rng, back[comes], origin)
    return back, again, willing


def _tables(world: World, people: People, first: list[np.ndarray], back: np.ndarray, second: list[np.ndarray],
            go_live: np.ndarray) -> dict[str, pd.DataFrame]:
    number = len(people.hire)
    names = np.array([f"D{code + 1:02d}" for code in range(world.departments)], dtype=object)
    ids = np.arange(1, number + 1)
    stop, reason = np.ceil(first[0]), np.where(first[1], "voluntary", "end_of_contract").astype(object)
    moved = (people.move < stop) & (people.move <= LAST)
    spell_id = [ids, ids[moved]]
    spell_dept = [people.dept, people.moved_to[moved]]
    spell_start = [people.hire, people.move[moved]]
    spell_stop = [np.where(moved, people.move, stop), stop[moved]]
    spell_reason = [np.where(moved, "transfer", reason), reason[moved]]
    again = back <= LAST
    if again.any():
        spell_id.append(ids[again])
        spell_dept.append(np.where(moved, people.moved_to, people.dept)[again])
        spell_start.append(back[again])
        spell_stop.append(np.maximum(np.ceil(second[0][again]), back[again] + 1))
        spell_reason.append(np.where(second[1][again], "voluntary", "end_of_contract").astype(object))
    finish = np.concatenate(spell_stop)
    spells = pd.DataFrame({"staff_id": np.concatenate(spell_id), "dept_id": names[np.concatenate(spell_dept)],
                           "start": as_dates(np.concatenate(spell_start)), "end": as_dates(finish),
                           "leaving_reason": np.where(finish <= LAST, np.concatenate(spell_reason), NO_REASON)})
    until = np.where(again, np.ceil(second[0]), stop)
    matched = (people.mentored < until) & (people.mentored <= LAST)
    tables = {"staff": pd.DataFrame({"staff_id": ids, "experience": people.experience}), "spells": spells,
              "matches": pd.DataFrame({"mentee_id": ids[matched], "start": as_dates(people.mentored[matched])})}
    if world.waves:
        active = np.where(go_live < 36, EDGES[np.clip(go_live, 0, 35)], NEVER)
        tables["rollout"] = pd.DataFrame({"programme_id": "P", "dept_id": names, "active_from": as_dates(active)})
    return tables
