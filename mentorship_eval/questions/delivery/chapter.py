"""Was the programme delivered as planned? Who was reached, how it was prepared, how often pairs met, and what stood in the way."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.delivery.cascade import cascade
from mentorship_eval.questions.delivery.study import delivery_study
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Delivery"
_QUESTION = "Was the programme delivered as planned?"
_TABLES = ("staff", "spells", "matches")
PARTS = (cascade,)


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The delivery chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("delivery", _TITLE, gaps=(lacking,))
    study = delivery_study(cohort)
    if study.mentoring.empty:
        return Answer("delivery", _TITLE, gaps=(Gap(_QUESTION, "No match began within the window.", "matches within the window"),))
    parts = Section.join([made(part, study) for part in PARTS])
    return told_answer("delivery", _TITLE, parts, cohort)
