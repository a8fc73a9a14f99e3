"""Cohorts as small, odd or incomplete as real ones: no crash, no number that cannot stand, and a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import read_cohort
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.inference.proportions import wilson
from mentorship_eval.questions import answer_chapter
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated, small


def with_tables(cohort, **tables):
    return replace(cohort, tables={**cohort.tables, **tables})


def draw_all(answer, rule=None):
    [shown], _ = protect([answer], rule or Rule(10))
    for exhibit in shown.exhibits:
        assert draw(exhibit) is not None, exhibit.id
    return shown


def test_counts_by_calendar_month_are_answered_like_counts_by_number(tmp_path):
    rng = np.random.default_rng(5)
    months = pd.period_range("2023-01", periods=18, freq="M")
    rows = [
        {"ward": f"W{w}", "month": str(m), "harm": rng.poisson(6), "no_harm": rng.poisson(15), "days": 700,
         "live": "" if w > 8 else str(months[6 + w])}
        for w in range(12) for m in months
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "counts.csv", index=False)
    study = (
        "study: {name: Monthly}\ntables:\n  counts:\n    file: counts.csv\n"
        "    columns: {dept_id: ward, period: month, active_from: live, exposure: days}\n    outcomes: {harm: harm, no_harm: no_harm}\n"
        "plan: {permutations: 99}\n"
    )
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    answer = answer_chapter("incidents", read_cohort(tmp_path))
    assert 0.5 < answer.result("incidents.harm").estimate.value < 2
    assert answer.result("incidents.reporting_bound") is not None
    live = answer.exhibit("incidents.harm.waves").frames["rows"]["label"]
    assert "2023-07" in live.iloc[0]
    draw_all(answer)


def test_one_pilot_ward_has_no_p_value_and_no_interval_anywhere():
    cohort = simulated("one_pilot_ward", 4)
    answer = answer_chapter("incidents", cohort)
    for result in answer.results:
        if result.id.startswith(("incidents.harm", "incidents.no_harm")):
            assert np.isnan(result.estimate.ci_low) and np.isnan(result.estimate.p_value), result.id
    assert any("one" in c.text.lower() or "single" in c.text.lower() for c in answer.cautions)
    draw_all(answer)
    retention = answer_chapter("retention", cohort)
    for name in ("retention.programme_active", "retention.programme_active.twfe"):
        found = retention.result(name)
        assert found is None or np.isnan(found.estimate.ci_low), name
    draw_all(retention)


@pytest.mark.parametrize("scenario", ["tiny_programme", "few_departments", "confounded"])
def test_scenarios_are_answered_and_drawn(scenario):
    size = {"departments": 12, "staff": 900} if scenario == "confounded" else {}
    cohort = simulated(scenario, 2, **size)
    earlier = {}
    for chapter in ("cohort", "retention", "incidents", "summary"):
        earlier[chapter] = answer_chapter(chapter, cohort, earlier)
        draw_all(earlier[chapter])
    assert earlier["retention"].lead, "who was followed is said whatever else can be said"


def test_when_nobody_leaves_the_chapter_still_says_who_was_followed():
    cohort = small()
    spells = cohort.table("spells").assign(end=pd.NaT, leaving_reason=np.nan).drop_duplicates("staff_id")
    answer = answer_chapter("retention", with_tables(cohort, spells=spells))
    assert not [r for r in answer.results if r.estimate.scale == "hazard ratio"]
    assert answer.gaps and answer.lead
    share = answer.result("retention.mentored_left").estimate
    assert share.value == 0 and share.ci_low == 0 and share.ci_high > 0
    draw_all(answer)


def test_exits_without_a_reason_are_said_and_not_taken_for_voluntary():
    cohort = small()
    spells = cohort.table("spells")
    blank = spells.assign(leaving_reason=spells["leaving_reason"].where(spells["end"].isna() | (spells["leaving_reason"] == "transfer"), "unknown"))
    answer = answer_chapter("retention", with_tables(cohort, spells=blank))
    assert any(c.code == "unknown_reason" for c in answer.cautions)


def test_incidents_that_never_say_harm_are_not_told_as_a_pair():
    cohort = small()
    calm = cohort.table("incidents")[lambda f: f["harm"].isin(["none", "near_miss"])]
    answer = answer_chapter("incidents", with_tables(cohort, incidents=calm))
    assert not [r for r in answer.results if r.role == "headline"]
    assert any("never recorded" in gap.reason for gap in answer.gaps)


def test_wilson_limits_of_none_in_eighteen():
    low, high = wilson(0, 18)
    assert low == 0.0 and high == pytest.approx(0.17588, abs=5e-5)
    assert wilson(18, 18)[1] == 1.0


def test_nothing_of_a_withheld_result_is_left_in_the_figures():
    answer = answer_chapter("retention", small())
    shown = draw_all(answer, Rule(5000))
    for name in ("retention.audit", "retention.forest"):
        exhibit = shown.exhibit(name)
        if exhibit is not None:
            assert exhibit.frames["rows"][["estimate", "ci_low", "ci_high"]].isna().all().all(), name


def test_the_level_of_a_characteristic_cannot_be_found_by_subtraction():
    cohort = small()
    staff = cohort.table("staff").copy()
    staff["gender"] = np.where(np.arange(len(staff)) < 4, "nonbinary", np.where(np.arange(len(staff)) % 3 == 0, "male", "female"))
    [shown], _ = protect([answer_chapter("cohort", with_tables(cohort, staff=staff))], Rule(10))
    rows = shown.exhibit("cohort.people").frames["rows"]
    gender = rows[rows["characteristic"] == "Gender"].set_index("level")["people"]
    assert sum(isinstance(value, str) for value in gender) == 2, "one blank in a column of a known total is no blank"
