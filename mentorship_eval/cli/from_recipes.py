"""``new DIR --from RECIPE``: a cohort folder for the exports of one or several systems."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click

from mentorship_eval.errors import UsageError

__all__ = ["new_from"]

HEAD = """\
# The study file of this cohort. Every key is checked: a misspelt one is refused with a suggestion.
# Put the exports where `file` says, then: mentorship-eval check .
# What stands here goes before what a recipe says. RECIPES.md has the columns that each recipe expects.

study:
  name: "{name}"
  start: 2022-01-01          # first day of the window
  end: 2024-12-31            # last day of the window
  # extract: 2025-01-31      # the day on which the files were drawn; open stays of patients need it

tables:
"""
FOOT = """
# What was decided before looking at outcomes; everything else is marked as exploratory.
plan:
  primary: [{primary}]

# Counts below 10 are withheld unless you say otherwise: another number, none, or the rule of one of
# acro, cms11, hes, nhs5, opensafely, survey, tre10 (docs/disclosure.md).
# disclosure: 10
"""


def new_from(folder: str, names: tuple[str, ...], make: Callable[[str], Path]) -> None:
    """Write a cohort folder for the recipes ``names``; ``make`` makes the empty folder. An unknown name lists what there is."""
    from mentorship_eval.cohort import data_dictionary, write_templates
    from mentorship_eval.cohort.recipes.load import recipe_names, recipe_text
    from mentorship_eval.cohort.recipes.pages import one_line_each, plain_tables, readme_of, shipped, tables_of
    from mentorship_eval.cohort.study.document import did_you_mean

    names = tuple(dict.fromkeys(names))
    if names == ("list",):
        click.echo("\n".join(one_line_each()))
        return
    unknown = [name for name in names if name not in recipe_names()]
    if unknown:
        click.echo("\n".join(one_line_each()), err=True)
        near = did_you_mean(unknown[0], recipe_names())
        fix = near if near.startswith("Did") else "The recipes are listed above."
        raise UsageError(f"There is no recipe {unknown[0]!r}.", fix=f"{fix} A recipe of your own is named in study.yaml.")
    by: dict[str, str] = {}
    for name in names:
        for table in shipped(name).tables:
            if table in by:
                raise UsageError(f"{by[table]} and {name} both make {table}.", fix="A table comes from one system: name one of the two.")
            by[table] = name
    made = [table for name in names for table, how in shipped(name).tables.items() if not how.optional]
    plain = plain_tables(made)
    lines = [line for name in names for line in [*tables_of(name), ""]]
    if plain:
        lines += ["  # In our own form: templates stand in this folder, DATA_DICTIONARY.md explains every column."]
        lines += [f"  {table}: {table}.csv" for table in plain]
    everything = {*made, *plain}
    primary = [outcome for outcome, needs in (("retention", "spells"), ("harm_incidents", "incidents")) if needs in everything]
    title = re.sub(r"[^\w .-]", " ", Path(folder).expanduser().resolve().name).strip() or "My cohort"
    path = make(folder)
    text = HEAD.format(name=title) + "\n".join(lines).rstrip() + "\n" + FOOT.format(primary=", ".join(primary))
    (path / "study.yaml").write_text(text, encoding="utf-8", newline="\n")
    (path / "RECIPES.md").write_text(readme_of(list(names)), encoding="utf-8", newline="\n")
    (path / "DATA_DICTIONARY.md").write_text(data_dictionary(), encoding="utf-8", newline="\n")
    (path / "recipes").mkdir()
    for name in names:
        (path / "recipes" / f"{name}.yaml").write_text(recipe_text(name), encoding="utf-8", newline="\n")
        for how in shipped(name).tables.values():
            (path / how.file).parent.mkdir(parents=True, exist_ok=True)
    write_templates(path, plain)
    click.echo("Put the exports in place (RECIPES.md says how they look), then: mentorship-eval check " + folder, err=True)
    click.echo(str(path))
