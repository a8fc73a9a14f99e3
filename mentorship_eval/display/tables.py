"""Tables for a page: real minus signs, thousands separators, headers that a screen reader can follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from mentorship_eval.display.table_cells import Format
from mentorship_eval.display.table_frame import Layout, table_model
from mentorship_eval.display.table_html import table_html
from mentorship_eval.display.table_model import TableModel
from mentorship_eval.errors import UsageError

__all__ = ["HtmlTable", "html_table"]


@dataclass(frozen=True, eq=False)
class HtmlTable:
    """A table ready for a page. frame: as given; model: the same as text for any format; html: the whole fragment."""

    frame: pd.DataFrame
    model: TableModel

    @property
    def caption(self) -> str:
        return self.model.caption

    @property
    def note(self) -> str:
        return self.model.note

    @property
    def name(self) -> str:
        """File name without ending."""
        return self.model.name

    @cached_property
    def html(self) -> str:
        return table_html(self.model)

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.model.text()}


def html_table(
    frame: pd.DataFrame,
    caption: str,
    *,
    formats: Mapping[str, Format] | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    empty: str = "No rows.",
    name: str = "table",
    **layout: Any,
) -> HtmlTable:
    """``frame`` as an accessible HTML table that scrolls inside its own box on a narrow screen.

    formats: per column ``ratio``, ``number`` and ``rate`` (2 decimals), ``percent`` (a proportion, 1 decimal) and ``share`` (the same without
        the sign), ``count``, ``whole`` (a mean, without decimals), ``0`` to ``3`` (decimals), ``near`` (one decimal, none from 100 on),
        ``p``, ``text``, or a function from cell to text. By default: text and categories as they are, whole numbers as counts, columns named
        p or p_value as p, the rest as numbers. Text in a column of numbers (``<10``, ``not estimable``) is printed as it stands.
    labels: headers in place of column names. The first column holds the row headers.
    layout: joined cells, headers that span columns, groups of rows, footnotes, as in `table_frame.Layout`.

    Everything is escaped, a formatter's own text included. Raises `UsageError` for unknown columns or formats.
    """
    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        raise UsageError("html_table takes a DataFrame with columns.", fix="Reset an index that should be shown.")
    unknown = [option for option in layout if option not in Layout.__dataclass_fields__]
    if unknown:
        raise TypeError(f"html_table() got an unexpected keyword argument {unknown[0]!r}")
    model = table_model(
        frame, caption, formats=dict(formats or {}), labels=dict(labels or {}), layout=Layout(**layout), note=note, empty=empty, name=name
    )
    return HtmlTable(frame, model)
