"""Reporting checklists: which item the report truly has, and where; what it does not have is left to the author, never ticked.

The items are data (``resources/checklists/NAME.yaml``): what each asks, in our words, and which exhibits, estimates or fields of the manifest
answer it; ``rows`` names a table and how the first cell of a row begins, for what is only answered where somebody has filled it in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from mentorship_eval.errors import UsageError
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.questions.delivery.versions import FIRST, NOT_DESCRIBED
from mentorship_eval.report.appendix.items import Item
from mentorship_eval.report.appendix.source import Source
from mentorship_eval.report.parameters import NOTEBOOKS

__all__ = ["Checklist", "Line", "checklist_names", "fill", "load_checklist"]

FOUND, PART, AUTHOR = "in the report", "in part", "author to complete"
_MOST = 6  # places named for one item
_KEYS = frozenset({"item", "section", "asks", "exhibits", "rows", "estimates", "manifest", "parts", "also"})
_LACKS = ("", "None", "Nothing", FIRST, NOT_DESCRIBED)
_PARTS = ("cautions", "gaps", "methods", "lead")


@dataclass(frozen=True)
class Checklist:
    """title, source: of the published checklist; scope: to which studies it applies; items: as in the file."""

    name: str
    title: str
    source: str
    scope: str
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Line:
    """One item, filled in. where: labels of the appendix and anchors of the report; remains: what the author has to add or look at."""

    item: str
    section: str
    asks: str
    status: str
    where: str
    remains: str


def _folder() -> Any:
    return files("mentorship_eval") / "resources" / "checklists"


def checklist_names() -> list[str]:
    return sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml"))


@cache
def load_checklist(name: str) -> Checklist:
    """Raises `UsageError` for a checklist that there is not, or whose file has a key that nothing reads."""
    import yaml

    if name not in checklist_names():
        raise UsageError(f"There is no checklist {name!r}.", fix=f"There are {', '.join(checklist_names())}.")
    held = yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    for item in held["items"]:
        unknown = set(item) - _KEYS
        if unknown or not set(item.get("parts", ())) <= set(_PARTS):
            raise UsageError(f"Checklist {name}, item {item.get('item')}: unknown {sorted(unknown) or item['parts']}.", fix=f"Use {sorted(_KEYS)}.")
    return Checklist(name, held["title"], held["source"], held.get("scope", ""), tuple(held["items"]))


def fill(checklist: Checklist, source: Source, items: Sequence[Item]) -> list[Line]:
    """Every item with what the run has of it.

    An item is found where one of the exhibits, estimates or parts that it names is in the report; ``also`` names what it asks beyond them,
    and makes it found in part. Nothing that the report lacks is ever called found.
    """
    labels = {item.id: item.label for item in items}
    lines = []
    for item in checklist.items:
        where = list(dict.fromkeys(_places(item, source, labels)))
        also = str(item.get("also", ""))
        status = (PART if also else FOUND) if where else AUTHOR
        remains = also if where else (also or "not in the report")
        shown = where if len(where) <= _MOST else [*where[: _MOST - 1], f"and {len(where) - _MOST + 1} more"]
        lines.append(Line(str(item["item"]), item["section"], item["asks"], status, "; ".join(shown), remains))
    return lines


def _places(item: Mapping[str, Any], source: Source, labels: Mapping[str, str]) -> Iterator[str]:
    for pattern in item.get("exhibits", ()):
        for answer in source.answers.values():
            for exhibit in answer.exhibits:
                if fnmatchcase(exhibit.id, pattern):
                    anchor = source.anchor(exhibit.id)
                    yield f"{labels[exhibit.id]} ({anchor})" if exhibit.id in labels else anchor
        if pattern in labels and all(answer.exhibit(pattern) is None for answer in source.answers.values()):
            yield labels[pattern]  # a table of the appendix that is no exhibit of the report: the repair log
    for name, start in item.get("rows", {}).items():
        if any(_has_row(answer.exhibit(name), start) for answer in source.answers.values()):
            yield f"{labels[name]} ({source.anchor(name)})" if name in labels else source.anchor(name)
    for pattern in item.get("estimates", ()):
        found = [result.id for answer in source.answers.values() for result in answer.results if fnmatchcase(result.id, pattern)]
        if found:
            yield f"estimates.csv: {', '.join(found[:3])}{f' and {len(found) - 3} more' if len(found) > 3 else ''}"
    for part in item.get("parts", ()):
        for name, answer in source.answers.items():
            if name != "summary" and getattr(answer, part):
                yield f"{NOTEBOOKS[name]}.html: {part}"
    for field in item.get("manifest", ()):
        if _field(source.manifest, field) not in (None, "", [], {}):
            yield f"manifest.json: {field}"


def _has_row(exhibit: Exhibit | None, start: str) -> bool:
    """Whether a table has a row whose first cell begins so, and a word in any other cell of it that is not the lack of one."""
    frame = exhibit.frames.get("rows") if exhibit is not None else None
    if frame is None or frame.empty:
        return False
    mine = frame[frame.iloc[:, 0].astype(str).str.startswith(start)].iloc[:, 1:]
    return bool((mine.notna() & ~mine.astype(str).isin(_LACKS)).to_numpy().any())


def _field(manifest: Mapping[str, Any], dotted: str) -> Any:
    value: Any = manifest
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
