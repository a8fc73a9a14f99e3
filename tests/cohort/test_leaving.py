"""The level of leaving, on hand-made spells whose answers are worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.panels import leaver_panel
from mentorship_eval.errors import DataError, UsageError
from mentorship_eval.questions.retention.model_rows import cohort_episodes
from tests.cohort.folders import bad, good
from tests.cohort.test_episodes import cohorts, episodes, spells, staff_of, times

# 2022-01-01 is day 0 of the window; follow-up ends on day 364
MOVES = spells(
    ("dept", "D1", "2022-01-01", "2022-03-02", "transfer"), ("dept", "D2", "2022-03-03", "2022-05-01", "voluntary"),
    ("post", "D1", "2022-01-01", "2022-03-02", "transfer"), ("post", "D1", "2022-03-03", None, None),
    ("back", "D1", "2022-01-01", "2022-03-02", "voluntary"), ("back", "D1", "2022-03-12", None, None),
    ("gone", "D1", "2022-01-01", "2022-03-02", "voluntary"),
)  # fmt: skip


def ends(result) -> dict[str, tuple[float, str]]:
    return {row.staff_id: (row.stop, row.cause) for row in result.persons.itertuples()}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("organisation", {"dept": (120, "voluntary"), "post": (364, ""), "back": (364, ""), "gone": (60, "voluntary")}),
        ("department", {"dept": (60, "transfer"), "post": (364, ""), "back": (364, ""), "gone": (60, "voluntary")}),
        ("role", {"dept": (60, "transfer"), "post": (60, "transfer"), "back": (364, ""), "gone": (60, "voluntary")}),
    ],
)
def test_the_same_people_end_at_different_levels(level, expected):
    result = episodes(MOVES, level=level)
    assert ends(result) == expected
    assert result.leavers(result.outcome) == sum(cause in ("voluntary", "transfer") for _, cause in expected.values())


def test_hours_status_and_a_permanent_contract_are_the_same_post_and_the_bank_is_another():
    table = spells(
        ("hours", "D1", "2022-01-01", "2022-03-02", "transfer"), ("hours", "D1", "2022-03-03", None, None),
        ("leave", "D1", "2022-01-01", "2022-03-02", "transfer"), ("leave", "D1", "2022-03-03", None, None),
        ("fixed", "D1", "2022-01-01", "2022-03-02", "transfer"), ("fixed", "D1", "2022-03-03", None, None),
        ("bank", "D1", "2022-01-01", "2022-03-02", "transfer"), ("bank", "D1", "2022-03-03", None, None),
        ("role", "D1", "2022-01-01", "2022-03-02", "transfer"), ("role", "D1", "2022-03-03", None, None),
    ).assign(
        wte=[1.0, 0.6, 1, 1, 1, 1, 1, 1, 1, 0.8],
        status=[None, None, "Active", "Maternity", None, None, None, None, None, None],
        contract=["permanent"] * 4 + ["fixed_term", "permanent", "permanent", "bank", "permanent", "permanent"],
        role=["Nurse"] * 9 + ["Sister"],
    )  # fmt: skip
    found = {who: cause for who, (_, cause) in ends(episodes(table, level="role")).items()}
    assert found == {"hours": "", "leave": "", "fixed": "", "bank": "transfer", "role": "transfer"}


def test_a_planned_rotation_is_not_the_outcome():
    table = spells(("a", "D1", "2022-01-01", "2022-03-02", "transfer"), ("a", "D2", "2022-03-03", None, None)).assign(contract="rotational")
    result = episodes(table, level="department")
    assert ends(result) == {"a": (60, "rotation")} and result.leavers(result.outcome) == 0


def test_only_the_first_move_inside_follow_up_counts():
    table = spells(
        ("a", "D1", "2020-01-01", "2021-06-01", "transfer"), ("a", "D2", "2021-06-02", "2022-03-02", "transfer"),
        ("a", "D3", "2022-03-03", "2022-04-01", "transfer"), ("a", "D2", "2022-04-02", None, None),
        ("b", "D1", "2022-06-01", "2022-12-31", "transfer"), ("b", "D2", "2023-01-01", None, None),
    )  # fmt: skip
    result = episodes(table, level="department")
    assert times(result, "staff_id", "dept_id", "cause") == [(731, 791, "a", "D2", "transfer"), (0, 213, "b", "D1", "transfer")]
    assert dict(zip(result.spell_flow["reason"], result.spell_flow["removed"], strict=True))["began after the first move to another department"] == 3


def test_leaving_an_organisation_for_another_is_a_leave_of_it_and_not_of_the_profession():
    table = spells(("a", "D1", "2022-01-01", "2022-03-02", "voluntary"), ("a", "D9", "2022-03-03", None, None)).assign(
        org_id=["A", "B"], destination=["Elsewhere", None]
    )
    assert ends(episodes(table)) == {"a": (60, "voluntary")}
    assert ends(episodes(table, level="profession", destinations={"Elsewhere": "left"})) == {"a": (364, "")}
    inside = table.assign(leaving_reason=["transfer", None])
    assert ends(episodes(inside)) == {"a": (364, "")}


PROFESSION = spells(
    ("left", "D", "2022-01-01", "2022-03-02", "voluntary"), ("stayed", "D", "2022-01-01", "2022-03-02", "voluntary"),
    ("unsaid", "D", "2022-01-01", "2022-03-02", "voluntary"), ("unmapped", "D", "2022-01-01", "2022-03-02", "voluntary"),
    ("retired", "D", "2022-01-01", "2022-03-02", "retirement"), ("returned", "D", "2022-01-01", "2022-03-02", "retirement"),
    ("there", "D", "2022-01-01", None, None),
).assign(destination=["No employment", "another HOSPITAL ", None, "Mars", None, "Another hospital", None])  # fmt: skip
MEANING = {"No employment": "left", "Another hospital": "stayed"}


def test_the_profession_is_left_only_where_the_destination_says_so():
    result = episodes(PROFESSION, level="profession", destinations=MEANING)
    assert ends(result) == {
        "left": (60, "voluntary"), "stayed": (60, ""), "unsaid": (60, "unknown_destination"), "unmapped": (60, "unknown_destination"),
        "retired": (60, "retirement"), "returned": (60, ""), "there": (364, ""),
    }  # fmt: skip
    notes = {note.code: note.data for note in result.notes}
    assert notes["stayed_in_profession"]["persons"] == 2 and notes["unknown_destination"]["persons"] == 2
    assert result.leavers(result.outcome) == 1


def test_the_profession_cannot_be_told_without_destinations_or_their_meaning():
    with pytest.raises(DataError, match=r"no column destination.*spells\.destination"):
        episodes(PROFESSION.drop(columns="destination"), level="profession", destinations=MEANING)
    with pytest.raises(DataError, match="profession_destinations"):
        episodes(PROFESSION, level="profession")
    with pytest.raises(UsageError, match="level"):
        episodes(PROFESSION, level="career")


def test_the_panel_counts_the_outcome_of_its_level():
    plan = pd.DataFrame({"dept_id": ["D1"], "active_from": ["2022-06-01"]})
    for level, expected in (("organisation", 2), ("department", 2), ("role", 3)):
        made = leaver_panel(staff=staff_of(MOVES), spells=MOVES, rollout=plan, start="2022-01-01", end="2022-12-31", level=level)
        assert made.rows["leavers"].sum() == expected, level
    only = leaver_panel(staff=staff_of(MOVES), spells=MOVES, rollout=plan, start="2022-01-01", end="2022-12-31", level="role", cause="voluntary")
    assert only.rows["leavers"].sum() == 1


@settings(max_examples=40, deadline=None)
@given(cohorts(), st.sampled_from([0, 30]))
def test_a_narrower_level_never_lasts_longer(cohort, gap):
    table, _ = cohort
    stops = [episodes(table, level=level, bridge_gap=gap).persons.set_index("staff_id")["stop"] for level in ("organisation", "department", "role")]
    for wide, narrow in pairwise(stops):
        assert (narrow.reindex(wide.index) <= wide).all()


def slow_department(table: pd.DataFrame, person: str, gap: int) -> tuple[float, str]:
    """Day by day: the department of the person, until it changes or a gap is too long."""
    day = lambda date: (pd.Timestamp(date) - pd.Timestamp("2022-01-01")).days  # noqa: E731
    mine = [(day(r.start), 10**6 if pd.isna(r.end) else day(r.end), r.dept_id, r.leaving_reason) for r in table.itertuples() if r.staff_id == person]
    at = 0
    while at < len(mine):
        last = at
        while last + 1 < len(mine) and mine[last + 1][0] - mine[last][1] <= gap:
            last += 1
        hire, leave = mine[at][0], mine[last][1]
        if leave == hire:
            return -1.0, "half a day"
        if leave > max(hire, 0) and hire < 364:
            for spell, after in zip(mine[at:last], mine[at + 1 : last + 1], strict=True):
                if spell[1] > max(hire, 0) and spell[1] <= 364 and spell[2] != after[2]:
                    return float(spell[1] - hire), "transfer"
            return float(min(leave, 364) - hire), mine[last][3] if leave <= 364 else ""
        at = last + 1
    return -2.0, "not followed"


@settings(max_examples=60, deadline=None)
@given(cohorts())
def test_the_department_level_equals_a_walk_through_each_career(cohort):
    table, _ = cohort
    found = ends(episodes(table, level="department"))
    for person in table["staff_id"].unique():
        expected = slow_department(table, person, 30)
        if expected[0] == -1:
            continue
        assert found.get(person, (-2.0, "not followed")) == expected


STAFF = "staff_id,profession\ns1,nurse\ns2,nurse\n"
SPELLS = (
    "staff_id,dept_id,role,start,end,leaving_reason,destination\ns1,d1,Nurse,2022-01-10,2022-05-01,voluntary,None\n"
    "s1,d1,Sister,2022-05-02,,,\ns2,d1,Nurse,2022-01-10,2022-05-01,voluntary,Abroad\n"
)


def test_a_change_of_post_survives_reading(tmp_path: Path):
    study = "study: {name: T, start: 2022-01-01, end: 2022-12-31}\ntables: {staff: staff.csv, spells: spells.csv, matches: matches.csv}\n"
    study += "plan: {leaving: role}\ndisclosure: none\n"
    files = {"study.yaml": study, "staff.csv": STAFF, "spells.csv": SPELLS}
    cohort = good(tmp_path, {**files, "matches.csv": "mentee_id,mentor_id,start\ns2,s1,2022-02-01\n"})
    assert cohort.study.plan.leaving == "role"
    assert cohort.table("spells")["leaving_reason"].fillna("").tolist() == ["transfer", "", "voluntary"]


@pytest.mark.parametrize(("rule", "days"), [("keep", 363.0), ("remove", 179.0)])
def test_maternity_leave_is_never_leaving_under_either_rule(tmp_path: Path, rule: str, days: float):
    study = "study: {name: T, start: 2022-01-01, end: 2022-12-31}\ntables: {staff: staff.csv, spells: spells.csv, matches: matches.csv}\n"
    text = "staff_id,dept_id,start,end,status\ns1,d1,2021-01-10,2022-03-01,Active\ns1,d1,2022-03-02,2022-09-01,Maternity\ns1,d1,2022-09-02,,Active\n"
    files = {"study.yaml": study + f"rules: {{suspended: {rule}}}\ndisclosure: none\n", "staff.csv": "staff_id\ns1\n", "spells.csv": text}
    cohort = good(tmp_path, {**files, "matches.csv": "mentee_id,mentor_id,start\ns1,s1,2022-02-01\n"})
    result = cohort_episodes(cohort)
    assert result.persons["cause"].tolist() == [""]
    assert result.person_days == days + 1 and result.rows["stop"].iloc[-1] == 720


@pytest.mark.parametrize(
    ("keys", "word"),
    [("plan: {leaving: career}", "leaving"), ("rules: {profession_destinations: {Abroad: gone}}", "profession_destinations")],
)
def test_a_level_or_meaning_that_does_not_exist_is_refused(tmp_path: Path, keys: str, word: str):
    study = f"study: {{name: T, start: 2022-01-01, end: 2022-12-31}}\ntables: {{staff: staff.csv, spells: spells.csv}}\n{keys}\n"
    findings = bad(tmp_path, {"study.yaml": study, "staff.csv": STAFF, "spells.csv": SPELLS})
    assert any(word in finding.column for finding in findings.of("E001"))
