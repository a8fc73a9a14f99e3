"""What the keys of study.yaml are made of: strict models, and values as people write them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Days", "NameMap", "Names", "Strict", "TextMap", "as_text", "listed", "map_of_lists", "map_of_maps", "text_map"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def as_text(value: Any) -> Any:
    """Scalars of YAML as the text that stands in a file: 1 -> "1", true -> "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | date):
        return str(value)
    return value


def text_map(value: Any) -> Any:
    return {as_text(key): as_text(item) for key, item in value.items()} if isinstance(value, dict) else value


def map_of_maps(value: Any) -> Any:
    return {as_text(key): text_map(item) for key, item in value.items()} if isinstance(value, dict) else value


def map_of_lists(value: Any) -> Any:
    """Lists of texts by key; one text stands for a list of one."""
    if not isinstance(value, dict):
        return value
    listed_values = {as_text(key): [item] if isinstance(item, str | int | float | date) else item for key, item in value.items()}
    return {key: [as_text(item) for item in items] if isinstance(items, list) else items for key, items in listed_values.items()}


def _names(value: Any) -> Any:
    """A list of names as a map of each to itself; one name as a list of one."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        if any(isinstance(item, list | dict) for item in value):
            raise ValueError("a list of names holds names alone")
        return {as_text(item): as_text(item) for item in value}
    return text_map(value)


def listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


TextMap = Annotated[dict[str, str], BeforeValidator(text_map)]
NameMap = Annotated[dict[str, str], BeforeValidator(_names)]
Names = Annotated[list[str], BeforeValidator(listed)]
Days = Annotated[float, Field(ge=0)]
