"""House style: one look for every figure, never set globally.

Colours are Okabe and Ito's (2008), which readers with colour vision deficiency tell apart; each series
also has its own line pattern and marker, so that a page printed in grey still reads. The typeface is
DejaVu Sans because matplotlib carries it, so that the same figure has the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["BODY", "DPI", "GAP", "GREY", "INK", "PALE", "SMALL", "Page", "house_style", "narrowed", "on_page", "page", "page_width", "series_style"]

DPI = 180
SMALL, BODY = 8.0, 8.5  # points as laid out; nothing is set smaller than SMALL
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


@dataclass(frozen=True)
class Page:
    """What a figure is laid out for: width in inches and points of its smallest type, both as printed, and typefaces, the first at hand.

    A figure is always laid out with type of SMALL points, on a sheet that is wider or narrower so that the whole, drawn at ``scale``, has
    the page's width and its smallest type the page's size. Lines, markers and spaces keep their proportion to the type.
    """

    width: float = 7.1  # the text width of a report page, 180 mm, so that type is read at its own size
    smallest: float = SMALL
    families: tuple[str, ...] = ("DejaVu Sans",)

    @property
    def scale(self) -> float:
        return self.smallest / SMALL


_PAGE: ContextVar[Page] = ContextVar("page", default=Page())  # noqa: B039 - a frozen value


def page() -> Page:
    """The page that figures are laid out for at the moment."""
    return _PAGE.get()


def page_width() -> float:
    """Width of the sheet that a figure is laid out on, in inches at which type has its own size."""
    return page().width / page().scale


def narrowed(inches: float) -> float:
    """A length that suits the page of a report, in proportion shorter on a narrower sheet, never longer on a wider one."""
    return inches * min(1.0, page_width() / Page().width)


@contextmanager
def on_page(page: Page) -> Iterator[Page]:
    """Figures drawn inside the ``with`` block are laid out for ``page``."""
    token = _PAGE.set(page)
    try:
        yield page
    finally:
        _PAGE.reset(token)


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's own defaults plus the house style, for the length of a ``with`` block.

    Starting from the defaults keeps a user's matplotlibrc, or a style set in an earlier cell, out of
    our figures; whatever was set before is back afterwards.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_HOUSE, "font.family": list(page().families)})  # type: ignore[dict-item]
        yield


def series_style(index: int) -> dict[str, Any]:
    """Colour, line pattern and marker of the ``index``-th series (0-based, at most ``MOST_SERIES``)."""
    colour, pattern, marker = _SERIES[index]
    return {"color": colour, "linestyle": pattern, "marker": marker}
