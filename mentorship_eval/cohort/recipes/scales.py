"""How items make scores: the keys of a scale, and the scoring keys that are shipped (item numbers, never item text)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, model_validator

from mentorship_eval.cohort.study.types import Strict, as_text

__all__ = ["Linkage", "Scale", "ScoringKey", "scoring_keys"]

_RANGE = re.compile(r"^(.*?)(\d+)\s+to\s+(.*?)(\d+)$")


def _run(value: Any) -> Any:
    """``Q5_1 to Q5_9`` as nine names; one name as a list of one."""
    if isinstance(value, str | int):
        found = _RANGE.match(str(value).strip())
        if not found or found.group(1) != found.group(3):
            return [str(value)]
        first, last = int(found.group(2)), int(found.group(4))
        if last < first or last - first > 200:
            raise ValueError(f"{value!r} is not a run of items")
        return [f"{found.group(1)}{number}" for number in range(first, last + 1)]
    return [as_text(item) for item in value] if isinstance(value, list) else value


def _numbers(value: Any) -> Any:
    return [int(item) if str(item).isdigit() else item for item in _run(value)] if isinstance(value, str | list) else value


class Linkage(Strict):
    """When answers may be joined to HR records: the texts of ``consent`` that say so, or a declaration that all agreed."""

    given: Annotated[list[str], BeforeValidator(_run)] = Field(default_factory=lambda: ["1", "yes", "true"])
    declared: bool = False


class ScoringKey(Strict):
    """What is known of an instrument. ``reverse``: item numbers. ``n_items``: of each subscale. Scores are ``score`` of items x ``times``."""

    n_items: int | None = None
    low: float
    high: float
    reverse: list[int] = Field(default_factory=list)
    score: Literal["sum", "mean", "percent"] = "mean"
    times: float = 1.0
    version: Annotated[str, BeforeValidator(as_text)] = ""
    subscales_needed: bool = False
    note: str


@cache
def scoring_keys() -> dict[str, ScoringKey]:
    """The scoring keys that are shipped, by instrument."""
    text = (files("mentorship_eval") / "resources" / "scoring_keys.yaml").read_text(encoding="utf-8")
    return {name: ScoringKey.model_validate(key) for name, key in yaml.safe_load(text).items()}


class Scale(Strict):
    """One score of a survey.

    items: columns of the export in the order of the items, or ``column`` for a score that the export holds already. numbers: the item
    numbers of ``items`` in the questionnaire (1, 2, ... unless told). reverse: item numbers, or names of columns. low, high: the range of
    an item (of the score with ``column``). score: mean, sum, or percent (0 to 100). answered: share of items that must be answered.
    check: whether alpha and item-total correlations are looked at. Given a ``key``, what it says is taken from there.
    """

    key: str | None = None
    instrument: str = ""
    subscale: str = "total"
    items: Annotated[list[str], BeforeValidator(_run)] = Field(default_factory=list)
    column: str | None = None
    numbers: Annotated[list[int], BeforeValidator(_numbers)] = Field(default_factory=list)
    reverse: Annotated[list[int | str], BeforeValidator(_numbers)] = Field(default_factory=list)
    low: float
    high: float
    score: Literal["sum", "mean", "percent"] = "mean"
    times: float = 1.0
    answered: float = Field(default=1.0, gt=0, le=1)
    version: Annotated[str, BeforeValidator(as_text)] = ""
    check: bool = True
    complete: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_key(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not value.get("key"):
            return value
        known = scoring_keys()
        name = str(value["key"])
        if name not in known:
            raise ValueError(f"there is no scoring key {name!r}; there are {', '.join(known)}")
        key = known[name]
        if key.subscales_needed and "subscale" not in value:
            raise ValueError(f"{name} is scored by subscale: name subscale, and the items of it")
        if key.subscales_needed and key.reverse and not value.get("numbers") and "items" in value:
            raise ValueError(f"{name}: name under numbers which items of the questionnaire these are; some numbers are reversed")
        items = _run(value.get("items", []))
        if key.n_items is not None and len(items) != key.n_items:
            raise ValueError(f"{name} has {key.n_items} items{' a subscale' if key.subscales_needed else ''}, {len(items)} are named")
        return {"instrument": name, "low": key.low, "high": key.high, "reverse": key.reverse, "score": key.score, "times": key.times,
                "version": key.version, **value}  # fmt: skip

    @model_validator(mode="after")
    def _fits(self) -> Scale:
        if not self.instrument:
            raise ValueError("name the instrument, or a scoring key")
        if bool(self.items) == (self.column is not None):
            raise ValueError("name either the items, or the column that holds the score")
        if self.numbers and len(self.numbers) != len(self.items):
            raise ValueError(f"{len(self.items)} items and {len(self.numbers)} numbers")
        if self.high <= self.low:
            raise ValueError(f"high {self.high:g} is not above low {self.low:g}")
        odd = [item for item in self.reverse if isinstance(item, str) and item not in self.items]
        if odd:
            raise ValueError(f"reverse names {odd[0]!r}, which is not among the items")
        return self

    @property
    def reversed_items(self) -> list[bool]:
        """Whether each item is turned before it is scored."""
        numbers = self.numbers or list(range(1, len(self.items) + 1))
        return [name in self.reverse or number in self.reverse for name, number in zip(self.items, numbers, strict=True)]
