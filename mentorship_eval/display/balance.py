"""Love plot: how far the groups stood apart on each covariate, before and after weighting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, is_blank, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, house_style, narrowed, page_width, series_style
from mentorship_eval.display.words import people, plural, sentence
from mentorship_eval.estimate import format_number

__all__ = ["love_plot"]

_WHAT = "love_plot(rows)"
_LABEL_MOST, _NUMBERS = 2.7, 1.2  # inches


@redrawn
def love_plot(
    rows: pd.DataFrame,
    *,
    threshold: float = 0.1,
    absolute: bool = False,
    sort: bool = True,
    most: int = 36,
    before_label: str = "before weighting",
    after_label: str = "after weighting",
    value_label: str = "Standardised mean difference",
    title: str | None = None,
    method: str = "",
    n: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "love_plot",
) -> Drawn:
    """One line per covariate level: open marker before, filled marker after, dotted lines at plus and minus ``threshold``.

    rows: label, before, after (standardised mean differences; NaN where withheld or undefined); optional
        group (the covariate, put before its level), n (a count that may be withheld), reason.
    absolute: draw absolute values. sort: the largest difference before weighting first, rows without one
        last. most: with more rows than this only the largest are drawn, and the caption says so; the data
        keep them all.

    Raises `UsageError` for a frame without rows or columns.
    """
    rows = check_columns(rows, ("label", "before", "after"), _WHAT)
    shown = rows.assign(before=numbers(rows, "before", _WHAT), after=numbers(rows, "after", _WHAT))
    if absolute:
        shown = shown.assign(before=shown["before"].abs(), after=shown["after"].abs())
    if sort or len(shown) > most:
        largest = np.abs(np.where(shown["before"].isna(), shown["after"], shown["before"]))
        order = np.argsort(-np.nan_to_num(largest, nan=-1.0), kind="stable")[:most]
        shown = shown.iloc[order if sort else np.sort(order)].reset_index(drop=True)
    names = [
        f"{row['group']}: {row['label']}" if "group" in rows.columns and not is_blank(row["group"]) else str(row["label"])
        for _, row in shown.iterrows()
    ]
    with house_style():
        figure = _draw(shown, names, threshold, absolute, (before_label, after_label), value_label, title)
    every = {column: np.abs(numbers(rows, column, _WHAT)) for column in ("before", "after")}
    beyond = {column: int((values > threshold).sum()) for column, values in every.items()}
    largest_after = float(np.nanmax(every["after"])) if np.isfinite(every["after"]).any() else math.nan
    counted = (
        f"Beyond ±{threshold:g}: {beyond['before']} of {plural(len(rows), 'level')} {before_label}, {beyond['after']} {after_label}"
        + (f"; largest {after_label} {_two(largest_after)}" if not math.isnan(largest_after) else "")
    )
    caption = sentence(
        title,
        f"{'Absolute ' + value_label[:1].lower() + value_label[1:] if absolute else value_label}: open {before_label}, filled {after_label}",
        f"Dotted lines: ±{threshold:g}" if not absolute else f"Dotted line: {threshold:g}",
        method,
        people(n, None, unit=unit),
        f"The {len(shown)} largest of {len(rows)} are drawn" if len(shown) < len(rows) else "",
        counted,
        note,
    )
    said = [_say(row, label, before_label, after_label) for (_, row), label in zip(shown.iterrows(), names, strict=True)]
    return Drawn(figure, caption, sentence(f"Love plot of {plural(len(shown), 'row')}", counted, *said), {"rows": rows}, name)


def _two(value: float) -> str:
    """Two decimals, also of the small differences that weighting leaves, which need no third."""
    return format_number(value if not math.isfinite(value) or abs(value) >= 0.005 else 0.0)


def _say(row: pd.Series, label: str, before: str, after: str) -> str:
    if math.isnan(row["before"]) and math.isnan(row["after"]):
        return f"{label}: {reason_of(row, 'withheld')}"
    first, second = ("not shown" if math.isnan(v) else _two(v) for v in (row["before"], row["after"]))
    return f"{label}: {first} {before}, {second} {after}"


def _draw(
    rows: pd.DataFrame, names: list[str], threshold: float, absolute: bool, labels: tuple[str, str], value_label: str, title: str | None
) -> Any:
    sheet = Sheet()
    before, after = rows["before"].to_numpy(dtype=float), rows["after"].to_numpy(dtype=float)
    colour = series_style(0)["color"]
    other = series_style(1)["color"]
    hollow = {"marker": "o", "markersize": 6.5, "markerfacecolor": "white", "markeredgecolor": other, "markeredgewidth": 1.3}
    filled = {"marker": "D", "markersize": 4.4, "markerfacecolor": colour, "markeredgecolor": colour}
    limit = {"color": GREY, "linestyle": (0, (1.2, 1.6)), "linewidth": 1.1}
    within = f"{'' if absolute else '±'}{threshold:g}"
    keys = [Key(labels[0], "marker", hollow), Key(labels[1], "marker", filled), Key(within, "line", limit)]
    written = [sheet.wrap(name, narrowed(_LABEL_MOST)) for name in names]
    left = 0.1 + max(sheet.width_of(text) for text in written) + 0.2
    reasons = [sheet.wrap(reason_of(row, "withheld"), _NUMBERS) for _, row in rows.iterrows()]
    gone = np.isnan(before) & np.isnan(after)
    width = page_width() - left - 0.2 - _NUMBERS - 0.1
    pad = 0.07 if len(names) <= 12 else 0.035
    lines = [max(text.count("\n"), why.count("\n") if out else 0) + 1 for text, why, out in zip(written, reasons, gone, strict=True)]
    tall = np.array(lines) * line_height() + pad
    middles = np.cumsum(tall) - tall / 2
    head = Head(sheet, title, keys, left=0.1)
    top = head.height + line_height() + 0.1
    height = float(tall.sum()) + 0.05
    sheet.set_height(top + height + 0.6)
    head.draw()
    numbers_x = (page_width() - 0.1 - 0.62, page_width() - 0.1)
    for x, text in zip(numbers_x, ("Before", "After"), strict=True):
        sheet.text(x, top - 0.08, text, ha="right", va="bottom", weight="bold")
    sheet.line([0.1, page_width() - 0.1], [top - 0.04] * 2, color=GREY, linewidth=0.7)
    for i, middle in enumerate(middles):
        if len(names) > 12 and i % 2:
            sheet.patch(0.06, top + middle - tall[i] / 2, page_width() - 0.12, tall[i], facecolor="#f6f6f6", linewidth=0, zorder=-2)
        sheet.text(0.1, top + middle, written[i], gid="label")
        if gone[i]:
            sheet.text(page_width() - 0.1, top + middle, reasons[i], ha="right", color=GREY, gid="number")
            continue
        for x, value in zip(numbers_x, (before[i], after[i]), strict=True):
            sheet.text(x, top + middle, "–" if math.isnan(value) else _two(value), ha="right", gid="number")
    axes = sheet.axes(left, top, width, height)
    axes.patch.set_visible(False)
    axes.set_ylim(height, 0)
    sizes = np.abs(np.concatenate([before, after, [threshold * 1.3]]))
    reach = 1.08 * float(sizes[np.isfinite(sizes)].max())  # an infinite one, of a covariate that does not vary, stands in the numbers alone
    axes.set_xlim(0.0 if absolute else -reach, reach)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=GREY, linewidth=0.9, zorder=1)
    for place in (threshold,) if absolute else (-threshold, threshold):
        axes.axvline(place, zorder=1, **limit)
    for first, second, middle in zip(before, after, middles, strict=True):
        if not (math.isnan(first) or math.isnan(second)):
            axes.plot([first, second], [middle, middle], color="#a9a9a9", linewidth=0.9, zorder=2)
        axes.plot([first], [middle], zorder=3, clip_on=False, **hollow)
        axes.plot([second], [middle], zorder=4, clip_on=False, **filled)
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(max(3, int(width / 0.4)) if width > 2 else max(2, int(width / 0.55)), steps=[1, 2, 5, 10]))
    label = sheet.wrap(f"{'Absolute s' + value_label[1:] if absolute and value_label[:1] == 'S' else value_label}", max(width + 0.4, 1.8), BODY)
    sheet.text(left + width / 2, top + height + 0.3, label, size=BODY, ha="center", va="top")
    return sheet.figure
