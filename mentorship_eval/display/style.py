"""House style: one look for every figure, never set globally.

Colours are Okabe and Ito's (2008), which readers with colour vision deficiency tell apart; each series
also has its own line pattern and marker, so that a page printed in grey still reads. The typeface is
DejaVu Sans because matplotlib carries it, so that the same figure has the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["BODY", "DPI", "GAP", "GREY", "INK", "PALE", "SMALL", "WIDTH", "house_style", "series_style"]

WIDTH = 7.1  # inches: the text width of a report page, 180 mm, so that type is read at its own size
DPI = 180
SMALL, BODY = 8.0, 8.5  # points; nothing is set smaller than SMALL
INK, GREY, PALE = "#222222", "#6b6b6b", "#e9e9e9"
# a value of a series that is withheld or missing: a cross at its place, so that a gap is not taken for a line that ends
GAP: dict[str, Any] = {"marker": "x", "color": GREY, "markeredgewidth": 1.0, "linestyle": "none"}

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"

# colour, line pattern, marker: the order in which series are given them
_SERIES: tuple[tuple[str, Any, str], ...] = (
    (BLUE, "-", "o"),
    (VERMILION, (0, (5, 1.6)), "s"),
    (GREEN, (0, (6, 1.5, 1.2, 1.5)), "^"),
    ("#000000", (0, (1.2, 1.2)), "D"),
    (PURPLE, (0, (3, 1, 1, 1, 1, 1)), "v"),
    (ORANGE, (0, (9, 3)), "P"),
    (SKY, (0, (2.5, 2.5)), "X"),
)
MOST_SERIES = len(_SERIES)

_HOUSE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": BODY,
    "axes.titlesize": BODY,
    "axes.labelsize": BODY,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "lines.linewidth": 1.6,
    "lines.dash_capstyle": "butt",
    "text.parse_math": False,  # a label such as "cost ($) or ($)" is not a formula
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "savefig.bbox": None,
    "svg.hashsalt": "mentorship-eval",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's own defaults plus the house style, for the length of a ``with`` block.

    Starting from the defaults keeps a user's matplotlibrc, or a style set in an earlier cell, out of
    our figures; whatever was set before is back afterwards.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_HOUSE)  # type: ignore[arg-type]
        yield


def series_style(index: int) -> dict[str, Any]:
    """Colour, line pattern and marker of the ``index``-th series (0-based, at most ``MOST_SERIES``)."""
    colour, pattern, marker = _SERIES[index]
    return {"color": colour, "linestyle": pattern, "marker": marker}
