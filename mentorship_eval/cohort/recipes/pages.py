"""Recipes in words: the list in docs/recipes.md, and the study file that `mentorship-eval new --from` writes."""

from __future__ import annotations

from pathlib import Path

from mentorship_eval.cohort.reading.findings import Findings
from mentorship_eval.cohort.recipes.load import load_recipe, recipe_names
from mentorship_eval.cohort.recipes.models import Recipe, TableRecipe
from mentorship_eval.cohort.recipes.scales import scoring_keys
from mentorship_eval.cohort.schema.tables import MINIMUM_SETS

__all__ = ["generated_list", "one_line_each", "plain_tables", "readme_of", "shipped", "tables_of"]


def shipped(name: str) -> Recipe:
    """A shipped recipe. Raises KeyError for another name."""
    loaded = load_recipe(name, Path(), Findings()) if name in recipe_names() else None
    if loaded is None:
        raise KeyError(name)
    return loaded.recipe


def one_line_each() -> list[str]:
    """Name, tables and title of every shipped recipe."""
    wide = max(map(len, recipe_names()))
    return [f"{name:<{wide}}  {shipped(name).title} -> {', '.join(shipped(name).tables)}" for name in recipe_names()]


def tables_of(name: str) -> list[str]:
    """The lines of study.yaml for the tables of one recipe, two blanks deep; optional tables as comments."""
    lines = [f"  # {shipped(name).title}: RECIPES.md has the columns that are expected, and the rules."]
    for table, how in shipped(name).tables.items():
        mark = "# " if how.optional else ""
        lines.append(f"  {mark}{table}:")
        lines.append(f"  {mark}  file: {how.file}")
        lines.append(f"  {mark}  recipe: {name}")
        for option in _options(table, how):
            lines.append(f"  {mark or '# '}  {'# ' if mark else ''}{option}")
    return lines


def _options(table: str, how: TableRecipe) -> list[str]:
    """What is most often added, each as a comment."""
    first = next((ours for ours in how.columns if ours not in ("spell_id",)), "")
    found = [f"columns: {{{first}: THEIR NAME}}      # where the export names a column otherwise"]
    if how.values:
        found.append(f"values: {{{next(iter(how.values))}: {{THEIRS: OURS}}}}      # codes that the recipe does not know, or reads otherwise")
    if how.stays is not None:
        found += ['dates: "%d/%m/%Y %H:%M"', "settings: {stays: {count: hours}}      # hours / 24 in place of the midnight census"]
    else:
        found.append('dates: "%d/%m/%Y"')
    if how.snapshots is not None:
        found.append("settings: {snapshots: {missing_months: go_on}}      # only where a monthly list is truly lost")
    if how.key is not None:
        found.append(f"settings: {{key: {{file: '${{KEYS}}/{how.key.file}'}}}}      # a key file outside this folder")
        outside = next((name for name in how.key.columns if name != "mentee_id"), "")
        found.append(f"settings: {{key: {{unknown: {{{outside}: blank}}}}}}      # mentors from outside")
    if how.scales is not None:
        found.append("settings: {scales: [{key: WHO-5, items: Q5_1 to Q5_5}]}      # needed: which items make which scale")
    return found


def plain_tables(made: list[str]) -> list[str]:
    """Tables of our own form that are still needed beside ``made`` to answer a question that these have begun."""
    lacking: list[str] = []
    begun = [names for names in MINIMUM_SETS if len(names) > 1 and set(names) & set(made)]
    if not begun:
        begun = [MINIMUM_SETS[0]]  # surveys, sessions and the like are told of people
    for names in begun:
        lacking += [name for name in names if name not in made and name not in lacking]
    return lacking


def readme_of(names: list[str]) -> str:
    """RECIPES.md of a new folder: for each recipe the columns that are expected and the rules."""
    lines = ["# The exports of this cohort", "", "What each recipe expects and does. Whatever it leaves out or changes is in the repair log.", ""]
    for name in names:
        recipe = shipped(name)
        lines += [f"## {name}: {recipe.title}", "", f"{recipe.fits}.", "", "```text", *recipe.notes.rstrip().splitlines(), "```", ""]
        lines += _columns(recipe)
    lines += ["To change more than study.yaml can, edit the copy of a recipe in `recipes/` and say `recipe: recipes/NAME.yaml`.", ""]
    return "\n".join(lines)


def _columns(recipe: Recipe) -> list[str]:
    lines = []
    if recipe.names_vary:
        lines += ["Names of columns vary from site to site: these are the ones looked for, in this order.", ""]
    for table, how in recipe.tables.items():
        lines += [f"`{table}` (file: `{how.file}`)", "", "| ours | theirs |", "|---|---|"]
        for ours, theirs in {**how.columns, **(how.key.columns if how.key else {}), **how.helpers}.items():
            lines.append(f"| {ours} | {', '.join(theirs)} |")
        lines += [f"| {ours} | always {value} |" for ours, value in how.constants.items()]
        lines.append("")
    return lines


def generated_list() -> str:
    """The part of docs/recipes.md between its marks: every shipped recipe, and every scoring key."""
    lines = ["| recipe | export | tables | names vary by site |", "|---|---|---|---|"]
    for name in recipe_names():
        recipe = shipped(name)
        tables = ", ".join(f"`{table}`{' (optional)' if how.optional else ''}" for table, how in recipe.tables.items())
        lines.append(f"| [`{name}`](#{name}) | {recipe.title} | {tables} | {'yes' if recipe.names_vary else ''} |")
    lines += ["", "| scoring key | subscales (items) | answers | score | source |", "|---|---|---|---|---|"]
    for instrument, key in scoring_keys().items():
        parts = ", ".join(f"{name} ({len(part.items)})" for name, part in key.subscales.items()) or key.n_items or ""
        lines.append(f"| {instrument} | {parts} | {key.low:g} to {key.high:g} | {key.note} | {key.source} |")
    for name in recipe_names():
        recipe = shipped(name)
        lines += ["", f"### {name}", "", f"{recipe.title}. {recipe.fits}.", "", "```text", *recipe.notes.rstrip().splitlines(), "```", ""]
        lines += _columns(recipe)
    return "\n".join(lines).rstrip() + "\n"
