"""Whether a release withholds what it means to: the attack on every suppressed count, and the criterion.

The criterion (`Narrow` is a breach of it), with a threshold T:

* a count of 1 to T-1: each of 1 to T-1 must stay possible. Excused is only what follows whatever is published: that zeros are shown as
  zeros, so that every other part of a sum is at least 1 (a total of three withheld parts is no less than 3);
* a count withheld to cover another (in a sum with it, and published nowhere), and a step of a count so far: T-1 different values must
  stay possible, as many as behind the mark of a small one. It is not secret for its own sake, so that which values these are does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mentorship_eval.disclosure.audit.curves import relate_curves
from mentorship_eval.disclosure.audit.links import add_published, link, readable
from mentorship_eval.disclosure.audit.ratios import relate_ratios
from mentorship_eval.disclosure.audit.solve import Attack
from mentorship_eval.disclosure.audit.structure import relate_rows, relate_steps
from mentorship_eval.disclosure.audit.system import Cell, Relation, System, Target
from mentorship_eval.disclosure.audit.tables import Table, add_cells, tables_of
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.forking import in_forks
from mentorship_eval.questions.answer import Answer

__all__ = ["Audit", "Narrow", "audit"]


@dataclass(frozen=True)
class Narrow:
    """A suppressed count of which the attacker knows more than the rule implies.

    lower, upper: what it can still be; excluded: values below the threshold that it cannot have, though the rule leaves them open.
    """

    cell: Cell
    kind: str
    truth: float
    lower: float
    upper: float
    excluded: tuple[int, ...]

    def __str__(self) -> str:
        exhibit, frame, row, column = self.cell
        return f"{exhibit} {frame} row {row} {column} ({self.kind}): {self.lower:g} to {self.upper:g}"


@dataclass(frozen=True)
class Audit:
    """suppressed: how many counts had to stay uncertain; narrow: those that did not."""

    suppressed: int
    narrow: tuple[Narrow, ...]
    system: System
    tables: tuple[Table, ...]

    @property
    def passed(self) -> bool:
        return not self.narrow


def audit(private: Sequence[Answer], shown: Sequence[Answer], rule: Rule, jobs: int = 1) -> Audit:
    """Attack the answers that are to be published, with the private ones at hand to know what had to stay uncertain.

    jobs: processes among which the counts under attack are shared out; what is found is the same.
    """
    private, shown = list(private), list(shown)
    system = System()
    tables = tables_of(private, shown, rule) if rule.active else []
    add_cells(system, tables, rule)
    concerned = [table for table in tables if _concerned(table, rule)]
    if not concerned:
        return Audit(0, (), system, tuple(tables))
    add_published(system, private, shown, rule)
    published = readable(system, tables, private, rule)
    for table in concerned:
        relate_rows(system, table, published[table.chapter])
        relate_steps(system, table, rule)
        relate_curves(system, table)
        relate_ratios(system, table)
    link(system, tables, private, published, rule)
    return Audit(len(system.targets), tuple(_judge(system, rule, jobs)), system, tuple(tables))


def _concerned(table: Table, rule: Rule) -> bool:
    """Whether anything in the table is withheld, coarsened or small."""
    if table.hidden.any() or ((table.values > 0) & (table.values < rule.threshold)).any():
        return True
    running = {table.counted.cumulative, *table.counted.steps} - {""}
    return bool(running) or any(str(value).startswith("≈") for row in range(len(table.private)) for value in [table.published(row, table.columns[0])])


def _judge(system: System, rule: Rule, jobs: int) -> list[Narrow]:
    relations = system.settled()
    attack = Attack(system.lower, system.upper, relations, system.truth)
    leaned_on = _leaned_on(system, relations, rule)
    asked: dict[tuple[int, str], Target] = {}
    for target in system.targets:
        number = system.number(target.cell)
        if target.kind != "cover" or (number in leaned_on and not _stands(system, number)):
            asked.setdefault((number, target.kind), target)
    implied = _Implied(system, relations)
    shares = _shares(attack, list(asked), jobs)
    found = in_forks(lambda share: [_narrow(attack, implied, system, rule, asked[one]) for one in share], shares, jobs)
    if found is None:
        found = [[_narrow(attack, implied, system, rule, asked[one]) for one in share] for share in shares]
    narrow = {one: each for share, answers in zip(shares, found, strict=True) for one, each in zip(share, answers, strict=True)}
    return [breach for breach in (narrow[one] for one in asked) if breach is not None]


def _shares(attack: Attack, asked: list[tuple[int, str]], jobs: int) -> list[list[tuple[int, str]]]:
    """What is asked, in as many shares as ``jobs`` of about the same work; counts of one part stay together, for they share what was found."""
    parts: dict[int | None, list[tuple[int, str]]] = {}
    for one in asked:
        parts.setdefault(attack.part_of(one[0]), []).append(one)
    shares: list[list[tuple[int, str]]] = [parts.pop(None, []), *([] for _ in range(jobs - 1))]  # what is exact costs nothing
    work = [0] * jobs
    for those in sorted(parts.values(), key=lambda part: -len(part)):
        least = work.index(min(work))
        shares[least] += those
        work[least] += len(those)
    return [share for share in shares if share]


def _narrow(attack: Attack, implied: _Implied, system: System, rule: Rule, target: Target) -> Narrow | None:
    """The breach of the criterion at one count, if there is one."""
    number = system.number(target.cell)
    excluded: tuple[int, ...] = ()
    if target.kind == "small":
        excluded = tuple(attack.impossible(number, range(0 if rule.zeros_disclosive else 1, rule.threshold)))
        if excluded:
            excused = set(implied.attack.impossible(number, excluded))
            excluded = tuple(value for value in excluded if value not in excused)
        breach = bool(excluded)
    else:
        breach = attack.width(number, rule.threshold - 2) < rule.threshold - 2
    return Narrow(target.cell, target.kind, system.truth[number], *attack.interval(number), excluded) if breach else None


def _leaned_on(system: System, relations: list[Relation], rule: Rule) -> set[int]:
    """Counts in a sum with a suppressed small one: only those cover anything. Others are withheld because their row is."""
    out: set[int] = set()
    for one in relations:
        numbers = [number for number, _ in one.terms]
        # part and whole are no sum
        if math.isfinite(one.upper) and any(rule.small(system.truth[n]) and system.lower[n] < system.upper[n] for n in numbers):
            out.update(numbers)
    return out


def _stands(system: System, number: int) -> bool:
    """Whether a count can be read in another place. There it hides nothing; what it would tell of a small one is asked of that one."""
    return any(not system.hides(cell) for cell in system.places(number))


class _Implied:
    """What follows whatever is published: from the sums themselves, from zeros, and from what is withheld being positive."""

    def __init__(self, system: System, relations: list[Relation]) -> None:
        self._system, self._relations = system, relations

    @cached_property
    def attack(self) -> Attack:
        system = self._system
        lower = [0.0 if value == 0 else min(1.0, low) for value, low in zip(system.truth, system.lower, strict=True)]
        upper = [0.0 if value == 0 and high == 0 else math.inf for value, high in zip(system.truth, system.upper, strict=True)]
        return Attack(lower, upper, [one for one in self._relations if one.pure], system.truth)
