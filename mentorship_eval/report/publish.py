"""A run folder appears whole or not at all: written beside its place, renamed when done; and it is found again by any of its names."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mentorship_eval.errors import UsageError

__all__ = ["Unfinished", "find_run", "name_latest", "unfinished"]


class Unfinished:
    """A folder that is being written; `keep` gives it its name."""

    def __init__(self, folder: Path, place: Path) -> None:
        self.folder, self.place = folder, place

    def keep(self) -> Path:
        """Rename to the final place; when another run was there first with the same key, that one stays."""
        try:
            os.rename(self.folder, self.place)
        except OSError:
            if not (self.place / "manifest.json").is_file():
                raise
        return self.place


@contextmanager
def unfinished(place: Path) -> Iterator[Unfinished]:
    """A temporary folder beside ``place``; it and the folders made for it are gone when the block ends without `keep`."""
    made = [folder for folder in (place.parent, place.parent.parent) if not folder.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise UsageError(f"Cannot write to {place.parent}: {error.strerror}.", fix="Choose another folder with --out.") from None
    folder.chmod(0o755)
    try:
        yield Unfinished(folder, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for each in made:
            with suppress(OSError):  # not empty: the run is there
                each.rmdir()


def name_latest(place: Path) -> None:
    """``latest`` beside the run names it: a link, or a text file where links are not to be had."""
    link = place.parent / "latest"
    temporary = place.parent / f".latest-{os.getpid()}"
    with suppress(OSError):
        temporary.unlink()
    try:
        temporary.symlink_to(place.name, target_is_directory=True)
    except (OSError, NotImplementedError):
        temporary.write_text(place.name + "\n", encoding="utf-8")
    os.replace(temporary, link)


def find_run(path: str | Path) -> Path:
    """The run folder that ``path`` names: itself, a file in it, ``latest`` beside it (also where that is a text file), or the folder of a
    cohort's runs, whose latest is meant.

    Raises `UsageError` when there is none.
    """
    named = Path(path).expanduser()
    if named.is_file():
        # latest, where links are not to be had, holds the name of the folder
        named = named.parent / named.read_text(encoding="utf-8").strip() if named.name == "latest" else named.parent
    elif named.is_dir() and not (named / "manifest.json").is_file() and (named / "latest").exists():
        return find_run(named / "latest")
    if not (named / "manifest.json").is_file():
        what = "is no run folder: it has no manifest.json" if named.is_dir() else "is not there"
        raise UsageError(f"{path} {what}.", fix="Name the folder that holds index.html and manifest.json.")
    return named.resolve()
