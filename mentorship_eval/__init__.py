"""mentorship-eval: did the mentorship programme keep staff, make care safer, and how sure can we be?

Importing the package loads nothing heavy; each name below is fetched at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> (module, attribute or None for the module itself)
_LAZY = {
    "survival": ("mentorship_eval.survival", None),
    "did": ("mentorship_eval.did", None),
    "spc": ("mentorship_eval.spc", None),
    "surveys": ("mentorship_eval.surveys", None),
    "inference": ("mentorship_eval.inference", None),
    "display": ("mentorship_eval.display", None),
    "questions": ("mentorship_eval.questions", None),
    "report": ("mentorship_eval.report", None),
    "Estimate": ("mentorship_eval.estimate", "Estimate"),
    "read_cohort": ("mentorship_eval.cohort", "read_cohort"),
    "simulate_cohort": ("mentorship_eval.cohort", "simulate_cohort"),
    "open_chapter": ("mentorship_eval.report", "open_chapter"),
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mentorship_eval' has no attribute {name!r}")
    module_name, attribute = _LAZY[name]
    module = import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
