"""Engine: who should be mentored by whom, as an assignment that is proved to be the best under stated weights."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "Assignment": "assignment",
    "assign": "assignment",
    "best_open": "fairness",
    "claims": "fairness",
    "random_scores": "benchmark",
    "RandomPairs": "benchmark",
    "Pool": "pool",
    "Weights": "scores",
    "parts_of_score": "scores",
    "score_matrix": "scores",
    "permitted": "scores",
    "propose": "proposal",
    "Proposal": "proposal",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
