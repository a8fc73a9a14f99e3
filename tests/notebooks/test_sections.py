"""The headings of a notebook: every exhibit of its chapter under one of them, and none shown twice."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from mentorship_eval.questions.answer import Answer, Exhibit
from mentorship_eval.report.chapter import ChapterView
from mentorship_eval.report.fragments import Fragment
from tests.report.shared_run import ROOT

EACH = ("trend", "observed", "events", "waves", "chart", "breakdown", "estimators", "bacon", "sensitivity")
AROUND = ("forest", "flow", "dropped")
RECORDS = ("severity", "categories", "categories.adjusted", "together.lab.harm", "together.lab.no_harm", "audits.differences",
           "audits.ratios", "audits.measures", "audits.hand_hygiene.observed")  # fmt: skip

COHORTS = {
    "records": [*AROUND, *RECORDS, *(f"{kind}.{part}" for kind in ("harm", "no_harm", "near_miss") for part in EACH)],
    "counts of three outcomes": [*AROUND, *(f"{kind}.{part}" for kind in ("complaints", "sustained", "force") for part in EACH)],
    "one treated department": [*AROUND, *(f"{kind}.{part}" for kind in ("harm", "no_harm") for part in ("trend", "observed", "events", "chart"))],
}


class Noted(ChapterView):
    """Notes what is drawn instead of drawing it."""

    def __init__(self, names: list[str]) -> None:
        frame = pd.DataFrame({"a": [1]})
        super().__init__(Answer("incidents", "T", exhibits=tuple(Exhibit(name, "table", name, {"rows": frame}) for name in names)), [], by_hand=False)
        self.drawn: list[str] = []

    def _drawn(self, exhibit_id: str) -> Any:
        self.drawn.append(exhibit_id)
        return Fragment(exhibit_id, exhibit_id)


def run_sections(view: Noted, notebook: str) -> None:
    book = json.loads((ROOT / "notebooks" / notebook).read_text(encoding="utf-8"))
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith(("chapter.section", "chapter.show")):
            exec(source, {"chapter": view})  # our own file


@pytest.mark.parametrize("kind", COHORTS)
def test_every_exhibit_of_incidents_has_a_heading_and_is_shown_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view = Noted([f"incidents.{name}" for name in COHORTS[kind]])
    left: list[str] = []
    monkeypatch.setattr(view, "show_rest", lambda: left.extend(x.id for x in view.answer.exhibits if x.id not in view.drawn))
    run_sections(view, "03_incidents.ipynb")
    assert left == [], "shown at the end, without a heading"
    assert sorted(view.drawn) == sorted(f"incidents.{name}" for name in COHORTS[kind])


@pytest.mark.parametrize(("notebook", "name"), [("03_incidents.ipynb", "incidents.harm.novelty"), ("02_retention.ipynb", "retention.novelty")])
def test_an_exhibit_without_a_heading_is_shown_at_the_end(notebook: str, name: str) -> None:
    view = Noted([name, f"{name.split('.')[0]}.forest"])
    run_sections(view, notebook)
    assert view.drawn == [f"{name.split('.')[0]}.forest", name]
