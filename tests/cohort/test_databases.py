"""Tables from a database: SQLite, and a PostgreSQL server that the tests start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest

from mentorship_eval.cohort.reading.raw import Unreadable
from mentorship_eval.cohort.reading.sql import ordered, single_select
from mentorship_eval.cohort.study.database import password_written_out, shown_address
from tests.cohort import postgres
from tests.cohort.folders import PEOPLE, bad, good, one

CREATE = """
CREATE TABLE staff (person varchar(20) PRIMARY KEY, yr integer, sex text, registered timestamp, share numeric(4, 2));
INSERT INTO staff VALUES ('s3', 1990, 'f', NULL, 0.50), ('s1', NULL, 'f', '2015-03-01 00:00:00', 1), ('s2', 1975, 'm', '2001-01-01 09:30:00', 0.8);
CREATE VIEW staff_view AS SELECT person AS staff_id, yr AS birth_year FROM staff;
CREATE TABLE odd (name text, "update" text);
INSERT INTO odd VALUES ('50% ; a:b', 'x');
"""
COLUMNS = "columns: {staff_id: person, birth_year: yr, gender: sex, registration_date: registered}"


def study(file: str, rest: str) -> str:
    return PEOPLE["study.yaml"].replace("staff: staff.csv", f"staff: {{file: '{file}', {rest}}}")


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "hr.db") as connection:
        connection.executescript(CREATE)
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if postgres.missing():
        pytest.skip(postgres.missing())
    import psycopg

    with postgres.server() as folder:
        with psycopg.connect(host=folder, user=postgres.USER, password=postgres.PASSWORD, dbname="hr") as connection:
            for statement in filter(str.strip, CREATE.replace("50% ; a", "50% \x00 a").split(";")):
                connection.execute(statement.replace("\x00", ";"))
            connection.execute("CREATE TABLE big AS SELECT 'i' || i AS incident_id, 'd' || i % 3 AS dept_id, date '2022-01-01' + i % 60 AS occurred, "
                               "'low' AS harm "
                               "FROM generate_series(1, 20000) i")  # fmt: skip
            connection.execute("CREATE SEQUENCE touched")
        yield folder


@pytest.fixture
def address(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HR_PASSWORD", quote(postgres.PASSWORD, safe=""))
    return f"postgresql://{postgres.USER}:${{HR_PASSWORD}}@/hr?host={server}"


def check_staff(staff: pd.DataFrame) -> None:
    assert staff["staff_id"].tolist() == ["s1", "s2", "s3"]
    assert staff["birth_year"].isna().tolist() == [True, False, False] and staff["birth_year"].tolist()[1:] == [1975, 1990]
    assert staff["registration_date"].astype(str).tolist() == ["2015-03-01", "2001-01-01", "NaT"]
    assert staff["gender"].tolist() == ["f", "m", "f"]


@pytest.mark.parametrize("source", ["table: staff", "query: 'SELECT * FROM staff ORDER BY person'"])
def test_sqlite(sqlite: Path, source: str) -> None:
    cohort = good(sqlite, PEOPLE, study_yaml=study("sqlite:///hr.db", f"{source}, {COLUMNS}"))
    check_staff(cohort.table("staff"))
    assert cohort.files.query("table == 'staff'")[["file", "rows", "ignored"]].values.tolist() == [["sqlite:///hr.db", 3, "share"]]
    again = good(sqlite, PEOPLE, study_yaml=study("sqlite:///hr.db", f"{source}, {COLUMNS}"))
    assert again.hash == cohort.hash
    with sqlite3.connect(sqlite / "hr.db") as connection:
        connection.execute("UPDATE staff SET yr = 1976 WHERE person = 's2'")
    assert good(sqlite, PEOPLE, study_yaml=study("sqlite:///hr.db", f"{source}, {COLUMNS}")).hash != cohort.hash


@pytest.mark.parametrize("source", ["table: staff", "table: public.staff", "query: 'SELECT * FROM staff ORDER BY person'"])
def test_postgresql(tmp_path: Path, address: str, source: str) -> None:
    cohort = good(tmp_path, PEOPLE, study_yaml=study(address, f"{source}, {COLUMNS}"))
    check_staff(cohort.table("staff"))
    files = cohort.files.query("table == 'staff'")
    assert files[["file", "rows", "ignored"]].values.tolist() == [["postgresql:///hr", 3, "share"]]
    assert good(tmp_path, PEOPLE, study_yaml=study(address, f"{source}, {COLUMNS}")).hash == cohort.hash


def test_nothing_says_the_password(tmp_path: Path, address: str, server: str) -> None:
    findings = bad(tmp_path / "a", PEOPLE, study_yaml=study(address, f"table: staff, {COLUMNS.replace('yr', 'share')}"))
    finding = one(findings, "E007")
    assert (finding.file, finding.rows, finding.column) == ("postgresql:///hr", (3, 4), "share")
    cohort = good(tmp_path / "b", PEOPLE, study_yaml=study(address, f"table: staff, {COLUMNS}"))
    said = f"{findings} {cohort.files.to_csv()} {cohort.repair_log.to_csv()} {cohort.findings} {cohort.study!r} {cohort!r}"
    for secret in (postgres.PASSWORD, quote(postgres.PASSWORD, safe=""), postgres.USER, server):
        assert secret not in said


def test_views_signs_and_portions(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(good(tmp_path / "a", PEOPLE, study_yaml=study(address, "table: staff_view")).table("staff")) == 3
    monkeypatch.setattr("mentorship_eval.cohort.reading.blocks.CELLS", 3000)  # several portions
    yaml = f"""
study: {{name: Small, start: 2022-01-01, end: 2022-03-01}}
tables:
  incidents:
    file: "{address}"
    query: SELECT * FROM big WHERE dept_id LIKE 'd%' AND occurred::text <> '10:30' ORDER BY substr(incident_id, 2)::int
  exposure: exposure.csv
  rollout: rollout.csv
disclosure: none
"""
    months = [f"d{k},2022-0{m},10000\n" for k in range(3) for m in (1, 2, 3)]
    files = {"exposure.csv": "dept_id,month,patient_days\n" + "".join(months), "rollout.csv": "dept_id,active_from\nd0,2022-02-01\nd1,\nd2,\n"}
    cohort = good(tmp_path / "b", {"study.yaml": yaml, **files})
    incidents = cohort.table("incidents")
    assert len(incidents) == 20_000 and incidents["incident_id"].iloc[[0, 1200, -1]].tolist() == ["i1", "i1201", "i20000"]
    assert not cohort.findings.of("W123")


def test_a_query_without_order_is_said(sqlite: Path) -> None:
    cohort = good(sqlite, PEOPLE, study_yaml=study("sqlite:///hr.db", f"query: SELECT * FROM staff, {COLUMNS}"))
    assert "no ORDER BY" in one(cohort.findings, "W123").message


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("table: stuff", "there is no table 'stuff'"),
        ("query: SELECT persn FROM staff ORDER BY 1", "the query fails"),
        ("query: 'SELECT person, person FROM staff ORDER BY 1'", "person more than once"),
        ("query: DELETE FROM staff", "not a SELECT"),
        ("query: 'SELECT 1; DELETE FROM staff'", "more than one statement"),
        ("query: 'WITH gone AS (DELETE FROM staff RETURNING *) SELECT * FROM gone'", "DELETE"),
        ("query: 'SELECT * INTO other FROM staff'", "INTO"),
    ],
)
def test_what_cannot_be_asked(sqlite: Path, address: str, rest: str, message: str) -> None:
    for file in ("sqlite:///hr.db", address):
        finding = one(bad(sqlite, PEOPLE, study_yaml=study(file, rest)), "E002")
        assert message in finding.message, str(finding)
        assert finding.fix and str(sqlite) not in str(finding)
    if "stuff" in rest:
        assert finding.fix == "Did you mean 'staff'?"


def test_even_a_function_cannot_write(tmp_path: Path, address: str) -> None:
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study(address, "query: \"SELECT nextval('touched') AS staff_id ORDER BY 1\"")), "E002")
    assert "read-only" in finding.message
    assert "read-only" not in str(bad(tmp_path, PEOPLE, study_yaml=study(address, "query: SELECT 1 AS x ORDER BY 1")))


@pytest.mark.parametrize(
    ("file", "message", "fix"),
    [
        ("postgresql://nobody:${HR_PASSWORD}@/hr?host=SERVER", "cannot connect", "host, database, user and password"),
        ("postgresql://evaluator:${HR_PASSWORD}@/hrr?host=SERVER", "cannot connect", "host, database"),
        ("postgresql://evaluator@/hr?host=/tmp/nowhere", "cannot connect", "See that the server runs"),
        ("oracle://u@host/db", "the driver for oracle is not installed", 'pip install "oracledb"'),
        ("nosuch://host/db", "does not know databases of kind 'nosuch'", "Install"),
        ("postgresql://host:port/db", "not the address of a database", "%40"),
        ("sqlite:///hs.db", "the file does not exist", "Did you mean 'hr.db'?"),
        ("sqlite:///staff.csv", "file is not a database", "table"),
    ],
)
def test_no_connection(sqlite: Path, server: str, monkeypatch: pytest.MonkeyPatch, file: str, message: str, fix: str) -> None:
    monkeypatch.setenv("HR_PASSWORD", "wrong")
    finding = one(bad(sqlite, PEOPLE, study_yaml=study(file.replace("SERVER", server), "table: staff")), "E002")
    assert message in finding.message and fix in finding.fix, str(finding)
    for secret in ("nobody", "evaluator", "wrong", "/tmp", server, str(sqlite)):
        assert secret not in str(finding)


@pytest.mark.parametrize(
    ("file", "rest", "message"),
    [
        ("sqlite:///hr.db", "sheet: x, table: staff", "sheet: for files only"),
        ("sqlite:///hr.db", "unit: days", "either table or query"),
        ("sqlite:///hr.db", "table: staff, query: SELECT 1", "either table or query"),
        ("staff.csv", "table: staff", "need the address of a database"),
        ("postgresql://me:secret@host/hr", "table: staff", "a password is written out"),
    ],
)
def test_keys_that_do_not_go_together(sqlite: Path, file: str, rest: str, message: str) -> None:
    finding = one(bad(sqlite, PEOPLE, study_yaml=study(file, rest)), "E001")
    assert message in finding.message and "secret" not in str(finding)


def test_a_database_in_a_list_is_refused(sqlite: Path) -> None:
    yaml = PEOPLE["study.yaml"].replace("staff: staff.csv", "staff: ['sqlite:///hr.db', staff.csv]")
    assert "stands alone" in one(bad(sqlite, PEOPLE, study_yaml=yaml), "E001").message


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg://me:p@ss?w/rd@db.example:5432/hr?sslmode=require", "postgresql://db.example/hr"),
        ("mssql://host/db", "mssql://host/db"),
        ("sqlite:////srv/data/hr.db", "sqlite:///hr.db"),
        ("sqlite:///C:\\data\\hr.db", "sqlite:///hr.db"),
        ("postgresql:///hr?host=/run/socket", "postgresql:///hr"),
        ("mysql://host/db?password=p@ssword", "mysql://"),
        ("duckdb:////srv/data/hr.duckdb", "duckdb:///hr.duckdb"),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_written_passwords() -> None:
    assert password_written_out("postgresql://me:word@host/db")
    assert password_written_out("postgresql://me:${A}x@host/db")
    assert password_written_out("postgresql://host/db?user=me&password=word")
    assert password_written_out("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dme%3BPWD%3Dword")
    assert not password_written_out("postgresql://host/db?user=me&password=${WORD}")
    assert not password_written_out("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3D${WORD}%3BUID%3Dme")
    assert not password_written_out("postgresql://me:${WORD}@host/db")
    assert not password_written_out("postgresql://host:5432/db")
    assert not password_written_out("${WHOLE_ADDRESS}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'a; delete from x' AS y;",
        'select "update", "into" from t -- drop it\n order by 1',
        "/* first */ WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT last_update FROM t) UNION (SELECT $$;drop$$)",
        "SELECT replace(a, 'x', 'y'), deleted FROM t",
    ],
)
def test_queries_that_read(query: str) -> None:
    assert single_select(query, "postgresql") == query.rstrip(";")


@pytest.mark.parametrize(
    "query",
    [
        "", "   ;", "VALUES (1)", "EXPLAIN SELECT 1", "SELECT 1; SELECT 2", "-- x\ndrop table t", "SELECT 1 /*! ; drop table t */",
        r"SELECT '\'' ; drop table t; select ''", "SELECT * FROM t FOR UPDATE", "with x as (insert into t values (1)) select 1",
        "PRAGMA user_version", "selection", "SELECT ''';' ; drop table t --'",
    ],
)  # fmt: skip
def test_queries_that_do_not_only_read(query: str) -> None:
    with pytest.raises(Unreadable):
        single_select(query)


@pytest.mark.parametrize(
    ("backend", "query"),
    [
        ("postgresql", "SELECT ARRAY[']'], 1; COMMIT; DELETE FROM t; --']"),  # [ is no quotation mark here
        ("postgresql", "SELECT 1 AS a$$; DELETE FROM t; SELECT 1 AS b$$"),  # $ is part of a name
        ("postgresql", "SELECT 1 /* /* */ ' */ ; DELETE FROM t -- '"),
        ("postgresql", "SELECT 1 `; DELETE FROM t; SELECT `"),
        ("mssql", "SELECT 1 AS [$$]; DELETE FROM t; SELECT 1 AS [$$]"),
        ("mssql", "SELECT 1 SHUTDOWN"),
        ("mysql", "SELECT 5--1 INTO OUTFILE '/tmp/x'"),
        ("mysql", "SELECT 1 # ' \n INTO OUTFILE 'x'"),
        ("", "SELECT 1 AS [;DROP TABLE t;]"),
        ("sqlite", "SELECT 'never closed"),
    ],
)
def test_what_is_code_to_one_database_is_no_quotation_to_another(backend: str, query: str) -> None:
    with pytest.raises(Unreadable):
        single_select(query, backend)


@pytest.mark.parametrize(
    ("backend", "query"),
    [
        ("mssql", "SELECT [update] FROM [my table]"),
        ("mysql", "SELECT `delete` FROM t -- all\n"),
        ("postgresql", "SELECT a[1] FROM t WHERE b = $x$;$x$"),
    ],
)
def test_quotation_marks_of_each_database(backend: str, query: str) -> None:
    assert single_select(query, backend) == query.strip()


def test_a_password_with_a_bare_at_sign_is_not_told(sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLE", "postgresql://me:p@ssw0rd@nowhere.invalid/hr")
    finding = one(bad(sqlite, PEOPLE, study_yaml=study("${WHOLE}", "table: staff")), "E002")
    assert "more than one @" in finding.message and "ssw0rd" not in str(finding)


def test_order() -> None:
    assert ordered("select 1 Order\n By 1")
    assert not ordered("select 'order by 1' -- order by 2")


def test_a_manifest_names_no_place_on_a_machine() -> None:
    from mentorship_eval.report.manifest import without_place

    for name in ("postgresql://host/hr", "sqlite:///hr.db", "2021/staff.csv", "staff.csv"):
        assert without_place(name) == name
    assert without_place(str(Path("/srv/data/staff.csv").absolute())) == "staff.csv"
