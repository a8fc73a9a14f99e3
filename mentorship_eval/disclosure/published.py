"""How columns are called in published tables, where a profile asks that a name says how a count was rounded."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["with_published_names"]


def with_published_names(frame: pd.DataFrame, counted: Counted | None, rule: Rule) -> pd.DataFrame:
    """``frame`` with counts on the grid of survival curves named ``_midpoint6``, and what is made of them ``_midpoint6_derived``."""
    if counted is None or not counted.cumulative or not (rule.active and rule.midpoint):
        return frame
    grid = f"_midpoint{rule.midpoint}"
    names = {column: column + grid for column in counted.counts}
    if counted.survival:
        names |= {column: f"{column}{grid}_derived" for column in counted.derived}
    return frame.rename(columns=names)
