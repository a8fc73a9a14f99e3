"""Delivery on simulated programmes: what was put in is found, what was not is not, and nobody is counted who could not be."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.study.models import Earlier
from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.inference.clustered import clustered_mean, clustered_share
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.delivery.chapter import PARTS
from mentorship_eval.questions.delivery.study import delivery_study
from mentorship_eval.questions.delivery.versions import versions
from mentorship_eval.report.appendix.checklists import AUTHOR, FOUND, PART, fill, load_checklist
from mentorship_eval.report.appendix.source import Source
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "goals", "feedback", "programmes", "training", "surveys",
          "survey_invites", "events")  # fmt: skip
SIZE = {"departments": 20, "staff": 1400, "months": 30, "waves": (4, 7, 10), "outcomes": True, "delivered": True, "only": TABLES}
STRONG = {"events": (0.8, 1.6), "mentor_gain": 0.6, "reverse_gain": 0.8, "directions": (0.4, 0.1), "slip_days": 60.0}
NONE = {"directions": (0.4, 0.1)}


@pytest.fixture(scope="module", params=["effect", "none"])
def told(request):
    effect = request.param == "effect"
    cohort = simulated("default" if effect else "null", 5, **{**SIZE, **(STRONG if effect else NONE)})
    return answer_chapter("delivery", cohort), cohort, effect


def near(result):
    estimate = result.estimate
    off = math.log(estimate.value / result.truth) if estimate.is_ratio else estimate.value - result.truth
    return abs(off) < 4 * estimate.se


@pytest.mark.parametrize("name", ["cancelled.workload", "topic.career", "direction.reverse", "format.group", "case_days"])
def test_what_sessions_and_matches_were_is_found(told, name):
    found = told[0].result(f"delivery.{name}")
    assert found.truth > 0 and near(found)


@pytest.mark.parametrize(
    "name, nothing",
    [("events", 1.0), ("mentors.mentoring_competence_total", 0.0), ("reverse.digital_confidence_total", 0.0), ("versions.remote", 0.0)],
)
def test_a_difference_is_found_where_there_is_one_and_none_where_there_is_none(told, name, nothing):
    answer, _, effect = told
    found = answer.result(f"delivery.{name}")
    assert near(found)
    assert (found.truth == nothing) != effect
    assert (found.estimate.ci_low > nothing) == effect


def test_slippage_is_that_of_the_plan(told):
    answer, cohort, effect = told
    found = answer.result("delivery.slippage").estimate
    rollout = cohort.table("rollout").dropna(subset=["active_from", "planned_from"])
    days = (pd.to_datetime(rollout["active_from"]) - pd.to_datetime(rollout["planned_from"])).dt.days
    assert found.value == pytest.approx(days.mean())
    assert (found.value > 20) == effect
    assert (answer.result("delivery.live_in_time").estimate.value == 1.0) != effect


def test_the_wait_is_that_of_the_incidence_and_grows(told):
    answer, _, _ = told
    shares = [answer.result(f"delivery.waiting.{days}").estimate for days in (90, 180, 365)]
    assert shares[0].value < shares[1].value < shares[2].value
    full = answer.result("delivery.matched").estimate
    assert shares[2].value == pytest.approx(full.value, abs=0.06)
    offered = answer.result("delivery.offered").estimate
    assert offered.value >= full.value and offered.n == full.n


def test_mentors_training_is_told_by_their_first_session(told):
    answer, cohort, _ = told
    matches, sessions = cohort.table("matches"), cohort.table("sessions")
    kept = matches[(matches["relationship_type"] == "mentoring") & matches["start"].notna()]
    rows = sessions[sessions["status"] == "held"].merge(kept[["match_id", "mentor_id"]], on="match_id")
    first = pd.to_datetime(rows.groupby("mentor_id")["date"].min())
    trained = pd.to_datetime(cohort.table("mentors").set_index("staff_id")["trained_on"])
    found = answer.result("delivery.trained").estimate
    assert found.n == len(first) and found.n_events == (trained.reindex(first.index) <= first).sum()
    expired = answer.result("delivery.training_expired").estimate
    expiry = rows["mentor_id"].map(pd.to_datetime(cohort.table("mentors").set_index("staff_id")["training_expiry"]))
    assert expired.n_events == ((expiry < pd.to_datetime(rows["date"])) & (rows["mentor_id"].map(trained) <= pd.to_datetime(rows["date"]))).sum()


def test_load_counts_mentees_at_a_time(told):
    answer, _, _ = told
    used, free, over = (answer.result(f"delivery.{name}").estimate for name in ("capacity_used", "mentors_free", "mentors_over"))
    assert 0 < used.value < 1 and free.n == over.n and free.n_events + over.n_events < free.n
    assert used.n_clusters == answer.result("delivery.mentors_free").estimate.n_clusters


def test_sessions_add_up_and_protected_time_is_over_what_was_planned(told):
    answer, cohort, _ = told
    parts = [answer.result(f"delivery.sessions.{status}").estimate for status in ("held", "cancelled", "no_show")]
    assert sum(part.n_events for part in parts) == parts[0].n == parts[1].n
    assert parts[0].value == pytest.approx(0.70, abs=0.05)
    assert 0 < answer.result("delivery.protected_delivered").estimate.value < 1
    # supervision has sessions of its own, which are nobody's mentoring
    assert parts[0].n < len(cohort.table("sessions"))


def test_goals_that_were_not_due_are_not_counted_as_missed(told):
    answer, cohort, _ = told
    found = answer.result("delivery.goals.in_time").estimate
    goals = cohort.table("goals")
    assert found.n <= (pd.to_datetime(goals["due_on"]) <= pd.Timestamp(cohort.window[1])).sum()
    assert answer.result("delivery.goals.by_end").estimate.value == pytest.approx(0.6, abs=0.05)


def test_feedback_is_held_against_what_was_due(told):
    answer, _, _ = told
    for role in ("mentee", "mentor"):
        assert answer.result(f"delivery.feedback.given.{role}").estimate.value == pytest.approx(0.6, abs=0.04)
    chart = answer.exhibit("delivery.feedback.run").frames["points"]
    assert chart["value"].between(0, 100).all()


def test_run_charts_say_how_many_and_when_departments_and_versions_began(told):
    answer, cohort, _ = told
    live = pd.to_datetime(cohort.table("rollout")["active_from"]).dropna()
    version = pd.to_datetime(cohort.table("programmes")["valid_from"]).max()
    for name, of in (("sessions", answer.result("delivery.sessions.held").estimate.n), ("feedback", None)):
        chart = answer.exhibit(f"delivery.{name}.run")
        points, marks = chart.frames["points"], chart.frames["changes"]
        assert chart.options["n"] == points["yes"].sum() + points["no"].sum() and (of is None or chart.options["n"] == of)
        assert f"First go-live {live.min():%Y-%m}." in chart.note
        assert marks.set_index("label")["period"].to_dict() == {"last go-live": f"{live.max():%Y-%m}", "version 1.1": f"{version:%Y-%m}"}
        caption = draw(chart).caption
        assert f"{chart.options['n']:,}" in caption and "version 1.1" in caption


def test_the_dose_is_counted_of_matches_that_have_ended(told):
    answer, cohort, _ = told
    study = delivery_study(cohort)
    over = study.mentoring[study.mentoring["ended"] == 1]
    held = study.sessions[study.sessions["held"] == 1]["match_id"].value_counts()
    dose = over["match_id"].map(held).fillna(0)
    bars = answer.exhibit("delivery.dose").frames["rows"]
    assert bars["count"].sum() == len(over) and len(bars) <= 17
    for row in bars.itertuples():
        assert row.count == dose.between(row.bin_low, row.bin_high).sum()


def test_supervision_is_told_apart(told):
    answer, cohort, _ = told
    found = answer.result("delivery.relationship.mentoring").estimate
    begun = cohort.table("matches").dropna(subset=["start"])
    assert found.n_events == (begun["relationship_type"] == "mentoring").sum() and found.n == len(begun)
    # both have a session a month, held alike
    assert answer.result("delivery.mentoring_against_supervision").estimate.value == pytest.approx(1.0, abs=0.12)


def test_support_is_a_mean_of_those_who_answered(told):
    answer, cohort, _ = told
    rows = cohort.table("surveys")
    rows = rows[(rows["instrument"] == "ORGANISATIONAL-SUPPORT") & (rows["wave"] == 0)]
    assert answer.result("delivery.support.wave_0").estimate.value == pytest.approx(rows["score"].mean())


def test_training_gaps_are_late_by_the_day_due(told):
    answer, _, _ = told
    found = answer.result("delivery.training_gap").estimate
    table = answer.exhibit("delivery.gaps").frames["rows"]
    assert table["due"].sum() == found.n and table["late"].sum() == found.n_events
    assert 0.14 < found.value < 0.25
    assert answer.result("delivery.training_overdue").estimate.value < found.value


def test_versions_and_objectives_are_shown_as_declared(told):
    answer, cohort, _ = told
    rows = answer.exhibit("delivery.versions").frames["rows"]
    assert list(rows.columns) == ["item", "v0", "v1"] and rows["item"].str.startswith(("8.", "10.", "11.", "12.")).sum() == 8
    of_data = rows[rows["item"].str.contains("From the data")].assign(item=lambda of: of["item"].str.split(".").str[0]).set_index("item")
    assert of_data.loc["10", ["v0", "v1"]].tolist() == ["First version", f"Item 6, from {cohort.table('programmes')['valid_from'].iloc[1]:%Y-%m-%d}"]
    assert of_data.loc["11", "v1"] == "Sessions held or not, length, mode, protected time, topic, goals, ratings, protected hours planned"
    declared = answer.exhibit("delivery.objectives").frames["rows"].set_index("what")["declared"]
    assert declared["Hash of the plan"] == cohort.look.plan and "harm incidents" in declared["Primary outcomes"]


def test_another_programme_is_no_version_of_this_one(told):
    _, cohort, _ = told
    table = cohort.table("programmes")
    lab = table.iloc[:1].assign(programme_id="LAB", name="innovation labs")
    both = replace(cohort, tables=cohort.tables | {"programmes": pd.concat([table, lab], ignore_index=True)})
    made, alone = versions(delivery_study(both)), versions(delivery_study(cohort))
    pd.testing.assert_frame_equal(made.exhibits[0].frames["rows"], alone.exhibits[0].frames["rows"])
    assert [result.estimate.value for result in made.results] == [result.estimate.value for result in alone.results]


def test_items_of_tidier_are_found_where_they_are_described(told):
    answer, cohort, _ = told
    lines = {line.item: line for line in fill(load_checklist("tidier"), Source(Path("."), {"delivery": answer}, [], {}), [])}
    assert {item: lines[item].status for item in ("1", "2", "10", "11")} == {"1": FOUND, "2": FOUND, "10": PART, "11": PART}
    assert "exhibit-delivery-versions" in lines["10"].where and "why" in lines["10"].remains
    # a first version that nobody described answers nothing of it; what sessions record still answers part of item 11
    bare = cohort.table("programmes")[["programme_id", "version", "valid_from"]].iloc[:1]
    section = versions(delivery_study(replace(cohort, tables=cohort.tables | {"programmes": bare})))
    source = Source(Path("."), {"delivery": replace(answer, exhibits=section.exhibits)}, [], {})
    lines = {line.item: line for line in fill(load_checklist("tidier"), source, [])}
    assert {lines[item].status for item in ("1", "2", "4", "9", "10")} == {AUTHOR} and lines["11"].status == PART


def test_a_plan_changed_after_the_data_were_seen_is_said(told):
    _, cohort, _ = told
    study = delivery_study(cohort)
    look = replace(cohort.look, earlier=(Earlier(name="before", plan="0" * 12),))
    from mentorship_eval.questions.delivery.objectives import objectives

    class Seen:
        def __init__(self):
            self.study, self.look = cohort.study, look

    made = objectives(replace(study, cohort=Seen()))
    assert [c.code for c in made.cautions] == ["plan_amended"]
    assert not objectives(study).cautions


def test_without_optional_tables_there_are_gaps_that_name_them():
    cohort = simulated("default", 5, departments=6, staff=300, months=24, waves=(4,), outcomes=True, only=("staff", "spells", "matches"))
    answer = answer_chapter("delivery", cohort)
    unlock = " ".join(gap.unlock for gap in answer.gaps)
    for name in ("rollout", "mentors", "sessions", "goals", "feedback", "training", "events", "programmes", "surveys", "direction"):
        assert name in unlock
    assert not any("nan" in str(line) for line in answer.lead)


def test_small_counts_are_withheld_and_every_exhibit_can_be_drawn(told):
    answer, _, _ = told
    safe = protect([answer], Rule(threshold=10))[0][0]
    assert len(safe.exhibits) >= len(answer.exhibits) - 2
    for exhibit in safe.exhibits:
        draw(exhibit)


def test_every_part_ends_in_a_section_on_a_cohort_with_little(told):
    cohort = simulated("default", 5, departments=6, staff=300, months=24, waves=(4,), outcomes=True, delivered=True, only=TABLES)
    study = delivery_study(cohort)
    for part in PARTS:
        made = part(study)
        assert made.results or made.exhibits or made.gaps


def test_a_clustered_share_is_the_jackknife_done_by_hand():
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 8, 200)
    yes = (rng.random(200) < 0.3 + 0.05 * (cluster % 3)).astype(float)
    found = clustered_share(yes, np.ones(200), cluster)
    logit = [math.log(y.mean() / (1 - y.mean())) for y in (yes[cluster != each] for each in range(8))]
    full = math.log(yes.mean() / (1 - yes.mean()))
    se = math.sqrt(7 / 8 * sum((each - full) ** 2 for each in logit))
    assert found.se == pytest.approx(se * yes.mean() * (1 - yes.mean()))
    assert found.df == 7 and found.n_events == yes.sum()


def test_a_clustered_interval_covers_more_than_one_without_clusters():
    rng = np.random.default_rng(2)
    hit = []
    for _ in range(300):
        level = 1 / (1 + np.exp(-rng.normal(0, 0.7, 16)))
        cluster = np.repeat(np.arange(16), 20)
        found = clustered_share(rng.random(320) < level[cluster], np.ones(320), cluster)
        hit.append(found.ci_low < 0.5 < found.ci_high)
    assert np.mean(hit) > 0.91


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=40))
def test_a_share_stays_between_its_limits_and_its_limits_between_0_and_1(rows):
    yes, cluster = (np.array(side) for side in zip(*rows, strict=True))
    found = clustered_share(yes, np.ones(len(yes)), cluster)
    assert 0 <= found.ci_low <= found.value + 1e-12 and found.value <= found.ci_high + 1e-12 <= 1 + 2e-12
    mean = clustered_mean(yes, np.ones(len(yes)), cluster)
    assert mean.value == pytest.approx(found.value)


def test_no_trials_give_no_share():
    assert math.isnan(clustered_share([0.0], [0.0], ["a"]).value)
    over = clustered_share([30.0, 20.0], [20.0, 20.0], ["a", "b"])  # mentors beyond their capacity in all
    assert over.value == 1.25 and over.df == 1 and 0 <= over.ci_low < over.value < over.ci_high  # of two mentors
    assert math.isnan(clustered_share([30.0], [20.0], ["a"]).ci_low)
