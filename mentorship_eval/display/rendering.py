"""A figure as bytes: the same figure gives the same bytes, and a figure laid out in larger type is drawn smaller without losing anything."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from mentorship_eval.display.style import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RASTER", "render"]

RASTER = ("png", "tiff")


def render(figure: Figure, format: str, *, dpi: float, scale: float = 1.0, title: str = "", description: str = "", opaque: bool = False) -> bytes:
    """``figure`` as png, tiff, svg or pdf.

    dpi: dots per printed inch of png and tiff. scale: printed size over the size of the figure. opaque: a png without an alpha channel;
    a tiff never has one: it is flat RGB with LZW compression.
    """
    with house_style():
        if format == "tiff" or (format == "png" and opaque):
            return _flat(figure, format, dpi, scale, description)
        if format == "pdf":
            return _pdf(figure, scale, {"Title": title, "Subject": description})
        stream = io.BytesIO()
        if format == "png":
            figure.savefig(stream, format="png", dpi=dpi * scale, metadata={"Software": None, "Description": description},
                           pil_kwargs={"dpi": (dpi, dpi)})  # fmt: skip
            return stream.getvalue()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Title": title, "Description": description})
        return stream.getvalue() if scale == 1 else _scaled_svg(stream.getvalue(), scale)


def _flat(figure: Figure, format: str, dpi: float, scale: float, description: str) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    pixels = io.BytesIO()
    figure.savefig(pixels, format="rgba", dpi=dpi * scale)
    content = pixels.getvalue()
    across = int(figure.get_size_inches()[0] * dpi * scale)
    picture = Image.frombytes("RGBA", (across, len(content) // (4 * across)), content)
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    stream = io.BytesIO()
    if format == "tiff":
        flat.save(stream, format="TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
    else:
        words = PngInfo()
        words.add_itxt("Description", description)
        flat.save(stream, format="PNG", dpi=(dpi, dpi), pnginfo=words)
    return stream.getvalue()


def _scaled_svg(svg: bytes, scale: float) -> bytes:
    """The same drawing in a smaller window: its view box stays."""

    def smaller(found: re.Match[str]) -> str:
        return f'{found[1]}="{round(float(found[2]) * scale, 6):g}pt"'

    head, tag, rest = svg.decode("utf-8").partition("<svg ")
    opening, close, body = rest.partition(">")
    return (head + tag + re.sub(r'\b(width|height)="([0-9.]+)pt"', smaller, opening) + close + body).encode("utf-8")


def _pdf(figure: Figure, scale: float, words: dict[str, str]) -> bytes:
    """One page of the printed size; everything on it is drawn through one matrix that scales it."""
    from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages

    class Page(PdfFile):
        def newPage(self, width: float, height: float) -> None:  # matplotlib's name
            super().newPage(width * scale, height * scale)
            self.width, self.height = width, height  # lines are cut at these, in the units before the matrix
            if scale != 1:
                self.output(scale, 0, 0, scale, 0, 0, Op.concat_matrix)

    class Pages(PdfPages):
        def _ensure_file(self) -> Any:
            if self._file is None:
                self._file = Page(self._filename, metadata=self._metadata)
            return self._file

    stream = io.BytesIO()
    metadata: dict[str, Any] = {"CreationDate": None, "Producer": None, "Creator": None, **words}
    with Pages(stream, metadata=metadata) as pages:
        figure.savefig(pages, format="pdf")
    return stream.getvalue()
