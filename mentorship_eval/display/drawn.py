"""A finished figure with its words and the numbers behind it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval.display.style import DPI, house_style
from mentorship_eval.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "Drawn"]

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True, eq=False)
class Drawn:
    """What every function of this floor that draws returns.

    figure: a `matplotlib.figure.Figure` made without pyplot; caption: what is shown, of whom, by which
    method; alt: the numbers, for a reader who does not see the figure; data: the frames that were
    drawn, by name; name: a file name without ending.
    """

    figure: Figure
    caption: str
    alt: str
    data: dict[str, pd.DataFrame] = field(default_factory=dict)
    name: str = "figure"

    def render(self, format: str = "png") -> bytes:
        """The figure as bytes; the same figure gives the same bytes, whenever it is made.

        No date, no program version and no random id goes in. PNG and SVG carry the alt text as their
        description, PDF as its subject.
        """
        if format not in FORMATS:
            raise UsageError(f"Figures are not written as {format!r}.", fix=f"Use one of {', '.join(FORMATS)}.")
        metadata: dict[str, Any] = {
            "png": {"Software": None, "Description": self.alt},
            "svg": {"Date": None, "Creator": None, "Title": self.caption, "Description": self.alt},
            "pdf": {"CreationDate": None, "Producer": None, "Creator": None, "Title": self.caption, "Subject": self.alt},
        }[format]
        stream = io.BytesIO()
        with house_style():
            self.figure.savefig(stream, format=format, dpi=DPI, metadata=metadata)
        return stream.getvalue()

    def save(self, path: str | Path, formats: Iterable[str] = FORMATS) -> list[Path]:
        """Write the figure and return the files.

        ``path`` with an ending that we write (``km.png``) is that one file; anything else is a folder,
        made when missing, that receives ``<name>.<format>`` for each of ``formats``.
        """
        target = Path(path)
        ending = target.suffix.lower().lstrip(".")
        if ending in FORMATS and not target.is_dir():
            files = {target: ending}
        else:
            formats = (formats,) if isinstance(formats, str) else tuple(formats)
            files = {target / f"{self.name}.{each}": each for each in formats}
        rendered = {file: self.render(each) for file, each in files.items()}
        for file, content in rendered.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return list(rendered)

    def _repr_html_(self) -> str:
        # one self-contained <figure>: a notebook converter then keeps alt text and caption beside the image
        picture = base64.b64encode(self.render("png")).decode("ascii")
        width, height = (round(float(side) * 96) for side in self.figure.get_size_inches())
        identity = re.sub(r"[^A-Za-z0-9_-]+", "-", self.name)
        return (
            f'<figure id="figure-{identity}" style="margin:1em 0;max-width:{width}px">'
            f'<img src="data:image/png;base64,{picture}" alt="{escape(self.alt, quote=True)}" width="{width}" height="{height}" '
            'style="max-width:100%;height:auto;background:#fff">'
            f'<figcaption style="font-size:0.9em;line-height:1.45;margin-top:0.4em">{escape(self.caption)}</figcaption></figure>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": f"{self.caption}\n{self.alt}"}
