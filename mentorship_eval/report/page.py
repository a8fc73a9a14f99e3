"""Pages that carry all they need: one frame, one style sheet; no script, no font, no address outside the folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mentorship_eval.report.exhibits import file_stem
from mentorship_eval.report.numbered import Contents, numbered

__all__ = ["TEMPLATES", "chapter_html", "filled", "navigation", "style_sheet"]

TEMPLATES = Path(__file__).resolve().parent / "templates"


def style_sheet() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8").strip()


def navigation(pages: Mapping[str, str], current: str) -> list[dict[str, Any]]:
    """Links between the pages. pages: file name -> label; current: the file on which the links stand."""
    return [{"href": href, "label": label, "current": href == current} for href, label in {"index.html": "Overview", **pages}.items()]


def filled(template: str, page: Mapping[str, Any], *, title: str, contents: Contents, **words: Any) -> str:
    """One of our templates with its words; everything is escaped unless the template says that it is HTML."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=False)
    places = page["nav"]
    at = next((place for place, item in enumerate(places) if item["current"]), 0)
    around = {"before": places[at - 1] if at else None, "after": places[at + 1] if at + 1 < len(places) else None}
    return _lines(environment.get_template(template).render(page=dict(page), title=title, contents=contents, **around, **words))


def chapter_html(notebook: Any, page: Mapping[str, Any], *, numbers: Mapping[str, str], files: Iterable[str] = ()) -> str:
    """One executed, normalised notebook as a page.

    page: title, cohort, key, version, style, nav (as `navigation` gives it), unprotected (a warning line or "").
    numbers: of its figures and tables, as `numbering.exhibit_numbers` gives them; files: what stands beside the page, for the links
    under these.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="chapter", extra_template_basedirs=[str(TEMPLATES)], mathjax_url="", require_js_url="")
    exporter.exclude_anchor_links = True
    cells, _ = exporter.from_notebook_node(notebook)
    body, contents = numbered(cells, {file_stem(name): number for name, number in numbers.items()}, files)
    return filled("chapter.html.j2", page, title=f"{page['title']} · {page['cohort']}", contents=contents, body=body)


def _lines(html: str) -> str:
    """Without trailing blanks and runs of empty lines, which templates leave behind."""
    lines: Sequence[str] = [line.rstrip() for line in html.splitlines()]
    return "\n".join(line for line, before in zip(lines, ["-", *lines[:-1]], strict=True) if line or before) + "\n"
