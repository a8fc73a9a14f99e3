"""From a study to typed, checked tables: the order in which reading and checking is done."""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.cohort.checks.exposure import check_counts, check_exposure
from mentorship_eval.cohort.checks.follow_up import check_follow_up
from mentorship_eval.cohort.checks.identifiers import check_identifiers
from mentorship_eval.cohort.checks.lineage import apply_lineage
from mentorship_eval.cohort.checks.matches import check_matches
from mentorship_eval.cohort.checks.plan_names import check_plan_names, check_window
from mentorship_eval.cohort.checks.references import check_references
from mentorship_eval.cohort.checks.reporting import check_reporting
from mentorship_eval.cohort.checks.rows import check_durations, check_order, drop_duplicates, fill_keys, unique_keys
from mentorship_eval.cohort.checks.spells import clean_spells
from mentorship_eval.cohort.checks.surveys import check_surveys
from mentorship_eval.cohort.checks.tables import check_departments, check_lineage_ids
from mentorship_eval.cohort.checks.waves import check_waves
from mentorship_eval.cohort.reading.columns import map_columns
from mentorship_eval.cohort.reading.convert import convert
from mentorship_eval.cohort.reading.raw import Reading, Source, Unreadable, tidy_cells
from mentorship_eval.cohort.reading.readers import read_source
from mentorship_eval.cohort.recipes.apply import begin, through_recipe
from mentorship_eval.cohort.schema.tables import MINIMUM_SETS, TABLES
from mentorship_eval.cohort.study.document import STUDY_FILE, Study

__all__ = ["read_tables"]


def read_tables(folder: Path, study: Study) -> Reading:
    """Read every table of the study. Errors of one table do not hide those of another."""
    reading = Reading(study)
    _enough(reading)
    for name, declared in study.tables.items():
        source = Source(TABLES[name], declared, declared.shown, reading)
        if _read(source, folder):
            reading.sources[name] = source
    check_references(reading)
    # from here on departments are the units of dept_lineage
    check_lineage_ids(reading)
    apply_lineage(reading)
    check_departments(reading)
    check_reporting(reading)
    check_exposure(reading)
    if "spells" in reading.sources:
        clean_spells(reading.sources["spells"])
    check_window(reading)
    check_matches(reading)
    check_follow_up(reading)
    check_plan_names(reading)
    return reading


def _read(source: Source, folder: Path) -> bool:
    """One table up to its own checks; False when it cannot be used any further."""
    importing = begin(source, folder) if source.declared.recipe is not None else None
    if source.declared.recipe is not None and importing is None:
        return False
    try:
        read_source(source, folder)
    except Unreadable as problem:
        source.find(problem.code, str(problem), rows=() if problem.row is None else problem.row, fix=problem.fix)
        return False
    if source.raw.columns.empty:
        return False
    if importing is not None:
        if not through_recipe(source, importing, folder):
            return False
        complete = map_columns(source)
    else:
        complete = map_columns(source)
        check_identifiers(source)
        tidy_cells(source)
    if source.raw.empty:
        source.find(
            "E003",
            "the table has a header and no rows",
            rows=source.declared.header_row,
            fix="Fill in its rows, export it again, or take it out of study.yaml.",
        )
        return False
    if not complete:
        return False
    convert(source)
    drop_duplicates(source)
    fill_keys(source)
    unique_keys(source)
    check_order(source)
    if source.name == "durations":
        check_durations(source)
    if source.name == "counts":
        check_counts(source)
    if source.name == "surveys":
        check_surveys(source)
        check_waves(source)
    return True


def _enough(reading: Reading) -> None:
    """E009 when no question can be answered, E001 when the window is needed and not given."""
    study = reading.study
    have = set(study.tables)
    if not any(have.issuperset(names) for names in MINIMUM_SETS):
        sets = "; ".join(" + ".join(names) for names in MINIMUM_SETS)
        reading.findings.add(
            "E009",
            f"the tables given ({', '.join(study.tables) or 'none'}) answer no question",
            file=STUDY_FILE,
            column="tables",
            fix=f"Give at least one of: {sets}.",
        )
    window = study.study
    if "spells" in have and not (window.start and window.end):
        reading.findings.add(
            "E001",
            "study.start and study.end are needed with spells",
            file=STUDY_FILE,
            column="study",
            fix="Add study: {start: 2022-01-01, end: 2024-12-31}.",
        )
