"""The frames of a run as an attacker sees them: each private table beside what is published of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.audit.reading import is_hidden, rows_shown, told
from mentorship_eval.disclosure.audit.system import Cell, System, Target
from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Answer, Counted

__all__ = ["Table", "add_cells", "is_total", "tables_of"]

_TOTAL_WORDS = frozenset({"all", "total", "overall", "everyone", "all staff", "all causes"})


@dataclass(frozen=True)
class Table:
    """One frame. rows: for each private row its published one, -1 where there is none; hidden: counts that are not published as they are."""

    chapter: str
    exhibit: str
    name: str
    private: pd.DataFrame
    shown: pd.DataFrame | None
    counted: Counted
    rows: np.ndarray
    columns: list[str]
    values: np.ndarray
    hidden: np.ndarray

    def cell(self, row: int, column: str) -> Cell:
        return self.exhibit, self.name, int(row), column

    def published(self, row: int, column: str) -> Any:
        """What stands in the published frame; missing where nothing does."""
        values = self._published.get(column)
        return np.nan if values is None or self.rows[row] < 0 else values[self.rows[row]]

    @cached_property
    def _published(self) -> dict[str, list[Any]]:
        return {} if self.shown is None else {str(column): list(self.shown[column].array) for column in self.shown}

    def value(self, row: int, column: str) -> float:
        return float(self.values[row, self.columns.index(column)])

    @cached_property
    def labels(self) -> list[str]:
        """Columns that say what a row is."""
        counted = self.counted
        other = {*self.columns, *counted.derived, *counted.results, *counted.same.values(), *counted.amounts.values(), "reason", "id"}
        return [column for column in self.private if column not in other and self.private[column].dtype == object]

    @cached_property
    def words(self) -> list[list[str]]:
        """The labels of each row."""
        return [[str(value) for value in row] for row in self.private[self.labels].to_numpy(dtype=object).reshape(len(self.private), -1)]

    def groups(self, column: str) -> list[np.ndarray]:
        """Rows of each group; "*": all rows are one."""
        if column not in self._groups:
            if column == "*" or column not in self.private:
                self._groups[column] = [np.arange(len(self.private))]
            else:
                keys = self.private[column].to_numpy()
                self._groups[column] = [np.flatnonzero(keys == key) for key in pd.unique(pd.Series(keys))]
        return self._groups[column]

    @cached_property
    def _groups(self) -> dict[str, list[np.ndarray]]:
        return {}

    @cached_property
    def falls(self) -> bool:
        """Whether nobody enters a risk set after its start: in no group does the number at risk, with the events in between, ever rise."""
        risk, events = self.columns.index("n_risk"), self.columns.index(self.counted.cumulative)
        for rows in self.groups(self.counted.by or "*"):
            n, d = self.values[rows, risk], self.values[rows, events]
            if (np.diff(n) + np.diff(d) > 0.5).any() or pd.isna(n).any():
                return False
        return True


def _table(chapter: str, exhibit: str, name: str, private: pd.DataFrame, shown: pd.DataFrame | None, counted: Counted, rule: Rule) -> Table:
    columns = [column for column in dict.fromkeys((*counted.counts, *counted.behind, counted.cumulative)) if column in private]
    values = private[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float).reshape(len(private), len(columns))
    rows = np.full(len(private), -1) if shown is None else rows_shown(private, shown, counted)
    table = Table(chapter, exhibit, name, private, shown, counted, rows, columns, values, np.zeros(values.shape, dtype=bool))
    for place, column in enumerate(columns):
        for row in range(len(private)):
            table.hidden[row, place] = is_hidden(table.published(row, column), rule) and not np.isnan(values[row, place])
    return table


def is_total(table: Table, row: int) -> bool:
    """Whether the labels of a row call it the total of others."""
    return any(word in table.counted.totals or word.lower() in _TOTAL_WORDS for word in table.words[row])


def tables_of(private: Sequence[Answer], shown: Sequence[Answer], rule: Rule) -> list[Table]:
    out = []
    for mine, theirs in zip(private, shown, strict=True):
        published = {exhibit.id: exhibit for exhibit in theirs.exhibits}
        for exhibit in mine.exhibits:
            there = published.get(exhibit.id)
            for name, frame in exhibit.frames.items():
                counted = exhibit.counted.get(name, Counted())
                if counted.counts or counted.behind or counted.cumulative:
                    out.append(_table(mine.chapter, exhibit.id, name, frame, there.frames.get(name) if there else None, counted, rule))
    return out


def add_cells(system: System, tables: Sequence[Table], rule: Rule) -> None:
    """Every count of every frame, with what is published of it; those that must stay uncertain are targets."""
    for table in tables:
        for place, column in enumerate(table.columns):
            running = column == table.counted.cumulative
            # what only stands behind a row (the fewest of several counts) is asked for where it is a part of something
            counts = running or column in table.counted.counts or any(column in each for each in table.counted.sums)
            for row in range(len(table.private)):
                truth = table.values[row, place]
                if np.isnan(truth) or truth != round(truth):
                    continue
                cell, hidden = table.cell(row, column), bool(table.hidden[row, place])
                lower, upper = told(table.published(row, column), rule, curve=bool(table.counted.cumulative))
                system.add(cell, truth, lower, upper, hidden=hidden)
                if rule.small(truth) and counts:
                    system.targets.append(Target(cell, "small"))
                elif truth > 0 and not running and isinstance(table.published(row, column), str) and hidden:
                    system.targets.append(Target(cell, "cover"))
