"""How a result shows itself in a notebook: its sentence, its tables, its cautions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from mentorship_eval.estimate import Caution, format_p

__all__ = ["Shown", "as_html"]

_MOST_ROWS = 20  # of a table in a notebook; ``.table`` has them all
_P_NAMES = frozenset({"p", "p_value", "permutation_p", "p_adjusted"})


class Shown:
    """A result that shows itself in a notebook: ``statement()``, ``table`` and ``warnings``, as far as it has them.

    A class that has more, or less, to show says so in `_frames` and `_notes`.
    """

    def _frames(self) -> tuple[pd.DataFrame, ...]:
        table = getattr(self, "table", None)
        return (table,) if isinstance(table, pd.DataFrame) else ()

    def _notes(self) -> tuple[Caution, ...]:
        return tuple(getattr(self, "warnings", ()))

    def _repr_html_(self) -> str:
        return as_html(self.statement(), *self._frames(), cautions=self._notes())  # type: ignore[attr-defined]


def as_html(
    statement: str, *frames: pd.DataFrame, cautions: Iterable[Caution] = (), max_rows: int | None = _MOST_ROWS, na_rep: str = "–"
) -> str:
    """``statement`` as a paragraph, ``frames`` with four significant digits, ``cautions`` as a list; a wide table scrolls in its own box."""
    tables = "".join(f'<div style="overflow-x:auto;margin:0.5em 0">{_table(frame, max_rows, na_rep)}</div>' for frame in frames)
    notes = "".join(f"<li>{escape(caution.text)}</li>" for caution in cautions)
    return f"<p>{escape(statement)}</p>{tables}" + (f"<ul>{notes}</ul>" if notes else "")


def _table(frame: pd.DataFrame, max_rows: int | None, na_rep: str) -> str:
    ways: dict[Any, Any] = {column: _p for column in frame.columns if column in _P_NAMES and pd.api.types.is_numeric_dtype(frame[column])}
    with pd.option_context("display.max_colwidth", None):  # a sentence in a cell is not cut off
        html = frame.to_html(index=False, border=0, max_rows=max_rows, na_rep=na_rep, float_format=_number, formatters=ways)
    folded = max_rows is not None and len(frame) > max_rows
    return html + (f"<p>{max_rows} of {len(frame):,} rows; <code>.table</code> has them all.</p>" if folded else "")


def _number(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.4g}".replace("-", "−")


def _p(value: float) -> str:
    return "–" if math.isnan(value) else format_p(value).removeprefix("p ").removeprefix("= ")
