"""One table by itself: as a DOCX file with a real Word table, or as LaTeX text.

For whoever makes appendices: ``table_docx(model, "Table S1")`` gives the bytes of a file, ``table_latex(model, "Table S1")`` its text.
``model`` is a `display.table_model.TableModel`, such as ``draw(exhibit).model`` of a table exhibit. Same table, same bytes.
"""

from __future__ import annotations

from mentorship_eval.display.table_model import TableModel
from mentorship_eval.report.document.latex import table_latex

__all__ = ["table_docx", "table_latex"]


def table_docx(table: TableModel, number: str = "", *, title: str = "", language: str = "en-GB") -> bytes:
    """A DOCX file with ``table`` alone: caption with ``number`` above it, notes below, on a turned page when it is wide.

    title: of the file, in its properties; the caption by default. Raises `pandoc.PandocError` when pandoc fails.
    """
    from mentorship_eval.report.document.pandoc import raw, to_docx
    from mentorship_eval.report.document.reference import Look
    from mentorship_eval.report.document.word_table import table_xml

    xml, fitted = table_xml(table, number)
    look = Look(title=title or f"{number}. {table.caption}".removeprefix(". "), language=language, landscape=fitted.landscape)
    return to_docx([raw(xml)], look)
