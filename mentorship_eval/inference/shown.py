"""How a result shows itself in a notebook: its sentence, its tables, its cautions."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import pandas as pd

from mentorship_eval.estimate import Caution

__all__ = ["as_html"]


def as_html(
    statement: str, *frames: pd.DataFrame, cautions: Iterable[Caution] = (), max_rows: int | None = None, na_rep: str = ""
) -> str:
    """``statement`` as a paragraph, ``frames`` with four significant digits, ``cautions`` as a list."""
    tables = (frame.to_html(index=False, max_rows=max_rows, na_rep=na_rep, float_format=lambda value: f"{value:.4g}") for frame in frames)
    notes = "".join(f"<li>{escape(caution.text)}</li>" for caution in cautions)
    return f"<p>{escape(statement)}</p>{''.join(tables)}" + (f"<ul>{notes}</ul>" if notes else "")
