"""The numbers of a page's figures and tables in their captions, references to them in its text, lists of them and of its headings.

A notebook names its exhibits (``<div class="exhibit" id="exhibit-retention-forest">``) and marks where its text refers to one
(``<span class="see" data-see="retention-forest">``); `numbering.exhibit_numbers` says which number each has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape

__all__ = ["Contents", "Entry", "numbered"]

_EXHIBIT = re.compile(r'<div class="exhibit" id="exhibit-([\w-]+)">')
_PICTURE = re.compile(r"(<figure\b[^>]*>)(<img\b[^>]*>)(<figcaption\b[^>]*>)")
_CAPTION = re.compile(r"(<caption\b[^>]*>(?:<span\b[^>]*>)?)(.*?)((?:</span>)?</caption>)", re.DOTALL)
_REGION = re.compile(r'(role="region" aria-label=")')
_SEE = re.compile(r'<span class="see" data-see="([\w-]+)"></span>')
_HEADING = re.compile(r"<h([23])\b([^>]*)>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Entry:
    """A heading, figure or table to jump to: where, under which words."""

    anchor: str
    words: str


@dataclass
class Contents:
    """headings: of the second level; exhibits: figures and tables, in the order of the page."""

    headings: list[Entry] = field(default_factory=list)
    exhibits: list[Entry] = field(default_factory=list)


def numbered(html: str, numbers: Mapping[str, str], files: Iterable[str] = ()) -> tuple[str, Contents]:
    """``html`` with numbers, references and anchors, and what it contains.

    numbers: by the stem of an exhibit's id. files: names beside the page (``figures/x.png``); a caption links those of its exhibit.
    """
    known, found = frozenset(files), Contents()
    seen: set[str] = set()
    pieces = _EXHIBIT.split(html)
    out = [pieces[0]]
    for stem, body in zip(pieces[1::2], pieces[2::2], strict=True):
        picture, caption = _PICTURE.search(body), _CAPTION.search(body)
        if stem in seen or stem not in numbers or not (picture or caption):
            out.append(f'<div class="exhibit">{_continued(body, numbers.get(stem, ""))}')
            continue
        seen.add(stem)
        number = numbers[stem]
        words = body[picture.end() : body.index("</figcaption>")] if picture else str(caption and caption[2])
        found.exhibits.append(Entry(f"exhibit-{stem}", f"{number}. {_short(words)}"))
        numbers_in = _numbered_figure if picture else _numbered_table
        out.append(f'<div class="exhibit" id="exhibit-{stem}">{numbers_in(body, stem, number, _links(stem, bool(picture), known))}')
    return _headings(_references("".join(out), {stem: numbers[stem] for stem in seen}), found), found


def _continued(body: str, number: str) -> str:
    """A further piece of a table that has its number already."""
    if not number:
        return body
    body = _REGION.sub(rf"\g<1>{number}, continued. ", body, count=1)
    return _CAPTION.sub(lambda found: f"{found[1]}{number}, continued. {found[2]}{found[3]}", body, count=1)


def _short(words: str) -> str:
    """The first sentence of a caption, as text."""
    text = unescape(_TAG.sub("", words)).strip()
    return re.split(r"(?<=[^\d])\. ", text, maxsplit=1)[0].rstrip(".")


def _label(stem: str, number: str) -> str:
    return f'<a class="number" href="#exhibit-{stem}">{number}.</a> '


def _back(stem: str, number: str) -> str:
    # stands only where the text refers to the exhibit; `_references` takes it out elsewhere
    return f'<a class="back" href="#see-{stem}" aria-label="Back to the text on {number}">↩</a>'


def _links(stem: str, drawn: bool, known: frozenset[str]) -> str:
    """Links to the exhibit's files beside the page."""
    wanted = [("PNG", f"figures/{stem}.png"), ("SVG", f"figures/{stem}.svg")] if drawn else []
    data = sorted(name for name in known if re.fullmatch(rf"tables/{re.escape(stem)}(-[a-z_]+)?\.csv", name))
    wanted += [("data" if len(data) == 1 else f"data: {_part(name, stem)}", name) for name in data]
    return "".join(f' <a class="file" href="{escape(name)}">{label}</a>' for label, name in wanted if name in known)


def _part(name: str, stem: str) -> str:
    return name.removeprefix(f"tables/{stem}").removesuffix(".csv").strip("-").replace("_", " ") or "rows"


def _numbered_figure(body: str, stem: str, number: str, links: str) -> str:
    box = f'<div class="scroll" role="group" tabindex="0" aria-label="{number}">'
    body = _PICTURE.sub(lambda found: f"{found[1]}{box}{found[2]}</div>{found[3]}{_label(stem, number)}", body, count=1)
    return body.replace("</figcaption>", f'<span class="files">{links}{_back(stem, number)}</span></figcaption>', 1)


def _numbered_table(body: str, stem: str, number: str, links: str) -> str:
    body = _REGION.sub(rf"\g<1>{number}. ", body, count=1)
    files = f'<span class="files">{links}{_back(stem, number)}</span>'
    return _CAPTION.sub(lambda found: f"{found[1]}{_label(stem, number)}{found[2]}{files}{found[3]}", body, count=1)


def _references(html: str, numbers: Mapping[str, str]) -> str:
    """Marks in the text become numbers that lead to the exhibit; the first one of each is where its caption leads back to."""
    referred: set[str] = set()

    def link(found: re.Match[str]) -> str:
        stem = found[1]
        if stem not in numbers:
            return ""
        anchor = "" if stem in referred else f' id="see-{stem}"'
        referred.add(stem)
        return f' <a class="see"{anchor} href="#exhibit-{stem}">{numbers[stem]}</a>'

    html = _SEE.sub(link, html)
    return re.sub(r'<a class="back" href="#see-([\w-]+)"[^>]*>↩</a>', lambda found: found[0] if found[1] in referred else "", html)


def _headings(html: str, found: Contents) -> str:
    """An anchor for every heading; those of the second level enter the contents."""
    taken: Counter[str] = Counter()

    def anchored(match: re.Match[str]) -> str:
        level, attributes, inner = match.groups()
        words = unescape(_TAG.sub("", inner)).strip()
        slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "part"
        taken[slug] += 1
        anchor = slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"
        if level == "2":
            found.headings.append(Entry(anchor, words))
        kept = re.sub(r'\s*\bid="[^"]*"', "", attributes)
        return f'<h{level} id="{anchor}"{kept}>{inner}</h{level}>'

    return _HEADING.sub(anchored, html)
