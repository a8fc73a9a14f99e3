"""Files as people's systems write them: several header rows, block borders, placeholders for dates, separators in numbers."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.reading import blocks
from tests.cohort.folders import PEOPLE, bad, good, one, repairs
from tests.cohort.test_readers import STAFF, staff_study, workbook

COUNTS = "tables: {counts: {file: c.csv, outcomes: {falls: falls}}}\n"


def counts(tmp_path: Path, text: str | bytes, study: str = COUNTS) -> pd.DataFrame:
    return good(tmp_path, {"study.yaml": study, "c.csv": ""}, c_csv=text).table("counts")


# ---- encodings and delimiters


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16", "utf_8", "UTF-8"])
@pytest.mark.parametrize("delimiter", [",", ";", "tab", "|"])
def test_what_is_declared_is_used_and_needs_no_word(tmp_path: Path, encoding: str, delimiter: str) -> None:
    data = STAFF.replace(",", {"tab": "\t"}.get(delimiter, delimiter)).encode(encoding)
    cohort = good(tmp_path, PEOPLE, study_yaml=staff_study(encoding=encoding, delimiter=f'"{delimiter}"'), staff_csv=data)
    assert cohort.table("staff")["grade"].tolist() == ["é5", "b", "b"]
    assert not cohort.findings.of("R123")


def test_high_bytes_of_latin_1_are_read_as_its_larger_sister_and_said(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv=STAFF.replace("b,1990", "Pflegekräfte,1990").replace("é5", "a").encode("latin-1"))
    assert cohort.table("staff")["grade"].tolist() == ["a", "Pflegekräfte", "b"]
    assert one(cohort.findings, "R123").rows == (3,)


@pytest.mark.parametrize(
    ("encoding", "message", "row"),
    [("ascii", "cannot be decoded as ascii", (2,)), ("utf-13", "'utf-13' is no encoding", ()), ("utf-16", "cannot be decoded as utf-16", (1,))],
)
def test_a_wrong_declaration_stops(tmp_path: Path, encoding: str, message: str, row: tuple[int, ...]) -> None:
    finding = one(bad(tmp_path, PEOPLE, study_yaml=staff_study(encoding=encoding), staff_csv=STAFF.encode()), "E002")
    assert message in finding.message and finding.rows == row


def test_bytes_of_no_encoding_stop(tmp_path: Path) -> None:
    finding = one(bad(tmp_path, PEOPLE, staff_csv=STAFF.encode().replace("é".encode(), b"\x81\xff")), "E002")
    assert "no encoding that we know" in finding.message and finding.rows == (2,)


# ---- header rows


def test_two_header_rows_of_a_csv(tmp_path: Path) -> None:
    text = "Export of March\nUnit,Period,Patient,,Harm\n,,days,,falls\na,1,100,x,1\na,2,110,x,0\n"
    study = """
tables: {counts: {file: c.csv, header_row: 2, header_rows: 2, columns: {dept_id: Unit, period: Period, exposure: Patient days},
  outcomes: {falls: Harm falls}}}
"""
    cohort = good(tmp_path, {"study.yaml": study, "c.csv": text})
    assert cohort.table("counts")["exposure"].tolist() == [100.0, 110.0]
    assert not cohort.findings.of("R123")  # the blank cell has no name below it
    broken = bad(tmp_path / "b", {"study.yaml": study, "c.csv": text.replace("110", "x")})
    assert one(broken, "E007").rows == (5,)


def test_blank_cells_of_an_upper_header_row_are_filled_and_logged(tmp_path: Path) -> None:
    text = "Unit,Period,Falls,,Days\n,,n,rate,\na,1,1,0.1,100\na,2,0,0.0,110\n"
    study = """
tables: {counts: {file: c.csv, header_rows: 2, header_join: ": ", columns: {dept_id: Unit, period: Period, exposure: Days},
  outcomes: {falls: "Falls: n", rate: "Falls: rate"}}}
"""
    cohort = good(tmp_path, {"study.yaml": study, "c.csv": text})
    assert cohort.table("counts")["rate"].tolist() == [0.1, 0.0]
    assert "1 blank cells in an upper row of the header" in one(cohort.findings, "R123").message
    assert repairs(cohort, "R123")[["row", "count"]].values.tolist() == [[1, 1]]


def test_two_header_rows_merged_in_a_workbook(tmp_path: Path) -> None:
    rows = [["Staff", None, "Grade"], ["id", "born", None], ["s1", 1980, "a"], ["s2", 1981, "b"], ["s3", 1982, "c"]]
    study = staff_study(file="staff.xlsx", header_rows=2, columns="{staff_id: Staff id, birth_year: Staff born, grade: Grade}")
    study = study.replace("header_rows: 2", "header_rows: 2, not_identifiers: [Staff born]")
    cohort = good(tmp_path, PEOPLE, staff_xlsx=workbook(*rows, merge="A1:B1"), study_yaml=study)
    assert cohort.table("staff")["birth_year"].tolist() == [1980, 1981, 1982]
    assert "A1:B1): the name holds for all columns" in one(cohort.findings, "R123").message
    assert repairs(cohort, "R123")["after"].tolist() == ["name given to every column"]
    # a blank cell that is not merged gets no name from its neighbour
    findings = bad(tmp_path / "b", PEOPLE, staff_xlsx=workbook(*rows), study_yaml=study)
    assert one(findings, "E004").column == "Staff born"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_rows_below_the_header_that_are_no_data(tmp_path: Path, kind: str) -> None:
    """A Qualtrics export: names, questions (with line breaks), import ids."""
    head = [["staff_id", "grade"], ["Which id,\nplease?", "Your grade"], ['{"ImportId":"QID1"}', '{"ImportId":"QID2"}']]
    body = [["s1", "a"], ["s2", "b"], ["s3", "b"]]
    if kind == "csv":
        data = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in head + body).encode()
    else:
        data = workbook(*head, *body)
    study = staff_study(file=f"staff.{kind}", skip_rows_after_header=2)
    cohort = good(tmp_path, PEOPLE, study_yaml=study, **{f"staff_{kind}": data})
    assert cohort.table("staff")["staff_id"].tolist() == ["s1", "s2", "s3"]
    assert cohort.flow.query("table == 'staff'")["rows_in"].tolist() == [3]
    again = data.replace(b'"s3"', b'"s1"') if kind == "csv" else workbook(*head, ["s1", "a"], ["s2", "b"], ["s1", "b"])
    assert one(bad(tmp_path / "b", PEOPLE, study_yaml=study, **{f"staff_{kind}": again}), "E101").rows == (4, 6)


def test_names_twice_point_to_a_second_header_row(tmp_path: Path) -> None:
    finding = one(bad(tmp_path, PEOPLE, staff_csv="staff_id,Falls,Falls\n,n,rate\ns1,1,2\n"), "E002")
    assert "header_rows: 2" in finding.fix


# ---- blocks


@pytest.mark.parametrize("quoted", [False, True])
def test_borders_of_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quoted: bool) -> None:
    monkeypatch.setattr(blocks, "CELLS", 1)  # blocks of a thousand rows
    rows = [f"s{i},{'a' if i % 3 else ''},{1950 + i % 50}" for i in range(3500)]
    if quoted:
        rows = [row.replace(",a,", ',"a, ""b""\nc",') for row in rows]
    rows[999], rows[1000], rows[2000] = "s999", "s1000,a", ""
    cohort = good(tmp_path, PEOPLE, staff_csv="staff_id,grade,birth_year\n" + "\n".join(rows) + "\n")
    staff = cohort.table("staff")
    assert one(cohort.findings, "W123").rows == (1001, 1002)
    assert one(cohort.findings, "R123").rows == (2002,)
    assert len(staff) == 3499 and staff["staff_id"].iloc[[0, 1000, 1999, 2000]].tolist() == ["s0", "s1000", "s1999", "s2001"]
    assert set(staff["grade"].dropna()) == ({"a, \"b\"\nc", "a"} if quoted else {"a"})
    rows[1000] = "s1000,a,1980,x"
    finding = one(bad(tmp_path / "b", PEOPLE, staff_csv="staff_id,grade,birth_year\n" + "\n".join(rows) + "\n"), "E002")
    assert finding.rows == (1002,) and "row 1002 has 4 fields, the header 3" in finding.message


CELL = st.text(st.sampled_from('ab1é,;\t"\n \u00a0€'), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5), encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_what_the_csv_module_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, ...]], encoding: str) -> None:
    import csv

    from mentorship_eval.cohort.reading.pieces import Piece
    from mentorship_eval.cohort.reading.raw import Reading, Source
    from mentorship_eval.cohort.reading.readers_text import read_csv
    from mentorship_eval.cohort.schema.tables import TABLES
    from mentorship_eval.cohort.study.document import Study

    path = tmp_path / "x.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([("a", "b", "c"), *rows])
    study = Study.model_validate({"tables": {"staff": {"file": "x.csv", "encoding": encoding}}})
    source = Source(TABLES["staff"], study.tables["staff"], "x.csv", Reading(study))
    frame = read_csv(Piece(source, "x.csv"), path)
    assert [tuple(row) for row in frame.to_numpy()] == [tuple(row) for row in rows]
    assert frame.index.tolist() == list(range(2, len(rows) + 2))


def test_texts_are_kept_once(tmp_path: Path) -> None:
    """Bounded memory: the cells of a column with few different texts cost a pointer each."""
    from mentorship_eval.cohort.reading.blocks import Pools, Stack

    stack = Stack(["few", "many"], Pools())
    for block in range(3):
        few = np.array([f"text {i % 10}" for i in range(3000)], dtype=object)
        stack.add([few, np.array([f"{block} {i}" for i in range(3000)], dtype=object)])
    frame = stack.frame(2)
    assert len({id(text) for text in frame["few"]}) == 10
    assert frame["many"].nunique() == 9000 and frame.index.tolist()[::8999] == [2, 9001]


# ---- numbers and dates


@pytest.mark.parametrize(
    ("text", "more", "value"),
    [
        ("a;1;1234,5;1", "", 1234.5),
        ("a;1;1.234,5;1", ', decimal: ","', 1234.5),
        ("a;1;1.234;1", ', decimal: ","', 1234.0),
        ("a;1;1.234;1", ', decimal: "."', 1.234),
        ("a;1;0.234;1", "", 0.234),
        ("a;1;1.2345;1", "", 1.2345),
        ("a;1;0.234;1", ', decimal: ","', 0.234),
        ("a;1;1 234 567;1", "", 1234567.0),
        ("a;1;1\u202f234;1", "", 1234.0),
        ("a;1;1'234;1", "", 1234.0),
        ("a;1;1,234;1", ', decimal: "."', 1234.0),
    ],
)
def test_separators(tmp_path: Path, text: str, more: str, value: float) -> None:
    study = COUNTS.replace("falls: falls}", f"falls: falls}}{more}")
    table = counts(tmp_path, f"dept_id;period;exposure;falls\n{text}\na;2;7;0\n", study)
    assert table["exposure"].tolist() == [value, 7.0]


@pytest.mark.parametrize("cell", ["1.234", "1,234"])
def test_a_sign_that_could_be_either_stops(tmp_path: Path, cell: str) -> None:
    finding = one(bad(tmp_path, {"study.yaml": COUNTS, "c.csv": f"dept_id;period;exposure;falls\na;1;{cell};1\na;2;7;0\n"}), "E123")
    assert (finding.rows, finding.column) == ((2,), "exposure") and 'decimal: ","' in finding.fix


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("cell", [45000, "45000"])
def test_excel_day_numbers_are_dates_only_when_declared(tmp_path: Path, kind: str, cell: object) -> None:
    rows = [["staff_id", "registration_date"], ["s1", cell], ["s2", "2020-02-29"], ["s3", None]]
    data = workbook(*rows) if kind == "xlsx" else "\n".join(",".join("" if x is None else str(x) for x in row) for row in rows).encode()
    files = {f"staff_{kind}": data}
    finding = one(bad(tmp_path / "a", PEOPLE, study_yaml=staff_study(file=f"staff.{kind}"), **files), "E106")
    assert finding.rows == (2,) and "dates: excel" in finding.fix
    cohort = good(tmp_path / "b", PEOPLE, study_yaml=staff_study(file=f"staff.{kind}", dates="excel"), **files)
    assert cohort.table("staff")["registration_date"].astype(str).tolist() == ["2023-03-15", "2020-02-29", "NaT"]


@pytest.mark.parametrize("text", ["31/12/4712", "9999-12-31", "2999-12-31", "31/12/9999"])
def test_far_ends_are_not_ended(tmp_path: Path, text: str) -> None:
    spells = PEOPLE["spells.csv"].replace("2021-06-01,,", f"2021-06-01,{text},")
    cohort = good(tmp_path, PEOPLE, spells_csv=spells)
    assert cohort.table("spells").set_index("spell_id").loc["p2", "end"] is pd.NaT
    assert repairs(cohort, "R106")[["row", "before", "after"]].values.tolist() == [[3, text, ""]]


@pytest.mark.parametrize("text", ["1900-01-01", "01/01/1900", "9999-12-31"])
def test_placeholders_of_a_start_stop(tmp_path: Path, text: str) -> None:
    study = PEOPLE["study.yaml"].replace("spells: spells.csv", 'spells: {file: spells.csv, dates: "%d/%m/%Y"}')
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study, spells_csv=PEOPLE["spells.csv"].replace("2021-06-01", text)), "E106")
    assert finding.rows == (3,) and "placeholder" in finding.message


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "staff_id": ["s1", "s2", "s3"],
            "birth_year": pd.array([1980, None, 1990], dtype="Int64"),
            "grade": pd.Categorical(["a", None, "b"]),
            "registration_date": pd.to_datetime(["2020-01-01", None, "2021-05-06"]),
            "newly_qualified": pd.array([True, False, None], dtype="boolean"),
        }
    )
    frame.to_parquet(tmp_path / "staff.parquet")
    frame["registration_date"] = frame["registration_date"].dt.strftime("%Y-%m-%d")
    one_way = good(tmp_path, PEOPLE, study_yaml=staff_study(file="staff.parquet")).table("staff")
    other = good(tmp_path, PEOPLE, staff_csv=frame.to_csv(index=False)).table("staff")
    pd.testing.assert_frame_equal(one_way, other)


def test_an_empty_sheet_below_its_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["staff_id"])
    book.save(tmp_path / "staff.xlsx")
    assert one(bad(tmp_path, PEOPLE, study_yaml=staff_study(file="staff.xlsx")), "E003").message == "the table has a header and no rows"


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder"])
def test_memory_of_reading_is_that_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Six columns, ids all different: a pointer per cell and the texts of the ids, about 120 bytes a row; a file held whole took 440."""
    import tracemalloc

    from mentorship_eval.cohort.reading.raw import Reading, Source
    from mentorship_eval.cohort.reading.readers import read_source
    from mentorship_eval.cohort.schema.tables import TABLES
    from mentorship_eval.cohort.study.document import Study

    monkeypatch.setattr(blocks, "CELLS", 30_000)
    n = 40_000
    names = ["incident_id", "dept_id", "occurred", "reported", "category", "harm"]
    rows = [f"I{i:09d},D{i % 400:03d},2022-{i % 12 + 1:02d}-{i % 28 + 1:02d},2023-01-{i % 28 + 1:02d},fall,low\n" for i in range(n)]
    (tmp_path / "folder").mkdir()
    for k in range(4):
        (tmp_path / "folder" / f"{k}.csv").write_text(",".join(names) + "\n" + "".join(rows[k * n // 4 : (k + 1) * n // 4]), encoding="utf-8")
    (tmp_path / "x.csv").write_text(",".join(names) + "\n" + "".join(rows), encoding="utf-8")
    if kind == "parquet":
        pd.read_csv(tmp_path / "x.csv").to_parquet(tmp_path / "x.parquet")
    file = "folder" if kind == "folder" else f"x.{kind}"
    study = Study.model_validate({"tables": {"incidents": file}})
    source = Source(TABLES["incidents"], study.tables["incidents"], file, Reading(study))
    tracemalloc.start()
    read_source(source, tmp_path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(source.raw) == n
    assert held / n < 140 and peak / n < 240, (held / n, peak / n)


def test_a_workbook_that_unpacks_beyond_measure_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentorship_eval.cohort.reading.readers_binary._LARGE", 100_000)
    data = workbook(["staff_id"], *([f"s{i}"] for i in range(40)))
    good(tmp_path / "a", PEOPLE, study_yaml=staff_study(file="staff.xlsx"), staff_xlsx=data)
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/blank.bin", bytes(5_000_000))
    finding = one(bad(tmp_path / "b", PEOPLE, study_yaml=staff_study(file="staff.xlsx"), staff_xlsx=stream.getvalue()), "E002")
    assert "unpack to 0.0 GB" in finding.message and "CSV" in finding.fix
