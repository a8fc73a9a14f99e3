"""The workbook to fill in: one sheet per table, what the schema says, the same bytes every time."""

from __future__ import annotations

import time
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from mentorship_eval.cli.program import cli
from mentorship_eval.cohort.cohort import check_cohort
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.cohort.schema.workbook import write_workbook


def test_sheets_follow_the_schema(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_workbook(tmp_path / "t.xlsx", list(TABLES)))
    assert book.sheetnames == [*TABLES, "notes", "allowed values"]
    for name, table in TABLES.items():
        sheet = book[name]
        assert [cell.value for cell in sheet[1]] == table.names
        assert all(cell.font.bold for cell in sheet[1]) and sheet.freeze_panes == "A2" and sheet.max_row == 1
        letters = {cell.value: cell.column_letter for cell in sheet[1]}
        listed = {str(item.sqref): item.formula1 for item in sheet.data_validations.dataValidation}
        assert set(listed) == {f"{letters[c.name]}2:{letters[c.name]}1048576" for c in table.columns if c.categories}
        for column in table.columns:
            if column.categories:
                target = listed[f"{letters[column.name]}2:{letters[column.name]}1048576"].rpartition("!")[2].replace("$", "")
                assert [row[0].value for row in book["allowed values"][target]] == list(column.categories)
    assert book["allowed values"].sheet_state == "hidden"
    notes = {(row[0], row[1]): row[2:] for row in book["notes"].iter_rows(min_row=2, values_only=True)}
    assert set(notes) == {(table.name, column.name) for table in TABLES.values() for column in table.columns}
    assert notes["spells", "wte"][0] == "number" and notes["incidents", "harm"][3].startswith("near_miss, ")


def test_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_workbook(tmp_path / "a.xlsx", ["staff", "spells"]).read_bytes()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100_000)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(now + 100_000))
    assert write_workbook(tmp_path / "b.xlsx", ["staff", "spells"]).read_bytes() == first
    assert write_workbook(tmp_path / "c.xlsx", ["staff"]).read_bytes() != first


def test_a_folder_to_fill_in_with_excel(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    done = CliRunner().invoke(cli, ["new", str(folder), "--format", "xlsx"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == ["DATA_DICTIONARY.md", "my_analysis.ipynb", "study.yaml", "tables.xlsx", "templates"]
    assert (folder / "templates" / "staff.csv").is_file()
    findings, cohort = check_cohort(folder)
    assert cohort is None and {item.code for item in findings.errors} == {"E003"}  # empty, and nothing else
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    rows = {
        "staff": {"staff_id": "007"},
        "spells": {"spell_id": "p1", "staff_id": "007", "dept_id": "d1", "start": "2022-02-01"},
        "matches": {"match_id": "m1", "mentor_id": "007", "mentee_id": "007", "start": "2022-04-01"},
    }
    for name, cells in rows.items():
        for cell in book[name][1]:
            if cell.value in cells:
                book[name].cell(row=2, column=cell.column, value=cells[cell.value])
    book.save(folder / "tables.xlsx")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith(("  departments:", "  incidents:", "  exposure:", "  rollout:"))]
    (folder / "study.yaml").write_text("\n".join(kept), encoding="utf-8")
    findings, _ = check_cohort(folder)
    assert not {item.code for item in findings.errors} & {"E001", "E002", "E003", "E004", "E007", "E106"}, str(findings)


def test_not_for_folders_that_are_carried_over(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["new", str(tmp_path / "x"), "--format", "xlsx", "--like", "demo"])
    assert done.exit_code != 0
    assert not (tmp_path / "x").exists()
