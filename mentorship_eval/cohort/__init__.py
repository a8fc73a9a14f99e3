"""What was observed: cohort folders read, typed and checked; person-time and panels made of them; cohorts simulated."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_LAZY = {
    "Cohort": "cohort",
    "CohortError": "findings",
    "Finding": "findings",
    "Findings": "findings",
    "check_cohort": "cohort",
    "data_dictionary": "schema",
    "read_cohort": "cohort",
    "simulate_cohort": "simulate",
    "write_templates": "schema",
}

__all__ = list(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
