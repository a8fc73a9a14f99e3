"""Files as they come: encodings, delimiters, totals, merged headers, broken rows."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.cohort.folders import PEOPLE, bad, good, one, repairs, write

STAFF = "staff_id,grade,birth_year\ns1,é5,1980\ns2,b,1990\ns3,b,1991\n"


def staff_study(**more: object) -> str:
    keys = ", ".join(f"{key}: {value}" for key, value in {"file": "staff.csv", **more}.items())
    return PEOPLE["study.yaml"].replace("staff: staff.csv", f"staff: {{{keys}}}")


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (STAFF.encode("utf-8"), None),
        (STAFF.encode("utf-8-sig"), "byte order mark"),
        (STAFF.encode("cp1252"), "read as cp1252"),
        (STAFF.encode("utf-16"), "read as utf-16"),
        (STAFF.replace(",", ";").encode(), "separated by ';'"),
        (STAFF.replace(",", "\t").encode(), None),
        (STAFF.replace("\n", "\r\n").encode(), None),
        (STAFF.replace("\n", "\n\n").encode(), "empty rows"),
        ((STAFF + "Total,,5961\n").encode(), "total row"),
        ((STAFF + ",,\nGrand total,,5961\n,,\n").encode(), "total row"),
        (STAFF.replace("b,1990", '" b ",1990').encode(), "blanks around"),
    ],
)
def test_the_same_table_whatever_the_file(tmp_path: Path, data: bytes, note: str | None) -> None:
    plain = good(tmp_path / "plain", PEOPLE, staff_csv=STAFF).table("staff")
    cohort = good(tmp_path / "other", PEOPLE, staff_csv=data)
    pd.testing.assert_frame_equal(cohort.table("staff"), plain)
    notes = cohort.findings.of("R123")
    if note is None:
        assert not notes
    else:
        assert any(note in item.message for item in notes), str(cohort.findings)


def test_cells_of_columns_that_nothing_asked_for_are_quoted_nowhere(tmp_path: Path) -> None:
    # the repair log and the cohort page leave the building
    staff = (
        'staff_id,gender,profession,newly_qualified,notes,handler\n'
        's1, f,nurse,yes," Mrs Smith of bed 4 complained ","Smith, John "\ns2,m,physician,no,,JosÃ© GarcÃ\u00ada\ns3,f,nurse,no,x,Doe\n'
    )
    cohort = good(tmp_path, PEOPLE, staff_csv=staff)
    log = repairs(cohort, "R123")
    assert log["column"].tolist() == ["gender", "notes", "handler"] and log["before"].tolist() == ["' f'", "a text", "a text"]
    assert "decoded wrongly" in one(cohort.findings, "W123").message
    said = f"{cohort.findings} {cohort.repair_log.to_csv()} {cohort.files.to_csv()}"
    for secret in ("Smith", "Jos", "bed 4", "Garc"):
        assert secret not in said


def test_a_row_of_data_is_not_quoted_as_a_header(tmp_path: Path) -> None:
    for number, first in enumerate(("jane.smith@x.nhs.example", "943 476 5919")):
        findings = bad(tmp_path / str(number), PEOPLE, staff_csv=f"{first},nurse\n{first},nurse\n")
        assert one(findings, "E121").rows == (1,) and first not in str(findings)
    assert one(bad(tmp_path / "c", PEOPLE, staff_csv="gender,write to a@x.example if unsure\nf,1\n"), "E004")


def test_cp1252_says_where(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv=STAFF.encode("cp1252"))
    assert one(cohort.findings, "R123").rows == (2,)
    assert repairs(cohort, "R123")["after"].tolist() == ["cp1252"]


def test_total_row_is_logged_and_flows(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv=STAFF + "Total,,5961\n")
    assert one(cohort.findings, "R123").rows == (5,)
    assert repairs(cohort, "R123")["row"].tolist() == [5]
    flow = cohort.flow[cohort.flow["table"] == "staff"]
    assert flow[["rows_in", "removed", "kept"]].values.tolist() == [[4, 0, 4], [4, 1, 3]]


def test_total_inside_is_not_a_total_row(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv="staff_id,grade\nTotal,a\ns1,b\ns2,b\ns3,b\n")
    assert len(cohort.table("staff")) == 4


@pytest.mark.parametrize(
    ("cell", "more", "value"),
    [
        ('"1,234"', {}, 1234.0),
        ('"1,234,567.5"', {}, 1234567.5),
        ("1 234", {}, 1234.0),
        ('"12,5"', {}, 12.5),
        ('"1,234"', {"decimal": '","'}, 1.234),
        ('"1.234,5"', {"decimal": '","'}, 1234.5),
        ("1e3", {}, 1000.0),
    ],
)
def test_numbers(tmp_path: Path, cell: str, more: dict, value: float) -> None:
    study = "tables: {counts: {file: c.csv, outcomes: {falls: falls}" + "".join(f", {key}: {item}" for key, item in more.items()) + "}}\n"
    cohort = good(tmp_path, {"study.yaml": study, "c.csv": f"dept_id,period,exposure,falls\na,1,{cell},1\na,2,7,0\n"})
    assert cohort.table("counts")["exposure"].tolist() == [value, 7.0]


def test_thousands_are_logged(tmp_path: Path) -> None:
    study = "tables: {counts: {file: c.csv, outcomes: {falls: falls}}}\n"
    cohort = good(tmp_path, {"study.yaml": study, "c.csv": 'dept_id,period,exposure,falls\na,1,"1,234",1\na,2,7,0\n'})
    assert repairs(cohort, "R123")[["row", "column", "before", "after"]].values.tolist() == [[2, "exposure", "1,234", "1234"]]


def test_comma_that_could_be_either(tmp_path: Path) -> None:
    study = "tables: {counts: {file: c.csv, outcomes: {falls: falls}}}\n"
    finding = one(bad(tmp_path, {"study.yaml": study, "c.csv": "dept_id;period;exposure;falls\na;1;1,234;1\na;2;7;0\n"}), "E123")
    assert (finding.rows, finding.column) == ((2,), "exposure")
    assert "decimal" in finding.fix


@pytest.mark.parametrize("cell", ["<5", "< 5", "≤3", "*", "1-7", "[c]"])
def test_suppressed_counts_stop(tmp_path: Path, cell: str) -> None:
    study = "tables: {counts: {file: c.csv, outcomes: {falls: falls}}}\n"
    finding = one(bad(tmp_path, {"study.yaml": study, "c.csv": f"dept_id,period,exposure,falls\na,1,9,{cell}\na,2,7,0\n"}), "E123")
    assert (finding.rows, finding.column) == ((2,), "falls")


@pytest.mark.parametrize(
    ("data", "row", "message"),
    [
        (b"staff_id,grade\ns1,a\ns2,b,c\n", 3, "row 3 has 3 fields, the header 2"),
        (b"staff_id,grade,grade\ns1,a,b\n", 1, "grade more than once"),
        (b"\x00\x01\x02\x03", None, "not a text file"),
        (b"\xd0\xcf\x11\xe0rest", None, ".xls"),
        (b"PK\x03\x04 not a workbook", None, "not a readable Excel"),
        (b"PAR1 not parquet", None, "not a readable Parquet"),
        (b'staff_id,grade\ns1,"a\ns2,b\n', None, "never closed"),
    ],
)
def test_unreadable(tmp_path: Path, data: bytes, row: int | None, message: str) -> None:
    findings = bad(tmp_path, PEOPLE, staff_csv=data)
    finding = one(findings, "E002")
    assert message in finding.message
    if row:
        assert finding.rows == (row,)
    assert len(findings.errors) == 1, str(findings)


def test_short_rows_are_said(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv="staff_id,profession,grade\ns1,nurse,a\ns2,nurse\ns3,nurse,b\n")
    assert one(cohort.findings, "W123").rows == (3,)


def test_missing_file_suggests(tmp_path: Path) -> None:
    finding = one(bad(tmp_path, PEOPLE, study_yaml=PEOPLE["study.yaml"].replace("staff.csv", "staf.csv")), "E002")
    assert finding.file == "staf.csv"
    assert "'staff.csv'" in finding.fix


def test_missing_column_suggests(tmp_path: Path) -> None:
    study = staff_study(columns="{staff_id: Person}")
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study, staff_csv="Persons\ns1\ns2\ns3\n"), "E004")
    assert finding.fix == "Did you mean 'Persons'?"


def test_headers_with_capitals_and_blanks(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv="Staff ID,Birth-Year,Extra\ns1,1980,x\ns2,1981,x\ns3,1982,x\n")
    assert cohort.table("staff").columns.tolist() == ["staff_id", "birth_year"]
    assert cohort.files.set_index("table").loc["staff", "ignored"] == "Extra"


def test_header_row_and_row_numbers(tmp_path: Path) -> None:
    text = "Report of 2022\nmade by HR\nstaff_id,birth_year\ns1,1980\ns2,x\ns3,1980\n"
    finding = one(bad(tmp_path, PEOPLE, study_yaml=staff_study(header_row=3), staff_csv=text), "E007")
    assert finding.rows == (5,)


def workbook(*rows: list, merge: str = "", sheets: tuple[str, ...] = ("Sheet",)) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    for name in sheets[1:]:
        book.create_sheet(name)
    for row in rows:
        book[sheets[-1]].append(row)
    if merge:
        book[sheets[-1]].merge_cells(merge)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_sheet_by_name(tmp_path: Path) -> None:
    data = workbook(["staff_id"], ["s1"], ["s2"], ["s3"], sheets=("Notes", "Leavers"))
    study = staff_study(file="staff.xlsx", sheet="Leavers")
    assert len(good(tmp_path / "a", PEOPLE, staff_xlsx=data, study_yaml=study).table("staff")) == 3
    wrong = one(bad(tmp_path / "b", PEOPLE, staff_xlsx=data, study_yaml=staff_study(file="staff.xlsx", sheet="Leaver")), "E002")
    assert wrong.fix == "Did you mean 'Leavers'?"


def test_merged_header_cells_are_reported(tmp_path: Path) -> None:
    data = workbook(["staff_id", "grade", None], ["s1", "a", "x"], ["s2", "b", "x"], ["s3", "b", "y"], merge="B1:C1")
    cohort = good(tmp_path, PEOPLE, staff_xlsx=data, study_yaml=staff_study(file="staff.xlsx"))
    assert "B1:C1" in one(cohort.findings, "R123").message
    assert repairs(cohort, "R123")["before"].tolist() == ["B1:C1"]


def test_excel_serials_in_number_cells(tmp_path: Path) -> None:
    data = workbook(["staff_id", "registration_date"], ["s1", 44562], ["s2", None], ["s3", None])
    finding = one(bad(tmp_path, PEOPLE, staff_xlsx=data, study_yaml=staff_study(file="staff.xlsx")), "E106")
    assert "Excel day number" in finding.message
    assert finding.rows == (2,)


def test_large_file_row_numbers(tmp_path: Path) -> None:
    n = 20_000
    rows = [f"p{i},s{i % 3 + 1},d{i % 7},2000-01-01,2000-02-01" for i in range(n)]
    rows[12_345] = "x,s1,d1,2000-01-01,2000-13-01"
    text = "spell_id,staff_id,dept_id,start,end\n" + "\n".join(rows) + "\n"
    write(tmp_path, {})
    assert one(bad(tmp_path, PEOPLE, spells_csv=text), "E106").rows == (12_347,)
