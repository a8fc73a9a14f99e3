"""What a document is made of, whatever the format: a list of blocks of plain text, figures and tables. Whoever sets them escapes."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentorship_eval.display.table_model import TableModel

__all__ = ["About", "Block", "Box", "Contents", "Document", "Facts", "Heading", "Item", "Paragraph", "Picture", "Table"]


@dataclass(frozen=True)
class About:
    """What a report says of itself.

    name: of the cohort; label: its folder; window: first to last day, or ""; key: content key, short; version: of the package;
    disclosure: what is withheld, in words; unprotected: a warning for every page, or ""; facts: label and value of what is needed to make
    the report again.
    """

    name: str
    label: str
    window: str
    key: str
    version: str
    disclosure: str
    unprotected: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Heading:
    """level 1 opens a chapter, 2 a section; number: "2" or ""; anchor: a name by which the contents refer to it."""

    text: str
    level: int
    number: str = ""
    anchor: str = ""

    @property
    def words(self) -> str:
        return f"{self.number}  {self.text}" if self.number else self.text


@dataclass(frozen=True)
class Paragraph:
    """style: "text", "lede" (the answers), or "quiet" (what is beside the point)."""

    text: str
    style: str = "text"


@dataclass(frozen=True)
class Item:
    """One entry of a box: bold words, plain words, words in italics; each may be empty."""

    bold: str
    plain: str
    italic: str = ""


@dataclass(frozen=True)
class Box:
    """Something to be seen: a title and its items. tone: "caution" or "gap"."""

    title: str
    items: tuple[Item, ...]
    tone: str = "caution"


@dataclass(frozen=True)
class Picture:
    """A figure: its number, caption and alt text, its files (SVG for paper, PNG for Word), and its size in points at which type has its own size."""

    number: str
    caption: str
    alt: str
    svg: str
    png: str
    width: float
    height: float


@dataclass(frozen=True)
class Table:
    number: str
    model: TableModel


@dataclass(frozen=True)
class Facts:
    """Label and value, line by line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Contents:
    """The place of the contents list: every heading after it."""

    title: str = "Contents"


Block = Heading | Paragraph | Box | Picture | Table | Facts | Contents


@dataclass(frozen=True)
class Document:
    about: About
    blocks: tuple[Block, ...] = field(default_factory=tuple)

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Those that the contents list names: all that follow it."""
        at = next((place for place, block in enumerate(self.blocks) if isinstance(block, Contents)), 0)
        return tuple(block for block in self.blocks[at:] if isinstance(block, Heading))
