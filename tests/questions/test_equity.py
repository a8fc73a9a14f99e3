"""Equity on simulated staff: gaps that were put in are found, none where there are none, and nobody's group is told who is too few."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.equity.alike import pairs_alike
from mentorship_eval.questions.equity.concordance import against_chance, concordance
from mentorship_eval.questions.equity.dose import dose
from mentorship_eval.questions.equity.eligible import equity_study, with_levels
from mentorship_eval.questions.equity.pairs import pairs_of
from mentorship_eval.questions.equity.reach import reach
from mentorship_eval.questions.equity.reach_ratio import reach_ratios
from mentorship_eval.questions.equity.staying import difference_of_differences, excess_of, gaps_in_staying
from mentorship_eval.questions.equity.staying.by_arm import differences_apart
from mentorship_eval.questions.groups import MISSING, OTHER
from mentorship_eval.questions.truth import known_truth
from mentorship_eval.report.exhibits import draw
from mentorship_eval.survival import cox
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "feedback")
SIZE = {"departments": 24, "staff": 2400, "months": 36, "uptake_delay": 2.0, "outcomes": True, "only": TABLES}
STRONG = {"uptake_gaps": (-0.8, -1.2), "sessions_minority": 0.7, "alike": 0.05, "quality_alike": 12.0}


@pytest.fixture(scope="module", params=["effect", "none"])
def study(request):
    cohort = simulated("default", 6, **SIZE, **STRONG) if request.param == "effect" else simulated("null", 6, **SIZE)
    return equity_study(cohort), request.param == "effect"


def result(section, name):
    return next(r for r in section.results if r.id == name).estimate


def test_the_access_gap_is_found_and_none_where_there_is_none(study):
    made, effect = study
    told, truth = reach(made), known_truth(made.cohort)
    for name in ("equity.reach.gender.male", "equity.reach.ethnicity_group.others"):
        found = result(told, name)
        assert found.ci_low < truth[name] < found.ci_high
        assert (not found.ci_low < 0 < found.ci_high) == effect
        assert (truth[name] == 0) != effect
    assert {r.id for r in told.results if r.role == "headline"} == {"equity.reach.gender.male", "equity.reach.ethnicity_group.others"}


def test_standardised_ratios_recover_theirs_and_pooling_draws_them_together(study):
    made, effect = study
    told, truth = reach_ratios(made), known_truth(made.cohort)
    for level in ("gender.female", "gender.male", "ethnicity_group.white", "ethnicity_group.asian"):
        name = f"equity.ratio.{level}"
        found = result(told, name)
        assert found.ci_low < truth[name] < found.ci_high and (truth[name] == pytest.approx(1)) != effect
    raw = [r for r in told.results if r.id.startswith("equity.ratio.profession.")]
    pooled = [result(told, r.id.replace("ratio", "pooled", 1)).value for r in raw]
    assert np.ptp(np.log(pooled)) <= np.ptp(np.log([r.estimate.value for r in raw])) + 1e-12
    assert not [r for r in told.results if r.id.startswith("equity.pooled.gender.")]  # two groups do not say how much groups differ


def test_sessions_by_group_and_their_truth(study):
    made, effect = study
    told, truth = dose(made), known_truth(made.cohort)
    found = result(told, "equity.dose.ethnicity_group.asian")
    assert found.ci_low < truth["equity.dose.ethnicity_group.asian"] < found.ci_high
    assert (found.ci_high < 1) == effect
    men = result(told, "equity.dose.gender.male")
    assert men.ci_low < 1 < men.ci_high


def test_mentors_of_ones_own_gender_are_noticed_and_chance_is_not(study):
    made, effect = study
    told = concordance(made)
    gender, staff_group = result(told, "equity.concordance.gender"), result(told, "equity.concordance.profession")
    assert (gender.ci_low > 0 and gender.p_value == pytest.approx(0.001)) == effect
    assert staff_group.ci_low < 0 < staff_group.ci_high and staff_group.p_value > 0.01


@pytest.mark.parametrize("sorted_out", [True, False])
def test_mentors_of_ones_own_grade_are_noticed_where_they_were_handed_out_so(study, sorted_out):
    made, _ = study
    rows = pairs_of(made).rows[["match_id", "dept_id", "quarter", "mentee_grade", "mentor_id", "mentor_grade"]]
    if sorted_out:  # the mentors of a department and quarter, in the order of their grades, to its mentees in the order of theirs
        block = ["dept_id", "quarter"]
        mentees, mentors = (rows.sort_values([*block, side], kind="stable") for side in ("mentee_grade", "mentor_grade"))
        given = dict(zip(mentees["match_id"], mentors["mentor_id"], strict=True))
        matches = made.cohort.table("matches")
        matches = matches.assign(mentor_id=matches["match_id"].map(given).fillna(matches["mentor_id"]))
        made = replace(made, cohort=replace(made.cohort, tables={**made.cohort.tables, "matches": matches}))
    found = result(concordance(made), "equity.concordance.grade")
    assert (found.ci_low > 0 and found.p_value == pytest.approx(0.001)) == sorted_out


@pytest.mark.parametrize("kept", [0.6, 1.0])
def test_sessions_of_a_career_stage_that_were_taken_away_are_missed(study, kept):
    made, _ = study
    rows = pairs_of(made).rows
    new = set(rows.loc[rows["career_stage"] == "Newly qualified, under two years", "match_id"])
    sessions, rng = made.cohort.table("sessions"), np.random.default_rng(4)
    sessions = sessions[~sessions["match_id"].isin(new) | (rng.random(len(sessions)) < kept)].reset_index(drop=True)
    told = dose(replace(made, cohort=replace(made.cohort, tables={**made.cohort.tables, "sessions": sessions})))
    found = next(r.estimate for r in told.results if r.id.startswith("equity.dose.career_stage.newly_qualified"))
    assert abs(np.log(found.value / kept)) < 3 * found.se and (found.ci_high < 1) == (kept < 1)


def test_ratings_of_pairs_alike(study):
    made, effect = study
    told = pairs_alike(made)
    found = result(told, "equity.alike.ratings.gender")
    assert found.ci_low < (12.0 if effect else 0.0) < found.ci_high and (found.ci_low > 0) == effect
    ends = result(told, "equity.alike.ends.gender")
    assert ends.ci_low < 1 < ends.ci_high  # nothing acts on the length of a match
    assert [c.code for c in told.cautions] == ["pairs_not_drawn"]


def test_eligibility_is_what_was_known_on_the_day(study):
    made, _ = study
    people, cohort = made.people.set_index("staff_id"), made.cohort
    live = pd.to_datetime(cohort.table("rollout").set_index("dept_id")["active_from"])
    assert (people["day"] >= people["dept_id"].map(live) - pd.Timedelta(days=1)).all()
    matches = cohort.table("matches").set_index("mentee_id")["start"]
    matched = people[people["matched"] == 1]
    assert (matched["day"] + pd.to_timedelta(matched["stop"], unit="D") == pd.to_datetime(matches.reindex(matched.index))).all()
    assert (matched["stop"] > 0).all() and not set(people.index) & set(cohort.table("matches")["mentor_id"])
    assert not (people["matched"] & people["left"]).any() and (people["stop"] <= people["followed"]).all()


def test_gaps_in_staying_cover_none_in_cohorts_without_one(study):
    made, _ = study
    told = gaps_in_staying(made)
    found = result(told, "equity.staying.gender.male")
    assert found.ci_low < 0 < found.ci_high and "equity.staying.high_burnout.high_burnout" in {r.id for r in told.results}
    assert {exhibit.id for exhibit in told.exhibits} == {
        "equity.staying.forest", "equity.staying.adjusted", "equity.staying.table", "equity.staying_pooled.forest",
    }  # fmt: skip
    table = next(e for e in told.exhibits if e.id == "equity.staying.table").frames["rows"].set_index("told")
    for one in told.results:
        if one.id in table.index:
            row, reference = table.loc[one.id], table[table["characteristic"] == one.group].iloc[0]
            assert row["gap_1"] - row["gap_0"] == pytest.approx(row["change"]) and row["change"] == one.estimate.value
            assert row["gap_0"] == pytest.approx(100 * (row["share_0"] - reference["share_0"]))


@pytest.mark.parametrize("apart", [True, False])
def test_differences_that_are_alike_are_pooled_into_one_and_others_are_not(apart):
    rng, n = np.random.default_rng(7), 24_000
    level, mentored = rng.integers(0, 4, n), rng.integers(0, 2, n)
    effect = np.array([0.0, 0.1, 0.2, 0.3]) if apart else np.full(4, 0.15)
    gone = rng.random(n) < 0.45 - effect[level] * mentored
    rows = pd.DataFrame({"stop": np.where(gone, rng.integers(1, 360, n), 400.0), "exit": gone.astype(int), "mentored": mentored,
                         "level": np.array(list("abcd"), object)[level], "dept_id": rng.integers(0, 24, n)})  # fmt: skip
    found = differences_apart(rows, list("abcd"), "grade", "Grade", 365.0)
    assert [r.id for r in found] == [f"equity.staying_pooled.grade.{name}" for name in "abcd"]
    for result, truth in zip(found, 100 * effect, strict=True):
        assert result.estimate.ci_low < truth < result.estimate.ci_high and np.isnan(result.estimate.p_value)
    spread = np.ptp([r.estimate.value for r in found])
    assert (spread > 20) == apart and (apart or spread < 5)


# -- the parts, against arithmetic ------------------------------------------------------------------------------------------------


def test_chance_is_the_mean_over_every_way_to_hand_mentors_out():
    mentee, mentor = np.array([0, 1, 1, 0, 2]), np.array([0, 0, 1, 2, 2])
    block = np.array([0, 0, 0, 1, 1])
    found = against_chance(mentee, mentor, block, np.zeros(5, int))
    first = np.mean([np.mean(mentee[:3] == np.array(order)) for order in permutations(mentor[:3])])
    second = np.mean([np.mean(mentee[3:] == np.array(order)) for order in permutations(mentor[3:])])
    assert found.expected[0] == pytest.approx((3 * first + 2 * second) / 5) and found.observed[0] == pytest.approx(3 / 5)
    assert found.test.exact and found.alike == 3


def test_a_block_of_one_pair_says_nothing():
    found = against_chance(np.array([0, 1, 0]), np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([0, 1, 2]))
    assert found.observed[0] == found.expected[0] and np.isnan(found.test.p_value) and found.free == 0


@pytest.mark.parametrize("change", [0.0, 0.15])
def test_a_change_of_the_gap_that_was_put_in(change):
    rng = np.random.default_rng(5)
    n = 12_000
    level, mentored, place = rng.random(n) < 0.4, rng.random(n) < 0.5, rng.integers(0, 24, n)
    leave = 0.40 - 0.05 * mentored + 0.05 * level - change * (level & mentored)
    gone = rng.random(n) < leave
    rows = pd.DataFrame({"stop": np.where(gone, rng.integers(1, 360, n), 400.0), "exit": gone.astype(int), "mentored": mentored.astype(int),
                         "level": np.where(level, "b", "a"), "dept_id": place})  # fmt: skip
    found = difference_of_differences(rows, "b", "a", 365.0)
    assert found.ci_low < 100 * change < found.ci_high and (found.ci_low > 0) == (change > 0)
    share = {(who, arm): 1 - rows[(rows["level"] == who) & (rows["mentored"] == arm)]["exit"].mean() for who in "ab" for arm in (0, 1)}
    assert found.value == pytest.approx(100 * ((share["b", 1] - share["b", 0]) - (share["a", 1] - share["a", 0])))


def test_hazards_that_add_up_have_no_excess_but_a_ratio_of_ratios():
    rng = np.random.default_rng(9)
    n = 6000
    m, g = rng.integers(0, 2, n), rng.integers(0, 2, n)
    time = rng.exponential(1 / (1.0 + 1.0 * m + 2.0 * g))
    place = rng.integers(0, 40, n)
    rows = pd.DataFrame({"stop": np.minimum(time, 1.0), "event": (time <= 1).astype(int), "m": m, "g": g, "mg": m * g, "place": place})
    made = excess_of(cox(rows, stop="stop", event="event", covariates=["m", "g", "mg"], cluster="place"), "m", "g", "mg")
    assert made.reri.ci_low < 0 < made.reri.ci_high and made.reri.ci_high - made.reri.ci_low < 1.5
    assert made.ratio.ci_low < 4 / 6 < made.ratio.ci_high < 1
    assert made.ratio.p_value < 0.05


def test_who_did_not_say_is_joined_with_nobody(study):
    made, _ = study
    staff = made.cohort.table("staff")
    people = pd.DataFrame({"staff_id": staff["staff_id"], "since": 0.0})
    out, groupings = with_levels(made.cohort, people)
    silent = staff["ethnicity_group"].eq("not_stated").to_numpy()
    assert set(out.loc[silent, "ethnicity_group"]) == {MISSING} and MISSING not in set(out.loc[~silent, "ethnicity_group"])
    sizes = out["ethnicity_group"].value_counts().drop(MISSING)
    assert (sizes >= 50).all() and set(out["gender_ethnicity"][silent]) == {MISSING}
    few, _ = with_levels(made.cohort, people, fewest=400)
    assert set(few["ethnicity_group"]) <= {"White", OTHER, MISSING} and "career_stage" in groupings
    assert "career_stage" in pairs_of(made).groupings


def test_without_the_tables_there_is_a_gap_and_never_an_error():
    bare = simulated("default", 3, departments=6, staff=200, months=24, outcomes=True, only=("staff", "spells", "matches"))
    answer = answer_chapter("equity", bare)
    assert not answer.results and "rollout" in answer.gaps[0].unlock
    less = simulated("default", 3, departments=6, staff=240, months=24, outcomes=True, only=("staff", "spells", "matches", "rollout"))
    answer = answer_chapter("equity", less)
    assert any("sessions in study.yaml" in gap.unlock for gap in answer.gaps)
    for exhibit in answer.exhibits:
        if exhibit.kind == "table":
            assert "nan" not in draw(exhibit).html.lower().replace("nano", "")
