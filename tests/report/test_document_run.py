"""The documents of a run: there, whole, with the numbers of estimates.csv and the numbers of figures and tables that the pages have."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from xml.etree import ElementTree

import pytest

from mentorship_eval.estimate import format_number
from mentorship_eval.report.lint import LeakError, scan
from mentorship_eval.report.numbering import exhibit_numbers
from mentorship_eval.report.stored import load_answers
from tests.program import call
from tests.report.shared_run import RunOnce

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def paragraphs(ran: RunOnce) -> list[str]:
    with zipfile.ZipFile(ran.run / "report.docx") as archive:
        body = ElementTree.fromstring(archive.read("word/document.xml"))
    return ["".join(each.text or "" for each in paragraph.iter(f"{W}t")) for paragraph in body.iter(f"{W}p")]


def test_every_estimate_stands_in_the_document_as_in_the_csv(ran: RunOnce, paragraphs: list[str]) -> None:
    with (ran.run / "estimates.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["estimate"] and row["ci_low"] and row["ci_high"]]
    assert len(rows) > 40
    cells = set(paragraphs)
    for row in rows:
        value, low, high = (format_number(float(row[name])) for name in ("estimate", "ci_low", "ci_high"))
        shown = {f"{value} ({low} to {high})", f"{value} ({float(row['ci_level']) * 100:g} % CI {low} to {high})"}
        assert shown & cells, row["id"]


def test_figures_and_tables_have_the_numbers_of_the_pages(ran: RunOnce, paragraphs: list[str]) -> None:
    answers, _ = load_answers(ran.run)
    numbers = {exhibit: number for answer in answers.values() for exhibit, number in exhibit_numbers(answer).items()}
    assert len(numbers) > 40
    for exhibit, number in numbers.items():
        assert [text for text in paragraphs if text.startswith(f"{number}. ")], exhibit
    page = (ran.run / "02_retention.html").read_text(encoding="utf-8")
    on_page = re.findall(r'<a class="number"[^>]*>((?:Figure|Table) [\d.]+)\.</a>', page)
    in_document = [found[0] for text in paragraphs if (found := re.match(r"(?:Figure|Table) 2\.\d+(?=\. )", text))]
    assert on_page and on_page == in_document


def test_documents_are_in_the_manifest_and_linked(ran: RunOnce) -> None:
    index = (ran.run / "index.html").read_text(encoding="utf-8")
    for name in ("report.pdf", "report.docx"):
        assert f'href="{name}"' in index
        assert f'"{name}"' in (ran.run / "manifest.json").read_text(encoding="utf-8")
    assert (ran.run / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_the_last_look_reads_word_files(tmp_path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<w:t>Person N-12345 was there</w:t>")
    (tmp_path / "report.docx").write_bytes(stream.getvalue())
    with pytest.raises(LeakError, match=r"report\.docx holds 1 raw id"):
        scan(tmp_path, [], frozenset({"N-12345"}))


def test_a_document_that_fails_is_our_failure_and_leaves_nothing(ran: RunOnce, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(ran.cache))
    monkeypatch.setattr("mentorship_eval.report.document.pdf._TEMPLATE", tmp_path / "broken.typ")
    (tmp_path / "broken.typ").write_text("#let x = unknown-name", encoding="utf-8")
    code, _, said = call(capsys, "run", ran.cohort, "--out", tmp_path / "out", "--chapters", "cohort")
    assert code == 3 and "report.pdf could not be set" in said and "unknown variable" in said
    assert not (tmp_path / "out").exists()
