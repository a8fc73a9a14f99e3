"""What was changed in the data while reading, line by line, and the row counts that must add up."""

from __future__ import annotations

import hashlib

import pandas as pd

__all__ = ["Flow", "RepairLog", "short_hash"]

REPAIR_COLUMNS = ["code", "table", "file", "row", "column", "before", "after", "reason", "count"]
FLOW_COLUMNS = ["table", "step", "reason", "rows_in", "removed", "kept"]


def short_hash(value: object) -> str:
    """A stable short stand-in for an id: eight hexadecimal digits, so that no id is printed."""
    return "#" + hashlib.blake2s(str(value).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


class RepairLog:
    """Repairs in the order they were made. A repair of many equal cells is one line with its count."""

    def __init__(self) -> None:
        self._lines: list[tuple[object, ...]] = []

    def add(
        self,
        code: str,
        *,
        table: str,
        file: str,
        row: int | None,
        column: str = "",
        before: object = "",
        after: object = "",
        reason: str = "",
        count: int = 1,
    ) -> None:
        self._lines.append((code, table, file, row, column, str(before), str(after), reason, count))

    def __len__(self) -> int:
        return len(self._lines)

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self._lines, columns=REPAIR_COLUMNS).astype({"row": "Int64", "count": "int64"})


class Flow:
    """Rows in - rows removed = rows kept, for every table and reason.

    A negative ``removed`` means rows that were added, by splitting an assignment around a larger one.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[str, int, str, int, int, int]] = []

    def step(self, table: str, reason: str, rows_in: int, kept: int) -> None:
        number = 1 + sum(1 for item in self._steps if item[0] == table)
        self._steps.append((table, number, reason, rows_in, rows_in - kept, kept))

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self._steps, columns=FLOW_COLUMNS)

    def reconcile(self, rows: dict[str, int] | None = None) -> None:
        """Assert that every step follows from the one before, and ends at the rows of each table in ``rows``."""
        last: dict[str, int] = {}
        for table, number, reason, rows_in, removed, kept in self._steps:
            assert rows_in - removed == kept, f"{table} step {number} ({reason}): {rows_in} - {removed} is not {kept}"
            assert last.get(table, rows_in) == rows_in, f"{table} step {number} ({reason}): begins with {rows_in}, not {last[table]}"
            last[table] = kept
        for table, n in (rows or {}).items():
            assert last.get(table) == n, f"{table}: the steps end at {last.get(table)} rows, the table has {n}"
