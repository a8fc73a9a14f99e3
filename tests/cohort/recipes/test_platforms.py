"""Mentoring platforms: people joined by work e-mail through a key file, and no address anywhere afterwards."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import pytest

from mentorship_eval.cli import main
from mentorship_eval.cohort.cohort import check_cohort
from tests.cohort.folders import PEOPLE, one, repairs
from tests.cohort.recipes.exports import accepted, everything, people, put, refused, rows

KEY = """
email,staff_id
Zoraida.Quill@trust.example,s1
zoraida.married@trust.example,s1
wilhelmina@trust.example,s2
xerxes@trust.example,s3
"""
LOOPS = """
Loop ID,Program,Mentor Name,Mentor Email,Mentee Name,Mentee Email,Match Date,End Date,Status,Close Reason,Match Type
L1,Nurses,Wilhelmina Ray,wilhelmina@trust.example,Zoraida Quill,zoraida.quill@TRUST.example,2022-04-01,,Active,,Smart
L2,Nurses,Xerxes Sun,xerxes@trust.example,Zoraida Quill, zoraida.married@trust.example ,2022-06-01,2022-09-01,Closed,Moved,Manual
L3,Nurses,Xerxes Sun,xerxes@trust.example,Wilhelmina Ray,wilhelmina@trust.example,2022-06-01,,Draft,,Self
"""
RATINGS = """
Loop ID,Participant Email,Submitted,Role,MQS
L1,zoraida.quill@trust.example,2022-05-01,mentee,80
L1,wilhelmina@trust.example,2022-05-01,mentor,70
L2,zoraida.quill@trust.example,2022-07-01,mentee,55.5
"""
BASE = {name: PEOPLE[name] for name in ("staff.csv", "spells.csv")}


def study(tables: str) -> str:
    return people("  staff: staff.csv\n  spells: spells.csv\n" + tables, start="2022-01-01", end="2023-12-31")


MENTORLOOP = {
    "study.yaml": study("  matches: {file: loops.csv, recipe: mentorloop}\n  feedback: {file: mqs.csv, recipe: mentorloop}\n"),
    "loops.csv": LOOPS,
    "mqs.csv": RATINGS,
    "people_key.csv": KEY,
    **BASE,
}
SECRETS = ("@", "zoraida", "wilhelmina", "xerxes", "quill", "trust.example")


def no_secret(text: str) -> None:
    found = [word for word in SECRETS if word in text.casefold()]
    assert not found, found


def test_mentorloop(tmp_path: Path) -> None:
    cohort = accepted(tmp_path, MENTORLOOP)
    assert rows(cohort.table("matches"), "match_id", "programme_id", "mentor_id", "mentee_id", "start", "end", "end_reason", "method") == [
        ("L1", "Nurses", "s2", "s1", "2022-04-01", None, None, "algorithm"),
        ("L2", "Nurses", "s3", "s1", "2022-06-01", "2022-09-01", "Moved", "manual"),
    ]
    assert cohort.table("matches")["relationship_type"].tolist() == ["mentoring", "mentoring"]
    assert rows(cohort.table("feedback"), "match_id", "date", "role", "mqs") == [
        ("L1", "2022-05-01", "mentee", 80.0),
        ("L1", "2022-05-01", "mentor", 70.0),
        ("L2", "2022-07-01", "mentee", 55.5),
    ]
    replaced = repairs(cohort, "R121").query("after == 'id'")
    assert replaced[["column", "count"]].values.tolist() == [["mentor_id", 3], ["mentee_id", 3]]


def test_no_address_survives(tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    findings, cohort = check_cohort(put(tmp_path, MENTORLOOP))
    assert cohort is not None
    no_secret(everything(findings, cohort))
    no_secret(caplog.text + "".join(capsys.readouterr()))
    whole = pickle.dumps(cohort)
    assert not [word for word in (b"@trust", b"oraida", b"ilhelmina", b"erxes", b"Quill") if word in whole]
    for more in ((), ("--json",)):
        with pytest.raises(SystemExit):
            main(["check", str(tmp_path), *more])
        no_secret("".join(capsys.readouterr()))
    for frame in cohort.tables.values():
        for name in frame.columns:
            no_secret(name + " ".join(frame[name].dropna().astype(str)))


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "said"),
    [
        ("people_key.csv", "xerxes@trust.example,s3", "", "E006", "Mentor Email: 2 addresses are not in the key file"),
        ("people_key.csv", "wilhelmina@trust.example,s2", "wilhelmina@trust.example,s2\nWilhelmina@trust.example,s9", "E101", "several people"),
        ("people_key.csv", "xerxes@trust.example,s3", "xerxes@trust.example,", "E008", "an address without an id"),
        ("people_key.csv", "s3", "xerxes@trust.example", "E121", "e-mail addresses for ids"),
        ("people_key.csv", "email,staff_id", "mail box,person", "E004", "no column for the e-mail address"),
        ("people_key.csv", KEY.lstrip(), "", "E002", "the key file"),
        ("people_key.csv", KEY.lstrip(), "someone@trust.example,someone@trust.example\n", "E002", "cannot be read as a table"),
        ("loops.csv", LOOPS.lstrip().splitlines(keepends=True)[0], "", "E121", "the header row is a row of data"),
        ("loops.csv", "Match Type", "Invited by", "", ""),
        ("loops.csv", ",Smart", ",wilhelmina@trust.example", "E121", "e-mail addresses"),
        ("loops.csv", "Active", "wilhelmina", "E108", "the recipe does not say whether"),
        ("loops.csv", ",Active,,Smart", ",Active,,Smart,more", "E002", "fields"),
        ("loops.csv", "Loop ID,Program", "Loop ID,Pro,gram", "E121", "the column's name says"),
    ],
)
def test_what_stops_never_tells_an_address(tmp_path: Path, file: str, old: str, new: str, code: str, said: str) -> None:
    files = {**MENTORLOOP, file: MENTORLOOP[file].lstrip().replace(old, new)}
    findings, cohort = check_cohort(put(tmp_path, files))
    text = everything(findings, cohort)
    assert "@" not in text
    if not code:
        assert cohort is not None
        return
    assert cohort is None
    assert any(said in item.message for item in findings.of(code)), str(findings)
    if code != "E108":
        no_secret(text)


def test_an_address_without_a_key_is_told_by_its_row(tmp_path: Path) -> None:
    files = {**MENTORLOOP, "people_key.csv": KEY.replace("xerxes@trust.example,s3\n", "")}
    finding = one(refused(tmp_path, files), "E006")
    assert finding.file == "loops.csv" and finding.rows == (3, 4)
    no_secret(str(finding))


@pytest.mark.parametrize(("rule", "mentors"), [("blank", ["s2", None]), ("leave_out", ["s2"])])
def test_people_from_outside(tmp_path: Path, rule: str, mentors: list) -> None:
    settings = f"settings: {{key: {{unknown: {{mentor_id: {rule}}}}}}}"
    files = {**MENTORLOOP, "people_key.csv": KEY.replace("xerxes@trust.example,s3\n", ""), "mqs.csv": RATINGS.replace("L2", "L1")}
    files["study.yaml"] = MENTORLOOP["study.yaml"].replace("loops.csv, recipe: mentorloop", f"loops.csv, recipe: mentorloop, {settings}")
    cohort = accepted(tmp_path, files)
    assert [cell[0] for cell in rows(cohort.table("matches"), "mentor_id")] == mentors
    if rule == "leave_out":
        assert "people who are not in the key file" in cohort.flow["reason"].tolist()


def test_the_key_file_may_stand_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "safe", {"key.csv": KEY})
    files = {name: text for name, text in MENTORLOOP.items() if name != "people_key.csv"}
    settings = "settings: {key: {file: '${KEYS}/key.csv'}}"
    files["study.yaml"] = MENTORLOOP["study.yaml"].replace("loops.csv, recipe: mentorloop", f"loops.csv, recipe: mentorloop, {settings}")
    assert "KEYS is not set" in one(refused(tmp_path / "a", files), "E002").message
    monkeypatch.setenv("KEYS", str(tmp_path / "safe"))
    findings, cohort = check_cohort(put(tmp_path / "b", files))
    assert cohort is not None
    assert str(tmp_path) not in everything(findings, cohort).replace(str(cohort.folder), "")


def test_a_key_file_is_no_database_and_no_password_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "postgresql://me:word@host/keys")
    settings = "settings: {key: {file: '${KEYS}'}}"
    files = {**MENTORLOOP, "study.yaml": study(f"  matches: {{file: loops.csv, recipe: mentorloop, {settings}}}\n")}
    found = [str(item) for item in refused(tmp_path, files).of("E002")]
    assert any("is a file, and no database" in text for text in found) and not any("word" in text for text in found)


def test_the_key_file_and_the_recipe_enter_the_hash(tmp_path: Path) -> None:
    first = accepted(tmp_path / "a", MENTORLOOP)
    assert {"mentorloop.yaml", "people_key.csv"} <= set(first.files["file"])
    again = accepted(tmp_path / "b", MENTORLOOP)
    other = accepted(tmp_path / "c", {**MENTORLOOP, "people_key.csv": KEY + "another@trust.example,s3\n"})
    assert first.hash == again.hash != other.hash


def test_a_report_with_ids_needs_no_key(tmp_path: Path) -> None:
    loops = "Loop ID,Mentor No,Mentee No,Match Date\nL1,s2,s1,2022-04-01\n"
    tables = "  matches: {file: loops.csv, recipe: mentorloop, columns: {mentor_id: Mentor No, mentee_id: Mentee No}}\n"
    cohort = accepted(tmp_path, {"study.yaml": study(tables), "loops.csv": loops, **BASE})
    assert rows(cohort.table("matches"), "mentor_id", "mentee_id") == [("s2", "s1")]


CHRONUS = """
Connection ID,Mentor Email Address,Mentee Email Address,Started On,Closed On,Status,Reason for Closure,Mentoring Connection Name
C1,wilhelmina@trust.example,zoraida.quill@trust.example,01/04/2022,13/09/2022,Closed,Goals met,Zoraida & Wilhelmina
C2,xerxes@trust.example,zoraida.quill@trust.example,01/10/2022,,Proposed,,Zoraida & Xerxes
"""
MEETINGS = "Connection ID,Meeting Date,Duration,Status,Attendees\nC1,15/04/2022,45,Completed,Zoraida\nC1,15/05/2022,,Canceled,Zoraida\n"


def test_chronus(tmp_path: Path) -> None:
    tables = '  matches: {file: c.csv, recipe: chronus, dates: "%d/%m/%Y"}\n  sessions: {file: m.csv, recipe: chronus, dates: "%d/%m/%Y"}\n'
    files = {"study.yaml": study(tables), "c.csv": CHRONUS, "m.csv": MEETINGS, "people_key.csv": KEY, **BASE}
    findings, cohort = check_cohort(put(tmp_path, files))
    assert cohort is not None, str(findings)
    no_secret(everything(findings, cohort))
    assert rows(cohort.table("matches"), "match_id", "mentor_id", "mentee_id", "start", "end", "end_reason") == [
        ("C1", "s2", "s1", "2022-04-01", "2022-09-13", "Goals met")
    ]
    assert rows(cohort.table("sessions"), "match_id", "date", "minutes", "status") == [
        ("C1", "2022-04-15", 45.0, "held"),
        ("C1", "2022-05-15", None, "cancelled"),
    ]
    bad = refused(tmp_path / "2", {**files, "m.csv": MEETINGS.replace("Canceled", "Postponed")})
    assert "'Postponed'" in one(bad, "E108").message


PUSHFAR = """
Relationship ID,Mentor Name,Mentor Email,Mentee Email,Programme,Match Date,End Date,Status,Total Meetings,Last Meeting Date,Goals Set,Goals Completed
P1,Wilhelmina Ray,wilhelmina@trust.example,zoraida.quill@trust.example,Nurses,2022-04-01,,Active,4,2022-08-01,3,1
P2,Xerxes Sun,xerxes@trust.example,wilhelmina@trust.example,Nurses,2022-05-01,,Declined,0,,0,0
"""


def test_pushfar(tmp_path: Path) -> None:
    files = {"study.yaml": study("  matches: {file: p.csv, recipe: pushfar}\n"), "p.csv": PUSHFAR, "people_key.csv": KEY, **BASE}
    cohort = accepted(tmp_path, files)
    assert rows(cohort.table("matches"), "match_id", "mentor_id", "mentee_id", "start") == [("P1", "s2", "s1", "2022-04-01")]
    assert "status" not in cohort.table("matches")
    finding = one(refused(tmp_path / "2", {**files, "p.csv": PUSHFAR.replace("Declined", "Dormant")}), "E108")
    assert finding.rows == (3,)
