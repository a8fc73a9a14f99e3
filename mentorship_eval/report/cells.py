"""Texts of the data in CSV files that people open in a spreadsheet, where a cell that begins like a formula is run."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

__all__ = ["no_formula", "without_formulas"]

# a sign before a number, or before words without a call, is no formula that does anything
_FORMULA = re.compile(r"[=@\t\r]|[+-][^(|!]*[(|!]")


def no_formula(value: Any) -> Any:
    """A text that a spreadsheet would run gets an apostrophe in front, as the spreadsheet itself would write it; anything else stays."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with `no_formula` in its columns of texts."""
    texts = [name for name in frame if not (pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_datetime64_any_dtype(frame[name]))]
    return frame.assign(**{name: frame[name].astype(object).map(no_formula) for name in texts}) if texts else frame
