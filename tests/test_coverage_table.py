"""docs/coverage.yaml: every promise once, and every answer in it is there."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mentorship_eval.cohort.study.choices import ForecastChoice
from mentorship_eval.questions import CHAPTERS, answer_chapter
from mentorship_eval.questions.answer import Answer
from tests.questions.cohorts import simulated

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import coverage_table as table  # noqa: E402

sys.path.remove(str(ROOT / "tools"))
ROWS = table.read_rows()
ANSWERED = [row for row in ROWS if "module" in row]


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_promise_stands_once():
    expected = {f"O{i}" for i in range(1, 28)} | {f"P{i}" for i in range(1, 10)} | {f"C{i}" for i in range(1, 22)} | {f"F{i}" for i in range(1, 11)}
    assert sorted(row["id"] for row in ROWS) == sorted(expected) and len(ROWS) == 67
    assert all(row["quote"] and row["concept"] and ("module" in row) != ("open" in row) for row in ROWS)


def test_no_two_rows_share_an_estimand():
    for name in ("estimand", "shows"):
        values = [row[name] for row in ANSWERED]
        assert len(values) == len(set(values)), sorted({value for value in values if values.count(value) > 1})


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["id"])
def test_a_row_points_at_a_module_a_notebook_and_a_test(row):
    assert importlib.util.find_spec(f"mentorship_eval.questions.{row['module']}") is not None
    assert (ROOT / "notebooks" / f"{row['notebook']}.ipynb").is_file()
    file, name = row["test"].split("::")
    assert name in functions(ROOT / "tests" / file)
    assert re.match(r"[a-z_.0-9]+$", row["shows"]) and len(row["estimand"]) > 20


@pytest.fixture(scope="module")
def answered() -> dict[str, frozenset[str]]:
    """Ids of all results and exhibits by notebook, of a cohort that has every table and plan that any row needs."""
    made = simulated("default", 3, departments=40, staff=4000, months=36, outcomes=True, innovated=True, delivered=True, paired=True,
                     handoffs=(0.25, 1.25))  # fmt: skip
    plan = made.study.plan.model_copy(update={"forecasts": ForecastChoice(enabled=True, months=4)})
    tables = {**made.tables, "exposure": made.table("exposure").assign(items_dispensed=2000.0)}
    cohort = replace(made, tables=tables, study=made.study.model_copy(update={"plan": plan}))
    answers: dict[str, Answer] = {}
    for name, chapter in CHAPTERS.items():
        answers[name] = answer_chapter(name, cohort, {each: answers[each] for each in chapter.needs})
    return {CHAPTERS[name].notebook: frozenset(item.id for item in (*answer.results, *answer.exhibits)) for name, answer in answers.items()}


@pytest.mark.slow
def test_its_chapter_has_what_a_row_points_at(answered: dict[str, frozenset[str]]) -> None:
    def there(row: dict[str, str]) -> bool:
        return any(each == row["shows"] or each.startswith(f"{row['shows']}.") for each in answered[row["notebook"]])

    assert not [(row["id"], row["shows"]) for row in ANSWERED if not there(row)]
    # the guard itself: a name that nothing has, the beginning of a word, another chapter
    first = next(row for row in ANSWERED if row["id"] == "O2")
    assert not any(there({**first, **wrong}) for wrong in ({"shows": "retention.nothing"}, {"shows": "retention.being_ment"},
                                                            {"notebook": "03_incidents"}))  # fmt: skip


def test_the_page_is_made_from_the_table():
    assert table.PAGE.read_text(encoding="utf-8") == table.page(ROWS)
