"""Tables: numbers as a journal sets them, headers for a screen reader, everything escaped."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.display import format_cell, html_table
from mentorship_eval.errors import UsageError


class _Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


FRAME = pd.DataFrame(
    {
        "term": ["mentored", "<b>age</b> & sex"],
        "hr": [0.7512, math.nan],
        "coef": [-0.286, 12345.678],
        "n": [2015, "<10"],
        "n_events": [498.0, math.nan],
        "p": [0.00004, 0.0312],
    }
)


def test_cells_are_set_as_numbers():
    html = html_table(FRAME, "Hazard ratios <i>", labels={"hr": "HR"}, note="a < b").html
    for words in (
        "0.75",
        "−0.29",
        "12,345.68",
        "2,015",
        "&lt;10",
        "498",
        "–",
        "&lt; 0.001",
        "0.031",
        "&lt;b&gt;age&lt;/b&gt; &amp; sex",
        "a &lt; b",
    ):
        assert f">{words}<" in html, words
    assert "<b>" not in html and "<i>" not in html and "nan" not in html.lower()


def test_structure_is_accessible_and_balanced():
    parser = _Balanced()
    parser.feed(html_table(FRAME, "Hazard ratios")._repr_html_())
    assert not parser.open
    tags = [tag for tag, _ in parser.seen]
    assert tags.count("caption") == 1 and "link" not in tags and "script" not in tags
    assert sum(a.get("scope") == "col" for t, a in parser.seen if t == "th") == 6
    assert sum(a.get("scope") == "row" for t, a in parser.seen if t == "th") == 2
    assert "overflow-x:auto" in parser.seen[0][1]["style"] and parser.seen[0][1]["tabindex"] == "0"
    aligned = [a["style"] for t, a in parser.seen if t == "td"]
    assert all("text-align:right" in style for style in aligned)


def test_formats_are_given_per_column_and_faults_named():
    frame = pd.DataFrame({"a": [0.123], "b": [2.0]})
    html = html_table(frame, "x", formats={"a": "percent", "b": lambda v: f"<{v}>"}).html
    assert ">12.3 %<" in html and ">&lt;2.0&gt;<" in html
    with pytest.raises(UsageError, match="no column c"):
        html_table(frame, "x", formats={"c": "count"})
    with pytest.raises(UsageError, match="unknown format 'money'"):
        html_table(frame, "x", formats={"a": "money"})
    with pytest.raises(UsageError, match="DataFrame with columns"):
        html_table([1, 2], "x")


def test_an_empty_table_says_so():
    assert "Nothing was removed." in html_table(FRAME.iloc[:0], "Removed", empty="Nothing was removed.").html


@pytest.mark.parametrize(
    "value, kind, text",
    [
        (np.int64(12345), "count", "12,345"),
        (7.0, "count", "7"),
        (pd.NA, "count", "–"),
        (None, "ratio", "–"),
        (np.nan, "p", "–"),
        (pd.NaT, "text", "–"),
        (0.5, "p", "0.500"),
        (0, "percent", "0.0 %"),
        (math.inf, "ratio", "∞"),
        (0.0004, "ratio", "0.00040"),
        (True, "text", "yes"),
        (pd.Timestamp("2024-03-01"), "text", "2024-03-01"),
        (-3, "count", "−3"),
        ("not estimable", "ratio", "not estimable"),
    ],
)
def test_single_cells(value, kind, text):
    assert format_cell(value, kind) == text
