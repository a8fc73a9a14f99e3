"""What a column and a table are: the two record types that the schema is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Column", "ColumnType", "Table", "column"]

# period: an integer count of periods, or a calendar month; level: 0/1, or the names of categories
ColumnType = Literal["id", "date", "month", "period", "int", "float", "bool", "category", "level", "text"]


@dataclass(frozen=True)
class Column:
    """One column of a table as the package names it.

    ``categories`` empty means that any value is taken; ``minimum`` and ``maximum`` are inclusive;
    ``open_end`` marks dates for which far-future placeholders (4712, 9999) mean "not ended";
    ``references`` is ``table.column`` of the row that must exist when that table is given.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    unit: str = ""
    categories: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    open_end: bool = False
    references: str = ""


def column(name: str, type: ColumnType, description: str, **more: object) -> Column:
    """Shorthand for the table files, where one column is one line."""
    return Column(name, type, description, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Table:
    """One table: its key, its columns and the questions that read it.

    ``auto_key`` tables get a running key when the file has none. ``one_of`` lists groups of columns of
    which at least one must be present.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    questions: tuple[str, ...] = ()
    auto_key: bool = False
    one_of: tuple[tuple[str, ...], ...] = ()

    def __getitem__(self, name: str) -> Column:
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(candidate.name == name for candidate in self.columns)

    @property
    def names(self) -> list[str]:
        return [candidate.name for candidate in self.columns]

    @property
    def required(self) -> list[str]:
        return [candidate.name for candidate in self.columns if candidate.required]
