"""Which column of the file is which column of ours."""

from __future__ import annotations

import re

from mentorship_eval.cohort.reading.raw import Source
from mentorship_eval.cohort.study.document import did_you_mean
from mentorship_eval.errors import listing

__all__ = ["map_columns", "plain_name"]


def plain_name(name: str) -> str:
    """A column's name without capitals, blanks, hyphens and dots: what two spellings of it have in common."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


def map_columns(source: Source) -> bool:
    """Fill ``source.theirs``; False when something required is missing (reported as E004).

    A declared name must be in the file. What is not declared is found under our own name, spelt as ours or
    with other capitals, blanks and hyphens.
    """
    present = list(source.raw.columns)
    plain: dict[str, list[str]] = {}
    for name in present:
        plain.setdefault(plain_name(name), []).append(name)
    ok = True
    theirs: dict[str, str] = {}
    declared = source.declared
    for ours, name in {**declared.columns, **declared.outcomes, **declared.covariates}.items():
        if name in present:
            theirs[ours] = name
            continue
        ok = False
        source.find(
            "E004",
            f"there is no column {name!r} (declared for {ours})",
            rows=declared.header_row,
            column=name,
            fix=did_you_mean(name, present),
        )
    taken = set(theirs.values())
    for column in source.table.columns:
        if column.name in declared.columns:
            continue
        if column.name in present:
            theirs[column.name] = column.name
        else:
            alike = [name for name in plain.get(column.name, []) if name not in taken]
            if len(alike) == 1:
                theirs[column.name] = alike[0]
    source.theirs = theirs
    for column in source.table.columns:
        if column.required and column.name not in theirs and column.name not in declared.columns:
            ok = False
            spare = [name for name in present if name not in theirs.values()]
            hint = did_you_mean(column.name, spare) if spare else ""
            source.find(
                "E004",
                f"the column {column.name} is missing",
                rows=declared.header_row,
                column=column.name,
                fix=f"Add it, or say which one it is: columns: {{{column.name}: THEIR NAME}}. {hint}".strip(),
            )
    for group in source.table.one_of:
        if not any(name in theirs or name in declared.columns for name in group):
            ok = False
            source.find("E004", f"one of the columns {' or '.join(group)} is needed", rows=declared.header_row, fix="Map it under columns.")
    for ours, name in theirs.items():
        lacking = source.places.lacking(name)
        if lacking:
            ok = False
            first = source.places.starts[source.places.files.index(lacking[0])]
            source.find(
                "E004",
                f"{len(lacking)} of {len(source.places)} files have no column {name!r} ({ours}): {listing(lacking, 3)}",
                rows=first + declared.header_row,
                column=name,
                fix="Give every file the same header; a column without values has empty cells.",
            )
    source.ignored = tuple(name for name in present if name not in theirs.values())
    return ok
