"""The files of an appendix in a folder that appears whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.report.cells import no_formula, without_formulas

__all__ = ["INDEX", "Files", "place_of", "whole_folder"]

INDEX = "index.csv"
_HEAD = ("item", "what", "title", "file", "bytes", "sha256")


class Files:
    """Writes into ``folder`` and keeps the list of what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: list[tuple[str, ...]] = []

    def add(self, name: str, content: bytes | str, *, item: str = "", what: str = "", title: str = "") -> str:
        held = content.encode("utf-8") if isinstance(content, str) else content
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)
        self._rows.append((item, what, title, name, str(len(held)), hashlib.sha256(held).hexdigest()))
        return name

    def add_frame(self, name: str, frame: pd.DataFrame, **words: str) -> str:
        return self.add(name, without_formulas(frame).to_csv(index=False, lineterminator="\n"), **words)

    def add_rows(self, name: str, head: Sequence[str], rows: Sequence[Sequence[object]], **words: str) -> str:
        return self.add(name, _csv(head, rows), **words)

    def finish(self) -> None:
        """index.csv: every file of the pack but itself."""
        (self.folder / INDEX).write_text(_csv(_HEAD, self._rows), encoding="utf-8", newline="")


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[no_formula(cell) for cell in row] for row in rows])
    return stream.getvalue()


def place_of(run: Path, key: str, journal: str, out: str | Path | None) -> Path:
    """Where the appendix goes: ``out``, or beside the run folder. Raises `UsageError` inside the run, or over a folder that is something else."""
    run = run.resolve()
    place = Path(out).expanduser().resolve() if out is not None else run.parent / f"{key}-appendix-{journal}"
    if place == run or run in place.parents:
        raise UsageError(f"{out} lies inside the run, whose files are all accounted for in its manifest.", fix="Choose another with --out.")
    if place.exists() and not (place / INDEX).is_file() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place.name} is there already and is no appendix.", fix="Choose another folder with --out.")
    return place


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """A folder to write into, which takes the name ``place`` when the block ends; an earlier appendix there is then replaced."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise UsageError(f"Cannot write to {place.parent}: {error.strerror}.", fix="Choose another folder with --out.") from None
    made.chmod(0o755)
    earlier = made.with_name(made.name + "-earlier")
    try:
        yield made
        if place.exists():
            os.rename(place, earlier)
        os.rename(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(earlier, ignore_errors=True)
