"""The first chapter tells what happened to the records: findings by kind, repairs in sums, rows that reconcile."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.cohort_records import _few, flow_exhibits
from mentorship_eval.report.exhibits import draw
from tests.cohort.folders import PEOPLE, good


@pytest.fixture(scope="module")
def untidy(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    people = [f"t{i},{'f' if i % 2 else ''},{'NURSE' if i < 14 else 'nurse'},{'' if i < 12 else 'no'}" for i in range(40)]
    staff = PEOPLE["staff.csv"] + "\n".join([*people, people[-1], people[-1]]) + "\n"
    return good(tmp_path_factory.mktemp("c") / "c", PEOPLE, staff_csv=staff)


def test_findings_of_one_kind_are_one_line_and_their_rows_add_up(untidy: Cohort) -> None:
    rows = answer_chapter("cohort", untidy).exhibit("cohort.findings").frames["rows"]
    assert rows["count"].sum() == sum(item.count for item in untidy.findings)
    assert not rows.duplicated(["what", "file", "message"]).any()
    assert list(rows["kind"]) == sorted(rows["kind"], key=["repaired", "to be known"].index)
    (nurse,) = rows[rows["what"].str.startswith("R108")].to_dict("records")
    assert (nurse["count"], nurse["column"]) == (14, "profession")


def test_repairs_in_sums_are_those_of_the_log(untidy: Cohort) -> None:
    rows = answer_chapter("cohort", untidy).exhibit("cohort.repairs").frames["rows"]
    assert rows["count"].sum() == untidy.repair_log["count"].sum() > 0
    assert len(rows) < len(untidy.repair_log)
    assert rows.set_index("what")["count"].filter(like="R102").tolist() == [2]


def test_the_flow_is_a_table_that_reconciles_and_ends_at_the_tables(untidy: Cohort) -> None:
    rows = answer_chapter("cohort", untidy).exhibit("cohort.flow_rows").frames["rows"]
    assert (rows["read"] - rows["removed"] == rows["kept"]).all()
    assert rows.groupby("table")["kept"].last().to_dict() == {name: len(frame) for name, frame in untidy.tables.items()}


def test_small_numbers_are_withheld_in_columns_and_in_sentences(untidy: Cohort) -> None:
    [shown], _ = protect([answer_chapter("cohort", untidy)], Rule(10))
    repairs = shown.exhibit("cohort.repairs").frames["rows"]
    assert "2" not in repairs["count"].astype(str).tolist()
    assert _few("3 of 400 without gender, 12 more, in 2024-01-09, row 'd 7'", 10) == "<10 of 400 without gender, 12 more, in 2024-01-09, row 'd 7'"
    assert _few("of 150 people, not 1,500 or 15.5", 200) == "of <200 people, not 1,500 or 15.5"
    assert _few("departments (2): d2, W3, #4, 0.5", 10) == "departments (<10): d2, W3, #4, 0.5"


def test_nothing_found_is_no_table(tmp_path: Path) -> None:
    answer = answer_chapter("cohort", good(tmp_path / "c", PEOPLE))
    for name in ("findings", "repairs", "looks"):
        assert answer.exhibit(f"cohort.{name}") is None


def test_rows_that_a_step_adds_are_a_column_and_no_small_number(untidy: Cohort) -> None:
    """An assignment split around a larger one makes rows: as a negative number removed it would pass below every threshold."""
    flow = untidy.flow_steps
    more = replace(untidy, flow_steps=deepcopy(flow))
    last = len(untidy.tables["staff"])
    more.flow_steps.step("staff", "assignments split around a larger one", last, last + 3)
    private = flow_exhibits(more)
    for exhibit in private:
        [frame] = exhibit.frames.values()
        assert (frame[["removed", "added"]].to_numpy() >= 0).all() and frame["added"].iloc[-1] == 3
    [public], _ = protect([Answer("cohort", "Cohort", exhibits=tuple(private))], Rule(10))
    for exhibit in public.exhibits:
        [frame] = exhibit.frames.values()
        assert frame["added"].iloc[-1] == "<10" and str(last) not in frame["kept"].astype(str).tolist()
        assert draw(exhibit) is not None
    assert "added" not in flow_exhibits(untidy)[0].frames["flow"]
