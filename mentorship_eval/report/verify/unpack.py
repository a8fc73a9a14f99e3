"""A bundle that came by mail, unpacked without trusting it: nothing outside the folder, nothing but plain files, no more than a limit."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mentorship_eval.errors import DataError, UsageError

__all__ = ["LARGEST", "MOST", "unpacked"]

LARGEST = 1 << 30  # bytes, unpacked; a run of all chapters has some 20 MB
MOST = 20_000  # files
_PIECE = 1 << 20


def _unsafe(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not unpacked; "" when there is no reason."""
    name = entry.orig_filename
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or ":" in name or "\0" in name or ".." in parts:
        return "leads out of the folder"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    return "is encrypted" if entry.flag_bits & 1 else ""


def _extract(bundle: zipfile.ZipFile, place: Path) -> None:
    entries = bundle.infolist()
    if len(entries) > MOST:
        raise DataError(f"The bundle holds {len(entries):,} files, more than {MOST:,}; nothing was unpacked.")
    seen: set[str] = set()
    for entry in entries:
        if why := _unsafe(entry):
            raise DataError(f"{entry.filename[:80]!r} in the bundle {why}; nothing was unpacked.", fix="Ask for a bundle that mentorship-eval made.")
        if entry.filename.casefold() in seen:
            raise DataError(f"{entry.filename[:80]!r} stands in the bundle twice; nothing was unpacked.")
        seen.add(entry.filename.casefold())
    left = LARGEST
    for entry in entries:
        if entry.is_dir():
            continue
        target = place / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            left = _copy(bundle, entry, target, left)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
            raise DataError(f"{entry.filename[:200]} in the bundle is damaged: its bytes are not those that were packed.") from None


def _copy(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file, and return how many bytes may still come. The size that the zip names is what the sender says: what comes out is counted."""
    with bundle.open(entry) as source, target.open("xb") as sink:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise DataError(f"The bundle unpacks to more than {LARGEST >> 20:,} MB; it was left alone.")
            sink.write(piece)
    return left


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The run folder inside ``archive``, in a temporary place that is gone when the block ends.

    Raises
    ------
    UsageError : no zip file, or no run in it. DataError : it is damaged, or holds what must not be unpacked.
    """
    with TemporaryDirectory(prefix="mentorship-eval-") as temporary:
        place = Path(temporary)
        try:
            with zipfile.ZipFile(archive) as bundle:
                _extract(bundle, place)
        except zipfile.BadZipFile:
            if not zipfile.is_zipfile(archive):
                raise UsageError(f"{archive} is no zip file.", fix="Name a run folder, or a bundle made by `mentorship-eval bundle`.") from None
            raise DataError(f"{archive.name} is damaged: its list of files cannot be read.") from None
        except (NotImplementedError, RuntimeError, OSError, ValueError) as error:
            raise DataError(f"{archive.name} cannot be unpacked ({type(error).__name__}).") from None
        inside = [place, *(folder for folder in sorted(place.iterdir()) if folder.is_dir())]
        run = next((folder for folder in inside if (folder / "manifest.json").is_file()), None)
        if run is None:
            raise UsageError(f"{archive} holds no run: there is no manifest.json in it.", fix="Make one with `mentorship-eval bundle RUN`.")
        beside = [each for each in place.iterdir() if each != run] if run != place else []
        if beside:
            raise DataError(f"{archive.name} holds {beside[0].name!r} beside the run; a bundle holds one run and nothing else.")
        yield run
