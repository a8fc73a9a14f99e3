"""A count that was withheld is found where it would be printed, and nowhere else."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions.answer import Answer, Counted, Exhibit
from mentorship_eval.report.hidden import hidden_counts
from mentorship_eval.report.lint import LeakError, pdf_words, png_words, scan

FRAME = pd.DataFrame({"group": ["Nurse", "Porter"], "levels": [7, 2], "people": [70, 7]})
EXHIBIT = Exhibit("x.groups", "table", "Groups", {"rows": FRAME}, {"rows": Counted(("people",))})
PRIVATE = [Answer("x", "X", exhibits=(EXHIBIT,))]
RULE = Rule(10)


def hidden() -> list:
    shown, _ = protect(PRIVATE, RULE)
    return hidden_counts(PRIVATE, {"x": shown[0]}, RULE)


def test_only_small_counts_that_stand_as_a_mark_are_looked_for():
    [one] = hidden()
    assert (one.stem, one.column, one.value, dict(one.labels)["group"]) == ("x-groups", "people", 7, "Porter")
    assert hidden_counts(PRIVATE, {"x": PRIVATE[0]}, Rule(0, "none")) == []


def a_chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + b"\0\0\0\0"


PNG = b"\x89PNG\r\n\x1a\n"
PAGE = '<section id="x-groups"><table><tr><th>Nurse</th><td>7</td><td>70</td></tr><tr><th>Porter</th><td>2</td><td>{}</td></tr></table></section>'
LEAKS = {
    "tables/x-groups.csv": "group,levels,people\nPorter,2,7\n",
    "tables/x-groups-copy.csv": "group,levels,people_midpoint6\nPorter,2,7.0\n",
    "page.html": PAGE.format(7),
    "words.html": '<figure id="x-groups"><img alt="Bars. Porter: 7 people."></figure>',
    "figures/x-groups.svg": "<svg><title>Porter (n = 7)</title></svg>",
    "figures/x-groups.png": PNG + a_chunk(b"iTXt", b"Description\0\0\0\0\0Porter: 7 leavers"),
    "figures/x-groups.pdf": b"%PDF-1.7\n1 0 obj\nstream\n" + zlib.compress(b"/Title (Porter: 7 people)") + b"\nendstream",
    "chapter.ipynb": json.dumps({"cells": [{"outputs": [{"data": {"text/html": ['<img src="data:image/png;base64,AA==">\n', PAGE.format(7)]}}]}]}),
}
CLEAN = {
    "tables/x-groups.csv": "group,levels,people\nPorter,2,<10\nNurse,7,70\n",
    "page.html": PAGE.format("&lt;10") + "<p>Porter: 7 people</p>",  # outside of its exhibit a number may be another
    "figures/x-groups.svg": "<svg><title>Porter: fewer than 10 people; 7.5 % of 70 people</title></svg>",
    "figures/x-other.svg": "<svg><title>Porter: 7 people</title></svg>",
    "estimates.csv": "id,n\nPorter,7\n",
}


def put(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("name", LEAKS)
def test_a_withheld_count_stops_the_report(tmp_path, name):
    put(tmp_path, name, LEAKS[name])
    with pytest.raises(LeakError, match=r"tells a count that was withheld \(x-groups, people\)"):
        scan(tmp_path, [], frozenset(), hidden())
    scan(tmp_path, [], frozenset())


def test_what_may_be_shown_does_not_stop_it(tmp_path):
    for name, content in CLEAN.items():
        put(tmp_path, name, content)
    scan(tmp_path, [], frozenset(), hidden())


def test_ids_and_paths_are_found_in_what_a_picture_says_of_itself(tmp_path):
    body = b"Description\0\1\0\0\0" + zlib.compress("Who is S00042? éà".encode())
    assert "S00042" in png_words(PNG + a_chunk(b"IHDR", b"\0" * 13) + a_chunk(b"iTXt", body))
    assert "Title Nurses" in png_words(PNG + a_chunk(b"tEXt", b"Title\0Nurses")) and "deep" in png_words(
        PNG + a_chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"deep")))
    assert "S00042" in pdf_words(b"/Title <FEFF005300300030003000340032>")
    put(tmp_path, "figures/a.png", PNG + a_chunk(b"iTXt", body))
    with pytest.raises(LeakError, match="raw id"):
        scan(tmp_path, [], frozenset({"S00042"}), [])
