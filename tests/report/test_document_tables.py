"""One table as DOCX and as LaTeX, and how tables are fitted to a page."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.display.table_model import Cell, TableColumn, TableModel, TableRow
from mentorship_eval.report.document import table_docx, table_latex
from mentorship_eval.report.document.fit import LANDSCAPE, PORTRAIT, fit
from mentorship_eval.report.document.latex import latex_text
from mentorship_eval.report.document.pandoc import _pandoc

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def _row(*texts: str, kind: str = "row", indent: int = 0, mark: str = "") -> TableRow:
    return TableRow((Cell(texts[0], mark), *map(Cell, texts[1:])), kind, indent)


TABLE = TableModel(
    "Staff & programme, 5 % sample",
    (
        TableColumn("Characteristic"), TableColumn("n", "Mentored", "right"), TableColumn("Share", "Mentored", "right"),
        TableColumn("SMD", "", "right", "b"),
    ),
    (
        _row("Profession", "", "", "", kind="heading"), _row("Nurse_1", "1,234", "25.0 %", "−0.10", indent=1, mark="a"),
        _row("Doctor", "<10", "–", "0.02", indent=1), _row("All", "1,240", "100.0 %", "", kind="total"),
    ),
    note="People, not posts.", footnotes=(("a", "Registered."), ("b", "Standardised mean difference.")), name="table-one",
)  # fmt: skip


def _body(docx: bytes) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        return ElementTree.fromstring(archive.read("word/document.xml"))


def _text(element: ElementTree.Element) -> str:
    return "".join(each.text or "" for each in element.iter(f"{W}t"))


def test_docx_has_spanners_groups_marks_and_notes():
    made = table_docx(TABLE, "Table S1")
    assert made == table_docx(TABLE, "Table S1")
    body = _body(made)
    rows = list(body.iter(f"{W}tr"))
    heads = [row for row in rows if row.find(f"{W}trPr/{W}tblHeader") is not None]
    assert [[_text(cell) for cell in row.iter(f"{W}tc")] for row in heads] == [["Characteristic", "Mentored", "SMDb"], ["", "n", "Share", ""]]
    spans = [span.get(f"{W}val") for span in body.iter(f"{W}gridSpan")]
    assert spans == ["2", "4"]  # the spanner, and the heading of a group across the whole table
    assert [merge.get(f"{W}val", "more") for merge in body.iter(f"{W}vMerge")] == ["restart", "restart", "more", "more"]
    cells = [[_text(cell) for cell in row.iter(f"{W}tc")] for row in rows[2:]]
    assert [each[0] for each in cells] == ["Profession", "Nurse_1a", "Doctor", "All"]
    assert cells[1][1:] == ["1,234", "25.0 %", "−0.10"]
    raised = [_text(run) for run in body.iter(f"{W}r") if run.find(f"{W}rPr/{W}vertAlign") is not None]
    assert raised == ["b", "a", "a", "b"]
    said = [_text(paragraph) for paragraph in body.iter(f"{W}p")]
    assert said[0] == "Table S1. Staff & programme, 5 % sample"
    assert said[-3:] == ["a Registered.", "b Standardised mean difference.", "People, not posts."]


def test_docx_of_an_empty_table_says_so():
    empty = TableModel("Nothing", (TableColumn("A"), TableColumn("B")), (), empty="No rows.")
    assert "No rows." in [_text(cell) for cell in _body(table_docx(empty)).iter(f"{W}tc")]


def test_latex_is_booktabs_and_escaped():
    text = table_latex(TABLE, "Table S1")
    assert text.startswith("% needs \\usepackage{booktabs}") and "% Table S1\n" in text
    for line in (
        r"\caption{Staff \& programme, 5 \% sample}", r"\label{tab:table-one}", r"\begin{tabular}{lrrr}", r" & \multicolumn{2}{c}{Mentored} &  \\",
        r"\cmidrule(lr){2-3}", r"Characteristic & n & Share & SMD\textsuperscript{b} \\", r"\multicolumn{4}{l}{\textbf{Profession}} \\",
        r"\quad Nurse\_1\textsuperscript{a} & 1,234 & 25.0 \% & $-$0.10 \\", r"\quad Doctor & \textless{}10 & -- & 0.02 \\",
        r"\textbf{All} & \textbf{1,240} & \textbf{100.0 \%} &  \\", r"People, not posts.",
    ):  # fmt: skip
        assert line in text.split("\n"), line
    assert text.count(r"\begin{") == text.count(r"\end{") and text.endswith("\\end{table}\n")


def test_another_program_reads_the_latex_as_the_same_table():
    done = subprocess.run([_pandoc(), "--from=latex", "--to=html"], input=table_latex(TABLE).encode(), capture_output=True, check=True)
    html = re.sub(r"<sup>.*?</sup>", "", done.stdout.decode())
    cells = [re.sub(r"<[^>]+>|\s+", " ", each).strip() for each in re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)]
    assert cells[cells.index("1,240") : cells.index("1,240") + 2] == ["1,240", "100.0 %"] and "&lt;10" in cells


def test_signs_in_latex():
    assert latex_text("a_b {c} 50 % $5 #1 ~ ^ \\ <10 >2") == (
        r"a\_b \{c\} 50 \% \$5 \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{}10 \textgreater{}2"
    )
    assert latex_text("$−1") == r"\$$-$1"
    assert latex_text("−0.5 ≤ 1 × χ²\n") == r"$-$0.5 $\leq$ 1 $\times$ $\chi^2$ "


# -- fitting ------------------------------------------------------------------------------------------------------------------

words = st.lists(st.text("abcdefgh ", min_size=1, max_size=40), min_size=1, max_size=4)
numbers = st.lists(st.from_regex(r"[0-9]{1,3}(,[0-9]{3})?(\.[0-9]{2})?", fullmatch=True), min_size=1, max_size=4)


@st.composite
def tables(draw):
    columns, cells = [], []
    for place in range(draw(st.integers(1, 14))):
        right = draw(st.booleans()) and place > 0
        columns.append(TableColumn(draw(st.text("Header words ", min_size=0, max_size=30)), align="right" if right else "left"))
        cells.append((draw(numbers if right else words) * 4)[:4])
    return TableModel("Caption", tuple(columns), tuple(TableRow(tuple(map(Cell, row))) for row in zip(*cells, strict=True)))


@settings(max_examples=40, deadline=None)
@given(tables())
def test_a_fitted_table_keeps_to_its_page(table):
    fitted = fit(table)
    assert len(fitted.widths) == len(table.columns) and min(fitted.widths) > 0
    assert sum(fitted.widths) <= (LANDSCAPE if fitted.landscape else PORTRAIT) + 0.1
    assert 7.0 <= fitted.size <= 9.0


def test_words_wrap_before_numbers_do_and_the_page_turns_last():
    def wide(count: int, text: str) -> TableModel:
        columns = (TableColumn("What"), *(TableColumn("Estimate", align="right") for _ in range(count)))
        return TableModel("C", columns, (_row("A sentence that may well wrap within its cell", *[text] * count),))

    few, many, most = (fit(wide(count, "0.81 (0.73 to 0.90)")) for count in (3, 5, 8))
    assert few.size == 9.0 and not few.landscape
    assert many.size < 9.0 and not many.landscape
    assert most.landscape
    assert few.widths[0] > few.widths[1] > 19 * 9.0 * 0.4  # 19 characters of at least 0.4 em stand in one line


@pytest.mark.parametrize("align", ["left", "right"])
def test_numbers_and_words_do_not_touch(align):
    table = TableModel("C", (TableColumn("A"), TableColumn("n", align="right"), TableColumn("W", align=align)), (_row("a", "1", "word"),))
    assert fit(table).gaps == ((0.0, 0.0, 8.0) if align == "left" else (0.0, 0.0, 0.0))
