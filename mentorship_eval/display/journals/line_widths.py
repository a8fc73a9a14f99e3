"""The lines of a figure: every stroke with its width, and the means to hold widths within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Stroke", "hold_widths", "strokes", "visible_ticks"]


@dataclass(frozen=True)
class Stroke:
    """width: points in the units of the figure; set: gives it another width."""

    what: str
    width: float
    set: Callable[[float], Any]


def visible_ticks(figure: Figure) -> Iterator[Any]:
    """Ticks that are drawn: an axis holds others too."""
    for axes in figure.axes:
        if axes.get_visible() and axes.axison:
            axis: Any
            for axis in (axes.xaxis, axes.yaxis):
                yield from axis._update_ticks()


def _of_line(line: Any, what: str) -> Iterator[Stroke]:
    from matplotlib.colors import same_color

    if line.get_linestyle() not in ("None", "none", "", " ") and line.get_linewidth() > 0 and len(line.get_xdata()) > 1:
        yield Stroke(what, float(line.get_linewidth()), line.set_linewidth)
    marker, edge, face = line.get_marker(), line.get_markeredgecolor(), line.get_markerfacecolor()
    if marker in (None, "None", "none", "", " ") or line.get_markeredgewidth() <= 0 or not len(line.get_xdata()):
        return
    filled = line.get_fillstyle() != "none" and not (isinstance(face, str) and face.lower() == "none") and marker not in ("x", "+", "|", "_")
    if isinstance(marker, int) or not filled or not same_color(edge, face):  # else the edge of a filled marker is no line of its own
        yield Stroke(f"marker of {what}", float(line.get_markeredgewidth()), line.set_markeredgewidth)


def _of_edges(artist: Any, *, single: bool) -> Iterator[Stroke]:
    """Edges of a patch (``single``) or of a collection of shapes."""
    if single:
        if artist.get_edgecolor()[3] > 0:
            yield Stroke("edge", float(artist.get_linewidth()), artist.set_linewidth)
    elif len(artist.get_edgecolor()):
        widths = [float(width) for width in artist.get_linewidth() if width > 0]
        yield from (Stroke("edge", width, artist.set_linewidth) for width in sorted({min(widths), max(widths)} if widths else ()))


def strokes(figure: Figure) -> list[Stroke]:
    """Every line that is drawn: lines, edges of boxes, bars and markers, ticks, frames of axes. The figure must have been drawn once."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ticks = [tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]]
    of_ticks = {id(each) for tick in ticks for each in (tick.tick1line, tick.tick2line, tick.gridline)}
    found: list[Stroke] = []
    for tick in visible_ticks(figure):
        for line, what in ((tick.tick1line, "tick"), (tick.tick2line, "tick"), (tick.gridline, "grid line")):
            if line.get_visible():
                found += _of_line(line, what)
    for artist in figure.findobj(lambda each: isinstance(each, Line2D | Patch | Collection)):
        if artist.get_visible() and id(artist) not in of_ticks and artist is not figure.patch:
            found += _of_line(artist, "line") if isinstance(artist, Line2D) else _of_edges(artist, single=isinstance(artist, Patch))
    return [stroke for stroke in found if stroke.width > 0]


def hold_widths(figure: Figure, least: float | None, most: float | None) -> None:
    """Bring every stroke within the limits, in points as the figure has them."""
    figure.draw_without_rendering()
    for stroke in strokes(figure):
        if least is not None and stroke.width < least:
            stroke.set(least)
        if most is not None and stroke.width > most:
            stroke.set(most)
