"""Every table that a cohort folder may hold, declared once: it feeds validation, templates and the data dictionary.

Dates are ISO 8601, ids pseudonymous text. Names follow the canonical model of the manual.
"""

from __future__ import annotations

import csv
from pathlib import Path

from mentorship_eval.cohort.schema.outcomes import OUTCOME_TABLES
from mentorship_eval.cohort.schema.people import CONTRACTS, LEAVING_REASONS, PEOPLE_TABLES, PROFESSIONS
from mentorship_eval.cohort.schema.programme import PROGRAMME_TABLES
from mentorship_eval.cohort.schema.safety import ALLOCATIONS, HARM_LEVELS, SAFETY_TABLES
from mentorship_eval.cohort.schema.types import Column, Table

__all__ = [
    "ALLOCATIONS",
    "CONTRACTS",
    "HARM_LEVELS",
    "LEAVING_REASONS",
    "PROFESSIONS",
    "QUESTIONS",
    "TABLES",
    "Column",
    "Table",
    "data_dictionary",
    "missing_for",
    "write_templates",
]

TABLES: dict[str, Table] = {table.name: table for table in (*PEOPLE_TABLES, *PROGRAMME_TABLES, *SAFETY_TABLES, *OUTCOME_TABLES)}

# question -> sets of tables, any one of which is enough to answer it
QUESTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "retention": (("staff", "spells", "matches"), ("durations",)),
    "incidents": (("incidents", "exposure", "rollout"), ("counts",)),
    "wellbeing": (("surveys", "matches"),),
    "innovation": (("projects", "staff", "spells", "matches"),),
    "careers": (("career_events", "staff", "spells", "matches"),),
    "collaboration": (("collaboration", "matches"),),
    "equity": (("staff", "spells", "matches", "rollout"),),
    "delivery": (("matches", "sessions"),),
    "economics": (("costs", "staff", "spells", "matches"),),
}

# any one of these sets makes a cohort worth reading at all; audits alone answer their part of the incidents chapter
MINIMUM_SETS = (*QUESTIONS["retention"], *QUESTIONS["incidents"], ("audits", "rollout"))


def missing_for(question: str, present: set[str] | list[str]) -> list[list[Table]]:
    """The tables that still lack for ``question``, one list for each way of answering it; empty when it can be answered.

    A way that has been begun (some of its tables are there) is the only one named.
    """
    if question not in QUESTIONS:
        raise KeyError(question)
    have = set(present)
    if any(have.issuperset(names) for names in QUESTIONS[question]):
        return []
    begun = [names for names in QUESTIONS[question] if have.intersection(names)]
    return [[TABLES[name] for name in names if name not in have] for names in begun or QUESTIONS[question]]


def write_templates(folder: str | Path, tables: list[str] | None = None) -> list[Path]:
    """Write one empty CSV per table (header only) into ``folder``; existing files are left alone."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in tables or [name for name in TABLES if name not in ("durations", "counts")]:
        path = folder / f"{name}.csv"
        if path.exists():
            continue
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerow(TABLES[name].names)
        written.append(path)
    return written


def _values(column: Column) -> str:
    if column.categories:
        return ", ".join(f"`{value}`" for value in column.categories)
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else ""


def data_dictionary(tables: list[str] | None = None) -> str:
    """Markdown: every table with its key, its columns, their types, units and allowed values."""
    lines = [
        "# Data dictionary",
        "",
        "Dates are `2022-01-31`, months `2022-01`; ids are pseudonyms (text); yes/no columns take 1/0, yes/no or true/false.",
        "An empty cell, `NA`, `N/A`, `NULL`, `NaN`, `#N/A` or `.` means missing. `none` is a value, not a missing one.",
        "*Read by* names chapters of the report; its pages on the cohort and `mentorship-eval match` read some tables besides.",
    ]
    for name in tables or list(TABLES):
        table = TABLES[name]
        lines += ["", f"## {name}", "", table.description]
        lines += [f"Key: {', '.join(f'`{key}`' for key in table.key)}. Read by: {', '.join(table.questions)}.", ""]
        lines += ["| column | type | required | unit | values | meaning |", "|---|---|---|---|---|---|"]
        for item in table.columns:
            cells = [f"`{item.name}`", item.type, "yes" if item.required else "", item.unit, _values(item), item.description]
            lines.append("| " + " | ".join(cells) + " |")
        for group in table.one_of:
            lines += ["", f"At least one of {', '.join(f'`{column}`' for column in group)}."]
    return "\n".join(lines) + "\n"
