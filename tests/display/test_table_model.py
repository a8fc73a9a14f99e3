"""Tables as columns, rows of text and notes, and their HTML: groups, spanners, joined cells, footnotes, alignment."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.display import html_table
from mentorship_eval.display.table_cells import filled, format_cell
from mentorship_eval.display.table_model import Cell, aligned
from mentorship_eval.errors import UsageError
from tests.display.test_tables import _Balanced

FRAME = pd.DataFrame(
    {
        "what": ["People", "Profession", "Profession", "Profession", "Age", "Age"],
        "level": ["", "", "Nurse", "<b>Other</b>", "", "Missing"],
        "statistic": ["n", "n (%)", "n (%)", "n (%)", "mean (SD)", "n (%)"],
        "n": [1200, float("nan"), 1100, "<10", float("nan"), 100],
        "share": [float("nan"), float("nan"), 0.9167, float("nan"), float("nan"), 0.0833],
        "mean": [float("nan")] * 4 + [41.25, float("nan")],
        "sd": [float("nan")] * 4 + [9.5, float("nan")],
        "smd": [float("nan"), 0.1234, float("nan"), float("nan"), 0.02, float("nan")],
    }
)
OPTIONS = {
    "stub": ["what", "level"], "suffix": "statistic", "columns": ["arm", "smd"], "joined_by": "statistic", "sparse": ["smd"],
    "joined": {"arm": {"n": "{n}", "n (%)": "{n} ({share:share})", "mean (SD)": "{mean:1} ({sd:1})"}},
    "labels": {"what": "", "arm": "Mentored", "smd": "SMD"}, "formats": {"smd": "2"}, "spanners": {"Group (95 % CI)": ["arm"]},
    "footnotes": {"smd": "Largest & only.", "Age": "On the day."},
}  # fmt: skip


def table(**more):
    return html_table(FRAME, "Table <1>", note="Note.", **{**OPTIONS, **more})


def test_the_model_is_what_is_read():
    model = table().model
    assert [(row.kind, row.indent, row.cells[0].text) for row in model.rows] == [
        ("row", 0, "People, n"), ("heading", 0, "Profession, n (%)"), ("row", 1, "Nurse"), ("row", 1, "<b>Other</b>"),
        ("heading", 0, "Age, mean (SD)"), ("row", 1, "Missing"),
    ]  # fmt: skip
    assert [row.cells[1].text for row in model.rows] == ["1,200", "", "1,100 (91.7)", "<10", "41.2 (9.5)", "100 (8.3)"]
    assert [row.cells[2].text for row in model.rows] == ["", "0.12", "", "", "0.02", ""]
    assert model.columns[2].mark == "a" and model.rows[4].cells[0] == Cell("Age, mean (SD)", "b")
    assert model.footnotes == (("a", "Largest & only."), ("b", "On the day."))
    assert [len(group) for group in model.groups()] == [1, 3, 2]
    assert list(model.spans()) == [("", 1), ("Group (95 % CI)", 1), ("", 1)]
    assert "SMD [a]" in model.text() and "  Nurse" in model.text()


def test_html_says_what_each_header_heads():
    parser = _Balanced()
    html = table().html
    parser.feed(html)
    assert not parser.open
    scopes = [a.get("scope") for tag, a in parser.seen if tag == "th"]
    assert scopes.count("colgroup") == 1 and scopes.count("rowgroup") == 2 and scopes.count("col") == 2 and scopes.count("row") == 4
    assert [tag for tag, _ in parser.seen].count("tbody") == 3
    assert "&lt;b&gt;Other&lt;/b&gt;" in html and "Largest &amp; only." in html and "<sup>b</sup>" in html
    assert not re.search(r"<th[^>]*></th>", html)  # an empty cell is no header
    assert "95\u00a0%\u00a0CI" in html


def test_rows_are_as_wide_as_the_head():
    wide = {"spanners": {"All": ["arm", "smd"]}, "footnotes": {}}
    html = table(**wide).html
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html)[2:]:
        assert sum(int(span or 1) for span in re.findall(r'<t[hd](?:(?! colspan)[^>])*(?: colspan="(\d+)")?[^>]*>', row)) == 3
    assert html.count('rowspan="2"') == 1 and 'colspan="2"' in html


@given(st.lists(st.sampled_from(["1,234 (12.3)", "7 (0.4)", "<10", "withheld", "–", "12.5 (10.1 to 14.9)", "9.0 (−1.0 to 101.2)", "88", "3.1", ""]),
                min_size=1, max_size=9))  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_alignment_adds_spaces_and_nothing_else(texts):
    out = aligned(texts)
    assert [re.sub(r"[\u2007\u2008\u00a0]", "", text) for text in out] == texts
    for shape in (r"^[\d,]+\s*\(\d+\.\d\)$", r" to "):
        same = [text for text, plain in zip(out, texts, strict=True) if re.search(shape, plain)]
        # of cells of one shape what stands behind the units is equally wide
        assert len({len(re.sub(r"^[<−\d,]+", "", text)) for text in same}) <= 1


def test_units_stand_under_units():
    assert aligned(["5 (1.0)", "12 (33.3)", "<10"]) == ["5 \u2007(1.0)", "12 (33.3)", "<10\u00a0\u2008\u2008\u2008\u2007\u2007\u2007"]
    assert aligned(["1.5", "12"]) == ["1.5", "12\u2008\u2007"]


def test_a_joined_cell_says_what_is_withheld():
    assert filled("{n} ({share:share})", {"n": "<10", "share": float("nan")}) == "<10"
    assert filled("{n} ({share:share})", {"n": 12, "share": float("nan")}) == "12"
    assert filled("{a:2} ({b:2} to {c:2})", {"a": float("nan"), "b": 1.0, "c": 2.0}) == "–"
    assert filled("{a:2} ({b:2} to {c:2})", {"a": -0.001, "b": -1.0, "c": 2.0}) == "0.00 (−1.00 to 2.00)"
    assert format_cell(0.5, "share") == "50.0" and format_cell(0.0, "share") == "0.0" and format_cell(-0.04, "1") == "0.0"


@pytest.mark.parametrize("option, named", [
    ({"columns": ["nowhere"]}, "nowhere"), ({"stub": ["what"]}, "two columns"), ({"spanners": {"A": ["gone"]}}, "gone"),
    ({"joined": {"arm": "{absent}"}}, "absent"),
])  # fmt: skip
def test_a_layout_that_does_not_fit_is_named(option, named):
    with pytest.raises(UsageError, match=named):
        table(**option)
    with pytest.raises(TypeError, match="striped"):
        table(striped=True)
