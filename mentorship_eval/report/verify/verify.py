"""All checks of one run, in the order in which doubt grows: files, manifest, numbers, this machine, the data, the run made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from mentorship_eval.errors import MentorshipEvalError, UsageError
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.verify.checked import Check, Verdict
from mentorship_eval.report.verify.inputs import check_inputs, check_people
from mentorship_eval.report.verify.machine import check_code, check_machine
from mentorship_eval.report.verify.outputs import check_answers, check_files, check_no_inputs
from mentorship_eval.report.verify.record import check_record, read_manifest
from mentorship_eval.report.verify.rerun import BYTES, run_again

__all__ = ["verify_run"]


def verify_run(
    run: str | Path, *, cohort: str | Path | None = None, rerun: bool = False, strict: bool = False, progress: Callable[[str], Any] | None = None
) -> Verdict:
    """Verify a run folder or a bundle.

    cohort: folder with the data, for the hashes of the inputs. rerun: also make the run again from it and compare.
    strict: software or platform other than the run's is a difference. progress: called with a line per step of the rerun.

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
        return _verify(folder, cohort, rerun, strict, progress)


def _verify(run: Path, cohort: str | Path | None, rerun: bool, strict: bool, progress: Callable[[str], Any] | None) -> Verdict:
    manifest = read_manifest(run)
    record = check_record(manifest)
    checks = [check_files(run, manifest), record, check_answers(run), check_no_inputs(run, manifest)]
    checks += [check_code(manifest, strict=strict), check_machine(manifest, strict=strict)]
    elsewhere = not strict and any(check.state != "ok" for check in checks[-2:])
    checks += [_forgiven(check) if elsewhere else check for check in _with_data(run, manifest, cohort, rerun, record.state == "ok", progress)]
    if manifest.get("disclosure", {}).get("off"):
        checks.append(Check("disclosure", "told", "this run has no disclosure control: it must not leave the team that holds the data"))
    digest = hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()
    key = str(manifest.get("content_key", ""))
    return Verdict(f"{manifest['cohort']['folder']}/{key}", key, digest, tuple(checks))


def _forgiven(check: Check) -> Check:
    """Bytes of a run made again with other software are told: only numbers have to be the same."""
    if check.name != BYTES or check.state != "differs":
        return check
    return replace(check, state="told", says=f"{check.says}, as is to be expected of other software or another machine")


def _with_data(
    run: Path, manifest: dict[str, Any], cohort: str | Path | None, rerun: bool, whole: bool, progress: Callable[[str], Any] | None
) -> list[Check]:
    if cohort is None:
        return [
            Check("inputs", "not checked", "give the data with --cohort FOLDER"),
            Check("run again", "not checked", "give the data with --cohort FOLDER, and --rerun"),
        ]
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.report.parameters import resolve_cohort

    folder = resolve_cohort(cohort)
    try:
        read = read_cohort(folder)
    except MentorshipEvalError as error:
        return [Check("inputs", "differs", f"this cohort cannot be read: {error.problem}")]
    inputs = check_inputs(manifest, read)
    checks = [inputs, check_people(run, read)]
    if not rerun:
        return [*checks, Check("run again", "not checked", "ask for it with --rerun")]
    if inputs.state != "ok" or not whole:
        return [*checks, Check("run again", "not checked", "the data or the manifest are not those of the run")]
    return [*checks, *run_again(run, manifest, folder, progress)]
