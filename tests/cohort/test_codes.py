"""The rules for messy records: a small bad file, what is said of it, what the rule makes of it, and the fix after which nothing is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort.cohort import Cohort
from mentorship_eval.questions.retention.prepared import prepare
from tests.cohort.folders import PEOPLE, SAFETY, bad, good, one, repairs

HEAD = "spell_id,staff_id,dept_id,start,end,wte,contract,leaving_reason\n"


def people(**tables: str) -> dict[str, str]:
    """PEOPLE with further tables declared."""
    declared = ", ".join(f"{name}: {name}.csv" for name in tables)
    study = PEOPLE["study.yaml"].replace("matches: matches.csv", f"matches: matches.csv, {declared}")
    return {**PEOPLE, "study.yaml": study, **{f"{name}.csv": text for name, text in tables.items()}}


def safety(**tables: str) -> dict[str, str]:
    declared = ", ".join(f"{name}: {name}.csv" for name in tables)
    study = SAFETY["study.yaml"].replace("rollout: rollout.csv", f"rollout: rollout.csv, {declared}")
    return {**SAFETY, "study.yaml": study, **{f"{name}.csv": text for name, text in tables.items()}}


def with_rules(base: dict[str, str], rules: str) -> dict[str, str]:
    return {**base, "study.yaml": base["study.yaml"] + f"rules: {{{rules}}}\n"}


def quiet(cohort: Cohort, code: str) -> Cohort:
    assert not cohort.findings.of(code), str(cohort.findings)
    return cohort


# ---------------------------------------------------------------- people: concurrent posts, administrative ends


CONCURRENT = HEAD.replace("contract", "is_primary")
CONCURRENT += "a,s1,d1,2022-01-01,2022-12-31,0.4,yes,voluntary\nb,s1,d2,2022-03-01,2022-07-01,0.8,no,voluntary\n"


@pytest.mark.parametrize(
    ("rules", "departments", "wte"),
    [
        ("", ["d1", "d2", "d1"], [0.4, 1.0, 0.4]),
        ("primary: longest", ["d1"], [0.6005]),
        ("primary: declared", ["d1"], [0.6005]),
        ("wte_cap: 1.5", ["d1", "d2", "d1"], [0.4, 1.2, 0.4]),
    ],
)
def test_r102_the_primary_post_and_the_cap_are_settings(tmp_path: Path, rules: str, departments: list[str], wte: list[float]) -> None:
    base = with_rules(PEOPLE, rules) if rules else PEOPLE
    cohort = good(tmp_path, base, spells_csv=CONCURRENT)
    spells = cohort.table("spells")
    assert spells["dept_id"].tolist() == departments
    assert spells["wte"].tolist() == pytest.approx(wte, abs=1e-3)
    assert "rules.primary" in one(cohort.findings, "R102").fix
    quiet(good(tmp_path / "mended", PEOPLE, spells_csv=CONCURRENT.replace("2022-03-01", "2023-01-02").replace("2022-07-01", "2023-07-01")), "R102")


def test_w108_retired_and_back(tmp_path: Path) -> None:
    text = HEAD + "a,s1,d1,2021-01-01,2022-06-30,1,permanent,retirement\nb,s1,d1,2022-09-01,,0.4,permanent,\n"
    cohort = good(tmp_path / "leave", PEOPLE, spells_csv=text)
    finding = one(cohort.findings, "W108")
    assert (finding.rows, finding.column) == ((2,), "leaving_reason")
    assert "the retirement counts as the leave" in finding.message
    assert cohort.table("spells")["leaving_reason"].tolist()[0] == "retirement"
    stays = good(tmp_path / "stay", with_rules(PEOPLE, "retire_return: stay"), spells_csv=text)
    assert stays.table("spells")["leaving_reason"].isin(["retirement"]).sum() == 0
    assert stays.table("spells")["end"].iloc[0] == pd.Timestamp("2022-09-01")
    log = repairs(stays, "W108")
    assert log[["row", "before", "after"]].values.tolist() == [[2, "2022-06-30", "2022-09-01"]]
    # too long after to be one employment, and another reason
    quiet(good(tmp_path / "late", with_rules(PEOPLE, "retire_return: stay, retire_return_days: 30"), spells_csv=text), "W108")
    quiet(good(tmp_path / "other", with_rules(PEOPLE, "retire_return: stay"), spells_csv=text.replace("retirement", "voluntary")), "W108")


def test_w108_over_to_the_bank(tmp_path: Path) -> None:
    text = HEAD + "a,s1,d1,2021-01-01,2022-06-30,1,permanent,voluntary\nb,s1,d1,2022-07-01,,0.2,bank,\nc,s2,d1,2022-01-01,,0.2,bank,\n"
    stays = good(tmp_path / "stay", PEOPLE, spells_csv=text)
    assert one(stays.findings, "W108").rows == (3,)
    assert stays.table("spells").set_index("spell_id").loc["a", "leaving_reason"] == "transfer"
    leaves = good(tmp_path / "leave", with_rules(PEOPLE, "bank: leave"), spells_csv=text)
    spells = leaves.table("spells").set_index("spell_id")
    assert list(spells.index) == ["a", "c"]  # who only ever had a bank contract stays
    assert spells.loc["a", "leaving_reason"] == "voluntary"
    assert repairs(leaves, "W108")["row"].tolist() == [3]
    quiet(good(tmp_path / "mended", PEOPLE, spells_csv=text.replace("0.2,bank", "0.2,permanent")), "W108")


def mass(leavers: int, day: str = "2022-09-30", stayers: int = 20) -> dict[str, str]:
    ids = [f"p{i}" for i in range(leavers + stayers)]
    staff = "staff_id\n" + "\n".join(ids) + "\n"
    rows = [f"{i},{i},d1,2021-05-01,{day if k < leavers else ''},1,permanent,{'voluntary' if k < leavers else ''}" for k, i in enumerate(ids)]
    return {"staff.csv": staff, "spells.csv": HEAD + "\n".join(rows) + "\n", "matches.csv": "mentee_id,start\np0,2022-02-01\n"}


def test_w108_many_on_one_day(tmp_path: Path) -> None:
    cohort = good(tmp_path / "as_recorded", {**PEOPLE, **mass(6)})
    finding = one(cohort.findings, "W108")
    assert finding.count == 6
    assert "d1 on 2022-09-30" in finding.message and "mass_ends" in finding.fix and "dept_lineage" in finding.fix
    assert cohort.table("spells")["leaving_reason"].eq("voluntary").sum() == 6
    for rules in ("mass_ends: administrative", "mass_ends: [2022-09-30]"):
        told = good(tmp_path / "told", with_rules({**PEOPLE, **mass(6)}, rules))
        assert told.table("spells")["leaving_reason"].eq("tupe").sum() == 6
        assert repairs(told, "W108")[["after", "count"]].values.tolist() == [["tupe", 6]]
    another_day = good(tmp_path / "other", with_rules({**PEOPLE, **mass(6)}, "mass_ends: [2022-10-01]"))
    assert another_day.table("spells")["leaving_reason"].eq("voluntary").sum() == 6
    quiet(good(tmp_path / "few", {**PEOPLE, **mass(4)}), "W108")  # four are no mass
    quiet(good(tmp_path / "small", {**PEOPLE, **mass(5, stayers=100)}), "W108")  # nor is 1 in 21
    quiet(good(tmp_path / "share", with_rules({**PEOPLE, **mass(6)}, "mass_end_share: 0.5")), "W108")


def test_w108_days_of_monthly_lists_are_not_unusual(tmp_path: Path) -> None:
    """Where staff are known from monthly lists, all leavers of a month leave on one day."""
    base = mass(20, stayers=60)
    ends = ["2022-03-31"] * 5 + ["2022-04-30"] * 5 + ["2022-05-31"] * 5 + ["2022-06-30"] * 5
    lines = base["spells.csv"].splitlines()
    spells = [lines[0], *(line.replace("2022-09-30", end) for line, end in zip(lines[1:], ends + [""] * 60, strict=True))]
    quiet(good(tmp_path / "lists", {**PEOPLE, **base, "spells.csv": "\n".join(spells) + "\n"}), "W108")
    merger = [line.replace("2022-06-30", "2022-05-31").replace("2022-04-30", "2022-05-31") for line in spells]
    found = good(tmp_path / "merger", {**PEOPLE, **base, "spells.csv": "\n".join(merger) + "\n"}).findings
    assert "d1 on 2022-05-31" in one(found, "W108").message and one(found, "W108").count == 15


def test_r104_a_secondment_elsewhere_is_no_leave(tmp_path: Path) -> None:
    """Lent to another organisation for half a year and back: one employment, suspended while away, whatever the reason that stands there."""
    head = "staff_id,org_id,dept_id,start,end,status,leaving_reason\n"
    rows = "s1,A,d1,2021-01-01,2022-03-31,Active,voluntary\ns1,B,d9,2022-04-01,2022-09-30,Internal Secondment,voluntary\n"
    rows += "s1,A,d1,2022-10-01,,Active,\n"
    cohort = good(tmp_path / "lent", PEOPLE, spells_csv=head + rows)
    assert cohort.table("spells")["leaving_reason"].tolist()[:2] == ["transfer", "transfer"]
    assert cohort.table("spells")["suspended"].tolist() == [False, True, False]
    person = prepare(cohort).episodes.persons
    assert person["cause"].tolist() == [""] and len(person) == 1
    other = good(tmp_path / "left", PEOPLE, spells_csv=head + rows.replace("Internal Secondment", "Active"))
    assert other.table("spells")["leaving_reason"].tolist()[0] == "voluntary"


def test_e101_says_how_to_map_ids(tmp_path: Path) -> None:
    staff = "staff_id,birth_year\ns1,1980\ns1,1981\ns2,1970\ns3,1971\n"
    finding = one(bad(tmp_path / "bad", PEOPLE, staff_csv=staff), "E101")
    assert "values: {staff_id: {OLD: NEW}}" in finding.fix and "s1" not in finding.message.replace("staff_id", "")
    mapped = staff.replace("s1,1981", "s9,1981")
    study = PEOPLE["study.yaml"].replace("staff: staff.csv", "staff: {file: staff.csv, values: {staff_id: {s9: s4}}}")
    assert set(good(tmp_path / "good", PEOPLE, staff_csv=mapped, study_yaml=study).table("staff")["staff_id"]) == {"s1", "s2", "s3", "s4"}


# ---------------------------------------------------------------- departments that merge, split and change their name

LINEAGE = "from_id,to_id,effective,share\n"
WARDS = {
    "incidents.csv": "incident_id,dept_id,occurred,harm\ni1,a,2022-01-10,low\ni2,b,2022-01-11,none\ni3,c,2022-03-12,low\ni4,z,2022-03-12,low\n",
    "exposure.csv": "dept_id,month,patient_days\na,2022-01,100\nb,2022-01,50\na,2022-02,90\nb,2022-02,60\nc,2022-03,160\n"
    "z,2022-01,80\nz,2022-02,80\nz,2022-03,80\n",
    "rollout.csv": "dept_id,active_from\na,\nb,\nc,\nz,2022-02-01\n",
}


def test_r110_a_merger_is_one_unit_throughout(tmp_path: Path) -> None:
    base = {**safety(dept_lineage=LINEAGE + "a,c,2022-03-01,\nb,c,2022-03-01,\n"), **WARDS}
    cohort = good(tmp_path, base)
    exposure = cohort.table("exposure")
    assert exposure.loc[exposure["dept_id"] == "c", "patient_days"].tolist() == [150, 150, 160]
    assert cohort.table("incidents")["dept_id"].tolist() == ["c", "c", "c", "z"]
    assert sorted(cohort.table("rollout")["dept_id"]) == ["c", "z"]
    assert "c (a, b, c)" in one(cohort.findings, "R110").message
    log = repairs(cohort, "R110")
    mapped = set(zip(log["table"], log["before"], log["after"], strict=True))
    assert mapped >= {("incidents", "a", "c"), ("exposure", "b", "c"), ("rollout", "a", "c")}
    off = good(tmp_path / "off", with_rules(base, "lineage: ignore"))
    assert off.table("incidents")["dept_id"].tolist() == ["a", "b", "c", "z"]
    quiet(off, "R110")
    # a merger after the window has not happened yet
    quiet(good(tmp_path / "later", base, dept_lineage_csv=LINEAGE + "a,c,2023-03-01,\n"), "R110")


def test_r110_a_missing_month_of_a_part_is_not_zero(tmp_path: Path) -> None:
    base = {**safety(dept_lineage=LINEAGE + "a,c,2022-03-01,\nb,c,2022-03-01,\n"), **WARDS}
    base["exposure.csv"] = base["exposure.csv"].replace("b,2022-02,60\n", "")
    cohort = good(tmp_path, base)
    days = cohort.table("exposure").set_index(["dept_id", "month"])["patient_days"]
    assert days["c", pd.Timestamp("2022-01-01")] == 150
    assert pd.isna(days["c", pd.Timestamp("2022-02-01")])  # 90 would be half a ward


def test_r110_one_ward_taken_in_by_another(tmp_path: Path) -> None:
    """The ward that stays was there before: its own months count, and its go-live must be that of the one it takes in."""
    files = {name: text.replace("c,", "a,") for name, text in WARDS.items()}
    files["rollout.csv"] = "dept_id,active_from\na,\nb,\nz,2022-02-01\n"
    base = {**safety(dept_lineage=LINEAGE + "b,a,2022-03-01,1\n"), **files}
    assert good(tmp_path / "alike", base).table("exposure")["patient_days"].tolist()[:3] == [150, 150, 160]
    finding = one(bad(tmp_path / "mixed", base, rollout_csv="dept_id,active_from\na,\nb,2022-01-01\nz,\n"), "E110")
    assert "b 2022-01-01" in finding.message and "a never" in finding.message


@pytest.mark.parametrize(
    ("rollout", "refused"),
    [
        ("a,\nb,\nc,\nz,2022-02-01\n", False),
        ("a,2022-02-01\nb,\nc,2022-02-01\nz,\n", True),  # one of two with the programme
        ("a,2022-02-01\nb,2022-02-10\nc,2022-02-01\nz,\n", False),  # the same month
        ("a,2022-01-01\nb,2022-02-10\nz,\n", True),
        ("a,\nb,\nc,2022-03-01\nz,\n", False),  # with the programme from the merger on
        ("a,2022-02-01\nb,2022-02-01\nz,\n", False),  # the new ward goes on as its parts
        ("a,2022-02-01\nb,2022-02-01\nc,\nz,\n", True),  # the new ward says never
    ],
)
def test_e110_merged_across_the_programme(tmp_path: Path, rollout: str, refused: bool) -> None:
    base = {**safety(dept_lineage=LINEAGE + "a,c,2022-03-01,\nb,c,2022-03-01,\n"), **WARDS, "rollout.csv": "dept_id,active_from\n" + rollout}
    if refused:
        finding = one(bad(tmp_path, base), "E110")
        assert (finding.table, finding.rows) == ("dept_lineage", (2, 3))
        assert "lineage: ignore" in finding.fix
    else:
        good(tmp_path, base)


def test_r110_a_new_name_and_a_split(tmp_path: Path) -> None:
    renamed = {**safety(dept_lineage=LINEAGE + "d2,e2,2022-03-01,\n"), "exposure.csv": SAFETY["exposure.csv"].replace("d2,2022-03", "e2,2022-03")}
    cohort = good(tmp_path / "name", renamed)
    assert set(cohort.table("exposure")["dept_id"]) == {"d1", "e2"} == set(cohort.table("incidents")["dept_id"])
    # parts without shares are one unit, under the name of the whole
    split = {**renamed, "dept_lineage.csv": LINEAGE + "d2,e2,2022-03-01,\nd2,f2,2022-03-01,\n"}
    split["exposure.csv"] = SAFETY["exposure.csv"].replace("d2,2022-03,420", "e2,2022-03,200\nf2,2022-03,220")
    exposure = good(tmp_path / "split", split).table("exposure")
    assert exposure.loc[exposure["dept_id"] == "d2", "patient_days"].tolist() == [400, 410, 420]


def test_r110_amounts_are_divided_by_declared_shares_alone(tmp_path: Path) -> None:
    """Patient-days by cost centre, incidents by ward: the shares divide the days, and no record has to be divided."""
    base = safety(dept_lineage=LINEAGE + "d2,e2,2022-03-01,0.75\nd2,f2,2022-03-01,0.25\n")
    base["incidents.csv"] = SAFETY["incidents.csv"].replace("i3,d2", "i3,e2")
    base["rollout.csv"] = "dept_id,active_from\nd1,2022-02-01\ne2,\nf2,\n"
    cohort = good(tmp_path / "divided", base)
    days = cohort.table("exposure").groupby("dept_id")["patient_days"].sum()
    assert days["e2"] == pytest.approx(0.75 * 1230) and days["f2"] == pytest.approx(0.25 * 1230)
    assert "d2 divided between e2, f2" in one(cohort.findings, "R110").message
    # one record that names the whole: nothing can be divided
    whole = good(tmp_path / "whole", base, incidents_csv=SAFETY["incidents.csv"])
    assert set(whole.table("exposure")["dept_id"]) == {"d1", "d2"}
    text = LINEAGE + "d2,e2,2022-03-01,0.75\nd2,f2,2022-03-01,0.45\n"
    assert "add up to 1.2" in one(bad(tmp_path / "sum", base, dept_lineage_csv=text), "E108").message


def test_r110_a_move_with_the_ward_is_no_move(tmp_path: Path) -> None:
    text = HEAD + "p,s1,a,2022-01-01,2022-12-31,1,permanent,voluntary\nq,s1,c,2023-01-01,,1,permanent,\n"
    moved = good(tmp_path / "off", PEOPLE, spells_csv=text)
    assert moved.table("spells")["dept_id"].tolist() == ["a", "c"]
    cohort = good(tmp_path / "on", people(dept_lineage=LINEAGE + "a,c,2023-01-01,\n"), spells_csv=text)
    assert cohort.table("spells")[["dept_id"]].values.tolist() == [["c"]]


def test_r110_other_tables(tmp_path: Path) -> None:
    tables = {
        "dept_lineage": LINEAGE + "d2,e2,2022-03-01,\n",
        "departments": "dept_id,beds\nd1,20\nd2,10\ne2,12\n",
        "audits": "dept_id,month,measure,num,den\nd2,2022-02,hands,8,10\ne2,2022-03,hands,9,10\n",
        "calendar": "label,start,end,scope\nOutbreak,2022-02-01,2022-02-20,d2\n",
    }
    cohort = good(tmp_path, safety(**tables))
    assert cohort.table("departments")[["dept_id", "beds"]].values.tolist() == [["d1", 20], ["e2", 12]]
    assert cohort.table("audits")["dept_id"].tolist() == ["e2", "e2"]
    assert cohort.table("calendar")["scope"].tolist() == ["e2"]
    unknown = bad(tmp_path / "typo", safety(**{**tables, "dept_lineage": LINEAGE + "d2,e3,2022-03-01,\n"}))
    assert "e3 (near: e2" in one(unknown, "E109").message


# ---------------------------------------------------------------- incidents: lags, systems, shocks


def lagged(lag_days: int, months: int = 24) -> str:
    """Forty incidents a month, half of them reported ``lag_days`` later; what is not reported by the end of the window is not there."""
    rows, number = ["incident_id,dept_id,occurred,reported,harm"], 0
    last = pd.Timestamp("2023-12-31")
    for month in pd.period_range("2022-01", periods=months, freq="M"):
        for k in range(40):
            occurred = month.start_time + pd.Timedelta(days=k % 28)
            reported = occurred + pd.Timedelta(days=1 if k % 2 else lag_days)
            number += 1
            if reported <= last:
                rows.append(f"i{number},d{1 + (k // 2) % 2},{occurred:%Y-%m-%d},{reported:%Y-%m-%d},low")
    return "\n".join(rows) + "\n"


YEARS = {
    **SAFETY,
    "study.yaml": SAFETY["study.yaml"].replace("2022-03-31", "2023-12-31"),
    "exposure.csv": "dept_id,month,patient_days\n"
    + "".join(f"{dept},{month},500\n" for dept in ("d1", "d2") for month in pd.period_range("2022-01", "2023-12", freq="M")),
}


def test_w114_reports_still_coming_in(tmp_path: Path) -> None:
    flagged = good(tmp_path / "flag", YEARS, incidents_csv=lagged(60))
    finding = one(flagged.findings, "W114")
    assert "2023-11 (" in finding.message and "2023-12 (" in finding.message and "2023-09" not in finding.message
    assert finding.column == "reported"
    before = {name: len(flagged.table(name)) for name in ("incidents", "exposure")}
    dropped = good(tmp_path / "drop", with_rules(YEARS, "reporting_lag: drop"), incidents_csv=lagged(60))
    quiet(dropped, "W114")
    assert one(dropped.findings, "R114").rows
    assert dropped.table("exposure")["month"].max() == pd.Timestamp("2023-10-01")
    assert dropped.table("incidents")["occurred"].max() < pd.Timestamp("2023-11-01")
    log = repairs(dropped, "R114").set_index("table")["count"]
    assert {name: before[name] - len(dropped.table(name)) for name in before} == log.to_dict()
    # the same wards with prompt reports; with a day of extract late enough; with another share
    quiet(good(tmp_path / "prompt", YEARS, incidents_csv=lagged(1)), "W114")
    late = {**YEARS, "study.yaml": YEARS["study.yaml"].replace("end: 2023-12-31", "end: 2023-12-31, extract: 2024-03-31")}
    quiet(good(tmp_path / "late", late, incidents_csv=lagged(60)), "W114")
    quiet(good(tmp_path / "share", with_rules(YEARS, "reported_share: 0.4"), incidents_csv=lagged(60)), "W114")


def test_e105_an_incident_after_the_extract(tmp_path: Path) -> None:
    study = SAFETY["study.yaml"].replace("end: 2022-03-31", "end: 2022-03-31, extract: 2022-03-31")
    finding = one(bad(tmp_path, SAFETY, study_yaml=study, incidents_csv=SAFETY["incidents.csv"] + "i9,d1,2022-04-10,low\n"), "E105")
    assert (finding.rows, finding.column) == ((5,), "occurred")


def test_w112_two_systems(tmp_path: Path) -> None:
    rows = [f"i{k},d1,2022-0{1 + k // 10}-{1 + k % 10:02d},low,{'Datix' if k < 15 else 'LFPSE'}" for k in range(30)]
    text = "incident_id,dept_id,occurred,harm,system\n" + "\n".join(rows) + "\n"
    finding = one(good(tmp_path / "two", SAFETY, incidents_csv=text).findings, "W112")
    assert "Datix from 2022-01-01, LFPSE from 2022-02-06" in finding.message
    quiet(good(tmp_path / "one", SAFETY, incidents_csv=text.replace("LFPSE", "Datix")), "W112")
    stray = text.replace("LFPSE", "Datix").replace("i3,d1,2022-01-04,low,Datix", "i3,d1,2022-01-04,low,Paper")
    quiet(good(tmp_path / "stray", SAFETY, incidents_csv=stray), "W112")  # one report on paper is no change


def test_w112_and_w115_from_the_calendar(tmp_path: Path) -> None:
    base = safety(calendar="label,start,end,scope\nLFPSE,2022-02-10,,all\nCovid,2022-01-05,2022-02-20,all\nOld wave,2019-01-01,2019-05-01,all\n")
    found = good(tmp_path / "inside", base).findings
    assert (one(found, "W112").rows, one(found, "W115").rows) == ((2,), (3,))
    assert "Covid (2022-01-05 to 2022-02-20)" in one(found, "W115").message
    later = base["calendar.csv"].replace("2022", "2023")
    outside = good(tmp_path / "outside", base, calendar_csv=later)
    quiet(quiet(outside, "W112"), "W115")


def test_w111_the_factor_is_a_setting(tmp_path: Path) -> None:
    text = SAFETY["exposure.csv"].replace("690", "2800")
    assert one(good(tmp_path / "three", SAFETY, exposure_csv=text).findings, "W111").rows == (4,)
    quiet(good(tmp_path / "five", with_rules(SAFETY, "exposure_jump: 5"), exposure_csv=text), "W111")


# ---------------------------------------------------------------- matches and sessions


MATCHES = "match_id,mentor_id,mentee_id,start,end\nm1,s2,s1,2022-04-01,2022-08-31\nm2,s2,s3,,\n"
SESSIONS = "session_id,match_id,date,status\n" + "".join(f"x{k},m1,2022-0{4 + k // 10}-{10 + k % 10},held\n" for k in range(40))


def test_e116_and_r116_sessions_outside_their_match(tmp_path: Path) -> None:
    base = {**people(sessions=SESSIONS), "matches.csv": MATCHES}
    quiet(good(tmp_path / "clean", base), "R116")
    stray = SESSIONS + "y1,m1,2022-03-01,held\n"
    cohort = good(tmp_path / "few", base, sessions_csv=stray)
    assert one(cohort.findings, "R116").rows == (42,)
    assert repairs(cohort, "R116")["reason"].tolist() == ["before the match began"]
    assert len(cohort.table("sessions")) == 40
    finding = one(bad(tmp_path / "many", with_rules(base, "stray_sessions: 0.01"), sessions_csv=stray), "E116")
    assert "2% of the held sessions" in finding.message and "rules.stray_sessions" in finding.fix
    # what was cancelled did not take place
    quiet(good(tmp_path / "cancelled", base, sessions_csv=stray.replace("2022-03-01,held", "2022-03-01,cancelled")), "R116")
    ended = good(tmp_path / "ended", base, sessions_csv=SESSIONS + "y1,m1,2022-09-10,held\n")
    assert repairs(ended, "R116")["reason"].tolist() == ["after the match ended"]


def test_r116_after_the_mentee_had_left(tmp_path: Path) -> None:
    matches = MATCHES.replace("2022-08-31", "")
    cohort = good(tmp_path, {**people(sessions=SESSIONS + "y1,m1,2022-10-10,held\n"), "matches.csv": matches})  # s1 left on 2022-10-01
    assert repairs(cohort, "R116")["reason"].tolist() == ["after the mentee had left"]


def test_w117_a_start_from_the_first_session(tmp_path: Path) -> None:
    base = {**people(sessions=SESSIONS + "y1,m2,2022-06-01,no_show\ny2,m2,2022-06-15,held\ny3,m2,2022-07-15,held\n"), "matches.csv": MATCHES}
    cohort = good(tmp_path / "filled", base)
    assert one(cohort.findings, "W117").rows == (3,)
    assert cohort.table("matches")["start"].tolist()[1] == pd.Timestamp("2022-06-15")
    assert repairs(cohort, "W117")[["row", "before", "after"]].values.tolist() == [[3, "", "2022-06-15"]]
    left = good(tmp_path / "left", with_rules(base, "match_start: missing"))
    assert left.table("matches")["start"].isna().tolist() == [False, True]
    assert one(left.findings, "W117").rows == (3,)
    quiet(good(tmp_path / "offered", base, sessions_csv=SESSIONS), "W117")  # offered, never begun
    quiet(good(tmp_path / "mended", base, matches_csv=MATCHES.replace("m2,s2,s3,,", "m2,s2,s3,2022-06-15,")), "W117")


# ---------------------------------------------------------------- references


@pytest.mark.parametrize(
    ("table", "text", "column"),
    [
        ("sessions", "match_id,date\nm1,2022-05-01\nm9,2022-05-01\n", "match_id"),
        ("goals", "match_id,set_on\nm1,2022-05-01\nm9,2022-05-01\n", "match_id"),
        ("feedback", "match_id,date,role\nm1,2022-05-01,mentee\nm9,2022-05-01,mentee\n", "match_id"),
        ("training", "staff_id,competency,due\ns1,ils,2022-05-01\ns9,ils,2022-05-01\n", "staff_id"),
        ("survey_invites", "staff_id,wave\ns1,1\ns9,1\n", "staff_id"),
        ("surveys", "staff_id,wave,instrument,subscale,score\ns1,1,UWES,vigour,3\ns9,1,UWES,vigour,4\n", "staff_id"),
        ("projects", "project_id,staff_id,start\np1,s1,2022-05-01\np2,s9,2022-05-01\n", "staff_id"),
        ("career_events", "staff_id,date,event\ns1,2022-05-01,promotion\ns9,2022-05-01,promotion\n", "staff_id"),
    ],
)
def test_e006_every_id_that_has_a_home(tmp_path: Path, table: str, text: str, column: str) -> None:
    finding = one(bad(tmp_path / "bad", people(**{table: text})), "E006")
    assert (finding.table, finding.rows, finding.column) == (table, (3,), column)
    mended = text.replace("m9", "m1").replace("s9", "s2").replace("m1,2022-05-01\nm1,2022-05-01", "m1,2022-05-01\nm1,2022-05-02")
    mended = mended.replace("m1,2022-05-01,mentee\nm1,2022-05-01,mentee", "m1,2022-05-01,mentee\nm1,2022-05-02,mentee")
    good(tmp_path / "good", people(**{table: mended}))


@pytest.mark.parametrize(
    ("tables", "changed", "table", "column"),
    [
        ({}, {"matches_csv": "mentor_id,mentee_id,start\ns9,s1,2022-04-01\n"}, "matches", "mentor_id"),
        ({"mentors": "staff_id,capacity\ns9,2\n"}, {}, "mentors", "staff_id"),
        ({"collaboration": "from_id,to_id,date\ns9,s1,2022-05-01\n"}, {}, "collaboration", "from_id"),
        ({"collaboration": "from_id,to_id,date\ns1,s9,2022-05-01\n"}, {}, "collaboration", "to_id"),
    ],
)
def test_w006_people_from_outside_are_kept(tmp_path: Path, tables: dict, changed: dict, table: str, column: str) -> None:
    cohort = good(tmp_path, people(**tables), **changed)
    finding = one(cohort.findings, "W006")
    assert (finding.table, finding.rows, finding.column) == (table, (2,), column)
    assert len(cohort.table(table)) == 1


def test_a_mentor_of_the_mentors_table_is_known(tmp_path: Path) -> None:
    text = "mentor_id,mentee_id,start\ns9,s1,2022-04-01\n"
    cohort = good(tmp_path, people(mentors="staff_id,capacity\ns9,2\n"), matches_csv=text)
    assert [item.table for item in cohort.findings.of("W006")] == ["mentors"]


def test_programmes_are_a_home_too(tmp_path: Path) -> None:
    base = people(programmes="programme_id,version\nP,1\n")
    text = "programme_id,mentee_id,start\nP,s1,2022-04-01\nQ,s2,2022-04-01\n"
    assert one(bad(tmp_path / "bad", base, matches_csv=text), "E006").rows == (3,)
    good(tmp_path / "good", base, matches_csv=text.replace("Q,", "P,"))
    good(tmp_path / "none", base)  # no column, nothing to refer to


# ---------------------------------------------------------------- answers, follow-up, categories never seen


def survey(answered: dict[str, int], asked: int = 20) -> dict[str, str]:
    """``asked`` people with a mentor and as many without; of each so many answered."""
    ids = {arm: [f"{arm[0]}{k}" for k in range(asked)] for arm in ("mentored", "others")}
    staff = "staff_id\n" + "\n".join([*ids["mentored"], *ids["others"]]) + "\n"
    spells = "staff_id,dept_id,start\n" + "".join(f"{i},d1,2021-06-01\n" for arm in ids.values() for i in arm)
    matches = "mentee_id,start\n" + "".join(f"{i},2022-02-01\n" for i in ids["mentored"])
    invites = "staff_id,wave,invited_on\n" + "".join(f"{i},1,2022-06-01\n" for arm in ids.values() for i in arm)
    surveys = "staff_id,wave,instrument,subscale,score\n"
    surveys += "".join(f"{i},1,UWES,vigour,3\n" for arm, number in answered.items() for i in ids[arm][:number])
    return {**people(survey_invites=invites, surveys=surveys), "staff.csv": staff, "spells.csv": spells, "matches.csv": matches}


def test_w119_few_or_unequal_answers(tmp_path: Path) -> None:
    few = one(good(tmp_path / "few", survey({"mentored": 8, "others": 9})).findings, "W119")
    assert few.message == "wave 1: 42% of those invited answered"
    unequal = one(good(tmp_path / "unequal", survey({"mentored": 18, "others": 12})).findings, "W119")
    assert "90% of the mentored and 60% of the others" in unequal.message
    quiet(good(tmp_path / "enough", survey({"mentored": 16, "others": 15})), "W119")
    quiet(good(tmp_path / "settings", with_rules(survey({"mentored": 18, "others": 12}), "response_difference: 0.4")), "W119")
    quiet(good(tmp_path / "share", with_rules(survey({"mentored": 8, "others": 9}), "response_share: 0.3")), "W119")


def test_w124_an_immature_cohort(tmp_path: Path) -> None:
    text = "staff_id,dept_id,start\ns1,d1,2023-06-01\ns2,d1,2023-07-01\ns3,d1,2019-01-01\n"
    finding = one(good(tmp_path / "young", PEOPLE, spells_csv=text).findings, "W124")
    assert (finding.rows, finding.column) == ((2, 3), "start")
    assert "0% of those in their first year" in finding.message
    quiet(good(tmp_path / "setting", with_rules(PEOPLE, "mature_share: 0"), spells_csv=text), "W124")
    quiet(good(tmp_path / "older", PEOPLE, spells_csv=text.replace("2023-06-01", "2022-06-01")), "W124")
    quiet(good(tmp_path / "old", PEOPLE, spells_csv=text.replace("2023", "2018")), "W124")  # nobody's first year is in the window


def test_e125_a_category_never_seen_before(tmp_path: Path) -> None:
    levels = "levels: {grade: [Band 5, Band 6], gender: [f, m, not stated]}"
    study = PEOPLE["study.yaml"].replace("staff: staff.csv", f"staff: {{file: staff.csv, {levels}}}")
    staff = "staff_id,grade,gender\ns1,Band 5,f\ns2,Band 7,m\ns3,,Prefer not to say\n"
    finding = one(bad(tmp_path / "new", PEOPLE, staff_csv=staff, study_yaml=study), "E125")
    assert (finding.file, finding.rows, finding.column) == ("staff.csv", (3,), "grade")
    assert "'Band 7' (nearest known: 'Band" in finding.message
    assert "tables.staff.levels.grade" in finding.fix and "values: {grade: {Band 7: KNOWN LEVEL}}" in finding.fix
    for mended in (study.replace("Band 6]", "Band 6, Band 7]"), study.replace("levels: {", "values: {grade: {Band 7: Band 6}}, levels: {")):
        good(tmp_path / "good", PEOPLE, staff_csv=staff, study_yaml=mended)


def test_e125_of_covariates_of_an_aggregated_table(tmp_path: Path) -> None:
    study = "tables: {durations: {file: d.csv, covariates: [ward], levels: {ward: [a, b]}}}\n"
    text = "staff_id,time,event,ward\nx,1,1,a\ny,2,0,c\n"
    assert one(bad(tmp_path / "bad", {"study.yaml": study}, d_csv=text), "E125").rows == (3,)
    good(tmp_path / "good", {"study.yaml": study}, d_csv=text.replace("0,c", "0,b"))
