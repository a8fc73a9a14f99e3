"""Rewrites the tables of keys in docs/study.md from the typed models of study.yaml: ``python tools/study_keys.py``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mentorship_eval.cohort.study.choices import MatchingWeights
from mentorship_eval.cohort.study.document import Study
from mentorship_eval.matching import Weights

PAGE = Path(__file__).resolve().parents[1] / "docs" / "study.md"
MARK = "<!-- generated -->\n"


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``dict[str, TableSource]``, if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := model_in(inner)) is not None), None)


def models(model: type[BaseModel] = Study, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every model below ``model`` with the path of its key, in the order of the keys."""
    for name, field in model.model_fields.items():
        below = model_in(field.annotation)
        if below is not None:
            where = f"{path}{name}" + (".NAME" if name == "tables" else "")
            yield where, below
            yield from models(below, f"{where}.")


def shown(value: Any) -> str:
    """A value as it is written in study.yaml; nothing for what is empty."""
    if value is None or value == "" or (isinstance(value, list | tuple | dict) and not value):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, dict):
        return ", ".join(f"`{key}: {item:g}`" for key, item in value.items())
    return f"`{value:.10g}`" if isinstance(value, int | float) else f"`{value or repr(value)}`".replace("` `", '`" "`')


def default_of(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """What holds without the key, and the other values of a key with a few."""
    if field.is_required():
        return "required"
    default = getattr(Weights(), name) if model is MatchingWeights else field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return ""
    others = [value for literal in _literals(field.annotation) for value in get_args(literal) if value != default]
    return shown(default) + (f" (or {shown(others)})" if others and isinstance(default, str) else "")


def _literals(annotation: Any) -> list[Any]:
    """Literals that stand alone or in a union, not inside a list or mapping."""
    if get_origin(annotation) is Literal:
        return [annotation]
    return [] if get_origin(annotation) in (list, tuple, dict) else [each for inner in get_args(annotation) for each in _literals(inner)]


def words_of(model: type[BaseModel] | None) -> str:
    """What a model says of itself, as Markdown."""
    return inspect.cleandoc((model.__doc__ if model else "") or "").replace("``", "`")


def table(model: type[BaseModel], path: str = "") -> list[str]:
    """A line for every key of ``model``; raises `ValueError` for one that is not described."""
    lines = ["| key | default | what it does |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        below = model_in(field.annotation)
        if below is None and not field.description:
            raise ValueError(f"{path}{name} has no description")
        where = f"{path}{name}" + (".NAME" if name == "tables" else "")
        text = field.description or words_of(below).split("\n\n")[0].split(". ")[0].rstrip(".")
        if below is not None:
            text += f": [its keys](#{where.lower().replace('.', '')})"
        lines.append("| " + " | ".join(part.replace("|", "\\|") for part in (f"`{name}`", default_of(model, name, field), text)) + " |")
    return lines


def tables() -> str:
    """The generated part of the page."""
    lines = ["## Keys", "", *table(Study)]
    for path, model in models():
        lines += ["", f"### {path}", "", words_of(model), "", *table(model, f"{path}.")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    PAGE.write_text(head + MARK + "\n" + tables(), encoding="utf-8", newline="\n")
