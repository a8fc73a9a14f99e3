"""Whom does the programme reach, what do they get, and do gaps between groups change with it? One module an analysis."""

from __future__ import annotations

from collections.abc import Mapping

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.questions.equity.alike import pairs_alike
from mentorship_eval.questions.equity.concordance import concordance
from mentorship_eval.questions.equity.dose import dose
from mentorship_eval.questions.equity.eligible import equity_study
from mentorship_eval.questions.equity.reach import reach
from mentorship_eval.questions.equity.reach_ratio import reach_ratios
from mentorship_eval.questions.equity.staying import excess_risk, gaps_in_staying
from mentorship_eval.questions.plain import plain, plain_cautions, plain_exhibits, plain_gaps, plain_lead, plain_results
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.truth import with_truth

__all__ = ["answer"]

_TITLE = "Equity"
_QUESTION = "Whom does the programme reach, and do gaps between groups change with it?"
_TABLES = ("staff", "spells", "matches", "rollout")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The equity chapter of a cohort; says which tables lack when it cannot be answered."""
    lacking = [name for name in _TABLES if not cohort.has(name)]
    if lacking:
        files = f"{', '.join(lacking)} in study.yaml"
        return Answer("equity", _TITLE, gaps=(Gap(_QUESTION, f"The cohort has no {lacking[0]}.", files),))
    study = equity_study(cohort)
    if study.people.empty:
        reason = "Nobody became eligible: no department had the programme while somebody who was neither matched nor a mentor was in post."
        return Answer("equity", _TITLE, gaps=(Gap(_QUESTION, reason, "Dates of go-live within the window"),))
    parts = Section.join([made(part, study) for part in (reach, reach_ratios, dose, concordance, pairs_alike, gaps_in_staying, excess_risk)])
    return Answer(
        "equity",
        _TITLE,
        plain_lead(parts.lead),
        tuple(plain_results(with_truth(parts.results, cohort))),
        plain_exhibits(parts.exhibits),
        plain_cautions(parts.cautions),
        plain_gaps(parts.gaps),
        tuple(dict.fromkeys(plain(text) for text in parts.methods)),
    )
