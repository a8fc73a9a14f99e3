"""Who is who: columns that identify people are dropped before anything else looks at them, addresses become ids through a key file."""

from __future__ import annotations

import glob
import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from mentorship_eval.cohort.reading.pieces import missing_file
from mentorship_eval.cohort.reading.raw import MISSING, Reading, Source, Unreadable
from mentorship_eval.cohort.reading.readers import read_source
from mentorship_eval.cohort.reading.repairs import short_hash
from mentorship_eval.cohort.recipes.mapping import find_column
from mentorship_eval.cohort.recipes.models import KeyFile, Recipe, TableRecipe
from mentorship_eval.cohort.study.database import is_address
from mentorship_eval.cohort.study.models import TableSource
from mentorship_eval.cohort.study.yaml_lines import expand_variables
from mentorship_eval.errors import listing

__all__ = ["drop_identifiers", "read_beside", "replace_addresses"]

_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")


def drop_identifiers(source: Source, recipe: Recipe, table: TableRecipe) -> None:
    """Years of birth are taken from dates; then the columns that the recipe names are gone (R121). Their cells are quoted nowhere."""
    present = [str(name) for name in source.raw.columns]
    for ours, alternatives in table.year_of.items():
        born = find_column(alternatives, present)
        if born is not None and find_column(table.columns.get(ours, [ours]), present) is None and ours not in source.declared.columns:
            _years(source, ours, born)
    wanted = set(source.declared.columns.values())
    if table.key is not None:
        wanted |= {found for names in table.key.columns.values() if (found := find_column(names, present))}
    patterns = [pattern.casefold() for pattern in (*recipe.drop, *table.drop)]
    gone = [name for name in present if name not in wanted and any(fnmatchcase(name.casefold().strip(), pattern) for pattern in patterns)]
    if not gone:
        return
    row = source.declared.header_row
    source.find("R121", f"columns that identify people, or free text, dropped: {listing(gone, 6)}", rows=row)
    for name in gone:
        filled = int((source.raw[name] != "").sum())
        source.repair("R121", row=row, column=name, before="column", after="dropped", reason="identifies people, or is free text", count=filled)
    source.raw = source.raw.drop(columns=gone)


def _years(source: Source, ours: str, born: str) -> None:
    codes, uniques = pd.factorize(source.raw[born].to_numpy(dtype=object))
    years = [found.group(1) if (found := _YEAR.search(str(text))) else "" for text in uniques]
    unread = [i for i, (text, year) in enumerate(zip(uniques, years, strict=True)) if not year and str(text).strip() not in MISSING]
    if unread:
        rows = source.raw.index[np.isin(codes, unread)]
        source.find("E106", "dates without a year of four digits", rows=rows, column=born, fix="Export the year of birth, or dates with four digits.")
    source.raw[ours] = np.array(years, dtype=object)[codes] if len(years) else ""
    source.theirs[ours] = ours
    rows = source.raw.index[(source.raw[ours] != "").to_numpy()]
    if len(rows):
        source.repair("R121", row=int(rows[0]), column=born, before="date", after="year", reason="only the year is kept", count=len(rows))


def read_beside(source: Source, folder: Path, file: str, what: str, *, quiet: bool = False) -> Source | None:
    """A second file of the recipe, below the cohort folder or where ``${VARIABLE}`` says. None when it cannot be read (E002).

    quiet: findings about its cells are not kept, because they might quote them.
    """
    written, unset = expand_variables(file)
    if unset:
        source.find("E002", f"{what}: the environment variable {unset[0]} is not set", fix=f"Set it to the folder that holds {what}.")
        return None
    reading = Reading(source.reading.study) if quiet else source.reading
    if is_address(written):
        source.find("E002", f"{what} is a file, and no database", fix="Export it as CSV.")
        return None
    if not glob.has_magic(written) and not (folder / written).exists():
        problem = missing_file(folder / written)
        source.reading.findings.add("E002", f"{what}: {problem}", table=source.name, file=Path(written).name, fix=problem.fix)
        return None
    beside = Source(source.table, TableSource(file=written), Path(written).name, reading)
    try:
        read_source(beside, folder)
    except Unreadable as problem:
        source.reading.findings.add("E002", f"{what}: {problem}", table=source.name, file=beside.file, fix=problem.fix)
        return None
    if beside.raw.columns.empty:
        if quiet:
            source.reading.findings.add("E002", f"{what} cannot be read as a table", table=source.name, file=beside.file, fix="Export it again.")
        return None
    beside.raw = beside.raw.map(str.strip)
    for name, sha in zip(beside.places.files, beside.places.sha256, strict=True):
        source.reading.beside.append((source.name, name, sha, len(beside.raw)))
    return beside


def replace_addresses(source: Source, table: TableRecipe, folder: Path) -> tuple[bool, list[int]]:
    """Columns of e-mail addresses become columns of ids: whether that could be done, and rows that are to be left out.

    A column without a single address is taken to hold ids already. Addresses are never quoted: rows are.
    """
    key = table.key
    if key is None:
        return True, []
    present = [str(name) for name in source.raw.columns]
    addressed = {}
    for ours, alternatives in key.columns.items():
        declared = source.declared.columns.get(ours)
        found = declared if declared in present else find_column([*([] if declared else alternatives), *([] if declared else [ours])], present)
        if found is not None and source.raw[found].str.contains("@", regex=False).any():
            addressed[ours] = found
    if not addressed:
        return True, []
    ids = _read_key(source, key, folder)
    if ids is None:
        # the addresses go before anything else can see them
        source.raw = source.raw.drop(columns=list(addressed.values()))
        return False, []
    ok, leave_out = True, []
    for ours, found in addressed.items():
        done, rows = _replace(source, key, ours, found, ids)
        ok &= done
        leave_out += rows
    source.raw = source.raw.drop(columns=[name for name in addressed.values() if name not in addressed])
    kept = {name: theirs for name, theirs in source.declared.columns.items() if name not in addressed}
    source.declared = source.declared.model_copy(update={"columns": kept})
    return ok, leave_out


def _read_key(source: Source, key: KeyFile, folder: Path) -> dict[str, str] | None:
    beside = read_beside(source, folder, key.file, "the key file", quiet=True)
    if beside is None:
        return None
    add, name = source.reading.findings.add, beside.file
    present = [str(column) for column in beside.raw.columns]
    email, person = find_column(key.email, present), find_column(key.id, present)
    if email is None or person is None:
        lacking = "e-mail address" if email is None else "staff_id"
        fix = "It needs the columns email and staff_id."
        add("E004", f"the key file has no column for the {lacking}", table=source.name, file=name, rows=1, fix=fix)
        return None
    ok = True
    half = beside.raw[(beside.raw[email] == "") != (beside.raw[person] == "")].index
    if len(half):
        ok = False
        what = "the key file has an address without an id, or an id without an address"
        add("E008", what, table=source.name, file=name, rows=half, fix="Fill it in.")
    pairs = pd.DataFrame({"email": beside.raw[email].str.casefold(), "id": beside.raw[person]}, index=beside.raw.index)
    pairs = pairs[pairs["email"] != ""]
    several = pairs.groupby("email")["id"].transform("nunique") > 1
    if several.any():
        ok = False
        people = listing([short_hash(value) for value in pairs.loc[several, "id"].unique()], 4)
        rows = pairs.index[several.to_numpy()]
        fix = "One address belongs to one person; a person may have several addresses."
        add("E101", f"the key file gives one address to several people ({people})", table=source.name, file=name, rows=rows, fix=fix)
    # an id that looks like an address would carry addresses into the tables
    if pairs["id"].str.contains("@", regex=False).any():
        ok = False
        rows = pairs.index[pairs["id"].str.contains("@", regex=False).to_numpy()]
        add("E121", "the key file has e-mail addresses for ids", table=source.name, file=name, rows=rows, fix="Put pseudonyms in their place.")
    return dict(zip(pairs["email"], pairs["id"], strict=True)) if ok else None


def _replace(source: Source, key: KeyFile, ours: str, found: str, ids: dict[str, str]) -> tuple[bool, list[int]]:
    cells = source.raw[found].str.strip()
    replaced = cells.str.casefold().map(ids)
    blank = cells.isin(MISSING)
    unknown = (replaced.isna() & ~blank).to_numpy()
    source.raw[ours] = replaced.where(replaced.notna(), "").astype(object)
    if found == ours:
        source.raw[found] = source.raw[ours]
    source.theirs[ours] = ours
    known = int(replaced.notna().sum())
    if known:
        first = int(source.raw.index[replaced.notna().to_numpy()][0])
        source.repair("R121", row=first, column=ours, before="e-mail address", after="id", reason="through the key file", count=known)
        source.find("R121", "e-mail addresses replaced by ids through the key file", rows=source.raw.index[replaced.notna().to_numpy()], column=ours)
    if not unknown.any():
        return True, []
    rows = source.raw.index[unknown]
    rule = key.unknown.get(ours, "stop")
    if rule == "stop":
        source.find(
            "E006",
            f"{found}: {len(rows)} addresses are not in the key file",
            rows=rows,
            column=ours,
            fix=f"Add them to {Path(key.file).name}; for people from outside: settings: {{key: {{unknown: {{{ours}: blank}}}}}} (or leave_out).",
        )
        return False, []
    source.find("R121", f"{found}: addresses that are not in the key file {'left blank' if rule == 'blank' else 'left out'}", rows=rows, column=ours)
    after = "blank" if rule == "blank" else "left out"
    source.repair("R121", row=int(rows[0]), column=ours, before="e-mail address", after=after, reason="not in the key file", count=len(rows))
    return True, [int(row) for row in rows] if rule == "leave_out" else []
