"""Chapters answered by several processes at once, where that is safe and worth it.

The processes are forked, so that the cohort is shared and not copied; a fork is safe only while there is one thread, so that within
JupyterLab, and where systems do not fork, chapters are answered one after the other, with the same answers.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from mentorship_eval.questions import CHAPTERS
from mentorship_eval.report.cache import is_cached
from mentorship_eval.report.fingerprint import answer_key

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort
    from mentorship_eval.questions.answer import Answer

__all__ = ["answered_side_by_side"]

ROWS = 60_000  # of all tables; below it a chapter is answered in the time that a process takes to start

_Answering = Callable[[str, "Cohort", "dict[str, Answer]"], "Answer"]
_shared: list[tuple[Cohort, _Answering]] = []  # what a forked process finds


def _answered(name: str) -> Answer:
    cohort, answer = _shared[-1]
    return answer(name, cohort, {})


def answered_side_by_side(
    cohort: Cohort, chapters: Sequence[str], jobs: int, answer: _Answering, progress: Callable[[str], Any] | None = None
) -> dict[str, Answer]:
    """Answers of those ``chapters`` that need no other and are not known yet; none where one process does as well.

    An error of a chapter is raised as it would be without the processes.
    """
    alone = [name for name in chapters if not CHAPTERS[name].needs and not is_cached(answer_key(cohort, name))]
    large = sum(len(frame) for frame in cohort.tables.values()) >= ROWS
    if jobs < 2 or len(alone) < 2 or not large or not sys.platform.startswith("linux") or threading.active_count() > 1:
        return {}
    if progress:
        progress(f"answering {', '.join(alone)}, {jobs} at a time")
    _shared.append((cohort, answer))
    try:
        with ProcessPoolExecutor(min(jobs, len(alone)), mp_context=get_context("fork")) as pool:
            waiting = {pool.submit(_answered, name): name for name in alone}
            found = {}
            for done in as_completed(waiting):
                found[waiting[done]] = done.result()
                if progress:
                    progress(f"answered {waiting[done]}")
            return found
    except BrokenProcessPool:  # one of them was stopped from outside, as where memory is short: one after the other, then
        return {}
    finally:
        _shared.pop()
