"""What is missing, by table and column (STROBE, items 12c and 14b): how many cells are empty of those that could hold something.

An empty cell is not always a missing one: a spell without an end lasts, a department without a go-live never had one. Such columns are left
out, and a column that holds something only where something happened (why a spell ended) is counted over the rows where it did.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.schema.types import Column
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["missing_table"]

# table.column: rows over which it is counted, in words, and the condition
_WHERE = {
    ("spells", "leaving_reason"): ("spells that ended", "end"),
    ("spells", "destination"): ("spells that ended", "end"),
    ("matches", "end_reason"): ("matches that ended", "end"),
}
_HELD = {"minutes", "mode", "protected", "topic"}  # of sessions: known of those that were held


def missing_table(cohort: Cohort) -> Exhibit | None:
    """One line for each column with something missing, and one for the rest of its table; None where there is no table."""
    lines: list[dict[str, object]] = []
    for name in cohort.tables:
        if name not in TABLES:
            continue
        table, complete = cohort.table(name), 0
        for column in TABLES[name].columns:
            # a column without any value was made by the program, or says nothing of who lacks what
            if column.name not in table or table[column.name].isna().all() or _empty_says_something(column):
                continue
            rows, words = _rows_of(table, name, column.name)
            missing = int(rows[column.name].isna().sum())
            if not missing:
                complete += 1
            elif len(rows):
                lines.append({"table": name, "column": _label(column.name) + (f" (of {words})" if words else ""),
                              "rows": len(rows), "missing": missing, "share": missing / len(rows)})  # fmt: skip
        if complete:
            others = any(line["table"] == name for line in lines)
            words = f"{complete} {'other ' if others else ''}column{'' if complete == 1 else 's'}"
            lines.append({"table": name, "column": words, "rows": len(table), "missing": 0, "share": 0.0})
    if not lines:
        return None
    frame = pd.DataFrame(lines)
    return table_exhibit(
        "cohort.missing", "Missing values, by table and column", frame.assign(table=frame["table"].str.replace("_", " ").str.capitalize()),
        counts=("rows", "missing"), derived=("share",), of={"share": "missing"}, ratios={"share": ("missing", "rows")},
        stub=["table", "column"], columns=["rows", "missing_share"],
        joined={"missing_share": "{missing} ({share:share})"}, formats={"rows": "count"},
        labels={"table": "Table and column", "rows": "Rows", "missing_share": "Missing, n (%)"},
        note="After reading and repairs, before anything is left out. Columns in which an empty cell says something (a spell that lasts, a "
        "department that never goes live) are not listed, nor are columns that hold nothing at all.",
    )  # fmt: skip


def _empty_says_something(column: Column) -> bool:
    return column.open_end or ("blank" in column.description and column.name not in ("leaving_reason",))


def _label(name: str) -> str:
    return "WTE" if name == "wte" else name.replace("_", " ").capitalize()


def _rows_of(table: pd.DataFrame, name: str, column: str) -> tuple[pd.DataFrame, str]:
    if (name, column) in _WHERE:
        words, condition = _WHERE[name, column]
        return (table[table[condition].notna()], words) if condition in table else (table, "")
    if name == "sessions" and column in _HELD and "status" in table:
        return table[table["status"].eq("held")], "sessions held"
    return table, ""
