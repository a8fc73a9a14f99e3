"""Findings of a messy cohort against its faults.json: what was planted and not found, and what was found and not planted."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pandas as pd

from mentorship_eval.cohort import Findings


def planted(folder: Path) -> tuple[list[dict], set[tuple[str, str, str]]]:
    told = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
    return told["faults"], {(one["code"], one["table"], one["column"]) for one in told["of_the_recipes"]}


def found_rows(findings: Findings) -> dict[tuple[str, str], list[set[int]]]:
    """(code, file) -> for each finding there its rows, or the first row and a stand-in for the others when it is told from another file."""
    rows: dict[tuple[str, str], list[set[int]]] = defaultdict(list)
    for one in findings:
        rows[one.code, one.file].append(set(one.rows))
        for file, first, _ in one.elsewhere:
            rows[one.code, file].append({first})
    return rows


def not_found(faults: list[dict], findings: Findings, log: pd.DataFrame | None = None) -> list[str]:
    """Faults with a code that neither a finding of that code nor a line of the repair log names in that file and row."""
    seen = found_rows(findings)
    if log is not None:
        for code, file, row in log[["code", "file", "row"]].dropna().itertuples(index=False):
            if (code, file) in seen:
                seen[code, file].append({int(row)})
    counts = {(one.code, file): number for one in findings for file, _, number in one.elsewhere}
    wanted: dict[tuple[str, str], set[int]] = defaultdict(set)
    for fault in faults:
        wanted[fault["code"], fault["file"]] |= set(fault["rows"] or [])
    missing = []
    for fault in faults:
        key = (fault["code"], fault["file"])
        if not fault["code"]:
            continue
        listed = set().union(*seen[key]) if seen[key] else set()
        there = not fault["rows"] or set(fault["rows"]) <= listed
        # rows of a further file are told by the first of them and their number
        there |= key in counts and min(wanted[key]) in listed and counts[key] >= len(wanted[key]) if fault["rows"] else False
        if not seen[key] or not there:
            missing.append(f"{fault['kind']}: {fault['code']} {fault['file']} {fault['rows']}, found {sorted(listed)[:8]}")
    return missing


def invented(faults: list[dict], recipes: set[tuple[str, str, str]], findings: Findings) -> list[str]:
    """Findings, and rows of findings, that nobody planted."""
    rows: dict[tuple[str, str], set[int]] = defaultdict(set)
    whole = set()
    for fault in faults:
        rows[fault["code"], fault["file"]] |= set(fault["rows"] or [])
        if fault["rows"] is None:
            whole.add((fault["code"], fault["file"]))
    extra = []
    for one in findings:
        if (one.code, one.table, one.column) in recipes:
            continue
        for file, own in [(one.file, set(one.rows)), *((file, {first}) for file, first, _ in one.elsewhere)]:
            if (one.code, file) not in whole and (not rows[one.code, file] or not own <= rows[one.code, file]):
                extra.append(f"{one.code} {file} {sorted(own - rows[one.code, file])[:5]}: {one.message[:90]}")
    return extra
