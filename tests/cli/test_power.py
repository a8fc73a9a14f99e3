"""The verb power at the terminal: a cohort, a design on paper, and every way of asking wrongly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mentorship_eval.cli import powering
from tests.did.panels import simulated_panel
from tests.program import call

ROOT = Path(__file__).resolve().parents[2]
PAPER = ("--departments", 14, "--months", 18, "--exposure", 900, "--rate", 3, "--waves", "7:4,11:4")
QUICK = ("--replicates", 30)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Counts by department and month, in two outcomes."""
    folder = tmp_path_factory.mktemp("counts")
    frame = simulated_panel(seed=4, log_irr=-0.4).rename(columns={"unit": "ward", "period": "month", "events": "harm_events"})
    frame["falls"] = frame["harm_events"] // 2
    frame.drop(columns="true_mean_untreated").to_csv(folder / "counts.csv", index=False)
    (folder / "study.yaml").write_text(
        "study: {name: Wards}\ntables:\n  counts:\n    file: counts.csv\n"
        "    columns: {dept_id: ward, period: month, active_from: start, exposure: days}\n"
        "    outcomes: {harm: harm_events, falls: falls}\n",
        encoding="utf-8",
    )
    return folder


def test_a_design_on_paper_is_a_table_of_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "power", *PAPER, *QUICK, "--ratios", "0.6,0.8,1.25")
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if re.match(r" +[01]\.?\d* +\d+ %", line)]
    assert [row[0] for row in rows] == ["0.6", "0.8", "1", "1.25"]
    assert "no effect: the size of the test" in out and "Monte-Carlo" in out
    assert "14 departments over 18 months, 8 of them treated in 2 waves" in " ".join(lines)
    assert "restate the p-value" in " ".join(lines) and "or lower" in out


def test_noise_that_is_stated_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--overdispersion", 0.4, "--autocorrelation", 0.5, "--seed", 7)
    code, out, _ = call(capsys, "power", *PAPER, *QUICK, *words)
    assert code == 0
    assert "overdispersion 0.40 (as stated), autocorrelation 0.50 (as stated)" in " ".join(out.split())
    assert "30 simulations, seed 7" in " ".join(out.split())


def test_json_holds_what_the_table_shows(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "power", *PAPER, *QUICK, "--ratios", "0.7", "--json", "--waves", "7:2,11:2")
    assert code == 0
    found = json.loads(out)
    assert [row["ratio"] for row in found["table"]] == [0.7, 1.0]
    assert found["table"][1]["role"] == "size" and found["size"] == found["table"][1]["power"]
    assert found["test"] == "permutation" and found["warnings"][0]["code"] == "few_treated"
    assert found["minimum_detectable"][1]["ratio"] is None  # none above 1 was tried: not NaN, which is no JSON
    assert found["design"]["units"] == 14 and found["replicates"] == 30


def test_a_cohort_of_counts(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "power", cohort, *QUICK)
    assert code == 0, err
    assert out.startswith("Wards: harm per exposure\n")
    text = " ".join(out.split())
    assert "12 departments over 24 months" in text and "(estimated, SE" in text
    assert not re.search(r"\bD\d\d\b", out)  # no department is named
    other = call(capsys, "power", cohort, *QUICK, "--outcome", "falls")[1]
    assert other.startswith("Wards: falls per exposure") and other != out


def test_a_roll_out_to_come_in_the_departments_of_a_cohort(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "power", cohort, *QUICK, "--waves", "6:4,9:3", "--months", 15)
    assert code == 0, err
    assert out.startswith("Wards: harm per exposure, a roll-out to come\n")
    assert "12 departments over 15 months, 7 of them treated in 2 waves" in " ".join(out.split())


def test_small_numbers_of_events_are_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = simulated_panel(seed=4, rate=0.02, overdispersion=0).rename(columns={"unit": "ward"})
    untreated = int(frame.loc[~(frame["period"] >= frame["start"]), "events"].sum())
    assert 1 < untreated < 10
    frame.drop(columns="true_mean_untreated").to_csv(tmp_path / "counts.csv", index=False)
    (tmp_path / "study.yaml").write_text(
        "study: {name: Rare}\ntables:\n  counts:\n    file: counts.csv\n"
        "    columns: {dept_id: ward, period: period, active_from: start, exposure: days}\n    outcomes: {harm: events}\n",
        encoding="utf-8",
    )
    code, out, err = call(capsys, "power", tmp_path, *QUICK)
    assert code == 0, err
    text = " ".join(out.split())
    assert "rest on fewer than 10 events" in text and "untreated cells with fewer than 10 events" in text
    assert not re.search(r"\b\d events", text)
    shown = json.loads(call(capsys, "power", tmp_path, *QUICK, "--json")[1])
    assert shown["design"]["expected_untreated"] is None and shown["design"]["rate"] is None and shown["design"]["units"] == 12


def test_the_demo_cohort(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "power", ROOT / "data" / "demo", "--replicates", 20, "--ratios", "0.7,0.9", "--json", "--outcome", "no_harm")
    assert code == 0, err
    found = json.loads(out)
    assert found["title"].endswith("no harm per patient days") and found["design"]["units"] == 128
    assert 0.7 < found["minimum_detectable"][0]["ratio"] < 1


WRONG = {
    "nothing": ((), 2, "needs a cohort or a design on paper"),
    "half a design": (("--departments", 20, "--months", 12), 2, "also needs --exposure, --rate, --waves"),
    "waves in words": ((*PAPER[:-1], "12-8"), 2, "is not a list of month:departments"),
    "wave too late": ((*PAPER[:-1], "40:8"), 2, "begins in period 40"),
    "too many departments": ((*PAPER[:-1], "7:30"), 2, "30 units of 14"),
    "ratios in words": ((*PAPER, "--ratios", "0.7,high"), 2, "is not a list of numbers"),
    "ratio of nothing": ((*PAPER, "--ratios", "0"), 2, "ratios holds"),
    "negative rate": ((*PAPER, "--rate", -1), 2, "rate is -1"),
    "noise out of bounds": ((*PAPER, "--autocorrelation", 1.5), 2, "autocorrelation is 1.5"),
    "outcome on paper": ((*PAPER, "--outcome", "harm"), 2, "--outcome chooses among a cohort's outcomes"),
    "not a number": (("--departments", "many"), 2, "not a valid integer"),
    "no such cohort": (("nowhere",), 1, "nowhere"),
    "one treated": ((*PAPER[:-1], "7:1"), 1, "Only one unit is treated"),
    "everybody at once": ((*PAPER[:-1], "7:14"), 1, "no treated cell that can be compared"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_use_is_one_line_with_the_way_out(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, expected, text = WRONG[kind]
    code, out, err = call(capsys, "power", *words)
    assert code == expected and out == ""
    assert text in err and err.count("\n") == 1 and err.startswith("mentorship-eval: ") and "Traceback" not in err


def test_wrong_use_of_a_cohort(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "power", cohort, "--outcome", "harms")
    assert code == 2 and "no outcome 'harms'" in err and "harm, falls" in err
    code, _, err = call(capsys, "power", cohort, "--rate", 2)
    assert code == 2 and "--rate" in err and "Give one of the two" in err
    code, _, err = call(capsys, "power", cohort, "--months", 12)
    assert code == 2 and "--months of a cohort" in err and "--waves" in err
    code, _, err = call(capsys, "power", cohort, "--waves", "7:50")
    assert code == 2 and "50 units of 12" in err
    (tmp_path / "study.yaml").write_text("study: {name: Leavers}\ntables: {durations: durations.csv}\n", encoding="utf-8")
    (tmp_path / "durations.csv").write_text("staff_id,time,event,mentored,dept_id\na,10,1,0,x\nb,20,0,1,x\n", encoding="utf-8")
    code, _, err = call(capsys, "power", tmp_path)
    assert code == 1 and "add" in err and "incidents" in err


def test_progress_is_told_on_stderr_of_long_work_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(powering, "_TELL_EVERY", 0.0)
    code, out, err = call(capsys, "power", *PAPER, *QUICK, "--json")
    assert code == 0 and json.loads(out)
    lines = err.splitlines()
    assert len(lines) == 28 and re.match(r"\[ +\d+\.\d s\] 2 of 30 simulations, about \d+ s to go", lines[0])


def test_help_is_cheap_and_shows_a_line_to_copy() -> None:
    program = (
        "import sys\nfrom mentorship_eval.cli import main\n"
        "try: main(['power', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'matplotlib', 'papermill', 'pydantic'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("loaded: []")
    assert "mentorship-eval power --departments 24 --months 36 --exposure 900 --rate 2 --waves 12:8,18:8" in done.stdout
    assert len(set(re.findall(r"--[a-z-]+", done.stdout))) >= 14
