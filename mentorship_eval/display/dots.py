"""Rates by group as dots: leaver rate of heads and of whole-time equivalents, and the stability index beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, flags, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, SMALL, house_style, narrowed, page_width, series_style
from mentorship_eval.display.words import count, interval, lower_first, people, plural, sentence

__all__ = ["dot_rates"]

_WHAT = "dot_rates(rows)"
_LABEL_MOST = 2.0
_HEADLINE, _BAND = "#e3ecf3", "#f6f6f6"


@redrawn
def dot_rates(
    rows: pd.DataFrame,
    *,
    rate_label: str = "Leavers per year, % of staff",
    heads_label: str = "heads",
    wte_label: str = "whole-time equivalents",
    stability_label: str = "Stability index, %",
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "dot_rates",
) -> Drawn:
    """One line per row in the order given: filled dot with interval for heads, open square for WTE; a second axis for stability.

    rows: label, rate (leavers per person-year, 0.12 is 12 %), ci_low, ci_high; optional rate_wte, wte_low, wte_high,
        stability (0 to 1), stability_low, stability_high, n, n_events (numbers or text such as ``<10``),
        headline (True: bold on a band, for the line of all staff), reason (why a row has no numbers).

    Without ``rate_wte`` or ``stability`` their marks and axis are left out. Raises `UsageError` for a frame without
    rows or columns.
    """
    rows = check_columns(rows, ("label", "rate", "ci_low", "ci_high"), _WHAT)
    values = {
        column: 100 * numbers(rows, column, _WHAT)
        for column in ("rate", "ci_low", "ci_high", "rate_wte", "wte_low", "wte_high", "stability", "stability_low", "stability_high")
    }
    with house_style():
        figure = _Page(rows, values).draw(rate_label, heads_label, wte_label, stability_label, title)
    both, stable = np.isfinite(values["rate_wte"]).any(), np.isfinite(values["stability"]).any()
    caption = sentence(
        title,
        f"{rate_label}; filled dots: {heads_label}{f'; open squares: {wte_label}' if both else ''}; with {ci_level * 100:g} % confidence intervals",
        f"Right: {lower_first(stability_label)}" if stable else "",
        method,
        people(n, n_events, unit=unit),
        note,
    )
    said = []
    for i, (_, row) in enumerate(rows.iterrows()):
        parts = []
        for columns, label in ((("rate", "ci_low", "ci_high"), heads_label), (("rate_wte", "wte_low", "wte_high"), wte_label),
                               (("stability", "stability_low", "stability_high"), lower_first(stability_label))):  # fmt: skip
            value, low, high = (values[column][i] for column in columns)
            if math.isfinite(value):
                parts.append(f"{label} {interval(value, low, high, ci_level, digits=1)}")
        said.append(f"{row['label']}: {', '.join(parts) or reason_of(row, 'not shown')}")
    return Drawn(figure, caption, sentence(f"Dots in {plural(len(rows), 'row')}: {rate_label}", *said), {"rows": rows}, name)


class _Page:
    """label | n | events | rate axis | stability axis."""

    def __init__(self, rows: pd.DataFrame, values: dict[str, np.ndarray]) -> None:
        self.rows, self.values = rows, values
        self.headline = flags(rows, "headline")

    def weight(self, i: int) -> str:
        return "bold" if self.headline[i] else "normal"

    def draw(self, rate_label: str, heads_label: str, wte_label: str, stability_label: str, title: str | None) -> Any:
        sheet, rows, values = Sheet(), self.rows, self.values
        both, stable = np.isfinite(values["rate_wte"]).any(), np.isfinite(values["stability"]).any()
        styles = {
            "heads": {"color": series_style(0)["color"], "marker": "o", "markersize": 5},
            "wte": {"color": series_style(1)["color"], "marker": "s", "markersize": 4.8, "markerfacecolor": "white", "markeredgewidth": 1.2},
            "stability": {"color": series_style(2)["color"], "marker": "^", "markersize": 5.5},
        }
        keys = [Key(heads_label, "line", styles["heads"])] if both else []
        keys += [Key(wte_label, "line", styles["wte"])] if both else []
        labels = [sheet.wrap(str(label), narrowed(_LABEL_MOST), SMALL, self.weight(i)) for i, label in enumerate(rows["label"])]
        x = 0.1 + max(sheet.width_of(label, weight=self.weight(i)) for i, label in enumerate(labels))
        columns = []
        for column, name in (("n", "n"), ("n_events", "Leavers")):
            if column in rows.columns and page_width() >= 5:  # else the axes come first
                cells = [count(cell) for cell in rows[column]]
                x += 0.16 + max(sheet.width_of(text, weight="bold") for text in [*cells, name])
                columns.append((name, x, cells))
        left = x + 0.25
        width = page_width() - left - 0.2
        rate_width = width * 0.62 - 0.15 if stable else width
        axis_labels = [sheet.wrap(rate_label, rate_width + 0.2, BODY)]
        axis_labels += [sheet.wrap(stability_label, width - rate_width - 0.2, BODY)] if stable else []
        pad = 0.1 if len(rows) <= 12 else 0.05
        pitch = np.array([max(label.count("\n") + 1, 1.4 if both else 1) * line_height() + pad for label in labels])
        middles, height = np.cumsum(pitch) - pitch / 2, float(pitch.sum()) + 0.04
        head = Head(sheet, title, keys)
        top = head.height + (line_height() + 0.1 if columns else 0.06)
        sheet.set_height(top + height + 0.34 + max(sheet.block_height(label, BODY) for label in axis_labels))
        head.draw()
        for text, place, _ in columns:
            sheet.text(place, top - 0.08, text, ha="right", va="bottom", weight="bold")
        sheet.line([0.1, page_width() - 0.1], [top - 0.04] * 2, color=GREY, linewidth=0.7)
        for i, middle in enumerate(middles):
            if self.headline[i] or (len(rows) > 8 and i % 2):
                band = _HEADLINE if self.headline[i] else _BAND
                sheet.patch(0.06, top + middle - pitch[i] / 2, page_width() - 0.12, pitch[i], facecolor=band, linewidth=0, zorder=-2)
            sheet.text(0.1, top + middle, labels[i], gid="label", weight=self.weight(i))
            for _, place, cells in columns:
                sheet.text(place, top + middle, cells[i], ha="right", gid="count", weight=self.weight(i))
        axes = self.axis(sheet, left, top, rate_width, height, ("rate", "ci_high", "rate_wte", "wte_high"), from_zero=True)
        off = 0.045 if both else 0.0
        self.dots(axes, middles - off, ("rate", "ci_low", "ci_high"), styles["heads"])
        self.dots(axes, middles + off, ("rate_wte", "wte_low", "wte_high"), styles["wte"])
        for i, middle in enumerate(middles):
            if math.isnan(values["rate"][i]) and math.isnan(values["rate_wte"][i]):
                why = sheet.wrap(reason_of(rows.iloc[i], "not shown"), rate_width).split("\n")[0]
                sheet.text(left + 0.06, top + middle, why, color=GREY, gid="reason")
        down = top + height + 0.28
        sheet.text(left + rate_width / 2, down, axis_labels[0], size=BODY, ha="center", va="top")
        if stable:
            begin = left + rate_width + 0.3
            side = self.axis(sheet, begin, top, page_width() - 0.2 - begin, height, ("stability", "stability_low", "stability_high"), from_zero=False)
            self.dots(side, middles, ("stability", "stability_low", "stability_high"), styles["stability"])
            sheet.text((begin + page_width() - 0.2) / 2, down, axis_labels[1], size=BODY, ha="center", va="top")
        return sheet.figure

    def axis(self, sheet: Sheet, left: float, top: float, width: float, height: float, columns: tuple[str, ...], *, from_zero: bool) -> Any:
        from matplotlib.ticker import MaxNLocator

        axes = sheet.axes(left, top, width, height)
        axes.patch.set_visible(False)
        axes.set_ylim(height, 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        known = np.concatenate([self.values[column] for column in columns])
        known = known[np.isfinite(known)]
        last = float(known.max()) if len(known) else 1.0
        first = 0.0 if from_zero or not len(known) else float(known.min())
        margin = 0.06 * (last - first) or 1.0
        axes.set_xlim(0.0 if from_zero else first - margin, last + margin if from_zero else min(100.0, last + margin))
        axes.xaxis.set_major_locator(MaxNLocator(max(2, int(width / 0.4)), steps=[1, 2, 5, 10]))
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        return axes

    def dots(self, axes: Any, middles: np.ndarray, columns: tuple[str, str, str], style: dict[str, Any]) -> None:
        for middle, value, low, high in zip(middles, *(self.values[column] for column in columns), strict=True):
            if math.isnan(value):
                continue
            if not (math.isnan(low) or math.isnan(high)):
                axes.plot([low, high], [middle, middle], color=style["color"], linewidth=1.3, zorder=2, solid_capstyle="butt")
            axes.plot([value], [middle], linestyle="none", zorder=4, clip_on=False, **style)
