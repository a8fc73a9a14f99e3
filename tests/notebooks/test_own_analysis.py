"""The notebook that `mentorship-eval new` writes: it runs as it stands on a cohort whose tables are filled in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mentorship_eval.cli.starting import OWN_NOTEBOOK, new_cohort
from mentorship_eval.report.notebook_tools import load_notebook_tools
from tests.notebooks.test_three_ways import papermill, surroundings
from tests.report.shared_run import ROOT, RunOnce

SOURCE = ROOT / "mentorship_eval" / "resources" / "starting" / OWN_NOTEBOOK


def outputs_of(book: Path) -> dict[str, list[dict]]:
    return {cell["id"]: cell.get("outputs", []) for cell in json.loads(book.read_text(encoding="utf-8"))["cells"]}


@pytest.mark.slow
def test_the_notebook_runs_as_it_stands_on_filled_templates(ran: RunOnce, tmp_path: Path) -> None:
    folder = tmp_path / "Ward study"
    new_cohort(str(folder), None)
    study = folder / "study.yaml"
    text = study.read_text(encoding="utf-8").replace("end: 2024-12-31", "end: 2024-06-30")
    study.write_text(text, encoding="utf-8")
    for table in folder.glob("*.csv"):
        shutil.copyfile(ran.cohort / table.name, table)
    done = papermill(folder / OWN_NOTEBOOK, folder / "out.ipynb", env=surroundings(tmp_path / "private"))
    assert done.returncode == 0, done.stderr[-2000:]
    outputs = outputs_of(folder / "out.ipynb")
    for cell in ("read", "findings", "people", "cox", "months", "rates", "figure"):
        assert len(outputs[cell]) == 1, cell
        assert "text/html" in outputs[cell][0]["data"], f"{cell} is shown as plain text"
    for cell, words in {"cox": "hazard ratio", "rates": "rate ratio", "people": "person-years"}.items():
        assert words in "".join(outputs[cell][0]["data"]["text/html"]).lower(), cell
    assert "<figure" in "".join(outputs["figure"][0]["data"]["text/html"])
    assert {path.suffix for path in (folder / "my_figures").iterdir()} == {".png", ".svg", ".pdf"}


def test_empty_templates_are_told_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_notebook_tools()
    from mentorship_eval import read_cohort
    from mentorship_eval.cohort import CohortError

    new_cohort(str(tmp_path / "new"), None)
    monkeypatch.chdir(tmp_path / "new")
    with pytest.raises(CohortError) as caught:
        read_cohort(".")
    assert len(caught.value._render_traceback_()) == 1


def test_the_notebook_is_stripped_and_thin() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    book = json.loads(text)
    assert text == json.dumps(book, indent=1, ensure_ascii=False) + "\n"
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert all(len(cell["source"]) <= 12 for cell in code)
    assert ["".join(cell["source"]) for cell in code if cell["metadata"].get("tags") == ["parameters"]] == ['cohort = "."']
