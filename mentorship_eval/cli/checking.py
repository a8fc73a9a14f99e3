"""The verb check: every finding with file, row and column."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.report.parameters import resolve_cohort

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["check_folder"]


def check_folder(cohort: str, as_json: bool, repair_log: str | None = None) -> None:
    """Print the findings of a cohort, and write its full repair log where one is asked for; ends the program with 1 when any is an error."""
    if repair_log is not None and Path(repair_log).exists():
        raise UsageError(f"{repair_log} exists already.", fix="Name another file; nothing is written over.")
    try:
        folder = resolve_cohort(cohort)
    except DataError:
        folder = cohort  # reading it says what is missing, in the form of a finding
    from mentorship_eval.cohort import check_cohort

    findings, read = check_cohort(folder)
    if repair_log is not None and read is not None:
        _write_repairs(read, repair_log)
    if as_json:
        rows = [
            {"code": f.code, "severity": f.severity, "table": f.table, "file": f.file, "rows": list(f.rows), "column": f.column,
             "message": f.message, "fix": f.fix, "count": f.count,
             "elsewhere": [{"file": file, "row": row, "count": count} for file, row, count in f.elsewhere]}
            for f in findings
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        # a terminal gets paragraphs, a pipe or a file one line for each finding
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(findings.text(width))
        for line in _what_it_answers(read) if read is not None else ():
            click.echo(line if width is None else textwrap.fill(line, min(width, 120), subsequent_indent="  "))
    sys.exit(1 if findings.errors else 0)


def _write_repairs(cohort: Cohort, name: str) -> None:
    from mentorship_eval.report.cells import without_formulas
    from mentorship_eval.report.repairs import full_log

    try:
        without_formulas(full_log(cohort)).to_csv(name, index=False, lineterminator="\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}.", fix="Choose another place.") from None
    click.echo(f"Repairs, row by row: {name}. It tells of single people: keep it with the data.", err=True)


def _what_it_answers(cohort: Cohort) -> Iterator[str]:
    """Every question that a programme raises: answered, without its tables, or without a chapter in this version."""
    from mentorship_eval.cohort.schema.tables import QUESTIONS
    from mentorship_eval.questions import CHAPTERS

    lacking = {name: cohort.missing_for(name) for name in QUESTIONS}
    answered = [name for name in QUESTIONS if name in CHAPTERS and not lacking[name]]
    if "incidents" not in answered and cohort.has("audits", "rollout"):
        answered.append("audited measures (a part of incidents)")
    yield f"This cohort answers: {', '.join(answered)}." if answered else "This cohort answers no question yet."
    yield from (lacking[name] for name in QUESTIONS if name in CHAPTERS and lacking[name])
    later = [name for name in QUESTIONS if name not in CHAPTERS]
    if later:
        ready = [name for name in later if not lacking[name]]
        there = f" (the tables are here for {', '.join(ready)})" if ready else ""
        yield f"No chapter yet in this version: {', '.join(later)}{there}."
