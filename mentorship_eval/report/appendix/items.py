"""The numbered items of an appendix: which exhibits, in which order, under which labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pandas as pd

from mentorship_eval.display.journals.profile import Journal
from mentorship_eval.errors import MentorshipEvalError, UsageError, listing
from mentorship_eval.questions.answer import Exhibit
from mentorship_eval.report.appendix.source import Source
from mentorship_eval.report.exhibits import draw
from mentorship_eval.report.numbering import exhibit_numbers

if TYPE_CHECKING:
    from mentorship_eval.display import Drawn, HtmlTable

__all__ = ["Item", "label_stem", "numbered_items", "source_frames"]

_LOG_LABELS = {"code": "Code", "table": "Table", "file": "File", "row": "Row", "column": "Column", "before": "Before", "after": "After",
               "reason": "Reason", "count": "Count"}  # fmt: skip
_FLOW_LABELS = {"step": "Step", "table": "Table", "read": "Read", "start": "Read", "reason": "Reason", "removed": "Removed", "added": "Added",
                "kept": "Kept"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Item:
    """kind: figure or table; label: ``S3 Fig``; id: of the exhibit; report: the number that it has in the report; shown: as drawn for a page."""

    kind: str
    label: str
    id: str
    exhibit: Exhibit
    chapter: str
    report: str
    shown: Drawn | HtmlTable

    @property
    def stem(self) -> str:
        """A file name without ending: ``S3_Fig``."""
        return label_stem(self.label)


def label_stem(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_")


def numbered_items(source: Source, journal: Journal, only: Sequence[str] = ()) -> tuple[list[Item], list[tuple[str, str]]]:
    """The figures and tables of the run in the order of the report, the summary first; then flows and repairs as tables.

    only: patterns of ids (``retention.*``); without one all are taken. What cannot be drawn has no number: its id and the reason come second.
    Raises `UsageError` for a pattern that no id matches.
    """
    everything = [*_in_order(source), *_tables_of_steps(source)]
    for pattern in only:
        if not any(fnmatchcase(exhibit.id, pattern) for exhibit, _, _ in everything):
            raise UsageError(f"The run has no figure or table {pattern!r}.", fix=f"It has {listing(exhibit.id for exhibit, _, _ in everything)}.")
    counted = {"figure": 0, "table": 0}
    items: list[Item] = []
    missing: list[tuple[str, str]] = []
    for exhibit, chapter, number in everything:
        if only and not any(fnmatchcase(exhibit.id, pattern) for pattern in only):
            continue
        try:
            shown = draw(exhibit)
        except MentorshipEvalError as error:
            missing.append((exhibit.id, error.problem))
            continue
        kind = "table" if exhibit.kind == "table" else "figure"
        counted[kind] += 1
        items.append(Item(kind, journal.label(kind, counted[kind]), exhibit.id, exhibit, chapter, number, shown))
    return items, missing


def _in_order(source: Source) -> Iterator[tuple[Exhibit, str, str]]:
    names = [name for name in source.answers if name == "summary"] + [name for name in source.answers if name != "summary"]
    notebooks = source.folder / "notebooks"
    for name in names:
        answer = source.answers[name]
        numbers: Mapping[str, str] = exhibit_numbers(answer, notebooks if notebooks.is_dir() else None)
        place = {exhibit: rank for rank, exhibit in enumerate(numbers)}
        for exhibit in sorted(answer.exhibits, key=lambda each: place.get(each.id, len(place))):
            yield exhibit, name, numbers.get(exhibit.id, "")


def _tables_of_steps(source: Source) -> Iterator[tuple[Exhibit, str, str]]:
    """Flow diagrams once more as tables, and the repair log."""
    for name, answer in source.answers.items():
        for exhibit in answer.exhibits:
            if exhibit.kind == "flow_diagram":
                flow = exhibit.frames["flow"]
                labels = {column: _FLOW_LABELS.get(str(column), str(column).replace("_", " ").capitalize()) for column in flow.columns}
                yield Exhibit(f"{exhibit.id}.steps", "table", f"{exhibit.title}: the same as a table", {"rows": flow},
                              options={"labels": labels}), name, ""  # fmt: skip
    repairs = source.repairs
    if len(repairs.columns):
        labels = {column: _LOG_LABELS.get(str(column), str(column)) for column in repairs.columns}
        yield Exhibit("repair_log", "table", "Repairs made to the data before the analysis", {"rows": repairs},
                      options={"labels": labels, "empty": "Nothing was repaired."}), "cohort", ""  # fmt: skip


def source_frames(exhibit: Exhibit) -> dict[str, pd.DataFrame]:
    """The protected frames that a figure was drawn from, by the end of a file name: "" where there is one."""
    parts = dict(exhibit.frames)
    return {("" if len(parts) == 1 else f"_{part}"): frame for part, frame in parts.items()}
