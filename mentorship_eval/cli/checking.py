"""The verb check: every finding with file, row and column."""

from __future__ import annotations

import json
import shutil
import sys

import click

from mentorship_eval.errors import DataError
from mentorship_eval.report.parameters import resolve_cohort

__all__ = ["check_folder"]


def check_folder(cohort: str, as_json: bool) -> None:
    """Print the findings of a cohort; ends the program with 1 when any is an error."""
    try:
        folder = resolve_cohort(cohort)
    except DataError:
        folder = cohort  # reading it says what is missing, in the form of a finding
    from mentorship_eval.cohort import check_cohort

    findings, read = check_cohort(folder)
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
        click.echo(findings.text(shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
        if read is not None:
            questions = [name for name in ("retention", "incidents") if not read.missing_for(name)]
            click.echo(f"This cohort answers: {', '.join(questions)}." if questions else "This cohort answers no question yet.")
            for line in filter(None, (read.missing_for(name) for name in ("retention", "incidents"))):
                click.echo(line)
    sys.exit(1 if findings.errors else 0)
