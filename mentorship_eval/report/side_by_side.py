"""Chapters answered by several processes at once, where that is safe and worth it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mentorship_eval.forking import can_fork, in_forks
from mentorship_eval.questions import CHAPTERS
from mentorship_eval.report.cache import is_cached
from mentorship_eval.report.fingerprint import answer_key

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort
    from mentorship_eval.questions.answer import Answer

__all__ = ["answered_side_by_side"]

ROWS = 60_000  # of all tables; below it a chapter is answered in the time that a process takes to start

_Answering = Callable[[str, "Cohort", "dict[str, Answer]"], "Answer"]


def answered_side_by_side(
    cohort: Cohort, chapters: Sequence[str], jobs: int, answer: _Answering, progress: Callable[[str], Any] | None = None
) -> dict[str, Answer]:
    """Answers of those ``chapters`` that need no other and are not known yet; none where one process does as well.

    An error of a chapter is raised as it would be without the processes.
    """
    alone = [name for name in chapters if not CHAPTERS[name].needs and not is_cached(answer_key(cohort, name))]
    if sum(len(frame) for frame in cohort.tables.values()) < ROWS or not can_fork(jobs, len(alone)):
        return {}
    if progress:
        progress(f"answering {', '.join(alone)}, {jobs} at a time")
    done = (lambda name: progress(f"answered {name}")) if progress else None
    found = in_forks(lambda name: answer(name, cohort, {}), alone, jobs, done)
    return dict(zip(alone, found, strict=True)) if found is not None else {}
