"""report.pdf and report.docx from small answers: what stands in them, for every reader, and the same bytes twice."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Gap, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.report.document import About, build_document
from mentorship_eval.report.document.blocks import Box, Contents, Document, Heading, Paragraph, Picture, Table
from mentorship_eval.report.document.pdf import TypesettingError, pdf_bytes
from mentorship_eval.report.document.word import docx_bytes
from mentorship_eval.report.document.write import write_documents

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
ODD = "Ward #7 *A* & <B> $x_1$ \\alpha @cite [link] `code` “ü” ≤ 5 % — −1"  # every sign that a markup could take for its own
ABOUT = About(
    name="Riverside & <Friends>", label="riverside", window="2022-01-01 to 2024-12-31", key="0123456789ab", version="9.9",
    disclosure="Counts of 1 to 9 are withheld.", facts=(("Command", "mentorship-eval run riverside"), ("Software", "python 3.11")),
)  # fmt: skip
OFF = "No disclosure control: do not publish."


def _answers() -> dict[str, Answer]:
    def result(name: str, value: float, **more) -> Result:
        estimate = Estimate(value=value, ci_low=0.9 * value, ci_high=1.1 * value, p_value=0.02, scale="hazard ratio", method="m", n=1234,
                            n_events=321, estimand=f"Hazard of {name}", **more)  # fmt: skip
        return Result(f"retention.{name}", "retention", f"hazard of {name}", "staff", estimate, f"{name} label")

    results = [result("leaving", 0.8123, warnings=(Caution("few", "Few clusters here."),)), result("other", 1.456)]
    frame = pd.DataFrame({"group": ["Nurses", ODD, "Doctors"], "n": [12345, "<10", 30], "share": [0.25, float("nan"), 0.5]})
    formats = {"n": "count", "share": "percent"}
    retention = Answer(
        "retention", "Retention", lead=(Statement(results[0].estimate.statement(), see=("retention.forest",)), Statement(ODD)),
        results=tuple(results), exhibits=(forest_exhibit("retention.forest", f"Forest {ODD}", results),
                                          table_exhibit("retention.follow_up", f"Follow-up {ODD}", frame, note=ODD, formats=formats)),
        cautions=tuple(Caution(f"c{i}", f"Caution number {i}.") for i in range(5)), methods=("Cox model.",),
        gaps=(Gap("Who returned?", "Nobody asked.", "the table returns"),),
    )  # fmt: skip
    summary = Answer("summary", "Summary", lead=retention.lead[:1], exhibits=(forest_exhibit("summary.forest", "The answers", results),),
                     cautions=retention.cautions, methods=retention.methods)  # fmt: skip
    return {"retention": retention, "summary": summary}


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def document(figures) -> Document:
    return build_document(_answers(), ["retention"], ABOUT, figures)


@pytest.fixture(scope="module")
def docx(document) -> bytes:
    return docx_bytes(document)


@pytest.fixture(scope="module")
def pdf(document) -> bytes:
    return pdf_bytes(document)


@pytest.fixture(scope="module")
def body(docx) -> ElementTree.Element:
    return ElementTree.fromstring(_part(docx, "word/document.xml"))


def _part(docx: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        return archive.read(name).decode("utf-8")


def _text(element: ElementTree.Element) -> str:
    return "".join(each.text or "" for each in element.iter(f"{W}t"))


def _words(pdf: bytes, tmp_path: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    (tmp_path / "report.pdf").write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-layout", "report.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    return " ".join(done.stdout.decode("utf-8").split())


# -- what is in it ------------------------------------------------------------------------------------------------------------


def test_the_answers_stand_first_and_every_exhibit_has_its_number(document):
    headings = [block.words for block in document.blocks if isinstance(block, Heading)]
    assert headings[0] == "The answers" and "2  Retention" in headings and headings[-1] == "How to make this report again"
    assert [block.number for block in document.blocks if isinstance(block, Picture)] == ["Figure 1", "Figure 2.1"]
    assert [block.number for block in document.blocks if isinstance(block, Table)] == ["Table 2.1", "Table 2.2"]
    said = [block.text for block in document.blocks if isinstance(block, Paragraph)]
    assert any(text.startswith("Hazard of leaving: hazard ratio 0.81 (95 % CI 0.73 to 0.89); p = 0.020.") for text in said)
    assert any("Compatible with anything from" in text and text.endswith("(Figure 2.1)") for text in said)
    at = next(place for place, block in enumerate(document.blocks) if isinstance(block, Contents))
    boxes = [block for block in document.blocks[:at] if isinstance(block, Box)]
    assert [box.title for box in boxes] == ["To keep in mind on single answers", "To keep in mind: Retention", "What these data cannot answer"]
    assert boxes[1].items[-1].italic == "2 more stand at the start of chapter 2."
    assert [block.text for block in document.headings][:1] == ["Retention"]  # contents name what follows them


def test_an_exhibit_that_cannot_be_drawn_is_told(tmp_path):
    broken = forest_exhibit("retention.forest", "Forest", [])
    document = build_document({"retention": Answer("retention", "Retention", exhibits=(broken,))}, [], ABOUT, tmp_path)
    assert [block.text for block in document.blocks if isinstance(block, Paragraph) and "not shown" in block.text]


# -- DOCX ---------------------------------------------------------------------------------------------------------------------


def test_docx_tables_are_tables_whose_header_rows_repeat(body):
    tables = list(body.iter(f"{W}tbl"))
    assert len(tables) == 2
    for table in tables:
        rows = list(table.iter(f"{W}tr"))
        assert rows[0].find(f"{W}trPr/{W}tblHeader") is not None
        assert all(row.find(f"{W}trPr/{W}cantSplit") is not None for row in rows)
    assert [[_text(cell) for cell in row.iter(f"{W}tc")] for row in tables[0].iter(f"{W}tr")][2][:2] == [ODD, "<10"]
    sides = [cell.find(f"{W}p/{W}pPr/{W}jc").get(f"{W}val") for cell in tables[0].iter(f"{W}tc")]
    assert sides[:3] == ["left", "right", "right"]


def test_docx_captions_are_numbered_and_figures_say_what_they_show(body):
    styled: dict[str, list[str]] = {}
    for paragraph in body.iter(f"{W}p"):
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        styled.setdefault("" if style is None else style.get(f"{W}val"), []).append(_text(paragraph))
    assert [text.split(". ")[0] for text in styled["ImageCaption"]] == ["Figure 1", "Figure 2.1"]
    assert styled["TableCaption"] == [f"Table 2.1. Follow-up {ODD}", "Table 2.2. Estimates of this chapter"]
    told = [each.get("descr") for each in body.iter(f"{DRAWING}docPr")]
    assert len(told) == 2 and all("0.81 (95 % CI 0.73 to 0.89)" in words for words in told)
    assert styled["TOC1"][0] == "2  Retention" and "Estimates" in styled["TOC2"]
    assert styled["Heading1"][0] == "The answers" and ODD in styled["BodyText"] + styled["FirstParagraph"]


def test_docx_links_of_the_contents_lead_to_headings(body):
    marks = {each.get(f"{W}name") for each in body.iter(f"{W}bookmarkStart")}
    links = [each.get(f"{W}anchor") for each in body.iter(f"{W}hyperlink")]
    assert links and set(links) <= marks


def test_docx_has_header_footer_and_language(docx):
    assert "content key 0123456789ab" in _part(docx, "word/header1.xml") and "NUMPAGES" in _part(docx, "word/footer1.xml")
    assert 'w:val="en-GB"' in _part(docx, "word/styles.xml")
    document = _part(docx, "word/document.xml")
    assert re.search(r'<w:headerReference[^>]*r:id="rIdHead"', document) and 'Id="rIdHead"' in _part(docx, "word/_rels/document.xml.rels")
    assert "evaluation of a mentorship programme" in _part(docx, "docProps/core.xml")


def test_a_wide_table_turns_its_page_and_the_header_stays(figures):
    wide = pd.DataFrame({f"A rather long header {i}": [f"somewhat lengthy words {i}"] for i in range(12)})
    exhibit = table_exhibit("retention.follow_up", "Wide", wide)
    document = build_document({"retention": Answer("retention", "R", exhibits=(exhibit,))}, [], ABOUT, figures)
    sections = re.findall(r"<w:sectPr>.*?</w:sectPr>", _part(docx_bytes(document), "word/document.xml"), re.DOTALL)
    assert [("landscape" in each, "rIdHead" in each) for each in sections] == [(False, True), (True, True), (False, True)]
    assert pdf_bytes(document).startswith(b"%PDF")


# -- PDF ----------------------------------------------------------------------------------------------------------------------


def test_pdf_is_tagged_and_names_no_day(pdf):
    assert b"pdfuaid" in pdf and b"StructTreeRoot" in pdf
    assert b"/CreationDate" not in pdf and b"CreateDate" not in pdf


def test_pdf_reads_as_written(pdf, tmp_path):
    words = _words(pdf, tmp_path)
    assert "Figure 2.1. Forest" in words and "Table 2.1. Follow-up" in words and "<10" in words and "12,345" in words
    for piece in ("Ward #7 *A* & <B> $x_1$", "\\alpha @cite [link] `code`", "Riverside & <Friends>", "page 1 of", "0.81 (0.73 to 0.89)"):
        assert piece in words, piece


def test_the_warning_stands_on_every_page(document, tmp_path):
    from dataclasses import replace

    shown = Document(replace(ABOUT, unprotected=OFF), document.blocks)
    words = _words(pdf_bytes(shown), tmp_path)
    pages = int(re.search(r"page 1 of (\d+)", words)[1])
    assert pages > 2 and words.count(OFF) == pages
    assert OFF in _part(docx_bytes(shown), "word/header1.xml")


def test_a_warning_of_the_typesetter_is_an_error(document, monkeypatch):
    import typst

    monkeypatch.setattr(typst, "compile_with_warnings", lambda *_, **__: (b"%PDF", ["a font is missing"]))
    with pytest.raises(TypesettingError, match="a font is missing"):
        pdf_bytes(document)


@pytest.mark.parametrize(("module", "make", "name"), [("typst", pdf_bytes, "typst"), ("pypandoc", docx_bytes, "pypandoc-binary")])
def test_a_program_that_is_not_installed_is_named(document, monkeypatch, module, make, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RuntimeError, match=f"{name} is not installed.*requirements.lock"):
        make(document)


# -- both ---------------------------------------------------------------------------------------------------------------------


def test_the_same_answers_give_the_same_bytes(pdf, docx, tmp_path):
    again = build_document(_answers(), ["retention"], ABOUT, tmp_path)
    assert pdf_bytes(again) == pdf and docx_bytes(again) == docx


def test_no_place_of_this_machine_is_told(pdf, docx, figures):
    names = [name for name in zipfile.ZipFile(io.BytesIO(docx)).namelist() if name.endswith((".xml", ".rels"))]
    places = [str(figures), str(Path.home()) + "/", "/tmp/", str(Path(__file__).resolve().parents[2])]
    for place in places:
        assert place.encode() not in pdf
        assert not [name for name in names if place in _part(docx, name)]


def test_nothing_is_written_when_one_document_fails(tmp_path, monkeypatch):
    from mentorship_eval.report.document import pandoc

    (tmp_path / "figures").mkdir()
    monkeypatch.setattr(pandoc, "_pandoc", lambda: "no-such-program")
    with pytest.raises(pandoc.PandocError, match="could not be run"):
        write_documents(tmp_path, {"retention": _answers()["retention"]}, [], ABOUT)
    assert not list(tmp_path.glob("report.*"))
