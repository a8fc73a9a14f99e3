"""The first two passes of a run: every chapter answers, then one ledger protects them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from mentorship_eval.disclosure import Rule, rule_named
from mentorship_eval.disclosure.audit import audited
from mentorship_eval.errors import DataError
from mentorship_eval.evidence.claims import with_claims
from mentorship_eval.questions import CHAPTERS
from mentorship_eval.questions.answer import Answer, Gap
from mentorship_eval.report.cache import cached
from mentorship_eval.report.fingerprint import answer_key, ingredients, key_of
from mentorship_eval.report.parameters import TITLES
from mentorship_eval.report.side_by_side import answered_side_by_side

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort
    from mentorship_eval.cohort.study.models import Disclosure

__all__ = ["answer_chapters", "protect_answers", "rule_from", "rule_of"]


def answer_one(name: str, cohort: Cohort, earlier: dict[str, Answer]) -> Answer:
    """One chapter's answer; data that cannot answer it give an answer that is a gap, so that its page says what is missing."""
    from mentorship_eval import questions

    try:
        return with_claims(questions.answer_chapter(name, cohort, earlier), cohort.study.plan.claims)
    except DataError as error:
        unlock = cohort.missing_for(name) if name in {"retention", "incidents"} else ""
        gap = Gap(TITLES.get(name, name), error.problem, unlock or error.fix or "See the findings in the first chapter.")
        return Answer(chapter=name, title=TITLES.get(name, name), gaps=(gap,))


def answer_chapters(
    cohort: Cohort, chapters: Sequence[str], progress: Callable[[str], Any] | None = None, jobs: int = 1
) -> dict[str, Answer]:
    """Private answers in the order of ``chapters``, from the cache where the same question was answered before.

    jobs: processes among which chapters of a large cohort that need no other are shared out.
    """
    ready = answered_side_by_side(cohort, chapters, jobs, _kept, progress)
    answers: dict[str, Answer] = {}
    for name in chapters:
        # only what the chapter needs, so that a chapter by itself and one in a run share their entry in the cache
        earlier = {each: answers[each] for each in CHAPTERS[name].needs if each in answers}
        answers[name] = ready[name] if name in ready else _kept(name, cohort, earlier, progress)
    return answers


def _kept(name: str, cohort: Cohort, earlier: dict[str, Answer], progress: Callable[[str], Any] | None = None) -> Answer:
    def compute() -> Answer:
        if progress:
            progress(f"answering {name}")
        return answer_one(name, cohort, earlier)

    kept: Answer = cached(answer_key(cohort, name, list(earlier)), compute, of=Answer)
    return kept


def rule_of(cohort: Cohort) -> Rule:
    """The disclosure rule that study.yaml asks for."""
    return rule_from(cohort.study.disclosure)


def rule_from(chosen: Disclosure) -> Rule:
    """The rule that the key ``disclosure`` of a study asks for."""
    if chosen.off:
        return rule_named("none")
    if chosen.profile:
        return rule_named(chosen.profile, threshold=chosen.threshold, round_to=chosen.round)
    name = f"threshold {chosen.threshold}" + (f", rounded to {chosen.round}" if chosen.round else "")
    return Rule(chosen.threshold, name, round_to=chosen.round or 0)


def protect_answers(
    answers: dict[str, Answer], cohort: Cohort, earlier: Sequence[Iterable[Answer]] = (), jobs: int = 1
) -> tuple[dict[str, Answer], pd.DataFrame]:
    """Answers that may be shown, by chapter, and the log of what was withheld; earlier: protected answers of runs of the same cohort.

    They were attacked, and coarsened until no withheld count could be narrowed (`disclosure.audit`). The attack costs seconds, so that what
    came of it is kept with the private answers; with earlier runs it is made anew.
    """

    def attacked() -> tuple[dict[str, Answer], pd.DataFrame]:
        shown, log, _ = audited(answers.values(), rule_of(cohort), jobs=jobs, earlier=earlier)
        return dict(zip(answers, shown, strict=True)), log

    if earlier:
        return attacked()
    parts = {**ingredients(cohort, list(answers)), "answer": "all of these, protected"}
    kept: tuple[dict[str, Answer], pd.DataFrame] = cached(key_of(parts), attacked, of=tuple)
    return kept
