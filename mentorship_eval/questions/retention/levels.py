"""What leaving means in this study, in words: of the organisation, the department, the post or the profession.

The definitions are in `cohort.leaving`; the plan chooses one (``plan.leaving`` in study.yaml) before the data are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.person_time.episodes import Episodes
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Gap

__all__ = ["Words", "level_cautions", "level_refused", "words_of"]


@dataclass(frozen=True)
class Words:
    """leaving: the outcome, a noun ("voluntary leaving"); left: a verb; still: of who has no exit; exits: what counts as one."""

    leaving: str
    left: str
    still: str
    exits: str

    @property
    def label(self) -> str:
        return self.leaving[:1].upper() + self.leaving[1:]


_WORDS = {
    "organisation": Words("voluntary leaving", "left voluntarily", "still employed", "all exits"),
    "department": Words(
        "leaving the department (voluntarily or by transfer)",
        "left the department voluntarily or by transfer",
        "still in the department",
        "all exits and moves to another department",
    ),
    "role": Words(
        "leaving the post (voluntarily or by transfer)",
        "left their post voluntarily or by transfer",
        "still in the same post",
        "all exits and moves to another post",
    ),
    "profession": Words(
        "leaving the profession voluntarily",
        "left the profession voluntarily",
        "still in the profession",
        "all ends but those of people who stay in the profession; an unknown destination counts as an end",
    ),
}


def words_of(episodes: Episodes) -> Words:
    """The words for the level of leaving of ``episodes``."""
    return _WORDS[episodes.options.get("level", "organisation")]


def level_refused(cohort: Cohort) -> Gap | None:
    """Why the level of leaving that the plan asks for cannot be told from these tables; None when it can."""
    if cohort.study.plan.leaving != "profession" or not cohort.has("spells"):
        return None
    question = "Did mentorship keep people in the profession? (plan.leaving: profession)"
    if "destination" not in cohort.table("spells"):
        return Gap(question, "spells does not say where people went.", "the column destination in spells; or another level in plan.leaving")
    if not cohort.study.rules.profession_destinations:
        unlock = "rules.profession_destinations in study.yaml, for example {No employment: left, Another hospital: stayed}"
        return Gap(question, "study.yaml does not say which destinations mean leaving the profession.", unlock)
    return None


def level_cautions(cohort: Cohort, episodes: Episodes) -> list[Caution]:
    """What a reader must know of a level other than the organisation."""
    level = cohort.study.plan.leaving
    if level == "organisation":
        return []
    words = words_of(episodes)
    if level == "profession":
        text = "Leaving is leaving the profession, as the destination on leaving says; who goes to another employer in it has not left."
    else:
        text = (
            f"The outcome is {words.leaving}: records seldom say who wished a move, so that moves count with voluntary leaving. "
            "Planned rotations compete with it."
        )
    cautions = [Caution("level_of_leaving", text, {"level": level})]
    spells = cohort.table("spells")
    if level == "role" and "role" not in spells:
        text = "spells has no column role: a move to another post within the department is only seen when it goes to the bank."
        cautions.append(Caution("posts_not_told_apart", text))
    if level in ("role", "department") and ("contract" not in spells or spells["contract"].isna().all()):
        text = "spells does not say which contracts are rotational: planned rotations count as moves."
        cautions.append(Caution("rotations_not_told_apart", text))
    return cautions
