"""The last look before anything is published: no path of this machine, no raw id of a person."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["LeakError", "machine_paths", "person_ids", "scan"]

# a DOCX is read part by part; a PDF holds the same words, packed
_TEXT = {".csv", ".docx", ".html", ".ipynb", ".json", ".svg", ".txt", ".md"}
_PICTURE = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=\\n]+")
_PATH_DATA = re.compile(r"\s(?:d|points|transform|id|xlink:href|clip-path)=\"[^\"]*\"")
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


def _readable(path: Path) -> str:
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as archive:
            return "\n".join(archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith((".xml", ".rels")))
    text = path.read_text(encoding="utf-8")
    text = _PICTURE.sub("", text)
    return _PATH_DATA.sub("", text) if path.suffix == ".svg" else text


def scan(folder: Path, paths: Iterable[str], ids: frozenset[str]) -> None:
    """Raise `LeakError` when a text file under ``folder`` holds one of ``paths`` or ``ids``.

    Ids are compared with whole words; pictures inside pages are passed over, their letters mean nothing.
    """
    paths = list(paths)
    for path in sorted(folder.rglob("*")):
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
