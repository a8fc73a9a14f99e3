"""Time to event: Cox regression, curves and tests, with delayed entry, ties, weights and clusters.

Rows are counting-process intervals (start, stop]: a person is at risk at an event time t when
start < t <= stop. The module knows nothing of mentorship; importing it loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Modules are not named like the functions: importing a submodule would put it in the function's place.
_LAZY = {
    "cox": "cox_regression",
    "CoxResult": "cox_result",
    "PHTest": "ph_test",
    "kaplan_meier": "product_limit",
    "KaplanMeier": "product_limit",
    "aalen_johansen": "cumulative_incidence",
    "AalenJohansen": "cumulative_incidence",
    "logrank": "rank_tests",
    "LogRank": "rank_tests",
}

__all__ = list(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mentorship_eval.survival' has no attribute {name!r}")
    return _fetch(name)


def _fetch(name: str) -> Any:
    value = getattr(import_module(f"mentorship_eval.survival.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
