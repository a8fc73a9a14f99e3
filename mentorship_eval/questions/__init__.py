"""One module per chapter: (cohort, earlier answers) -> Answer. Chapters are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from mentorship_eval.errors import UsageError

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort
    from mentorship_eval.questions.answer import Answer

__all__ = ["CHAPTERS", "Chapter", "answer_chapter"]


@dataclass(frozen=True)
class Chapter:
    """name; module that answers it; notebook that shows it; title; chapters whose answers it needs."""

    name: str
    module: str
    notebook: str
    title: str
    needs: tuple[str, ...] = ()


CHAPTERS: dict[str, Chapter] = {
    chapter.name: chapter
    for chapter in (
        Chapter("cohort", "cohort_profile", "01_cohort", "Cohort"),
        Chapter("retention", "retention.chapter", "02_retention", "Retention"),
        Chapter("incidents", "incidents.chapter", "03_incidents", "Incidents"),
        Chapter("wellbeing", "wellbeing.chapter", "04_wellbeing", "Wellbeing"),
        Chapter("innovation", "innovation.chapter", "05_innovation", "Innovation"),
        Chapter("careers", "careers.chapter", "06_careers", "Careers"),
        Chapter("collaboration", "collaboration.chapter", "07_collaboration", "Collaboration"),
        Chapter("equity", "equity.chapter", "08_equity", "Equity"),
        Chapter("delivery", "delivery.chapter", "09_delivery", "Delivery"),
        Chapter("economics", "economics.chapter", "10_economics", "Costs and benefits", ("retention",)),
        Chapter("summary", "summary", "11_summary", "Summary",
                ("cohort", "retention", "incidents", "wellbeing", "innovation", "careers", "collaboration", "equity", "delivery",
                 "economics")),
    )
}


def answer_chapter(name: str, cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The answer of one chapter, not yet protected; from the second look at a programme on it says so first.

    Raises UsageError for an unknown chapter.
    """
    if name not in CHAPTERS:
        raise UsageError(f"There is no chapter {name!r}.", fix=f"The chapters are {', '.join(CHAPTERS)}.")
    module = import_module(f"mentorship_eval.questions.{CHAPTERS[name].module}")
    answer: Answer = module.answer(cohort, earlier or {})
    look = cohort.look
    if look.number == 1 or any(caution.code == "repeated_look" for caution in answer.cautions):
        return answer
    from mentorship_eval.estimate import Caution

    told = Caution("repeated_look", look.statement(), {"look": look.number, "plans": look.plans})
    return replace(answer, cautions=(told, *answer.cautions))
