"""Did more improvement come about? Projects that people and departments began, what came of them, labs beside it, outcomes of patients."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.innovation.adoption import funnel, time_to_adoption
from mentorship_eval.questions.innovation.being_mentored import while_mentored
from mentorship_eval.questions.innovation.departments import digital_where_active, where_active
from mentorship_eval.questions.innovation.labs import in_labs, labs_together
from mentorship_eval.questions.innovation.means import projects_per_person
from mentorship_eval.questions.innovation.patients import by_month
from mentorship_eval.questions.innovation.study import innovation_study
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Innovation"
_QUESTION = "Did more improvement come about?"
_TABLES = ("staff", "spells", "matches", "projects")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The innovation chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("innovation", _TITLE, gaps=(lacking,))
    study = innovation_study(cohort)
    if study.projects.empty:
        reason = "No project began while one of its members was employed and followed."
        return Answer("innovation", _TITLE, gaps=(Gap(_QUESTION, reason, "projects that begin within the window"),))
    every = (while_mentored, projects_per_person, where_active, digital_where_active, funnel, time_to_adoption, labs_together, in_labs, by_month)
    parts = Section.join([made(part, study) for part in every])
    parts.exhibits.append(study.flow_exhibit())
    return told_answer("innovation", _TITLE, parts, cohort)
