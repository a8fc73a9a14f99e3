"""An equity report for publication: access, dose, pairs, gaps, and nowhere a group below the threshold, in no file and no output of a notebook."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort import read_cohort, simulate_cohort
from mentorship_eval.questions import answer_chapter
from mentorship_eval.report.stored import load_answers
from tests.program import call

pytestmark = pytest.mark.slow

ONLY = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "feedback")
SMALL = range(1, 11)  # of cms11
_CELL = re.compile(r"<t[dh][^>]*>\s*(\d[\d,]*)\s*</t[dh]>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = simulate_cohort("default", seed=4, departments=10, staff=700, months=30, waves=(6, 10), outcomes=True)
    study = {**made.study, "tables": {name: file for name, file in made.study["tables"].items() if name in ONLY}, "disclosure": {"profile": "cms11"}}
    return replace(made, tables={name: made.tables[name] for name in ONLY}, study=study).write(tmp_path_factory.mktemp("equity") / "cohort")


def _small(answer) -> list[tuple[str, str, float]]:
    """Counts below the threshold in results and in the declared columns of exhibits."""
    found = [(r.id, name, getattr(r.estimate, name)) for r in answer.results for name in ("n", "n_events") if getattr(r.estimate, name) in SMALL]
    for exhibit in answer.exhibits:
        for part, frame in exhibit.frames.items():
            counted = exhibit.counted.get(part)
            for column in counted.counts if counted else ():
                if column in frame:
                    values = pd.to_numeric(frame[column], errors="coerce")
                    found += [(exhibit.id, column, value) for value in values[values.isin(SMALL)]]
    return found


def test_no_group_below_the_threshold_anywhere(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _small(answer_chapter("equity", read_cohort(folder))), "the cohort has nothing to hide, so that this would prove nothing"
    code, out, err = call(capsys, "run", folder, "--out", tmp_path / "reports", "--chapters", "equity")
    assert code == 0, err
    run = Path(out.strip().splitlines()[-1]).parent
    answer = load_answers(run)[0]["equity"]
    shown = {item.id for item in (*answer.results, *answer.exhibits)}
    for beginning in ("equity.reach.gender", "equity.ratio.ethnicity_group", "equity.dose.gender", "equity.concordance.gender", "equity.reach.table"):
        assert any(name.startswith(beginning) for name in shown), beginning
    assert not _small(answer)

    for file in run.rglob("*.csv"):
        if file.name in ("disclosure_log.csv", "repair_log.csv"):
            continue
        frame = pd.read_csv(file)
        for column in {"people", "matched", "others", "mentees", "sessions", "pairs", "alike", "different", "free", "n", "n_events", "n_risk",
                       "n_event"} & set(frame):  # fmt: skip
            assert not pd.to_numeric(frame[column], errors="coerce").isin(SMALL).any(), (file.name, column)
    # the table of estimates counts departments too; what it says of people stands in estimates.csv, just read
    cells = re.split(r"<h2[^>]*>\s*Estimates", (run / "08_equity.html").read_text(encoding="utf-8"))[0]
    for cell in json.loads((run / "notebooks" / "08_equity.ipynb").read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []) if "chapter.estimates()" not in "".join(cell["source"]) else []:
            cells += "".join(output.get("data", {}).get("text/html", []))
    numbers = [int(text.replace(",", "")) for text in _CELL.findall(cells)]
    assert len(numbers) > 100 and not set(numbers) & set(SMALL)
    log = pd.read_csv(run / "disclosure_log.csv")
    assert (log["chapter"] == "equity").any() and not log["why"].str.contains("still narrow").any()
