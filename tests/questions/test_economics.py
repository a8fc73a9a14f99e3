"""Costs and benefits on simulated cohorts: the truth is inside, nothing without a counterfactual, no person in a forecast."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mentorship_eval.cohort.study.choices import EconomicsChoice, ForecastChoice
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.economics.forecasts import forecasts, monthly_exits
from mentorship_eval.questions.retention.prepared import prepare
from mentorship_eval.questions.retention.programme_leavers import programme_active
from tests.questions.cohorts import simulated

ONLY = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "costs")
SIZE = {"departments": 24, "staff": 1600, "months": 30, "waves": (8, 14), "outcomes": True, "only": ONLY}


@pytest.fixture(scope="module", params=["default", "null"])
def both(request):
    strong = {"hazard_ratio": 0.4, "hazard_ratio_after": 0.4} if request.param == "default" else {}
    cohort = simulated(request.param, 5, **SIZE, **strong)
    retention = Answer("retention", "Retention", results=tuple(programme_active(cohort, prepare(cohort).episodes).results))
    return cohort, retention, request.param


def planned(cohort, **changes):
    plan = cohort.study.plan.model_copy(update=changes)
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def costed(cohort, rows):
    return replace(cohort, tables={**cohort.tables, "costs": rows})


def value(answer, key):
    return answer.result(f"economics.{key}").estimate


def test_the_true_net_benefit_is_within_the_interval_and_without_an_effect_it_is_minus_the_cost(both):
    cohort, retention, scenario = both
    told = answer_chapter("economics", cohort, {"retention": retention})
    truth = json.loads((cohort.folder / "truth.json").read_text(encoding="utf-8"))
    net, cost = told.result("economics.net_benefit"), told.result("economics.programme_cost")
    assert net.truth == truth["outcomes"]["net_benefit"]
    assert net.estimate.ci_low < net.truth < net.estimate.ci_high
    assert cost.estimate.value == pytest.approx(cost.truth, rel=1e-3)
    avoided = retention.result("retention.programme_active.avoided").estimate
    assert net.estimate.value == pytest.approx(12000 * avoided.value - cost.estimate.value)
    if scenario == "null":
        assert truth["retention"]["leavers_avoided_programme_active"] == 0 and net.truth == pytest.approx(-cost.truth)
    else:
        assert net.truth > -cost.truth
    probability = value(told, "probability").value
    assert 0 <= probability <= 1 and "2021" not in str(told.lead[0]) and "GBP" in str(told.lead[0])
    assert (told.result("economics.cost_per_leaver") is None) == (avoided.ci_low <= 0)


def test_no_figure_without_a_counterfactual(both):
    cohort, retention, _ = both
    bare = replace(retention, results=())
    one = retention.result("retention.programme_active.avoided")
    without_interval = replace(retention, results=(replace(one, estimate=replace(one.estimate, se=np.nan, ci_low=np.nan, ci_high=np.nan)),))
    for earlier in ({}, {"retention": bare}, {"retention": without_interval}):
        told = answer_chapter("economics", cohort, earlier)
        assert not told.results and not told.exhibits and "no counterfactual" in told.gaps[0].reason


def test_the_benchmark_is_said_aloud_until_it_is_overridden(both):
    cohort, retention, _ = both
    costs = cohort.table("costs")
    own = costs[costs["unit"] != "leaver"].assign(currency="USD", price_year=2025)
    told = answer_chapter("economics", costed(cohort, own), {"retention": retention})
    caution = next(c for c in told.cautions if c.code == "us_benchmark")
    assert "61,110 USD" in caution.text and "OVERRIDING" in caution.text
    said = EconomicsChoice(leaver_cost=9000, leaver_cost_low=5000, leaver_cost_high=12000, currency="USD", price_year=2025)
    told = answer_chapter("economics", planned(costed(cohort, own), economics=said), {"retention": retention})
    assert not any(c.code == "us_benchmark" for c in told.cautions)
    # a benchmark in another currency adds to nothing
    mixed = answer_chapter("economics", costed(cohort, own.assign(currency="GBP")), {"retention": retention})
    assert not mixed.results and "GBP and USD" in mixed.gaps[0].reason
    for bad in ({"leaver_cost": 9000}, {"currency": "GBP"}, {"leaver_cost": 9, "leaver_cost_low": 10, "currency": "GBP", "price_year": 2024}):
        with pytest.raises(ValidationError):
            EconomicsChoice(**bad)


def test_an_item_that_cannot_be_counted_stops_the_figures_rather_than_being_left_out(both):
    cohort, retention, _ = both
    costs = cohort.table("costs")
    odd = pd.concat([costs, costs.iloc[:1].assign(item="posters", unit="square mile")], ignore_index=True)
    told = answer_chapter("economics", costed(cohort, odd), {"retention": retention})
    assert not told.results and "square mile (posters)" in told.gaps[0].reason
    wrong = costs.assign(low=costs["amount"] * 2)
    assert not answer_chapter("economics", costed(cohort, wrong), {"retention": retention}).results


def test_forecasts_are_off_unless_asked_for_and_hold_no_person(both):
    cohort, _, _ = both
    assert not forecasts(cohort).exhibits
    told = forecasts(planned(cohort, forecasts=ForecastChoice(enabled=True, months=4)))
    rows, card = (exhibit.frames["rows"] for exhibit in told.exhibits)
    assert len(rows) == 8 and (rows["low"] <= rows["mean"]).all() and list(monthly_exits(cohort)) == ["month", "leavers", "vacancies"]
    assert "Seasonal naive" in " ".join(card["told"]) and "score of a person" in " ".join(card["told"])
    staff = set(cohort.table("staff")["staff_id"])
    shown = {str(cell) for frame in (rows, card) for cell in frame.to_numpy().ravel()}
    assert not staff & {word for cell in shown for word in cell.replace(",", " ").split()}
    exits = monthly_exits(cohort)
    assert exits["leavers"].sum() <= exits["vacancies"].sum() and len(exits) == 30
    with pytest.raises(ValidationError):
        ForecastChoice(enabled=True, staff=["S0001"])
