"""The last look before anything is published: no path of this machine, no raw id of a person, no count that was withheld.

Files of text are read whole; of pictures what they say of themselves (text chunks of a PNG, title and description of an SVG, whatever words
of a PDF can be unpacked).
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mentorship_eval.report.hidden import Hidden, told_in_csv, told_in_page, told_in_words

__all__ = ["LeakError", "machine_paths", "person_ids", "scan"]

_TEXT = {".csv", ".docx", ".html", ".ipynb", ".json", ".md", ".pdf", ".png", ".svg", ".tex", ".txt"}
_PICTURE = re.compile(r"data:image/[a-z+]+;base64,(?:[A-Za-z0-9+/=]|\\n)+")  # in a notebook lines end in \\n, and a quote stands as \\"
_PATH_DATA = re.compile(r"\s(?:d|points|transform|id|xlink:href|clip-path)=\"[^\"]*\"")
_WRITTEN = bytes([9, 10, 13, *range(32, 127)])
_WORD = re.compile(r"[\w-]+")
_ID_COLUMNS = ("staff_id", "mentor_id", "mentee_id", "person_id")


class LeakError(RuntimeError):
    """Something that must not leave the building stood in a file to be published: our own failure."""


def machine_paths(*private: Path) -> list[str]:
    """Absolute paths that only this machine has: the private folders, where we stand, the user's home, the package."""
    package = Path(__file__).resolve().parents[1]
    places = [*private, Path.cwd(), Path.home(), package, package.parent]
    texts = {form for place in places for form in (str(place), place.as_posix(), str(place).replace("\\", "\\\\"))}
    # a root such as / or C:\ is in every address and says nothing
    return sorted(text for text in texts if len(text) > 3)


def person_ids(tables: dict[str, Any]) -> frozenset[str]:
    """The ids of people that are long enough to be known again: with a digit, and not a number that a count could be."""
    found: set[str] = set()
    for table in tables.values():
        for column in _ID_COLUMNS:
            if column in table:
                found.update(str(value) for value in table[column].dropna().unique())
    return frozenset(
        value for value in found if len(value) >= 4 and any(c.isdigit() for c in value) and (not value.isdigit() or len(value) >= 7)
    )


def png_words(data: bytes) -> str:
    """The text chunks of a PNG (tEXt, zTXt, iTXt), keywords included."""
    words, place = [], 8
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"tEXt":
            words.append(body.replace(b"\0", b" ").decode("latin-1"))
        elif kind == b"zTXt":
            key, _, packed = body.partition(b"\0")
            words.append(f"{key.decode('latin-1')} {zlib.decompress(packed[1:]).decode('latin-1')}")
        elif kind == b"iTXt":
            key, _, rest = body.partition(b"\0")
            text = rest[2:].split(b"\0", 2)[-1]
            plain = zlib.decompress(text) if rest[:1] == b"\1" else text
            words.append(f"{key.decode('latin-1')} {plain.decode('utf-8')}")
    return "\n".join(words)


def pdf_words(data: bytes) -> str:
    """Whatever of a PDF is text: the plain parts, the streams that can be unpacked, and strings of two bytes a letter."""
    streams = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
    parts = [streams.sub(b"", data)]
    for stream in streams.finditer(data):
        try:
            part = zlib.decompressobj().decompress(stream[1])
        except zlib.error:
            part = stream[1]
        # fonts and pictures are no words, but by chance hold letters that look like an id
        if len(part.translate(None, _WRITTEN)) <= 0.1 * len(part):
            parts.append(part)
    wide = [bytes.fromhex(found[1].decode()) for part in parts for found in re.finditer(rb"<FEFF((?:[0-9A-Fa-f]{4})+)>", part)]
    wide += [found[1] for part in parts for found in re.finditer(rb"\(\xfe\xff(.*?)(?<!\\)\)", part, re.DOTALL)]
    return "\n".join([part.decode("latin-1") for part in parts] + [text.decode("utf-16-be", errors="ignore") for text in wide])


def _readable(path: Path) -> str:
    if path.suffix in (".png", ".pdf"):
        return (png_words if path.suffix == ".png" else pdf_words)(path.read_bytes())
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as archive:
            return "\n".join(archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith((".xml", ".rels")))
    text = path.read_text(encoding="utf-8")
    text = _PICTURE.sub("", text)
    return _PATH_DATA.sub("", text) if path.suffix == ".svg" else text


def _told(path: Path, text: str, hidden: list[Hidden]) -> list[Hidden]:
    """Which of the counts a file tells; figures are looked at for their own exhibit alone."""
    if path.suffix == ".csv":
        return told_in_csv(text, hidden)
    if path.suffix == ".html":
        return told_in_page(text, hidden)
    if path.suffix == ".ipynb":
        # as it stands: without its pictures the text is no JSON any more
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        pages = ["".join(output.get("data", {}).get("text/html", ())) for cell in cells for output in cell.get("outputs", ())]
        return [one for page in pages for one in told_in_page(page, hidden)]
    if path.suffix in (".png", ".svg", ".pdf"):
        return told_in_words(text, [one for one in hidden if one.stem == path.stem])
    return []


def scan(
    folder: Path, paths: Iterable[str], ids: frozenset[str], hidden: Iterable[Hidden] = (), *, only: Iterable[Path] | None = None
) -> None:
    """Raise `LeakError` when a file under ``folder`` holds one of ``paths`` or ``ids``, or tells one of the ``hidden`` counts.

    only: these of its files. Ids are compared with whole words; pictures inside pages are passed over, their letters mean nothing.
    """
    paths, hidden = list(paths), list(hidden)
    for path in sorted(folder.rglob("*") if only is None else only):
        if path.suffix not in _TEXT or not path.is_file():
            continue
        text = _readable(path)
        where = path.relative_to(folder).as_posix()
        for private in paths:
            # a path ends where its last name ends: /root is not in /rootstock
            if private in text and re.search(re.escape(private) + r"(?![\w-])", text):
                raise LeakError(f"{where} holds a path of this machine ({Path(private).name}); nothing was published.")
        known = ids.intersection(_WORD.findall(text)) if ids else frozenset()
        if known:
            raise LeakError(f"{where} holds {len(known)} raw id(s) of people; nothing was published.")
        told = _told(path, text, hidden)
        if told:
            raise LeakError(f"{where} tells a count that was withheld ({told[0].stem}, {told[0].column}); nothing was published.")
