"""From the parts of a chapter to its answer: plain words, the truth where it is known; or the tables that lack."""

from __future__ import annotations

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.plain import plain, plain_cautions, plain_exhibits, plain_gaps, plain_lead, plain_results
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.truth import with_truth

__all__ = ["lacking_gap", "told_answer"]


def lacking_gap(cohort: Cohort, question: str, tables: tuple[str, ...]) -> Gap | None:
    """What to say of ``question`` when the cohort lacks any of ``tables``; None when it has them all."""
    lacking = [name for name in tables if not cohort.has(name)]
    if not lacking:
        return None
    return Gap(question, f"The cohort has no {lacking[0].replace('_', ' ')}.", f"{', '.join(lacking)} in study.yaml")


def told_answer(chapter: str, title: str, parts: Section, cohort: Cohort) -> Answer:
    """The answer that ``parts``, joined, make up."""
    return Answer(
        chapter,
        title,
        plain_lead(parts.lead),
        tuple(plain_results(with_truth(parts.results, cohort))),
        plain_exhibits(parts.exhibits),
        plain_cautions(parts.cautions),
        plain_gaps(parts.gaps),
        tuple(plain(text) for text in parts.methods),
    )
