"""Findings for people: grouped by severity and code, wrapped to the width of a terminal, or one line each for a file or a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mentorship_eval.cohort.reading.codes import CODES

if TYPE_CHECKING:
    from mentorship_eval.cohort.reading.findings import Finding

__all__ = ["grouped", "wrapped"]

_HEADINGS = {
    "E": "ERRORS: they stop the work",
    "R": "REPAIRS: each is in the repair log",
    "W": "WARNINGS: to be known",
}
_LONGEST_PLACE = 30  # a longer file:row:column stands on a line of its own
_NARROWEST, _WIDEST = 40, 120


def _by_code(items: Iterable[Finding]) -> dict[str, dict[str, list[Finding]]]:
    """severity -> code -> findings; codes in order, findings of a code by table as they were found."""
    found: dict[str, dict[str, list[Finding]]] = {}
    for item in sorted(items, key=lambda one: ("ERW".index(one.severity), one.code[1:])):
        found.setdefault(item.severity, {}).setdefault(item.code, []).append(item)
    return found


def _heading(code: str, items: list[Finding]) -> str:
    rows = sum(item.count for item in items if item.rows)
    if rows < 2:
        return f"{code}  {CODES[code]}"
    places = f" in {len(items)} places" if len(items) > 1 else ""
    return f"{code}  {CODES[code]}: {rows:,} rows{places}"


def grouped(items: Iterable[Finding]) -> list[str]:
    """One line per finding (file:row:column, code, message, what to do) under a heading per severity."""
    lines: list[str] = []
    for severity, codes in _by_code(items).items():
        lines += [_HEADINGS[severity], *(str(item) for found in codes.values() for item in found), ""]
    return lines


def wrapped(items: Iterable[Finding], width: int) -> list[str]:
    """Grouped under headings, places and messages in two columns, no line longer than ``width`` where words allow."""
    width = min(max(width, _NARROWEST), _WIDEST)
    lines: list[str] = []
    for severity, codes in _by_code(items).items():
        lines += [_HEADINGS[severity], "-" * min(width, len(_HEADINGS[severity])), ""]
        for code, found in codes.items():
            lines += _fill(_heading(code, found), width, "", " " * 6)
            places = [item.location for item in found if len(item.location) <= _LONGEST_PLACE]
            column = max(map(len, places), default=0)
            if width - column - 4 < _NARROWEST:
                column = 0
            for position, item in enumerate(found):
                lines += _entry(item, column, width)
                # what to do is said once for neighbours that share it
                if item.fix and (position + 1 == len(found) or found[position + 1].fix != item.fix):
                    lines += _fill(f"-> {item.fix}", width, " " * 4 if not column else " " * (column + 4), "   ")
            lines.append("")
    return lines


def _entry(item: Finding, column: int, width: int) -> list[str]:
    said = f"{item.message}{item.also()}"
    if not column or len(item.location) > column:
        return [f"  {item.location}", *_fill(said, width, " " * (column + 4 if column else 4))]
    first, *rest = _fill(said, width, " " * (column + 4))
    return [f"  {item.location:<{column}}  {first.lstrip()}", *rest]


def _fill(text: str, width: int, indent: str, more: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + more, break_long_words=False, break_on_hyphens=False
    ) or [indent]
