"""The run made again from its data, in a temporary place and without any cache, and compared with what was published."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mentorship_eval.report.earlier import EARLIER
from mentorship_eval.report.fingerprint import file_sha256
from mentorship_eval.report.manifest import UNHASHED
from mentorship_eval.report.parameters import cohort_label
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.stored import ANSWERS_FILE
from mentorship_eval.report.verify.checked import Check
from mentorship_eval.report.verify.outputs import files_of
from mentorship_eval.report.verify.same import TOLERANCE, cells_apart, values_apart

__all__ = ["BYTES", "find_earlier", "run_again"]

BYTES = "run again: bytes"


@contextmanager
def _own_cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("MENTORSHIP_EVAL_CACHE")
    os.environ["MENTORSHIP_EVAL_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["MENTORSHIP_EVAL_CACHE"]
        else:
            os.environ["MENTORSHIP_EVAL_CACHE"] = before


def _exhibits(run: Path) -> dict[str, Any]:
    """Stored exhibits by id; {} where answers.json cannot be read."""
    try:
        chapters = json.loads((run / ANSWERS_FILE).read_text(encoding="utf-8"))["chapters"]
        return {exhibit["id"]: exhibit for chapter in chapters.values() for exhibit in chapter["exhibits"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _bytes(run: Path, again: Path, moved: set[str], exhibit_of: Mapping[str, str]) -> Check:
    """File by file; of a figure or table, whether its numbers moved too."""
    before, after = files_of(run), files_of(again)
    names = sorted(before.keys() & after.keys() - set(UNHASHED))
    details = []
    for name in names:
        if file_sha256(before[name]) == file_sha256(after[name]):
            continue
        exhibit = exhibit_of.get(name)
        why = "" if exhibit is None else "; its numbers differ" if exhibit in moved else "; its numbers are the same"
        details.append(f"{name}: other bytes{why}")
    details += [f"{name}: not made again" for name in sorted(before.keys() - after.keys() - set(UNHASHED))]
    details += [f"{name}: made only now" for name in sorted(after.keys() - before.keys() - set(UNHASHED))]
    if details:
        return Check(BYTES, "differs", f"{len(details)} of {len(names)} files differ", details)
    return Check(BYTES, "ok", f"{len(names)} files made again, byte for byte")


def _numbers(run: Path, again: Path, moved: set[str]) -> Check:
    def estimates(folder: Path) -> str:
        try:
            return (folder / "estimates.csv").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    made = estimates(again)
    apart = cells_apart(estimates(run), made)
    details = [f"estimates.csv: {line}" for line in apart] + [f"exhibit {name}: its numbers differ" for name in sorted(moved)]
    if details:
        return Check("run again: numbers", "differs", f"{len(apart)} cells of estimates.csv and {len(moved)} exhibits differ", details)
    rows = max(0, len(made.splitlines()) - 1)
    return Check("run again: numbers", "ok", f"{rows} estimates and every exhibit agree to {TOLERANCE:g}, relative")


def find_earlier(run: Path, manifest: Mapping[str, Any], given: Iterable[str | Path] = ()) -> tuple[list[Path], list[str]]:
    """The earlier runs that a run was protected against, by the hashes in its manifest: among those ``given`` and those beside it; and the
    names of those that are in neither place.
    """
    asked = {each["answers_sha256"]: each["run"] for each in manifest.get("further", {}).get(EARLIER, ())}
    places = [*(find_run(each) for each in given), *(sorted(run.parent.iterdir()) if asked else ())]
    found: dict[str, Path] = {}
    for place in places:
        answers = place / ANSWERS_FILE
        if not place.is_symlink() and answers.is_file() and (sha := file_sha256(answers)) in asked:
            found.setdefault(sha, place)
    return list(found.values()), [name for sha, name in asked.items() if sha not in found]


def run_again(
    run: Path, manifest: Mapping[str, Any], cohort: Path, progress: Callable[[str], Any] | None = None, earlier: Iterable[Path] = ()
) -> list[Check]:
    """Two checks: bytes, and numbers. cohort: the folder whose inputs were checked; earlier: runs that it was protected against."""
    from mentorship_eval.report.earlier import EARLIER
    from mentorship_eval.report.run import run_cohort

    label = manifest["parameters"]["cohort"]
    exhibit_of = {file: exhibit["id"] for exhibit in manifest["exhibits"] for file in exhibit["files"]}
    with tempfile.TemporaryDirectory(prefix="mentorship-eval-") as temporary:
        place = Path(temporary)
        (place / "cache").mkdir(mode=0o700)
        with _own_cache(place / "cache"):
            again = run_cohort(
                cohort, out=place / "out", chapters=manifest["parameters"]["chapters"], progress=progress, record=False,
                earlier=[run.parent / each["run"] for each in manifest["further"].get(EARLIER, ())],
            )
        before, after = _exhibits(run), _exhibits(again)
        moved = {name for name in before.keys() | after.keys() if any(values_apart(before.get(name), after.get(name)))}
        checks = [_bytes(run, again, moved, exhibit_of), _numbers(run, again, moved)]
    if cohort_label(cohort) != label:
        told = f"the cohort folder is called {cohort_label(cohort)}, not {label} as in the run: every page names it, so bytes differ for that alone"
        checks.append(Check("run again: name", "told", told))
    return checks
