"""study.yaml: what it takes, and what it says when it is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mentorship_eval.cohort.reading.findings import StudyFileError
from mentorship_eval.cohort.study.document import Study, load_study
from mentorship_eval.errors import StudyError

BASE = "study: {name: N, start: 2022-01-01, end: 2024-12-31}\ntables: {staff: staff.csv}\n"


def load(folder: Path, text: str) -> Study:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return load_study(folder)


def wrong(folder: Path, text: str) -> list:
    with pytest.raises(StudyFileError) as caught:
        load(folder, text)
    assert isinstance(caught.value, StudyError)
    return caught.value.findings.errors


def test_the_documented_file(tmp_path: Path) -> None:
    study = load(
        tmp_path,
        """
study: {name: Riverside 2024, start: 2022-01-01, end: 2024-12-31}
tables:
  staff: staff.csv
  spells:
    file: leavers.xlsx
    sheet: Leavers
    columns: {staff_id: Person Ref, start: Joining Date, end: Leaving Date, leaving_reason: Reason}
    values: {leaving_reason: {Resignation: voluntary}}
    dates: "%d/%m/%Y"
  counts:
    file: cohort_period.csv
    columns: {dept_id: first_trained, period: period, active_from: first_trained, exposure: officers}
    outcomes: {complaints: complaints, sustained: sustained, force: force}
plan: {primary: [retention, harm_incidents], covariates: {retention: [profession, newly_qualified]}}
disclosure: none
""",
    )
    assert study.name == "Riverside 2024"
    assert study.study.end == date(2024, 12, 31)
    assert study.tables["staff"].file == "staff.csv"
    assert study.tables["spells"].values == {"leaving_reason": {"Resignation": "voluntary"}}
    assert study.tables["counts"].outcomes["force"] == "force"
    assert study.plan.covariates["retention"] == ["profession", "newly_qualified"]
    assert study.disclosure.off
    assert (study.rules.rehire_gap_days, study.rules.suspended, study.rules.same_day_days) == (30, "keep", 0.5)


@pytest.mark.parametrize(
    ("text", "threshold", "profile", "off"),
    [("", 10, None, False), ("disclosure: none\n", 1, None, True), ("disclosure: 5\n", 5, None, False),
     ("disclosure: cms11\n", 11, "cms11", False), ("disclosure: {threshold: 7}\n", 7, None, False),
     ("disclosure: {profile: hes, threshold: 9}\n", 9, "hes", False)],
)  # fmt: skip
def test_disclosure(tmp_path: Path, text: str, threshold: int, profile: str | None, off: bool) -> None:
    found = load(tmp_path, BASE + text).disclosure
    assert (found.threshold, found.profile, found.off) == (threshold, profile, off)


@pytest.mark.parametrize("text", ["disclosure:\n", "disclosure: false\n", "disclosure: off\n", "disclosure: 0\n", "disclosure: cms12\n"])
def test_protection_is_only_switched_off_by_the_word(tmp_path: Path, text: str) -> None:
    (finding,) = wrong(tmp_path, BASE + text)
    assert finding.column.startswith("disclosure")


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        (BASE + "rulez: {}\n", 3, "rulez", "Did you mean 'rules'?"),
        (BASE + "rules:\n  rehire_gap: 5\n", 4, "rules.rehire_gap", "Did you mean 'rehire_gap_days'?"),
        (BASE + "plan:\n  primry: [x]\n", 4, "plan.primry", "Did you mean 'primary'?"),
        (BASE + "plan:\n  exposure:\n    lag: 3\n", 5, "plan.exposure.lag", "Did you mean 'lag_days'?"),
        ("study: {nam: x}\ntables: {staff: a.csv}\n", 1, "study.nam", "Did you mean 'name'?"),
        ("tables:\n  staf: a.csv\n", 2, "tables.staf", "Did you mean 'staff'?"),
        ("tables:\n  staff:\n    file: a.csv\n    sheeet: x\n", 4, "tables.staff.sheeet", "Did you mean 'sheet'?"),
        (
            "tables:\n  staff:\n    file: a.csv\n    columns:\n      staffid: x\n",
            5,
            "tables.staff.columns.staffid",
            "Did you mean 'staff_id'?",
        ),
        ("tables:\n  staff:\n    sheet: x\n", 2, "tables.staff.file", ""),
        ("tables:\n  counts: c.csv\n", 2, "tables.counts", "long form"),
        ("tables:\n  counts: {file: c.csv}\n", 2, "tables.counts", "outcomes"),
        ("tables: {staff: a.csv}\nstudy: {start: 2024-01-01, end: 2023-01-01}\n", 2, "study", ""),
        ("tables: {staff: a.csv}\nstudy: {start: soon}\n", 2, "study.start", "2022-01-31"),
        ("tables: {staff: 'postgresql://host/db'}\n", 1, "tables.staff", ""),
        (BASE + "rules: {suspended: perhaps}\n", 3, "rules.suspended", "There are: "),
        (BASE + "plan:\n  leaving: organization\n", 4, "plan.leaving", "Did you mean 'organisation'?"),
        ("tables:\n  staff: a.csv\n  spells:\n", 3, "tables.spells", "Write spells: spells.csv"),
        (BASE + "rules: {}\nrules: {}\n", 4, "", ""),
        ("tables: [a\n", 2, "", ""),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, text: str, line: int, key: str, hint: str) -> None:
    (finding,) = wrong(tmp_path, text)
    assert finding.code == "E001"
    assert finding.file == "study.yaml"
    assert (finding.rows, finding.column) == ((line,), key)
    assert hint in finding.fix


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    assert len(wrong(tmp_path, BASE + "rulez: 1\ndisclosure: 0\nplan: {seed: x}\n")) == 3


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHORT_FILES", "/data/here")
    monkeypatch.delenv("COHORT_OTHER", raising=False)
    text = "tables: {staff: '${COHORT_FILES}/s.csv', spells: {file: '${COHORT_OTHER:-../x}/p.csv'}}\n"
    study = load(tmp_path, text)
    assert study.tables["staff"].file == "/data/here/s.csv"
    assert study.tables["spells"].file == "../x/p.csv"


def test_unset_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COHORT_OTHER", raising=False)
    (finding,) = wrong(tmp_path, "tables:\n  staff: ${COHORT_OTHER}/s.csv\n")
    assert "COHORT_OTHER is not set" in finding.message
    assert finding.rows == (2,)


def test_yes_and_no_are_words(tmp_path: Path) -> None:
    text = "tables:\n  durations: {file: d.csv, reference: {mentored: no}, values: {mentored: {yes: 1, off: 0}, event: {1: 0}}}\n"
    source = load(tmp_path, text).tables["durations"]
    assert source.reference == {"mentored": "no"}
    assert source.values == {"mentored": {"yes": "1", "off": "0"}, "event": {"1": "0"}}


def test_name_of_the_folder_is_the_default(tmp_path: Path) -> None:
    folder = tmp_path / "riverside"
    folder.mkdir()
    assert load(folder, "tables: {staff: staff.csv}\n").name == "riverside"
