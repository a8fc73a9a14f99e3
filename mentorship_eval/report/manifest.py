"""manifest.json: what went in, with what it was made, what came out; all by hash, no time and no place.

The chain has no gap: input files by hash, settings and plan in full, code and versions, then each exhibit with its chapter, the results that
it shows and the files that it became, and every file by hash. `parts_of` reads from a manifest what its content key was made of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentorship_eval.report.exhibits import file_stem
from mentorship_eval.report.fingerprint import commit, file_sha256, key_of, lock_file
from mentorship_eval.report.parameters import NOTEBOOKS, notebook_folder

if TYPE_CHECKING:
    from mentorship_eval.cohort import Cohort
    from mentorship_eval.questions.answer import Answer, Exhibit

__all__ = ["MANIFEST_FORMAT", "UNHASHED", "build_manifest", "inputs_sha256", "list_inputs", "parts_of", "without_place", "write_json"]

MANIFEST_FORMAT = 2

# the manifest cannot hash itself; times stand in run_info.json, which differs from run to run
UNHASHED = ("manifest.json", "run_info.json")

# what the content key is made of -> where it stands in the manifest; anything else stands under "further"
_PLACES: Mapping[str, tuple[str, ...]] = {
    "cohort": ("cohort", "folder"), "cohort_sha256": ("cohort", "sha256"), "truth_sha256": ("cohort", "truth_sha256"), "plan": ("plan",),
    "disclosure": ("disclosure",), "look": ("look",), "chapters": ("parameters", "chapters"), "package": ("package", "version"),
    "source_sha256": ("package", "source_sha256"), "platform": ("platform",),
}  # fmt: skip


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def without_place(file: str) -> str:
    """A file's name: never where it stands on the machine that made the run. Parts of a table may be told apart by the folder that they share."""
    return Path(file).name if Path(file).is_absolute() else file


def list_inputs(cohort: Cohort) -> list[dict[str, Any]]:
    """Files by hash; their rows only without disclosure control: with it, what the flow table withholds would be told here."""
    rows = [{"table": "study.yaml", "file": "study.yaml", "sha256": cohort.study_sha256}]
    for item in cohort.files.itertuples(index=False):
        counted = {"rows": int(item.rows)} if cohort.study.disclosure.off else {}
        rows.append({"table": item.table, "file": without_place(item.file), "sha256": item.sha256, **counted})
    truth = cohort.folder / "truth.json"
    if truth.is_file():
        rows.append({"table": "truth", "file": "truth.json", "sha256": file_sha256(truth)})
    return rows


def inputs_sha256(inputs: Iterable[Mapping[str, Any]]) -> str:
    """The hash of a cohort as `Cohort.hash` makes it, from the inputs that a manifest lists."""
    import hashlib

    digest = hashlib.sha256()
    for item in inputs:
        if item["table"] == "study.yaml":
            digest.update(item["sha256"].encode())
        elif item["table"] != "truth":
            digest.update(f"\n{item['table']}:{item['sha256']}".encode())
    return digest.hexdigest()


def _study(cohort: Cohort) -> dict[str, Any]:
    """What study.yaml says beside plan and disclosure. How a table's columns and values map is a hash: the words are those of the data."""
    study = cohort.study
    window = study.study.model_dump(mode="json", include={"name", "programme", "start", "end", "extract"})
    maps = {name: key_of(source.model_dump(mode="json", exclude={"file"})) for name, source in study.tables.items()}
    journal = {} if study.journal is None else {"journal": study.journal}
    return {**window, **journal, "rules": study.rules.model_dump(mode="json"), "table_settings_sha256": maps}


def _results_of(exhibit: Exhibit, results: frozenset[str]) -> list[str]:
    """Results that an exhibit shows: those that its rows name (headings among them name none), and the one to whose name its own adds a word."""
    named = {str(each) for frame in exhibit.frames.values() if "id" in frame for each in frame["id"].dropna()}
    own = {name for name in results if exhibit.id == name or exhibit.id.startswith(f"{name}.")}
    return sorted((named & results) | own)


def _exhibits(answers: Mapping[str, Answer], outputs: Iterable[str]) -> list[dict[str, Any]]:
    there, results = set(outputs), frozenset(result.id for answer in answers.values() for result in answer.results)
    found = []
    for chapter, answer in answers.items():
        for exhibit in answer.exhibits:
            stem = file_stem(exhibit.id)
            parts = ("" if part == "rows" else f"-{file_stem(part)}" for part in exhibit.frames)
            files = [f"figures/{stem}.png", f"figures/{stem}.svg", *(f"tables/{stem}{part}.csv" for part in parts)]
            found.append({
                "id": exhibit.id, "chapter": chapter, "kind": exhibit.kind, "results": _results_of(exhibit, results),
                "files": [file for file in files if file in there],
            })  # fmt: skip
    return found


def _chapters(names: Iterable[str]) -> dict[str, dict[str, str]]:
    return {
        name: {
            "page": f"{NOTEBOOKS[name]}.html", "executed": f"notebooks/{NOTEBOOKS[name]}.ipynb",
            "notebook_sha256": file_sha256(notebook_folder() / f"{NOTEBOOKS[name]}.ipynb"),
        } for name in names
    }  # fmt: skip


def build_manifest(folder: Path, cohort: Cohort, parts: Mapping[str, Any], answers: Mapping[str, Answer]) -> dict[str, Any]:
    """The manifest of the run in ``folder``, whose files are all written but the manifest itself.

    parts: what its content key is made of, as `fingerprint.ingredients` gives it. answers: protected, by chapter.
    """
    outputs = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() not in UNHASHED
    }
    lock = lock_file()
    known = {*_PLACES, "versions"}
    return {
        "format": MANIFEST_FORMAT,
        "content_key": key_of(parts)[:12],
        "content_sha256": key_of(parts),
        "cohort": {
            "name": cohort.name, "folder": parts["cohort"], "sha256": parts["cohort_sha256"], "truth_sha256": parts["truth_sha256"],
        },
        "inputs": list_inputs(cohort),
        "study": _study(cohort),
        "parameters": {"cohort": parts["cohort"], "chapters": parts["chapters"]},
        "plan": parts["plan"],
        "plan_sha256": key_of(parts["plan"]),
        "look": parts["look"],
        "disclosure": parts["disclosure"],
        "seeds": {"permutation": cohort.study.plan.seed},
        "package": {"name": "mentorship-eval", "version": parts["package"], "source_sha256": parts["source_sha256"], "git": dict(commit())},
        "lock": {"file": lock.name, "sha256": file_sha256(lock)} if lock else {},
        "python": parts["versions"]["python"],
        "libraries": {name: version for name, version in parts["versions"].items() if name != "python"},
        "platform": parts["platform"],
        "further": {name: value for name, value in parts.items() if name not in known},
        "chapters": _chapters(answers),
        "exhibits": _exhibits(answers, outputs),
        "outputs": outputs,
    }  # fmt: skip


def parts_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the content key was made of, read back from a manifest; raises KeyError or TypeError where it is not whole."""
    parts: dict[str, Any] = {}
    for name, place in _PLACES.items():
        value: Any = manifest
        for word in place:
            value = value[word]
        parts[name] = value
    return {**parts, "versions": {"python": manifest["python"], **manifest["libraries"]}, **manifest["further"]}
