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
    """Look ``number`` at ``programme``. ``plans``: different plans under which these and earlier data were evaluated, this one included."""

    number: int
    programme: str
    plans: int = 1

    def statement(self) -> str:
        """What a report says; "" at the first look."""
        if self.number < 2:
            return ""
        plans = f" under {self.plans} different plans" if self.plans > 1 else ""
        return f"This is look {self.number} at this programme ({self.programme}){plans}; intervals and p-values are not adjusted for repeated looks."


def read_looks(folder: Path) -> list[Earlier]:
    """The looks recorded in a cohort folder, oldest first; lines that are none are passed over."""
    try:
        text = (folder / LOOKS_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    known = []
    for row in csv.DictReader(io.StringIO(text)):
        if row.get("data"):
            dates = {name: row.get(name) or None for name in ("start", "end")}
            try:
                known.append(Earlier.model_validate({"name": row.get("name") or "", "plan": row.get("plan") or "", "data": row["data"], **dates}))
            except ValueError:
                continue
    return known


def this_look(study: Study, files: pd.DataFrame, folder: Path) -> Look:
    """Which look the data in ``files`` are: those of study.earlier and of looks.csv before them, and this one."""
    data, plan = data_digest(files), plan_digest(study)
    here = list(dict.fromkeys(look.data for look in read_looks(folder)))
    before = here[: here.index(data)] if data in here else here
    listed = [look for look in study.study.earlier if look.data != data]
    known = {look.data for look in listed if look.data}
    recorded = [*listed, *(look for look in read_looks(folder) if look.data in before)]
    plans = {look.plan for look in recorded if look.plan} | {plan}
    number = 1 + len(listed) + len([digest for digest in before if digest not in known])
    return Look(number, study.study.programme or study.name, len(plans))


def record_look(study: Study, files: pd.DataFrame, folder: Path) -> bool:
    """Put this look into looks.csv unless it is there; False when the folder cannot be written to."""
    looks, data = read_looks(folder), data_digest(files)
    if any(look.data == data for look in looks):
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
