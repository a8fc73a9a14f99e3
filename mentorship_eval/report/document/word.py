"""report.docx: the blocks of a document for pandoc, with tables as real Word tables, figures with alt texts, and a contents list."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from pathlib import Path
from xml.sax.saxutils import escape

from mentorship_eval.display.drawn import fewer_colours
from mentorship_eval.report.document import pandoc
from mentorship_eval.report.document.blocks import Block, Box, Contents, Document, Facts, Heading, Item, Paragraph, Picture, Table
from mentorship_eval.report.document.fit import PORTRAIT
from mentorship_eval.report.document.pandoc import Node
from mentorship_eval.report.document.reference import Look, section_xml
from mentorship_eval.report.document.word_table import table_xml

__all__ = ["docx_bytes"]

_STYLES = {"text": "", "lede": "Lede", "quiet": "Quiet"}
_HIGHEST = 560.0  # points that a figure may take, so that its heading and its caption stay on its page
# as low as a paragraph can be, since it ends a page or begins the next
_NEW_PAGE = (
    '<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/></w:pPr><w:r><w:br w:type="page"/></w:r></w:p>'
)


def docx_bytes(document: Document) -> bytes:
    """The document as DOCX, the same bytes whenever it is made."""
    about = document.about
    look = Look(
        title=f"{about.name}: evaluation of a mentorship programme", shown=True, left=about.name, right=f"content key {about.key}",
        foot=f"mentorship-eval {about.version}", warning=about.unprotected,
    )  # fmt: skip
    window = " · ".join(filter(None, [about.window, f"content key {about.key}"]))
    nodes = [pandoc.paragraph(pandoc.text(window), "Quiet")]
    for block in document.blocks:
        nodes += _contents(block, document) if isinstance(block, Contents) else _nodes(block)
    pictures = {Path(block.png).name: fewer_colours(Path(block.png).read_bytes()) for block in document.blocks if isinstance(block, Picture)}
    return pandoc.to_docx(nodes, look, pictures)


@singledispatch
def _nodes(block: Block) -> Iterator[Node]:
    raise TypeError(f"No way to set a {type(block).__name__}.")


@_nodes.register
def _(block: Heading) -> Iterator[Node]:
    if block.level == 1 and block.number:
        yield pandoc.raw(_NEW_PAGE)
    yield pandoc.heading(block.level, block.words, block.anchor)


@_nodes.register
def _(block: Paragraph) -> Iterator[Node]:
    yield pandoc.paragraph(pandoc.text(block.text), _STYLES[block.style])


@_nodes.register
def _(block: Box) -> Iterator[Node]:
    yield pandoc.paragraph(pandoc.text(block.title), "Box Title")
    yield pandoc.listing([_item(item) for item in block.items])


def _item(item: Item) -> list[Node]:
    said = [[pandoc.strong(item.bold)] if item.bold else [], pandoc.text(item.plain)]
    said.append([{"t": "Emph", "c": pandoc.text(item.italic)}] if item.italic else [])
    nodes: list[Node] = []
    for words in filter(None, said):
        nodes += [{"t": "Space"}, *words] if nodes else words
    return nodes


@_nodes.register
def _(block: Picture) -> Iterator[Node]:
    width = min(PORTRAIT, block.width, block.width * _HIGHEST / block.height)
    label = [pandoc.strong(f"{block.number}."), {"t": "Space"}] if block.number else []
    yield pandoc.figure(Path(block.png).name, block.alt, width, [*label, *pandoc.text(block.caption)])


@_nodes.register
def _(block: Table) -> Iterator[Node]:
    xml, fitted = table_xml(block.model, block.number)
    if not fitted.landscape:
        yield pandoc.raw(xml)
        return
    # a section ends with the paragraph that carries its properties
    yield pandoc.raw(f"<w:p><w:pPr>{section_xml(False)}</w:pPr></w:p>{xml}<w:p><w:pPr>{section_xml(True)}</w:pPr></w:p>")


@_nodes.register
def _(block: Facts) -> Iterator[Node]:
    for label, value in block.rows:
        yield pandoc.paragraph([pandoc.strong(f"{label}:"), {"t": "Space"}, *pandoc.text(value)], "Compact")


def _contents(block: Contents, document: Document) -> list[Node]:
    """A contents field that is filled already; Word puts page numbers in when it is asked to update it."""
    entries = [
        f'<w:hyperlink w:anchor="{heading.anchor}"><w:r><w:t xml:space="preserve">{escape(heading.words)}</w:t></w:r></w:hyperlink>'
        for heading in document.headings
    ]
    styles = [f'<w:pPr><w:pStyle w:val="TOC{heading.level}"/></w:pPr>' for heading in document.headings]
    start = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    lines = "".join(
        f"<w:p>{style}{start if place == 0 else ''}{entry}{end if place == len(entries) - 1 else ''}</w:p>"
        for place, (style, entry) in enumerate(zip(styles, entries, strict=True))
    )
    title = f'<w:p><w:pPr><w:pStyle w:val="TOCHeading"/><w:pageBreakBefore/></w:pPr><w:r><w:t>{escape(block.title)}</w:t></w:r></w:p>'
    return [pandoc.raw(title + lines)] if entries else []
