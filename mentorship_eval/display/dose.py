"""Dose and response: a ratio for each category of dose, and the line of a model that takes dose as a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, flags, numbers, reason_of
from mentorship_eval.display.head import Head
from mentorship_eval.display.scales import limits, set_ratio_axis
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, house_style, page_width, series_style
from mentorship_eval.display.words import count, interval, people, plural, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["dose_response"]

_WHAT, _LINE = "dose_response(rows)", "dose_response(line)"
_HEIGHT = 2.7
_MOST = 8
_ROOMS = (1.3, 1.0, 0.82, 0.66)  # inches that a cell of the table may have


@redrawn
def dose_response(
    rows: pd.DataFrame,
    line: pd.DataFrame | None = None,
    *,
    x_label: str = "Dose",
    value_label: str = "Hazard ratio",
    line_label: str = "linear term",
    digits: int = 2,
    ci_level: float = 0.95,
    title: str | None = None,
    method: str = "",
    n: Any = None,
    n_events: Any = None,
    unit: str = "people",
    note: str = "",
    name: str = "dose_response",
) -> Drawn:
    """Points with intervals on a logarithmic axis, the reference category an open marker at 1; a table under them.

    rows: label (the category), estimate, ci_low, ci_high (ratios); optional reference (True for the category at 1),
        dose (its place on the axis, ascending), n, n_events (numbers or text such as ``<10``), reason. At most eight.
    line: dose, estimate, ci_low, ci_high: ratios against the same reference from a model with a linear or spline
        term; needs ``dose`` in rows. None, or no rows: no line.

    Categories stand at their doses when their table has room there, else at equal distances with the line fitted
    between them, which the caption says. Raises `UsageError` for frames without rows or columns, ratios at or below
    zero, doses out of order and more than eight categories.
    """
    rows = check_columns(rows, ("label", "estimate", "ci_low", "ci_high"), _WHAT)
    if len(rows) > _MOST:
        raise UsageError(f"{_WHAT}: {len(rows)} categories have no room side by side.", fix=f"Join them to at most {_MOST}, or use forest.")
    reference = flags(rows, "reference")
    value, low, high = (np.where(reference, end, numbers(rows, c, _WHAT)) for c, end in (("estimate", 1.0), ("ci_low", np.nan), ("ci_high", np.nan)))
    if (value <= 0).any():
        raise UsageError(f"{_WHAT}: ratios at or below zero.", fix="Give ratios, not their logarithms.", rows=list(rows.index[value <= 0]))
    doses = numbers(rows, "dose", _WHAT)
    line = None if line is None or not len(line) else check_columns(line, ("dose", "estimate", "ci_low", "ci_high"), _LINE)
    if (np.isnan(doses).any() and (line is not None or np.isfinite(doses).any())) or (np.diff(doses) <= 0).any():
        raise UsageError(f"{_WHAT}: doses are missing or out of order.", fix="Give each category its dose, ascending.")
    drawn = _Page(rows, value, low, high, reference, doses, line, digits, ci_level)
    with house_style():
        figure = drawn.draw(x_label, value_label, line_label, title)
    caption = sentence(
        title,
        f"{value_label} by category of dose with {ci_level * 100:g} % confidence intervals, logarithmic axis",
        "Open marker: the reference" if reference.any() else "",
        f"Line and band: {line_label}" if line is not None else "",
        "Categories at equal distances, the line fitted between them" if drawn.equal and line is not None else "",
        method,
        people(n, n_events, unit=unit),
        note,
    )
    said = []
    for i, (_, row) in enumerate(rows.iterrows()):
        text = reason_of(row) if math.isnan(value[i]) else interval(value[i], low[i], high[i], ci_level, digits=digits)
        said.append(f"{row['label']}: {'reference' if reference[i] else text}")
    if line is not None:
        at, fitted = (numbers(line, column, _LINE) for column in ("dose", "estimate"))
        known = np.flatnonzero(np.isfinite(fitted))
        if len(known):
            said.append(f"{line_label}: {' to '.join(f'{format_number(fitted[k], digits)} at {at[k]:g}' for k in (known[0], known[-1]))}")
    data = {"rows": rows} if line is None else {"rows": rows, "line": line}
    return Drawn(figure, caption, sentence(f"{value_label} in {plural(len(rows), 'category', 'categories')} of {x_label.lower()}", *said), data, name)


class _Page:
    def __init__(
        self, rows: pd.DataFrame, value: np.ndarray, low: np.ndarray, high: np.ndarray, reference: np.ndarray, doses: np.ndarray,
        line: pd.DataFrame | None, digits: int, ci_level: float,
    ) -> None:  # fmt: skip
        self.rows, self.value, self.low, self.high, self.reference = rows, value, low, high, reference
        self.doses, self.line, self.digits, self.ci_level = doses, line, digits, ci_level
        self.equal = True

    def table(self, sheet: Sheet, room: float) -> list[tuple[str, list[str]]]:
        """Header and cells of each line of the table, wrapped to ``room`` inches a category."""
        estimates, intervals = [], []
        for i, (_, row) in enumerate(self.rows.iterrows()):
            text = "reference" if self.reference[i] else reason_of(row)
            known = not (self.reference[i] or math.isnan(self.value[i]))
            estimates.append(sheet.wrap(format_number(self.value[i], self.digits) if known else text, room))
            ends = [format_number(end, self.digits) for end in (self.low[i], self.high[i])]
            intervals.append(sheet.wrap(f"{ends[0]} to {ends[1]}" if known and not math.isnan(self.low[i]) else "–", room))
        lines = [("", [sheet.wrap(str(label), room) for label in self.rows["label"]]), ("Ratio", estimates)]
        lines += [(f"{self.ci_level * 100:g} % CI", intervals)] if any(text != "–" for text in intervals) else []
        for column, head in (("n", "n"), ("n_events", "Events")):
            if column in self.rows.columns:
                lines.append((head, [count(cell) for cell in self.rows[column]]))
        return lines

    def draw(self, x_label: str, value_label: str, line_label: str, title: str | None) -> Any:
        sheet = Sheet()
        point = {"color": series_style(0)["color"], "marker": "s", "markersize": 5.5}
        model = {"color": series_style(1)["color"], "linestyle": series_style(1)["linestyle"], "linewidth": 1.5}
        keys = [Key(f"category, {self.ci_level * 100:g} % CI", "line", {**point, "linewidth": 1.5})]
        if self.line is not None:
            keys.append(Key(line_label, "line", model))
        heads = [sheet.width_of(head, weight="bold") for head, _ in self.table(sheet, 9.0)]
        left = max(0.8, 0.1 + max(heads) + 0.1)
        width = page_width() - left - 0.15
        places, room = self.places(width)
        table = self.table(sheet, room)
        head = Head(sheet, title, keys, left=left)
        top = head.height
        tall = [max(sheet.block_height(cell) for cell in cells) + 0.06 for _, cells in table]
        sheet.set_height(top + _HEIGHT + 0.14 + sum(tall) + 0.36)
        head.draw()
        axes = sheet.axes(left, top, width, _HEIGHT)
        axes.set_xlim(0, width)
        self.curve(axes, places, width, model)
        self.points(axes, places, point)
        axes.set_xticks(places, [""] * len(places))
        axes.set_ylabel(sheet.wrap(f"{value_label} (log scale)", _HEIGHT, BODY))
        axes.yaxis.set_label_coords(-0.55 / width, 0.5)
        down = top + _HEIGHT + 0.14
        for (header, cells), height in zip(table, tall, strict=True):
            sheet.text(0.1, down + line_height() / 2, header, weight="bold")
            for place, cell in zip(places, cells, strict=True):
                sheet.text(left + place, down, cell, ha="center", va="top", gid="cell")
            down += height
        sheet.text(left + width / 2, down + 0.16, x_label, size=BODY, ha="center")
        return sheet.figure

    def places(self, width: float) -> tuple[np.ndarray, float]:
        """Inches from the left end of the axis, and the room of a cell: at the doses if cells have room there, else equally spaced."""
        many = len(self.rows)
        if np.isfinite(self.doses).all() and many > 1:
            share = (self.doses - self.doses[0]) / (self.doses[-1] - self.doses[0])
            for room in _ROOMS:
                at = room / 2 + share * (width - room)
                if np.diff(at).min() >= room + 0.04:
                    self.equal = False
                    return at, room
        return (np.arange(many) + 0.5) * width / many, width / many - 0.1

    def curve(self, axes: Any, places: np.ndarray, width: float, model: dict[str, Any]) -> None:
        if self.line is None:
            return
        dose, fitted, low, high = (numbers(self.line, column, _LINE) for column in ("dose", "estimate", "ci_low", "ci_high"))
        if len(self.rows) == 1:
            return
        inside = (dose >= self.doses[0]) & (dose <= self.doses[-1])
        at = np.interp(dose[inside], self.doses, places)
        axes.fill_between(at, low[inside], high[inside], color=model["color"], alpha=0.14, linewidth=0)
        for edge in (low, high):
            axes.plot(at, edge[inside], color=model["color"], linewidth=0.5, alpha=0.6)
        axes.plot(at, fitted[inside], zorder=2, **model)

    def points(self, axes: Any, places: np.ndarray, point: dict[str, Any]) -> None:
        ends = [self.low, self.high]
        if self.line is not None:
            ends = [np.append(end, numbers(self.line, column, _LINE)) for end, column in zip(ends, ("ci_low", "ci_high"), strict=True)]
        first, last = limits(self.value, *ends, log=True, reference=1.0)
        set_ratio_axis(axes.yaxis, first, last, 8)
        axes.set_ylim(first, last)
        axes.axhline(1, color=GREY, linewidth=0.9, zorder=1)
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
        for i, place in enumerate(places):
            if math.isnan(self.value[i]):
                continue
            if not (math.isnan(self.low[i]) and math.isnan(self.high[i])):
                span = [max(self.low[i], first), min(self.high[i], last)]
                axes.plot([place, place], span, color=point["color"], linewidth=1.5, zorder=3, solid_capstyle="butt")
                for beyond, edge, marker in ((self.low[i] < first, first, "v"), (self.high[i] > last, last, "^")):
                    if beyond:
                        axes.plot([place], [edge], marker=marker, markersize=6, color=point["color"], clip_on=False, zorder=4, gid="arrow")
            face = {"markerfacecolor": "white"} if self.reference[i] else {}
            axes.plot([place], [self.value[i]], linestyle="none", zorder=5, markeredgewidth=1.3, **{**point, **face})
