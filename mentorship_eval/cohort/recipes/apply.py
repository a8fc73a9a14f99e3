"""From an export to a table of ours, as a recipe says. The order is the same for every recipe, and docs/recipes.md tells it.

labels below the header, identifiers dropped, addresses to ids, columns found, constants, units; identifiers that are left stop;
rows kept by status, values that follow from others, consent, one row of several; then the shape, and the map of values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentorship_eval.cohort.checks.identifiers import check_identifiers
from mentorship_eval.cohort.reading.raw import MISSING, Source, tidy_cells
from mentorship_eval.cohort.recipes.answers import drop_label_rows, link, score_answers
from mentorship_eval.cohort.recipes.identity import drop_identifiers, replace_addresses
from mentorship_eval.cohort.recipes.load import Loaded, load_recipe, with_settings
from mentorship_eval.cohort.recipes.mapping import fill_constants, has, needed, rescale, resolve, set_values, texts, translate
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.recipes.rows import keep_one, keep_rows, leave_out
from mentorship_eval.cohort.recipes.snapshots import join_snapshots
from mentorship_eval.cohort.recipes.stays import sum_stays

__all__ = ["Importing", "begin", "through_recipe"]

_OF_A_FILE = ("sheet", "header_row", "header_rows", "header_join", "skip_rows_after_header", "encoding", "delimiter", "decimal", "dates")


class Importing:
    """A recipe at work on one table."""

    def __init__(self, loaded: Loaded, table: TableRecipe) -> None:
        self.loaded, self.table = loaded, table


def begin(source: Source, folder: Path) -> Importing | None:
    """Load the recipe that study.yaml names, and lay what it says about the file under what study.yaml says.

    load_study has found what is wrong with a recipe; None only when the file has changed since.
    """
    declared = source.declared
    loaded = load_recipe(str(declared.recipe), folder, source.reading.findings)
    if loaded is None or source.name not in loaded.recipe.tables:
        return None
    table = with_settings(loaded.recipe.tables[source.name], declared.settings)
    laid: dict[str, Any] = {}
    for key in _OF_A_FILE:
        value = getattr(table, key)
        if value is not None and key not in declared.model_fields_set:
            laid[key] = value
    source.declared = declared.model_copy(update=laid)
    source.reading.beside.append((source.name, loaded.file, loaded.sha256, 0))
    return Importing(loaded, table)


def through_recipe(source: Source, importing: Importing, folder: Path) -> bool:
    """Take ``source.raw`` through the recipe; False when the table cannot be used any further (what is wrong is in the findings)."""
    table, recipe = importing.table, importing.loaded.recipe
    name = importing.loaded.name
    errors = len(source.reading.findings.errors)
    drop_label_rows(source, table)
    drop_identifiers(source, recipe, table)
    ids_known, outsiders = replace_addresses(source, table, folder)
    if not resolve(source, table):
        return False
    check_identifiers(source)
    if not ids_known or len(source.reading.findings.errors) > errors:
        return False
    tidy_cells(source)
    if outsiders:
        leave_out(source, [row for row in outsiders if row in source.raw.index], "people who are not in the key file")
    if source.raw.empty:
        row = source.declared.header_row
        source.find("E003", "the table has a header and no rows", rows=row, fix="Fill in its rows, export it again, or take it out of study.yaml.")
        return False
    fill_constants(source, table)
    if not needed(source, table, _needs(source, table), name):
        return False
    rescale(source, table)
    if not keep_rows(source, table):
        return False
    set_values(source, table)
    if not link(source, table) or not keep_one(source, table):
        return False
    if source.raw.empty:
        source.find("E003", "the recipe keeps none of the rows", fix="See keep in the recipe.")
        return False
    if not _somebody_stays(source, table):
        return False
    if not _reshape(source, table, folder):
        return False
    columns = {ours: theirs for ours, theirs in source.theirs.items() if ours in source.table}
    source.declared = source.declared.model_copy(update={"values": translate(source, table), "columns": columns})
    return True


def _needs(source: Source, table: TableRecipe) -> list[str]:
    if table.snapshots is not None:
        return ["staff_id", "month", *(name for name in ("dept_id",) if name in table.names)]
    if table.stays is not None:
        return ["dept_id", "in", "out"]
    if table.scales is not None:
        return ["wave"] if has(source, "staff_id") or has(source, "anon_id") else ["anon_id", "wave"]
    return source.table.required


def _reshape(source: Source, table: TableRecipe, folder: Path) -> bool:
    if table.snapshots is not None:
        return join_snapshots(source, table, folder)
    if table.stays is not None:
        return sum_stays(source, table)
    if table.scales is not None:
        return score_answers(source, table)
    return True


def _somebody_stays(source: Source, table: TableRecipe) -> bool:
    """E127: a list of leavers alone holds nobody who stayed, so that everybody in it leaves."""
    if not table.somebody_stays or (has(source, "end") and any(text in MISSING or _open(str(text)) for text in texts(source, "end"))):
        return True
    source.find(
        "E127",
        "every record has ended: a list of leavers holds nobody who stayed, and time to leaving cannot be told from it",
        rows=int(source.raw.index[0]),
        column="end",
        fix="Add the staff in post to the files of the table, with the end empty; "
        "or say settings: {somebody_stays: false} if everybody has truly left.",
    )
    return False


def _open(text: str) -> bool:
    return any(year in text for year in ("4712", "9999", "2999"))
