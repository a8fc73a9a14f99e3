"""docs/coverage.yaml: every promise once, and every answer in it is there."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from mentorship_eval.report.stored import load_answers
from tests.report.shared_run import RunOnce

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


def test_the_run_has_what_the_rows_point_at(ran: RunOnce) -> None:
    answers, _ = load_answers(ran.run)
    ids = {item.id for answer in answers.values() for item in (*answer.results, *answer.exhibits)}
    missing = [row["id"] for row in ANSWERED if not row.get("elsewhere") and not any(each.startswith(row["shows"]) for each in ids)]
    assert not missing


@pytest.mark.parametrize("row", [row for row in ANSWERED if row.get("elsewhere")], ids=lambda row: row["id"])
def test_what_the_shared_run_cannot_have_is_named_in_its_module_or_test(row):
    module = importlib.util.find_spec(f"mentorship_eval.questions.{row['module']}").origin
    texts = [Path(module).read_text(encoding="utf-8"), (ROOT / "tests" / row["test"].split("::")[0]).read_text(encoding="utf-8")]
    assert any(row["shows"] in text or row["shows"].rpartition(".")[0] in text for text in texts)


def test_the_page_is_made_from_the_table():
    assert table.PAGE.read_text(encoding="utf-8") == table.page(ROWS)
