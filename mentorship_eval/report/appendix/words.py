"""appendix.md, and the same as blocks of a Word document: methods, figures with captions and alt texts, tables, checklists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mentorship_eval import __version__
from mentorship_eval.display.journals.profile import Journal
from mentorship_eval.report.appendix.items import Item
from mentorship_eval.report.appendix.source import Source
from mentorship_eval.report.document.blocks import About, Block, Contents, Document, Heading, Paragraph, Picture, Table

if TYPE_CHECKING:
    from mentorship_eval.display.table_model import TableModel

__all__ = ["Figure", "Pack", "appendix_document", "appendix_markdown", "captioned", "check_references"]


@dataclass(frozen=True)
class Figure:
    """What the documents say and show of a figure. size: printed inches; preview: a PNG for Word; files: names in the pack."""

    item: Item
    caption: str
    alt: str
    size: tuple[float, float]
    preview: Path
    files: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Pack:
    """Everything that the documents are made of. methods: (heading, paragraphs); checklists: title, scope and table of each."""

    source: Source
    journal: Journal
    figures: Sequence[Figure]
    tables: Sequence[tuple[Item, TableModel]]
    methods: Sequence[tuple[str, tuple[str, ...]]]
    checklists: Sequence[tuple[str, str, TableModel]]

    @property
    def labels(self) -> dict[str, str]:
        return {item.id: item.label for item in (*(figure.item for figure in self.figures), *(item for item, _ in self.tables))}

    def findings(self) -> Iterator[str]:
        """The sentences that open each chapter, with the items that show more of them."""
        labels = self.labels
        for name, answer in self.source.answers.items():
            for statement in answer.lead if name != "summary" else ():
                seen = [labels[each] for each in getattr(statement, "see", ()) if each in labels]
                yield f"{statement} ({', '.join(seen)})" if seen else str(statement)


def captioned(label: str, caption: str) -> str:
    return f"{label}. {caption}"


def _plain(text: str) -> str:
    """Text in Markdown that is read as it stands."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))


def appendix_markdown(pack: Pack) -> str:
    """All numbered items with captions, in one text."""
    source, journal = pack.source, pack.journal
    lines = [f"# {_plain(source.name)}: supplementary material", "", f"Journal profile: {_plain(journal.title)}. Content key: {source.key}.", ""]
    if not source.rule.active:
        lines += [f"**{_plain(source.rule.describe())}**", ""]
    lines += ["## What was found", "", *[f"- {_plain(text)}" for text in pack.findings()], ""]
    lines += [f"## {journal.label('text', 1)}. Methods", ""]
    for heading, texts in pack.methods:
        lines += [f"### {_plain(heading)}", "", *(line for text in texts for line in (_plain(text), ""))]
    lines += ["## Figures", ""]
    for figure in pack.figures:
        shown = next((file for file in figure.files if file.endswith(".png")), None)
        lines += [f"### {captioned(figure.item.label, _plain(figure.item.exhibit.title or figure.item.id))}", ""]
        lines += [f"![{_plain(figure.alt)}]({shown})", ""] if shown else []
        lines += [_plain(captioned(figure.item.label, figure.caption)), "", f"Alt text: {_plain(figure.alt)}", ""]
        lines += ["Files: " + ", ".join(f"[{Path(file).name}]({file})" for file in figure.files), ""]
    lines += ["## Tables", ""]
    for item, model in pack.tables:
        lines += [f"### {captioned(item.label, _plain(model.caption))}", "", *_markdown_table(model), ""]
        lines += [_plain(f"{mark} {text}") + "  " for mark, text in model.footnotes]
        lines += [_plain(model.note), ""] if model.note else []
    lines += ["## Reporting checklists", ""]
    for title, scope, model in pack.checklists:
        lines += [f"### {_plain(title)}", "", *([_plain(scope), ""] if scope else []), *_markdown_table(model), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_table(model: TableModel) -> Iterator[str]:
    heads = [" ".join(filter(None, (column.spanner, column.header, column.mark))) for column in model.columns]
    yield "| " + " | ".join(map(_plain, heads)) + " |"
    yield "|" + "|".join(":--" if column.align == "left" else "--:" for column in model.columns) + "|"
    for row in model.rows:
        yield "| " + " | ".join(_plain(" ".join(filter(None, (cell.text, cell.mark)))) for cell in row.cells) + " |"
    if not model.rows:
        yield f"| {_plain(model.empty)} |" + " |" * (len(heads) - 1)


def appendix_document(pack: Pack) -> Document:
    """The same for Word."""
    source, journal = pack.source, pack.journal
    blocks: list[Block] = [Contents(), Heading("What was found", 1), *(Paragraph(text) for text in pack.findings())]
    blocks.append(Heading(f"{journal.label('text', 1)}. Methods", 1))
    for heading, texts in pack.methods:
        blocks += [Heading(heading, 2), *map(Paragraph, texts)]
    blocks.append(Heading("Figures", 1, ""))
    for figure in pack.figures:
        width, height = (side * 72 for side in figure.size)
        blocks += [Heading(captioned(figure.item.label, figure.item.exhibit.title or figure.item.id), 2),
                   Picture(figure.item.label, figure.caption, figure.alt, "", str(figure.preview), width, height)]  # fmt: skip
    blocks.append(Heading("Tables", 1))
    for item, model in pack.tables:
        blocks += [Heading(captioned(item.label, model.caption), 2), Table(item.label, model)]
    blocks.append(Heading("Reporting checklists", 1))
    for title, scope, model in pack.checklists:
        blocks += [Heading(title, 2), *([Paragraph(scope)] if scope else []), Table("", model)]
    anchored = [replace(each, anchor=f"part{place}") if isinstance(each, Heading) else each for place, each in enumerate(blocks)]
    about = About(
        name=source.name, label=str(source.manifest["cohort"]["folder"]), window="Supplementary material", key=source.key, version=__version__,
        disclosure=source.rule.describe(), unprotected="" if source.rule.active else source.rule.describe(),
    )  # fmt: skip
    return Document(about, tuple(anchored))


def check_references(text: str, journal: Journal, items: Sequence[Item]) -> list[str]:
    """What is wrong with the numbers in ``text``: labels of items that there are not, and items that it never names. Empty when all is well."""
    wrong = []
    for kind in ("figure", "table"):
        known = [item.label for item in items if item.kind == kind]
        pattern = re.escape(journal.label(kind, 0)).replace("0", r"(\d+)")
        named = {journal.label(kind, int(number)) for number in re.findall(rf"(?<![\w]){pattern}(?!\w)", text)}
        wrong += [f"{label} is named, but there is no such {kind}" for label in sorted(named - set(known))]
        wrong += [f"{label} is named nowhere" for label in known if label not in named]
        if len(set(known)) < len(known):
            wrong.append(f"two {kind}s have the same label")
    return wrong
