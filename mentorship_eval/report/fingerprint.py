"""What the bytes of a run depend on, and the keys made of it."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mentorship_eval import __version__
from mentorship_eval.report.parameters import NOTEBOOKS, cohort_label, notebook_folder

__all__ = ["LIBRARIES", "answer_key", "commit", "file_sha256", "ingredients", "key_of", "library_versions", "lock_file", "source_sha256"]

# what of a checkout decides over numbers and pages; a commit that touches nothing else is the same code
_CODE = ("mentorship_eval", "notebooks", "requirements.lock")
# beside the package's own resources, a wheel carries these; the notebooks are hashed by themselves, the demo cohort is data
_CARRIED = {"cohorts", "notebooks"}

# the libraries whose version can change a number or a page
LIBRARIES = (
    "ipykernel", "ipython", "jinja2", "lifelines", "matplotlib", "nbclient", "nbconvert", "nbformat", "numpy", "openpyxl", "pandas",
    "papermill", "pyarrow", "pydantic", "pypandoc-binary", "pyyaml", "scipy", "seaborn", "statsmodels", "typst",
)


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def source_sha256() -> str:
    """One hash over the package's source, its templates and the notebooks."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    sources = [path for path in package.rglob("*") if path.suffix in {".py", ".j2", ".css", ".json", ".typ"} and "resources" not in path.parts]
    sources += [
        path for path in (package / "resources").rglob("*.yaml") if path.relative_to(package / "resources").parts[0] not in _CARRIED
    ]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(package).as_posix()}:{file_sha256(path)}\n".encode())
    for name in NOTEBOOKS.values():
        digest.update(f"{name}:{file_sha256(notebook_folder() / f'{name}.ipynb')}\n".encode())
    return digest.hexdigest()


@cache
def commit() -> Mapping[str, str]:
    """The newest commit that touched the code, and whether the code is as it was then: ``clean`` or ``changed``; no key where there is no git.

    A commit of documents alone leaves it as it is, as it leaves every byte of a run.
    """
    import os
    import subprocess

    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {}

    def git(*words: str) -> str:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        done = subprocess.run(
            ["git", "-C", str(root), *words, "--", *_CODE], capture_output=True, text=True, timeout=20, check=True, env=environment
        )
        return done.stdout.strip()

    try:
        newest = git("log", "-1", "--format=%H")
        return {"commit": newest, "state": "changed" if git("status", "--porcelain") else "clean"} if newest else {}
    except (OSError, subprocess.SubprocessError):
        return {}


def lock_file() -> Path | None:
    """``requirements.lock``: in the checkout, or as the wheel carries it."""
    package = Path(__file__).resolve().parents[1]
    places = (package.parent / "requirements.lock", package / "resources" / "requirements.lock")
    return next((place for place in places if place.is_file()), None)


@cache
def library_versions() -> Mapping[str, str]:
    """Versions of the interpreter and of the libraries that enter a result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an optional reader that this cohort does not need
            found[name] = "not installed"
    return found


def ingredients(cohort: Any, chapters: Sequence[str]) -> dict[str, Any]:
    """Everything that decides what a run says; two runs with equal ingredients have equal bytes."""
    truth, look = cohort.folder / "truth.json", cohort.look
    return {
        "cohort": cohort_label(cohort.folder),
        "cohort_sha256": cohort.hash,
        "truth_sha256": file_sha256(truth) if truth.is_file() else "",
        "plan": cohort.study.plan.model_dump(mode="json"),
        "disclosure": cohort.study.disclosure.model_dump(mode="json"),
        "look": {"number": look.number, "programme": look.programme, "earlier": [each.model_dump(mode="json") for each in look.earlier]},
        "chapters": list(chapters),
        "package": __version__,
        "source_sha256": source_sha256(),
        "versions": dict(library_versions()),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def key_of(parts: Mapping[str, Any]) -> str:
    """64 hexadecimal digits that stand for ``parts``."""
    import json

    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def answer_key(cohort: Any, name: str, earlier: Sequence[str] = ()) -> str:
    """Under which the answer of the chapter ``name`` is kept, given the chapters whose answers it had."""
    return key_of({**ingredients(cohort, [*earlier, name]), "answer": name})
