"""Cost-effectiveness acceptability: how likely a programme is to pay for itself at every value that one event avoided might have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, INK, house_style, page_width, series_style
from mentorship_eval.display.words import percent, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["ceac"]

_WHAT = "ceac(rows)"
_HEIGHT = 2.7
_MARK: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2.5)), "linewidth": 1.1}


@redrawn
def ceac(
    rows: pd.DataFrame, *, marked: float | None = None, value_label: str = "Value of one event avoided", title: str | None = None, note: str = "",
    name: str = "ceac",
) -> Drawn:  # fmt: skip
    """A curve of probabilities from 0 to 1; ``marked``: the value that was used, as a dashed line.

    rows: value (ascending), probability. Raises `UsageError` for a frame without rows or columns, values out of order, no probabilities.
    """
    rows = check_columns(rows, ("value", "probability"), _WHAT)
    value, share = numbers(rows, "value", _WHAT), numbers(rows, "probability", _WHAT)
    if (np.diff(value) <= 0).any() or ((share < 0) | (share > 1)).any():
        raise UsageError(f"{_WHAT}: values out of order, or probabilities beyond 0 to 1.", fix="Give ascending values with probabilities.")
    with house_style():
        sheet = Sheet()
        left, width = 0.85, page_width() - 1.15
        keys = [Key(f"value used: {format_number(marked, 0)}", "line", _MARK)] if marked is not None else []
        head = Head(sheet, title, keys, left=left)
        sheet.set_height(head.height + _HEIGHT + 0.62)
        head.draw()
        axes = sheet.axes(left, head.height, width, _HEIGHT)
        axes.plot(value, share, color=series_style(0)["color"], linewidth=1.8, zorder=3)
        axes.axhline(0.5, color=GREY, linewidth=0.7, zorder=1)
        if marked is not None:
            axes.axvline(marked, zorder=2, **_MARK)
        axes.set_ylim(0, 1.0)
        axes.set_xlim(value[0], value[-1])
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: format_number(x, 0)))
        axes.set_ylabel("Pays for itself")
        axes.yaxis.set_label_coords(-0.6 / width, 0.5)
        sheet.text(left + width / 2, head.height + _HEIGHT + 0.4, value_label, size=BODY, ha="center")
    places = sorted({0, len(value) // 4, len(value) // 2, 3 * len(value) // 4, len(value) - 1})
    said = [f"{percent(share[i])} at {format_number(value[i], 0)}" for i in places]
    if marked is not None:
        said.append(f"{percent(float(np.interp(marked, value, share)))} at the value used, {format_number(marked, 0)}")
    caption = sentence(title, f"Probability that the programme pays for itself by {value_label[:1].lower() + value_label[1:]}", note)
    return Drawn(sheet.figure, caption, sentence("Acceptability curve: probability that the programme pays for itself", *said), {"rows": rows}, name)
