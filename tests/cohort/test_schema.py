"""The schema: complete, consistent, and the source of templates and data dictionary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mentorship_eval.cohort.schema.tables import QUESTIONS, TABLES, data_dictionary, missing_for, write_templates

NAMES = (
    *("staff", "spells", "departments", "dept_lineage", "programmes", "rollout", "mentors", "matches", "sessions", "goals", "feedback", "events"),
    *("incidents", "exposure", "surveys", "survey_invites", "survey_items", "projects", "career_events", "collaboration", "training", "audits"),
    "outcomes_monthly",
    *("costs", "calendar", "durations", "counts", "wishes"),
)


def test_every_table_is_declared() -> None:
    assert sorted(TABLES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_consistent(name: str) -> None:
    table = TABLES[name]
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    assert set(table.questions) <= set(QUESTIONS)
    assert table.questions
    for column in table.columns:
        assert column.description
        if column.references:
            other, key = column.references.split(".")
            assert key in TABLES[other]
        if column.categories:
            assert column.type == "category"
    for key in table.key:
        # a key column is required, numbered by the program, or one of several
        several = any(key in group for group in table.one_of) or key in {"programme_id", "due", "kind"}
        assert table[key].required or table.auto_key or several


def test_questions_name_tables() -> None:
    for ways in QUESTIONS.values():
        for names in ways:
            assert set(names) <= set(TABLES)


@pytest.mark.parametrize("question", QUESTIONS)
def test_read_by_names_every_chapter_that_asks_for_a_table(question: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "mentorship_eval" / "questions" / question
    asked = {
        name
        for path in folder.rglob("*.py")
        for call in re.findall(r"cohort\.(?:table|has)\(([^)]*)\)", path.read_text(encoding="utf-8"))
        for name in re.findall(r'"(\w+)"', call)
    }
    assert asked and asked <= set(TABLES)
    assert not [name for name in sorted(asked) if question not in TABLES[name].questions]


def test_missing_for() -> None:
    def names(question: str, *present: str) -> list[list[str]]:
        return [[table.name for table in way] for way in missing_for(question, set(present))]

    assert names("retention", "durations") == []
    assert names("retention", "staff", "spells") == [["matches"]]
    assert names("incidents") == [["incidents", "exposure", "rollout"], ["counts"]]


def test_templates(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("mine")
    written = write_templates(tmp_path)
    assert (tmp_path / "staff.csv").read_text() == "mine"
    assert (tmp_path / "exposure.csv").read_text().strip() == "dept_id,month,patient_days,staffed_wte,admissions,items_dispensed,complete"
    assert not (tmp_path / "counts.csv").exists()
    assert len(written) == len(NAMES) - 3
    assert write_templates(tmp_path) == []


def test_data_dictionary_has_every_column() -> None:
    text = data_dictionary()
    for table in TABLES.values():
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in section
    assert "`near_miss`, `none`, `low`, `moderate`, `severe`, `death`" in text
