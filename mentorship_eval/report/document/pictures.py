"""The figures of a run for its documents: files, size, caption and alt text.

A figure that a notebook has drawn is not drawn again: its SVG carries caption and alt text as title and description.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from mentorship_eval.errors import MentorshipEvalError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.report.document.blocks import Paragraph, Picture
from mentorship_eval.report.exhibits import draw, file_stem

__all__ = ["picture"]

_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_SVG = "{http://www.w3.org/2000/svg}"


def picture(exhibit: Exhibit, number: str, figures: Path) -> Picture | Paragraph:
    """The figure ``exhibit``, drawn into ``figures`` where it is not there yet; words why where it cannot be drawn."""
    stem = file_stem(exhibit.id)
    svg, png = figures / f"{stem}.svg", figures / f"{stem}.png"
    if not (svg.is_file() and png.is_file()):
        try:
            draw(exhibit).save(figures, ("svg", "png"))  # type: ignore[union-attr]
        except MentorshipEvalError as error:
            return Paragraph(f"{number}. {exhibit.title or exhibit.id}: not shown. {error.problem}", "quiet")
    width, height, caption, alt = _told(svg)
    return Picture(number, caption, alt, str(svg), str(png), width, height)


def _told(svg: Path) -> tuple[float, float, str, str]:
    """Width and height in points, caption, alt text."""
    caption = alt = ""
    width = height = 0.0
    for event, element in ElementTree.iterparse(svg, events=("start", "end")):
        if event == "start" and element.tag == f"{_SVG}svg":
            width, height = (_points(element.get(side, "")) for side in ("width", "height"))
        elif event == "end" and element.tag == f"{_DUBLIN}title":
            caption = element.text or ""
        elif event == "end" and element.tag == f"{_DUBLIN}description":
            alt = element.text or ""
        elif event == "end" and element.tag == f"{_SVG}metadata":
            break
    if not (width and height and caption and alt):
        raise ValueError(f"{svg.name} does not say its size, caption and alt text.")
    return width, height, caption, alt


def _points(length: str) -> float:
    found = re.fullmatch(r"([\d.]+)pt", length)
    return float(found[1]) if found else 0.0
