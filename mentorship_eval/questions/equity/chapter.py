"""Whom does the programme reach, what do they get, and do gaps between groups change with it? One module an analysis."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.equity.alike import pairs_alike
from mentorship_eval.questions.equity.concordance import concordance
from mentorship_eval.questions.equity.dose import dose
from mentorship_eval.questions.equity.eligible import equity_study
from mentorship_eval.questions.equity.promotion import change_in_promotion
from mentorship_eval.questions.equity.reach import reach
from mentorship_eval.questions.equity.reach_ratio import reach_ratios
from mentorship_eval.questions.equity.staying import excess_risk, gaps_in_staying
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Equity"
_QUESTION = "Whom does the programme reach, and do gaps between groups change with it?"
_TABLES = ("staff", "spells", "matches", "rollout")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The equity chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = lacking_gap(cohort, _QUESTION, _TABLES)
    if lacking is not None:
        return Answer("equity", _TITLE, gaps=(lacking,))
    study = equity_study(cohort)
    if study.people.empty:
        reason = "Nobody became eligible within the window: the programme came to no department in which somebody neither matched nor a mentor was "
        reason += "in post, and nobody was hired into one that had it."
        return Answer("equity", _TITLE, gaps=(Gap(_QUESTION, reason, "A window that opens before the programme begins"),))
    every = (reach, reach_ratios, dose, concordance, pairs_alike, gaps_in_staying, excess_risk, change_in_promotion)
    parts = Section.join([made(part, study) for part in every])
    parts.methods = list(dict.fromkeys(parts.methods))
    return told_answer("equity", _TITLE, parts, cohort)
