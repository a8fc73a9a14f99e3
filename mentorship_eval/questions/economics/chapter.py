"""What did the programme cost, and what did it save? Nothing of it without a counterfactual of leaving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mentorship_eval.cohort import Cohort
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.economics.assumed import assumptions, otherwise
from mentorship_eval.questions.economics.forecasts import forecasts
from mentorship_eval.questions.economics.net import balance, by_value, what_it_cost
from mentorship_eval.questions.economics.study import QUESTION, CostStudy, cost_study
from mentorship_eval.questions.section import Section, made
from mentorship_eval.questions.told import lacking_gap, told_answer

__all__ = ["answer"]

_TITLE = "Costs and benefits"
_TABLES = ("costs", "staff", "spells", "matches", "rollout")


def answer(cohort: Cohort, earlier: Mapping[str, Answer] | None = None) -> Answer:
    """The chapter on costs, from the answer of the retention chapter; says what lacks when it cannot be answered."""
    ahead = made(forecasts, cohort)
    lacking = lacking_gap(cohort, QUESTION, _TABLES)
    study = lacking if lacking is not None else cost_study(cohort, earlier or {})
    if not isinstance(study, CostStudy):
        return told_answer("economics", _TITLE, Section.join([Section(gaps=[study]), ahead]), cohort)
    parts = [made(part, study) for part in (what_it_cost, balance, by_value, otherwise, assumptions)]
    told = told_answer("economics", _TITLE, Section.join([*parts, ahead]), cohort)
    if study.share == 1:
        return told
    # the truth is of the whole programme, these results of a part of it
    return replace(told, results=tuple(replace(result, truth=None) for result in told.results))
