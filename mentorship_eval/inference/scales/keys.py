"""Scoring keys of published instruments: which items make a score, which are turned, what the score means. Item numbers only, never item text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.scales.scores import METHODS

__all__ = ["Cutoff", "ScoringKey", "Subscale", "scoring_key", "scoring_keys"]

Item = int | str


@dataclass(frozen=True)
class Cutoff:
    """A score counts as ``means`` (high, positive, ...) at or above ``at_least``, or at or below ``at_most``."""

    means: str
    at_least: float | None = None
    at_most: float | None = None

    def words(self) -> str:
        return f"{self.means}: {self.at_least:g} or more" if self.at_least is not None else f"{self.means}: {self.at_most:g} or less"


@dataclass(frozen=True)
class Subscale:
    """items: numbers in the questionnaire, in order; better: "higher", "lower" or "" where neither is better."""

    items: tuple[Item, ...]
    better: str = "higher"
    cutoff: Cutoff | None = None


@dataclass(frozen=True, kw_only=True)
class ScoringKey:
    """What is known of an instrument.

    n_items : of the instrument; of each subscale where ``subscales_needed`` (there is no total) and subscales have one length.
    low, high : of an item. reverse : items that are turned. score : of the items x ``times``, see `scale_scores`.
    subscales : by name; empty where which items belong to them depends on the version. cutoff : of the total, and of subscales without their own.
    important : smallest difference that matters, on the scale of the score, with ``important_source``; None where none is published.
    """

    name: str
    title: str
    low: float
    high: float
    note: str
    source: str
    n_items: int | None = None
    reverse: tuple[Item, ...] = ()
    score: str = "mean"
    times: float = 1.0
    version: str = ""
    better: str = "higher"
    positive_from: float | None = None
    subscales_needed: bool = False
    subscales: dict[str, Subscale] = field(default_factory=dict)
    cutoff: Cutoff | None = None
    important: float | None = None
    important_source: str = ""
    aliases: tuple[str, ...] = ()  # other names under which scores of it are kept

    def higher_is_better(self, subscale: str | None = None) -> bool:
        """True where higher is better, or neither is."""
        part = self.subscales.get(subscale or "")
        return (part.better if part else self.better) != "lower"

    def cutoff_of(self, subscale: str | None = None) -> Cutoff | None:
        part = self.subscales.get(subscale or "")
        return part.cutoff if part and part.cutoff else self.cutoff

    def items_of(self, subscale: str | None = None) -> tuple[Item, ...]:
        """Item numbers of a subscale, or of the whole; empty where they are not known."""
        if subscale in self.subscales:
            return self.subscales[subscale].items
        return tuple(range(1, self.n_items + 1)) if self.n_items and not self.subscales_needed else ()

    def score_range(self, subscale: str | None = None) -> tuple[float, float] | None:
        """Least and greatest score; None where the number of items is needed and not known."""
        if self.score in ("percent", "positive"):
            return 0.0, 100 * self.times
        items = len(self.items_of(subscale)) or self.n_items or 0
        factor = self.times * (items if self.score == "sum" else 1)
        return (factor * self.low, factor * self.high) if factor else None


def _cutoff(entry: dict[str, Any] | None) -> Cutoff | None:
    return Cutoff(**entry) if entry else None


def _subscale(entry: dict[str, Any], better: str) -> Subscale:
    return Subscale(tuple(entry["items"]), entry.get("better", better), _cutoff(entry.get("cutoff")))


def _key(name: str, entry: dict[str, Any]) -> ScoringKey:
    more = dict(entry)
    better, important = more.get("better", "higher"), more.pop("important", None) or {}
    subscales = {label: _subscale(part, better) for label, part in (more.pop("subscales", None) or {}).items()}
    key = ScoringKey(
        name=name,
        subscales=subscales,
        cutoff=_cutoff(more.pop("cutoff", None)),
        reverse=tuple(more.pop("reverse", ())),
        aliases=tuple(more.pop("aliases", ())),
        important=important.get("value"),
        important_source=important.get("source", ""),
        **more,
    )
    if key.score not in METHODS or (key.score == "positive") != (key.positive_from is not None):
        raise ValueError(f"{name}: score {key.score!r} or positive_from")
    return key


@cache
def scoring_keys() -> dict[str, ScoringKey]:
    """The scoring keys that are shipped, by instrument."""
    import yaml

    text = (files("mentorship_eval") / "resources" / "scoring_keys.yaml").read_text(encoding="utf-8")
    return {name: _key(name, entry) for name, entry in yaml.safe_load(text).items()}


def scoring_key(name: str) -> ScoringKey:
    """One key, by its name or another that is known; `UsageError` naming those there are."""
    keys = scoring_keys()
    found = keys.get(name) or next((key for key in keys.values() if name in key.aliases), None)
    if found is None:
        raise UsageError(f"There is no scoring key {name!r}.", fix=f"There are {', '.join(keys)}.")
    return found
