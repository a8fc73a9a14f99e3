"""From a cohort folder to a run folder: parameters, the three passes (answer, protect, show), and what is published."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_LAZY = {
    "ChapterView": "chapter",
    "ESTIMATE_COLUMNS": "estimates",
    "open_chapter": "chapter",
    "resolve_cohort": "parameters",
    "run_cohort": "run",
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
