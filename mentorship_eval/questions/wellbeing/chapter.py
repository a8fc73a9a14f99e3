"""Did mentorship change how people feel and work together? Scales over survey waves, with who answered and what silence may have done."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.told import told_answer
from mentorship_eval.questions.wellbeing.asked import SurveyStudy, survey_study
from mentorship_eval.questions.wellbeing.departments import on_departments
from mentorship_eval.questions.wellbeing.effects import by_scale
from mentorship_eval.questions.wellbeing.genders import by_gender
from mentorship_eval.questions.wellbeing.items import scale_items
from mentorship_eval.questions.wellbeing.missing import missing_answers
from mentorship_eval.questions.wellbeing.ordered import in_order
from mentorship_eval.questions.wellbeing.responses import left_out, likeness, response, scores_by_wave
from mentorship_eval.questions.wellbeing.silence import silence_by_scale

__all__ = ["answer"]

_TITLE = "Wellbeing"
_QUESTION = "Did mentorship change how people feel and work together?"


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The wellbeing chapter of a cohort; says what lacks when it cannot be answered."""
    if not cohort.has("surveys") or cohort.table("surveys").empty:
        return Answer("wellbeing", _TITLE, gaps=(Gap(_QUESTION, "The cohort has no survey scores.", "surveys, and survey_invites, in study.yaml"),))
    study = survey_study(cohort)
    if not study.scales:
        reason, unlock = "The only scores are of mentors on their mentoring, told in the chapter on delivery.", "other instruments in surveys"
        return Answer("wellbeing", _TITLE, gaps=(Gap(_QUESTION, reason, unlock),))
    parts = Section.join(_parts(study))
    return told_answer("wellbeing", _TITLE, parts, cohort)


def _parts(study: SurveyStudy) -> list[Section]:
    silence = missing_answers(study) if study.compared else Section()
    described = [response(study, silence), scale_items(study), scores_by_wave(study), likeness(study), left_out(study)]
    if study.compared:
        return [by_scale(study), in_order(study), on_departments(study), by_gender(study), silence, silence_by_scale(study, silence), *described]
    if not study.linked:
        reason, unlock = "Answers are anonymous: whether the person was mentored is not known.", "staff_id in surveys, with people's agreement"
    else:
        reason, unlock = "There is nobody who was mentored by a wave to compare with others.", "matches, spells and staff, with waves after matches"
    return [Section().lacks(_QUESTION, reason, unlock), *described]
