"""The verbs new and simulate: cohort folders to start from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click

from mentorship_eval.errors import UsageError

__all__ = ["new_cohort", "write_own_notebook", "write_simulated"]

FIRST = ["staff", "departments", "spells", "matches", "incidents", "exposure", "rollout"]

WORKBOOK = "tables.xlsx"
OWN_NOTEBOOK = "my_analysis.ipynb"

SKELETON = """\
# The study file of this cohort. Every key is checked: a misspelt one is refused with a suggestion.
# `mentorship-eval check .` says what is still missing; DATA_DICTIONARY.md explains every column.

study:
  name: {name}
  start: 2022-01-01          # CHANGE: first day of the window
  end: 2024-12-31            # CHANGE: last day of the window
  # extract: 2025-01-31      # the day on which the files were drawn

# Leave out what you do not have; the report says what it would unlock. Retention needs staff, spells and matches;
# incidents need incidents, exposure and rollout. Templates of further tables stand in templates/.
tables:
  staff: staff.csv
  departments: departments.csv
  spells: spells.csv
  matches: matches.csv
  incidents: incidents.csv
  exposure: exposure.csv
  rollout: rollout.csv
  # The long form, when names, dates or codes differ from ours:
  # spells:
  #   file: leavers.xlsx                                    # CSV, XLSX or Parquet, relative to this folder; a folder,
  #                                                         # a pattern or a list for several; or the address of a database
  #   sheet: Leavers
  #   columns: {{staff_id: Person Ref, dept_id: Ward, start: Joining Date, end: Leaving Date, leaving_reason: Reason}}  # ours: theirs
  #   values: {{leaving_reason: {{Resignation: voluntary}}}}    # theirs: ours
  #   dates: "%d/%m/%Y"

# What was decided before looking at outcomes; everything else is marked as exploratory.
plan:
  primary: [retention, harm_incidents]
  # secondary: []
  covariates:
    retention: [profession, newly_qualified]

# Counts below 10 are withheld unless you say otherwise: another number, none, or the rule of one of
# acro, cms11, hes, nhs5, opensafely, survey, tre10 (docs/disclosure.md).
# disclosure: 10

# In which direction survey scales are read that no shipped scoring key knows (docs/surveys.md). Without it their differences are higher or lower,
# never a benefit or a harm.
# surveys:
#   higher_is_better: {{JOB-SATISFACTION: true, CASEY-FINK: {{support: true, stress: false}}}}

# How `mentorship-eval match` chooses the next wave's pairs, kept from wave to wave (docs/files.md). What is left out has its default.
# matching:
#   weights: {{goals: 0.4, field: 0.2, concordance: 0.2, preference: 0.2, unmatched: 1}}
#   untrained: leave_out     # or allow: mentors whose training is not completed or has expired
#   scarce: total            # or equal: when places are scarce, the same claim for all, however easily suited
#   capacity: 2              # mentees at a time of mentors for whom none is recorded; nobody unless given
"""


def _empty(folder: str) -> Path:
    path = Path(folder).expanduser()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "is not empty" if path.is_dir() else "is a file"
        raise UsageError(f"{folder} {what}.", fix="Name a folder that does not exist yet; nothing was written.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", fix="Choose another place.") from None
    return path


def new_cohort(folder: str, like: str | None, recipes: tuple[str, ...] = (), kind: str = "csv") -> None:
    """Write the skeleton of a cohort folder, with a notebook to begin one's own analysis; a folder with anything in it is refused.

    kind: of the tables to fill in, csv or xlsx.
    """
    if like and recipes:
        raise UsageError("--like and --from exclude each other.", fix="With --like the recipes of that cohort are taken over.")
    if kind == "xlsx" and (like or recipes):
        fix = "Leave out --format: the study file says which files are read."
        raise UsageError("--format xlsx is for a folder to fill in, not for --like or --from.", fix=fix)
    if recipes:
        from mentorship_eval.cli.from_recipes import new_from

        new_from(folder, recipes, _empty)
    elif like:
        from mentorship_eval.cli.carrying import new_like

        new_like(folder, like, _empty)
    else:
        _to_fill_in(folder, kind)
    path = Path(folder).expanduser()
    if (path / "study.yaml").is_file():  # not after --from list, which makes no folder
        write_own_notebook(path)


def write_own_notebook(folder: Path) -> Path:
    """The notebook from which one's own analysis of the cohort in ``folder`` begins."""
    target = folder / OWN_NOTEBOOK
    shutil.copyfile(Path(__file__).resolve().parents[1] / "resources" / "starting" / OWN_NOTEBOOK, target)
    return target


def _to_fill_in(folder: str, kind: str) -> None:
    """study.yaml, templates and data dictionary."""
    from mentorship_eval.cohort import data_dictionary, write_templates
    from mentorship_eval.cohort.schema.tables import TABLES

    tables = FIRST
    name = re.sub(r"[^\w .-]", " ", Path(folder).expanduser().resolve().name).strip() or "My cohort"
    text = SKELETON.format(name=f'"{name}"')
    if kind == "xlsx":
        text = re.sub(r"^  (\w+): \1\.csv$", rf"  \1: {{file: {WORKBOOK}, sheet: \1}}", text, flags=re.MULTILINE)
    path = _empty(folder)
    (path / "study.yaml").write_text(text, encoding="utf-8", newline="\n")
    others = [table for table in TABLES if table not in tables]
    if kind == "xlsx":
        from mentorship_eval.cohort.schema.workbook import write_workbook

        write_workbook(path / WORKBOOK, [*tables, *others])
        write_templates(path / "templates", list(TABLES))
    else:
        write_templates(path, tables)
        write_templates(path / "templates", others)
    (path / "DATA_DICTIONARY.md").write_text(data_dictionary(), encoding="utf-8", newline="\n")
    click.echo("Fill in the tables, then: mentorship-eval check " + folder, err=True)
    click.echo(str(path))


def write_simulated(folder: str, scenario: str, seed: int, outcomes: bool = False, faults: str | None = None) -> None:
    """Write a simulated cohort into an empty folder."""
    from mentorship_eval.cohort import simulate_cohort

    cohort = simulate_cohort(scenario, seed=seed, faults=faults, **({"outcomes": True} if outcomes else {}))
    path = cohort.write(_empty(folder))
    click.echo(cohort.statement(), err=True)
    click.echo(str(path))
