"""Propensity scores of the arms in mirrored bars: where they overlap, and where one arm stands alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.bars import WITHHELD, bars, read_bins
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, in_order
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, INK, SKY, VERMILION, house_style, page_width
from mentorship_eval.display.words import capital, lower_first, people, plural, sentence
from mentorship_eval.errors import UsageError

__all__ = ["overlap"]

_WHAT = "overlap(rows)"
_HEIGHT = 2.7
_CLIP: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2.5)), "linewidth": 1.1}
ARM_FILLS: tuple[dict[str, Any], ...] = (
    {"facecolor": SKY, "edgecolor": "#1f5f8b", "linewidth": 0.7},
    {"facecolor": "#f6c6a4", "edgecolor": VERMILION, "linewidth": 0.7},
)


@redrawn
def overlap(
    rows: pd.DataFrame,
    *,
    clip: tuple[float, float] | None = None,
    x_label: str = "Propensity score",
    title: str | None = None,
    method: str = "",
    n: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "overlap",
) -> Drawn:
    """Histogram of the first arm upwards, of the second downwards; a bin whose count is withheld is a hatched stub.

    rows: arm (two, in the order of appearance), bin_low, bin_high, count (a number, or text such as ``<10``
        or ``withheld``; zero draws nothing). Every stub has the same height, so that it tells nothing.
    clip: the limits at which scores or weights are cut, drawn as dashed lines.

    Raises `UsageError` for a frame without rows or columns, for more than two arms and for impossible bins.
    """
    rows = check_columns(rows, ("arm", "bin_low", "bin_high", "count"), _WHAT)
    arms = in_order(rows["arm"])
    if len(arms) > 2:
        raise UsageError(f"{_WHAT}: {len(arms)} arms cannot be mirrored.", fix="Give two arms, one figure for each comparison.")
    bins = {arm: read_bins(rows[rows["arm"] == arm], _WHAT) for arm in arms}
    largest = max([float(np.nanmax(b.counts)) for b in bins.values() if np.isfinite(b.counts).any()], default=0.0) or 1.0
    hidden = {arm: int(b.withheld.sum()) for arm, b in bins.items()}
    with house_style():
        sheet = Sheet()
        keys = [Key(str(arm), "fill", style) for arm, style in zip(arms, ARM_FILLS, strict=False)]
        keys += [Key("count withheld", "fill", WITHHELD)] if sum(hidden.values()) else []
        keys += [Key(f"clipped at {clip[0]:g} and {clip[1]:g}", "line", _CLIP)] if clip else []
        left, width = 0.85, page_width() - 1.1
        head = Head(sheet, title, keys, left=left)
        sheet.set_height(head.height + _HEIGHT + 0.6)
        head.draw()
        axes = sheet.axes(left, head.height, width, _HEIGHT)
        for arm, style, sign in zip(arms, ARM_FILLS, (1, -1), strict=False):
            bars(axes, bins[arm], largest, style, sign)
        axes.axhline(0, color=GREY, linewidth=0.8)
        low, high = min(float(b.low.min()) for b in bins.values()), max(float(b.high.max()) for b in bins.values())
        places = [place for place in clip or () if math.isfinite(place)]
        for place in places:
            axes.axvline(place, zorder=4, **_CLIP)
        low, high = min([low, *places]), max([high, *places])
        axes.set_xlim(low - 0.01 * (high - low), high + 0.01 * (high - low))
        axes.set_ylim(-1.06 * largest if len(arms) > 1 else 0, 1.06 * largest)
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{abs(y):,.0f}"))
        axes.set_ylabel(capital(unit))
        axes.yaxis.set_label_coords(-0.6 / width, 0.5)
        sheet.text(left + width / 2, head.height + _HEIGHT + 0.38, x_label, size=BODY, ha="center")
    mirrored = f": {arms[0]} upwards, {arms[1]} downwards" if len(arms) > 1 else ""
    caption = sentence(
        title,
        f"{x_label}{f' by arm{mirrored}' if len(arms) > 1 else ''}",
        method,
        people(n, None, unit=unit),
        f"Dashed: clipped at {clip[0]:g} and {clip[1]:g}" if clip else "",
        "Hatched, all of one height: bins whose count is withheld" if sum(hidden.values()) else "",
        note,
    )
    said = [f"{arm}: {bins[arm].words()}" for arm in arms]
    clipped = f"Clipped at {clip[0]:g} and {clip[1]:g}" if clip else ""
    alt = sentence(f"Histograms of {lower_first(x_label)} of {plural(len(arms), 'arm')}", *said, clipped)
    return Drawn(sheet.figure, caption, alt, {"rows": rows}, name)

