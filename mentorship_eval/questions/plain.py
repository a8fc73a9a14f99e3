"""The last hand on the words of a chapter: names of columns put into words, one way to write per cent, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Gap, Result, Statement

__all__ = ["plain", "plain_cautions", "plain_exhibits", "plain_gaps", "plain_lead", "plain_results"]

_COLUMNS = {
    "dept_at_entry": "department at entry",
    "dept_id": "department",
    "staff_id": "person",
    "newly_qualified": "newly qualified",
    "ethnicity_group": "ethnic group",
    "age_at_entry": "age at entry",
    "programme_active": "programme active",
}
_NAME = re.compile(r"\b(" + "|".join(_COLUMNS) + r")\b")
_PER_CENT = re.compile(r"(?<=\d)%")


def plain(text: str) -> str:
    """``text`` with column names in words and a space before per cent, as in ``95 %``."""
    return _PER_CENT.sub(" %", _NAME.sub(lambda found: _COLUMNS[found[1]], text))


def plain_lead(lead: Iterable[Statement]) -> tuple[Statement, ...]:
    # a name in braces is a count to be filled in, never a column
    return tuple(replace(one, text=_PER_CENT.sub(" %", one.text)) for one in lead)


def plain_cautions(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Each caution once, by its words."""
    told: dict[str, Caution] = {}
    for one in cautions:
        told.setdefault(plain(one.text), one)
    return tuple(replace(one, text=text) for text, one in told.items())


def plain_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    told: dict[tuple[str, str], Gap] = {}
    for one in gaps:
        told.setdefault((one.question, plain(one.reason)), one)
    return tuple(replace(one, reason=reason) for (_, reason), one in told.items())


def plain_results(results: Iterable[Result]) -> list[Result]:
    return [
        replace(one, estimate=replace(one.estimate, method=plain(one.estimate.method), warnings=plain_cautions(one.estimate.warnings)))
        for one in results
    ]


def plain_exhibits(exhibits: Iterable[Exhibit]) -> tuple[Exhibit, ...]:
    out = []
    for one in exhibits:
        words = {name: plain(str(one.options[name])) for name in ("method", "start_reason") if name in one.options}
        out.append(replace(one, note=plain(one.note), options={**one.options, **words}))
    return tuple(out)
