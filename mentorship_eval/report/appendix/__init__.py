"""The supplementary material of a paper, made from a finished run without the data: figures and tables to a journal's rules, captions,
source data, methods, reporting checklists, and one document that holds them together.
"""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {"Appendix": "pack", "make_appendix": "pack"}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
