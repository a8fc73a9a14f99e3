"""Was the programme delivered as planned? Who was reached, how it was prepared, how often pairs met, and what stood in the way."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Exhibit, Gap
from mentorship_eval.questions.delivery.barriers import missed
from mentorship_eval.questions.delivery.by_mode import by_mode
from mentorship_eval.questions.delivery.cascade import cascade
from mentorship_eval.questions.delivery.changes import mentor_benefits, reverse_mentoring
from mentorship_eval.questions.delivery.gaps import training_gaps
from mentorship_eval.questions.delivery.kinds import kinds, supervision
from mentorship_eval.questions.delivery.matching import early_ends, match_scores
from mentorship_eval.questions.delivery.meetings import cases, held, protected, topics
from mentorship_eval.questions.delivery.mentor_effects import mentor_effects
from mentorship_eval.questions.delivery.modifiers import modifiers
from mentorship_eval.questions.delivery.objectives import objectives
from mentorship_eval.questions.delivery.preparation import preparation, recognition
from mentorship_eval.questions.delivery.progress import feedback, goals
from mentorship_eval.questions.delivery.setting import beside, slippage, support
from mentorship_eval.questions.delivery.study import delivery_study, told_table
from mentorship_eval.questions.delivery.versions import versions
from mentorship_eval.questions.delivery.waiting import load, waiting
from mentorship_eval.questions.exhibits import forest_exhibit
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Delivery"
_QUESTION = "Was the programme delivered as planned?"
_TABLES = ("staff", "spells", "matches")
_CHANGES = ("delivery.mentors.", "delivery.reverse.")
_BY_MENTOR = ("delivery.case_",)  # their clusters are mentors
_OWN = ("delivery.waiting.", "delivery.matching.", "delivery.mentor_effects.")  # shown by their parts in other ways than a row
PARTS = (
    waiting,
    cascade,
    load,
    match_scores,
    early_ends,
    mentor_effects,
    preparation,
    recognition,
    held,
    missed,
    by_mode,
    protected,
    goals,
    feedback,
    kinds,
    modifiers,
    supervision,
    topics,
    cases,
    slippage,
    support,
    beside,
    mentor_benefits,
    reverse_mentoring,
    training_gaps,
    versions,
    objectives,
)


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The delivery chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("delivery", _TITLE, gaps=(lacking,))
    study = delivery_study(cohort)
    if study.mentoring.empty:
        return Answer("delivery", _TITLE, gaps=(Gap(_QUESTION, "No match began within the window.", "matches within the window"),))
    parts = Section.join([made(part, study) for part in PARTS])
    parts.exhibits += _rest(parts)
    return told_answer("delivery", _TITLE, parts, cohort)


def _rest(parts: Section) -> list[Exhibit]:
    """What no part shows: the other shares, the means and rates, the changes of scores and the ratios, a table or figure each."""
    shown = {told for exhibit in parts.exhibits for frame in exhibit.frames.values() if "told" in frame for told in frame["told"]}
    left = [r for r in parts.results if r.id not in shown and r.estimate.n is not None and not r.id.startswith(_OWN)]
    changes = [r for r in left if r.id.startswith(_CHANGES)]
    shares = [r for r in left if r.estimate.scale == "probability"]
    means = [r for r in left if r.estimate.scale == "rate" and r not in changes]
    ratios = [r for r in left if r.estimate.is_ratio]
    made_of = []
    if shares:
        note = "Intervals leave out one department at a time"
        note += "; of feedback on cases, one mentor." if any(r.id.startswith(_BY_MENTOR) for r in shares) else "."
        made_of.append(told_table("delivery.shares", "Other shares", shares, note=note))
    if means:
        made_of.append(told_table("delivery.means", "Numbers: waits, sessions, protected time, support", means, units=True))
    if changes:
        note = "Before and after in the same people; nobody to compare with."
        made_of.append(told_table("delivery.changes", "Changes of scores of mentors, and of staff mentored in reverse", changes, note=note))
    if ratios:
        note = "Crude; intervals leave out one department at a time. Workshops and events: n counts staff; sessions: n counts relationships."
        made_of.append(
            forest_exhibit(
                "delivery.ratios",
                "Sessions in mentoring against supervision, and events beside the programme",
                ratios,
                value_label="Rate ratio",
                sides=("fewer", "more"),
                note=note,
            )
        )
    return made_of
