"""Text to numbers: thousands separators and decimal commas recognised, suppressed counts refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mentorship_eval.cohort.reading.convert import Cells
    from mentorship_eval.cohort.schema.tables import Column

__all__ = ["numbers"]

_SUPPRESSED = re.compile(r"^(?:[<≤]\s*=?\s*\d+|\*+|\[[a-z]\]|less than \d+|\d+\s*-\s*\d+|suppressed)$", re.IGNORECASE)
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_SPACED = re.compile(r"^[+-]?\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?:\.\d+)?$")
_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_POINTS = re.compile(r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$")
_PLAIN = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")


def numbers(cells: Cells, column: Column) -> np.ndarray:
    """One float per distinct text of ``cells``; NaN where missing or wrong (wrong ones are reported)."""
    values = np.full(len(cells.texts), np.nan)
    texts = cells.texts
    odd = []
    for i, text in enumerate(texts):
        if cells.missing[i]:
            continue
        if _PLAIN.match(text):
            values[i] = float(text)
        else:
            odd.append(i)
    infinite = [i for i in range(len(texts)) if np.isinf(values[i])]
    values[infinite] = np.nan
    odd += infinite + _points(cells, values)
    if not odd:
        return values
    suppressed = [i for i in odd if _SUPPRESSED.match(texts[i])]
    cells.bad(
        "E123",
        suppressed,
        "a suppressed or rounded count cannot be taken as a number, and is not 0",
        "Ask for the counts, or leave out the whole department or period.",
    )
    odd = [i for i in odd if i not in set(suppressed)]
    if any(_COMMA.match(texts[i]) or _POINTS.match(texts[i]) or _THOUSANDS.match(texts[i]) or _SPACED.match(texts[i]) for i in odd):
        odd = _separators(cells, column, values, odd)
    cells.bad("E007", odd, "not a number", "Correct the cells.")
    return values


def _points(cells: Cells, values: np.ndarray) -> list[int]:
    """Numbers such as 1.234 that are thousands where the decimal sign is a comma; reported where the file leaves that open."""
    declared = cells.source.declared.decimal
    if declared == ".":
        return []
    pointed = [i for i, text in enumerate(cells.texts) if "." in text and not np.isnan(values[i])]
    groups = [i for i in pointed if _POINTS.match(cells.texts[i]) and not cells.texts[i].lstrip("+-").startswith("0")]
    if declared == ",":
        values[groups] = np.nan
        return groups
    if groups and len(groups) == len(pointed) and _european(cells):
        cells.bad("E123", groups, "could be thousands or decimals", 'Declare decimal: "," or decimal: "." for the table.')
    return []


def _separators(cells: Cells, column: Column, values: np.ndarray, odd: list[int]) -> list[int]:
    """Numbers with separators; returns what is still not a number."""
    texts, declared = cells.texts, cells.source.declared.decimal
    has_point = any(_PLAIN.match(text) and "." in text for text in texts)
    comma_only = [i for i in odd if _COMMA.match(texts[i])]
    unlike_thousands = [i for i in comma_only if not _THOUSANDS.match(texts[i])]
    decimal = declared or ("," if unlike_thousands and not has_point else ".")
    if declared is None and comma_only and not unlike_thousands and not has_point and _european(cells):
        cells.bad("E123", comma_only, "could be thousands or decimals", 'Declare decimal: "," or decimal: "." for the table.')
        return [i for i in odd if i not in set(comma_only)]
    left, done = [], []
    for i in odd:
        text = texts[i]
        if decimal == "," and (_COMMA.match(text) or _POINTS.match(text)):
            values[i] = float(text.replace(".", "").replace(",", "."))
        elif decimal == "." and _THOUSANDS.match(text):
            values[i] = float(text.replace(",", ""))
        elif _SPACED.match(text):
            values[i] = float(re.sub(r"[ \u00a0\u202f']", "", text))
        else:
            left.append(i)
            continue
        done.append(i)
    if done:
        what = "decimal comma" if decimal == "," else "thousands separators"
        cells.source.find("R123", f"numbers written with {what}", rows=cells.rows_of(done), column=column.name)
        for i in done[:50]:
            cells.source.repair(
                "R123",
                row=cells.first_row(i),
                column=column.name,
                before=texts[i],
                after=f"{values[i]:.15g}",
                reason=what,
                count=cells.count(i),
            )
    return left


def _european(cells: Cells) -> bool:
    """The file separates columns by semicolons, so commas are likely decimals."""
    findings = cells.source.reading.findings
    return any("separated by ';'" in item.message and item.table == cells.source.name for item in findings.of("R123"))
