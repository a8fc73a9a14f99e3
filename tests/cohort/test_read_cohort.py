"""Whole cohort folders: what comes out, in which types, whatever kind of file it came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort import check_cohort, read_cohort
from mentorship_eval.cohort.reading.findings import CohortError
from mentorship_eval.cohort.schema.tables import TABLES
from mentorship_eval.errors import DataError, MentorshipEvalError, UsageError
from tests.cohort.folders import PEOPLE, SAFETY, bad, good, one, write
from tests.shared_data import shared_data

TURNOVER = """
study: {name: Turnover}
tables:
  durations:
    file: ${MENTORSHIP_EVAL_SHARED_DATA}/turnover/turnover.csv
    columns: {staff_id: row_id, time: stag, event: event, mentored: coach}
    covariates: [gender, age, industry, head_gender, greywage, way, extraversion, independ, selfcontrol, anxiety, novator]
    reference: {mentored: no}
    unit: months
disclosure: none
"""

POLICE = """
study: {name: Police training}
tables:
  counts:
    file: ${MENTORSHIP_EVAL_SHARED_DATA}/police_training/cohort_period.csv
    columns: {dept_id: first_trained, period: period, active_from: first_trained, exposure: officers}
    outcomes: {complaints: complaints, sustained: sustained, force: force}
"""


def test_people_are_typed(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE)
    assert cohort.name == "Small"
    assert cohort.window == (pd.Timestamp("2022-01-01"), pd.Timestamp("2023-12-31"))
    staff, spells = cohort.table("staff"), cohort.table("spells")
    assert staff["newly_qualified"].tolist() == [True, False, False]
    assert staff["newly_qualified"].dtype == bool
    assert spells["start"].dtype == "datetime64[ns]"
    assert spells["end"].dtype == "datetime64[ns]"
    assert spells["org_id"].unique().tolist() == ["org"]
    assert spells["leaving_reason"].isna().tolist() == [False, True, False]
    assert spells.index.tolist() == [0, 1, 2]
    assert [type(value) for value in spells["staff_id"]] == [str, str, str]
    assert spells.columns[:10].tolist() == [
        "spell_id", "staff_id", "org_id", "dept_id", "start", "end", "wte", "contract", "status", "leaving_reason",
    ]  # fmt: skip


def test_safety_tables_are_typed(tmp_path: Path) -> None:
    cohort = good(tmp_path, SAFETY)
    assert cohort.table("exposure")["month"].dt.day.unique().tolist() == [1]
    assert cohort.table("rollout")["active_from"].isna().tolist() == [False, True]
    assert cohort.table("incidents")["harm"].tolist() == ["low", "none", "near_miss"]
    assert len(cohort.findings) == 0


def test_month_as_first_day_is_the_same_month(tmp_path: Path) -> None:
    plain = good(tmp_path / "a", SAFETY)
    days = SAFETY["exposure.csv"].replace("-01,", "-01-01,").replace("-02,", "-02-01,").replace("-03,", "-03-01,")
    dated = good(tmp_path / "b", SAFETY, exposure_csv=days)
    pd.testing.assert_frame_equal(plain.table("exposure"), dated.table("exposure"))
    assert plain.hash != dated.hash


def test_csv_excel_and_parquet_give_the_same_tables(tmp_path: Path) -> None:
    cohorts = [good(tmp_path / "csv", PEOPLE)]
    for kind in ("xlsx", "parquet"):
        folder = write(tmp_path / kind, {"study.yaml": PEOPLE["study.yaml"].replace(".csv", f".{kind}")})
        for name in ("staff", "spells", "matches"):
            frame = pd.read_csv(tmp_path / "csv" / f"{name}.csv")
            for column in frame.columns.intersection(["start", "end"]):
                frame[column] = pd.to_datetime(frame[column])
            path = folder / f"{name}.{kind}"
            if kind == "xlsx":
                frame.to_excel(path, index=False)
            else:
                frame.to_parquet(path)
        cohorts.append(read_cohort(folder))
    for other in cohorts[1:]:
        for name in ("staff", "spells", "matches"):
            pd.testing.assert_frame_equal(cohorts[0].table(name), other.table(name))


def test_columns_and_values_are_mapped(tmp_path: Path) -> None:
    study = """
study: {name: Mapped, start: 2022-01-01, end: 2023-12-31}
tables:
  staff: staff.csv
  matches: matches.csv
  spells:
    file: leavers.csv
    columns: {staff_id: Person Ref, start: Joining Date, end: Leaving Date, leaving_reason: Reason, dept_id: Unit}
    values: {leaving_reason: {Resignation: voluntary, Retired - Age: retirement}}
    dates: "%d/%m/%Y"
"""
    leavers = """Person Ref,Unit,Joining Date,Leaving Date,Reason
s1,d1,03/04/2022,05/06/2022,resignation
s2,d1,01/02/2021,,
s3,d2,07/08/2022,31/12/2022,Retired - Age
"""
    cohort = good(tmp_path, PEOPLE, study_yaml=study, leavers_csv=leavers)
    spells = cohort.table("spells")
    assert spells["start"].tolist() == [pd.Timestamp("2022-04-03"), pd.Timestamp("2021-02-01"), pd.Timestamp("2022-08-07")]
    assert spells["leaving_reason"].tolist()[0::2] == ["voluntary", "retirement"]
    assert spells["spell_id"].is_unique


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    findings = bad(
        tmp_path,
        PEOPLE,
        staff_csv="staff_id,profession\ns1,wizard\ns2,nurse\ns3,nurse\n",
        spells_csv="staff_id,dept_id,start,end\ns1,d1,2022-02-01,2022-01-01\ns9,d1,2022-01-01,\n",
        matches_csv="mentee_id\ns1\n",
    )
    assert {item.code for item in findings.errors} >= {"E108", "E105", "E006", "E004"}
    with pytest.raises(CohortError) as caught:
        read_cohort(tmp_path)
    assert isinstance(caught.value, DataError)
    assert len(caught.value.findings.errors) == len(findings.errors)
    assert "more: mentorship-eval check" in str(caught.value)


@pytest.mark.parametrize("make", ["nothing", "file", "no study"])
def test_a_folder_that_is_none(tmp_path: Path, make: str) -> None:
    path = tmp_path / "cohort"
    if make == "file":
        path.write_text("x")
    if make == "no study":
        path.mkdir()
    findings, cohort = check_cohort(path)
    assert cohort is None
    assert len(findings) == 1
    assert "mentorship-eval new" in findings.errors[0].fix


def test_tables_that_answer_nothing(tmp_path: Path) -> None:
    study = "study: {name: x, start: 2022-01-01, end: 2022-12-31}\ntables: {staff: staff.csv}\n"
    finding = one(bad(tmp_path, PEOPLE, study_yaml=study), "E009")
    assert "staff + spells + matches" in finding.fix


def test_spells_need_a_window(tmp_path: Path) -> None:
    study = PEOPLE["study.yaml"].replace(", start: 2022-01-01, end: 2023-12-31", "")
    assert "study.start and study.end" in one(bad(tmp_path, PEOPLE, study_yaml=study), "E001").message


def test_window_of_safety_tables_comes_from_the_exposure(tmp_path: Path) -> None:
    study = SAFETY["study.yaml"].replace(", start: 2022-01-01, end: 2022-03-31", "")
    cohort = good(tmp_path, SAFETY, study_yaml=study)
    assert cohort.window == (pd.Timestamp("2022-01-01"), pd.Timestamp("2022-03-31"))


def test_missing_for_names_table_and_columns(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE)
    assert cohort.missing_for("retention") == ""
    text = cohort.missing_for("incidents")
    assert "exposure (dept_id, month, patient_days)" in text
    assert "counts (dept_id, period, exposure, one column per outcome)" in text
    assert cohort.missing_for("delivery") == "To answer delivery, add sessions (match_id, date)."
    with pytest.raises(UsageError, match="retention"):
        cohort.missing_for("retension")


def test_table_that_is_not_there(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE)
    assert cohort.has("staff", "spells")
    assert not cohort.has("staff", "costs")
    with pytest.raises(DataError, match="item, unit, amount"):
        cohort.table("costs")
    with pytest.raises(UsageError, match="spells"):
        cohort.table("spels")


def test_hash_is_the_content_not_the_place(tmp_path: Path) -> None:
    first, second = good(tmp_path / "a", PEOPLE), good(tmp_path / "b", PEOPLE)
    changed = good(tmp_path / "c", PEOPLE, staff_csv=PEOPLE["staff.csv"].replace("s3,f", "s3,m"))
    assert first.hash == second.hash
    assert first.hash != changed.hash


def test_flow_that_does_not_add_up_is_caught(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE)
    cohort.tables["spells"] = cohort.tables["spells"].iloc[1:]
    with pytest.raises(AssertionError, match="spells"):
        cohort.reconcile()


def test_importing_the_cohort_package_is_cheap() -> None:
    code = "import sys, mentorship_eval.cohort; print([m for m in ('pandas', 'numpy', 'pydantic', 'openpyxl') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# ---------------------------------------------------------------- aggregated tables

DURATIONS = {
    "study.yaml": """
tables:
  durations: {file: d.csv, unit: months, covariates: {sex: gender, age: age}}
""",
    "d.csv": """staff_id,time,event,mentored,gender,age
a,1.5,1,0,f,30
b,2.5,0,1,m,40
c,3,1,1,f,
""",
}


def test_durations(tmp_path: Path) -> None:
    cohort = good(tmp_path / "riverside", DURATIONS)
    frame = cohort.table("durations")
    assert frame["event"].tolist() == [1, 0, 1]
    assert frame["mentored"].tolist() == [0, 1, 1]
    assert frame["sex"].tolist() == ["f", "m", "f"]
    assert np.isnan(frame["age"].iloc[2])
    assert cohort.unit() == "months"
    assert cohort.name == "riverside"
    assert cohort.reference("durations", "mentored") == 0
    assert one(cohort.findings, "W012").rows == (4,)


def test_durations_with_causes(tmp_path: Path) -> None:
    cohort = good(tmp_path, DURATIONS, d_csv="staff_id,time,cause,gender,age\na,1,voluntary,f,1\nb,2,0,m,2\nc,3,,f,3\n")
    frame = cohort.table("durations")
    assert frame["cause"].tolist() == ["voluntary", "", ""]
    assert frame["event"].tolist() == [1, 0, 0]


COUNTS = {
    "study.yaml": "tables: {counts: {file: c.csv, outcomes: {falls: n_falls}}}\n",
    "c.csv": "dept_id,period,exposure,active_from,n_falls\na,1,10,2,1\na,2,10,2,0\nb,1,9,,0\nb,2,8,,3\n",
}


def test_counts_blank_adoption_is_never(tmp_path: Path) -> None:
    frame = good(tmp_path, COUNTS).table("counts")
    assert frame["period"].dtype == "int64"
    assert frame["active_from"].tolist()[:2] == [2, 2]
    assert frame["active_from"].isna().tolist() == [False, False, True, True]
    assert frame["falls"].tolist() == [1, 0, 0, 3]


def test_counts_in_months(tmp_path: Path) -> None:
    text = "dept_id,period,exposure,active_from,n_falls\na,2022-01,10,2022-02,1\na,2022-02,10,2022-02,0\n"
    text += "b,2022-01,9,never,0\nb,2022-02,8,never,3\n"
    frame = good(tmp_path, COUNTS, c_csv=text).table("counts")
    assert frame["period"].dtype == "datetime64[ns]"
    assert frame["active_from"].tolist()[0] == pd.Timestamp("2022-02-01")
    assert frame["active_from"].isna().sum() == 2
    compact = text.replace("2022-0", "20220")
    again = good(tmp_path / "compact", COUNTS, c_csv=compact).table("counts")
    pd.testing.assert_frame_equal(frame, again)


def test_turnover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENTORSHIP_EVAL_SHARED_DATA", str(shared_data("turnover/turnover.csv").parents[1]))
    cohort = good(tmp_path, {"study.yaml": TURNOVER})
    frame = cohort.table("durations")
    assert len(frame) == 1129
    assert frame["event"].sum() == 571
    assert frame["mentored"].value_counts().to_dict() == {"no": 683, "my head": 314, "yes": 132}
    assert cohort.reference("durations", "mentored") == "no"
    assert frame["age"].dtype == "float64"
    twins = one(cohort.findings, "W102")
    assert twins.count == 13
    assert len(twins.rows) == 13
    blank = one(cohort.findings, "R123")
    assert (blank.column, blank.count) == ("industry", 11)
    assert (frame["industry"] == "HoReCa").sum() == 11
    assert one(cohort.findings, "W123").column == "profession"
    log = cohort.repair_log
    assert log[["code", "column", "before", "after", "count"]].values.tolist() == [["R123", "industry", "' HoReCa'", "'HoReCa'", 11]]


def test_police_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENTORSHIP_EVAL_SHARED_DATA", str(shared_data("police_training/cohort_period.csv").parents[1]))
    cohort = good(tmp_path, {"study.yaml": POLICE})
    frame = cohort.table("counts")
    assert frame.shape == (3456, 7)
    assert frame["dept_id"].nunique() == 48
    assert frame["active_from"].notna().all()
    assert (frame["dept_id"].astype(int) == frame["active_from"]).all()
    outcomes = ["complaints", "sustained", "force"]
    plain = pd.read_csv(shared_data("police_training/cohort_period.csv"))
    assert frame[outcomes].to_numpy().tolist() == plain[outcomes].to_numpy().tolist()


# ---------------------------------------------------------------- anything at all

_cell = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["", "4712-12-31", "03/04/2022", "1e400", "<5", "2022-02-30", '"', ",", ";", "Total", "nan", "1,234", "0", "inf", "45000", "9999"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cells=st.lists(st.lists(_cell, min_size=1, max_size=10), max_size=6), table=st.sampled_from(["spells", "staff", "matches"]))
def test_garbage_in_cells_raises_only_our_errors(tmp_path: Path, cells: list[list[str]], table: str) -> None:
    header = TABLES[table].names
    lines = [",".join(header), *(",".join(row) for row in cells)]
    write(tmp_path, {**PEOPLE, f"{table}.csv": "\n".join(lines)})
    try:
        cohort = read_cohort(tmp_path)
    except MentorshipEvalError as error:
        assert error.findings.errors
        assert str(error.findings)
    else:
        cohort.reconcile()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), name=st.sampled_from(["staff.csv", "spells.xlsx", "matches.parquet"]))
def test_garbage_files_raise_only_our_errors(tmp_path: Path, data: bytes, name: str) -> None:
    table = name.split(".")[0]
    write(tmp_path, {**PEOPLE, "study.yaml": PEOPLE["study.yaml"].replace(f"{table}.csv", name), name: data})
    findings, _ = check_cohort(tmp_path)
    assert all(item.message for item in findings)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200) | st.from_regex(r"(study|tables|plan|rules|disclosure): ?[\[{]?[a-z0-9:, \n-]*[\]}]?", fullmatch=True))
def test_garbage_study_raises_only_our_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8", newline="")
    findings, cohort = check_cohort(tmp_path)
    assert cohort is None
    assert findings.errors
