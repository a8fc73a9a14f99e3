"""From a cohort folder to a run folder: parameters, the three passes (answer, protect, show), and what is published."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "ChapterView": "chapter",
    "ESTIMATE_COLUMNS": "estimates",
    "open_chapter": "chapter",
    "resolve_cohort": "parameters",
    "run_cohort": "run",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
