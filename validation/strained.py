"""A world with time-varying confounding: strain drives both who is mentored next and who leaves, and mentoring lowers it.

Everybody is seen from hire. Every 91 days each person is visited: strain (yes or no) is recorded, then a match may begin that day.
Adjusting for strain at the time takes away the part of the effect that goes through it; not adjusting leaves the confounding. Only
weighting answers the question of the total effect (Robins, Hernán & Brumback 2000, Epidemiology 11:550-560).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from validation.worlds import LAST, MONTH, NEVER, NO_REASON, Draw, World, as_dates

__all__ = ["VISIT", "StrainedWorld", "draw_strained"]

VISIT = 91.0


@dataclass(frozen=True, kw_only=True)
class StrainedWorld:
    """Log odds and log hazard ratios; ``random_start`` makes the match independent of strain, for the truth of the total effect."""

    departments: int = 40
    staff: int = 1500
    hazard: float = 0.020  # of voluntary leaving per month, unstrained
    other_exits: float = 0.005
    frailty_sd: float = 0.4
    experience: float = -0.25
    hazard_ratio: float = 0.75  # the part that does not go through strain
    strain_leaves: float = 0.9  # log hazard ratio of leaving while strained
    strain_start: float = -0.4
    strain_lasts: float = 2.0
    strain_mentored: float = -1.2
    match: float = -2.4
    match_strained: float = 1.8
    match_experience: float = 0.3
    random_start: tuple[float, ...] = ()  # probability of a match at each visit, whoever the person is


def draw_strained(world: StrainedWorld, rng: np.random.Generator) -> Draw:
    """Tables as in `worlds`, and ``more['visits']``: rows (start, stop] from visit to visit with mentored, strain and event."""
    number = world.staff
    log_frailty = world.frailty_sd * rng.normal(size=world.departments)
    dept = rng.integers(world.departments, size=number)
    experience = rng.normal(size=number)
    hire = np.floor(rng.uniform(0, 24 * MONTH, number))
    fixed = log_frailty[dept] + world.experience * experience + math.log(world.hazard / MONTH)
    strained, mentored, here = np.zeros(number, bool), np.zeros(number, bool), np.ones(number, bool)
    matched_on, left_on, voluntary = np.full(number, NEVER), np.full(number, NEVER), np.zeros(number, bool)
    pieces = []
    for visit in range(math.ceil(LAST / VISIT)):
        begin = visit * VISIT
        here = here & (hire + begin < LAST)
        odds = world.strain_start + (0.0 if visit == 0 else -1.2 + world.strain_lasts * strained) + world.strain_mentored * mentored
        strained = rng.random(number) < 1 / (1 + np.exp(-odds))
        chance = 1 / (1 + np.exp(-(world.match + world.match_strained * strained + world.match_experience * experience)))
        if world.random_start:
            chance = np.full(number, world.random_start[min(visit, len(world.random_start) - 1)])
        starts = here & ~mentored & (rng.random(number) < chance)
        waiting = here & ~mentored  # could have been matched at this visit
        matched_on[starts] = hire[starts] + begin
        mentored = mentored | starts
        rate = np.exp(fixed + world.strain_leaves * strained + math.log(world.hazard_ratio) * mentored)
        total = rate + world.other_exits / MONTH
        time = rng.exponential(size=number) / total
        willing = rng.random(number) < rate / total
        until = np.minimum(VISIT, LAST - hire - begin)
        leaves = here & (np.ceil(time) <= until)
        left_on[leaves], voluntary[leaves] = (hire + begin + np.ceil(time))[leaves], willing[leaves]
        stop = begin + np.where(leaves, np.ceil(time), until)
        row = np.flatnonzero(here)
        pieces.append({"staff_id": row + 1, "visit": np.full(len(row), visit), "start": np.full(len(row), begin), "stop": stop[row],
                       "event": (leaves & willing)[row].astype(int), "mentored": mentored[row].astype(int),
                       "waiting": waiting[row].astype(int), "starts": starts[row].astype(int), "strain": strained[row].astype(float),
                       "experience": experience[row], "dept": dept[row]})
        here = here & ~leaves & (until == VISIT)
    visits = pd.DataFrame({name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]})
    names = np.array([f"D{code + 1:02d}" for code in range(world.departments)], dtype=object)
    visits["dept_id"] = names[visits.pop("dept")]
    visits["dept_at_entry"] = visits["dept_id"]
    visits = visits.sort_values(["staff_id", "start"], ignore_index=True)
    ids = np.arange(1, number + 1)
    reason = np.where(left_on < NEVER, np.where(voluntary, "voluntary", "end_of_contract").astype(object), NO_REASON)
    matched = matched_on <= LAST
    tables = {"staff": pd.DataFrame({"staff_id": ids, "experience": experience}),
              "spells": pd.DataFrame({"staff_id": ids, "dept_id": names[dept], "start": as_dates(hire), "end": as_dates(left_on),
                                      "leaving_reason": reason}),
              "matches": pd.DataFrame({"mentee_id": ids[matched], "start": as_dates(matched_on[matched])})}
    return Draw(World(departments=world.departments, staff=number, hazard_ratio=world.hazard_ratio), tables, log_frailty,
                np.full(world.departments, -1), {"visits": visits})
