"""Every code: a small bad file, the message, its row and column, and for repairs the log line and the flow."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort.checks.identifiers import valid_nhs_number
from mentorship_eval.cohort.reading.repairs import short_hash
from tests.cohort.folders import PEOPLE, SAFETY, bad, good, one, repairs

SPELLS = "staff_id,dept_id,start,end,wte,status,leaving_reason\n"


def spells(*rows: str) -> str:
    return SPELLS + "".join(row + "\n" for row in rows)


# ---------------------------------------------------------------- structure


@pytest.mark.parametrize(
    ("code", "changed", "row", "column", "message"),
    [
        ("E003", {"staff_csv": "staff_id,profession\n"}, 1, "", "no rows"),
        ("E003", {"staff_csv": b""}, None, "", "empty"),
        ("E004", {"spells_csv": "staff_id,start\ns1,2022-01-01\n"}, 1, "dept_id", "missing"),
        ("E005", {"matches_csv": "match_id,mentee_id,start\nm1,s1,2022-04-01\nm1,s2,2022-04-01\n"}, 2, "match_id", "more than one row"),
        ("E006", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s7,d1,2022-01-01,,1,,")}, 3, "staff_id", "not in staff"),
        ("E006", {"matches_csv": "mentee_id,start\ns1,2022-04-01\ns8,2022-04-01\n"}, 3, "mentee_id", "not in staff"),
        ("E007", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s2,d1,2022-01-01,,full,,")}, 3, "wte", "'full': not a number"),
        ("E007", {"staff_csv": "staff_id,newly_qualified\ns1,perhaps\ns2,1\ns3,0\n"}, 2, "newly_qualified", "'perhaps': not yes or no"),
        ("E008", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s2,,2022-01-01,,1,,")}, 3, "dept_id", "empty"),
        ("E008", {"spells_csv": spells("s1,d1,,,1,,")}, 2, "start", "empty"),
        ("E101", {"staff_csv": "staff_id,birth_year\ns1,1980\ns2,1990\ns3,1990\ns1,1981\n"}, 2, "birth_year", "disagree on birth_year"),
        ("E105", {"spells_csv": spells("s1,d1,2022-03-01,2022-01-01,1,,")}, 2, "end", "end 2022-01-01 is before start 2022-03-01"),
        ("E105", {"matches_csv": "mentee_id,start,end\ns1,2022-04-01,2022-03-01\n"}, 2, "end", "is before start"),
        ("E106", {"spells_csv": spells("s1,d1,03/04/2022,,1,,", "s2,d1,05/06/2022,,1,,")}, 2, "start", "day/month or month/day"),
        ("E106", {"spells_csv": spells("s1,d1,13/04/2022,,1,,", "s2,d1,05/16/2022,,1,,")}, 2, "start", "mixed"),
        ("E106", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s2,d1,44562,,1,,")}, 3, "start", "Excel day number"),
        ("E106", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s2,d1,1900-01-01,,1,,")}, 3, "start", "placeholder"),
        ("E106", {"spells_csv": spells("s1,d1,2022-01-01,,1,,", "s2,d1,4712-12-31,,1,,")}, 3, "start", "placeholder"),
        ("E106", {"spells_csv": spells("s1,d1,2022-02-30,,1,,")}, 2, "start", "2022-02-30"),
        ("E106", {"spells_csv": spells("s1,d1,31/02/2022,,1,,")}, 2, "start", "no such day"),
        ("E108", {"spells_csv": spells("s1,d1,2022-01-01,2022-05-01,1,,Resigned")}, 2, "leaving_reason", "'Resigned': not among voluntary"),
        ("E108", {"spells_csv": spells("s1,d1,2022-01-01,,37.5,,")}, 2, "wte", "37.5: outside 0 to 1"),
        ("E121", {"staff_csv": "staff_id,First Name\ns1,x\ns2,y\ns3,z\n"}, 1, "First Name", "identifies people"),
        ("E121", {"staff_csv": "staff_id,contact\ns1,\ns2,a.b@trust.example\ns3,\n"}, 3, "contact", "e-mail"),
        ("E121", {"staff_csv": "staff_id,ref\ns1,x\ns2,943 476 5919\ns3,y\n"}, 3, "ref", "NHS numbers"),
        ("E123", {"staff_csv": "staff_id,birth_year\ns1,<5\ns2,1990\ns3,1990\n"}, 2, "birth_year", "suppressed"),
    ],
)
def test_errors_among_people(tmp_path: Path, code: str, changed: dict, row: int | None, column: str, message: str) -> None:
    findings = bad(tmp_path, PEOPLE, **changed)
    hits = [item for item in findings.of(code) if item.column == column and message in item.message]
    assert len(hits) == 1, str(findings)
    assert (hits[0].rows[0] if hits[0].rows else None) == row
    assert hits[0].file.endswith(".csv")
    assert hits[0].fix
    assert all(other.code == code for other in findings.errors), f"one trouble, several errors:\n{findings}"


@pytest.mark.parametrize(
    ("code", "changed", "row", "column", "message"),
    [
        ("E108", {"exposure_csv": SAFETY["exposure.csv"].replace("420", "-420")}, 7, "patient_days", "-420: outside 0 or more"),
        ("E109", {"incidents_csv": SAFETY["incidents.csv"].replace("i2,d1", "i2,D3")}, 3, "dept_id", "D3 (near: d1, d2)"),
        ("E109", {"rollout_csv": "dept_id,active_from\nd1,2022-02-01\n"}, 5, "dept_id", "not in rollout: d2 (near: d1)"),
        ("E111", {"exposure_csv": SAFETY["exposure.csv"].replace("d1,2022-02,710\n", "")}, 3, "occurred", "d1 2022-02"),
        ("E111", {"exposure_csv": SAFETY["exposure.csv"].replace("710", "0")}, 3, "occurred", "missing or zero"),
        ("E111", {"exposure_csv": SAFETY["exposure.csv"].replace("710", "")}, 3, "occurred", "1 incidents in 1 department-months"),
        ("E123", {"exposure_csv": SAFETY["exposure.csv"].replace("710", "<5")}, 3, "patient_days", "'<5'"),
        ("E005", {"exposure_csv": SAFETY["exposure.csv"] + "d2,2022-03,421\n"}, 7, "dept_id", "d2, 2022-03-01"),
        ("E005", {"incidents_csv": SAFETY["incidents.csv"] + "i3,d2,2022-03-13,low\n"}, 4, "incident_id", "more than one row"),
        ("E108", {"incidents_csv": SAFETY["incidents.csv"].replace(",low", ",bad")}, 2, "harm", "near_miss, none, low"),
    ],
)
def test_errors_about_safety(tmp_path: Path, code: str, changed: dict, row: int, column: str, message: str) -> None:
    findings = bad(tmp_path, SAFETY, **changed)
    hits = [item for item in findings.of(code) if item.column == column and message in item.message]
    assert len(hits) == 1, str(findings)
    assert hits[0].rows[0] == row


def test_the_printed_line(tmp_path: Path) -> None:
    findings = bad(tmp_path, PEOPLE, spells_csv=spells(*[f"s2,d1,2022-03-0{i},2022-01-01,1,," for i in range(1, 10)]))
    line = str(one(findings, "E105"))
    assert line.startswith("spells.csv:2:end  E105  end 2022-01-01 is before start 2022-03-01 [9 rows; also 3, 4, 5, 6, 7, ...]")
    assert line.endswith("  -> Correct the dates.")
    frame = findings.to_frame()
    assert frame.loc[frame["code"] == "E105", ["severity", "row", "count"]].values.tolist() == [["E", 2, 9]]
    assert str(findings).endswith(findings.summary())


def test_nothing_printed_holds_an_id(tmp_path: Path) -> None:
    staff = "staff_id,birth_year\nPERSON77,1980\nPERSON77,1981\n"
    findings = bad(
        tmp_path, PEOPLE, staff_csv=staff, spells_csv=spells("PERSON88,d1,2022-01-01,,1,,"), matches_csv="mentee_id,start\nPERSON99,\n"
    )
    assert "PERSON" not in str(findings)
    assert short_hash("PERSON77") in one(findings, "E101").message


def test_identifier_values_are_not_quoted_and_can_be_cleared(tmp_path: Path) -> None:
    staff = "staff_id,contact\ns1,\ns2,a.b@trust.example\ns3,\n"
    assert "a.b@" not in str(bad(tmp_path / "a", PEOPLE, staff_csv=staff))
    study = PEOPLE["study.yaml"].replace("staff: staff.csv", "staff: {file: staff.csv, not_identifiers: [contact]}")
    good(tmp_path / "b", PEOPLE, staff_csv=staff, study_yaml=study)


@pytest.mark.parametrize(
    ("digits", "valid"), [("9434765919", True), ("9434765918", False), ("1111111111", False), ("943476591", False), ("4010232137", True)]
)
def test_nhs_check_digit(digits: str, valid: bool) -> None:
    assert valid_nhs_number(digits) is valid


def test_other_ten_digit_numbers_are_let_through(tmp_path: Path) -> None:
    numbers = [str(n) for n in range(1_000_000_000, 1_000_000_200)]
    assert any(valid_nhs_number(number) for number in numbers)  # else the test could not fail
    staff = "staff_id\n" + "\n".join(["s1", "s2", "s3", *numbers]) + "\n"
    good(tmp_path, PEOPLE, staff_csv=staff)


def test_department_names_are_nobodys(tmp_path: Path) -> None:
    study = SAFETY["study.yaml"].replace("rollout: rollout.csv", "rollout: rollout.csv, departments: departments.csv")
    good(tmp_path, SAFETY, study_yaml=study, departments_csv="dept_id,name\nd1,North\nd2,South\n")


# ---------------------------------------------------------------- repairs


def test_r102_exact_duplicates(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, matches_csv=PEOPLE["matches.csv"] + "m1,s2,s1,2022-04-01,\n")
    assert len(cohort.table("matches")) == 1
    finding = one(cohort.findings, "R102")
    assert (finding.table, finding.rows) == ("matches", (3,))
    assert repairs(cohort, "R102")["reason"].tolist() == ["exact duplicate of row 2"]
    flow = cohort.flow[cohort.flow["table"] == "matches"]
    assert flow[["reason", "rows_in", "removed", "kept"]].values.tolist() == [["rows in the file", 2, 0, 2], ["exact duplicates", 2, 1, 1]]


def test_incidents_without_ids_are_not_merged(tmp_path: Path) -> None:
    text = "dept_id,occurred,harm\nd1,2022-01-10,low\nd1,2022-01-10,low\n"
    cohort = good(tmp_path, SAFETY, incidents_csv=text)
    assert len(cohort.table("incidents")) == 2
    assert cohort.table("incidents")["incident_id"].is_unique


def test_r102_same_person_filled_in_from_both_rows(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv="staff_id,profession,birth_year\ns1,nurse,\ns1,,1980\ns2,nurse,1970\ns3,nurse,1971\n")
    staff = cohort.table("staff").set_index("staff_id")
    assert len(staff) == 3
    assert (staff.loc["s1", "profession"], staff.loc["s1", "birth_year"]) == ("nurse", 1980)
    assert one(cohort.findings, "R102").rows == (3,)


def test_r102_concurrent_assignments(tmp_path: Path) -> None:
    # 0.4 all year, 0.8 from March to June: the larger one rules while it lasts, the sum is capped at 1
    cohort = good(
        tmp_path, PEOPLE, spells_csv=spells("s1,d1,2022-01-01,2022-12-31,0.4,,voluntary", "s1,d2,2022-03-01,2022-07-01,0.8,,voluntary")
    )
    frame = cohort.table("spells")
    assert frame["dept_id"].tolist() == ["d1", "d2", "d1"]
    assert frame["wte"].tolist() == [0.4, 1.0, 0.4]
    assert frame["leaving_reason"].tolist() == ["transfer", "transfer", "voluntary"]
    assert frame["start"].tolist()[1:] == frame["end"].tolist()[:-1]
    assert frame["spell_id"].is_unique
    assert one(cohort.findings, "R102").rows == (3,)
    assert len(repairs(cohort, "R102")) == 1  # one row was cut in two; the larger one is as it was
    assert cohort.flow["removed"].tolist().count(-1) == 1


def test_r102_smaller_assignment_inside_a_larger_one(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, spells_csv=spells("s1,d1,2022-01-01,,0.6,,", "s1,d2,2022-03-01,2022-07-01,0.2,,voluntary"))
    frame = cohort.table("spells")
    assert frame["dept_id"].tolist() == ["d1"]
    assert frame["end"].isna().all()
    assert frame["leaving_reason"].isna().all()
    assert frame["wte"].iloc[0] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(("back", "rows"), [("2022-05-31", 1), ("2022-06-01", 2)])
def test_r103_rehire(tmp_path: Path, back: str, rows: int) -> None:
    text = spells("s1,d1,2022-01-01,2022-05-01,1,,voluntary", f"s1,d1,{back},,1,,")
    frame = good(tmp_path, PEOPLE, spells_csv=text).table("spells")
    assert len(frame) == rows
    assert frame["leaving_reason"].dropna().tolist() == ([] if rows == 1 else ["voluntary"])
    assert frame["end"].isna().tolist() == [False, True][-rows:]
    assert frame["start"].iloc[0] == pd.Timestamp("2022-01-01")


def test_r103_log_and_setting(tmp_path: Path) -> None:
    text = spells("s1,d1,2022-01-01,2022-05-01,1,,voluntary", "s1,d1,2022-05-20,,1,,")
    cohort = good(tmp_path / "a", PEOPLE, spells_csv=text)
    log = repairs(cohort, "R103")
    assert log["row"].tolist() == [2, 3]
    assert log[["before", "after"]].values.tolist()[0] == ["2022-05-01", "2022-05-20"]
    assert "back after 19 days" in log["reason"].iloc[0]
    study = PEOPLE["study.yaml"] + "rules: {rehire_gap_days: 0}\n"
    kept = good(tmp_path / "b", PEOPLE, spells_csv=text, study_yaml=study)
    assert len(kept.table("spells")) == 2
    assert kept.table("spells")["leaving_reason"].iloc[0] == "voluntary"


def test_r103_another_organisation_is_no_rehire(tmp_path: Path) -> None:
    text = "staff_id,org_id,dept_id,start,end,leaving_reason\ns1,A,d1,2022-01-01,2022-05-01,voluntary\ns1,B,d1,2022-05-02,,\n"
    frame = good(tmp_path, PEOPLE, spells_csv=text).table("spells")
    assert frame["leaving_reason"].tolist()[0] == "voluntary"


def test_r104_internal_transfer(tmp_path: Path) -> None:
    text = spells("s1,d1,2022-01-01,2022-05-01,1,,voluntary", "s1,d2,2022-05-02,2022-09-01,1,,voluntary")
    cohort = good(tmp_path, PEOPLE, spells_csv=text)
    assert cohort.table("spells")["leaving_reason"].tolist() == ["transfer", "voluntary"]
    assert one(cohort.findings, "R104").rows == (2,)
    assert repairs(cohort, "R104")[["row", "before", "after"]].values.tolist() == [[2, "voluntary", "transfer"]]


def test_r105_same_day(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, spells_csv=spells("s1,d1,2022-01-01,2022-01-01,1,,voluntary"))
    assert cohort.table("spells")["end"].iloc[0] == pd.Timestamp("2022-01-01 12:00")
    assert repairs(cohort, "R105")["row"].tolist() == [2]


def test_e105_after_the_extract(tmp_path: Path) -> None:
    study = PEOPLE["study.yaml"].replace("end: 2023-12-31", "end: 2023-12-31, extract: 2024-02-01")
    text = spells("s1,d1,2022-01-01,2024-03-01,1,,voluntary", "s2,d1,2024-02-02,,1,,")
    found = bad(tmp_path, PEOPLE, spells_csv=text, study_yaml=study).of("E105")
    assert [(item.column, item.rows) for item in found] == [("end", (2,)), ("start", (3,))]
    by_column = "staff_id,dept_id,start,end,extract_date\ns1,d1,2022-01-01,2024-03-01,2024-02-01\n"
    assert "leaving date 2024-03-01" in one(bad(tmp_path / "b", PEOPLE, spells_csv=by_column), "E105").message


def test_r106_open_ends(tmp_path: Path) -> None:
    cohort = good(
        tmp_path,
        PEOPLE,
        spells_csv=spells("s1,d1,2022-01-01,4712-12-31,1,,", "s2,d1,2022-01-01,9999-12-31,1,,", "s3,d1,2022-01-01,4712-12-31,1,,"),
    )
    assert cohort.table("spells")["end"].isna().all()
    assert one(cohort.findings, "R106").rows == (2, 3, 4)
    assert repairs(cohort, "R106")[["before", "count"]].values.tolist() == [["4712-12-31", 2], ["9999-12-31", 1]]


def test_r106_the_only_reading(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, spells_csv=spells("s1,d1,03/04/2022,,1,,", "s2,d1,25/06/2022,,1,,"))
    assert cohort.table("spells")["start"].tolist() == [pd.Timestamp("2022-04-03"), pd.Timestamp("2022-06-25")]
    assert "day/month/year" in one(cohort.findings, "R106").message


def test_declared_format_rules_and_refuses_others(tmp_path: Path) -> None:
    study = PEOPLE["study.yaml"].replace("spells: spells.csv", 'spells: {file: spells.csv, dates: "%m/%d/%Y"}')
    text = spells("s1,d1,03/04/2022,31/12/4712,1,,", "s2,d1,05/06/2022,,1,,")
    frame = good(tmp_path / "a", PEOPLE, spells_csv=text, study_yaml=study).table("spells")
    assert frame["start"].tolist() == [pd.Timestamp("2022-03-04"), pd.Timestamp("2022-05-06")]
    finding = one(bad(tmp_path / "b", PEOPLE, spells_csv=spells("s1,d1,25/06/2022,,1,,"), study_yaml=study), "E106")
    assert "%m/%d/%Y" in finding.message
    serial = PEOPLE["study.yaml"].replace("spells: spells.csv", "spells: {file: spells.csv, dates: {start: excel}}")
    frame = good(tmp_path / "c", PEOPLE, spells_csv=spells("s1,d1,44562,,1,,"), study_yaml=serial).table("spells")
    assert frame["start"].tolist() == [pd.Timestamp("2022-01-01")]


@pytest.mark.parametrize("rule", ["keep", "remove"])
def test_r107_suspended(tmp_path: Path, rule: str) -> None:
    text = spells("s1,d1,2022-01-01,2022-05-01,1,Active,", "s1,d1,2022-05-02,2022-11-01,1,Maternity Leave,", "s1,d1,2022-11-02,,1,Active,")
    cohort = good(tmp_path, PEOPLE, spells_csv=text, study_yaml=PEOPLE["study.yaml"] + f"rules: {{suspended: {rule}}}\n")
    frame = cohort.table("spells")
    # the rows stay under both rules: without them a return from leave would be a new employment
    assert frame["suspended"].tolist() == [False, True, False]
    assert not frame["leaving_reason"].isin(["voluntary", "unknown"]).any()
    assert repairs(cohort, "R107")[["row", "before", "after"]].values.tolist() == [[3, "Maternity Leave", "maternity"]]
    assert one(cohort.findings, "R107").rows == (3,)


def test_r108_spelling_and_unknown_reason(tmp_path: Path) -> None:
    text = spells("s1,d1,2022-01-01,2022-05-01,1,,End of Contract", "s2,d1,2022-01-01,2022-05-01,1,,")
    cohort = good(tmp_path, PEOPLE, spells_csv=text)
    assert cohort.table("spells")["leaving_reason"].tolist() == ["end_of_contract", "unknown"]
    assert repairs(cohort, "R108")["after"].tolist() == ["end_of_contract", "unknown"]
    assert one(cohort.findings, "W012").rows == (3,)


def test_w109_and_r111(tmp_path: Path) -> None:
    study = SAFETY["study.yaml"].replace("rollout: rollout.csv", "rollout: rollout.csv, departments: departments.csv")
    study += "rules: {missing_exposure: exclude}\n"
    cohort = good(
        tmp_path,
        SAFETY,
        study_yaml=study,
        departments_csv="dept_id\nd1\nd2\n",
        rollout_csv="dept_id,active_from\nd1,2022-02-01\n",
        exposure_csv=SAFETY["exposure.csv"].replace("710", "0"),
    )
    assert "d2" in one(cohort.findings, "W109").message
    assert [item.rows for item in cohort.findings.of("R111")] == [(3,)]
    assert len(cohort.table("incidents")) == 2
    assert len(cohort.table("exposure")) == 5
    assert repairs(cohort, "R111")["before"].tolist() == ["d1 2022-02"]


def test_w111_jump(tmp_path: Path) -> None:
    cohort = good(tmp_path, SAFETY, exposure_csv=SAFETY["exposure.csv"].replace("690", "6900"))
    assert one(cohort.findings, "W111").rows == (4,)


def test_incidents_outside_the_window_need_no_patient_days(tmp_path: Path) -> None:
    good(tmp_path, SAFETY, incidents_csv=SAFETY["incidents.csv"] + "i9,d1,2019-05-05,low\n")


def test_w122_own_category(tmp_path: Path) -> None:
    cohort = good(tmp_path, PEOPLE, staff_csv="staff_id,gender,ethnicity_group\ns1,,White\ns2,Prefer not to say,NA\ns3,f,Asian\n")
    staff = cohort.table("staff")
    assert staff["gender"].tolist() == ["not stated", "not stated", "f"]
    assert staff["ethnicity_group"].tolist() == ["White", "not stated", "Asian"]
    assert [(item.column, item.count) for item in cohort.findings.of("W122")] == [("gender", 2), ("ethnicity_group", 1)]


# ---------------------------------------------------------------- aggregated tables

COUNTS = {"study.yaml": "tables: {counts: {file: c.csv, outcomes: {falls: falls}}}\n"}
DURATIONS = {"study.yaml": "tables: {durations: d.csv}\n"}


@pytest.mark.parametrize(
    ("code", "rows", "row", "column"),
    [
        ("E111", "a,1,0,2,1\na,2,5,2,0\n", 2, "exposure"),
        ("E111", "a,1,5,2,1\na,2,,2,1\n", 3, "exposure"),
        ("E101", "a,1,5,2,1\na,2,5,3,1\n", 2, "active_from"),
        ("E108", "a,1,5,0,1\na,2,5,0,1\n", 2, "active_from"),
        ("E108", "a,1,5,2,-1\na,2,5,2,1\n", 2, "falls"),
        ("E008", "a,1,5,2,\na,2,5,2,1\n", 2, "falls"),
        ("E005", "a,1,5,2,1\na,1,6,2,1\n", 2, "dept_id"),
        ("E106", "a,1,5,2022-01,1\na,2,5,2022-01,1\n", 1, "active_from"),
    ],
)
def test_errors_in_counts(tmp_path: Path, code: str, rows: str, row: int, column: str) -> None:
    finding = one(bad(tmp_path, COUNTS, c_csv="dept_id,period,exposure,active_from,falls\n" + rows), code)
    assert (finding.rows[0], finding.column) == (row, column)


def test_w111_gaps_in_counts(tmp_path: Path) -> None:
    cohort = good(tmp_path, COUNTS, c_csv="dept_id,period,exposure,falls\na,1,5,1\na,2,5,1\nb,1,5,1\n")
    assert "1 of 4 unit-periods have no row (b)" in one(cohort.findings, "W111").message
    assert cohort.table("counts")["active_from"].isna().all()


@pytest.mark.parametrize(
    ("code", "header", "rows", "row", "column"),
    [
        ("E004", "staff_id,time", "a,1\n", 1, ""),
        ("E007", "staff_id,time,event", "a,1,1\nb,2,maybe\n", 3, "event"),
        ("E008", "staff_id,time,event", "a,1,1\nb,2,\n", 3, "event"),
        ("E108", "staff_id,time,event", "a,-1,1\n", 2, "time"),
        ("E105", "staff_id,time,event,entry", "a,1,1,0\nb,2,1,2\n", 3, "entry"),
        ("E105", "staff_id,time,event,mentored_from", "a,1,1,\nb,2,1,3\n", 3, "mentored_from"),
        ("E101", "staff_id,time,event,cause", "a,1,1,voluntary\nb,2,0,voluntary\n", 3, "cause"),
        ("E008", "staff_id,time,event,mentored", "a,1,1,0\nb,2,0,\n", 3, "mentored"),
        ("E005", "staff_id,time,event", "a,1,1\na,2,1\n", 2, "staff_id"),
    ],
)
def test_errors_in_durations(tmp_path: Path, code: str, header: str, rows: str, row: int, column: str) -> None:
    finding = one(bad(tmp_path, DURATIONS, d_csv=f"{header}\n{rows}"), code)
    assert (finding.rows[0], finding.column) == (row, column)


def test_r105_time_zero(tmp_path: Path) -> None:
    cohort = good(
        tmp_path, DURATIONS, d_csv="staff_id,time,event\na,0,1\nb,2,0\n", study_yaml="tables: {durations: {file: d.csv, unit: months}}\n"
    )
    assert cohort.table("durations")["time"].tolist() == pytest.approx([0.5 / 30.4375, 2])
    assert repairs(cohort, "R105")["row"].tolist() == [2]


def test_w102_rows_alike_are_kept(tmp_path: Path) -> None:
    rows = "a,1.25,1,0,30\nb,1.25,1,0,30\nc,2.5,0,1,40\nd,1.25,1,0,31\ne,7,1,0,50\n"
    cohort = good(tmp_path, DURATIONS, d_csv="staff_id,time,event,mentored,age\n" + rows)
    finding = one(cohort.findings, "W102")
    assert (finding.rows, finding.count) == ((3,), 1)
    assert len(cohort.table("durations")) == 5
