"""All checks of one run, in the order in which doubt grows: files, manifest, numbers, this machine, the data, the run made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mentorship_eval.errors import MentorshipEvalError, UsageError, listing
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.verify.checked import Check, Verdict
from mentorship_eval.report.verify.inputs import check_inputs, check_people
from mentorship_eval.report.verify.machine import check_code, check_machine
from mentorship_eval.report.verify.outputs import check_answers, check_files, check_no_inputs
from mentorship_eval.report.verify.record import check_record, read_manifest
from mentorship_eval.report.verify.redraw import FIGURES, check_figures
from mentorship_eval.report.verify.rerun import BYTES, find_earlier, run_again

__all__ = ["verify_run"]


@dataclass(frozen=True)
class _Asked:
    cohort: str | Path | None
    rerun: bool
    redraw: bool
    strict: bool
    earlier: tuple[str | Path, ...]
    progress: Callable[[str], Any] | None


def verify_run(
    run: str | Path, *, cohort: str | Path | None = None, rerun: bool = False, redraw: bool = False, strict: bool = False,
    earlier: Iterable[str | Path] = (), progress: Callable[[str], Any] | None = None
) -> Verdict:
    """Verify a run folder or a bundle.

    cohort: folder with the data, for the hashes of the inputs. rerun: also make the run again from it and compare; earlier: runs that it was
    protected against, where they are not beside it. redraw: draw the figures again from the run's own answers.json, without data.
    strict: software or platform other than the run's is a difference. progress: called with a line per step of what takes long.

    Raises
    ------
    UsageError : no run there, or ``rerun`` without ``cohort``. DataError : the bundle is damaged or unsafe, the manifest unreadable.
    """
    if rerun and cohort is None:
        raise UsageError("--rerun needs the data.", fix="Give the cohort folder with --cohort FOLDER.")
    path = Path(run).expanduser()
    if path.is_file() and path.name not in {"index.html", "manifest.json", "latest"}:
        from mentorship_eval.report.verify.unpack import unpacked

        opened: Any = unpacked(path)
    else:
        opened = nullcontext(find_run(path))
    with opened as folder:
        return _verify(folder, _Asked(cohort, rerun, redraw, strict, tuple(earlier), progress))


def _verify(run: Path, asked: _Asked) -> Verdict:
    manifest = read_manifest(run)
    record, numbers = check_record(manifest), check_answers(run)
    checks = [check_files(run, manifest), record, numbers, check_no_inputs(run, manifest)]
    software = [check_code(manifest, strict=asked.strict), check_machine(manifest, strict=asked.strict)]
    made = _with_data(run, manifest, asked, record.state == "ok")
    if asked.redraw and numbers.state == "ok":
        made = [check_figures(run, asked.progress), *made]
    if not asked.strict and any(check.state != "ok" for check in software):
        made = [_forgiven(check) for check in made]
    checks += [*software, *made]
    if manifest.get("disclosure", {}).get("off"):
        checks.append(Check("disclosure", "told", "this run has no disclosure control: it must not leave the team that holds the data"))
    digest = hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()
    key = str(manifest.get("content_key", ""))
    return Verdict(f"{manifest['cohort']['folder']}/{key}", key, digest, tuple(checks))


def _forgiven(check: Check) -> Check:
    """Bytes of what was made again with other software are told: only numbers have to be the same."""
    if check.name not in {BYTES, FIGURES} or check.state != "differs":
        return check
    return replace(check, state="told", says=f"{check.says}, as is to be expected of other software or another machine")


def _with_data(run: Path, manifest: dict[str, Any], asked: _Asked, whole: bool) -> list[Check]:
    if asked.cohort is None:
        return [
            Check("inputs", "not checked", "give the data with --cohort FOLDER"),
            Check("run again", "not checked", "give the data with --cohort FOLDER, and --rerun"),
        ]
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.report.parameters import resolve_cohort

    folder = resolve_cohort(asked.cohort)
    try:
        read = read_cohort(folder)
    except MentorshipEvalError as error:
        return [Check("inputs", "differs", f"this cohort cannot be read: {error.problem}")]
    inputs = check_inputs(manifest, read)
    checks = [inputs, check_people(run, read)]
    if not asked.rerun:
        return [*checks, Check("run again", "not checked", "ask for it with --rerun")]
    if inputs.state != "ok" or not whole:
        return [*checks, Check("run again", "not checked", "the data or the manifest are not those of the run")]
    earlier, lacking = find_earlier(run, manifest, asked.earlier)
    if lacking:
        says = f"it was protected against {listing(lacking)}, which is needed to make it again: give it with --earlier RUN"
        return [*checks, Check("run again", "not checked", says)]
    return [*checks, *run_again(run, manifest, folder, asked.progress, earlier)]
