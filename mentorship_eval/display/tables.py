"""Tables for a page: real minus signs, thousands separators, headers that a screen reader can follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from mentorship_eval.display.frames import is_blank
from mentorship_eval.errors import UsageError, listing
from mentorship_eval.estimate import format_number, format_p

__all__ = ["HtmlTable", "format_cell", "html_table"]

Format = str | Callable[[Any], str]
_KINDS = ("ratio", "number", "rate", "percent", "count", "whole", "p", "text")
_P_NAMES = frozenset({"p", "p_value", "permutation_p"})
_MISSING = "–"


@dataclass(frozen=True, eq=False)
class HtmlTable:
    """A table ready for a page. frame: as given; caption, note: its words; html: the whole fragment; name: file name."""

    frame: pd.DataFrame
    caption: str
    note: str
    html: str
    name: str = "table"

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": f"{self.caption}\n{self.frame.to_string(index=False)}"}


def html_table(
    frame: pd.DataFrame,
    caption: str,
    *,
    formats: Mapping[str, Format] | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    empty: str = "No rows.",
    name: str = "table",
) -> HtmlTable:
    """``frame`` as an accessible HTML table that scrolls inside its own box on a narrow screen.

    formats: per column ``ratio``, ``number`` and ``rate`` (2 decimals), ``percent`` (a proportion, 1
        decimal), ``count``, ``whole`` (a mean, without decimals), ``p``, ``text``, or a function from cell to text. By default: text and
        categories as they are, whole numbers as counts, columns named p or p_value as p, the rest as
        numbers. Text in a column of numbers (``<10``, ``not estimable``) is printed as it stands.
    labels: headers in place of column names. The first column holds the row headers.

    Everything is escaped, a formatter's own text included. Raises `UsageError` for unknown columns or formats.
    """
    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        raise UsageError("html_table takes a DataFrame with columns.", fix="Reset an index that should be shown.")
    formats, labels = dict(formats or {}), dict(labels or {})
    unknown = [column for column in [*formats, *labels] if column not in frame.columns]
    if unknown:
        raise UsageError(f"html_table: no column {listing(unknown)}.", fix=f"The frame has: {listing(frame.columns, 12)}.")
    kinds = {column: formats.get(column) or _kind(frame[column], str(column)) for column in frame.columns}
    for column, kind in kinds.items():
        if not callable(kind) and kind not in _KINDS:
            raise UsageError(
                f"html_table: column {column} has the unknown format {kind!r}.", fix=f"Use {listing(_KINDS, 9)}, or a function."
            )
    align = {column: "left" if kind == "text" else "right" for column, kind in kinds.items()}
    cell = "padding:0.25em 0.7em;border-bottom:1px solid #ddd;vertical-align:top;"
    head = "".join(
        f'<th scope="col" style="{cell}text-align:{align[c]};border-bottom:2px solid #666;vertical-align:bottom">'
        f"{escape(str(labels.get(c, c)))}</th>"
        for c in frame.columns
    )
    body = []
    for row in frame.itertuples(index=False, name=None):
        cells = []
        for place, (column, value) in enumerate(zip(frame.columns, row, strict=True)):
            style = f"{cell}text-align:{align[column]};font-weight:normal" + (";white-space:nowrap" if align[column] == "right" else "")
            text = escape(format_cell(value, kinds[column]))
            cells.append(f'<th scope="row" style="{style}">{text}</th>' if place == 0 else f'<td style="{style}">{text}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    if not body:
        body = [f'<tr><td colspan="{len(frame.columns)}" style="{cell}text-align:left">{escape(empty)}</td></tr>']
    foot = f'<p style="font-size:0.85em;margin:0.3em 0 0">{escape(note)}</p>' if note else ""
    html = (
        f'<div role="region" aria-label="{escape(caption, quote=True)}" tabindex="0" style="overflow-x:auto;max-width:100%;margin:1em 0">'
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:0.92em;margin:0">'
        f'<caption style="caption-side:top;text-align:left;font-weight:bold;padding:0 0 0.4em;color:inherit">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{foot}</div>"
    )
    return HtmlTable(frame, caption, note, html, name)


def _kind(column: pd.Series, name: str) -> str:
    if name in _P_NAMES:
        return "p"
    if pd.api.types.is_bool_dtype(column):
        return "text"
    if pd.api.types.is_integer_dtype(column):
        return "count"
    if pd.api.types.is_float_dtype(column):
        return "count" if name == "n" or name.startswith("n_") else "number"
    # counts of which some are suppressed come as text and numbers mixed
    known = [value for value in column if not is_blank(value)]
    if any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return "count" if all(isinstance(value, str) or float(value).is_integer() for value in known) else "number"
    return "text"


def format_cell(value: Any, kind: Format = "number") -> str:
    """One cell as text: a dash where missing, text as it stands, numbers as ``kind`` says."""
    if callable(kind):
        return str(kind(value))
    if is_blank(value) or value is pd.NaT or (hasattr(value, "dtype") and pd.isna(value)):
        return _MISSING
    if isinstance(value, str):
        return value
    if kind == "text":
        if isinstance(value, pd.Timestamp):
            return value.date().isoformat() if value == value.normalize() else value.isoformat(sep=" ", timespec="minutes")
        return {True: "yes", False: "no"}[bool(value)] if type(value).__name__ in ("bool", "bool_") else str(value)
    number = float(value)
    if math.isnan(number):
        return _MISSING
    if kind == "p":
        return format_p(number).removeprefix("p ").removeprefix("= ")
    if kind == "percent":
        return f"{format_number(100 * number, 1)} %" if number else "0.0 %"
    if kind == "whole":
        return format_number(number, 0)
    if kind == "count":
        return format_number(number, 0) if number.is_integer() else format_number(number, 1)
    return format_number(number, 2)
