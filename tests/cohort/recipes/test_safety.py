"""Incident exports and stays on units: Datix, NRLS, LFPSE, RLDatix, ADT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cohort.folders import one, repairs
from tests.cohort.recipes.exports import SAFE, accepted, refused, rows, safety


def files_of(table: str, recipe: str, data: str, more: str = "", **window: str) -> dict[str, str]:
    """A cohort whose ``table`` comes through a recipe; the other tables of SAFETY as they are."""
    others = {"incidents": "  exposure: exposure.csv\n", "exposure": "  incidents: incidents.csv\n"}[table]
    study = safety(f"  {table}: {{file: export.csv, recipe: {recipe}{more}}}\n{others}", **window)
    rest = {name: text for name, text in SAFE.items() if name != f"{table}.csv"}
    return {"study.yaml": study, "export.csv": data, **rest}


DATIX = """
ID,Incident date,Reported date,Location (exact),Category,Severity,Result,Approval status,Reporter's name,Description of event
1,10/01/2022,11/01/2022,d1,Fall,Low,Harm,Finally approved,Quentin Q,he fell
2,15/02/2022,16/02/2022,d1,Medication,None,Near Miss,Being reviewed,Quentin Q,it was late
2,15/02/2022,16/02/2022,d1,Medication,None,Near Miss,Being reviewed,Quentin Q,it was late
3,16/03/2022,18/03/2022,d2,Fall,No Harm,No Harm,Finally approved,Quentin Q,
4,16/03/2022,18/03/2022,d2,Fall,Severe,Harm,Rejected,Quentin Q,a copy
5,17/03/2022,18/03/2022,d2,Fall,Moderate,Near Miss,Closed,Quentin Q,odd
"""


def test_datix(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, files_of("incidents", "datix", DATIX))
    incidents = cohort.table("incidents")
    assert rows(incidents, "incident_id", "dept_id", "occurred", "reported", "category", "harm", "system") == [
        ("1", "d1", "2022-01-10", "2022-01-11", "Fall", "low", "Datix"),
        ("2", "d1", "2022-02-15", "2022-02-16", "Medication", "near_miss", "Datix"),
        ("3", "d2", "2022-03-16", "2022-03-18", "Fall", "none", "Datix"),
        # a near miss with moderate harm is what its severity says
        ("5", "d2", "2022-03-17", "2022-03-18", "Fall", "moderate", "Datix"),
    ]
    flow = cohort.flow[cohort.flow["table"] == "incidents"]
    assert flow[["removed", "kept"]].values.tolist() == [[0, 6], [1, 5], [1, 4]]
    assert repairs(cohort, "R113")["row"].tolist() == [4]
    near = repairs(cohort, "R128").query("after == 'near_miss'")
    assert near[["row", "before", "count"]].values.tolist() == [[3, "None", 2]]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("Low,Harm", "Terrible,Harm", "E108", "'Terrible': not among near_miss"),
        ("Finally approved", "Lost", "E108", "'Lost': the recipe does not say"),
        ("late\n2,15/02/2022,16/02/2022,d1,", "late\n2,15/02/2022,16/02/2022,d2,", "E101", "rows disagree on Location (exact)"),
        ("Severity", "How bad", "E004", "no column for harm: the recipe datix looks for 'Severity'"),
        ("Category", "Patient e-mail", "", ""),
    ],
)  # fmt: skip
def test_what_datix_does_not_know(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    files = files_of("incidents", "datix", DATIX.replace(old, new))
    if not code:
        assert "category" not in accepted(tmp_path, files).table("incidents")
        return
    found = refused(tmp_path, files).of(code)
    assert any(said in item.message for item in found), "\n".join(map(str, found))


NRLS = """
INCIDENTID,occurred_date,reported_date,IN05_LVL1,IN05_LVL2,PD05,PD09,IN07
7,2022-01-10,2022-01-12,Medication,Dose,d1,No Harm,she wrote to quentin@ward.nhs.uk
8,2022-02-10,2022-02-12,Patient accident,Fall,d2,Death,text
"""


def test_nrls(tmp_path: Path) -> None:
    incidents = accepted(tmp_path, files_of("incidents", "nrls", NRLS)).table("incidents")
    assert rows(incidents, "incident_id", "dept_id", "category", "harm", "system") == [
        ("7", "d1", "Medication", "none", "NRLS"),
        ("8", "d2", "Patient accident", "death", "NRLS"),
    ]
    second = files_of("incidents", "nrls", NRLS, ", columns: {category: IN05_LVL2}")
    assert accepted(tmp_path / "2", second).table("incidents")["category"].tolist() == ["Dose", "Fall"]


def test_nrls_degree_unknown(tmp_path: Path) -> None:
    assert one(refused(tmp_path, files_of("incidents", "nrls", NRLS.replace("Death", "6"))), "E108").column == "PD09"


LFPSE = """
Reference,Revision,EntityId,npatient,T005,reported_date,OT001,OT002,max_physical_harm_level,L006_ResponsibleSpecialty,F001_Description
R1,1,1,1,2022-01-10,2022-01-11,5,4,No physical harm,d1,text
R1,2,1,2,2022-01-10,2022-01-11,4,4,Severe physical harm,d1,text
R1,2,2,2,2022-01-10,2022-01-11,2,4,Severe physical harm,d1,text
R2,1,1,1,2022-02-10,2022-02-11,5,1,No physical harm,d2,text
R1,10,1,2,2022-01-10,2022-01-11,4,4,Moderate physical harm,d1,text
R1,10,2,2,2022-01-10,2022-01-11,3,4,Moderate physical harm,d1,text
"""


def test_lfpse_counts_events_of_the_latest_revision(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, files_of("incidents", "lfpse", LFPSE))
    # revision 10 comes after revision 2; psychological harm is not used
    assert rows(cohort.table("incidents"), "incident_id", "dept_id", "harm", "system") == [
        ("R2", "d2", "none", "LFPSE"),
        ("R1", "d1", "moderate", "LFPSE"),
    ]
    left = repairs(cohort, "R113").query("before == 'row'")
    assert sorted(left["row"]) == [2, 3, 4, 7]
    flow = cohort.flow[cohort.flow["table"] == "incidents"]
    assert flow[["reason", "removed"]].values.tolist()[1:] == [["an earlier revision of the event", 3], ["a further patient of the same event", 1]]


def test_lfpse_takes_the_worst_of_the_patients(tmp_path: Path) -> None:
    data = LFPSE.replace("max_physical_harm_level", "other").replace("R1,10,1,2,2022-01-10,2022-01-11,4", "R1,10,1,2,2022-01-10,2022-01-11,1")
    incidents = accepted(tmp_path, files_of("incidents", "lfpse", data)).table("incidents")
    assert rows(incidents, "incident_id", "harm") == [("R2", "none"), ("R1", "death")]


def test_lfpse_psychological_codes_are_no_degree_of_harm(tmp_path: Path) -> None:
    finding = one(refused(tmp_path, files_of("incidents", "lfpse", LFPSE, ", columns: {harm: OT002}")), "E004")
    assert "no fatal level" in finding.message
    words = """
Reference,Revision,occurred_date,max_psychological_harm_level,Ward
R1,1,2022-01-10,Severe psychological harm,d1
R2,1,2022-02-10,No psychological harm,d2
"""
    mapped = files_of("incidents", "lfpse", words, ", columns: {harm: max_psychological_harm_level}")
    assert rows(accepted(tmp_path / "2", mapped).table("incidents"), "harm") == [("severe",), ("none",)]


RL = """
File ID,Event Date,Entered Date,Department,General Event Type,Harm Score,Patient Name
1,01/13/2022,01/14/2022,d1,Fall,E,Quentin Q
2,02/13/2022,02/14/2022,d1,Medication,b,Quentin Q
3,03/14/2022,03/14/2022,d2,Medication,I,Quentin Q
"""


def test_rldatix_and_another_map_of_harm(tmp_path: Path) -> None:
    assert accepted(tmp_path, files_of("incidents", "rldatix", RL)).table("incidents")["harm"].tolist() == ["low", "near_miss", "death"]
    other = files_of("incidents", "rldatix", RL, ", values: {harm: {e: moderate}}")
    assert accepted(tmp_path / "2", other).table("incidents")["harm"].tolist() == ["moderate", "near_miss", "death"]
    assert one(refused(tmp_path / "3", files_of("incidents", "rldatix", RL.replace(",E,", ",J,"))), "E108").rows == (2,)


ADT = """
encounter_id,unit,in_time,out_time,NHS Number
e1,d1,2022-01-30 10:00,2022-02-02 09:00,943 476 5919
e1,d2,2022-02-02 09:00,2022-02-02 20:00,943 476 5919
e2,d1,2022-01-05 23:59,2022-01-06 00:01,943 476 5919
e3,d2,2022-03-30 12:00,,943 476 5919
e4,d2,2021-12-30 12:00,2022-01-02 12:00,943 476 5919
e5,d1,2021-11-01 12:00,2021-11-02 12:00,943 476 5919
e6,d1,2022-03-01,2022-03-03,943 476 5919
"""


def adt(data: str = ADT, more: str = "", **window: str) -> dict[str, str]:
    files = files_of("exposure", "adt", data, more, **{"extract": "2022-03-31", **window})
    # incidents only where patients are
    files["incidents.csv"] = "incident_id,dept_id,occurred,harm\ni1,d1,2022-01-10,low\n"
    return files


def test_patient_days_by_midnight(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, adt())
    assert rows(cohort.table("exposure"), "dept_id", "month", "patient_days") == [
        ("d1", "2022-01-01", 3.0),  # 30 and 31 January, and two minutes around one midnight
        ("d1", "2022-02-01", 1.0),
        ("d1", "2022-03-01", 2.0),
        ("d2", "2022-01-01", 1.0),  # the nights of December lie before the window
        ("d2", "2022-02-01", 0.0),  # there, but never at midnight
        ("d2", "2022-03-01", 2.0),  # up to the end of the extract date
    ]
    flow = cohort.flow[cohort.flow["table"] == "exposure"]
    assert flow[["rows_in", "removed", "kept"]].values.tolist() == [[7, 0, 7], [7, 1, 6]]  # six stays make six months of units


def test_patient_days_by_hours(tmp_path: Path) -> None:
    exposure = accepted(tmp_path, adt(more=", settings: {stays: {count: hours}}")).table("exposure")
    expected = [(14 + 24) / 24 + 2 / 1440, (24 + 9) / 24, 2.0, 1.5, 11 / 24, 1.5]
    np.testing.assert_allclose(exposure["patient_days"], expected, atol=1e-6)


def test_both_ways_agree_on_whole_days(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 60, 40), unit="D")
    length = pd.to_timedelta(rng.integers(1, 30, 40), unit="D")
    stay = pd.DataFrame({"unit": rng.choice(["d1", "d2"], 40), "in_time": start, "out_time": start + length})
    data = stay.to_csv(index=False)
    by_night = accepted(tmp_path / "a", adt(data)).table("exposure")
    by_hour = accepted(tmp_path / "b", adt(data, ", settings: {stays: {count: hours}}")).table("exposure")
    pd.testing.assert_frame_equal(by_night, by_hour)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("2022-02-02 20:00", "2022-02-01 20:00", "E105", "out 2022-02-01 20:00:00 is before in 2022-02-02 09:00:00"),
        ("2022-01-30 10:00", "30/01/2022 10:00", "E106", "not a time that can be read for certain"),
        ("e1,d1", "e1,", "E008", "unit is empty"),
        ("2022-01-05 23:59", "", "E008", "without the time of coming"),
        ("in_time", "came", "E004", "no column for in: the recipe adt looks for 'in_time'"),
    ],
)
def test_stays_that_stop(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    found = refused(tmp_path, adt(ADT.replace(old, new))).of(code)
    assert any(said in item.message for item in found), "\n".join(map(str, found))


def test_open_stays_need_the_day_of_the_extract(tmp_path: Path) -> None:
    files = adt()
    files["study.yaml"] = files["study.yaml"].replace(", extract: 2022-03-31", "")
    finding = one(refused(tmp_path, files), "E008")
    assert "1 stays have not ended" in finding.message and finding.rows == (5,)


def test_declared_times_and_two_units_at_once(tmp_path: Path) -> None:
    data = "encounter_id,unit,in_time,out_time\ne1,d1,30/01/2022 10:00,02/02/2022 09:00\ne1,d2,01/02/2022 08:00,02/02/2022 20:00\n"
    cohort = accepted(tmp_path, adt(data, ', dates: "%d/%m/%Y %H:%M"'))
    assert any("begin before the same encounter has left" in item.message and item.rows == (3,) for item in cohort.findings.of("W111"))
    assert rows(cohort.table("exposure"), "dept_id", "month", "patient_days") == [
        ("d1", "2022-01-01", 2.0),
        ("d1", "2022-02-01", 1.0),
        ("d2", "2022-02-01", 1.0),
    ]
