"""Thousands of cohorts are asked by three chapters each: what the chapters share is made once a cohort, and what only draws is not made.

No figure changes by this: tests/validation/test_people.py asks a cohort both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import pandas as pd

__all__ = ["asked_once"]

_QUESTIONS = "mentorship_eval.questions"
_SHARED = {
    "cohort_episodes": ("careers.steps", "collaboration.ties", "equity.eligible"),
    "pairs_of": ("equity.dose", "equity.concordance", "equity.alike"),
}
_DRAWN = ("equity.reach._curves", "careers.groups._curves")
_SAID = ("rate_exhibits", "caution_list")  # by the part on hand-offs
_GROUPED = ("gender", "ethnicity_group", "profession")  # of the characteristics by which equity is asked, those that have a row
# drawn from streams of their own, and read by none of the three
_UNREAD = ("further.with_more_instruments", "learning.training_table", "outcomes.survey_invites")


def _once(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``make`` of one thing, kept while the same thing is asked about; the thing is kept too, so that no other takes its place in memory."""
    kept: list[Any] = [None, None]

    def made(about: Any) -> Any:
        if kept[0] is not about:
            kept[:] = [about, make(about)]
        return kept[1]

    return made


@contextmanager
def asked_once() -> Iterator[None]:
    """Within it the chapters of careers, collaboration and equity share person-time and pairs, and draw no curves; surveys and training are not
    simulated, and pandas copies when something is written to.
    """
    from mentorship_eval.questions import rates
    from mentorship_eval.questions.equity import eligible
    from mentorship_eval.questions.equity.pairs import pairs_of
    from mentorship_eval.questions.retention.model_rows import cohort_episodes

    with ExitStack() as stack:
        for make in (cohort_episodes, pairs_of):
            shared = _once(make)
            for module in _SHARED[make.__name__]:
                stack.enter_context(patch(f"{_QUESTIONS}.{module}.{make.__name__}", shared))
        for name in _DRAWN:
            stack.enter_context(patch(f"{_QUESTIONS}.{name}", lambda *_, **__: None))
        for name in _SAID:
            stack.enter_context(patch(f"{_QUESTIONS}.collaboration.departments.{name}", lambda *_, **__: []))
        for name in _UNREAD:
            stack.enter_context(patch(f"mentorship_eval.cohort.simulation.{name}", lambda *_, **__: pd.DataFrame()))
        stack.enter_context(patch.object(rates, "poisson_imputation", partial(rates.poisson_imputation, tables=False)))
        stack.enter_context(patch.object(eligible, "equity_study", partial(_narrowed, eligible.equity_study)))
        stack.enter_context(pd.option_context("mode.copy_on_write", True))
        yield


def _narrowed(make: Callable[[Any], Any], cohort: Any) -> Any:
    study = make(cohort)
    return replace(study, groupings=tuple(name for name in study.groupings if name in _GROUPED))
