"""Chapters answered by several processes: the same answers, the same errors, and one process where several would not be safe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mentorship_eval import forking
from mentorship_eval.cohort import read_cohort, simulate_cohort
from mentorship_eval.report import side_by_side
from mentorship_eval.report.answers import answer_chapters

SCRIPT = """
import sys
from mentorship_eval.cohort import read_cohort
from mentorship_eval.report import answers, side_by_side

side_by_side.ROWS = 0
cohort, told = read_cohort(sys.argv[1]), []
found = answers.answer_chapters(cohort, ["cohort", "equity"], told.append, jobs=2)
again = answers.answer_chapters(cohort, ["cohort", "equity"], told.append, jobs=1)
assert told[0].startswith("answering cohort, equity, 2 at a time") and len(told) == 3, told
for name in found:
    assert [(r.id, r.estimate.value, r.estimate.se) for r in found[name].results] == [
        (r.id, r.estimate.value, r.estimate.se) for r in again[name].results]
assert found["equity"].results

def broken(name, cohort, earlier):
    raise ZeroDivisionError(name) if sys.argv[2] == "raise" else SystemExit(__import__("os").abort())

if len(sys.argv) > 2:
    side_by_side.is_cached = lambda key: False
    try:
        print(side_by_side.answered_side_by_side(cohort, ["cohort", "equity"], 2, broken))
    except ZeroDivisionError:
        print("raised")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = simulate_cohort("default", seed=3, departments=6, staff=240, months=24, waves=(6, 10))
    return made.write(tmp_path_factory.mktemp("side") / "cohort")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux alone")
@pytest.mark.parametrize(("how", "said"), [("raise", "raised"), ("stop", "{}")])
def test_the_same_answers_and_errors_from_two_processes(folder: Path, tmp_path: Path, how: str, said: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, folder, how], capture_output=True, text=True, timeout=300,
        env={**os.environ, "MENTORSHIP_EVAL_CACHE": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == said


def test_one_process_where_there_are_threads_or_little_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(tmp_path))
    cohort = read_cohort(folder)

    def answer(*_):
        raise AssertionError("no process was to be started")

    assert side_by_side.answered_side_by_side(cohort, ["cohort", "equity"], 2, answer) == {}  # small
    monkeypatch.setattr(side_by_side, "ROWS", 0)
    monkeypatch.setattr(forking.threading, "active_count", lambda: 2)
    assert side_by_side.answered_side_by_side(cohort, ["cohort", "equity"], 2, answer) == {}
    monkeypatch.setattr(forking.threading, "active_count", lambda: 1)
    assert side_by_side.answered_side_by_side(cohort, ["cohort", "equity"], 1, answer) == {}
    answer_chapters(cohort, ["cohort"])
    assert side_by_side.answered_side_by_side(cohort, ["cohort", "summary"], 2, answer) == {}  # known, and in need of others
