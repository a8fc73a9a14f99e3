"""A claim is read in every way, and each reading is judged by where the interval lies."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.estimate import Estimate
from mentorship_eval.evidence.claims import claim_check, readings, verdict, with_claims
from mentorship_eval.questions.answer import Answer, Exhibit, Result
from mentorship_eval.report.stored import load_answers
from tests.report.shared_run import RunOnce


def test_a_quarter_more_retention_is_impossible_at_real_baselines_and_a_quarter_fewer_leavers_is_not():
    more, points, fewer, ratio = readings(25, 0.825)
    assert [each.possible for each in (more, points, fewer, ratio)] == [False, False, True, True]
    assert more.leads_to == pytest.approx(1.03125) and fewer.leads_to == pytest.approx(0.86875)
    # ln(0.869)/ln(0.825) = 0.73, as worked out by hand
    assert round(ratio.value, 2) == 0.73 and ratio.value == pytest.approx(math.log(0.86875) / math.log(0.825), rel=1e-12)
    assert fewer.value == pytest.approx(4.375)


@pytest.mark.parametrize("stay", [0.0, 1.0])
def test_where_nobody_or_everybody_stays_there_is_no_ratio(stay):
    assert all(each.words[-6:] != "hazards" for each in readings(25, stay))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.70, 0.90, "in keeping"), (0.70, 1.10, "cannot be told"), (0.80, 0.95, "less than claimed"), (0.80, 1.05, "no effect does not"),
     (0.50, 0.70, "more than claimed"), (1.05, 1.30, "less than claimed"), (math.nan, math.nan, "no interval")],
)  # fmt: skip
def test_verdicts_on_a_ratio(low, high, said):
    assert said in verdict(0.75, Estimate(value=0.8, ci_low=low, ci_high=high, scale="hazard ratio"))


@pytest.mark.parametrize(("low", "high", "said"), [(1, 8, "in keeping"), (-1, 8, "cannot be told"), (-1, 3, "less than"), (6, 9, "more than")])
def test_verdicts_on_a_difference(low, high, said):
    assert said in verdict(5.0, Estimate(value=0.0, ci_low=low, ci_high=high))


def _chapter(hr: tuple[float, float], left: int = 60) -> Answer:
    rows = pd.DataFrame({"told": ["retention.horizon_difference.12"], "not_share": [0.825], "not_left": [left], "mentored_left": [left]})
    results = (
        Result("retention.horizon_difference.12", "r", "e", "p", Estimate(value=2, ci_low=-1, ci_high=5, n=400, n_events=120), "l"),
        Result("retention.being_mentored", "r", "e", "p", Estimate(value=0.8, ci_low=hr[0], ci_high=hr[1], scale="hazard ratio", n=400), "l"),
    )
    return Answer("retention", "R", results=results, exhibits=(Exhibit("retention.horizon_differences", "table", "t", {"rows": rows}),))


def test_the_table_takes_its_numbers_from_the_chapter():
    frame = claim_check(_chapter((0.70, 0.92)), 25).frames["rows"]
    assert frame["judged"].str.startswith("impossible").tolist() == [True, True, False, False]
    assert frame["found"].tolist() == ["2.0 (−1.0 to 5.0) points"] * 3 + ["0.80 (0.70 to 0.92)"]
    assert frame["would_stay"].tolist() == ["103.1 %", "107.5 %", "86.9 %", "86.9 %"]


def test_few_leavers_take_the_whole_claim_with_them():
    answer = with_claims(_chapter((0.7, 0.9), left=4), {"retention": 25})
    (shown,), _ = protect([answer], Rule())
    assert shown.exhibit("retention.claims") is None and any("claim" in gap.question for gap in shown.gaps)


def test_another_chapter_or_one_without_shares_has_no_claim():
    assert with_claims(Answer("incidents", "I"), {"retention": 25}) == Answer("incidents", "I")
    assert claim_check(Answer("retention", "R"), 25) is None


def test_the_report_has_the_target_trial_beside_its_emulation(ran: RunOnce) -> None:
    protocol = load_answers(ran.run)[0]["retention"].exhibit("retention.target_trial").frames["rows"].set_index("component")
    assert list(protocol.index[:4]) == ["Eligibility", "Strategies", "Assignment", "Time zero"]
    assert "no time before a match counts as mentored" in protocol.loc["Strategies", "emulated"]
    assert "newly qualified" in protocol.loc["Assignment", "emulated"]
