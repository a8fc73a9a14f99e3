"""What the checks found: one record per kind of trouble and place, and the errors that carry them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.codes import CODES
from mentorship_eval.cohort.reading.layout import grouped, wrapped
from mentorship_eval.errors import DataError, StudyError, listing

__all__ = ["CODES", "CohortError", "Finding", "Findings", "StudyFileError"]

ROWS_KEPT = 1000  # row numbers kept per finding; the count is always exact


@dataclass(frozen=True)
class Finding:
    """One kind of trouble in one place. ``rows`` are rows of ``file`` (the header is row 1), the first thousand of them.

    ``count``: all rows. ``elsewhere``: where a table is made of several files, the others with the same trouble: name, first
    row, number of rows.
    """

    code: str
    message: str
    table: str = ""
    file: str = ""
    rows: tuple[int, ...] = ()
    column: str = ""
    fix: str = ""
    count: int = 1
    elsewhere: tuple[tuple[str, int, int], ...] = ()

    @property
    def severity(self) -> str:
        """E stops the work, R was repaired and logged, W is a warning."""
        return self.code[0]

    @property
    def location(self) -> str:
        """``file:row:column``, as far as each is known."""
        parts = [self.file or self.table or "cohort"]
        if self.rows:
            parts.append(str(self.rows[0]))
        if self.column:
            parts.append(self.column if self.rows else f"-:{self.column}")
        return ":".join(parts)

    def also(self) -> str:
        """`` [9 rows; also 3, 4, ...]``: how many rows, and the first of them; empty for one."""
        if self.count > 1 and (len(self.rows) > 1 or self.elsewhere):
            shown = ", ".join(str(row) for row in self.rows[1:6]) + (", ..." if len(self.rows) > 6 else "")
            also = [f"also {shown}"] if shown else []
            if self.elsewhere:
                others = listing([f"{file} ({n:,}, first {row})" for file, row, n in self.elsewhere], 3)
                also.append(f"also in {len(self.elsewhere)} other files: {others}" if len(self.elsewhere) > 1 else f"also in {others}")
            return f" [{self.count:,} rows; {'; '.join(also)}]"
        return ""

    def __str__(self) -> str:
        arrow = f"  -> {self.fix}" if self.fix else ""
        return f"{self.location}  {self.code}  {self.message}{self.also()}{arrow}"


class Findings:
    """The findings of one reading, in order: errors first when printed."""

    def __init__(self, items: Iterable[Finding] = ()) -> None:
        self.items = list(items)

    def add(
        self,
        code: str,
        message: str,
        *,
        table: str = "",
        file: str = "",
        rows: object = (),
        column: str = "",
        fix: str = "",
        count: int | None = None,
        elsewhere: tuple[tuple[str, int, int], ...] = (),
    ) -> Finding:
        if code not in CODES:
            raise KeyError(code)
        numbers = np.atleast_1d(np.asarray(rows, dtype="int64")).ravel()
        total = max(len(numbers), 1) if count is None else count
        finding = Finding(code, message, table, file, tuple(numbers[:ROWS_KEPT].tolist()), column, fix, total, elsewhere[:ROWS_KEPT])
        self.items.append(finding)
        return finding

    def __iter__(self) -> Iterator[Finding]:
        order = {"E": 0, "R": 1, "W": 2}
        return iter(sorted(self.items, key=lambda item: order[item.severity]))

    def __len__(self) -> int:
        return len(self.items)

    def of(self, code: str) -> list[Finding]:
        """Findings of one code (``E106``) or of one severity (``E``)."""
        return [item for item in self.items if item.code == code or item.severity == code]

    @property
    def errors(self) -> list[Finding]:
        return self.of("E")

    def to_frame(self) -> pd.DataFrame:
        """One row per finding: code, severity, table, file, row (the first), column, message, fix, count."""
        names = ["code", "severity", "table", "file", "row", "column", "message", "fix", "count"]
        rows = [(f.code, f.severity, f.table, f.file, f.rows[0] if f.rows else pd.NA, f.column, f.message, f.fix, f.count) for f in self]
        return pd.DataFrame(rows, columns=names).astype({"row": "Int64"})

    def summary(self) -> str:
        """``2 errors, 1 repair, 3 warnings``."""
        words = {"E": "error", "R": "repair", "W": "warning"}
        parts = []
        for letter, word in words.items():
            n = len(self.of(letter))
            if n:
                parts.append(f"{n} {word}{'s' if n > 1 else ''}")
        return ", ".join(parts) or "nothing found"

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int | None = None) -> str:
        """Everything that was found, grouped; wrapped to ``width`` columns, or with None one line for each finding."""
        lines = grouped(self.items) if width is None else wrapped(self.items, width)
        return "\n".join([*lines, self.summary()])

    def _repr_html_(self) -> str:
        from mentorship_eval.inference.shown import as_html

        return as_html(f"{self.summary()}.", *((self.to_frame(),) if self.items else ()))


class CohortError(DataError):
    """The cohort cannot be used; ``findings`` holds everything that was found, errors and all else."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        errors = findings.errors
        first = errors[0] if errors else None
        more = f" (and {len(errors) - 1} more: mentorship-eval check lists them)" if len(errors) > 1 else ""
        problem = f"{first.location}: {first.message} [{first.code}]{more}" if first else "The cohort cannot be read."
        super().__init__(problem, fix=first.fix if first else "", rows=first.rows if first else ())


class StudyFileError(CohortError, StudyError):
    """study.yaml itself is wrong."""
