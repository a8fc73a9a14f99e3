"""How items make scores: what a recipe says of a scale. The scoring keys that are shipped stand in inference/scales."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from mentorship_eval.cohort.study.types import Strict, as_text
from mentorship_eval.inference.scales.keys import scoring_keys

__all__ = ["Linkage", "Scale", "scoring_keys"]

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


class Scale(Strict):
    """One score of a survey.

    items: columns of the export in the order of the items, or ``column`` for a score that the export holds already. numbers: the item
    numbers of ``items`` in the questionnaire (1, 2, ... unless told). reverse: item numbers, or names of columns. low, high: the range of
    an item (of the score with ``column``). score: mean, sum, percent (0 to 100), or positive: the percentage of items at or above
    ``positive_from``. answered: share of items that must be answered.
    check: whether alpha and item-total correlations are looked at. Given a ``key``, what it says is taken from there.
    """

    key: str | None = None
    instrument: str = ""
    subscale: str = "total"
    items: Annotated[list[str], BeforeValidator(_run)] = Field(default_factory=list)
    column: str | None = None
    numbers: Annotated[list[int | str], BeforeValidator(_numbers)] = Field(default_factory=list)
    reverse: Annotated[list[int | str], BeforeValidator(_numbers)] = Field(default_factory=list)
    low: float
    high: float
    score: Literal["sum", "mean", "percent", "positive"] = "mean"
    positive_from: float | None = None
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
        part = key.subscales.get(str(value.get("subscale", "")))  # of the key; a name of one's own needs the item numbers
        if key.subscales_needed and "subscale" not in value:
            raise ValueError(f"{name} is scored by subscale: name subscale, and the items of it")
        if key.subscales_needed and key.reverse and part is None and not value.get("numbers") and "items" in value:
            raise ValueError(f"{name}: name under numbers which items of the questionnaire these are; some numbers are reversed")
        items = _run(value.get("items", []))
        needed = len(part.items) if part else key.n_items
        if needed is not None and len(items) != needed:
            whose = f" in {value['subscale']!r}" if part else " a subscale" if key.subscales_needed else ""
            raise ValueError(f"{name} has {needed} items{whose}, {len(items)} are named")
        numbers = _numbers(value.get("numbers") or list(part.items if part else range(1, len(items) + 1)))
        reverse = [number for number in key.reverse if number in numbers]
        return {"instrument": name, "low": key.low, "high": key.high, "reverse": reverse, "score": key.score, "times": key.times,
                "positive_from": key.positive_from, "version": key.version, "numbers": numbers if items else [], **value}  # fmt: skip

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
        if (self.score == "positive") != (self.positive_from is not None):
            raise ValueError("score: positive and positive_from go together: from which answer on an item is positive")
        odd = [item for item in self.reverse if isinstance(item, str) and item not in self.items and item not in self.numbers]
        if odd:
            raise ValueError(f"reverse names {odd[0]!r}, which is not among the items")
        return self

    @property
    def reversed_items(self) -> list[bool]:
        """Whether each item is turned before it is scored."""
        numbers = self.numbers or list(range(1, len(self.items) + 1))
        names = [item for item in self.reverse if item not in numbers]  # what is an item number is no name of a column
        return [number in self.reverse or name in names for name, number in zip(self.items, numbers, strict=True)]
