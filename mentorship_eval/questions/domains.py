"""The four domains in which a mentorship programme is judged, and what a report has to say in each: estimates, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Result

__all__ = ["DOMAINS", "Domain", "Judged", "judged"]


@dataclass(frozen=True)
class Domain:
    """chapter: whose headline results belong to it, a name of `cohort.schema.tables.QUESTIONS`; question: as a reader would ask it."""

    title: str
    chapter: str
    question: str


DOMAINS = (
    Domain("Retention", "retention", "Did mentorship keep staff?"),
    Domain("Safety", "incidents", "Did care become safer?"),
    Domain("Innovation", "innovation", "Did more improvement come about?"),
    Domain("Wellbeing", "wellbeing", "Do people feel better at work?"),
)


@dataclass(frozen=True)
class Judged:
    """A domain with its headline results; without any, reason and unlock say why, and what would give one."""

    domain: Domain
    results: tuple[Result, ...] = ()
    reason: str = ""
    unlock: str = ""


def judged(answers: Mapping[str, Answer], cohort: Cohort) -> list[Judged]:
    """Every domain, in order. answers: of the chapters of a report, by name; protected or not, as they come."""
    return [_judged(domain, answers.get(domain.chapter), cohort) for domain in DOMAINS]


def _judged(domain: Domain, answer: Answer | None, cohort: Cohort) -> Judged:
    from mentorship_eval.questions import CHAPTERS

    lacking = cohort.missing_for(domain.chapter)
    if domain.chapter not in CHAPTERS:
        unlock = f"The file for it: {lacking.partition(', add ')[2]}" if lacking else "The files for it are in this cohort and were checked."
        return Judged(domain, reason="This version does not answer it yet.", unlock=unlock)
    if answer is None:
        return Judged(domain, reason="Its chapter was left out of this report.", unlock=lacking or f"Run the chapter {domain.chapter}.")
    results = tuple(result for result in answer.results if result.role == "headline")
    if results:
        return Judged(domain, results)
    if answer.gaps:
        return Judged(domain, reason=answer.gaps[0].reason, unlock=answer.gaps[0].unlock)
    return Judged(domain, reason="Its chapter gives no main estimate.", unlock=lacking)
