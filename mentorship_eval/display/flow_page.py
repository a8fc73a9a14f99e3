"""The boxes and arrows of a flow diagram, laid out for a wide page or for one column of a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def beside(stages: Sequence[Stage], unit: str, start_label: str = "", end_label: str = "kept") -> Any:
    """One line a table that lost or gained rows: read, changed, kept (on a narrow page one box); all others share one box at the foot."""
    sheet = Sheet()
    changed = [stage for stage in stages if stage.out or stage.added]
    lines = [(_box_each if page_width() < _NARROW else _line_each)(sheet, stage, unit, start_label, end_label) for stage in changed]
    whole = _Whole(sheet, [stage for stage in stages if stage not in changed], unit)
    sheet.set_height(2 * _EDGE + sum(height + 0.14 for height, _ in lines) + whole.height)
    down = _EDGE
    for height, draw in lines:
        draw(down)
        down += height + 0.14
    whole.draw(down)
    return sheet.figure


Drawing = tuple[float, Callable[[float], None]]  # a height, and what draws it from so many inches down


def _read(stage: Stage, start_label: str) -> str:
    return f"{start_label} {stage.read}".strip()


def _line_each(sheet: Sheet, stage: Stage, unit: str, start_label: str, end_label: str) -> Drawing:
    ends = 1.6
    middle = page_width() - 2 * _EDGE - 2 * ends - 2 * _GAP
    between, right = _EDGE + ends + _GAP, _EDGE + ends + _GAP + middle + _GAP
    texts = (f"{stage.label}\n{_read(stage, start_label)} {unit}", f"{end_label}\n{stage.kept} {unit}")
    read, kept = (sheet.wrap(text, ends - 2 * _PAD, weight="bold") for text in texts)
    changes = _changes(sheet, stage, middle)
    height = max(_tall(sheet, text) for text in (read, changes, kept))

    def draw(down: float) -> None:
        _box(sheet, _EDGE, down, ends, height, read, shade=True, bold=True)
        _box(sheet, between, down, middle, height, changes)
        _box(sheet, right, down, ends, height, kept, shade=True, bold=True)
        for start in (_EDGE + ends, right - _GAP):
            _arrow(sheet, (start, down + height / 2), (start + _GAP, down + height / 2))

    return height, draw


def _box_each(sheet: Sheet, stage: Stage, unit: str, start_label: str, end_label: str) -> Drawing:
    width = page_width() - 2 * _EDGE
    head = sheet.wrap(f"{stage.label}: {_read(stage, start_label)} {unit}, {end_label} {stage.kept}", width - 2 * _PAD, weight="bold")
    changes, top = _changes(sheet, stage, width), _tall(sheet, head)

    def draw(down: float) -> None:
        _box(sheet, _EDGE, down, width, top, head, shade=True, bold=True)
        _box(sheet, _EDGE, down + top, width, _tall(sheet, changes), changes)

    return top + _tall(sheet, changes), draw


class _Whole:
    """The tables that were kept as they are: names and counts in as many columns as fit; nothing where there is none."""

    def __init__(self, sheet: Sheet, stages: Sequence[Stage], unit: str) -> None:
        self.sheet, self.width = sheet, page_width() - 2 * _EDGE
        self.head = f"Kept as they are ({unit})"
        inner, apart = self.width - 2 * _PAD, 0.15
        names, counts = [stage.label for stage in stages], [stage.kept for stage in stages]
        self.count_at = min(max(map(sheet.width_of, names), default=0.0), inner / 2) + apart
        each = self.count_at + max(map(sheet.width_of, counts), default=0.0)
        self.columns = max(int((inner + 2 * apart) / (each + 2 * apart)), 1)
        self.names, self.counts = [sheet.wrap(name, self.count_at - apart + 0.01) for name in names], counts
        self.rows = -(-len(stages) // self.columns)
        self.columns = -(-len(stages) // max(self.rows, 1))  # no more than are filled
        self.tall = max((sheet.block_height(name) for name in self.names), default=0.0)
        self.height = _tall(sheet, self.head) + self.rows * self.tall + _PAD if stages else 0.0

    def draw(self, down: float) -> None:
        if not self.names:
            return
        sheet, top = self.sheet, _tall(self.sheet, self.head)
        _box(sheet, _EDGE, down, self.width, top, self.head, shade=True, bold=True)
        sheet.patch(_EDGE, down + top, self.width, self.height - top, facecolor="white", edgecolor=GREY, linewidth=0.9)
        for i, (name, number) in enumerate(zip(self.names, self.counts, strict=True)):
            column, row = divmod(i, self.rows)
            x, middle = _EDGE + _PAD + column * self.width / self.columns, down + top + _PAD / 2 + (row + 0.5) * self.tall
            sheet.text(x, middle, name, gid="box")
            sheet.text(x + self.count_at, middle, number, gid="box")
