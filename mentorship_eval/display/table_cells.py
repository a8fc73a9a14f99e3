"""One cell of a table as text: real minus signs, thousands separators, suppressed counts as they stand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from mentorship_eval.display.frames import is_blank
from mentorship_eval.estimate import format_number, format_p

__all__ = ["KINDS", "Format", "column_kind", "filled", "format_cell", "names_in"]

Format = str | Callable[[Any], str]
DIGITS = ("0", "1", "2", "3")
KINDS = ("ratio", "number", "rate", "percent", "share", "count", "whole", "near", "amount", "p", "text", *DIGITS)
_P_NAMES = frozenset({"p", "p_value", "permutation_p"})
_MISSING = "–"
_FIELD = re.compile(r"\{(\w+)(?::(\w+))?\}")


def column_kind(column: pd.Series, name: str) -> str:
    """The kind of a column of which nothing is said."""
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
    """One cell as text: a dash where missing, text as it stands, numbers as ``kind`` says (`html_table`)."""
    if callable(kind):
        return str(kind(value))
    if _missing(value):
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
    if kind in ("percent", "share"):
        text = format_number(100 * number, 1) if number else "0.0"
        return f"{text} %" if kind == "percent" else text
    if kind == "whole":
        return format_number(number, 0)
    if kind == "near":
        kind = "0" if abs(number) >= 99.95 else "1"
    if kind in DIGITS:
        # rounded to what the other cells of its row have, however small it is
        text = f"{number:,.{kind}f}"
        return text.replace("-", "−" if any(digit in text for digit in "123456789") else "")
    if kind == "amount":
        return format_number(number, 0 if number.is_integer() else 2)
    if kind == "count":
        return format_number(number, 0) if number.is_integer() else format_number(number, 1)
    return format_number(number, 2)


def _missing(value: Any) -> bool:
    return is_blank(value) or value is pd.NaT or bool(hasattr(value, "dtype") and pd.isna(value))


def names_in(pattern: str) -> list[str]:
    """The columns that a pattern of `filled` names."""
    return [name for name, _ in _FIELD.findall(pattern)]


def filled(pattern: str, row: Mapping[str, Any]) -> str:
    """Several values of a row as one cell: ``{n} ({share:share})``, ``{mean:1} ({sd:1})``; after the colon stands a kind.

    What stands in brackets goes when one of its values is missing or withheld; a cell whose first value is missing is a dash, and one whose
    first value is text (``<10``) is that text.
    """
    head, bracket, tail = pattern.partition(" (")
    first = [(row[name], kind) for name, kind in _FIELD.findall(head)]
    if any(_missing(value) for value, _ in first):
        return _MISSING
    if any(isinstance(value, str) for value, _ in first):
        return next(value for value, _ in first if isinstance(value, str))
    inner = [row[name] for name in names_in(tail)]
    shown = head if any(_missing(value) or isinstance(value, str) for value in inner) else head + bracket + tail
    return _FIELD.sub(lambda field: format_cell(row[field[1]], field[2] or "count"), shown)
