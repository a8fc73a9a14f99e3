"""What a figure really is once it is drawn: its size, every text, every line, and what tells its series apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mentorship_eval.display.journals.line_widths import Stroke, strokes, visible_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MM", "Lettering", "Mark", "Measured", "measure"]

MM = 25.4  # in an inch


@dataclass(frozen=True)
class Lettering:
    """A text: points as printed, the typeface that was found for it, its box in printed mm from the lower left corner."""

    text: str
    size: float
    family: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """What is drawn in one colour.

    kind: line, reference (a line across the whole axes), marker or fill; pattern: what else tells it from others (dashes, marker, hatch).
    """

    kind: str
    colour: tuple[float, float, float]
    pattern: str


@dataclass(frozen=True)
class Measured:
    """Lengths in mm and points as printed."""

    width: float
    height: float
    lettering: tuple[Lettering, ...]
    lines: tuple[tuple[str, float], ...]
    marks: tuple[Mark, ...]


def measure(figure: Figure, scale: float = 1.0) -> Measured:
    """``figure`` as it is drawn. scale: printed size over the size of the figure."""
    figure.draw_without_rendering()
    width, height = (float(side) * MM * scale for side in figure.get_size_inches())
    found: list[Stroke] = strokes(figure)
    return Measured(
        width, height, tuple(_lettering(figure, scale)), tuple((each.what, each.width * scale) for each in found),
        tuple(dict.fromkeys(_marks(figure))),
    )  # fmt: skip


def _lettering(figure: Figure, scale: float) -> Iterator[Lettering]:
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.text import Text

    renderer = figure._get_renderer()  # type: ignore[attr-defined]  # whatever canvas it has
    of_ticks = {id(label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()] for label in (tick.label1, tick.label2)}  # fmt: skip
    texts = [label for tick in visible_ticks(figure) for label in (tick.label1, tick.label2)]
    texts += [text for text in figure.findobj(Text) if id(text) not in of_ticks]
    unit = MM * scale / figure.dpi
    for text in {id(each): each for each in texts}.values():
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            family = get_font(findfont(text.get_fontproperties())).family_name
            yield Lettering(text.get_text(), text.get_fontsize() * scale, family, (box.x0 * unit, box.y0 * unit, box.x1 * unit, box.y1 * unit))


def _on_white(colour: Any, alpha: float | None) -> tuple[float, float, float] | None:
    """As it looks on white paper; None for what cannot be seen."""
    from matplotlib.colors import to_rgba

    red, green, blue, held = to_rgba(colour)
    share = held if alpha is None else alpha
    if share < 0.05:
        return None
    return (1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue))


_BAND, _EDGE = 0.5, 0.7  # more translucent than this is a band around a line, or its edge: the line has a pattern of its own


def _marks(figure: Figure) -> Iterator[Mark]:
    axes: Any  # matplotlib's own hints do not know what its getters return
    for axes in figure.axes:
        for line in axes.lines:
            many = len(line.get_xdata())
            dashed = line.get_linestyle() not in ("None", "none", "", " ") and many > 1
            marker = line.get_marker() if line.get_marker() not in (None, "None", "none", "", " ") else ""
            faint = line.get_alpha() is not None and line.get_alpha() < _EDGE
            if not line.get_visible() or faint or not many or not (dashed or marker):
                continue
            dashes = str(line._unscaled_dash_pattern) if dashed else ""
            colour = _on_white(line.get_color() if dashed else line.get_markeredgecolor(), line.get_alpha())
            if colour is not None:
                hollow = "" if not marker or line.get_markerfacecolor() == line.get_markeredgecolor() else " hollow"
                across = line.get_transform() != axes.transData
                yield Mark("reference" if across else "line" if dashed else "marker", colour, f"{dashes} {marker}{hollow}".strip())
        for patch in axes.patches:
            colour = _on_white(patch.get_facecolor(), None)
            if patch.get_visible() and colour is not None and patch.get_facecolor()[3] >= _BAND:
                yield Mark("fill", colour, patch.get_hatch() or "")
        for group in axes.collections:
            shapes = ",".join(sorted({str(path.vertices.shape) for path in group.get_paths()})) if len(group.get_paths()) == 1 else ""
            offsets = len(group.get_offsets()) > 1 and bool(shapes)
            for face in group.get_facecolor():
                colour = _on_white(face, None)
                if group.get_visible() and colour is not None and (offsets or face[3] >= _BAND):
                    yield Mark("marker" if offsets else "fill", colour, f"{group.get_hatch() or ''}{shapes if offsets else ''}")
