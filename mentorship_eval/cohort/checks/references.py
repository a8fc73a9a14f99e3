"""Records that are referred to must be there: every id column that has a home among the tables of the study."""

from __future__ import annotations

from mentorship_eval.cohort.reading.raw import Reading, Source
from mentorship_eval.cohort.reading.repairs import short_hash
from mentorship_eval.errors import listing

__all__ = ["check_references"]

# people who may come from outside the cohort -> tables, any of which may hold them
_FROM_OUTSIDE = {
    ("matches", "mentor_id"): ("staff", "mentors"),
    ("mentors", "staff_id"): ("staff",),
    ("collaboration", "from_id"): ("staff",),
    ("collaboration", "to_id"): ("staff",),
}


def check_references(reading: Reading) -> None:
    """E006: a record that another table refers to is not there. W006: a person who is not there, and may come from outside."""
    for source in reading.sources.values():
        for column in source.table.columns:
            if not column.references or column.name not in source.frame or column.name not in source.theirs:
                continue
            table, key = column.references.split(".")
            other = reading.sources.get(table)
            if other is not None and key in other.frame:
                fix = f"Write ids alike in both files (capitals, zeros, prefixes), add them to {other.file}, or leave the rows out."
                _absent(source, column.name, [other], key, "E006", fix)
    for (name, column_name), homes in _FROM_OUTSIDE.items():
        outside = reading.sources.get(name)
        known = [reading.sources[home] for home in homes if home in reading.sources and "staff_id" in reading.sources[home].frame]
        if outside is not None and known and column_name in outside.frame:
            fix = "Kept: they may work elsewhere. If they do not, add them, or correct the ids."
            _absent(outside, column_name, known, "staff_id", "W006", fix)


def _absent(source: Source, column: str, homes: list[Source], key: str, code: str, fix: str) -> None:
    values = source.frame[column]
    there = set().union(*(home.frame[key].dropna() for home in homes))
    absent = (values.notna() & ~values.isin(there)).to_numpy()
    if not absent.any():
        return
    where = " or ".join(home.name for home in homes)
    said = f"{column} not in {where}"
    if code == "E006":  # a warning is printed in the report: no number of people, no hash
        said = f"{values[absent].nunique()} {said}: {listing([short_hash(value) for value in values[absent].unique()], 3)}"
    source.find(code, said, rows=values.index[absent], column=column, fix=fix)
