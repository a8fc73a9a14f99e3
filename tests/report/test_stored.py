"""answers.json gives back what was protected: every figure and table drawn from it is the one that was drawn from the answers."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Answer, Exhibit, Gap, Result, Statement
from mentorship_eval.report.exhibits import draw
from mentorship_eval.report.stored import load_answers, store_answers
from tests.report.shared_run import RunOnce


def _answer() -> Answer:
    frame = pd.DataFrame({
        "what": ["a", "b", None], "n": pd.Series([12, "<10", "withheld"], dtype=object), "value": [0.1 + 0.2, math.nan, math.inf],
        "whole": [1, 2, 3], "yes": [True, False, True], "when": pd.to_datetime(["2024-01-31", None, "2024-03-01"]),
    })  # fmt: skip
    exhibit = Exhibit("c.t", "table", "A table", {"rows": frame}, options={"sides": ("fewer", "more"), "limit": np.float64(0.25), "n": None})
    estimate = Estimate(value=0.75, se=0.1, ci_low=-math.inf, ci_high=0.9, scale="rate ratio", n=40, n_events=None,
                        warnings=(Caution("few", "Few departments.", {"secret": 3}),))  # fmt: skip
    result = Result("c.r", "harm", "rate ratio", "departments", estimate, "Harm", group="g", truth=None)
    return Answer("c", "Chapter", (Statement("{few} people left", {"few": 12}),), (result,), (exhibit,), (Caution("c", "Mind {this}."),),
                  (Gap("Q?", "none", "a file"),), ("Fitted.",))  # fmt: skip


def test_what_is_stored_is_what_comes_back(tmp_path):
    store_answers(tmp_path, {"c": _answer()}, ["harm"])
    answers, planned = load_answers(tmp_path)
    before, after = _answer(), answers["c"]
    assert planned == ["harm"]
    pd.testing.assert_frame_equal(after.exhibits[0].frames["rows"], before.exhibits[0].frames["rows"])
    assert [type(value) for value in after.exhibits[0].frames["rows"]["n"]] == [int, str, str]
    assert after.exhibits[0].options == {"sides": ("fewer", "more"), "limit": 0.25, "n": None}
    assert [str(each) for each in after.lead] == ["12 people left"] and str(after.cautions[0]) == "Mind {this}."
    got, put = after.results[0].estimate, before.results[0].estimate
    assert (got.value, got.ci_low, got.n_events) == (put.value, put.ci_low, None) and math.isnan(got.p_value)
    assert after.gaps == before.gaps and after.methods == before.methods


def test_the_figures_behind_a_caution_are_not_stored(tmp_path):
    store_answers(tmp_path, {"c": _answer()}, [])
    assert "secret" not in (tmp_path / "answers.json").read_text(encoding="utf-8")
    assert load_answers(tmp_path)[0]["c"].results[0].estimate.warnings[0].text == "Few departments."


def test_the_same_answers_give_the_same_bytes_and_plain_json(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        store_answers(tmp_path / name, {"c": _answer()}, [])
    assert (tmp_path / "one/answers.json").read_bytes() == (tmp_path / "two/answers.json").read_bytes()

    def no_constants(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    json.loads((tmp_path / "one/answers.json").read_text(encoding="utf-8"), parse_constant=no_constants)


@pytest.mark.parametrize(("content", "said"), [(None, "no run folder"), ("{", "damaged"), ('{"format": 99}', "format 99"), ("[]", "damaged")])
def test_what_is_no_run_is_refused(tmp_path, content, said):
    if content is not None:
        (tmp_path / "answers.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_answers(tmp_path)


def test_an_option_that_cannot_be_stored_is_our_failure_and_not_lost_quietly(tmp_path):
    exhibit = Exhibit("c.t", "table", "A table", {"rows": pd.DataFrame({"a": [1]})}, options={"formats": {"a": str}})
    with pytest.raises(TypeError, match="cannot be stored"):
        store_answers(tmp_path, {"c": Answer("c", "Chapter", exhibits=(exhibit,))}, [])


def test_every_exhibit_of_a_run_is_drawn_the_same_from_the_file(ran: RunOnce) -> None:
    answers, _ = load_answers(ran.run)
    pages = "".join(path.read_text(encoding="utf-8") for path in ran.run.glob("*.html"))
    drawn = [draw(exhibit) for answer in answers.values() for exhibit in answer.exhibits if exhibit.kind != "table"]
    assert len(drawn) > 10
    for shown in drawn[:3]:
        assert shown.render("svg") == (ran.run / "figures" / f"{shown.name}.svg").read_bytes()
    assert all(shown.caption.split(".")[0][:30] in pages for shown in drawn[:3])
