"""Departments under one spelling in every table, and a place for each in the programme."""

from __future__ import annotations

import difflib

import pandas as pd

from mentorship_eval.cohort.reading.raw import Reading, Source
from mentorship_eval.errors import listing

__all__ = ["check_departments", "check_lineage_ids"]


def _departments(source: Source | None) -> set[str]:
    return set() if source is None or "dept_id" not in source.frame else set(source.frame["dept_id"].dropna())


def check_departments(reading: Reading) -> None:
    """E109: departments of incidents must be in exposure, and all of them in rollout or departments.

    Names are suggested, never joined: two wards may differ by one letter.
    """
    sources = reading.sources
    listed, rollout = _departments(sources.get("departments")), _departments(sources.get("rollout"))
    known = listed | rollout
    # incidents need both a denominator and a place in the programme: one finding for the two
    for_incidents, places = known, [name for name in ("departments", "rollout") if name in sources]
    if "incidents" in sources and "exposure" in sources:
        exposed = _departments(sources["exposure"])
        for_incidents = exposed & known if known else exposed
        _unknown(sources["incidents"], for_incidents, " or ".join(["exposure", *places]))
    if known:
        for name in ("exposure", *(["spells", "projects", "audits"] if listed else [])):
            if name in sources:
                _unknown(sources[name], known, " or ".join(places))
        if "incidents" in sources and "exposure" not in sources:
            _unknown(sources["incidents"], known, " or ".join(places))
        if rollout and listed:
            _never(reading, listed - rollout)


def check_lineage_ids(reading: Reading) -> None:
    """E109 for departments that others became and that the table of departments does not know."""
    lineage, listed = reading.sources.get("dept_lineage"), _departments(reading.sources.get("departments"))
    if lineage is not None and listed:
        _unknown(lineage, listed | set(lineage.frame["from_id"].dropna()), "departments", "to_id")


def _unknown(source: Source, known: set[str], where: str, column: str = "dept_id") -> None:
    if column not in source.frame:
        return
    values = source.frame[column].dropna()
    absent = values[~values.isin(known)]
    if absent.empty:
        return
    names = list(pd.unique(absent))
    hints = []
    for name in names[:5]:
        near = difflib.get_close_matches(name.casefold(), {item.casefold() for item in known}, n=2, cutoff=0.5)
        spelt = [item for item in sorted(known) if item.casefold() in near]
        hints.append(f"{name} (near: {', '.join(spelt)})" if spelt else str(name))
    source.find(
        "E109",
        f"departments not in {where}: {listing(hints)}",
        rows=absent.index,
        column=column,
        fix=f"Map the names under values: {{{column}: {{{names[0]}: OURS}}}}, or add the department to {where}.",
    )


def _never(reading: Reading, departments: set[str]) -> None:
    used = set().union(*(_departments(reading.sources.get(name)) for name in ("exposure", "spells")))
    absent = sorted(departments & used if used else departments)
    if absent:
        reading.sources["rollout"].find(
            "W109",
            f"{len(absent)} department{'s' if len(absent) > 1 else ''} without a row ({listing(absent, 4)}): taken as never in the programme",
            column="dept_id",
            fix="Give each a row, with active_from empty when it never had the programme.",
        )
