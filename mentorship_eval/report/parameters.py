"""What a notebook's parameter means: the name of a cohort, checked and turned into a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.questions import CHAPTERS

__all__ = ["NOTEBOOKS", "TITLES", "check_chapters", "cohort_label", "notebook_folder", "resolve_cohort"]

STUDY_FILE = "study.yaml"

# chapter -> notebook, and chapter -> title, in the order in which a report reads
NOTEBOOKS = {name: chapter.notebook for name, chapter in CHAPTERS.items()}
TITLES = {name: chapter.title for name, chapter in CHAPTERS.items()}


def _checkout() -> Path | None:
    """The project's folder when the package runs from a checkout, else None."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "notebooks").is_dir() and (root / "data").is_dir() else None


def _places(wanted: Path) -> Iterator[Path]:
    """Where a relative cohort may stand, nearest first: the caller's folder, those above it, the project, the package."""
    here = Path.cwd()
    yield here / wanted
    for above in here.parents:
        yield above / wanted
        if (above / "notebooks").is_dir() and (above / "data").is_dir():
            yield above / "data" / wanted
            break
    root = _checkout()
    if root:
        yield root / wanted
        yield root / "data" / wanted
    packaged = files("mentorship_eval") / "resources" / "cohorts" / wanted.name
    if packaged.is_dir():
        yield Path(str(packaged))


def resolve_cohort(cohort: object) -> Path:
    """The folder that ``cohort`` names.

    A relative name is looked up from the caller's folder, then from the folders above it up to the project (the folder
    with ``notebooks`` and ``data``), then among the cohorts that come with the package (``data/demo`` or ``demo``).

    Raises
    ------
    UsageError : ``cohort`` is not text; papermill's ``-p`` turns an id such as 007 into the number 7.
    DataError : no such folder anywhere.
    """
    if isinstance(cohort, bool) or not isinstance(cohort, str | Path):
        shown = repr(cohort)
        raise UsageError(
            f"The parameter cohort is {shown}, a {type(cohort).__name__}; it must be text.",
            fix="papermill's -p reads 007 as the number 7. Pass it as it is written with -r: `-r cohort 007`.",
        )
    if not str(cohort).strip():
        raise UsageError("The parameter cohort is empty.", fix='Name a cohort folder, for example cohort = "data/demo".')
    wanted = Path(cohort).expanduser()
    if wanted.name == STUDY_FILE:
        wanted = wanted.parent
    candidates = [wanted] if wanted.is_absolute() else list(_places(wanted))
    for candidate in candidates:
        if (candidate / STUDY_FILE).is_file():
            return candidate.resolve()
    for candidate in candidates:
        # a folder without study.yaml is still what was meant: reading it says what is missing
        if candidate.exists():
            return candidate.resolve()
    raise DataError(
        f"There is no cohort folder {str(cohort)!r}.",
        fix="Give the folder that holds study.yaml, by its full path or as seen from here; `mentorship-eval new DIR` makes one.",
    )


def cohort_label(folder: Path) -> str:
    """The folder's name in a form that is safe in a path: what published files call the cohort."""
    return re.sub(r"[^\w.-]+", "-", folder.name).strip("-.") or "cohort"


def notebook_folder() -> Path:
    """Where the notebooks stand: in the checkout, or inside the installed package."""
    root = _checkout()
    if root and (root / "notebooks" / "02_retention.ipynb").is_file():
        return root / "notebooks"
    packaged = Path(str(files("mentorship_eval") / "resources" / "notebooks"))
    if not packaged.is_dir():
        raise UsageError("The notebooks are not installed with the package.", fix="Install mentorship-eval again.")
    return packaged


def check_chapters(chapters: object) -> list[str]:
    """Chapter names in report order; None stands for all. The summary is always there, over what was asked for and what that needs."""
    if chapters is None:
        return list(NOTEBOOKS)
    names = chapters.split(",") if isinstance(chapters, str) else list(chapters)  # type: ignore[call-overload]
    names = [str(name).strip() for name in names if str(name).strip()]
    unknown = [name for name in names if name not in NOTEBOOKS]
    if unknown or not names:
        what = f"There is no chapter {unknown[0]!r}." if unknown else "No chapter is named."
        raise UsageError(what, fix=f"The chapters are {', '.join(NOTEBOOKS)}.")
    wanted = {"summary", *names, *(need for name in names if name != "summary" for need in CHAPTERS[name].needs)}
    return [name for name in NOTEBOOKS if name in wanted]
