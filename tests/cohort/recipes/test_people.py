"""HR exports to staff and spells: ESR, Workday, Oracle HCM, a university's leavers report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cohort.folders import one, repairs
from tests.cohort.recipes.exports import MATCHES, accepted, people, refused, rows

HEAD = (
    "Unique Nhs Identifier,Tm Year Month,Org,Department,Position Title,Occupation Code,Contracted Wte,Asg Type Of Contract,Status,Latest Start Date,"
    "Gender,First Name,NI Number\n"
)
JANUARY = (
    HEAD
    + """a1,202301,R1,Ward 1,Staff Nurse,N6A,1,Permanent,Active Assignment,15/03/2020,F,Zoraida,QQ1
a2,202301,R1,Ward 1,Staff Nurse,N6A,0.6,Permanent,Active Assignment,01/09/2021,F,Wilhelmina,QQ2
a2,202301,R1,Ward 2,Staff Nurse,N6A,0.3,Permanent,Active Assignment,01/09/2021,F,Wilhelmina,QQ2
a3,202301,R1,Ward 2,Consultant,011,1,Permanent,Active Assignment,01/01/2015,M,Xerxes,QQ3
"""
)
FEBRUARY = (
    HEAD
    + """a1,202302,R1,Ward 2,Staff Nurse,N6A,1,Permanent,Active Assignment,15/03/2020,F,Zoraida,QQ1
a3,202302,R1,Ward 2,Consultant,011,1,Permanent,Maternity,01/01/2015,M,Xerxes,QQ3
a4,202302,R1,Ward 2,Clerk,G2A,1,Fixed Term Temp,Active Assignment,13/02/2023,M,Yolanda,QQ4
"""
)
MARCH = (
    HEAD
    + """a1,202303,R1,Ward 2,Staff Nurse,N6A,1,Permanent,Active Assignment,15/03/2020,F,Zoraida,QQ1
a3,202303,R1,Ward 2,Consultant,011,1,Permanent,Maternity,01/01/2015,M,Xerxes,QQ3
a5,202303,R1,Ward 2,Consultant,011,1,Permanent,Terminate Assignment,01/01/2015,M,Vasily,QQ5
"""
)
LEAVERS = """Unique Nhs Identifier,Leaving Reason,Destination on Leaving,Leaving Date
a2,Retirement Age,No Employment,10/02/2023
a4,End of Fixed Term Contract,NHS Organisation,31/12/4712
"""
ESR = {
    "study.yaml": people('  staff: {file: sip, recipe: esr}\n  spells: {file: "sip/*.csv", recipe: esr, dates: "%d/%m/%Y"}\n'),
    "sip/Staff in Post - Workforce 202301.csv": JANUARY,
    "sip/Staff in Post - Workforce 202302.csv": FEBRUARY,
    "sip/Staff in Post - Workforce 202303.csv": MARCH,
    **MATCHES,
}
SEEN = ("staff_id", "dept_id", "start", "end", "wte", "contract", "status", "leaving_reason")


def test_esr_lists_become_staff_and_spells(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, {**ESR, "leavers.csv": LEAVERS})
    assert rows(cohort.table("staff"), "staff_id", "profession", "gender") == [
        ("a1", "nurse", "F"),
        ("a2", "nurse", "F"),
        ("a3", "physician", "M"),
        ("a4", "administrator", "M"),
    ]
    assert rows(cohort.table("spells"), *SEEN) == [
        ("a1", "Ward 1", "2020-03-15", "2023-01-31", 1.0, "permanent", "active", "transfer"),
        ("a1", "Ward 2", "2023-02-01", None, 1.0, "permanent", "active", None),
        ("a2", "Ward 1", "2021-09-01", "2023-02-10", 0.9, "permanent", "active", "retirement"),
        ("a3", "Ward 2", "2015-01-01", "2023-01-31", 1.0, "permanent", "active", "transfer"),
        ("a3", "Ward 2", "2023-02-01", None, 1.0, "permanent", "maternity", None),
        ("a4", "Ward 2", "2023-02-13", "2023-02-28", 1.0, "fixed_term", "active", "end_of_contract"),
    ]
    assert cohort.table("spells")["suspended"].tolist() == [False, False, False, False, True, False]


def test_esr_placeholders_are_no_days_of_leaving(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, {**ESR, "leavers.csv": LEAVERS})
    assert repairs(cohort, "R106")[["file", "row", "before"]].values.tolist() == [["leavers.csv", 3, "31/12/4712"]]
    unused = accepted(tmp_path / "2", {**ESR, "leavers.csv": LEAVERS + "a1,Death in Service,,15/02/2023\na9,Not Known,,\n"})
    assert any(item.file == "leavers.csv" and item.rows == (4, 5) and "fit no leave" in item.message for item in unused.findings.of("W127"))
    bad = refused(tmp_path / "3", {**ESR, "leavers.csv": LEAVERS.replace("10/02/2023", "February")})
    assert one(bad, "E106").file == "leavers.csv"


def test_esr_without_dates_and_leavers_takes_the_months(tmp_path: Path) -> None:
    plain = {name: text.replace(",Latest Start Date,", ",Something Else,") if name.startswith("sip") else text for name, text in ESR.items()}
    cohort = accepted(tmp_path, plain)
    assert rows(cohort.table("spells"), "staff_id", "start", "end", "leaving_reason") == [
        ("a1", "2023-01-01", "2023-01-31", "transfer"),
        ("a1", "2023-02-01", None, None),
        ("a2", "2023-01-01", "2023-01-31", "unknown"),
        ("a3", "2023-01-01", "2023-01-31", "transfer"),
        ("a3", "2023-02-01", None, None),
        ("a4", "2023-02-01", "2023-02-28", "unknown"),
    ]
    warned = one(cohort.findings, "W127")
    assert "3 people are in the first list" in warned.message and warned.rows == (2, 3, 5)


def test_esr_says_what_it_left_out_and_where(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, ESR)
    flow = cohort.flow[cohort.flow["table"] == "spells"]
    assert flow[["rows_in", "removed", "kept"]].values.tolist() == [[10, 0, 10], [10, 1, 9], [9, 1, 8], [8, 2, 6]]
    log = cohort.repair_log[cohort.repair_log["table"] == "spells"]
    job_share = log[(log["code"] == "R102") & (log["before"] == "row")]
    assert job_share[["file", "row"]].values.tolist() == [["Staff in Post - Workforce 202301.csv", 4]]
    added = log[log["reason"].str.startswith("sum over concurrent posts")]
    assert added[["row", "column", "before", "after"]].values.tolist() == [[3, "Contracted Wte", "0.6", "0.9"]]
    ended = log[(log["code"] == "R128") & (log["after"] == "left out")]
    assert ended[["file", "row", "before"]].values.tolist() == [["Staff in Post - Workforce 202303.csv", 4, "Terminate Assignment"]]


def test_a_missing_month_stops_and_can_be_gone_over(tmp_path: Path) -> None:
    april = MARCH.replace("202303", "202304")
    without = {name: text for name, text in ESR.items() if "202303" not in name} | {"sip/Staff in Post - Workforce 202304.csv": april}
    finding = refused(tmp_path, without).of("E127")[0]
    assert "no list for 2023-03" in finding.message and finding.file.endswith("202304.csv")
    study = without["study.yaml"].replace('"%d/%m/%Y"', '"%d/%m/%Y", settings: {snapshots: {missing_months: go_on}}')
    cohort = accepted(tmp_path, {**without, "study.yaml": study})
    assert rows(cohort.table("spells").query("staff_id == 'a1'"), "start", "end") == [("2020-03-15", "2023-01-31"), ("2023-02-01", None)]
    assert "no list" in repairs(cohort, "R127")["before"].tolist()


def test_one_list_does_not_say_who_left(tmp_path: Path) -> None:
    findings = refused(tmp_path, {name: text for name, text in ESR.items() if "202302" not in name and "202303" not in name})
    assert "does not say who left" in one(findings, "E127").message


def test_a_list_that_was_cut_is_pointed_out(tmp_path: Path) -> None:
    files = dict(ESR)
    files["sip/Staff in Post - Workforce 202302.csv"] = "".join(FEBRUARY.splitlines(keepends=True)[:2])
    files["sip/Staff in Post - Workforce 202303.csv"] = MARCH.replace("Terminate Assignment", "Active Assignment") + (
        "a2,202303,R1,Ward 1,Staff Nurse,N6A,0.6,Permanent,Active Assignment,01/09/2021,F,Wilhelmina,QQ2\n"
    )
    cohort = accepted(tmp_path, files)
    assert any("the list of 2023-02 has 1 rows" in item.message for item in cohort.findings.of("W127"))


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("N6A", "S1E", "E108", "'S1E': not among nurse, physician"),
        ("Active Assignment", "Gardening Leave", "E108", "the recipe does not say whether such rows are kept"),
        ("202301", "January", "E106", "'January': not a date"),
        ("Department", "Place", "E004", "no column for dept_id: the recipe esr looks for 'Department'"),
        ("a1,202301", ",202301", "E008", "Unique Nhs Identifier is empty"),
        ("NI Number", "Home E-Mail", "R121", "dropped"),
        ("NI Number", "Next of kin phone", "R121", "dropped"),
    ],
)
def test_what_esr_does_not_know(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    files = {name: text.replace(old, new) if name.startswith("sip") else text for name, text in ESR.items()}
    if code == "R121":
        cohort = accepted(tmp_path, files)
        assert all(new in item.message for item in cohort.findings.of("R121"))
        return
    found = refused(tmp_path, files).of(code)
    assert any(said in item.message for item in found), "\n".join(map(str, found))


def test_the_user_says_what_a_code_means(tmp_path: Path) -> None:
    files = {name: text.replace("N6A", "S1E") if name.startswith("sip") else text for name, text in ESR.items()}
    mapped = "{file: sip, recipe: esr, values: {profession: {s1e: allied_health}}}"
    files["study.yaml"] = ESR["study.yaml"].replace("{file: sip, recipe: esr}", mapped)
    staff = accepted(tmp_path, files).table("staff")
    assert staff["profession"].tolist() == ["allied_health", "allied_health", "physician", "administrator"]


def test_files_with_other_headers_are_named(tmp_path: Path) -> None:
    files = dict(ESR)
    files["sip/Staff in Post - Workforce 202302.csv"] = FEBRUARY.replace("Contracted Wte", "Wte hours")
    findings = refused(tmp_path, files).of("E004")
    assert any("1 of 3 files have no column 'Contracted Wte' (wte)" in item.message and item.file.endswith("202302.csv") for item in findings)


WORKDAY = {
    "study.yaml": people('  staff: {file: w.csv, recipe: workday}\n  spells: {file: w.csv, recipe: workday, dates: "%m/%d/%Y"}\n'),
    "w.csv": """
Worker ID,Worker,Hire Date,Original Hire Date,Termination Date,Termination Reason,Cost Center,FTE %,Job Profile,Employee Type,Gender,Job Family Group
a1,Zoraida Q,01/15/2022,01/15/2019,,,Ward 1,80%,RN,Regular,F,Nurse
a2,Wilhelmina R,03/01/2021,03/01/2021,06/30/2023,Retirement,Ward 2,100%,RN,Regular,F,nurse
a3,Xerxes S,02/01/2020,02/01/2020,12/31/9999,,Ward 2,50%,MD,Regular,M,Physician
""",
    **MATCHES,
}


def test_workday(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, WORKDAY)
    assert rows(cohort.table("spells"), "staff_id", "dept_id", "start", "end", "wte", "contract", "leaving_reason", "role") == [
        ("a1", "Ward 1", "2022-01-15", None, 0.8, "permanent", None, "RN"),
        ("a2", "Ward 2", "2021-03-01", "2023-06-30", 1.0, "permanent", "retirement", "RN"),
        ("a3", "Ward 2", "2020-02-01", None, 0.5, "permanent", None, "MD"),
    ]
    assert cohort.table("staff")["profession"].tolist() == ["nurse", "nurse", "physician"]
    scaled = cohort.repair_log[cohort.repair_log["column"] == "FTE %"]
    assert scaled[["before", "after"]].values.tolist() == [["80%", "0.8"], ["100%", "1"], ["50%", "0.5"]]


def test_workday_shares_are_not_divided_again(tmp_path: Path) -> None:
    files = {**WORKDAY, "w.csv": WORKDAY["w.csv"].replace("80%", "0.8").replace("100%", "1").replace("50%", "0.5")}
    assert accepted(tmp_path, files).table("spells")["wte"].tolist() == [0.8, 1.0, 0.5]


def test_workday_service_may_count_from_another_day(tmp_path: Path) -> None:
    study = WORKDAY["study.yaml"].replace('"%m/%d/%Y"', '"%m/%d/%Y", columns: {start: Original Hire Date}')
    assert rows(accepted(tmp_path, {**WORKDAY, "study.yaml": study}).table("spells"), "start")[0] == ("2019-01-15",)


def test_workday_unknown_reason_stops(tmp_path: Path) -> None:
    finding = one(refused(tmp_path, {**WORKDAY, "w.csv": WORKDAY["w.csv"].replace("Retirement", "Moved abroad")}), "E108")
    assert "Moved abroad" in finding.message and finding.rows == (3,) and finding.column == "Termination Reason"


ORACLE = {
    "study.yaml": people('  staff: {file: o.csv, recipe: oracle_hcm}\n  spells: {file: o.csv, recipe: oracle_hcm, dates: "%d-%b-%Y"}\n'),
    "o.csv": """
Person Number,Name,Effective Start Date,Effective End Date,Department,Job,FTE,Assignment Category,Assignment Status,Leaving Reason,Gender,Profession
a1,Zoraida Q,01-Feb-2022,31-Mar-2023,Ward 1,Nurse,1,Regular,Active,,F,nurse
a1,Zoraida Q,01-Apr-2023,31-Dec-4712,Ward 2,Nurse,1,Regular,Active,,F,nurse
a3,Xerxes S,01-Feb-2020,30-Jun-2023,Ward 2,Doctor,1,Regular,Active,Resignation,M,physician
a3,Xerxes S,01-Jul-2023,31-Dec-4712,Ward 2,Doctor,1,Regular,Inactive,,M,physician
""",
    **MATCHES,
}


def test_oracle(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, ORACLE)
    assert rows(cohort.table("spells"), "staff_id", "dept_id", "start", "end", "leaving_reason") == [
        ("a1", "Ward 1", "2022-02-01", "2023-03-31", "transfer"),
        ("a1", "Ward 2", "2023-04-01", None, None),
        ("a3", "Ward 2", "2020-02-01", "2023-06-30", "voluntary"),
    ]
    assert repairs(cohort, "R106")["before"].tolist() == ["31-Dec-4712"]
    assert rows(cohort.table("staff"), "staff_id", "profession") == [("a1", "nurse"), ("a3", "physician")]


def test_oracle_unknown_status_stops(tmp_path: Path) -> None:
    finding = one(refused(tmp_path, {**ORACLE, "o.csv": ORACLE["o.csv"].replace(",Inactive,", ",On hold,")}), "E108")
    assert "'On hold'" in finding.message and finding.rows == (5,)


LEFT = """
School,Unit,Person Ref,Joining Date,Occupancy Start,Leaving Date,Leaving Reason,Position
Health,Nursing,a1,01/02/2019,01/02/2021,30/06/2023,Resignation,Lecturer
"""
STAYED = LEFT.lstrip().splitlines()[0] + "\nHealth,Pharmacy,a3,13/02/2018,01/02/2020,,,Reader\n"
UNIVERSITY = {
    "study.yaml": people('  staff: {file: hr, recipe: university_leavers}\n  spells: {file: hr, recipe: university_leavers, dates: "%d/%m/%Y"}\n'),
    "hr/leavers.csv": LEFT,
    "hr/in_post.csv": STAYED,
    **MATCHES,
}


def test_university(tmp_path: Path) -> None:
    spells = accepted(tmp_path, UNIVERSITY).table("spells")
    assert rows(spells, "staff_id", "dept_id", "start", "end", "leaving_reason", "role") == [
        ("a1", "Nursing", "2019-02-01", "2023-06-30", "voluntary", "Lecturer"),
        ("a3", "Pharmacy", "2018-02-13", None, None, "Reader"),
    ]


def test_leavers_alone_say_nothing_of_staying(tmp_path: Path) -> None:
    files = {name: text for name, text in UNIVERSITY.items() if name != "hr/in_post.csv"}
    files["matches.csv"] = "match_id,mentee_id,start\nm1,a1,2023-02-01\n"
    assert "holds nobody who stayed" in one(refused(tmp_path, files), "E127").message
    study = files["study.yaml"].replace('"%d/%m/%Y"', '"%d/%m/%Y", settings: {somebody_stays: false}')
    assert len(accepted(tmp_path, {**files, "study.yaml": study}).table("spells")) == 1
