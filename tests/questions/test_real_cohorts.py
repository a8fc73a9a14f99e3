"""The two cohort folders of real data give the reference values."""

from __future__ import annotations

import math

import pytest

from mentorship_eval import read_cohort
from mentorship_eval.did import poisson_imputation
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from tests.shared_data import ROOT, golden, shared_data


@pytest.fixture(scope="module")
def turnover():
    shared_data("turnover/turnover.csv")
    return read_cohort(ROOT / "data" / "turnover")


@pytest.fixture(scope="module")
def retention(turnover):
    return answer_chapter("retention", turnover)


@pytest.fixture(scope="module")
def police():
    shared_data("police_training/cohort_period.csv")
    return read_cohort(ROOT / "data" / "police_training")


def test_turnover_gives_the_reference_values(retention):
    known = golden("real_data")["cases"]["babushkin_coach"]["values"]
    test = retention.result("retention.logrank").estimate
    assert test.value == pytest.approx(known["logrank"]["chisq"], rel=1e-8)
    assert test.value == pytest.approx(3.304380, abs=5e-7) and test.p_value == pytest.approx(0.191630, abs=5e-7)
    yes, own = (retention.result(f"retention.group.{level}").estimate for level in ("yes", "my_head"))
    assert yes.value == pytest.approx(known["cox_coach_efron"]["coachyes"]["hr"], rel=1e-7)
    assert own.value == pytest.approx(known["cox_coach_efron"]["coachmy head"]["hr"], rel=1e-7)
    assert yes.value == pytest.approx(1.095697, abs=5e-7) and own.value == pytest.approx(0.865513, abs=5e-7)


def test_turnover_without_its_repeated_rows_equals_the_reference(turnover, retention):
    assert [f.count for f in turnover.findings.of("W102")] == [13]
    known = golden("real_data")["cases"]["babushkin_dedup_sensitivity"]["values"]["cox"]
    for level, term in (("yes", "coachyes"), ("my_head", "coachmy head")):
        estimate = retention.result(f"retention.group_without_twins.{level}").estimate
        assert estimate.value == pytest.approx(known[term]["hr"], rel=1e-7) and estimate.n == 1116


def test_turnover_claims_no_effect_and_says_what_would_unlock_more(turnover, retention):
    assert any(c.code == "group_comparison" and "claims no effect" in c.text for c in retention.cautions)
    unlocked = " ".join(gap.unlock for gap in retention.gaps)
    assert all(word in unlocked for word in ("spells", "matches", "dept_id", "rollout"))
    assert answer_chapter("incidents", turnover).gaps[0].unlock.startswith("To answer incidents, add incidents")


@pytest.mark.parametrize("outcome", ["complaints", "sustained", "force"])
def test_police_counts_equal_the_reference_with_one_control(police, outcome):
    rows = police.table("counts")
    fit = poisson_imputation(
        rows, count=outcome, exposure="exposure", unit="dept_id", time="period", adopted="active_from", min_controls=1, permutations=0
    )
    known = golden("did")["R"][f"poisson_imputation|police_{outcome}"]
    assert math.log(fit.irr.value) == pytest.approx(known["log_irr"], abs=1e-9)
    assert fit.expected_total == pytest.approx(known["expected"], rel=1e-9)


def test_police_says_that_nobody_was_never_trained_and_the_last_wave_is_only_control(police):
    from dataclasses import replace

    plan = police.study.plan.model_copy(update={"permutations": 99})
    answer = answer_chapter("incidents", replace(police, study=police.study.model_copy(update={"plan": plan})))
    text = " ".join(str(s) for s in answer.lead)
    assert "48 waves" in text and "no unit never had it" in text and "last wave (72) serves only as a comparison" in text
    assert {r.id for r in answer.results if r.role == "headline"} == {f"incidents.{o}" for o in ("complaints", "sustained", "force")}
    [shown], _ = protect([answer], Rule(10))
    assert shown.result("incidents.complaints").estimate.value == pytest.approx(0.9865, abs=2e-3)


def test_police_exhibits_can_all_be_drawn_as_they_are_shown(police):
    """48 waves, sparse outcomes: zero ratios, suppressed counts and missing intervals reach the figures."""
    from dataclasses import replace

    from mentorship_eval.report.exhibits import draw

    plan = police.study.plan.model_copy(update={"permutations": 0})
    answer = answer_chapter("incidents", replace(police, study=police.study.model_copy(update={"plan": plan})))
    [shown], _ = protect([answer], Rule(10))
    for exhibit in shown.exhibits:
        drawn = draw(exhibit)
        assert drawn is not None, exhibit.id
