"""Engine: rates and scores of units over time, compared with what untreated units say was to be expected."""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "poisson_imputation": "counts.poisson",
    "PoissonImputation": "counts.result",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
