"""Costs and benefits on simulated cohorts: the truth is inside, nothing without a counterfactual, no person in a forecast."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mentorship_eval.cohort.study.choices import EconomicsChoice, ForecastChoice
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.answer import Answer
from mentorship_eval.questions.economics.forecasts import forecasts, monthly_exits
from mentorship_eval.questions.economics.used import usage
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


def changed(cohort, name, **columns):
    return replace(cohort, tables={**cohort.tables, name: cohort.table(name).assign(**columns)})


def test_hours_are_those_of_mentor_and_mentee_in_sessions_held_and_planned_ones_are_a_choice_beside_them(both):
    cohort, retention, _ = both
    plain, rollout = usage(cohort), cohort.table("rollout")
    assert plain.hours == "held" and plain.planned is None
    hours = rollout["active_from"].notna().map({True: 1.5, False: np.nan})
    both_told = changed(cohort, "rollout", protected_hours_month=hours)
    told = answer_chapter("economics", both_told, {"retention": retention})
    assert value(told, "programme_cost") == value(answer_chapter("economics", cohort, {"retention": retention}), "programme_cost")
    assert told.result("economics.net_benefit.planned_hours") is not None
    # of each match, not of each department: 1.5 hours a month of two people for as long as they were matched
    matches = cohort.table("matches")
    days = (matches["end"].fillna(cohort.window[1]).clip(upper=cohort.window[1]) - matches["start"]).dt.days + 1
    assert usage(both_told).planned == pytest.approx(2 * 1.5 * days.sum() / 30.4375, rel=0.01)
    alone = replace(both_told, tables={name: table for name, table in both_told.tables.items() if name != "sessions"})
    assert usage(alone).hours == "planned" and usage(alone).parts["protected hours"].sum() == usage(both_told).planned
    # a session of unknown length was held all the same
    sessions = cohort.table("sessions")
    some = sessions["minutes"].where(sessions.index % 5 != 0)
    filled = usage(changed(cohort, "sessions", minutes=some))
    assert filled.filled > 0 and filled.parts["protected hours"].sum() == pytest.approx(plain.parts["protected hours"].sum(), rel=0.02)
    late = changed(cohort, "sessions", date=sessions["date"].where(sessions.index % 2 == 0, cohort.window[1] + pd.Timedelta(days=9)))
    assert usage(late).parts["sessions held"].sum() == (sessions["status"].eq("held") & (sessions.index % 2 == 0)).sum()


def test_a_programme_counts_where_and_when_it_was_there(both):
    cohort, retention, _ = both
    rollout = cohort.table("rollout")
    first = usage(cohort)
    # months of the calendar: the 18 and 12 months of the two waves, no rounding of days; shares of years add up to one
    since = (30 - rollout["active_from"].map(lambda day: (day.year - 2022) * 12 + day.month - 1)).dropna()
    assert first.active_months == since.sum() and all(shares.sum() == pytest.approx(1) for shares in first.years.values())
    after = rollout["active_from"].mask(rollout["active_from"].isna(), cohort.window[1] + pd.Timedelta(days=40))
    assert usage(changed(cohort, "rollout", active_from=after)).parts["departments with the programme"].sum() == rollout["active_from"].notna().sum()
    middle = usage(changed(cohort, "rollout", active_from=rollout["active_from"] + pd.Timedelta(days=15)))
    assert first.active_months - 0.6 * len(since) < middle.active_months < first.active_months - 0.4 * len(since)
    sooner = changed(cohort, "rollout", active_from=rollout["active_from"] - pd.Timedelta(days=59))
    part = answer_chapter("economics", sooner, {"retention": retention})
    caution = next(c for c in part.cautions if c.code == "apportioned")
    assert "%" in caution.text and part.result("economics.net_benefit").truth is None
    whole = value(answer_chapter("economics", cohort, {"retention": retention}), "programme_cost").value
    assert value(part, "programme_cost").value < whole


def test_every_choice_is_told_and_others_stand_beside_it(both):
    cohort, retention, _ = both
    told = answer_chapter("economics", cohort, {"retention": retention})
    frames = {exhibit.id: exhibit.frames["rows"] for exhibit in told.exhibits}
    taken = frames["economics.assumptions"].set_index("what")["taken"]
    assert {"Leavers avoided", "Time", "Ranges", "Prices", "Quantities", "Protected hours", "Money", "Discounting", "Probability"} <= set(taken.index)
    assert taken["Value of a leaver"].startswith("12,000 (5,000 to 25,000), from the table costs")
    net, cost = value(told, "net_benefit"), value(told, "programme_cost")
    together, later, mentor = (value(told, f"net_benefit.{key}") for key in ("together", "discounted", "mentor_hours"))
    assert together.value == net.value and together.ci_low < net.ci_high
    assert 0 < mentor.value - net.value < cost.value
    # costs come earlier than the leavers who are avoided: discounting takes more from these than a common factor would
    avoided = retention.result("retention.programme_active.avoided").estimate.value
    years = usage(cohort).years
    assert len(years[""]) == 2 and years["mentors with a match"][0] > years[""][0]
    factor = years[""][0] + years[""][1] / 1.035
    spent = factor * 12_000 * avoided - later.value
    assert factor * cost.value < spent < cost.value
    shown = frames["economics.otherwise"]
    assert shown["value"].iloc[0] == float(f"{net.value:.3g}") and f"{abs(shown['value'].iloc[0]):,.0f}" in str(told.lead[0])
    mixed = cohort.table("costs").assign(price_year=[2020, 2020, 2022, 2022, 2022], low=lambda c: c["amount"])
    other = answer_chapter("economics", costed(cohort, mixed), {"retention": retention})
    assert {"price_years", "range_leans"} <= {c.code for c in other.cautions} and "prices of 2020 and 2022" in str(other.lead[0])


def test_sums_that_a_few_people_make_up_are_withheld_with_all_that_would_tell_them(both):
    cohort, retention, _ = both
    sessions = cohort.table("sessions")
    told = answer_chapter("economics", cohort, {"retention": retention})
    [shown], _ = protect([told], Rule())
    assert np.isfinite(value(shown, "net_benefit").value) and not any(e.frames["rows"].empty for e in shown.exhibits)
    # nearly all hours are of six pairs
    held = sessions["status"].eq("held")
    few = sessions["match_id"].isin(sessions.loc[held, "match_id"].unique()[:6])
    told = answer_chapter("economics", changed(cohort, "sessions", minutes=sessions["minutes"] * np.where(few, 1000, 1)), {"retention": retention})
    assert min(count for count in told.results[0].rests_on if count) < 10 and len(told.results) > 5
    [shown], _ = protect([told], Rule())
    assert all(np.isnan(result.estimate.value) for result in shown.results) and not any(len(e.frames["rows"]) for e in shown.exhibits)
    assert not any(character.isdigit() for sentence in shown.lead for character in str(sentence).replace("10", ""))


@pytest.mark.parametrize(
    ("avoided", "word"), [((-40.0, 10.0), "dominated"), ((-5.0, 10.0), "no leaver was avoided"), ((5.0, 10.0), "no bounded interval")]
)
def test_a_ratio_that_means_nothing_is_not_told(both, avoided, word):
    cohort, retention, _ = both
    at, se = avoided
    one = retention.result("retention.programme_active.avoided")
    given = replace(one, estimate=replace(one.estimate, value=at, se=se, ci_low=at - 2 * se, ci_high=at + 2 * se))
    told = answer_chapter("economics", cohort, {"retention": replace(retention, results=(given,))})
    assert told.result("economics.cost_per_leaver") is None and told.result("economics.roi") is not None
    assert any(word in gap.reason for gap in told.gaps)
    costs = cohort.table("costs")
    vague = costs[costs["unit"].isin(["hour", "leaver"])].assign(low=lambda c: 0.0 * c["amount"], high=lambda c: 5 * c["amount"])
    told = answer_chapter("economics", costed(cohort, vague), {"retention": replace(retention, results=(given,))})
    assert told.result("economics.roi") is None and any("next to nothing" in gap.reason for gap in told.gaps)


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
