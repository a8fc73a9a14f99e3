"""Text to categories: declared values only, respelt where only capitals differ; "prefer not to say" is a category."""

from __future__ import annotations

import re

import numpy as np

from mentorship_eval.cohort.reading.cells import Cells
from mentorship_eval.cohort.schema.tables import Column
from mentorship_eval.cohort.study.document import did_you_mean

__all__ = ["NOT_STATED", "to_bool", "to_category", "to_covariate", "to_level", "to_text"]

NOT_STATED = "not stated"
_DECLINED = re.compile(
    r"^(?:prefer not to (?:say|state|answer|disclose)|not (?:stated|known|given|disclosed|recorded)|declined|undisclosed|unknown|missing)$",
    re.IGNORECASE,
)
_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "f"})
_STATED = frozenset({"gender", "ethnicity_group"})


def to_bool(cells: Cells, column: Column) -> np.ndarray:
    values = np.full(len(cells.texts), np.nan)
    bad = []
    for i, text in enumerate(cells.texts):
        word = text.casefold()
        if word in _TRUE:
            values[i] = 1
        elif word in _FALSE:
            values[i] = 0
        elif not cells.missing[i]:
            bad.append(i)
    cells.bad("E007", bad, "not yes or no", f"Map it in study.yaml: values: {{{column.name}: {{THEIRS: 1}}}}.")
    spread = cells.spread(values)
    if np.isnan(spread).any():
        return spread
    # an event is a number that engines sum; other yes/no columns are truth values
    return spread.astype("int64") if column.name == "event" else spread.astype(bool)


def to_text(cells: Cells, column: Column) -> np.ndarray:
    return cells.spread(np.array([np.nan if gone else text for text, gone in zip(cells.texts, cells.missing, strict=True)], dtype=object))


def to_level(cells: Cells, column: Column) -> np.ndarray:
    words = {text.casefold() for text, gone in zip(cells.texts, cells.missing, strict=True) if not gone}
    if cells.missing[cells.codes].any():
        blank = cells.missing[cells.codes]
        cells.source.find(
            "E008", f"{column.name} is empty", rows=cells.rows[blank], column=column.name, fix="Say 0 or the reference level."
        )
    if words <= {"0", "1", "0.0", "1.0", "true", "false"}:
        return to_bool(cells, Column("event", "bool", ""))
    return to_text(cells, column)


def to_covariate(cells: Cells) -> np.ndarray:
    """A number where every given cell is one, else text."""
    given = [text for text, gone in zip(cells.texts, cells.missing, strict=True) if not gone]
    if given and all(_is_number(text) for text in given):
        values = cells.spread(np.array([np.nan if gone else float(text) for text, gone in zip(cells.texts, cells.missing, strict=True)]))
    else:
        values = to_text(cells, Column(cells.ours, "text", ""))
    if cells.missing[cells.codes].any():
        cells.source.find("W012", f"{cells.ours} is missing", rows=cells.rows[cells.missing[cells.codes]], column=cells.ours)
    return values


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _plain(text: str) -> str:
    return re.sub(r"[\s\-/]+", "_", text.strip().casefold())


def to_category(cells: Cells, column: Column) -> np.ndarray:
    values = list(cells.texts)
    bad: list[int] = []
    respelt: list[int] = []
    allowed = {_plain(value): value for value in column.categories}
    for i, text in enumerate(cells.texts):
        if cells.missing[i]:
            continue
        if allowed and text not in column.categories:
            near = allowed.get(_plain(text))
            (bad if near is None else respelt).append(i)
            values[i] = near or text
    if bad:
        words = did_you_mean(cells.texts[bad[0]], list(column.categories)) if len(bad) == 1 else ""
        words = words if words.startswith("Did") else ""  # the list of all stands in the message
        cells.bad(
            "E108",
            bad,
            f"not among {', '.join(column.categories)}",
            f"Map it in study.yaml: values: {{{column.name}: {{{cells.texts[bad[0]][:40]}: ONE OF THEM}}}}. {words}".strip(),
        )
    for i in respelt:
        cells.source.repair(
            "R108",
            row=cells.first_row(i),
            column=column.name,
            before=cells.texts[i],
            after=values[i],
            reason="spelling of the category",
            count=cells.count(i),
        )
    if respelt:
        cells.source.find(
            "R108", "categories spelt with other capitals, blanks or hyphens", rows=cells.rows_of(respelt), column=column.name
        )
    if column.name in _STATED:
        _own_category(cells, column, values)
    else:
        return cells.spread(np.array([np.nan if gone else value for value, gone in zip(values, cells.missing, strict=True)], dtype=object))
    return cells.spread(np.array(values, dtype=object))


def _own_category(cells: Cells, column: Column, values: list[str]) -> None:
    silent = [i for i, text in enumerate(cells.texts) if cells.missing[i] or _DECLINED.match(text)]
    for i in silent:
        values[i] = NOT_STATED
    if silent:
        rows = cells.rows_of(silent)
        cells.source.find(
            "W122",
            f"{len(rows):,} of {len(cells.rows):,} without {column.name}: kept as a category of their own, {NOT_STATED!r}",
            rows=rows,
            column=column.name,
        )
