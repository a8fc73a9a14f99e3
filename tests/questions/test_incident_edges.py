"""The incidents chapter of cohorts as small, odd or incomplete as real ones: no crash, nothing that few departments cannot carry, and a reason."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.errors import EstimationError
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.allocation import allocation_cautions, other_programmes, own_rollout
from mentorship_eval.questions.incidents.forests import in_words
from mentorship_eval.report.exhibits import draw
from tests.questions.wards import STAGGERED, month, wards, with_tables

FEW = {f"W{k}": (10 if k < 6 else None) for k in range(8)}


def permuted(cohort, draws):
    plan = cohort.study.plan.model_copy(update={"permutations": draws})
    return replace(cohort, study=cohort.study.model_copy(update={"plan": plan}))


def told(cohort):
    answer = answer_chapter("incidents", cohort)
    drawn = {}
    for rule in (Rule(0, "off"), Rule(10)):
        [shown], _ = protect([answer], rule)
        for exhibit in shown.exhibits:
            before = drawn.setdefault(exhibit.id, {})
            if before.keys() != exhibit.frames.keys() or not all(frame.equals(before[name]) for name, frame in exhibit.frames.items()):
                assert draw(exhibit) is not None, exhibit.id
            drawn[exhibit.id] = dict(exhibit.frames)
    for gap in answer.gaps:
        assert gap.question.strip() and gap.reason.strip() and gap.unlock.strip()
        assert "Error" not in gap.reason and "nan" not in gap.reason.split()
    return answer


@pytest.mark.parametrize("treated", [1, 3])
def test_few_treated_departments_have_no_interval_and_no_p_value_but_the_permutation_one(treated):
    live = {f"W{k}": (10 + k if k < treated else None) for k in range(8)}
    answer = told(permuted(wards(live, seed=2, rate=12), 199))
    assert answer.result("incidents.harm") is not None and answer.exhibit("incidents.no_harm.chart") is not None
    for result in answer.results:
        if result.role == "audit" and result.id != "incidents.all_incidents":
            continue  # what a wrong design would have said
        estimate = result.estimate
        assert math.isnan(estimate.ci_low) and math.isnan(estimate.ci_high), result.id
        if not (treated > 1 and result.id.endswith(".permutation")):
            assert math.isnan(estimate.p_value), result.id
    some = any(r.id.endswith(".permutation") and not math.isnan(r.estimate.p_value) for r in answer.results)
    assert some == (treated > 1)
    assert not any("80% power" in s.text for s in answer.lead)
    codes = {c.code for c in answer.cautions}
    assert ("one_treated" in codes) == (treated == 1) and ("few_treated" in codes) == (treated == 3)
    if treated == 1:
        assert any("ranks" in c.text or "rank" in c.text for c in answer.cautions)


def change(name):
    cohort = wards(FEW, seed=3, rate=6)
    records, exposure, rollout = (cohort.table(table) for table in ("incidents", "exposure", "rollout"))
    dates = {
        "nobody treated": pd.NaT, "treated after the window": month(40), "treated before the window": month(-5), "all at once": month(10),
    }  # fmt: skip
    if name in dates:
        return with_tables(cohort, rollout=rollout.assign(active_from=dates[name]))
    if name == "no harm":
        return with_tables(cohort, incidents=records[records["harm"].isin(["none", "near_miss"])])
    if name == "harm missing":
        return with_tables(cohort, incidents=records.assign(harm=np.nan))
    if name == "no column harm":
        return with_tables(cohort, incidents=records.drop(columns="harm"))
    if name == "no incident":
        return with_tables(cohort, incidents=records.iloc[:0])
    if name == "five incidents":
        return with_tables(cohort, incidents=records.iloc[:5])
    if name == "bare":
        return with_tables(cohort, incidents=records.drop(columns=["reported", "category"]))
    if name == "missing months":
        return with_tables(cohort, exposure=exposure[np.random.default_rng(1).random(len(exposure)) > 0.2])
    if name == "two departments":
        return with_tables(cohort, exposure=exposure[exposure["dept_id"].isin(["W0", "W7"])])
    if name == "one department":
        return with_tables(cohort, exposure=exposure[exposure["dept_id"] == "W0"])
    if name == "mid-month":
        return with_tables(cohort, rollout=rollout.assign(active_from=rollout["active_from"] + pd.Timedelta(days=14)))
    if name == "all months incomplete":
        return with_tables(cohort, exposure=exposure.assign(complete=False))
    raise KeyError(name)


@pytest.mark.parametrize("name", [
    "nobody treated", "treated after the window", "treated before the window", "all at once", "no harm", "harm missing", "no column harm",
    "no incident", "five incidents", "bare", "missing months", "two departments", "one department", "mid-month", "all months incomplete",
])  # fmt: skip
def test_odd_cohorts_are_answered_as_far_as_they_go(name):
    answer = told(change(name))
    estimable = {"bare", "missing months", "mid-month", "all months incomplete"}
    if name in estimable:
        assert answer.result("incidents.harm") is not None
    elif name != "five incidents":
        assert answer.gaps
    if name in {"nobody treated", "treated after the window", "treated before the window", "no incident"}:
        assert not [r for r in answer.results if r.role == "headline"]


def test_the_words_of_an_engine_become_those_of_the_house():
    text = "None of the 12 treated cells can be compared: fewer than 5 untreated units in the period (min_controls) (units W1, W2)."
    said = in_words(text)
    assert said.startswith("None of the 12 department-months with the programme can be compared: fewer than 5 departments without it in the month")
    assert "W1, W2" in said and "min_controls" not in in_words(text, months=False)
    assert in_words(EstimationError("No unit is treated.", fix="Wait.").problem) == "No department is treated."


def test_programmes_of_rollout_that_are_not_mentorship():
    cohort = wards(STAGGERED, seed=1, rate=1, other=dict.fromkeys(STAGGERED, 12))
    assert other_programmes(cohort) == ["LAB"]
    assert set(own_rollout(cohort)["programme_id"]) == {"P1"}
    plain = wards(STAGGERED, seed=1, rate=1, other=dict.fromkeys(STAGGERED, 12), plan={"other_programmes": []})
    assert other_programmes(plain) == []  # nobody says which is which
    matches = pd.DataFrame({"match_id": ["m"], "mentee_id": ["a"], "mentor_id": ["b"], "programme_id": ["P1"], "start": [month(3)]})
    assert other_programmes(with_tables(plain, matches=matches)) == ["LAB"]
    assert other_programmes(with_tables(plain, matches=matches.assign(programme_id="elsewhere"))) == []


def test_what_the_allocation_means_is_said_of_the_mentorship_only():
    cohort = wards(STAGGERED, seed=1, rate=1, other=dict.fromkeys(STAGGERED, 12))
    rollout = cohort.table("rollout")
    lab = rollout["programme_id"] == "LAB"
    changed = rollout.assign(allocation=np.where(lab, "targeted", "random"), active_to=pd.Series(month(20), index=rollout.index).where(lab))
    assert not allocation_cautions(with_tables(cohort, rollout=changed))
    ended = pd.Series(month(20), index=rollout.index).where(~lab & rollout.index.isin([0, 1]))
    ours = rollout.assign(allocation=np.where(lab, "random", "targeted"), active_to=ended)
    codes = {c.code: c for c in allocation_cautions(with_tables(cohort, rollout=ours))}
    assert set(codes) == {"regression_to_mean", "programme_ended"} and "In 2 departments" in codes["programme_ended"].text
