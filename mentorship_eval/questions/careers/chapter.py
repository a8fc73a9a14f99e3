"""Did mentored staff advance, and who advances at all? Promotion, leadership posts, certification; the senior grades by group."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.careers.being_mentored import by_landmark, while_mentored
from mentorship_eval.questions.careers.groups import promotion_by_group, senior_by_group
from mentorship_eval.questions.careers.mentors import recognised_mentors
from mentorship_eval.questions.careers.steps import career_study
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Careers"
_QUESTION = "Did mentored staff advance in their careers?"
_TABLES = ("staff", "spells", "matches", "career_events")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The careers chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("careers", _TITLE, gaps=(lacking,))
    study = career_study(cohort)
    if not study.kinds:
        reason = "No step of a known kind lies within the time in which anybody was followed."
        return Answer("careers", _TITLE, gaps=(Gap(_QUESTION, reason, "career_events within the window"),))
    parts = Section.join([part(study) for part in (while_mentored, by_landmark, promotion_by_group, senior_by_group, recognised_mentors)])
    return told_answer("careers", _TITLE, parts, cohort)
