"""The cohort's people and careers, put together: history before the window, mentors first, then everybody else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentorship_eval.cohort.simulation.careers import NEVER, Careers, joined, live
from mentorship_eval.cohort.simulation.departments import Departments, People, draw_people, joined_people, uptake_probability
from mentorship_eval.cohort.simulation.mentors import Mentors
from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["Population", "populate"]

BLOCK = 1_000_000  # people whose careers are drawn at a time
MENTOR_TENURE = 730  # days served at the start of the window before one may mentor


@dataclass(frozen=True)
class Population:
    """People of the cohort with all their posts (before the window too) and matches, in the order of their hire.

    posts: person, dept, start, stop, reason ('' = still employed), sorted by person and start. mentor: position of
    the person who mentored them, -1 without.
    """

    people: People
    careers: Careers
    mentor: np.ndarray
    is_mentor: np.ndarray


def _history(parameters: Parameters, departments: Departments, rng_people: np.random.Generator,
             rng: np.random.Generator) -> tuple[People, Careers]:
    """Exactly ``staff`` people who were employed at the start of the window or hired in it, with their past."""
    number = int(parameters.staff * 2.2) + 100
    if number > BLOCK:
        return _in_order_of_hire(*_history_in_blocks(parameters, departments, rng_people, rng))
    while True:
        people = draw_people(parameters, number, rng_people)
        past = live(parameters, departments, people, clock=people.hire, dept=people.dept, until=0, rng=rng)
        alive = np.flatnonzero(past.exit == NEVER)
        if len(alive) >= parameters.staff:
            break
        number *= 2  # a long history or a high hazard: draw more, from the same streams
    # people were drawn in random order, so the first ones are a random sample
    alive = alive[: parameters.staff]
    return _in_order_of_hire(people.take(alive), past.of(alive))


def _history_in_blocks(parameters: Parameters, departments: Departments, rng_people: np.random.Generator,
                       rng: np.random.Generator) -> tuple[People, Careers]:
    """As many people in blocks, so that memory holds the past of those alone who are still there."""
    found, people, pasts = 0, [], []
    while found < parameters.staff:
        some = draw_people(parameters, BLOCK, rng_people)
        past = live(parameters, departments, some, clock=some.hire, dept=some.dept, until=0, rng=rng)
        alive = np.flatnonzero(past.exit == NEVER)[: parameters.staff - found]
        found += len(alive)
        people.append(some.take(alive))
        pasts.append(past.of(alive))
    return joined_people(people), joined(pasts)


def _in_order_of_hire(people: People, past: Careers) -> tuple[People, Careers]:
    order = np.argsort(people.hire, kind="stable")
    return people.take(order), past.of(order)


def populate(parameters: Parameters, departments: Departments, rng: dict[str, np.random.Generator]) -> Population:
    people, past = _history(parameters, departments, rng["people"], rng["history"])
    number, until = len(people.hire), int(window_days(parameters)[-1]) - 1
    current = np.append(past.post_person[1:] != past.post_person[:-1], True)
    dept, opened = past.post_dept[current], past.post_start[current]
    clock = np.where(people.hire >= 0, people.hire, np.maximum(opened + 1, 0))

    # mentors are settled first: a match ends when its mentor leaves, and mentors are nobody's mentee
    is_mentor = (people.hire <= -MENTOR_TENURE) & (rng["mentors"].random(number) < parameters.mentor_share)
    senior = np.flatnonzero(is_mentor)
    of_mentors = live(parameters, departments, people.take(senior), clock=clock[senior], dept=dept[senior], opened=opened[senior],
                      until=until, rng=rng["mentors"])
    posts = Mentors(of_mentors.post_person, of_mentors.post_dept, of_mentors.post_start, of_mentors.post_stop,
                    of_mentors.exit[of_mentors.post_person], people.female[senior][of_mentors.post_person], parameters.alike)
    junior = np.flatnonzero(~is_mentor)
    # whether somebody would take a mentor is a matter of the person, drawn before anything happens
    willing = rng["mentors"].random(number) < uptake_probability(parameters, people, departments)
    blocks = [junior[at : at + BLOCK] for at in range(0, max(len(junior), 1), BLOCK)]
    of_juniors = joined([
        live(parameters, departments, people.take(block), clock=clock[block], dept=dept[block], opened=opened[block], until=until,
             rng=rng["careers"], willing=willing[block], mentors=posts) for block in blocks
    ])

    def whole(name: str, dtype: object) -> np.ndarray:
        values = np.empty(number, dtype)
        values[senior], values[junior] = getattr(of_mentors, name), getattr(of_juniors, name)
        return values

    earlier = ~current  # posts that ended before the window
    old = (past.post_person, past.post_dept, past.post_start, past.post_stop, past.post_reason)
    pieces = [tuple(values[earlier] for values in old)]
    for back, careers in ((senior, of_mentors), (junior, of_juniors)):
        pieces.append((back[careers.post_person], careers.post_dept, careers.post_start, careers.post_stop, careers.post_reason))
    person, place, start, stop, reason = (np.concatenate([piece[index] for piece in pieces]) for index in range(5))
    order = np.lexsort((start, person))
    post = whole("mentor", int)
    mentor = np.full(number, -1)
    mentor[post >= 0] = senior[of_mentors.post_person[post[post >= 0]]]
    careers = Careers(whole("exit", int), whole("cause", object), person[order], place[order], start[order], stop[order], reason[order],
                      whole("match_start", int), whole("match_end", int), whole("match_reason", object), post)
    return Population(people, careers, mentor, is_mentor)
