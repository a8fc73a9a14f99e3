"""The page of a forest plot: columns measured from their words, one axis between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.forest_axis import OVERALL, marks, value_axis, whisker
from mentorship_eval.display.frames import flags, is_blank, numbers, reason_of
from mentorship_eval.display.sheet import Key, Sheet, line_height
from mentorship_eval.display.style import BODY, GREY, INK, SMALL, house_style, narrowed, page_width, series_style
from mentorship_eval.display.words import count
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number, format_p

__all__ = ["ForestOptions", "draw_forest", "interaction"]

_LEFT_LEAST, _LEFT_MOST, _TEXT_MOST, _AXIS_LEAST, _AXIS_MANY = 2.1, 3.0, 1.75, 1.9, 1.55  # inches
_MANY = 12  # rows from which a reader needs help to follow a line across the page
_BAND, _HEADLINE = "#f6f6f6", "#e3ecf3"


@dataclass(frozen=True)
class ForestOptions:
    """How the axis and the columns of a forest are written."""

    value_label: str = "Ratio"
    ci_level: float = 0.95
    log: bool = True
    digits: int = 2
    sides: tuple[str, str] | None = None
    foot: str = ""
    overall: float = math.nan
    overall_label: str = "overall"
    hollow_label: str = ""
    filled_label: str = ""
    share: float = math.nan  # of a bar under the foot


def draw_forest(rows: pd.DataFrame, options: ForestOptions, what: str) -> Any:
    """The figure alone; columns as in `forest`."""
    value, low, high, truth = (numbers(rows, column, what) for column in ("estimate", "ci_low", "ci_high", "truth"))
    if options.log:
        if options.overall <= 0:
            raise UsageError(f"{what}: overall is a ratio at or below zero.", fix="Give the ratio, not its logarithm, or log=False.")
        for column, values in (("estimate", value), ("ci_low", low), ("ci_high", high), ("truth", truth)):
            if (values < 0).any() or (column in ("estimate", "truth") and (values == 0).any()):
                raise UsageError(
                    f"{what}: column {column} holds ratios at or below zero.",
                    fix="Give ratios, not their logarithms, or log=False.",
                    rows=list(rows.index[values <= 0]),
                )
    with house_style():
        return _Forest(rows, options, value, low, high, truth).draw()


def interaction(rows: pd.DataFrame) -> str:
    """The p-value that the rows of one group share, as their heading gives it; nothing where there is none."""
    known = [p for p in rows["p_interaction"] if not is_blank(p)] if "p_interaction" in rows.columns else []
    if not known:
        return ""
    return f"Interaction: {known[0] if isinstance(known[0], str) else format_p(float(known[0]))}"


class _Forest:
    def __init__(
        self, rows: pd.DataFrame, options: ForestOptions, value: np.ndarray, low: np.ndarray, high: np.ndarray, truth: np.ndarray
    ) -> None:
        self.rows, self.options = rows, options
        self.value, self.low, self.high, self.truth = value, low, high, truth
        self.headline, self.hollow = flags(rows, "headline"), flags(rows, "hollow")
        self.sheet = Sheet()

    def weight(self, i: int) -> str:
        return "bold" if self.headline[i] else "normal"

    def columns(self) -> None:
        """Widths from the words: label | n | events | axis | numbers; on a page too narrow for all of it without n and events."""
        if not self._placed(counts=True) and not self._placed(counts=False):
            raise UsageError("forest(rows): the columns leave no room for the axis.", fix="Shorten the labels.")

    def _placed(self, *, counts: bool) -> bool:
        """Places the columns; False when they leave no room for the axis."""
        sheet, rows = self.sheet, self.rows
        text_most, axis_least = narrowed(_TEXT_MOST), narrowed(_AXIS_LEAST)
        self.grouped = "group" in rows.columns and any(not is_blank(group) for group in rows["group"])
        self.shared = self.interactions()
        level = f"({self.options.ci_level * 100:g} % CI)"  # kept together
        self.head = f"{self.options.value_label} {level}"
        if sheet.width_of(self.head, weight="bold") > text_most:
            self.head = "\n".join((sheet.wrap(self.options.value_label, text_most, SMALL, "bold"), level))
        self.texts = [sheet.wrap(self.number(i), text_most, SMALL, self.weight(i)) for i in range(len(rows))]
        wide = [sheet.width_of(text, weight=self.weight(i)) for i, text in enumerate(self.texts)]
        wide += [sheet.width_of(self.head, weight="bold"), *[sheet.width_of(text) for text in self.shared.values()]]
        self.text_x = page_width() - 0.1 - max(wide)
        counted = []
        for column, head in (("n", "n"), ("n_events", "Events")):
            if counts and column in rows.columns and not all(is_blank(cell) for cell in rows[column]):  # no column of dashes alone
                cells = [count(cell) for cell in rows[column]]
                counted.append((head, cells, 0.16 + max(sheet.width_of(text, weight="bold") for text in [*cells, head])))
        room = self.text_x - 0.55 - sum(width for _, _, width in counted)
        room -= axis_least if len(rows) <= _MANY else narrowed(_AXIS_MANY)  # many rows: room for each label on one line comes first
        most = min(max(room, narrowed(_LEFT_LEAST)), narrowed(_LEFT_MOST))
        indent = 0.14 if self.grouped else 0.0
        self.labels = [sheet.wrap(str(label), most - indent, SMALL, self.weight(i)) for i, label in enumerate(rows["label"])]
        self.label_x = 0.1 + indent
        headings = [sheet.width_of(str(g), weight="bold") for g in rows["group"] if not is_blank(g)] if self.grouped else []
        x = 0.1 + min(max([indent + sheet.width_of(text, weight=self.weight(i)) for i, text in enumerate(self.labels)] + headings), most)
        self.counts: list[tuple[str, float, list[str]]] = []
        for head, cells, width in counted:
            x += width
            self.counts.append((head, x, cells))
        self.axis_x, self.axis_width = x + 0.25, self.text_x - 0.2 - x - 0.25
        return self.axis_width >= axis_least - narrowed(0.6)

    def interactions(self) -> dict[str, str]:
        if not self.grouped:
            return {}
        return {str(group): interaction(rows) for group, rows in self.rows.groupby("group", sort=False) if not is_blank(group)}

    def number(self, i: int) -> str:
        row = self.rows.iloc[i]
        if math.isnan(self.value[i]):
            return reason_of(row)
        if "text" in self.rows.columns and not is_blank(row["text"]):
            return str(row["text"])
        digits = self.options.digits
        if math.isnan(self.low[i]) and math.isnan(self.high[i]):
            return f"{format_number(self.value[i], digits)} (no interval)"
        ends = ["not known" if math.isnan(end) else format_number(end, digits) for end in (self.low[i], self.high[i])]
        return f"{format_number(self.value[i], digits)} ({ends[0]} to {ends[1]})"

    def heights(self) -> None:
        """Distance of each row's middle, and of each group heading, from the first line."""
        self.middles: list[float] = []
        self.tall: list[float] = []
        self.headings: list[tuple[float, str, str]] = []
        pad = 0.07 if len(self.rows) <= _MANY else 0.03
        down, last = 0.0, object()
        for i in range(len(self.rows)):
            group = self.rows["group"].iloc[i] if self.grouped else None
            if self.grouped and not is_blank(group) and group != last:
                down += 0.06 if i else 0.0
                text = self.sheet.wrap(str(group), self.axis_x - 0.2, SMALL, "bold")
                self.headings.append((down, text, self.shared.get(str(group), "")))
                down += self.sheet.block_height(text) + 0.03
                last = group
            lines = max(self.labels[i].count("\n"), self.texts[i].count("\n")) + 1
            self.tall.append(lines * line_height() + pad)
            self.middles.append(down + self.tall[i] / 2)
            down += self.tall[i]
        self.rows_height = down + 0.04

    def keys(self, colour: str) -> list[Key]:
        keys: list[Key] = []
        square = {"marker": "s", "markersize": 5, "markeredgewidth": 1.2, "color": colour}
        labelled = self.hollow.any() and self.options.filled_label
        if np.isfinite(self.truth).any():
            hollow = {"marker": "D", "markersize": 7, "markerfacecolor": "white", "markeredgecolor": INK}
            keys = [
                *([] if labelled else [Key(f"estimate, {self.options.ci_level * 100:g} % CI", "line", {**square, "linewidth": 1.6})]),
                Key("true value of the simulation", "marker", hollow),
            ]
        for label, face in ((self.options.hollow_label, "white"), (self.options.filled_label, colour)):
            if label and self.hollow.any():
                keys.append(Key(label, "marker", {**square, "markerfacecolor": face}))
        if not math.isnan(self.options.overall):
            keys.append(Key(f"{self.options.overall_label} {format_number(self.options.overall, self.options.digits)}", "line", OVERALL))
        return keys

    def draw(self) -> Any:
        sheet, options = self.sheet, self.options
        self.columns()
        self.heights()
        colour = series_style(0)["color"]
        keys = self.keys(colour)
        plan, legend = sheet.plan_legend(keys, page_width() - 0.2) if keys else ([], 0.0)
        head_height = sheet.block_height(self.head)
        top = 0.08 + legend + (0.06 if keys else 0) + head_height + 0.08
        foot = sheet.wrap(options.foot, page_width() - 0.2) if options.foot else ""
        # under the rows the page is free, so that the words may reach beyond the axis
        left = min(self.axis_x + 0.3 * self.axis_width - 0.16, 1.7)
        right = min(page_width() - 0.16 - self.axis_x - 0.7 * self.axis_width, 1.7)
        sides = [sheet.wrap(side, room) for side, room in zip(options.sides, (left, right), strict=True)] if options.sides else []
        side_height = max((sheet.block_height(side) for side in sides), default=0.0)
        label_height = 0.6 + side_height
        bar = 0.2 if math.isfinite(options.share) else 0.0
        foot_height = sheet.block_height(foot) + bar + 0.1 if foot else 0.0
        sheet.set_height(top + self.rows_height + label_height + foot_height)
        sheet.draw_legend(plan, 0.1, 0.08)
        head_down = top - 0.08
        for head, x, _ in self.counts:
            sheet.text(x, head_down, head, ha="right", va="bottom", weight="bold")
        sheet.text(self.text_x, head_down, self.head, va="bottom", weight="bold")
        sheet.line([0.1, page_width() - 0.1], [top - 0.04] * 2, color=GREY, linewidth=0.7)
        self.words(top)
        self.axis(top, colour)
        down = top + self.rows_height + 0.33
        for side, edge, align in zip(sides, (-0.06, 0.06), ("right", "left"), strict=False):
            sheet.text(self.reference_x + edge, down, side, ha=align, va="top", color=GREY)
        scale = f"{options.value_label}{' (log scale)' if options.log else ''}"
        sheet.text(self.axis_x + self.axis_width / 2, down + side_height + 0.07, scale, ha="center", va="top", size=BODY)
        if foot:
            sheet.text(0.1, sheet.height - foot_height, foot, va="top")
            if bar:
                self.bar(sheet.height - bar - 0.06)
        return sheet.figure

    def bar(self, down: float) -> None:
        """The share that the foot names, hatched, within the whole."""
        wide, part = page_width() - 0.2, min(max(self.options.share, 0.0), 1.0)
        self.sheet.patch(0.1, down, wide, 0.15, facecolor="#e9e9e9", edgecolor=GREY, linewidth=0.6)
        style = {"facecolor": "white", "edgecolor": series_style(1)["color"], "hatch": "////", "linewidth": 0.9}
        self.sheet.patch(0.1, down, wide * part, 0.15, gid="share", **style)

    def words(self, top: float) -> None:
        """Headings with their interaction, and the text columns; bands behind the rows where they guide the eye."""
        sheet = self.sheet
        for down, text, shared in self.headings:
            sheet.text(0.1, top + down, text, va="top", weight="bold")
            if shared:
                sheet.text(self.text_x, top + down, shared, va="top", color=GREY, gid="interaction")
        for i, middle in enumerate(self.middles):
            if self.headline[i] or (len(self.rows) > _MANY and i % 2):
                band = _HEADLINE if self.headline[i] else _BAND
                sheet.patch(0.06, top + middle - self.tall[i] / 2, page_width() - 0.12, self.tall[i], facecolor=band, linewidth=0, zorder=-2)
            sheet.text(self.label_x, top + middle, self.labels[i], gid="label", weight=self.weight(i))
            for _, x, cells in self.counts:
                sheet.text(x, top + middle, cells[i], ha="right", gid="count", weight=self.weight(i))
            shade = GREY if math.isnan(self.value[i]) else INK
            sheet.text(self.text_x, top + middle, self.texts[i], gid="number", color=shade, weight=self.weight(i))

    def axis(self, top: float, colour: str) -> None:
        options, height = self.options, self.rows_height
        axes = self.sheet.axes(self.axis_x, top, self.axis_width, height)
        axes.set_ylim(height, 0)
        points = np.concatenate([self.value, self.truth])
        reach = value_axis(axes, points, self.low, self.high, log=options.log, overall=options.overall, width=self.axis_width)
        place = axes.transData.transform((1.0 if options.log else 0.0, 0))[0] / self.sheet.figure.dpi
        # words for the two sides are centred on the reference line unless it stands near an edge
        self.reference_x = min(max(place, self.axis_x + 0.3 * self.axis_width), self.axis_x + 0.7 * self.axis_width)
        for i, middle in enumerate(self.middles):
            if not math.isnan(self.value[i]):
                whisker(axes, middle, (self.low[i], self.high[i]), self.value[i], reach, colour)
                marks(axes, self.value[i], middle, colour, hollow=self.hollow[i], headline=self.headline[i], truth=self.truth[i])
