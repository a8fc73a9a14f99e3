"""Journey: nurse retention for publication. One notebook by papermill with a file of parameters shows all that a paper needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mentorship_eval import simulate_cohort
from mentorship_eval.report.estimates import ESTIMATES_MIME
from tests.report.shared_run import ROOT

pytestmark = pytest.mark.slow

# what the page must show, by the words of its captions or headings
SHOWN = (
    "The target trial of being mentored", "Causes of leaving since hire", "Still employed", "The immortal-time audit", "Proportional hazards",
    "The claim of 25 % better retention", "at risk",
)  # fmt: skip
TOLD = (
    "retention.being_mentored", "retention.naive_hire", "retention.still_employed.12", "retention.still_employed.24", "retention.landmark.rmst",
    "retention.left_by.voluntary.12", "retention.horizon_difference.12",
)  # fmt: skip


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict]]:
    """All HTML of the executed notebook, and its rows of estimates."""
    base = tmp_path_factory.mktemp("publication")
    made = simulate_cohort(departments=16, staff=2400, months=36, uptake_delay=1.5, seed=2)
    study = {**made.study, "tables": {name: made.study["tables"][name] for name in ("staff", "departments", "spells", "matches", "rollout")}}
    study["disclosure"] = "none"  # of so few people hardly a number from the landmark may leave; the journal's pack is tested under protection
    type(made)({name: made.tables[name] for name in study["tables"]}, made.truth, study, made.parameters).write(base / "c2024")
    (base / "c2024.yaml").write_text("cohort: c2024\n", encoding="utf-8")
    command = [sys.executable, "-m", "papermill", str(ROOT / "notebooks/02_retention.ipynb"), "out.ipynb", "-f", "c2024.yaml", "--no-progress-bar"]
    done = subprocess.run(command, cwd=base, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    notebook = json.loads((base / "out.ipynb").read_text(encoding="utf-8"))
    outputs = [out.get("data", {}) for cell in notebook["cells"] if cell["cell_type"] == "code" for out in cell["outputs"]]
    html = "\n".join("".join(data.get("text/html", "")) for data in outputs)
    rows = next(data[ESTIMATES_MIME] for data in outputs if ESTIMATES_MIME in data)
    return html, rows


def test_everything_that_a_paper_needs_is_shown(executed: tuple[str, list[dict]]) -> None:
    html, _ = executed
    assert [words for words in SHOWN if words.lower() not in html.lower()] == []


def test_every_number_that_a_paper_quotes_has_its_interval(executed: tuple[str, list[dict]]) -> None:
    rows = {row["id"]: row for row in executed[1]}
    assert [name for name in TOLD if name not in rows] == []
    for name in TOLD:
        row = rows[name]
        assert row["ci_low"] < row["estimate"] < row["ci_high"], name
    assert rows["retention.naive_hire"]["estimate"] < rows["retention.being_mentored"]["ci_low"], "what immortal time does"
    assert "strata" in rows["retention.being_mentored"]["method"] and "jackknife" in rows["retention.being_mentored"]["method"]


def test_the_claim_is_held_against_the_estimate(executed: tuple[str, list[dict]]) -> None:
    html, rows = executed
    ratio = next(row["estimate"] for row in rows if row["id"] == "retention.being_mentored")
    assert "more than everybody would stay" in html and f"{ratio:.2f} (" in html
    source = (ROOT / "notebooks/02_retention.ipynb").read_text(encoding="utf-8")
    assert source.count('"outputs": []') > 5, "the notebook itself stays stripped"
