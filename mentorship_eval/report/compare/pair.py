"""What two releases tell together that neither tells alone: a count that is a few higher or lower in the other one.

Whoever holds both can take the difference. Nothing can be done about it once both are out, so comparison says where it is, without the
number, and leaves those counts out of what it writes itself. The ledger of a run prevents it where it is given the earlier run
(`mentorship_eval.disclosure.earlier`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.disclosure import Rule
from mentorship_eval.disclosure.known import labels_of
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.report.compare.release import Release

__all__ = ["Told", "near_estimates", "strictest", "told_together"]

_COUNTS = ("n", "n_events")
# columns of figures that hold counts of people, events or rows; tables say it by the format of a column
_NAMED = {"n", "n_event", "n_events", "n_risk", "events", "leavers", "read", "removed", "kept", "count", "people", "left", "observed", "at_risk"}


@dataclass(frozen=True)
class Told:
    """where: an exhibit or "estimates"; what: a column of counts; cells: how many differ by a small number."""

    where: str
    what: str
    cells: int

    def __str__(self) -> str:
        return f"{self.where}, {self.what}: {self.cells} {'count differs' if self.cells == 1 else 'counts differ'} by a small number"


def strictest(old: Release, new: Release) -> Rule:
    """The rule with the larger threshold of the two."""
    return max((old.rule, new.rule), key=lambda rule: rule.threshold)


def near_estimates(old: Release, new: Release) -> frozenset[tuple[str, str]]:
    """(id, n or n_events) of results whose counts differ by a small number."""
    rule = strictest(old, new)
    found = set()
    for name in old.results.keys() & new.results.keys():
        for column in _COUNTS:
            before, after = (getattr(each.results[name].estimate, column) for each in (old, new))
            if before is not None and after is not None and rule.near(float(after) - float(before)):
                found.add((name, column))
    return frozenset(found)


def _counts(exhibit: Exhibit, frame: pd.DataFrame) -> tuple[str, ...]:
    formats = exhibit.options.get("formats", {})
    return tuple(column for column in frame if formats.get(column) in {"count", "whole"} or (column in _NAMED and column not in formats))


def _cells(exhibit: Exhibit, name: str) -> dict[tuple[str, str], float]:
    """Counts of one frame by labels of the row, and column; a row that is not told from another by its labels is passed over."""
    frame = exhibit.frames[name]
    columns = _counts(exhibit, frame)
    labels = labels_of(frame, Counted(counts=columns)) if columns and len(frame) else []
    times = Counter(labels)
    found = {}
    for column in columns:
        for label, value in zip(labels, pd.to_numeric(frame[column], errors="coerce").to_numpy(float), strict=True):
            if times[label] == 1 and not np.isnan(value):
                found[label, column] = float(value)
    return found


def _exhibits(release: Release) -> dict[str, Exhibit]:
    return {exhibit.id: exhibit for answer in release.answers.values() for exhibit in answer.exhibits}


def _told_by_exhibits(old: Release, new: Release, rule: Rule) -> Iterator[Told]:
    before, after = _exhibits(old), _exhibits(new)
    for name in after:
        if name not in before:
            continue
        counted: dict[str, int] = {}
        for part in after[name].frames.keys() & before[name].frames.keys():
            then, now = _cells(before[name], part), _cells(after[name], part)
            for label, column in then.keys() & now.keys():
                if rule.near(now[label, column] - then[label, column]):
                    counted[column] = counted.get(column, 0) + 1
        yield from (Told(name, column, cells) for column, cells in sorted(counted.items()))


def told_together(old: Release, new: Release) -> list[Told]:
    """Where the difference of two counts, one of each release, is small; [] where either release rounds all its counts, or none is protected."""
    rule = strictest(old, new)
    if not rule.active or old.rule.round_to or new.rule.round_to:
        return []
    near = near_estimates(old, new)
    estimates = [Told("estimates", column, sum(1 for _, each in near if each == column)) for column in _COUNTS]
    return [told for told in estimates if told.cells] + list(_told_by_exhibits(old, new, rule))
