"""Executed notebooks as self-contained HTML pages: no script, no font, no address outside the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["TEMPLATES", "chapter_html", "navigation", "style_sheet"]

TEMPLATES = Path(__file__).resolve().parent / "templates"


def style_sheet() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8").strip()


def page_name(notebook: str) -> str:
    return f"{notebook}.html"


def navigation(pages: Mapping[str, str], current: str) -> list[dict[str, Any]]:
    """Links between the pages. pages: file name -> label; current: the file on which the links stand."""
    return [{"href": href, "label": label, "current": href == current} for href, label in {"index.html": "Overview", **pages}.items()]


def chapter_html(notebook: Any, page: Mapping[str, Any]) -> str:
    """One executed, normalised notebook as a page.

    page: title, cohort, key, version, style, nav (as `navigation` gives it), unprotected (a warning line or "").
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="chapter", extra_template_basedirs=[str(TEMPLATES)], mathjax_url="", require_js_url="")
    exporter.exclude_anchor_links = True
    body, _ = exporter.from_notebook_node(notebook, resources={"page": dict(page)})
    return _lines(body)


def _lines(html: str) -> str:
    """Without trailing blanks and runs of empty lines, which templates leave behind."""
    lines: Sequence[str] = [line.rstrip() for line in html.splitlines()]
    return "\n".join(line for line, before in zip(lines, ["-", *lines[:-1]], strict=True) if line or before) + "\n"
