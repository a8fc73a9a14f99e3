"""The report as documents: ``report.pdf`` (typst) and ``report.docx`` (pandoc), from the protected answers and the figures of a run.

One content, two looks: `build` says what stands in the report as a list of blocks (`blocks`), `pdf` and `word` set it. A single table goes
to DOCX or LaTeX through `tables`.
"""

from __future__ import annotations

from mentorship_eval.lazy import fetched_late

_LAZY = {
    "About": "blocks",
    "build_document": "build",
    "table_docx": "tables",
    "table_latex": "tables",
    "write_documents": "write",
}

__all__ = list(_LAZY)
__getattr__, __dir__ = fetched_late(__name__, _LAZY)
