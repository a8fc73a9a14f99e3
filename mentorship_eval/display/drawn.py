"""A finished figure with its words and the numbers behind it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from mentorship_eval.display.rendering import RASTER, render
from mentorship_eval.display.style import DPI, page
from mentorship_eval.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "Drawn", "fewer_colours", "redrawn"]

FORMATS = ("png", "svg", "pdf")  # those that are written when none is named
P = ParamSpec("P")


@dataclass(frozen=True, eq=False)
class Drawn:
    """What every function of this floor that draws returns.

    figure: a `matplotlib.figure.Figure` made without pyplot; caption: what is shown, of whom, by which
    method; alt: the numbers, for a reader who does not see the figure; data: the frames that were
    drawn, by name; name: a file name without ending; scale: printed size over the size that it was laid out in (`style.Page`);
    again: draws it anew, for whatever page is set by then.
    """

    figure: Figure
    caption: str
    alt: str
    data: dict[str, pd.DataFrame] = field(default_factory=dict)
    name: str = "figure"
    scale: float = field(default_factory=lambda: page().scale)
    again: Callable[[], Drawn] | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches, as printed."""
        width, height = self.figure.get_size_inches()
        return float(width) * self.scale, float(height) * self.scale

    def render(self, format: str = "png", dpi: float = DPI) -> bytes:
        """The figure as bytes; the same figure gives the same bytes, whenever it is made.

        format: png, svg, pdf or tiff. No date, no program version and no random id goes in. PNG and SVG carry the alt text as their
        description, PDF as its subject.
        """
        if format not in (*FORMATS, *RASTER):
            raise UsageError(f"Figures are not written as {format!r}.", fix=f"Use one of {', '.join(dict.fromkeys((*FORMATS, *RASTER)))}.")
        return render(self.figure, format, dpi=dpi, scale=self.scale, title=self.caption, description=self.alt)

    def save(self, path: str | Path, formats: Iterable[str] = FORMATS) -> list[Path]:
        """Write the figure and return the files.

        ``path`` with an ending that we write (``km.png``) is that one file; anything else is a folder,
        made when missing, that receives ``<name>.<format>`` for each of ``formats``.
        """
        target = Path(path)
        ending = target.suffix.lower().lstrip(".")
        if ending in (*FORMATS, *RASTER) and not target.is_dir():
            files = {target: ending}
        else:
            formats = (formats,) if isinstance(formats, str) else tuple(formats)
            files = {target / f"{self.name}.{each}": each for each in formats}
        rendered = {file: self.render(each) for file, each in files.items()}
        for file, content in rendered.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return list(rendered)

    def as_html(self, png: bytes) -> str:
        """The figure as one ``<figure>``, with ``png`` (what `render` gave) in it: a converter keeps alt text and caption beside the image."""
        picture = base64.b64encode(fewer_colours(png)).decode("ascii")
        width, height = (round(side * 96) for side in self.size)
        identity = re.sub(r"[^A-Za-z0-9_-]+", "-", self.name)
        return (
            f'<figure id="figure-{identity}" style="margin:1em 0;max-width:{width}px">'
            f'<img src="data:image/png;base64,{picture}" alt="{escape(self.alt, quote=True)}" width="{width}" height="{height}" '
            'style="max-width:100%;height:auto;background:#fff">'
            f'<figcaption style="font-size:0.9em;line-height:1.45;margin-top:0.4em">{escape(self.caption)}</figcaption></figure>'
        )

    def _repr_html_(self) -> str:
        return self.as_html(self.render("png"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": f"{self.caption}\n{self.alt}"}


def redrawn(function: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Of a function that draws: what it returns can be drawn again, with the same frames and words, for another page."""

    @wraps(function)
    def drawing(*args: P.args, **words: P.kwargs) -> Drawn:
        return replace(function(*args, **words), again=partial(drawing, *args, **words))

    return drawing


def fewer_colours(png: bytes) -> bytes:
    """The picture with a palette of 256 colours, about a quarter of the bytes; no colour moves by more than the eye can tell, white not at all."""
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        # a paper that is not quite white shows on a white page
        white = picture.convert("L").point([0] * 255 + [255])
        counted = few.histogram(white)
        paper = counted.index(max(counted))
        palette = few.getpalette() or []
        few.putpalette([*palette[: 3 * paper], 255, 255, 255, *palette[3 * paper + 3 :]])
        few.save(stream, format="PNG", dpi=picture.info.get("dpi"))
    return stream.getvalue()
