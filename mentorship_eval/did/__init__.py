"""Engine: rates and scores of units over time, compared with what untreated units say was to be expected."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_LAZY = {
    "poisson_imputation": "mentorship_eval.did.poisson",
    "PoissonImputation": "mentorship_eval.did.result",
}

__all__ = list(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mentorship_eval.did' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
