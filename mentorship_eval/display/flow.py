"""Flow of records: what was read, what was left out and why, what was kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, is_blank
from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.style import GREY, PALE, house_style, page_width
from mentorship_eval.display.words import count, sentence

__all__ = ["flow_diagram"]

_WHAT = "flow_diagram(flow)"
_PAD = 0.09


@redrawn
def flow_diagram(
    flow: pd.DataFrame,
    *,
    unit: str = "rows",
    start_label: str = "Read",
    title: str | None = None,
    note: str = "",
    name: str = "flow_diagram",
) -> Drawn:
    """Boxes after the manner of CONSORT and STROBE, from a table that reconciles.

    flow: step (or table), reason, removed, kept; one row per reason, in order. Rows of one step stand in
        one side box; ``kept`` of its last row is what goes on. With ``table`` in place of ``step`` every
        table has its own line, read at the left and kept at the right. Optional ``read`` (or ``start``):
        rows before the step; without it the count is kept + removed where both are numbers. Optional ``added``:
        rows that the step made, told in the same box. Counts may
        be text such as ``<10``. A row without reason and removed (0 or missing) removes nothing.
    """
    by = "table" if isinstance(flow, pd.DataFrame) and "table" in flow.columns and "step" not in flow.columns else "step"
    flow = check_columns(flow, (by, "reason", "removed", "kept"), _WHAT)
    stages = [_stage(str(label), rows) for label, rows in flow.groupby(by, sort=False)]
    with house_style():
        figure = _beside(stages, unit) if by == "table" else _below(stages, unit, start_label)
    words = []
    for label, read, reasons, kept in stages:
        out = "; ".join(f"{removed} {reason}" for reason, removed in reasons) or "none"
        words.append(f"{label}: {read} {unit}, removed: {out}; kept {kept}")
    caption = sentence(title, f"Flow of records: {unit} read, removed by reason, and kept", note)
    return Drawn(figure, caption, sentence("Flow diagram", *words), {"flow": flow}, name)


def _stage(label: str, rows: pd.DataFrame) -> tuple[str, str, list[tuple[str, str]], str]:
    reasons = [
        (f"added: {row['reason']}" if change == "added" else str(row["reason"]), count(row[change]))
        for _, row in rows.iterrows()
        for change in ("removed", "added")
        if change in rows and not is_blank(row["reason"]) and not is_blank(row[change]) and count(row[change]) != "0"
    ]
    read = next((rows[column].iloc[0] for column in ("read", "start") if column in rows.columns), None)
    if is_blank(read):
        removed = pd.to_numeric(rows["removed"].fillna(0), errors="coerce")
        last = pd.to_numeric(rows["kept"], errors="coerce").iloc[-1]
        # a suppressed count leaves the sum unknown: it must not be worked out here
        read = float(removed.sum() + last) if removed.notna().all() and not np.isnan(last) else None
    return label, count(read), reasons, count(rows["kept"].iloc[-1])


def _box(sheet: Sheet, x: float, down: float, width: float, height: float, text: str, *, shade: bool = False, bold: bool = False) -> None:
    sheet.patch(x, down, width, height, facecolor=PALE if shade else "white", edgecolor=GREY, linewidth=0.9)
    sheet.text(x + _PAD, down + height / 2, text, gid="box", weight="bold" if bold else "normal")


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    from matplotlib.patches import FancyArrowPatch

    (x0, d0), (x1, d1) = start, end
    sheet.figure.add_artist(
        FancyArrowPatch(
            (x0, sheet.height - d0),
            (x1, sheet.height - d1),
            transform=sheet.figure.dpi_scale_trans,
            arrowstyle="-|>,head_width=2.5,head_length=4",
            mutation_scale=1,
            color=GREY,
            linewidth=0.9,
            shrinkA=0,
            shrinkB=0,
        )
    )


def _reasons(sheet: Sheet, reasons: list[tuple[str, str]], width: float) -> str:
    if not reasons:
        return "Removed: none"
    lines = [sheet.wrap(f"{removed}  {reason}", width - 2 * _PAD) for reason, removed in reasons]
    return "\n".join(["Removed:", *lines])


def _below(stages: list[tuple[str, str, list[tuple[str, str]], str]], unit: str, start_label: str) -> Any:
    """Down the page, side boxes to the right."""
    sheet = Sheet()
    main, side, gap = 2.9, 3.3, 0.5
    left = (page_width() - main - side - gap) / 2
    texts = [sheet.wrap(f"{start_label}: {stages[0][1]} {unit}", main - 2 * _PAD, weight="bold")]
    texts += [sheet.wrap(f"{label}: {kept} {unit}", main - 2 * _PAD, weight="bold") for label, _, _, kept in stages]
    sides = [_reasons(sheet, reasons, side) if reasons else "" for _, _, reasons, _ in stages]
    heights = [sheet.block_height(text) + 2 * _PAD for text in texts]
    betweens = [max(0.3, sheet.block_height(text) + 2 * _PAD + 0.2) if text else 0.3 for text in sides]
    sheet.set_height(0.2 + sum(heights) + sum(betweens))
    down = 0.1
    middle = left + main / 2
    for i, (text, height) in enumerate(zip(texts, heights, strict=True)):
        _box(sheet, left, down, main, height, text, shade=i in (0, len(texts) - 1), bold=True)
        down += height
        if i < len(sides):
            _arrow(sheet, (middle, down), (middle, down + betweens[i]))
            if sides[i]:
                tall = sheet.block_height(sides[i]) + 2 * _PAD
                halfway = down + betweens[i] / 2
                _arrow(sheet, (middle, halfway), (left + main + gap, halfway))
                _box(sheet, left + main + gap, halfway - tall / 2, side, tall, sides[i])
            down += betweens[i]
    return sheet.figure


def _beside(stages: list[tuple[str, str, list[tuple[str, str]], str]], unit: str) -> Any:
    """One line a table: read, removed, kept."""
    sheet = Sheet()
    ends, gap = 1.6, 0.3
    middle = page_width() - 0.2 - 2 * ends - 2 * gap
    lines = []
    for label, read, reasons, kept in stages:
        texts = (
            sheet.wrap(f"{label}\n{read} {unit}", ends - 2 * _PAD, weight="bold"),
            _reasons(sheet, reasons, middle),
            sheet.wrap(f"kept\n{kept} {unit}", ends - 2 * _PAD, weight="bold"),
        )
        lines.append((texts, max(sheet.block_height(text) for text in texts) + 2 * _PAD))
    sheet.set_height(0.1 + sum(height + 0.14 for _, height in lines))
    down = 0.1
    for texts, height in lines:
        x = 0.1
        for k, (text, width) in enumerate(zip(texts, (ends, middle, ends), strict=True)):
            _box(sheet, x, down, width, height, text, shade=k != 1, bold=k != 1)
            if k < 2:
                _arrow(sheet, (x + width, down + height / 2), (x + width + gap, down + height / 2))
            x += width + gap
        down += height + 0.14
    return sheet.figure
