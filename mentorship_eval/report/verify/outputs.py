"""The files of a run against the hashes in its manifest, and against each other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mentorship_eval.errors import MentorshipEvalError, listing
from mentorship_eval.report.fingerprint import file_sha256
from mentorship_eval.report.manifest import UNHASHED
from mentorship_eval.report.verify.checked import Check
from mentorship_eval.report.verify.same import cells_apart

__all__ = ["check_answers", "check_files", "check_no_inputs", "files_of"]

# what desktops and JupyterLab leave behind when a folder is looked at
_DROPPINGS = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}


def files_of(run: Path) -> dict[str, Path]:
    """Every file under ``run`` by its name there; links are not followed."""
    return {
        (Path(folder) / name).relative_to(run).as_posix(): Path(folder) / name
        for folder, folders, names in os.walk(run)
        for name in [*names, *(each for each in folders if (Path(folder) / each).is_symlink())]
    }  # fmt: skip


def _dropping(name: str) -> bool:
    return bool(_DROPPINGS.intersection(PurePosixPath(name).parts))


def check_files(run: Path, manifest: Mapping[str, Any]) -> Check:
    """Files that are missing, changed or extra."""
    named, there = manifest["outputs"], files_of(run)
    missing = sorted(set(named) - set(there))
    extra = sorted(name for name in set(there) - set(named) - set(UNHASHED) if not _dropping(name))
    both = sorted(set(named) & set(there))
    changed = [name for name in both if there[name].is_symlink() or file_sha256(there[name]) != named[name]]
    details = [
        *(f"{name}: changed" for name in changed), *(f"{name}: missing" for name in missing),
        *(f"{name}: extra, not in the manifest" for name in extra),
    ]  # fmt: skip
    if not details:
        return Check("files", "ok", f"{len(named)} files, each with the hash that the manifest gives it")
    counted = [f"{len(items)} {word}" for items, word in ((changed, "changed"), (missing, "missing"), (extra, "extra")) if items]
    return Check("files", "differs", f"{', '.join(counted)} of {len(named)} files", details)


def check_no_inputs(run: Path, manifest: Mapping[str, Any]) -> Check:
    """No file of the run is one of the tables that went in."""
    inputs = {item["sha256"]: item["file"] for item in manifest["inputs"]}
    found = [f"{name}: the same bytes as the input {inputs[sha]}" for name, path in sorted(files_of(run).items())
             if not path.is_symlink() and (sha := file_sha256(path)) in inputs]  # fmt: skip
    if found:
        return Check("no raw data", "differs", f"{len(found)} of the files are inputs", found)
    return Check("no raw data", "ok", "no file of the run is one of its inputs")


def _as_published(text: str, found: str) -> str:
    """``text`` under the column names of ``found``, where these add to its own names on what grid a count stands (``n_risk_midpoint6``)."""
    (mine, _, rows), (theirs, _, _) = text.partition("\n"), found.partition("\n")
    names = list(zip(mine.split(","), theirs.split(","), strict=False))
    agree = mine.count(",") == theirs.count(",") and all(their == my or their.startswith(f"{my}_midpoint") for my, their in names)
    return f"{theirs}\n{rows}" if agree else text


def check_answers(run: Path) -> Check:
    """estimates.csv and the tables, made again from answers.json."""
    from mentorship_eval.report.cells import without_formulas
    from mentorship_eval.report.estimates import estimate_rows, estimates_csv
    from mentorship_eval.report.exhibits import file_stem
    from mentorship_eval.report.stored import load_answers

    try:
        answers, planned = load_answers(run)
        expected = {"estimates.csv": estimates_csv(estimate_rows(answers.values(), planned))}
        for answer in answers.values():
            for exhibit in answer.exhibits:
                for part, frame in exhibit.frames.items():
                    stem = file_stem(exhibit.id) + ("" if part == "rows" else f"-{file_stem(part)}")
                    expected[f"tables/{stem}.csv"] = without_formulas(frame).to_csv(index=False, lineterminator="\n")
    except MentorshipEvalError as error:
        return Check("numbers", "differs", error.problem.replace(str(run), run.name))
    except (ValueError, TypeError, AttributeError) as error:
        return Check("numbers", "differs", f"answers.json is damaged ({type(error).__name__})")
    apart: dict[str, list[str]] = {}
    for name, text in expected.items():
        try:
            found = (run / name).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            apart[name] = ["cannot be read"]
            continue
        if found != text and (cells := cells_apart(_as_published(text, found), found)):
            apart[name] = cells
    if not apart:
        return Check("numbers", "ok", f"estimates.csv and {len(expected) - 1} tables say what answers.json says")
    return Check("numbers", "differs", f"{listing(apart)} and answers.json say different things",
                 [f"{name}: {line}" for name, lines in apart.items() for line in lines])  # fmt: skip
