"""One table in many files: patterns, folders and lists; every message names the file and its row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort.cohort import check_cohort
from mentorship_eval.cohort.reading.places import Places
from tests.cohort.folders import PEOPLE, bad, good, one, repairs, write

FIRST = "staff_id,birth_year\ns1,1980\ns2,1981\n"
SECOND = "birth_year,staff_id\n1982,s3\n1983,s4\n"


def study(file: str) -> str:
    return PEOPLE["study.yaml"].replace("staff: staff.csv", f"staff: {file}")


@pytest.mark.parametrize(
    "file",
    ['"monthly/Staff *.csv"', "monthly", "[monthly/Staff 1.csv, monthly/Staff 2.csv]", "{file: [monthly, monthly]}", '"*/Staff [12].csv"'],
)
def test_a_pattern_a_folder_and_a_list_are_one_table(tmp_path: Path, file: str) -> None:
    write(tmp_path / "monthly", {"Staff 2.csv": SECOND, "Staff 1.csv": FIRST, ".hidden.csv": "x\n1\n", "~$Staff 1.csv": "x\n1\n"})
    cohort = good(tmp_path, PEOPLE, study_yaml=study(file))
    assert cohort.table("staff").values.tolist() == [["s1", 1980], ["s2", 1981], ["s3", 1982], ["s4", 1983]]
    files = cohort.files[cohort.files["table"] == "staff"]
    assert files[["file", "rows"]].values.tolist() == [["Staff 1.csv", 2], ["Staff 2.csv", 2]]
    assert not cohort.findings.of("E")
    assert cohort.flow.query("table == 'staff'")["rows_in"].tolist() == [4]


def test_names_that_recur_do_not_tell_where_a_machine_keeps_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "home" / "jane", {"staff.csv": SECOND})
    yaml = study(f"[staff.csv, '{(tmp_path / 'home' / 'jane' / 'staff.csv').as_posix()}']")
    write(tmp_path / "cohort", {**PEOPLE, "study.yaml": yaml, "staff.csv": FIRST})
    monkeypatch.chdir(tmp_path)
    for place in ("cohort", tmp_path / "cohort"):
        _, cohort = check_cohort(place)
        assert cohort is not None
        assert cohort.files.query("table == 'staff'")["file"].tolist() == ["staff.csv (file 1)", "staff.csv (file 2)"]


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study("a" * 5000 + ".csv")), "E002")
    assert "cannot be looked for" in finding.message and str(tmp_path) not in str(finding)


def test_messages_name_the_file_and_its_row(tmp_path: Path) -> None:
    third = "birth_year,staff_id\n1982,s5\ny,s6\nz,s7\n"
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": SECOND.replace("1983", "x"), "3.csv": third})
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study("m")), "E007")
    assert (finding.file, finding.rows, finding.count) == ("2.csv", (3,), 3)
    assert finding.elsewhere == (("3.csv", 3, 2),)
    assert "[3 rows; also in 3.csv (2, first 3)]" in str(finding)


def test_repairs_name_the_file_and_its_row(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST + "Total,2\n", "2.csv": SECOND + ",\n,\n1983,s4\n,\nTotal,2\n", "3.csv": FIRST.replace("s1", "s9")})
    cohort = good(tmp_path, PEOPLE, study_yaml=study("m"))
    log = cohort.repair_log[["file", "row", "before", "reason"]].astype(str).values.tolist()
    assert ["1.csv", "4", "total row", "a sum is not an observation"] in log
    assert ["2.csv", "8", "total row", "a sum is not an observation"] in log
    assert ["2.csv", "4", "", "empty row left out"] in log
    assert ["2.csv", "6", "row", "exact duplicate of row 3 of 2.csv"] in log
    assert ["3.csv", "3", "row", "exact duplicate of row 3 of 1.csv"] in log
    assert repairs(cohort, "R123")["count"].sum() == 5


def test_a_column_that_one_file_lacks_stops(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": "staff_id\ns3\n", "3.csv": FIRST.replace("s1,", "s8,")})
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study("m")), "E004")
    assert (finding.file, finding.rows, finding.column) == ("2.csv", (1,), "birth_year")
    assert "1 of 3 files have no column 'birth_year'" in finding.message


def test_a_column_that_nothing_reads_may_be_lacking(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": "Staff ID,Birth year,extra\ns3,1982,a\n"})
    cohort = good(tmp_path, PEOPLE, study_yaml=study("m"))
    assert cohort.table("staff")["birth_year"].tolist() == [1980, 1981, 1982]
    assert set(cohort.files.query("table == 'staff'")["ignored"]) == {"extra"}


def test_all_files_are_read_before_the_word_is_given(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": "a,b\n1,2,3\n", "3.csv": b"\x00\x01"})
    findings = bad(tmp_path, PEOPLE, study_yaml=study("m"))
    assert [(item.file, item.rows) for item in findings.of("E002")] == [("2.csv", (2,)), ("3.csv", ())]


@pytest.mark.parametrize(
    ("file", "message", "fix"),
    [
        ('"m/Stuff *.csv"', "no file matches 'm/Stuff *.csv'", "Correct the pattern"),
        ("empty", "the folder holds no file that can be read", "Put CSV"),
        ("[m/1.csv, m/2.cvs]", "the file does not exist", "Did you mean '2.csv'?"),
    ],
)
def test_nothing_to_read(tmp_path: Path, file: str, message: str, fix: str) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": SECOND})
    write(tmp_path / "empty", {"notes.doc": "x"})
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study(file)), "E002")
    assert message in finding.message and fix in finding.fix
    assert str(tmp_path) not in str(finding)


def test_files_of_another_kind_in_a_folder_are_said(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": SECOND, "readme.pdf": "x"})
    assert "readme.pdf" in one(good(tmp_path, PEOPLE, study_yaml=study("m")).findings, "W123").message


def test_the_same_name_in_two_folders(tmp_path: Path) -> None:
    write(tmp_path / "m" / "2021", {"staff.csv": FIRST})
    write(tmp_path / "m" / "2022", {"staff.csv": SECOND})
    cohort = good(tmp_path, PEOPLE, study_yaml=study('"m/**/staff.csv"'))
    assert cohort.files.query("table == 'staff'")["file"].tolist() == ["2021/staff.csv", "2022/staff.csv"]


def test_the_hash_covers_every_piece(tmp_path: Path) -> None:
    write(tmp_path / "m", {"1.csv": FIRST, "2.csv": SECOND})
    before = good(tmp_path, PEOPLE, study_yaml=study("m")).hash
    assert good(tmp_path, PEOPLE, study_yaml=study("m")).hash == before
    write(tmp_path / "m", {"2.csv": SECOND.replace("1983", "1984")})
    assert good(tmp_path, PEOPLE, study_yaml=study("m")).hash != before


@pytest.mark.parametrize("file", ["3", "[]", "[1]", '""', "{file: {a: b}}"])
def test_what_is_no_file_is_refused(tmp_path: Path, file: str) -> None:
    findings, cohort = check_cohort(write(tmp_path, {**PEOPLE, "study.yaml": study(file)}))
    assert cohort is None
    assert one(findings, "E001").column.startswith("tables.staff")


def test_places() -> None:
    places = Places()
    assert places.add("a", "", (), 3) == 0
    assert places.add("b", "", (), 1) == 3  # a header and nothing else
    assert places.add("c", "", (), 9) == 4
    assert [places.locate(row) for row in (1, 3, 5, 13)] == [("a", 1), ("a", 3), ("c", 1), ("c", 9)]
    assert places.file_of(4) == "b"
    assert places.file_of(pd.Index([2, 13, 5])).tolist() == ["a", "c", "c"]
    assert [at.tolist() for at in places.spans(pd.Index([2, 6, 3]))] == [[0, 2], [], [1]]
    assert places.row_of(13) == "9 of c"
