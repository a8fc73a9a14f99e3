"""A run as one zip file, the same bytes whenever it is made: exactly the files that its manifest names, and the manifest."""

from __future__ import annotations

import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from mentorship_eval.errors import DataError, UsageError, listing
from mentorship_eval.report.verify.outputs import check_answers, check_files, check_no_inputs
from mentorship_eval.report.verify.record import check_record, read_manifest

__all__ = ["write_bundle"]

# zip knows no earlier time; permissions: a plain file that everybody may read
_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN = 0o100644 << 16


def _write(archive: Path, run: Path, names: list[str], top: str) -> None:
    with zipfile.ZipFile(archive, "w") as bundle:
        for name in names:
            entry = zipfile.ZipInfo(f"{top}/{name}", _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _PLAIN
            entry.create_system = 3  # else it differs between Windows and the rest
            bundle.writestr(entry, (run / name).read_bytes(), compresslevel=9)


def write_bundle(run: Path, out: Path | None = None) -> tuple[Path, bool]:
    """Write the bundle of ``run`` and say where, and whether the run is protected by disclosure control.

    out: a file that is not there yet; by default ``COHORT-KEY.zip`` where the caller stands. The files go into one folder of that name.

    Raises
    ------
    DataError : the run is not as its manifest says: damaged, or with files that it did not make. UsageError : ``out`` exists or cannot be written.
    """
    manifest = read_manifest(run)
    for check in (check_record(manifest), check_files(run, manifest), check_no_inputs(run, manifest), check_answers(run)):
        if check.state == "differs":
            what = f": {listing(check.details, 3)}" if check.details else ""
            raise DataError(f"This run is not what it was when it was made ({check.name}: {check.says}{what}).", fix="Run the cohort again.")
    top = f"{manifest['cohort']['folder']}-{manifest['content_key']}"
    place = out or Path(f"{top}.zip")
    if place.exists():
        raise UsageError(f"{place} exists already.", fix="Name another file with --out; nothing is written over.")
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".bundle-")
        os.close(handle)
        _write(Path(temporary), run, sorted([*manifest["outputs"], "manifest.json"]), top)
        Path(temporary).chmod(0o644)
        os.replace(temporary, place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}.", fix="Choose another place with --out.") from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
    return place, not manifest["disclosure"].get("off", False)
