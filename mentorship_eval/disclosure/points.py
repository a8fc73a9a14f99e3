"""What figures are drawn from, where a profile asks for coarse points: a vector file gives every point back to the last digit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.disclosure.rules import Rule
from mentorship_eval.questions.answer import Counted

__all__ = ["coarse_points"]


def coarse_points(frame: pd.DataFrame, counted: Counted, rule: Rule) -> pd.DataFrame:
    """``frame`` with its derived numbers to so many significant digits, rounded like what is printed."""
    frame = frame.copy()
    for column in counted.derived:
        if column in frame and pd.api.types.is_float_dtype(frame[column]):
            frame[column] = [float(f"{value:.{rule.point_digits - 1}e}") if np.isfinite(value) else value for value in frame[column]]
    return frame
