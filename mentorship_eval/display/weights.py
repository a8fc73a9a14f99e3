"""Distribution of weights by arm, with the numbers that tell whether a few people carry the estimate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.bars import WITHHELD, bars, read_bins
from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, in_order, is_blank
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, Page, house_style, page_width
from mentorship_eval.display.words import capital, count, lower_first, many, people, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["weights"]

_WHAT, _SUMMARY = "weights(rows)", "weights(summary)"
_PANEL, _LOW_PANEL = 1.05, 0.8  # inches; the lower with more than three arms
_FILL: dict[str, Any] = {"facecolor": "#b9c7d1", "edgecolor": "#5b6f7e", "linewidth": 0.6}
_MOST_ARMS = 5
# columns of the summary that are known, in the order of the table
_COLUMNS = {"n": "n", "mean": "Mean", "sd": "SD", "median": "Median", "p99": "99th percentile", "max": "Maximum", "n_effective": "Effective n"}
_COUNTS = ("n", "n_effective")


@redrawn
def weights(
    rows: pd.DataFrame,
    summary: pd.DataFrame | None = None,
    *,
    x_label: str = "Weight",
    clip: tuple[float, float] | None = None,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "weights",
) -> Drawn:
    """A panel per arm on one axis of weights, a dotted line at 1; beneath, a table of each arm's summary.

    rows: arm (at most five), bin_low, bin_high, count as in `overlap`.
    summary: arm and any of n, mean, sd, median, p99, max, n_effective (NaN or text where withheld); printed under
        the panels and in the alt text. None, or no rows: no table.
    clip: limits at which the weights are cut, drawn as dashed lines and named in the caption.

    Raises `UsageError` for frames without rows or columns, for too many arms and for impossible bins.
    """
    rows = check_columns(rows, ("arm", "bin_low", "bin_high", "count"), _WHAT)
    arms = in_order(rows["arm"])
    if len(arms) > _MOST_ARMS:
        raise UsageError(f"{_WHAT}: {len(arms)} arms need too many panels.", fix=f"Give at most {_MOST_ARMS}, or one figure for each comparison.")
    bins = {arm: read_bins(rows[rows["arm"] == arm], _WHAT) for arm in arms}
    cells: list[list[str]] = []
    known: list[str] = []
    if summary is not None and len(summary):
        summary = check_columns(summary, ("arm",), _SUMMARY)
        known = [column for column in _COLUMNS if column in summary.columns]
        cells = [[str(row["arm"]), *[_cell(row[column], column) for column in known]] for _, row in summary.iterrows()]
    hidden = sum(int(b.withheld.sum()) for b in bins.values())
    with house_style():
        figure = _draw(arms, bins, cells, ["", *[_COLUMNS[column] for column in known]], x_label, unit, clip, bool(hidden), title)
    said = [f"{row[0]}: {', '.join(f'{_said(c)} {text}' for c, text in zip(known, row[1:], strict=True))}" for row in cells if known]
    caption = sentence(
        title,
        f"{many(x_label)} by arm, dotted line at 1",
        method,
        people(n, None, unit=unit),
        f"Dashed: clipped at {clip[0]:g} and {clip[1]:g}" if clip else "",
        "Hatched, all of one height: bins whose count is withheld" if hidden else "",
        *said,
        note,
    )
    alt = sentence(f"Histograms of {x_label.lower()} by arm", *[f"{arm}: {bins[arm].words()}" for arm in arms], *said)
    data = {"rows": rows} if not cells or summary is None else {"rows": rows, "summary": summary}
    return Drawn(figure, caption, alt, data, name)


def _said(column: str) -> str:
    return column.upper() if column == "sd" else lower_first(_COLUMNS[column])


def _cell(value: Any, column: str) -> str:
    if is_blank(value) or isinstance(value, str):
        return count(value)
    return f"{float(value):,.0f}" if column in _COUNTS else format_number(float(value))


def _draw(
    arms: list[Any], bins: dict[Any, Any], cells: list[list[str]], heads: list[str], x_label: str, unit: str,
    clip: tuple[float, float] | None, hidden: bool, title: str | None,
) -> Any:  # fmt: skip
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    sheet = Sheet()
    cut = {"color": INK, "linestyle": (0, (4, 2.5)), "linewidth": 1.1}
    keys = [Key("count withheld", "fill", WITHHELD)] if hidden else []
    keys += [Key(f"clipped at {clip[0]:g} and {clip[1]:g}", "line", cut)] if clip else []
    left, width = 0.85, page_width() - 1.1
    head = Head(sheet, title, keys, left=left)
    named = [sheet.wrap(str(arm), width) for arm in arms]
    panel = _PANEL if len(arms) <= 3 else _LOW_PANEL
    tall = [sheet.block_height(text) + 0.06 + panel + 0.14 for text in named]
    under = head.height + sum(tall) + 0.48
    if page_width() - 0.3 - sum(sheet.width_of(text, weight="bold") + 0.2 for text in heads[1:]) < 1.5:
        heads = [heads[0], *(sheet.wrap(text, 0.66, weight="bold") for text in heads[1:])]  # a narrow page
    table = max(sheet.block_height(text) for text in heads) + 0.05 + len(cells) * (line_height() + 0.05) + 0.14
    table += 0 if page_width() >= Page().width else len(cells) * line_height()  # names of arms may take a second line
    sheet.set_height(under + (table if cells else 0.1))
    head.draw()
    low, high = min(float(b.low.min()) for b in bins.values()), max(float(b.high.max()) for b in bins.values())
    places = [place for place in clip or () if math.isfinite(place)]
    low, high = min([low, 1.0, *places]), max([high, 1.0, *places])
    down = head.height
    for k, arm in enumerate(arms):
        sheet.text(left, down, named[k], va="top", weight="bold")
        axes = sheet.axes(left, down + sheet.block_height(named[k]) + 0.06, width, panel)
        counts = bins[arm].counts
        largest = float(np.nanmax(counts)) if np.isfinite(counts).any() and np.nanmax(counts) > 0 else 1.0
        bars(axes, bins[arm], largest, _FILL)
        axes.axvline(1, color=INK, linewidth=0.9, linestyle=(0, (1.2, 1.6)), zorder=3)
        for place in places:
            axes.axvline(place, zorder=4, **cut)
        axes.set_xlim(low - 0.01 * (high - low), high + 0.01 * (high - low))
        axes.set_ylim(0, 1.06 * largest)
        # where every count is withheld, heights mean nothing
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True) if np.nansum(counts) > 0 else NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
        axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]))
        axes.set_ylabel(capital(unit))
        axes.yaxis.set_label_coords(-0.6 / width, 0.5)
        if k < len(arms) - 1:
            axes.tick_params(labelbottom=False)
        down += tall[k]
    sheet.text(left + width / 2, down + 0.26, x_label, size=BODY, ha="center")
    if cells:
        _table(sheet, heads, cells, under)
    return sheet.figure


def _table(sheet: Sheet, heads: list[str], cells: list[list[str]], down: float) -> None:
    """Right-aligned columns under the axis; the arms in the first."""
    columns = list(zip(heads, *cells, strict=True))
    wide = [max(sheet.width_of(text, weight="bold") for text in column) for column in columns[1:]]
    gap = min(0.2, max(0.08, (page_width() - 0.2 - sum(wide) - 0.9) / len(wide)))
    first = page_width() - 0.1 - sum(wide) - gap * len(wide) - 0.1
    rows = [[sheet.wrap(row[0], max(first, 0.6)), *row[1:]] for row in cells]
    ends = [page_width() - 0.1 - sum(wide[k + 1 :]) - gap * (len(wide) - 1 - k) for k in range(len(wide))]
    head_height = max(sheet.block_height(head) for head in heads)
    for x, text in zip(ends, heads[1:], strict=True):
        sheet.text(x, down + head_height / 2, text, ha="right", weight="bold")
    down += head_height + 0.05
    sheet.line([0.1, page_width() - 0.1], [down] * 2, color=GREY, linewidth=0.7)
    for row in rows:
        tall = sheet.block_height(row[0])
        sheet.text(0.1, down + 0.04 + tall / 2, row[0])
        for x, text in zip(ends, row[1:], strict=True):
            sheet.text(x, down + 0.04 + tall / 2, text, ha="right")
        down += tall + 0.05
