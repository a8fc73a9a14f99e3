"""A cohort: the tables of one folder, typed and checked, with everything that was found on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mentorship_eval.cohort.reading.findings import CohortError, Findings
from mentorship_eval.cohort.reading.read import read_tables
from mentorship_eval.cohort.reading.repairs import Flow
from mentorship_eval.cohort.recipes.items import item_table
from mentorship_eval.cohort.schema.tables import QUESTIONS, TABLES, missing_for
from mentorship_eval.cohort.study.document import STUDY_FILE, Study, did_you_mean, load_study
from mentorship_eval.cohort.study.looks import Look, this_look
from mentorship_eval.errors import DataError, UsageError

__all__ = ["Cohort", "check_cohort", "read_cohort"]

# needed beside the required columns, for the message that says what would unlock a question
_ALSO = {"counts": ("one column per outcome",), "durations": ("event or cause", "mentored")}


@dataclass(frozen=True, repr=False)
class Cohort:
    """One cohort as read.

    folder: where it stands. study: the typed study.yaml. tables: name -> DataFrame in our column names (ids and
    categories are text, dates datetime64[ns], missing is NaN or NaT). findings: repairs and warnings.
    repair_log: code, table, file, row, column, before, after, reason, count. flow: table, step, reason, rows_in,
    removed, kept. files: table, file, sha256, rows, ignored; a row per file, so several for a table of several files.
    """

    folder: Path
    study: Study
    tables: dict[str, pd.DataFrame]
    findings: Findings = field(default_factory=Findings)
    repair_log: pd.DataFrame = field(default_factory=pd.DataFrame)
    flow_steps: Flow = field(default_factory=Flow)
    files: pd.DataFrame = field(default_factory=pd.DataFrame)
    study_sha256: str = ""

    @property
    def name(self) -> str:
        return self.study.name

    def table(self, name: str) -> pd.DataFrame:
        """One table; raises DataError with the way out when the cohort does not have it."""
        if name in self.tables:
            return self.tables[name]
        if name not in TABLES:
            raise UsageError(f"There is no table {name!r}.", fix=did_you_mean(name, list(TABLES)))
        required = ", ".join(TABLES[name].required)
        raise DataError(f"This cohort has no table {name}.", fix=f"Add it to study.yaml; it needs the columns {required}.")

    def mentoring(self) -> pd.DataFrame:
        """Matches of mentoring. Supervision and preceptorship, where ``relationship_type`` tells them, are another thing and expose nobody."""
        matches = self.table("matches")
        if "relationship_type" not in matches:
            return matches
        return matches[matches["relationship_type"].isna() | (matches["relationship_type"] == "mentoring")]

    def has(self, *names: str) -> bool:
        """Whether the cohort has all these tables."""
        return all(name in self.tables for name in names)

    @property
    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last day of the study. NaT, NaT when study.yaml has none and no months of exposure, or else of audits, say so."""
        start, end = self.study.study.start, self.study.study.end
        first = pd.Timestamp(start) if start else pd.NaT
        last = pd.Timestamp(end) if end else pd.NaT
        monthly = next((name for name in ("exposure", "audits") if name in self.tables), "")
        if monthly and not self.has("spells"):
            months = self.tables[monthly]["month"]
            first = months.min() if first is pd.NaT else first
            last = months.max() + pd.offsets.MonthEnd(0) if last is pd.NaT else last
        return first, last

    @property
    def flow(self) -> pd.DataFrame:
        """Rows in - removed = kept, by table, step and reason."""
        return self.flow_steps.to_frame()

    def reconcile(self) -> None:
        """Assert that the flow counts add up and end at the rows of the tables."""
        self.flow_steps.reconcile({name: len(frame) for name, frame in self.tables.items()})

    @property
    def hash(self) -> str:
        """Content key: study.yaml and the bytes of every file. The folder's place does not enter."""
        digest = hashlib.sha256(self.study_sha256.encode())
        for table, sha in zip(self.files["table"], self.files["sha256"], strict=True):
            digest.update(f"\n{table}:{sha}".encode())
        return digest.hexdigest()

    @property
    def look(self) -> Look:
        """Which evaluation of the programme this is."""
        return this_look(self.study, self.files, self.folder)

    def reference(self, table: str, column: str) -> object:
        """The level that others are compared with: as declared, else 0, else ``no``, else the most frequent."""
        values = self.table(table)[column].dropna()
        declared = self.study.tables[table].reference.get(column) if table in self.study.tables else None
        if declared is not None:
            return type(values.iloc[0])(float(declared)) if len(values) and pd.api.types.is_numeric_dtype(values) else declared
        if pd.api.types.is_numeric_dtype(values):
            return 0
        for word in ("no", "No", "none", "not mentored"):
            if (values == word).any():
                return word
        return values.mode().iloc[0] if len(values) else None

    def unit(self, table: str = "durations") -> str:
        """Unit of the times of an aggregated table: days, weeks, months or years."""
        return self.study.tables[table].unit if table in self.study.tables else "days"

    def missing_for(self, question: str) -> str:
        """What would unlock ``question``: tables and their required columns, in one sentence; empty when it can be answered."""
        if question not in QUESTIONS:
            raise UsageError(f"There is no question {question!r}.", fix=did_you_mean(question, list(QUESTIONS)))
        lacking = missing_for(question, set(self.tables))
        if not lacking:
            return ""
        ways = []
        for tables in lacking:
            parts = [f"{table.name} ({', '.join([*table.required, *_ALSO.get(table.name, ())])})" for table in tables]
            ways.append(" and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0])
        return f"To answer {question}, add {'; or '.join(ways)}."

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(frame):,}" for name, frame in self.tables.items())
        return f"<Cohort {self.name}: {rows}; {self.findings.summary()}>"

    def _repr_html_(self) -> str:
        return self.files.drop(columns="sha256").to_html(index=False, border=0)


def check_cohort(path: str | Path) -> tuple[Findings, Cohort | None]:
    """Read a cohort folder and return everything that was found; the cohort is None when any finding is an error.

    Data never make it raise; a program error does.
    """
    folder = Path(path)
    findings = Findings()
    if folder.name == STUDY_FILE and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        what = "is a file, not a cohort folder" if folder.exists() else "there is no such folder"
        findings.add("E002", what, file=str(path), fix="Give the folder that holds study.yaml; `mentorship-eval new DIR` makes one.")
        return findings, None
    if not (folder / STUDY_FILE).is_file():
        findings.add("E001", "the folder has no study.yaml", file=str(path), fix="`mentorship-eval new DIR` writes one to fill in.")
        return findings, None
    try:
        study = load_study(folder)
    except CohortError as error:
        return error.findings, None
    reading = read_tables(folder, study)
    if reading.findings.errors:
        return reading.findings, None
    tables = {name: source.frame.set_axis(pd.RangeIndex(len(source.frame)), axis=0) for name, source in reading.sources.items()}
    if "surveys" in tables and "survey_items" not in tables and (items := item_table(reading.sources["surveys"])) is not None:
        tables["survey_items"] = items
        reading.flow.step("survey_items", "answers to the items of the scores", len(items), len(items))
    files = pd.DataFrame(
        [
            (name, file, sha256, rows, ", ".join(source.ignored))
            for name, source in reading.sources.items()
            for file, sha256, rows in zip(source.places.files, source.places.sha256, source.rows_read, strict=True)
        ]
        + [(*found, "") for found in reading.beside],  # recipes and key files change the tables, so they enter the hash
        columns=["table", "file", "sha256", "rows", "ignored"],
    )
    sha = hashlib.sha256((folder / STUDY_FILE).read_bytes()).hexdigest()
    cohort = Cohort(folder, study, tables, reading.findings, reading.repairs.to_frame(), reading.flow, files, sha)
    cohort.reconcile()
    return reading.findings, cohort


def read_cohort(path: str | Path) -> Cohort:
    """Read a cohort folder.

    Raises
    ------
    CohortError : with every finding, when any is an error.
    """
    findings, cohort = check_cohort(path)
    if cohort is None:
        raise CohortError(findings)
    return cohort
