"""By hand with papermill, Run All in JupyterLab, and a run: identical estimates."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mentorship_eval.cli.laboratory import copy_notebooks
from mentorship_eval.report.chapter import RUN_VARIABLE
from mentorship_eval.report.estimates import ESTIMATE_COLUMNS, ESTIMATES_MIME
from mentorship_eval.report.kernel import kernel_variables
from mentorship_eval.report.notebook_tools import load_notebook_tools
from mentorship_eval.report.parameters import NOTEBOOKS
from tests.browser import chromium
from tests.notebooks.lab import LabPage, jupyter_lab
from tests.report.shared_run import ROOT, RunOnce


def surroundings(folder: Path) -> dict[str, str]:
    """As a user at a terminal has them, but with a cache of its own, so that everything is computed again."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, **kernel_variables(folder), "MENTORSHIP_EVAL_CACHE": str(folder / "cache"),
                 "JUPYTER_CONFIG_DIR": str(folder / "config")}  # fmt: skip
    variables.pop(RUN_VARIABLE, None)
    return variables


def papermill(notebook: Path, target: Path, *parameters: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", str(notebook), str(target), "--no-progress-bar", *parameters]
    return subprocess.run(command, env=env, cwd=target.parent, capture_output=True, text=True, check=False)


def estimates_of(book: Path) -> list[dict[str, Any]]:
    """The rows that the notebook carries for programs."""
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    found = [output["data"][ESTIMATES_MIME] for cell in cells for output in cell.get("outputs", ())
             if ESTIMATES_MIME in output.get("data", {})]  # fmt: skip
    assert len(found) == 1
    return found[0]


def as_csv(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: "" if row[name] is None else str(row[name]) for name in ESTIMATE_COLUMNS} for row in rows]


def chapter_of_run(run: Path, chapter: str) -> list[dict[str, str]]:
    with (run / "estimates.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["chapter"] == chapter]


@pytest.fixture(scope="module")
def by_hand(ran: RunOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """02_retention executed by papermill's command, with a cache of its own."""
    folder = tmp_path_factory.mktemp("by-hand")
    target = folder / "out.ipynb"
    notebook = ROOT / "notebooks" / "02_retention.ipynb"
    done = papermill(notebook, target, "-p", "cohort", str(ran.cohort), env=surroundings(folder / "private"))
    assert done.returncode == 0, done.stderr[-2000:]
    return target


@pytest.mark.slow
def test_papermill_by_hand_equals_the_run(ran: RunOnce, by_hand: Path) -> None:
    rows = estimates_of(by_hand)
    assert len(rows) >= 2
    assert as_csv(rows) == chapter_of_run(ran.run, "retention")
    assert rows == estimates_of(ran.run / "notebooks" / "02_retention.ipynb")


@pytest.mark.slow
def test_nothing_of_the_progress_is_left_in_the_notebook(by_hand: Path) -> None:
    text = by_hand.read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    kinds = [[output["output_type"] for output in cell.get("outputs", ())] for cell in cells]
    assert all(kind in ([], ["execute_result"]) for kind in kinds), kinds
    assert "answering" not in text


@pytest.mark.slow
def test_by_hand_stands_under_a_banner(by_hand: Path) -> None:
    assert "Shown by hand: not yet passed through a run" in by_hand.read_text(encoding="utf-8")


def test_an_id_that_became_a_number_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_notebook_tools()
    from click.testing import CliRunner
    from papermill.cli import papermill as command  # papermill's own reading of the line, without a process of its own

    for name, value in surroundings(tmp_path / "private").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    notebook = ROOT / "notebooks" / "01_cohort.ipynb"
    done = CliRunner().invoke(command, [str(notebook), "out.ipynb", "--no-progress-bar", "-p", "cohort", "007"])
    assert done.exit_code != 0
    told = [output for cell in json.loads((tmp_path / "out.ipynb").read_text(encoding="utf-8"))["cells"]
            for output in cell.get("outputs", ()) if output["output_type"] == "error"]  # fmt: skip
    assert len(told) == 1
    assert told[0]["ename"] == "UsageError"
    assert "The parameter cohort is 7" in told[0]["evalue"]
    assert "-r cohort 007" in told[0]["evalue"]
    assert len(told[0]["traceback"]) == 1, "a traceback stands where one message should"


def a_reader_sees_figures_and_estimates(page: Any) -> None:
    """What JupyterLab shows: figures that have loaded and say what they show, the table of estimates, nothing raw."""
    figures = page.locator(".jp-OutputArea-output figure img")
    assert figures.count() >= 3
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        assert figure.is_visible()
        assert figure.evaluate("image => image.naturalWidth") > 0
        assert len(figure.get_attribute("alt") or "") > 20
    table = page.locator(".jp-OutputArea-output table", has=page.locator("caption", has_text="Estimates of this chapter"))
    assert table.count() == 1
    table.scroll_into_view_if_needed()
    assert table.is_visible()
    assert table.locator("tbody tr").count() >= 2
    kinds = page.locator(".jp-OutputArea-output").evaluate_all("outputs => outputs.map(output => output.dataset.mimeType)")
    assert set(kinds) == {"text/html"}, "an output is shown in a form that is not for readers"


@pytest.mark.browser
@pytest.mark.slow
def test_run_all_in_jupyterlab_equals_papermill_and_the_run(ran: RunOnce, by_hand: Path, tmp_path: Path) -> None:
    books = tmp_path / "books"
    assert len(copy_notebooks(books)) == len(NOTEBOOKS)
    shutil.copytree(ran.cohort, books / "small")
    book = books / "02_retention.ipynb"
    book.write_text(book.read_text(encoding="utf-8").replace('cohort = \\"data/demo\\"', 'cohort = \\"small\\"'), encoding="utf-8")
    private = tmp_path / "private"
    with chromium() as browser, jupyter_lab(books, private, surroundings(private)) as (address, token):
        lab = LabPage(browser.new_page(), book.name)
        lab.open(address, token)
        lab.note_progress()
        lab.run_all()
        lab.save(book)
        a_reader_sees_figures_and_estimates(lab.page)
        seen = lab.progress()
        lab.page.set_viewport_size({"width": 1280, "height": 900})
        lab.page.locator(".jp-OutputArea-output figure").first.scroll_into_view_if_needed()
        lab.page.screenshot(path=tmp_path / "jupyterlab.png")
    assert {"answering: sensitivity", "answering: subgroups"} <= {line.split(" …")[0] for line in seen}, seen
    assert "… (" not in book.read_text(encoding="utf-8")
    rows = estimates_of(book)
    assert rows == estimates_of(by_hand)
    assert as_csv(rows) == chapter_of_run(ran.run, "retention")
