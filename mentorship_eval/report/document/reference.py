"""The look of our DOCX files: the reference document from which pandoc takes styles, page, header and footer; made anew, never stored.

Its parts are text templates beside this module; the same look gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Look", "reference_docx", "section_xml"]

_TEMPLATES = Path(__file__).resolve().parent / "templates" / "word"
_PARTS = (
    "[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/_rels/document.xml.rels", "word/styles.xml", "word/settings.xml",
    "word/fontTable.xml", "word/header1.xml", "word/footer1.xml",
)  # fmt: skip
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Look:
    """title: of the file; shown: also above its text; left, right: words in the header; foot: words in the footer, before the page number;
    warning: a line in the header of every page; language: a BCP 47 tag; landscape: of the last, or only, section.
    """

    title: str
    shown: bool = False
    left: str = ""
    right: str = ""
    foot: str = ""
    warning: str = ""
    language: str = "en-GB"
    landscape: bool = False


def section_xml(landscape: bool) -> str:
    """Properties of a section: an A4 page, upright or turned, with our header and footer."""
    wide, high = (16838, 11906) if landscape else (11906, 16838)
    side, top = (1021, 1247) if landscape else (851, 1247)
    turned = ' w:orient="landscape"' if landscape else ""
    return (
        '<w:sectPr><w:headerReference w:type="default" r:id="rIdHead"/><w:footerReference w:type="default" r:id="rIdFoot"/>'
        f'<w:pgSz w:w="{wide}" w:h="{high}"{turned}/>'
        f'<w:pgMar w:top="{top}" w:right="{side}" w:bottom="1134" w:left="{side}" w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )


@cache
def _template(part: str) -> str:
    return (_TEMPLATES / f"{part.replace('/', '__')}.j2").read_text(encoding="utf-8").strip()


def reference_docx(look: Look) -> bytes:
    """The reference document as bytes."""
    from jinja2 import Environment

    environment = Environment(autoescape=True)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in _PARTS:
            xml = environment.from_string(_template(part)).render(look=look, section=section_xml(look.landscape))
            archive.writestr(zipfile.ZipInfo(part, _DATE), xml + "\n", compress_type=zipfile.ZIP_DEFLATED)
    return stream.getvalue()
