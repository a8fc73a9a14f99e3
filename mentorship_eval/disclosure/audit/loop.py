"""Protection that has been attacked: what can be narrowed is coarsened until nothing can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mentorship_eval.disclosure.audit.judge import Audit, Narrow, audit
from mentorship_eval.disclosure.audit.remedies import Requests, remedies
from mentorship_eval.disclosure.audit.system import Cell, Relation
from mentorship_eval.disclosure.protect import protect
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer

__all__ = ["audited"]

_PATIENCE = 8  # rounds that an exhibit is coarsened before it is left out
_IN_VAIN = 2  # those of them that changed nothing of what is narrow in it; one may be needed before the next can help
_EXHIBIT = 12.0  # what leaving out an exhibit costs, beside the costs of `remedies`
_ROUNDS = 40


@dataclass
class _Tried:
    """What was narrow in an exhibit in the last round, how many rounds it was narrow, and how many changed nothing."""

    last: set[Narrow] = field(default_factory=set)
    rounds: int = 0
    unchanged: int = 0

    def again(self, narrow: set[Narrow]) -> None:
        self.rounds += 1
        self.unchanged += narrow == self.last
        self.last = narrow

    @property
    def in_vain(self) -> bool:
        return self.rounds > _PATIENCE or self.unchanged >= _IN_VAIN


def audited(
    answers: Iterable[Answer], rule: Rule, *, jobs: int = 1, **more: Any
) -> tuple[list[Answer], pd.DataFrame, Audit]:
    """`protect`, attacked and coarsened until the criterion holds: the answers that may be shown, the log and the last audit.

    jobs: processes for the attack. more: further arguments of `protect`. Every round withholds something that was published, so that the
    rounds come to an end; an exhibit that is still narrow after a few is left out. Deterministic.
    """
    private = list(answers)
    asked = Requests()
    log: list[tuple[str, str, str, str]] = []
    tried: dict[str, _Tried] = {}
    for _ in range(_ROUNDS):
        shown, ledger = protect(asked.apply(private, rule.second_mark), rule, also=frozenset(asked.also), **more)
        found = audit(private, shown, rule, jobs)
        before = asked.size
        if found.passed or not _coarsen(found, private, asked, log, tried):
            break
        if asked.size == before:
            break
    chapters = {exhibit.id: answer.chapter for answer in private for exhibit in answer.exhibits}
    while not found.passed:
        # what no single number heals is not published at all
        left = {one.cell[0] for one in found.narrow} - asked.exhibits
        if not left:
            break
        asked.exhibits |= left
        log += [(chapters[name], name, "exhibit", "audit: narrow whatever is withheld; the exhibit is left out") for name in sorted(left)]
        shown, ledger = protect(asked.apply(private, rule.second_mark), rule, also=frozenset(asked.also), **more)
        found = audit(private, shown, rule, jobs)
    log += [(chapters[one.cell[0]], one.cell[0], one.cell[1], "audit: still narrow, whatever is withheld") for one in found.narrow]
    return shown, _logged(ledger, log, rule), found


def _coarsen(found: Audit, private: Sequence[Answer], asked: Requests, log: list[tuple[str, str, str, str]], tried: dict[str, _Tried]) -> bool:
    """Ask for one more number for each narrowed count, unless another of this round may do; whether anything was asked for."""
    of: dict[int, list[Relation]] = {}
    for one in found.system.settled():
        for number, _ in one.terms:
            of.setdefault(number, []).append(one)
    chapters = {exhibit.id: answer.chapter for answer in private for exhibit in answer.exhibits}
    now: set[tuple[Cell, ...]] = set()
    before = deepcopy(asked)
    now_narrow: dict[str, set[Narrow]] = {}
    for narrow in found.narrow:
        now_narrow.setdefault(narrow.cell[0], set()).add(narrow)
    for exhibit, those in now_narrow.items():
        tried.setdefault(exhibit, _Tried()).again(those)
    for narrow in found.narrow:
        exhibit, frame, _, _ = narrow.cell
        options = [one for one in remedies(found, narrow, private, of) if not before.includes(one)]
        if any(one.places in now for one in options):
            continue
        best = options[0] if options else None
        if exhibit not in asked.exhibits and (best is None or best.cost > _EXHIBIT or tried[exhibit].in_vain):
            asked.exhibits.add(exhibit)
            log.append((chapters[exhibit], exhibit, frame, f"audit: {best.why if best else 'marks that add up'}; the exhibit is left out"))
        elif best is not None:
            now.add(best.places)
            for cell in best.places:
                asked.ask(cell, derived=best.derived)
            where = next((cell for cell in best.places if cell[0] in chapters), narrow.cell)
            log.append((chapters[where[0]], where[0], where[1], f"audit: {best.why}"))
    return asked.size > before.size


def _logged(ledger: pd.DataFrame, log: list[tuple[str, str, str, str]], rule: Rule) -> pd.DataFrame:
    rows = pd.DataFrame([(*key, log.count(key)) for key in dict.fromkeys(log)], columns=["chapter", "item", "part", "why", "withheld"])
    if rows.empty:
        return ledger
    return pd.concat([ledger, rows.assign(rule=rule.name)[list(ledger.columns)]], ignore_index=True)
