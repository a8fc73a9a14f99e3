"""Small counts that the ledger withheld, looked for in what was written: a second pair of eyes that knows the private numbers.

It looks where a count would be printed: in the same row of a table file, in the rows and words of the exhibit on its page and in its notebook,
and in the words that a figure carries. The ledger should have left nothing to find; what is found is our own failure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

import pandas as pd

from mentorship_eval.disclosure import Rule
from mentorship_eval.disclosure.known import labels_of
from mentorship_eval.questions.answer import Answer, Counted
from mentorship_eval.report.exhibits import file_stem

__all__ = ["Hidden", "hidden_counts", "told_in_csv", "told_in_page", "told_in_words"]

_WORDS = r"(?:events?|persons?|people|leavers?|left|mentees|incidents?|spells?|rows?)\b"


@dataclass(frozen=True)
class Hidden:
    """One small count that may not be told. labels: column and text of what names its row; cells: the other numbers that the row shows."""

    stem: str
    column: str
    labels: tuple[tuple[str, str], ...]
    value: int
    cells: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.value:,d}"


def hidden_counts(private: Iterable[Answer], shown: Mapping[str, Answer], rule: Rule) -> list[Hidden]:
    """Every small count in a frame of ``private`` that stands as a mark in ``shown`` (answers by chapter)."""
    found: list[Hidden] = []
    for answer in private if rule.active else ():
        for exhibit in answer.exhibits:
            after = shown[answer.chapter].exhibit(exhibit.id)
            for name, frame in exhibit.frames.items():
                counted = exhibit.counted.get(name, Counted())
                if after is not None and counted.counts and len(frame):
                    found += _of_frame(file_stem(exhibit.id), frame, after.frames[name], counted, rule)
    return found


def _of_frame(stem: str, before: pd.DataFrame, after: pd.DataFrame, counted: Counted, rule: Rule) -> list[Hidden]:
    rows = dict(zip(labels_of(after, counted), after.to_dict("records"), strict=True))
    if len(rows) < len(after):
        return []  # rows that labels do not tell apart cannot be found again
    found = []
    for label, row in zip(labels_of(before, counted), before.to_dict("records"), strict=True):
        now = rows.get(label, {})
        for column in counted.counts:
            if isinstance(now.get(column), str) and not str(now[column]).startswith("≈") and rule.small(row[column]) and row[column]:
                labels = tuple((part.partition("=")[0], part.partition("=")[2]) for part in label.split("\x1f"))
                labels = tuple((key, text) for key, text in labels if text and not text.replace(".", "").isdigit())
                cells = tuple(f"{value:,.0f}" for value in now.values() if isinstance(value, int | float) and value == value)
                if labels:
                    found.append(Hidden(stem, column, labels, int(row[column]), cells))
    return found


def told_in_csv(text: str, hidden: Iterable[Hidden]) -> list[Hidden]:
    """Counts that stand in their own column of a row with all of their labels."""
    rows = list(csv.DictReader(io.StringIO(text)))
    head = set(rows[0]) if rows else set()
    out = []
    for one in hidden:
        columns = [name for name in head if name and re.fullmatch(rf"{re.escape(one.column)}(_midpoint\d+)?", name)]
        if not columns or not {key for key, _ in one.labels} <= head:
            continue
        mine = [row for row in rows if all(row[key] == text for key, text in one.labels)]
        if any(_is(row[column], one.value) for row in mine for column in columns):
            out.append(one)
    return out


def _is(cell: str | None, value: int) -> bool:
    try:
        return float((cell or "").replace(",", "")) == value
    except ValueError:
        return False


def told_in_words(text: str, hidden: Iterable[Hidden]) -> list[Hidden]:
    """Counts that are said beside a label of theirs: "Nurse: 7 events", "Nurse (n = 7)"."""
    out = []
    for one in hidden:
        number = rf"(?<![\d.,<≈]){re.escape(one.text)}(?![\d,]|\.\d| ?%)"
        said = rf"(?:{number} {_WORDS}|\bn = {number})"
        if any(re.search(rf"\b{re.escape(label)}\b[^.;\n]{{0,80}}?{said}", text, re.IGNORECASE) for _, label in one.labels):
            out.append(one)
    return out


class _Exhibits(HTMLParser):
    """Rows of cells, and all words, inside each element whose id is the name of an exhibit."""

    _NO_END = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})

    def __init__(self, stems: Iterable[str]) -> None:
        super().__init__()
        self.stems, self.depth, self.inside = set(stems), 0, ""
        self.rows: dict[str, list[list[str]]] = {}
        self.words: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if not self.inside and given.get("id") in self.stems:
            self.inside, self.depth = str(given["id"]), 0
        if self.inside:
            if tag == "tr":
                self.rows.setdefault(self.inside, []).append([])
            elif tag in ("td", "th") and self.rows.get(self.inside):
                self.rows[self.inside][-1].append("")
            self.words.setdefault(self.inside, []).extend(str(given[name]) for name in ("alt", "aria-label", "title") if given.get(name))
            self.depth += tag not in self._NO_END

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag not in self._NO_END:
            self.depth -= 1
            if self.depth <= 0:
                self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.words.setdefault(self.inside, []).append(data)
            rows = self.rows.get(self.inside)
            if rows and rows[-1]:
                rows[-1][-1] += data


def told_in_page(text: str, hidden: Iterable[Hidden]) -> list[Hidden]:
    """Counts that stand in a row of their exhibit in which what is shown does not put such a number, or in its words."""
    hidden = list(hidden)
    page = _Exhibits({one.stem for one in hidden})
    page.feed(text)
    out = []
    for one in hidden:
        for cells in page.rows.get(one.stem, ()):
            bare = [cell.strip() for cell in cells]
            if all(label.lower() in [cell.lower() for cell in bare] for _, label in one.labels) and bare.count(one.text) > one.cells.count(one.text):
                out.append(one)
                break
        else:
            out += told_in_words("\n".join(page.words.get(one.stem, ())), [one])
    return out
