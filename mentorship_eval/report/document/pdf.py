"""report.pdf: the blocks of a document as data for our typst template, set with fonts that are the same on every machine."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mentorship_eval.display.table_model import TableModel, aligned
from mentorship_eval.report.document.blocks import Block, Contents, Document, Heading, Picture, Table
from mentorship_eval.report.document.fit import WHOLE, fit

__all__ = ["pdf_bytes"]

_TEMPLATE = Path(__file__).resolve().parent / "templates" / "report.typ"


class TypesettingError(RuntimeError):
    """typst refused, or warned about, what we gave it: our own failure."""


def pdf_bytes(document: Document, *, vector: bool = True) -> bytes:
    """The document as PDF/UA: tagged, with titles, language and alt texts; the same bytes whenever it is made. vector: figures as
    vectors, else as pictures.
    """
    import matplotlib

    try:
        import typst
    except ImportError:
        raise TypesettingError("typst is not installed, and without it there is no report.pdf: install requirements.lock again.") from None
    drawn = [block for block in document.blocks if isinstance(block, Picture)]
    pictures: dict[str, Any] = {Path(block.svg).name: Path(block.svg) if vector else _as_pixels(block) for block in drawn}
    data = {"about": asdict(document.about), "blocks": _turned([_block(block, document) for block in document.blocks])}
    files: dict[str, Any] = {
        "main.typ": _TEMPLATE.read_bytes(), "document.json": json.dumps(data, ensure_ascii=False, sort_keys=True).encode("utf-8"), **pictures,
    }  # fmt: skip
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    try:
        made, warnings = typst.compile_with_warnings(
            files, format="pdf", ignore_system_fonts=True, font_paths=[str(fonts)], pdf_standards=["ua-1"],
        )  # fmt: skip
    except typst.TypstError as error:
        raise TypesettingError(f"report.pdf could not be set: {error.diagnostic or error}") from error
    if warnings:
        raise TypesettingError("report.pdf could not be set well: " + "; ".join(str(each) for each in warnings))
    return bytes(made)


def _as_pixels(block: Picture) -> bytes:
    """An SVG that holds the picture and no points; typst takes files of text alone."""
    data = base64.b64encode(Path(block.png).read_bytes()).decode("ascii")
    size = f'width="{block.width:g}" height="{block.height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image {size} href="data:image/png;base64,{data}"/></svg>'.encode()


def _block(block: Block, document: Document) -> dict[str, Any]:
    kind = type(block).__name__.lower()
    if isinstance(block, Table):
        return {"kind": kind, "number": block.number, **_table(block.model)}
    if isinstance(block, Picture):
        return {"kind": kind, **asdict(block), "svg": Path(block.svg).name, "png": ""}
    if isinstance(block, Heading):
        return {"kind": kind, **asdict(block), "words": block.words}
    if isinstance(block, Contents):
        return {"kind": kind, "title": block.title, "lines": len(document.headings)}
    return {"kind": kind, **asdict(block)}


def _turned(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wide tables on turned pages, with the heading and the words that lead to them."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        if not block.get("landscape"):
            found.append(block)
            continue
        before: list[dict[str, Any]] = []
        while found and (found[-1].get("level") == 2 or found[-1].get("style") == "quiet"):
            before.insert(0, found.pop())
        found.append({"kind": "turned", "blocks": [*before, block]})
    return found


def _table(table: TableModel) -> dict[str, Any]:
    """The table with its widths; texts of flush-right columns are padded so that units stand under units."""
    fitted = fit(table)
    texts = [
        aligned([row.cells[place].text for row in table.rows]) if column.align == "right" else [row.cells[place].text for row in table.rows]
        for place, column in enumerate(table.columns)
    ]
    rows = [
        {"kind": row.kind, "indent": row.indent, "cells": [{"text": texts[i][at], "mark": cell.mark} for i, cell in enumerate(row.cells)]}
        for at, row in enumerate(table.rows)
    ]
    return {
        "caption": table.caption, "columns": [asdict(column) for column in table.columns], "rows": rows, "note": table.note,
        "footnotes": [list(each) for each in table.footnotes], "empty": table.empty, "spans": [list(each) for each in table.spans()],
        "spanned": table.has_spanners, "widths": fitted.widths, "gaps": fitted.gaps, "size": fitted.size, "landscape": fitted.landscape,
        "whole": len(rows) <= WHOLE,
    }  # fmt: skip
