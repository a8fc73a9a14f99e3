"""Did mentored staff work more across professions and departments? New ties, how professions mix against chance, hand-offs."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.errors import listing
from mentorship_eval.questions.answer import Answer, Gap, Statement
from mentorship_eval.questions.collaboration.being_mentored import while_mentored
from mentorship_eval.questions.collaboration.departments import handed_over, share_where_active
from mentorship_eval.questions.collaboration.indices import by_department, by_year
from mentorship_eval.questions.collaboration.people import between_professions
from mentorship_eval.questions.collaboration.ties import tie_study
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer
from mentorship_eval.questions.wellbeing.scales import scale_of

__all__ = ["answer"]

_TITLE = "Collaboration"
_QUESTION = "Did mentored staff work more across professions and departments?"
_TABLES = ("staff", "spells", "matches", "collaboration")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The collaboration chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("collaboration", _TITLE, gaps=(lacking,))
    if "profession" not in cohort.table("staff") or cohort.table("staff")["profession"].nunique() < 2:
        reason = "staff does not tell professions apart, so that no tie is known to cross them."
        return Answer("collaboration", _TITLE, gaps=(Gap(_QUESTION, reason, "the column profession in staff"),))
    study = tie_study(cohort)
    if study.ties.empty:
        reason = "No tie lies between two people while both were employed and followed."
        return Answer("collaboration", _TITLE, gaps=(Gap(_QUESTION, reason, "collaboration within the window"),))
    every = (while_mentored, between_professions, by_year, by_department, share_where_active, handed_over)
    parts = Section.join([made(part, study) for part in every])
    parts.exhibits.append(study.flow_exhibit())
    parts.lead += teamwork_scales(cohort)
    return told_answer("collaboration", _TITLE, parts, cohort)


def teamwork_scales(cohort: Cohort) -> list[Statement]:
    """Where the scales of teamwork that staff answered are told, which are another measure of the same promise; nothing without such a scale."""
    if not cohort.has("surveys"):
        return []
    asked = cohort.table("surveys")[["instrument", "subscale"]].astype(str).drop_duplicates().sort_values(["instrument", "subscale"])
    asked = asked[(asked["instrument"] + " " + asked["subscale"]).str.contains("team", case=False)]
    if asked.empty:
        return []
    pairs = zip(asked["instrument"], asked["subscale"], strict=True)
    scales = [scale_of(instrument, part, cohort.study.surveys) for instrument, part in pairs]
    names = [scale.name[:1].lower() + scale.name[1:] for scale in scales]
    return [Statement(f"How staff rate teamwork themselves ({listing(names, 12)}) is told in the chapter on wellbeing.")]
