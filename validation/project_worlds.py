"""Projects with a known truth: people in departments who begin them again and again, more often once mentored, until they leave.

Two years of calendar. A quarter of the people are hired in the first year, the others are there from its first day. Half of a department's people are
mentored in the end, from a day that is even over the time after they came. Departments and people differ in how many projects they begin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.person_time.recurrent import with_recurrent_events

__all__ = ["ProjectDraw", "ProjectWorld", "draw_projects"]

END, YEAR = 730, 365
NEVER = 10**6


@dataclass(frozen=True, kw_only=True)
class ProjectWorld:
    """Rates are per year."""

    departments: int = 24
    staff: float = 40.0  # mean people in a department
    uneven: float = 0.5  # SD of the log of that number
    rate: float = 0.30  # projects begun
    ratio: float = 1.6  # once mentored
    department_sd: float = 0.4  # of the log rate
    person_variance: float = 0.5  # of a person's own factor (gamma)
    leaving: float = 0.20
    leaving_mentored: float = 1.0  # ratio once mentored


@dataclass(frozen=True)
class ProjectDraw:
    """calendar: rows (start, stop] by day with staff_id, dept, mentored, event, left. fixed: a year from a landmark at which half of the people are
    mentored, once and for all: the same columns, stop up to 365. log_ratio and mean_difference: what is true of them.
    """

    world: ProjectWorld
    calendar: pd.DataFrame
    fixed: pd.DataFrame
    log_ratio: float
    mean_difference: float


def _lives(
    dept: np.ndarray, first: np.ndarray, came: np.ndarray, end: int, world: ProjectWorld, rates: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of people followed from ``first`` to ``end`` at most, mentored from ``came`` on; rates (n, 2): before and since, per day."""
    hazard = world.leaving / 365.25 * np.array([1.0, world.leaving_mentored])
    early = first + np.ceil(rng.exponential(1 / hazard[0], len(dept)))
    late = np.maximum(came, first) + np.ceil(rng.exponential(1 / hazard[1], len(dept)))
    gone = np.where(early <= came, early, late)
    stop = np.minimum(gone, end)
    switch = np.clip(came, first, stop)
    people = np.arange(len(dept))
    rows, events = [], []
    for arm, (low, high) in enumerate(((first, switch), (switch, stop))):
        there = high > low
        rows.append(pd.DataFrame({"staff_id": people, "dept": dept, "start": low, "stop": high, "mentored": arm})[there])
        who = np.repeat(people, rng.poisson(rates[:, arm] * (high - low)))
        # a day from the first after the start to the last
        day = low[who] + np.ceil(rng.random(len(who)) * (high - low)[who])
        events.append(pd.DataFrame({"staff_id": who, "time": np.maximum(day, low[who] + 1)}))
    cut = with_recurrent_events(pd.concat(rows, ignore_index=True), pd.concat(events, ignore_index=True))
    last = ~cut.duplicated("staff_id", keep="last")
    return cut.assign(left=(last & cut["staff_id"].map(pd.Series(gone <= end))).astype(int))


def draw_projects(world: ProjectWorld, rng: np.random.Generator) -> ProjectDraw:
    size = world.uneven
    sizes = np.maximum(6, np.round(world.staff * np.exp(size * rng.standard_normal(world.departments) - size**2 / 2))).astype(int)
    dept = np.repeat(np.arange(world.departments), sizes)
    n = len(dept)
    level = np.exp(world.department_sd * rng.standard_normal(world.departments) - world.department_sd**2 / 2)[dept]
    person = rng.gamma(1 / world.person_variance, world.person_variance, n) if world.person_variance else np.ones(n)
    rate = world.rate / 365.25 * level * person
    rates = np.column_stack([rate, rate * world.ratio])
    first = np.where(rng.random(n) < 0.25, np.floor(rng.uniform(1, YEAR, n)), 0.0)
    came = np.where(rng.random(n) < 0.5, first + np.floor(rng.random(n) * (END - first)), NEVER)
    calendar = _lives(dept, first, came, END, world, rates, rng)
    arm = rng.random(n) < 0.5
    fixed = _lives(dept, np.zeros(n), np.where(arm, 0.0, float(NEVER)), YEAR, world, rates, rng)
    # a person is there on day t with chance exp(-hazard (t - 1)): days are whole
    days = np.arange(YEAR)
    spent = [np.exp(-world.leaving / 365.25 * factor * days).sum() for factor in (1.0, world.leaving_mentored)]
    difference = world.rate / 365.25 * (world.ratio * spent[1] - spent[0])
    return ProjectDraw(world, calendar, fixed, math.log(world.ratio), float(difference))
