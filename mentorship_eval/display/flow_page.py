"""The boxes and arrows of a flow diagram, laid out for a wide page or for one column of a journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mentorship_eval.display.sheet import Sheet
from mentorship_eval.display.style import GREY, PALE, page_width

if TYPE_CHECKING:
    from mentorship_eval.display.flow import Stage

__all__ = ["below", "beside"]

_PAD, _GAP, _EDGE = 0.09, 0.3, 0.1
_NARROW = 5.5  # inches below which side boxes stand under the main ones
Groups = Sequence[tuple[str, str, str]]


def _box(sheet: Sheet, x: float, down: float, width: float, height: float, text: str, *, shade: bool = False, bold: bool = False) -> None:
    sheet.patch(x, down, width, height, facecolor=PALE if shade else "white", edgecolor=GREY, linewidth=0.9)
    sheet.text(x + _PAD, down + height / 2, text, gid="box", weight="bold" if bold else "normal")


def _arrow(sheet: Sheet, *points: tuple[float, float]) -> None:
    """A line through ``points`` (x, inches from the top) with a head at its end."""
    from matplotlib.patches import FancyArrowPatch

    if len(points) > 2:
        sheet.line([x for x, _ in points[:-1]], [down for _, down in points[:-1]], color=GREY, linewidth=0.9, solid_joinstyle="miter")
    (x0, d0), (x1, d1) = points[-2:]
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


def _tall(sheet: Sheet, text: str) -> float:
    return sheet.block_height(text) + 2 * _PAD


def _listed(sheet: Sheet, heading: str, lines: Iterable[tuple[str, str]], width: float) -> list[str]:
    """A heading, and under it each count with its reason; lines of a reason that is broken are set in."""
    out = [heading]
    for number, reason in lines:
        first, *more = sheet.wrap(f"{number}  {reason}", width).split("\n")
        out += [first, *(f"    {line}" for part in more for line in sheet.wrap(part, width - sheet.width_of("    ")).split("\n"))]
    return out


def _changes(sheet: Sheet, stage: Stage, width: float) -> str:
    inner, lines = width - 2 * _PAD, []
    if stage.out:
        lines += _listed(sheet, "Left out:", stage.out, inner)
    if stage.added:
        lines += _listed(sheet, "Added:", stage.added, inner)
    return "\n".join(lines)


def _nobody(sheet: Sheet, reasons: Sequence[str], width: float) -> str:
    """What was looked for and left nothing out, as a reader of a paper wants to know it."""
    return "\n".join(_listed(sheet, "None left out for:", [("–", reason) for reason in dict.fromkeys(reasons)], width - 2 * _PAD))


def below(stages: Sequence[Stage], unit: str, start_label: str, end_label: str, groups: Groups) -> Any:
    """Down the page: what goes on in the main column, what is left out beside it (under it on a narrow page), groups at the foot."""
    sheet = Sheet()
    room = page_width() - 2 * _EDGE
    narrow = page_width() < _NARROW
    main, side = (room, room - 0.45) if narrow else (0.43 * room, 0.49 * room)
    steps = [stage for stage in stages if stage.out or stage.added]
    idle = [reason for stage in stages for reason in stage.checked]
    boxes = [sheet.wrap(f"{start_label}: {stages[0].read} {unit}", main - 2 * _PAD, weight="bold")]
    between = []
    for stage in steps:
        between.append(_changes(sheet, stage, side))
        last = stage is steps[-1]
        boxes.append(sheet.wrap(f"{end_label if last else f'After the step {stage.label}'}: {stage.kept} {unit}", main - 2 * _PAD, weight="bold"))
    if not steps:
        between.append(_nobody(sheet, idle, side))
        boxes.append(sheet.wrap(f"{end_label}: {stages[-1].kept} {unit}", main - 2 * _PAD, weight="bold"))
    elif idle:
        between[-1] += "\n" + _nobody(sheet, idle, side)
    heights = [_tall(sheet, text) for text in boxes]
    spaces = [_tall(sheet, text) + 0.24 for text in between]
    foot, feet = _foot(sheet, groups, room, main, side, narrow)
    sheet.set_height(2 * _EDGE + sum(heights) + sum(spaces) + foot)
    down, spine = _EDGE, _EDGE + (0.2 if narrow else main / 2)
    for i, (text, height) in enumerate(zip(boxes, heights, strict=True)):
        _box(sheet, _EDGE, down, main, height, text, shade=i in (0, len(boxes) - 1), bold=True)
        down += height
        if i < len(between):
            tall, halfway = _tall(sheet, between[i]), down + spaces[i] / 2
            _arrow(sheet, (spine, down), (spine, down + spaces[i]))
            left = _EDGE + room - side
            _arrow(sheet, (spine, halfway), (left, halfway))
            _box(sheet, left, halfway - tall / 2, side, tall, between[i])
            down += spaces[i]
    _draw_foot(sheet, feet, down, spine, narrow)
    return sheet.figure


def _foot(sheet: Sheet, groups: Groups, room: float, main: float, side: float, narrow: bool) -> tuple[float, list[tuple[float, float, str]]]:
    """Height of the boxes at the foot with what leads to them; left edge, width and text of each."""
    if not groups:
        return 0.0, []
    if narrow:
        places = [(_EDGE + 0.45, room - 0.45)] * len(groups)
    elif len(groups) == 2:
        places = [(_EDGE, main), (_EDGE + room - side, side)]  # under what stands above
    else:
        width = (room - _GAP * (len(groups) - 1)) / len(groups)
        places = [(_EDGE + i * (width + _GAP), width) for i in range(len(groups))]
    feet = []
    for (left, width), group in zip(places, groups, strict=True):
        feet.append((left, width, "\n".join(sheet.wrap(line, width - 2 * _PAD) for line in group if line)))
    tall = [_tall(sheet, text) for *_, text in feet]
    return (sum(tall) + 0.14 * len(tall) + 0.1 if narrow else max(tall) + 0.44), feet


def _draw_foot(sheet: Sheet, feet: Sequence[tuple[float, float, str]], down: float, spine: float, narrow: bool) -> None:
    top, tallest = down, max((_tall(sheet, text) for *_, text in feet), default=0.0)
    down += 0.1
    for left, width, text in feet:
        if narrow:
            tall = _tall(sheet, text)
            _arrow(sheet, (spine, top), (spine, down + tall / 2), (left, down + tall / 2))
            _box(sheet, left, down, width, tall, text)
            down += tall + 0.14
        else:
            middle = left + width / 2
            bend = () if abs(middle - spine) < 0.02 else ((spine, top + 0.22), (middle, top + 0.22))
            _arrow(sheet, (spine, top), *bend, (middle, top + 0.44))
            _box(sheet, left, top + 0.44, width, tallest, text)


def beside(stages: Sequence[Stage], unit: str) -> Any:
    """One line a table: read, changed, kept; on a narrow page one box a table."""
    if page_width() < _NARROW:
        return _one_box_each(stages, unit)
    sheet = Sheet()
    ends = 1.6
    middle = page_width() - 2 * _EDGE - 2 * ends - 2 * _GAP
    lines = []
    for stage in stages:
        changes = _changes(sheet, stage, middle)
        texts = (
            sheet.wrap(f"{stage.label}\n{stage.read} {unit}", ends - 2 * _PAD, weight="bold"), changes,
            sheet.wrap(f"kept\n{stage.kept} {unit}", ends - 2 * _PAD, weight="bold"),
        )  # fmt: skip
        lines.append((texts, max(_tall(sheet, text) for text in texts)))
    sheet.set_height(_EDGE + sum(height + 0.14 for _, height in lines))
    down = _EDGE
    for texts, height in lines:
        right = _EDGE + ends + _GAP + middle + _GAP
        _box(sheet, _EDGE, down, ends, height, texts[0], shade=True, bold=True)
        _box(sheet, right, down, ends, height, texts[2], shade=True, bold=True)
        halfway = down + height / 2
        if texts[1]:
            _box(sheet, _EDGE + ends + _GAP, down, middle, height, texts[1])
            _arrow(sheet, (_EDGE + ends, halfway), (_EDGE + ends + _GAP, halfway))
            _arrow(sheet, (right - _GAP, halfway), (right, halfway))
        else:
            _arrow(sheet, (_EDGE + ends, halfway), (right, halfway))
            sheet.text(_EDGE + ends + _GAP + middle / 2, halfway - 0.11, "none left out", ha="center", gid="box", color=GREY)
        down += height + 0.14
    return sheet.figure


def _one_box_each(stages: Sequence[Stage], unit: str) -> Any:
    sheet = Sheet()
    width = page_width() - 2 * _EDGE
    blocks = []
    for stage in stages:
        head = sheet.wrap(f"{stage.label}: {stage.read} {unit}, kept {stage.kept}", width - 2 * _PAD, weight="bold")
        blocks.append((head, _changes(sheet, stage, width)))
    sheet.set_height(_EDGE + sum(_tall(sheet, head) + (_tall(sheet, text) if text else 0.0) + 0.14 for head, text in blocks))
    down = _EDGE
    for head, text in blocks:
        _box(sheet, _EDGE, down, width, _tall(sheet, head), head, shade=True, bold=True)
        down += _tall(sheet, head)
        if text:
            _box(sheet, _EDGE, down, width, _tall(sheet, text), text)
            down += _tall(sheet, text)
        down += 0.14
    return sheet.figure
