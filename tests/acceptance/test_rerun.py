"""The same again is the same, byte for byte, wherever it is made; and with the next cohort, compare says what changed, by how much and why."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import call
from tests.report.releases import leavers, release
from tests.report.shared_run import ROOT, RunOnce

# answers of the incidents chapter, with nothing withheld, as text
ANSWER = """
import sys
from mentorship_eval import read_cohort
from mentorship_eval.report.answers import answer_chapters
from mentorship_eval.report.estimates import estimate_rows, estimates_csv
print(estimates_csv(estimate_rows(answer_chapters(read_cohort(sys.argv[1]), ["incidents"]).values(), [])))
"""


def elsewhere(place: Path) -> dict[str, str]:
    """Another time zone, language, order of sets, and cache than those of the tests."""
    place.mkdir()
    changed = {"TZ": "Pacific/Auckland", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "4711", "MENTORSHIP_EVAL_CACHE": str(place / "cache"),
               "PYTHONPATH": str(ROOT), "HOME": str(place)}  # fmt: skip
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONUTF8"}, **changed}


def moved(cohort: Path, place: Path) -> Path:
    """The same files, written in the opposite order, at another time."""
    place.mkdir(parents=True)
    for path in sorted(cohort.iterdir(), reverse=True):
        shutil.copyfile(path, place / path.name)
    return place


@pytest.mark.slow
def test_a_run_made_again_elsewhere_has_the_same_bytes(
    tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = leavers(tmp_path / "here" / "Riverside")
    words = ("run", cohort, "--out", tmp_path / "reports", "--chapters", "cohort,retention", "--jobs", 1)
    code, out, err = call(capsys, *words)
    assert code == 0, err
    run = Path(out.splitlines()[-1]).parent
    # run a second time, nothing is made anew, and the same folder is named
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    code, again, err = call(capsys, *words)
    assert again == out and "that report stands" in err
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before

    code, bundle, _ = call(capsys, "bundle", run, "--out", tmp_path / "bundle.zip")
    environment = elsewhere(tmp_path / "elsewhere")
    copy = moved(cohort, tmp_path / "elsewhere" / "data" / "Riverside")
    (copy / "looks.csv").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "mentorship_eval.cli", "verify", bundle.strip(), "--cohort", copy, "--rerun", "--redraw", "--strict", "--json"],
        cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [line for check in told["checks"] for line in check["details"]] == []
    assert {check["name"]: check["state"] for check in told["checks"]} == {
        "files": "ok", "manifest": "ok", "numbers": "ok", "no raw data": "ok", "code": "ok", "machine": "ok", "drawn again": "ok", "inputs": "ok",
        "no person": "ok", "run again: bytes": "ok", "run again: numbers": "ok",
    }  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (copy / "looks.csv").exists(), "to check a run is no look at the programme"


@pytest.mark.slow
def test_incidents_are_answered_with_the_same_digits_elsewhere(ran: RunOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mentorship_eval import read_cohort
    from mentorship_eval.report.answers import answer_chapters
    from mentorship_eval.report.estimates import estimate_rows, estimates_csv

    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(ran.cache))
    here = estimates_csv(estimate_rows(answer_chapters(read_cohort(ran.cohort), ["incidents"]).values(), []))
    environment = elsewhere(tmp_path / "elsewhere")
    copy = moved(ran.cohort, tmp_path / "elsewhere" / "data" / ran.cohort.name)
    done = subprocess.run([sys.executable, "-c", ANSWER, str(copy)], cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.rstrip("\n") == here.rstrip("\n"), done.stderr[-2000:]
    assert len(here.splitlines()) > 20


@pytest.fixture
def years(tmp_path: Path, own_cache: Path) -> tuple[Path, Path, Path, Path]:
    """Two cohorts of one programme, the second evaluated with the study file of the first but for its name; and a release of each."""
    old, new = leavers(tmp_path / "c2024", name="c2024"), leavers(tmp_path / "c2025", name="c2025", people=480, seed=2, ratio=0.8)
    return old, new, release(old, tmp_path / "reports"), release(new, tmp_path / "reports")


def test_the_next_cohort_is_compared_with_the_last(
    years: tuple[Path, Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, first, second = years
    code, out, err = call(capsys, "compare", first, second, "--cohort", old, new, "--out", tmp_path / "changes.csv")
    assert code == 0, err
    said = " ".join(out.split())
    assert "Only the data changed, so that is where every difference comes from." in said
    assert "table durations: other content" in said and "study.yaml, study.name: c2024 -> c2025" in said
    assert "rows of durations: 480 rows new, 360 gone, 0 the same" in said
    rows = {row["id"]: row for row in csv.DictReader((tmp_path / "changes.csv").open(encoding="utf-8", newline=""))}
    published = [
        {row["id"]: row for row in csv.DictReader((run / "estimates.csv").open(encoding="utf-8", newline=""))} for run in (first, second)
    ]
    hazard = rows["retention.group.yes"]
    assert hazard["change"] == "changed"
    assert [hazard["estimate_old"], hazard["estimate_new"]] == [each["retention.group.yes"]["estimate"] for each in published]
    assert float(hazard["ratio"]) == pytest.approx(float(hazard["estimate_new"]) / float(hazard["estimate_old"]))
    assert set(rows) == set(published[0]) | set(published[1])


def test_compared_with_itself_nothing_changed(years: tuple[Path, Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "compare", years[2], years[2])
    assert code == 0 and "Nothing that moves a number is different, and none did move." in " ".join(out.split())
    assert " changed" not in out.replace(" unchanged", "")


def test_data_and_plan_are_told_apart_by_answering_again(
    tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = leavers(tmp_path / "old")
    new = leavers(tmp_path / "new", people=520, ratio=0.9, plan=", horizons_days: [90, 182]")
    runs = release(old, tmp_path / "reports"), release(new, tmp_path / "reports")
    code, out, _ = call(capsys, "compare", *runs)
    said = " ".join(out.split())
    assert code == 0 and "The data and the plan changed at the same time" in said and "--explain" in said
    assert "plan.horizons_days: 182.5, 365.0, 730.0 -> 90.0, 182.0" in said
    code, out, err = call(capsys, "compare", *runs, "--cohort", old, new, "--explain", "--out", tmp_path / "c.json")
    assert code == 0, err
    said = " ".join(out.split())
    assert "taken apart below" in said and "cannot be told" not in said and all(len(line) < 100 for line in out.splitlines()[:-1])
    parts = {each["id"]: each for each in json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["explained"]}
    # horizons of curves do not enter a hazard ratio: all of its move comes from the data
    hazard = parts["retention.group.yes"]
    assert hazard["data"] == pytest.approx(hazard["whole"]) and abs(hazard["whole"]) > 0.01
    assert [hazard[name] for name in ("software", "plan", "rest")] == pytest.approx([0, 0, 0], abs=1e-12)
    for words in (["compare", *runs, "--explain"], ["compare", *runs, "--cohort", new, old], ["compare", *runs, "--out", tmp_path / "c.txt"],
                  ["compare", *runs, "--out", tmp_path / "c.json"], ["compare", tmp_path, runs[0]]):  # fmt: skip
        assert call(capsys, *words)[0] == 2, words
