"""Tornado: how far one result moves when each input runs over its range by itself, the widest bar on top."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, GREY, INK, SKY, VERMILION, house_style, page_width
from mentorship_eval.display.words import sentence
from mentorship_eval.estimate import format_money, format_number

__all__ = ["tornado"]

_WHAT = "tornado(rows)"
_ROW, _LINE = 0.42, 0.15
_LOW: dict[str, Any] = {"facecolor": SKY, "edgecolor": "#1f5f8b", "linewidth": 0.7}
_HIGH: dict[str, Any] = {"facecolor": "#f6c6a4", "edgecolor": VERMILION, "linewidth": 0.7, "hatch": "////"}


@redrawn
def tornado(
    rows: pd.DataFrame, *, base: float = 0.0, value_label: str = "Net benefit", unit: str = "", title: str | None = None, note: str = "",
    name: str = "tornado",
) -> Drawn:  # fmt: skip
    """Bars from the result at the low end of each input to that at its high end, around the result at best guesses.

    The ends of each input stand below its name.
    rows: label, low, high (the result at the low and at the high end of the input), input_low, input_high; in the order in which they stand.
    Raises `UsageError` for a frame without rows or columns.
    """
    rows = check_columns(rows, ("label", "input_low", "input_high", "low", "high"), _WHAT)
    low, high = numbers(rows, "low", _WHAT), numbers(rows, "high", _WHAT)
    with house_style():
        sheet = Sheet()
        left, width = 2.3, page_width() - 2.6
        keys = [Key("input at its low end", "fill", _LOW), Key("input at its high end", "fill", _HIGH)]
        head = Head(sheet, title, keys, left=0.1)
        labels = [f"{sheet.wrap(str(row['label']), left - 0.3)}\n{_ends(row)}" for _, row in rows.iterrows()]
        each = max(_ROW, _LINE * (1.5 + max(label.count("\n") for label in labels)))
        tall = each * len(rows)
        sheet.set_height(head.height + tall + 0.62)
        head.draw()
        axes = sheet.axes(left, head.height, width, tall)
        for place, (at_low, at_high) in enumerate(zip(low, high, strict=True)):
            axes.barh(place, at_low - base, 0.62, left=base, zorder=2, **_LOW)
            axes.barh(place, at_high - base, 0.62, left=base, zorder=2, **_HIGH)
            sheet.text(left - 0.12, head.height + (place + 0.5) * each, labels[place], ha="right")
        axes.axvline(base, color=INK, linewidth=1.1, zorder=3)
        axes.axvline(0, color=GREY, linewidth=0.9, linestyle=(0, (4, 2.5)), zorder=1)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: format_number(x, 0)))
        axes.margins(x=0.06)
        sheet.text(left + width / 2, head.height + tall + 0.4, sheet.wrap(f"{value_label} ({unit})" if unit else value_label, width, BODY), size=BODY,
                   ha="center")  # fmt: skip
    said = [
        f"{row['label']}: {format_money(low[i])} at {_figure(row['input_low'])}, {format_money(high[i])} at {_figure(row['input_high'])}"
        for i, (_, row) in enumerate(rows.iterrows())
    ]  # fmt: skip
    caption = sentence(title, f"{value_label} as each input runs over its range by itself{f', {unit}' if unit else ''}",
                       "Black line: all at their best guess; dashed: zero", note)  # fmt: skip
    alt = sentence(f"Tornado of {value_label.lower()}, {format_money(base)} {unit} at best guesses", *said)
    return Drawn(sheet.figure, caption, alt, {"rows": rows}, name)


def _ends(row: pd.Series) -> str:
    return f"{_figure(row['input_low'])} to {_figure(row['input_high'])}" if row["input_low"] != row["input_high"] else _figure(row["input_low"])


def _figure(value: float) -> str:
    """An input to three significant figures."""
    return format_number(float(f"{value:.3g}"), 0 if abs(value) >= 100 or float(value).is_integer() else 1)
