"""From what study.yaml says under ``file`` (a file, a folder, a pattern, or a list of them) to the files that make up a table."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass, field
from pathlib import Path

from mentorship_eval.cohort.reading.blocks import Pools
from mentorship_eval.cohort.reading.raw import Source, Unreadable
from mentorship_eval.cohort.study.models import TableSource
from mentorship_eval.errors import listing

__all__ = ["KINDS", "READABLE", "TEXT_FILES", "Piece", "find_files", "missing_file", "names_of"]

TEXT_FILES = (".csv", ".tsv", ".txt", ".tab", ".dat")
READABLE = (*TEXT_FILES, ".xlsx", ".xlsm", ".parquet", ".pq")
KINDS = "CSV (.csv, .tsv, .txt), Excel (.xlsx) or Parquet (.parquet)"


@dataclass
class Piece:
    """One file of a table while it is read: rows of its findings and repairs are rows of this file."""

    source: Source
    file: str
    sha256: str = ""
    pools: Pools = field(default_factory=Pools)

    @property
    def declared(self) -> TableSource:
        return self.source.declared

    def find(self, code: str, message: str, *, rows: object = (), fix: str = "", count: int | None = None) -> None:
        self.source.reading.findings.add(code, message, table=self.source.name, file=self.file, rows=rows, fix=fix, count=count)

    def repair(self, code: str, *, row: int | None, before: object = "", after: object = "", reason: str, count: int = 1) -> None:
        self.source.reading.repairs.add(
            code, table=self.source.name, file=self.file, row=row, before=before, after=after, reason=reason, count=count
        )


def find_files(source: Source, folder: Path) -> list[Path]:
    """The files of a table: as listed, those of a folder and of a pattern in the order of their names, each once.

    Raises :class:`Unreadable` when something listed is not there or holds nothing to read.
    """
    found: list[Path] = []
    for written in source.declared.files:
        path = folder / written
        try:
            path.exists()
        except OSError as error:  # a name that is too long, a folder that may not be looked into
            raise Unreadable(f"cannot be looked for: {error.strerror}", fix="Correct file in study.yaml.") from None
        if path.is_dir():
            found += _inside(source, path)
        elif path.exists() or not glob.has_magic(written):
            found.append(path)
        else:
            matching = sorted(glob.glob(os.path.join(glob.escape(str(folder)), written), recursive=True))
            files = [Path(name) for name in matching if os.path.isfile(name) and not _hidden(Path(name))]
            if not files:
                # a path from the root would say where a machine keeps its data
                shown = Path(written).name if os.path.isabs(written) else written
                raise Unreadable(f"no file matches {shown!r}", fix=_hint(path) or "Correct the pattern, or add the files.")
            found += files
    return list(dict.fromkeys(found))


def _hidden(path: Path) -> bool:
    return path.name.startswith((".", "~$"))  # ~$: what Excel leaves beside an open workbook


def _inside(source: Source, folder: Path) -> list[Path]:
    files = sorted((path for path in folder.iterdir() if path.is_file() and not _hidden(path)), key=lambda path: path.name)
    readable = [path for path in files if path.suffix.lower() in READABLE]
    if not readable:
        raise Unreadable("the folder holds no file that can be read", fix=f"Put {KINDS} into it.")
    if len(readable) < len(files):
        others = listing([path.name for path in files if path not in readable], 3)
        source.find("W123", f"files in the folder of a kind that is not read: {others}", fix="Export them again, or take them away.")
    return readable


def names_of(files: list[Path], folder: Path) -> list[str]:
    """What messages call the files: their names, or their paths below the folder that they share where names recur.

    Where the files share no more than a folder above the cohort ``folder``, their paths would say where a machine keeps its data: they are numbered.
    """
    names = [path.name for path in files]
    if len(set(names)) == len(names):
        return names
    places = [Path(os.path.abspath(path)) for path in files]
    try:
        top = Path(os.path.commonpath([path.parent for path in places]))
    except ValueError:  # two drives
        top = Path(places[0].anchor)
    if len(top.parts) == 1 or top in Path(os.path.abspath(folder)).parents:
        return [f"{name} (file {k})" for k, name in enumerate(names, start=1)]
    return [path.relative_to(top).as_posix() for path in places]


def missing_file(path: Path) -> Unreadable:
    """The error for a file that is not there, with the name that was perhaps meant."""
    return Unreadable("the file does not exist", fix=_hint(path) or f"Put it into {path.parent.name}/.")


def _hint(path: Path) -> str:
    try:
        names = [item.name for item in path.parent.iterdir() if item.is_file()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"Did you mean {near[0]!r}?" if near else ""
