"""A part of a chapter in the making: what one module of analysis has to say, and who wants to know which part is being made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Gap, Result, Statement

__all__ = ["Section", "made", "told_to"]

_LISTENER: ContextVar[Callable[[str], Any] | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Callable[[str], Any]) -> Iterator[None]:
    """Inside the block ``listener`` is called with the name of each part of a chapter before it is made."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


@dataclass
class Section:
    """Results, exhibits, sentences, cautions, gaps and methods of one part; the chapter joins its parts in order."""

    lead: list[Statement] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

    def lacks(self, question: str, reason: object, unlock: str) -> Section:
        """Adds a question that these data cannot answer; returns itself, for a part that ends there."""
        self.gaps.append(Gap(question, str(reason), unlock))
        return self

    @staticmethod
    def join(parts: Iterable[Section]) -> Section:
        """All parts as one; a sentence refers to the first exhibit of its own part unless it says otherwise."""
        whole = Section()
        for part in parts:
            shown = tuple(exhibit.id for exhibit in part.exhibits[:1])
            part.lead = [one if one.see else replace(one, see=shown) for one in part.lead]
            for name in ("lead", "results", "exhibits", "cautions", "gaps", "methods"):
                getattr(whole, name).extend(getattr(part, name))
        return whole


def made(part: Callable[..., Section], *of: Any) -> Section:
    """``part(*of)``, announced under its name."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(getattr(part, "__name__", "a part").strip("_").replace("_", " "))
    return part(*of)
