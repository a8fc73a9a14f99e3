"""What counts as a direct identifier, and what only looks like one: both sides of every rule."""

from __future__ import annotations

import time

import pytest

from mentorship_eval.cohort.checks.identifying import PSEUDONYM, Column, identifying_name

NAMES_THAT_TELL = (
    "NHS Number", "nhs_no", "Patient NHS Number",
    "Email", "Work E-mail", "work_email_address", "Surname", "ForeName", "First Name", "name", "Staff Name",
    "Mentor Name", "Line Manager Name", "RecipientFirstName", "DOB", "Date of Birth", "DateOfBirth", "Birthdate", "Telephone", "Mobile Number",
    "Home Phone", "Postcode", "Home Post Code", "Home Address", "Address Line 1", "NI Number", "National Insurance No", "NMC PIN", "GMC Number",
    "Registration Number", "IPAddress", "Passport Number",
)  # fmt: skip
NAMES_THAT_DO_NOT = (
    "staff_id",
    "Person Ref", "ward_name", "Programme Name", "birth_year", "Year of Birth", "registration_date", "Registration Status", "Mobile Worker",
    "telephone_triage_calls", "emails_sent", "email_count", "names_checked", "postcode_district", "Unique Nhs Identifier", "Employee Number",
    "phone_survey", "pinned", "homes visited", "addressed", "nominations", "surname_changed_twice", "dobutamine",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES_THAT_TELL)
def test_names_of_columns_that_identify(name: str) -> None:
    assert identifying_name(name)


@pytest.mark.parametrize("name", NAMES_THAT_DO_NOT)
def test_names_of_columns_that_do_not(name: str) -> None:
    assert not identifying_name(name)


@pytest.mark.parametrize("cell", ["a" * 40_000 + "@", "@" + "a" * 40_000, "x@" + "a." * 20_000 + "1", "." * 40_000 + "@", "123 " * 10_000])
def test_a_long_cell_takes_no_long_time(cell: str) -> None:
    # quadratic in the length this takes half a minute; in proportion to it, milliseconds
    begun = time.process_time()
    column = Column("notes")
    column.look([cell])
    assert column.verdict() == ("", set()) and time.process_time() - begun < 2


FOUND = {
    "e-mail addresses": [["x", "y", "call a.o'neil@trust.nhs.example please"]],
    "valid NHS numbers": [["9434765919", "4010232137"], ["NHS 943 476 5919 seen"], ["943-476-5919", ""]],
    "telephone numbers": [
        ["07700 900123", "07700900456", "+44 20 7946 0958"], ["020 7946 0958", "0161 496 0000"], ["(212) 555-0123", "212-555-0198"]],
    "National Insurance numbers": [["AB123456C", "AB 12 34 56 D"]],
    "full postcodes": [["SW1A 1AA", "M1 1AE", "B33 8TH"], ["SW1A1AA", "EC1A1BB"]],
    "nursing registration numbers": [["98I1234E", "04A0012S"]],
    "names of people": [["Dr A. Jones", "Mrs Mary Smith-Brown", "Miss O'Hara"]],
}
LET_THROUGH = [
    ["10mg@0.5ml", "2 @ 5.00", "ward@night"],
    ["1234567890", "1234567891", "1234567892"],
    ["007712345678", "007712345679", "007712345680"],  # ids with leading zeros
    ["2022-01-10", "2022-01-11"],
    ["0123456789", "0123456790"],
    ["S10AB", "S11AB"],  # codes of wards
    ["SW1A", "M1", "B33"],  # a district is not an address
    ["RJ122", "RJ123", "R1A01"],
    ["123456A", "98Z1234E"],
    ["Staff Nurse", "Ward Manager", "Sister In Charge", "Dr not stated"],
    ["Emergency Department", "General Surgery", "Saint Mary", "Acute Medicine"],
    ["Near miss", "Miss of a dose"],
    ["1.5", "-2.25", "+3.75"],
    ["(1,234)", "12,345,678"],
    ["x", "07700 900123", "y", "z"],  # one value by chance is not a column of them
]


@pytest.mark.parametrize(("what", "values"), [(what, values) for what, columns in FOUND.items() for values in columns])
def test_values_that_identify(what: str, values: list[str]) -> None:
    column = Column("remarks")
    column.look(values)
    found, shown = column.verdict()
    assert found == what
    assert shown <= {value.strip() for value in values} and shown


@pytest.mark.parametrize("values", LET_THROUGH, ids=lambda values: values[0])
def test_values_that_only_look_like_it(values: list[str]) -> None:
    for name in ("remarks", "dept_id"):
        column = Column(name)
        column.look(values)
        assert column.verdict() == ("", set())


def test_words_are_names_only_where_people_stand() -> None:
    people = ["Jane Smith", "Smith, John", "Anna-Maria O'Neil", "Jürgen Müller"]
    for column in (Column("mentor_id", person=True), Column("Mentor"), Column("Line Manager")):
        column.look(people)
        assert column.verdict()[0] == "names of people"
    specialty = Column("specialty")
    specialty.look(people)
    assert specialty.verdict()[0] == ""
    roles = Column("reporter")
    roles.look(["Staff Nurse", "Ward Manager", "Junior Doctor", "Health Visitor"])
    assert roles.verdict()[0] == ""
    codes = Column("mentor_id", person=True)
    codes.look(["S 12", "mentor 7", "M-004", "AX QZ9"])
    assert codes.verdict()[0] == ""


def test_portions_add_up_and_few_values_are_kept() -> None:
    whole, portions = Column("x"), Column("x", keep=3)
    values = [f"person{i}@trust.example" for i in range(50)]
    whole.look(values)
    for start in range(0, 50, 10):
        portions.look(values[start : start + 10])
    assert whole.counts == portions.counts == {"e-mail addresses": 50}
    assert len(whole.verdict()[1]) == 50 and len(portions.verdict()[1]) == 3


def test_pseudonyms_and_flags_make_a_telling_name_harmless() -> None:
    ours = Column("Email")
    ours.look(["p" + "a2" * 13, "p" + "z7" * 13])
    assert all(PSEUDONYM.fullmatch(text) for text in ("p" + "a2" * 13,)) and ours.harmless
    flags = Column("Verified Email")
    flags.look(["yes", "No", " TRUE "])
    assert flags.harmless
    mixed = Column("Email")
    mixed.look(["p" + "a2" * 13, "anything else"])
    assert not mixed.harmless
    empty = Column("Surname")
    empty.look(["", " "])
    assert empty.harmless
