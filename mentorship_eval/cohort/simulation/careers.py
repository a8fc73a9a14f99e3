"""Careers in continuous time: leaving, transfer and matching as competing events, drawn by thinning.

Each person's next candidate event comes at a constant bounding rate and is accepted with probability
(actual total hazard) / (bound) (Lewis and Shedler 1979); all people advance together, one candidate at a time.
Days count from the first day of the window; an event in (D-1, D] carries the date D. Mentorship acts on
voluntary leaving only. People hired before the window live through their years before it without a programme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.cohort.simulation.departments import AGE_SENIOR, AtRisk, Departments, People
from mentorship_eval.cohort.simulation.mentors import Mentors
from mentorship_eval.cohort.simulation.parameters import DAYS_PER_MONTH, Parameters, window_days

__all__ = ["CAUSES", "NEVER", "Careers", "Hazards", "joined", "live"]

NEVER = 10**6  # a day beyond every window
CAUSES = ("voluntary", "retirement", "end_of_contract", "transfer")
_TENURE = np.array([12.0, 24.0])
# Of staff in post: those of 55 and over. Dividing by it makes retirement its asked-for share of all exits although only
# these people can retire; limited_share does the same for those whose contract has an end.
_SENIOR_SHARE = 0.12


class Hazards:
    """Hazards per day, by person, department, day and state."""

    def __init__(self, parameters: Parameters, departments: Departments) -> None:
        self.parameters = parameters
        self.department = np.exp(departments.frailty)
        self.edges = window_days(parameters)
        go_live = np.where(departments.go_live < 0, 0, departments.go_live)
        self.active_from = np.where(departments.go_live < 0, NEVER, self.edges[go_live])
        self.shock = np.ones(parameters.months + 1)
        first, second, end = parameters.shock_months
        self.shock[first:second], self.shock[second:end] = parameters.shock_hazard

    def base(self, tenure_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All exits per day at this tenure, without and with the bump of months 5 to 8."""
        months = tenure_days / DAYS_PER_MONTH
        rate = np.asarray(self.parameters.hazard)[np.searchsorted(_TENURE, months, side="right")] / DAYS_PER_MONTH
        return rate, rate * np.where((months >= 5) & (months < 9), self.parameters.bump, 1.0)

    def calendar(self, day: np.ndarray) -> np.ndarray:
        month = np.searchsorted(self.edges, np.ceil(day), side="right") - 1
        return np.where(day <= 0, 1.0, self.shock[np.clip(month, 0, len(self.shock) - 1)])

    def voluntary(self, people: AtRisk | People, dept: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Of voluntary leaving, without mentorship."""
        rate = self.base(day - people.hire)[1] * self.parameters.share_voluntary
        return rate * people.leaving * self.department[dept] * self.calendar(day)

    def effect(self, day: np.ndarray, match_start: np.ndarray, match_end: np.ndarray) -> np.ndarray:
        """The factor by which mentorship multiplies the hazard of voluntary leaving."""
        after = np.where(day > match_end, self.parameters.hazard_ratio_after, self.parameters.hazard_ratio)
        return np.where(day > match_start + self.parameters.hazard_delay * DAYS_PER_MONTH, after, 1.0)

    def others(self, people: AtRisk | People, day: np.ndarray, year: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Retirement (from 55, steeply from 67), end of a contract that has one, transfer."""
        rate = self.base(day - people.hire)[0]
        age = year + day / 365.25 - people.birth_year
        retirement = np.select([age >= 67, age >= AGE_SENIOR], [6.0, 1.0], 0.0) * rate * self.parameters.share_retirement / _SENIOR_SHARE
        contract = np.where(people.limited, rate * self.parameters.share_end_of_contract / self.parameters.limited_share, 0.0)
        return retirement, contract, rate * self.parameters.share_transfer

    def bound(self, people: AtRisk | People, dept: np.ndarray) -> np.ndarray:
        """No hazard of a person in this department ever exceeds it (matching apart)."""
        p = self.parameters
        top = max(p.hazard) / DAYS_PER_MONTH
        worst = max(1.0, p.hazard_ratio, p.hazard_ratio_after) * max(1.0, *p.shock_hazard) * max(1.0, p.bump)
        fixed = p.share_transfer + 6 * p.share_retirement / _SENIOR_SHARE + p.share_end_of_contract / p.limited_share
        return top * (p.share_voluntary * worst * people.leaving * self.department[dept] + fixed)


@dataclass(frozen=True)
class Careers:
    """exit, cause of each person (`NEVER`, '' while employed); posts: person, dept, start, stop; matches of each person.

    A post lasts (start, stop]; post_reason is transfer or the cause of leaving. match_start is `NEVER` without a match.
    """

    exit: np.ndarray
    cause: np.ndarray
    post_person: np.ndarray
    post_dept: np.ndarray
    post_start: np.ndarray
    post_stop: np.ndarray
    post_reason: np.ndarray
    match_start: np.ndarray
    match_end: np.ndarray
    match_reason: np.ndarray
    mentor: np.ndarray  # position among the mentors' posts, -1 without

    def dept_at(self, day: float) -> np.ndarray:
        """Department of each person on ``day``; -1 when not employed."""
        result = np.full(len(self.exit), -1)
        there = (self.post_start <= day) & (self.post_stop > day)
        result[self.post_person[there]] = self.post_dept[there]
        return result

    def of(self, people: np.ndarray) -> Careers:
        """The careers of some people, numbered anew in the order given."""
        new = np.full(len(self.exit), -1)
        new[people] = np.arange(len(people))
        kept = new[self.post_person] >= 0
        person = new[self.post_person[kept]]
        order = np.lexsort((self.post_start[kept], person))
        dept, start, stop, reason = (values[kept][order] for values in (self.post_dept, self.post_start, self.post_stop, self.post_reason))
        return Careers(self.exit[people], self.cause[people], person[order], dept, start, stop, reason, self.match_start[people],
                       self.match_end[people], self.match_reason[people], self.mentor[people])


def joined(parts: list[Careers]) -> Careers:
    """Careers of several groups of people as one, the groups one after the other."""
    if len(parts) == 1:
        return parts[0]
    shift = np.cumsum([0, *(len(part.exit) for part in parts[:-1])])
    values = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Careers.__dataclass_fields__ if name != "post_person"}
    return Careers(post_person=np.concatenate([part.post_person + add for part, add in zip(parts, shift, strict=True)]), **values)


def transfer_to(dept: np.ndarray, organisation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another department of the same organisation at random; the same where there is no other."""
    order = np.lexsort((np.arange(len(organisation)), organisation))
    size = np.bincount(organisation)
    first = np.cumsum(size) - size
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order)) - first[organisation[order]]
    own = organisation[dept]
    step = 1 + np.floor(rng.random(len(dept)) * np.maximum(size[own] - 1, 0)).astype(int)
    return order[first[own] + (rank[dept] + step) % size[own]]


def live(parameters: Parameters, departments: Departments, people: People, *, clock: np.ndarray, dept: np.ndarray,
         until: int, rng: np.random.Generator, opened: np.ndarray | None = None,
         willing: np.ndarray | None = None, mentors: Mentors | None = None) -> Careers:
    """Follow ``people`` from ``clock`` (days) to ``until``, or to the day they leave. opened: when the present post began."""
    hazards, year, number = Hazards(parameters, departments), int(parameters.start[:4]), len(people.hire)
    lean = people.at_risk
    clock, dept = clock.astype(float), dept.copy()
    willing = np.zeros(number, bool) if willing is None else willing
    exit_day, cause = np.full(number, NEVER), np.full(number, "", dtype=object)
    match_start, match_end, mentor = np.full(number, NEVER), np.full(number, NEVER), np.full(number, -1)
    match_reason = np.full(number, "", dtype=object)
    opened = clock.copy() if opened is None else opened.astype(float)
    posts: list[tuple[np.ndarray, ...]] = []
    matching = 1.0 / (parameters.uptake_delay * DAYS_PER_MONTH)
    at = np.arange(number)
    while len(at):
        some = lean.take(at)
        may = willing[at] & (match_start[at] == NEVER)
        bound = hazards.bound(some, dept[at]) + matching * may
        clock[at] += rng.exponential(size=len(at)) / bound
        mark = rng.random(len(at)) * bound
        inside = clock[at] <= until
        at, some, may, mark = at[inside], some.take(inside), may[inside], mark[inside]
        day, here = clock[at], dept[at]
        rates = [hazards.voluntary(some, here, day) * hazards.effect(day, match_start[at], match_end[at]), *hazards.others(some, day, year)]
        rates.append(matching * (may & (day > hazards.active_from[here] - 1)))
        event, total = np.zeros(len(at), int), np.zeros(len(at))  # 0-3 causes, 4 match, 5 nothing
        for rate in rates:
            total = total + rate
            event += mark >= total
        date = np.ceil(day).astype(int)

        left = event < 3
        who = at[left]
        exit_day[who], cause[who] = date[left], np.asarray(CAUSES, object)[event[left]]
        moved = event == 3
        who = at[moved]
        if len(who):
            went = transfer_to(dept[who], departments.organisation, rng)
            somewhere = went != dept[who]
            who, went, when = who[somewhere], went[somewhere], date[moved][somewhere]
            posts.append((who, dept[who].copy(), opened[who].copy(), when.astype(float)))
            dept[who], opened[who], clock[who] = went, when, when + 1.0
        met = event == 4
        who = at[met]
        if len(who) and mentors is not None and len(mentors.person):  # without a mentor nobody is matched
            choice = mentors.pick(dept[who], date[met], rng, people.female[who])
            early = rng.random(len(who)) < parameters.early_end
            low, high = parameters.match_months
            length = np.where(early, rng.uniform(1.0, low, len(who)), rng.uniform(low, high, len(who))) * DAYS_PER_MONTH
            finish = date[met] + np.maximum(np.round(length), 7).astype(int)
            gone = mentors.left[choice]
            reason = np.where(gone < finish, "mentor_left", np.where(early, "dissolved", "completed"))
            found = choice >= 0
            match_start[who[found]], match_end[who[found]] = date[met][found], np.minimum(finish, gone)[found]
            match_reason[who[found]], mentor[who[found]] = reason[found], choice[found]
        at = at[~left]
    last = np.where(exit_day == NEVER, float(NEVER), exit_day)
    posts.append((np.arange(number), dept, opened, last))
    person, place, start, stop = (np.concatenate([part[index] for part in posts]) for index in range(4))
    order = np.lexsort((start, person))
    person, place, start, stop = person[order], place[order], start[order].astype(int), stop[order].astype(int)
    final = np.append(person[1:] != person[:-1], True)
    reason = np.where(final, cause[person], "transfer")
    return Careers(exit_day, cause, person, place, start, stop, reason, match_start, match_end, match_reason, mentor)
