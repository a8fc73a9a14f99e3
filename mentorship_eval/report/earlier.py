"""Earlier runs of the same cohort: found beside the place of a new one, and inputs to it by hash.

Two reports of one cohort, the second with a few people more, would tell of the few by subtraction. The ledger compares the counts of a run
with those that earlier ones published (`disclosure.earlier`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mentorship_eval.disclosure import Rule
from mentorship_eval.questions.answer import Answer
from mentorship_eval.report.fingerprint import file_sha256, key_of
from mentorship_eval.report.manifest import parts_of
from mentorship_eval.report.publish import find_run
from mentorship_eval.report.stored import ANSWERS_FILE, load_answers

__all__ = ["EARLIER", "answers_of", "as_inputs", "earlier_runs", "standing_run"]

EARLIER = "earlier_runs"  # their place among the ingredients of a run, and in its manifest


def _beside(place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Runs below the folder of a cohort, with what their keys were made of; what is no whole run is passed over."""
    found = []
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if folder.is_symlink() or folder.name.startswith("."):
            continue
        try:
            found.append((folder, parts_of(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _plainly(parts: Mapping[str, Any]) -> str:
    """The key of a run whatever runs were there before it."""
    return key_of({name: value for name, value in parts.items() if name != EARLIER})


def earlier_runs(place: Path, parts: Mapping[str, Any], rule: Rule, given: Iterable[str | Path] = ()) -> list[Path]:
    """Folders of the runs to compare with: those ``given``, and those of other data or another plan in ``place``, the folder of the cohort.

    None under a rule that rounds (the rounding protects differences) or withholds nothing; a run without disclosure control was not
    published and is passed over. Raises `UsageError` when a given one is no run.
    """
    named = [find_run(each) for each in given]
    if not rule.active or rule.round_to:
        return []
    for folder, other in _beside(place):
        same = all(other[name] == parts[name] for name in ("cohort_sha256", "plan"))
        if not same and not other["disclosure"].get("off") and (folder / ANSWERS_FILE).is_file():
            named.append(folder)
    return sorted({folder.resolve(): folder for folder in named}.values(), key=lambda folder: folder.name)


def as_inputs(runs: Iterable[Path]) -> list[dict[str, str]]:
    """What the manifest says of them: the name of the folder, and the hash of its answers."""
    return [{"run": folder.name, "answers_sha256": file_sha256(folder / ANSWERS_FILE)} for folder in runs]


def answers_of(runs: Iterable[Path]) -> list[tuple[Answer, ...]]:
    """The protected answers of each run. Raises `UsageError` when one cannot be read."""
    return [tuple(load_answers(folder)[0].values()) for folder in runs]


def standing_run(place: Path, parts: Mapping[str, Any], given: Iterable[str | Path] = ()) -> Path | None:
    """A run of the same inputs, plan and software that is there already, whatever came after it; None where there is none.

    It must have been compared with the runs that are ``given``.
    """
    asked = {each["answers_sha256"] for each in as_inputs(find_run(each) for each in given)}
    for folder, other in _beside(place):
        if _plainly(other) == _plainly(parts) and asked <= {each["answers_sha256"] for each in other.get(EARLIER, ())}:
            return folder
    return None
