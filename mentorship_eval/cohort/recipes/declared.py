"""What study.yaml says of recipes, looked at before any file of data is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mentorship_eval.cohort.reading.findings import Findings
from mentorship_eval.cohort.recipes.load import explain, load_recipe, with_settings
from mentorship_eval.cohort.recipes.models import TableRecipe
from mentorship_eval.cohort.study.document import STUDY_FILE, did_you_mean
from mentorship_eval.cohort.study.yaml_lines import KeyPath

__all__ = ["names_of_recipes"]


def names_of_recipes(document: dict[str, Any], lines: dict[KeyPath, int], findings: Findings, folder: Path) -> dict[str, list[str]]:
    """For each table with a recipe, the names that it adds to our columns; what is wrong with recipes and settings is found (E010)."""
    tables, names, seen = document.get("tables"), {}, {}

    def wrong(path: KeyPath, message: str, fix: str) -> None:
        key = ".".join(map(str, path))
        findings.add("E010", f"{key}: {message}", file=STUDY_FILE, rows=lines.get(path, ()), column=key, fix=fix)

    for table, source in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(source, dict):
            continue
        recipe, at = source.get("recipe"), ("tables", str(table))
        if not isinstance(recipe, str):
            if source.get("settings"):
                wrong((*at, "settings"), "settings are those of a recipe, and none is named", "Add recipe: NAME.")
            continue
        if recipe not in seen:
            seen[recipe] = load_recipe(recipe, folder, findings)
        loaded = seen[recipe]
        if loaded is None:
            continue
        if table not in loaded.recipe.tables:
            wrong((*at, "recipe"), f"the recipe {recipe} does not make {table}", f"It makes {', '.join(loaded.recipe.tables)}.")
            continue
        settings = source.get("settings") or {}
        names[str(table)] = loaded.recipe.tables[table].names
        if not isinstance(settings, dict):
            continue
        for key in [key for key in settings if key in ("columns", "values", "dates", "file")]:
            wrong((*at, "settings", key), f"{key} is a key of the table itself", f"Write {key} beside recipe.")
        try:
            with_settings(loaded.recipe.tables[table], settings)
        except ValidationError as error:
            for item in error.errors():
                explain(item, TableRecipe, lines, STUDY_FILE, findings, above=(*at, "settings"))
        unknown = [key for key in settings.get("keep", {}) or {} if key not in names[str(table)]]
        for key in unknown:
            wrong((*at, "settings", "keep", key), f"{key!r} is not a name of the recipe", did_you_mean(str(key), names[str(table)]))
    return names
