"""report.pdf and report.docx into a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.document.blocks import About

__all__ = ["DOCUMENTS", "write_documents"]

DOCUMENTS = ("report.pdf", "report.docx")


def write_documents(
    folder: Path, answers: Mapping[str, Answer], planned: Sequence[str], about: About, *, jobs: int = 2, vector: bool = True
) -> list[Path]:
    """Both documents into the run ``folder``, whose figures and executed notebooks, where it has them, give figures and order; returns their paths.

    jobs: how many are made at a time. vector: whether the PDF may hold figures as vectors, whose points can be read back. Raises
    `pdf.TypesettingError` or `pandoc.PandocError`: neither document is written then.
    """
    from mentorship_eval.report.document.build import build_document
    from mentorship_eval.report.document.pdf import pdf_bytes
    from mentorship_eval.report.document.word import docx_bytes

    notebooks = folder / "notebooks"
    document = build_document(answers, planned, about, folder / "figures", notebooks if notebooks.is_dir() else None)
    # typst works outside Python's lock, and pandoc in a process of its own
    with ThreadPoolExecutor(max_workers=min(jobs, 2)) as pool:
        made = [pool.submit(pdf_bytes, document, vector=vector), pool.submit(docx_bytes, document)]
        contents = [each.result() for each in made]
    places = [folder / name for name in DOCUMENTS]
    for place, content in zip(places, contents, strict=True):
        place.write_bytes(content)
    return places
