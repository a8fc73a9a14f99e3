"""How different the silent would have to be: the estimate and its interval as their imputed answers are shifted, and where it turns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers
from mentorship_eval.display.style import house_style
from mentorship_eval.display.violations_frame import Curve, read_curve
from mentorship_eval.display.violations_page import Mark, Page
from mentorship_eval.display.words import interval, lower_first, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["tipping"]

_WHAT = "tipping(curve)"
_TOLERANCE = 0.05  # of the width of the interval


@redrawn
def tipping(
    curve: pd.DataFrame,
    tips: pd.DataFrame | None = None,
    *,
    sd: float = math.nan,
    value_label: str = "Difference",
    shift_label: str = "Shift of the answers of those who were silent",
    digits: int = 1,
    ci_level: float = 0.95,
    title: str | None = None,
    note: str = "",
    name: str = "tipping",
) -> Drawn:
    """A line with its interval over the shift of imputed answers, no effect as a line, and the shifts at which the interval meets it.

    curve: delta (one row a shift, with its sign; 0: none), estimate, ci_low, ci_high under it; optional reason (why there are no numbers).
    tips: delta, the shifts at which the interval begins to hold no effect, or ceases to; no rows: none within the range. sd: of the scores, to tell
    shifts in its units too. The band is grey where it includes no effect.

    Raises `UsageError` for frames without rows or columns, a shift that stands twice or is missing, limits the wrong way round, and tips at which
    the interval does not meet no effect.
    """
    rows = check_columns(curve, ("delta", "estimate", "ci_low", "ci_high"), _WHAT)
    nan = math.nan
    read = read_curve(rows.rename(columns={"delta": "violation"}), log=False, breakdown=nan, of_estimate=nan, seen=(nan, nan, nan))
    at: list[float] = []
    if tips is not None and len(tips):
        at = [float(tip) for tip in numbers(check_columns(tips, ("delta",), "tipping(tips)"), "delta", "tipping(tips)") if math.isfinite(tip)]
    _refuse_foreign(read, at)
    turns = "reaches" if read.known.any() and _apart(read) else "leaves"
    marks = [Mark("interval", tip, f"Interval {turns} 0 at {_shift(tip, sd, digits)}") for tip in at]
    reach = float(abs(read.violation).max())
    quiet = "" if at or not read.known.any() else f"This does not change within {format_number(reach, digits)} points either way"
    with house_style():
        figure = Page(read, marks, shift_label, value_label, quiet).draw(title)
    caption = sentence(
        title,
        f"{value_label} with {ci_level * 100:g} % intervals, by {lower_first(shift_label)}",
        "The band is grey where it includes 0" if read.known.any() else f"Not shown: {read.reason}",
        note,
    )
    said = []
    for i in dict.fromkeys((read.start, 0, len(read.violation) - 1)) if read.known.any() else ():
        where = "Without a shift" if read.violation[i] == 0 else f"At {_shift(read.violation[i], sd, digits)}"
        said.append(f"{where}: {interval(read.value[i], read.low[i], read.high[i], ci_level, digits=2)}")
    lacking = "" if read.known.any() else f"No estimate: {read.reason}"
    alt = sentence(f"Line with a band: {lower_first(value_label)} by {lower_first(shift_label)}", *said, *[m.words for m in marks], quiet, lacking)
    frames = {"curve": curve.reset_index(drop=True), **({} if tips is None else {"tips": tips.reset_index(drop=True)})}
    return Drawn(figure, caption, alt, frames, name)


def _refuse_foreign(read: Curve, tips: list[float]) -> None:
    """At a tip one limit is no effect, but for what is rounded and for straight lines between the rows."""
    rows = np.isfinite(read.low) & np.isfinite(read.high)
    for tip in tips if rows.any() else ():
        low, high = (float(np.interp(tip, read.violation[rows], limit[rows])) for limit in (read.low, read.high))
        if min(abs(low), abs(high)) > _TOLERANCE * (high - low):
            fix = "Give the curve and the tips of one analysis, in the same unit."
            raise UsageError(f"{_WHAT}: the interval does not meet no effect at the shift {tip:g}.", fix=fix)


def _apart(read: Curve) -> bool:
    """Whether the interval without a shift leaves out no effect."""
    return bool(read.low[read.start] > 0 or read.high[read.start] < 0)


def _shift(delta: float, sd: float, digits: int) -> str:
    in_sd = f" ({format_number(abs(delta) / sd, 2)} SD)" if math.isfinite(sd) and sd > 0 else ""
    return f"{format_number(abs(delta), digits)} points {'lower' if delta < 0 else 'higher'}{in_sd}"
