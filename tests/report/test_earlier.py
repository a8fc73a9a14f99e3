"""A refreshed cohort beside its earlier report: no difference of few can be read off the two; and what a profile does to a run folder."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from mentorship_eval.disclosure import Rule, rule_named
from mentorship_eval.errors import UsageError
from mentorship_eval.report import run_cohort
from mentorship_eval.report.earlier import earlier_runs, standing_run
from mentorship_eval.report.manifest import parts_of
from mentorship_eval.report.stored import load_answers
from tests.report.shared_run import RunOnce


@pytest.fixture(scope="module")
def again(ran: RunOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared cohort with three more people, under another profile, evaluated where its first report stands."""
    base = tmp_path_factory.mktemp("refreshed")
    cohort = Path(shutil.copytree(ran.cohort, base / ran.cohort.name))
    shutil.copytree(ran.out, base / "out", symlinks=True)
    staff = (cohort / "staff.csv").read_text(encoding="utf-8").splitlines()
    more = [line.replace(line.split(",")[0], f"{line.split(',')[0]}9") for line in staff[1:4]]
    (cohort / "staff.csv").write_text("\n".join([*staff, *more]) + "\n", encoding="utf-8")
    study = (cohort / "study.yaml").read_text(encoding="utf-8")
    (cohort / "study.yaml").write_text(re.sub(r"(?m)^disclosure:.*\n", "", study) + "disclosure: acro\n", encoding="utf-8")
    run = run_cohort(cohort, out=base / "out", chapters=["cohort"])
    assert run_cohort(cohort, out=base / "out", chapters=["cohort"]) == run, "what came after a run is no reason to make it again"
    return run


def people(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "tables" / "cohort-people.csv").open(encoding="utf-8", newline="")))


def test_counts_near_those_of_the_earlier_report_repeat_them(ran: RunOnce, again: Path) -> None:
    before, after = people(ran.run), people(again)
    assert before[0]["people"].isdigit() and after[0]["people"] == f"≈{int(before[0]['people']):,d}"
    now = int(before[0]["people"]) + 3
    log = list(csv.DictReader((again / "disclosure_log.csv").open(encoding="utf-8", newline="")))
    assert any(row["why"] == "earlier run" and row["item"] == "cohort.people" for row in log)
    for file in [*again.glob("*.html"), *again.glob("tables/cohort-people*.csv"), *again.glob("notebooks/*.ipynb")]:
        text = re.sub(r"base64,[A-Za-z0-9+/=\\n]+", "", file.read_text(encoding="utf-8"))
        assert not re.search(rf"(?<![\d.,#]){now}(?![\d.,%])", text), file.name


def test_the_earlier_report_is_an_input(ran: RunOnce, again: Path) -> None:
    manifest = json.loads((again / "manifest.json").read_text(encoding="utf-8"))
    [earlier] = manifest["further"]["earlier_runs"]
    assert earlier["run"] == ran.run.name and len(earlier["answers_sha256"]) == 64
    assert parts_of(manifest)["earlier_runs"] == [earlier]


def test_which_runs_are_compared(ran: RunOnce, again: Path, tmp_path: Path) -> None:
    parts = parts_of(json.loads((again / "manifest.json").read_text(encoding="utf-8")))
    here = again.parent
    assert [run.name for run in earlier_runs(here, parts, Rule(10))] == [ran.run.name]
    assert earlier_runs(here, parts, rule_named("opensafely")) == [] == earlier_runs(here, parts, rule_named("none"))
    assert earlier_runs(tmp_path, parts, Rule(10), [ran.run]) == [ran.run]
    assert standing_run(here, parts) == again and standing_run(here, parts, [ran.run]) == again and standing_run(tmp_path, parts) is None
    with pytest.raises(UsageError, match="is not there"):
        earlier_runs(here, parts, Rule(10), [tmp_path / "nothing"])


def test_acro_writes_no_vector_figures_and_hides_zeros(again: Path) -> None:
    assert list((again / "figures").glob("*.png")) and not list((again / "figures").glob("*.svg"))
    assert ".svg" not in (again / "01_cohort.html").read_text(encoding="utf-8").replace("image/svg", "")
    answers, _ = load_answers(again)
    for exhibit in answers["cohort"].exhibits:
        for frame in exhibit.frames.values():
            for column in {"people", "mentees", "read", "removed", "kept", "incidents"} & set(frame):
                assert all(isinstance(value, str) or value >= 10 for value in frame[column]), (exhibit.id, column)
