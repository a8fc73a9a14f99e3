"""A part of a chapter in the making: what one module of analysis has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Exhibit, Gap, Result, Statement

__all__ = ["Section"]


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
