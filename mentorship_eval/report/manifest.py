"""manifest.json: what went in, with what it was made, what came out; all by hash, no time and no place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval.report.fingerprint import file_sha256

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort

__all__ = ["UNHASHED", "build_manifest", "without_place", "write_json"]

# the manifest cannot hash itself; times stand in run_info.json, which differs from run to run
UNHASHED = ("manifest.json", "run_info.json")


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def without_place(file: str) -> str:
    """A file's name: never where it stands on the machine that made the run. Parts of a table may be told apart by the folder that they share."""
    return Path(file).name if Path(file).is_absolute() else file


def _inputs(cohort: Cohort) -> list[dict[str, Any]]:
    """Files by hash; their rows only without disclosure control: with it, what the flow table withholds would be told here."""
    rows = [{"table": "study.yaml", "file": "study.yaml", "sha256": cohort.study_sha256}]
    for item in cohort.files.itertuples(index=False):
        counted = {"rows": int(item.rows)} if cohort.study.disclosure.off else {}
        rows.append({"table": item.table, "file": without_place(item.file), "sha256": item.sha256, **counted})
    truth = cohort.folder / "truth.json"
    if truth.is_file():
        rows.append({"table": "truth", "file": "truth.json", "sha256": file_sha256(truth)})
    return rows


def build_manifest(folder: Path, cohort: Cohort, parts: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The manifest of the run in ``folder``, whose files are all written but the manifest itself."""
    outputs = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() not in UNHASHED
    }
    return {
        "content_key": key,
        "cohort": {"name": cohort.name, "folder": parts["cohort"], "sha256": parts["cohort_sha256"]},
        "inputs": _inputs(cohort),
        "parameters": {"cohort": parts["cohort"], "chapters": parts["chapters"]},
        "plan": parts["plan"],
        "look": parts["look"],
        "disclosure": parts["disclosure"],
        "seeds": {"permutation": cohort.study.plan.seed},
        "package": {"name": "mentorship-eval", "version": parts["package"], "source_sha256": parts["source_sha256"]},
        "python": parts["versions"]["python"],
        "libraries": {name: version for name, version in parts["versions"].items() if name != "python"},
        "platform": parts["platform"],
        "outputs": outputs,
    }
