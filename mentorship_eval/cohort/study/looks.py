"""How often a programme has been evaluated: each set of data that was looked at is one look, recorded where deleting reports does not reach.

Two records count. ``study.earlier`` in study.yaml names the evaluations of earlier cohorts; ``mentorship-eval new --like`` writes it. ``looks.csv``
beside study.yaml has one line for each set of data that was run in this folder, put there before a report is made. Intervals and
p-values are not adjusted for the number of looks (alpha spending, as in Lan and DeMets 1983, is not offered); the report says so.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.study.document import Study
from mentorship_eval.cohort.study.models import Earlier, Window
from mentorship_eval.errors import DataError

__all__ = ["LOOKS_FILE", "Look", "data_digest", "plan_digest", "read_looks", "record_look", "this_look"]

LOOKS_FILE = "looks.csv"
_HEADER = ["look", "name", "start", "end", "plan", "data"]
_DIGITS = 12


def plan_digest(study: Study) -> str:
    """The first digits of the SHA-256 of the plan as it is written: a new version's defaults are no new plan."""
    text = json.dumps(study.plan.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def data_digest(files: pd.DataFrame) -> str:
    """The first digits of a hash over the files of a cohort (columns table, sha256), whatever study.yaml says of them."""
    lines = sorted(f"{table}:{sha}" for table, sha in zip(files["table"], files["sha256"], strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


@dataclass(frozen=True)
class Look:
    """One look at ``programme``. earlier: the looks before it. plan: digest of the plan of this one."""

    programme: str
    plan: str
    earlier: tuple[Earlier, ...] = ()

    @property
    def number(self) -> int:
        """1 for the first."""
        return len(self.earlier) + 1

    @property
    def plans(self) -> int:
        """Different plans under which these and earlier data were evaluated, as far as they are known."""
        return len({look.plan for look in self.earlier if look.plan} | {self.plan})

    def statement(self) -> str:
        """What a report says; "" at the first look."""
        if self.number < 2:
            return ""
        plans = f" under {self.plans} different plans" if self.plans > 1 else ""
        return f"This is look {self.number} at this programme ({self.programme}){plans}; intervals and p-values are not adjusted for repeated looks."


def read_looks(folder: Path) -> list[Earlier]:
    """The looks recorded in a cohort folder, oldest first.

    Raises `DataError` when looks.csv is there and is not such a record: a look must not be forgotten because a file was damaged.
    """
    path = folder / LOOKS_FILE
    if not path.exists():
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        known = [Earlier.model_validate({name: row[name] or None for name in _HEADER[1:]}) for row in rows]
        if not all(look.data for look in known):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{LOOKS_FILE} beside study.yaml, the record of evaluations of this programme, cannot be read.",
            fix="Restore it from a copy; or move it away and list the evaluations before this one under study.earlier.",
        ) from None
    return known


def this_look(study: Study, files: pd.DataFrame, folder: Path) -> Look:
    """Which look the data in ``files`` are: those of study.earlier and of looks.csv before them, and this one."""
    data, here = data_digest(files), {look.data: look for look in reversed(read_looks(folder))}
    recorded = list(reversed(here))
    before = recorded[: recorded.index(data)] if data in here else recorded
    listed = [look for look in study.study.earlier if look.data != data]
    known = {look.data for look in listed if look.data}
    return Look(study.study.programme or study.name, plan_digest(study), (*listed, *(here[digest] for digest in before if digest not in known)))


def record_look(study: Study, files: pd.DataFrame, folder: Path) -> bool:
    """Put this look into looks.csv unless it is there; False when the folder cannot be written to."""
    data = data_digest(files)
    if any(look.data == data for look in read_looks(folder)):
        return True
    window: Window = study.study
    row: Mapping[str, object] = {
        "look": this_look(study, files, folder).number, "name": study.name, "start": window.start or "", "end": window.end or "",
        "plan": plan_digest(study), "data": data,
    }  # fmt: skip
    path = folder / LOOKS_FILE
    try:
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, _HEADER, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
    except OSError:
        return False
    return True
