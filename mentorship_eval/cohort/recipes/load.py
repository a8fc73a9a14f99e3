"""Recipes found, read and typed; what is wrong in one is said with its file, key and line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mentorship_eval.cohort.reading.findings import Findings
from mentorship_eval.cohort.recipes.models import Recipe, TableRecipe
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.study.document import did_you_mean
from mentorship_eval.cohort.study.yaml_lines import KeyPath, YamlProblem, read_yaml

__all__ = ["Loaded", "is_own", "load_recipe", "recipe_names", "recipe_text", "with_settings"]


@dataclass(frozen=True)
class Loaded:
    """A recipe with the name of its file and the hash of its bytes."""

    recipe: Recipe
    name: str
    file: str
    sha256: str


def _shipped() -> Any:
    return files("mentorship_eval") / "resources" / "recipes"


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(item.name.removesuffix(".yaml") for item in _shipped().iterdir() if item.name.endswith(".yaml"))


def recipe_text(name: str) -> str:
    """The file of a shipped recipe."""
    return (_shipped() / f"{name}.yaml").read_text(encoding="utf-8")


def is_own(name: str) -> bool:
    """Whether ``name`` is a file of the user's, relative to the cohort folder."""
    return "/" in name or "\\" in name or name.endswith((".yaml", ".yml"))


@cache
def _shipped_recipe(name: str) -> Loaded | None:
    """A shipped recipe, read once: each table of a study asks for it twice."""
    return _read(name, Path(), Findings()) if name in recipe_names() else None


def load_recipe(name: str, folder: Path, findings: Findings) -> Loaded | None:
    """The recipe ``name``: one that is shipped, or a file below ``folder``. None, with findings E010, when it cannot be used."""
    shipped = None if is_own(name) else _shipped_recipe(name)
    return _read(name, folder, findings) if shipped is None else shipped


def _read(name: str, folder: Path, findings: Findings) -> Loaded | None:
    file = Path(name).name if is_own(name) else f"{name}.yaml"
    try:
        data = (folder / name).read_bytes() if is_own(name) else recipe_text(name).encode()
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: bytes that are not UTF-8, and names that no file can have
        if is_own(name):
            why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "cannot be read"
            fix = "Give its place relative to the cohort folder; `mentorship-eval new DIR --from NAME` shows the shipped ones."
            findings.add("E010", f"the recipe {why}", file=file, fix=fix)
        else:
            findings.add("E010", f"there is no recipe {name!r}", file="study.yaml", fix=did_you_mean(name, recipe_names()))
        return None
    before = len(findings.errors)
    try:
        document, lines = read_yaml(text)
        if not isinstance(document, dict):
            raise YamlProblem("not a recipe: it holds no keys")  # what it holds is not quoted: it may be any file, a secret one too
        recipe = Recipe.model_validate(document)
    except YamlProblem as problem:
        findings.add("E010", str(problem), file=file, rows=() if problem.line is None else problem.line, fix="Mend that line.")
        return None
    except ValidationError as error:
        for item in error.errors():
            explain(item, Recipe, lines, file, findings)
        return None
    _check_names(recipe, lines, file, findings)
    if len(findings.errors) > before:
        return None
    return Loaded(recipe, name, file, hashlib.sha256(data).hexdigest())


def with_settings(table: TableRecipe, settings: dict[str, Any]) -> TableRecipe:
    """The recipe of one table with keys of study.yaml laid over it. Raises pydantic's ValidationError."""
    return TableRecipe.model_validate(_laid_over(table.model_dump(exclude_unset=True), settings)) if settings else table


def _laid_over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    return above


def explain(
    item: Any, model: type[BaseModel], lines: dict[KeyPath, int], file: str, findings: Findings, above: KeyPath = ()
) -> None:
    """One error of pydantic as a finding E010 with key path and line; ``above`` is the path to the model in the file."""
    path = tuple(part for part in item["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    message, fix = item["msg"].removeprefix("Value error, "), ""
    if item["type"] == "extra_forbidden":
        message, fix = f"unknown key {str(path[-1])!r}", did_you_mean(str(path[-1]), _keys_at(model, path[:-1]))
    elif item["type"] == "missing":
        message = "this key is missing"
    elif isinstance(item["input"], str | int | float) and "error" not in item["type"]:
        message = f"{message} (found {str(item['input'])[:60]!r})"
    whole = (*above, *path)
    line = next((lines[whole[:n]] for n in range(len(whole), -1, -1) if whole[:n] in lines), None)
    key = ".".join(map(str, whole))
    findings.add("E010", f"{key}: {message}" if key else message, file=file, rows=() if line is None else line, column=key, fix=fix)


def _keys_at(model: Any, path: KeyPath) -> list[str]:
    """The keys of the model at ``path``; parts of a path that are keys of a dict or positions in a list lead to what these hold."""
    for part in path:
        field = model.model_fields.get(str(part)) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = field.annotation if field is not None else _inner(model)
        if model is None:
            return []
    found = _model_in(model)
    return list(found.model_fields) if found is not None else []


def _inner(annotation: Any) -> Any:
    """What a dict or a list holds."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) in (dict, list):
            return get_args(part)[-1]
    return annotation if _model_in(annotation) is not None else None


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, list):
        return None
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _check_names(recipe: Recipe, lines: dict[KeyPath, int], file: str, findings: Findings) -> None:
    """Tables and columns that only the schema knows, and names that steps use without anything that fills them."""

    def wrong(path: KeyPath, message: str, fix: str) -> None:
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), ())
        key = ".".join(map(str, path))
        findings.add("E010", f"{key}: {message}", file=file, rows=line, column=key, fix=fix)

    for name, table in recipe.tables.items():
        at: KeyPath = ("tables", name)
        if name not in TABLES:
            wrong(at, "there is no such table", did_you_mean(name, list(TABLES)))
            continue
        ours = TABLES[name].names
        for part, names in (("columns", table.columns), ("constants", table.constants), ("year_of", table.year_of)):
            for key in names:
                if key not in ours:
                    fix = did_you_mean(key, ours) + (" A column that only the recipe needs belongs under helpers." if part == "columns" else "")
                    wrong((*at, part, key), f"{name} has no column {key!r}", fix.strip())
        for key in table.helpers:
            if key in ours:
                wrong((*at, "helpers", key), f"{key!r} is a column of {name}", "Put it under columns.")
        for path, key in _used(table):
            if key not in table.names and key not in ours:
                wrong((*at, *path), f"{key!r} is neither under columns nor under helpers", did_you_mean(key, table.names))


def _used(table: TableRecipe) -> list[tuple[KeyPath, str]]:
    """Every name that a step uses, with its place."""
    found: list[tuple[KeyPath, str]] = []
    for part in ("values", "prefixes", "scale", "keep", "refused"):
        found += [((part, key), key) for key in getattr(table, part)]
    for i, rule in enumerate(table.set):
        found += [(("set", i, "column"), rule.column), *((("set", i, "when", key), key) for key in rule.when)]
    for i, one in enumerate(table.one_row_per):
        names = [*one.by, *one.must_agree, *(one.worst or {}), *filter(None, (one.largest, one.latest, one.earliest, one.add_up))]
        found += [(("one_row_per", i), key) for key in names]
    if table.snapshots:
        found += [(("snapshots", "new_spell"), key) for key in table.snapshots.new_spell]
    if isinstance(table.dates, dict):
        found += [(("dates", key), key) for key in table.dates]
    return found
