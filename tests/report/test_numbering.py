"""Numbers of figures and tables, and the order in which a chapter shows them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Result
from mentorship_eval.report.numbering import estimates_id, exhibit_numbers
from mentorship_eval.report.outline import outline
from mentorship_eval.report.parameters import NOTEBOOKS


def _exhibits(*ids: str) -> tuple[Exhibit, ...]:
    return tuple(Exhibit(name, "table" if name.endswith("table") else "forest", name, {"rows": pd.DataFrame({"a": [1]})}) for name in ids)


@pytest.fixture
def notebooks(tmp_path):
    def write(*cells: str):
        made = [{"cell_type": "markdown" if text.startswith("#") else "code", "source": text.splitlines(True)} for text in cells]
        (tmp_path / "02_retention.ipynb").write_text(json.dumps({"cells": made}), encoding="utf-8")
        return tmp_path

    return write


def test_figures_and_tables_are_counted_apart_in_the_order_of_the_notebook(notebooks):
    folder = notebooks(
        "# Retention\n\nDid they stay?", 'from x import open_chapter\n\nchapter = open_chapter("retention")\nchapter.lead()',
        'chapter.section("Second first", "retention.b", words="Look.")', 'chapter.section("Nothing of this", "retention.zzz")',
        "## Empty", "## Rest", 'chapter.show("retention.missing")', "chapter.show_rest()", "chapter.estimates()",
    )  # fmt: skip
    exhibits = _exhibits("retention.a", "retention.a.table", "retention.b", "retention.b.table")
    result = Result("r", "o", "e", "p", Estimate(value=1.0, scale="ratio", method="m"), "label")
    answer = Answer("retention", "Retention", exhibits=exhibits, results=(result,))
    assert exhibit_numbers(answer, folder) == {
        "retention.b": "Figure 2.1", "retention.b.table": "Table 2.1", "retention.a": "Figure 2.2", "retention.a.table": "Table 2.2",
        estimates_id(answer): "Table 2.3",
    }  # fmt: skip
    blocks = outline(answer, folder)
    assert [block.title for block in blocks if block.kind == "heading"] == ["Retention", "Second first", "Rest"]
    assert [block.words for block in blocks if block.kind == "heading"] == ["Did they stay?", "Look.", ""]


def test_a_star_stands_for_one_part_of_an_id(notebooks):
    folder = notebooks("# R", 'chapter.section("Charts", "retention.*.chart")')
    answer = Answer("retention", "R", exhibits=_exhibits("retention.x.chart", "retention.x.y.chart", "retention.z.chart"))
    assert list(exhibit_numbers(answer, folder)) == ["retention.x.chart", "retention.z.chart"]


def test_an_unknown_call_of_a_notebook_is_told(notebooks):
    with pytest.raises(ValueError, match=r"chapter\.surprise"):
        outline(Answer("retention", "R"), notebooks("# R", "chapter.surprise()"))


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_the_outline_knows_every_call_of_our_notebooks(chapter):
    kinds = {block.kind for block in outline(Answer(chapter, chapter, methods=("By hand.",)))}
    assert {"heading", "lead", "methods"} <= kinds


def test_a_chapter_without_estimates_has_no_section_for_them(notebooks):
    folder = notebooks("# R", "chapter.lead()", "## Estimates\n\nAll.", "chapter.estimates()", "## How", "chapter.methods()")
    blocks = outline(Answer("retention", "R", methods=("By hand.",)), folder)
    assert [block.title or block.kind for block in blocks] == ["R", "lead", "How", "methods"]


def test_the_summary_has_plain_numbers():
    answer = Answer("summary", "Summary", exhibits=_exhibits("summary.scorecard", "summary.forest"))
    assert exhibit_numbers(answer) == {"summary.scorecard": "Figure 1", "summary.forest": "Figure 2"}
