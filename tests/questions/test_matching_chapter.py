"""How pairs were made, on simulated programmes: what was put in is found, what was not is not, and no mentor is pointed at."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.disclosure import Rule, protect
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.delivery.matching import early_ends, match_scores
from mentorship_eval.questions.delivery.mentor_effects import mentor_effects, rated_matches
from mentorship_eval.questions.delivery.study import delivery_study
from mentorship_eval.report.exhibits import draw
from tests.questions.cohorts import simulated

TABLES = ("staff", "departments", "spells", "matches", "rollout", "mentors", "feedback", "goals", "wishes")
SIZE = {"departments": 20, "staff": 2000, "months": 30, "waves": (4, 7, 10), "outcomes": True, "delivered": True, "paired": True, "only": TABLES}
STRONG = {"suited": 0.6, "score_ratio": 0.7, "mentor_sd": 6.0}


@pytest.fixture(scope="module", params=["effect", "none"])
def told(request):
    effect = request.param == "effect"
    cohort = simulated("default" if effect else "null", 7, **{**SIZE, **(STRONG if effect else {})})
    return answer_chapter("delivery", cohort), cohort, effect


def test_pairs_suit_each_other_beyond_chance_where_they_were_made_so(told):
    """Of those whose domain was taken from their mentor's, half would have met it anyway, and more where a mentor has several pairs of a block."""
    answer, cohort, effect = told
    found = answer.result("delivery.matching.score").estimate
    pairs = delivery_study(cohort).mentoring
    block = pairs["dept_id"].astype(str) + pairs["start"].dt.to_period("Q").astype(str)
    size = block.groupby(block).transform("size")
    own = pairs.groupby([block, pairs["mentor_id"]])["match_id"].transform("size") / size
    suited = STRONG["suited"] if effect else 0.0
    goals = 0.4 / 0.6  # of a score in which the profession counts 0.2 and nothing else was asked
    truth = 100 * goals * suited * 0.5 * (1 - own.mean())
    # profession is alike by chance alone, which the interval holds
    assert abs(found.value - truth) < 4 * found.se
    assert (found.ci_low > 0) == effect and (found.p_value < 0.05) == effect


def test_chance_is_the_mean_of_all_that_could_have_been(told):
    answer, cohort, _ = told
    row = answer.exhibit("delivery.matching").frames["rows"].iloc[0]
    study = delivery_study(cohort)
    staff, wishes = cohort.table("staff").set_index("staff_id")["profession"], cohort.table("wishes")
    said = {kind: wishes[wishes["kind"] == kind].groupby("staff_id")["value"].agg(set) for kind in ("seeks", "offers")}
    pairs = study.mentoring.assign(quarter=lambda f: f["start"].dt.to_period("Q"))
    expected = []
    for _, rows in pairs.groupby(["dept_id", "quarter"]):
        for mentee in rows["mentee_id"]:
            sought = said["seeks"][mentee]
            met = [0.4 * len(sought & said["offers"][m]) / len(sought) + 0.2 * (staff[mentee] == staff[m]) for m in rows["mentor_id"]]
            expected.append(np.mean(met) / 0.6)
    assert row["expected"] == pytest.approx(np.mean(expected))


def test_a_score_that_matters_for_lasting_is_found(told):
    answer, _, effect = told
    found = answer.result("delivery.matching.ends")
    estimate = found.estimate
    assert found.truth == (STRONG["score_ratio"] if effect else 1.0)
    assert abs(math.log(estimate.value / found.truth)) < 4 * estimate.se
    assert (estimate.ci_high < 1) == effect
    curve = answer.exhibit("delivery.survival").frames["curve"]
    last = curve[curve["time"] == curve["time"].max()].set_index("by")["estimate"]
    if effect:
        assert last[last.index.str.contains("above")].iloc[0] > last[last.index.str.contains("up to")].iloc[0]


def test_mentors_differ_only_where_they_do(told):
    answer, _, effect = told
    found = answer.result("delivery.mentor_effects.between")
    estimate = found.estimate
    assert found.truth == (STRONG["mentor_sd"] if effect else 0.0)
    assert estimate.ci_low <= found.truth <= estimate.ci_high
    assert (estimate.ci_low > 0) == effect and (estimate.p_value < 0.05) == effect


def test_a_pooled_mean_lies_between_the_own_and_that_of_all():
    cohort = simulated("default", 7, **{**SIZE, **STRONG})
    study = delivery_study(cohort)
    made = mentor_effects(study)
    rows = next(e for e in made.exhibits if e.id == "delivery.mentor_effects").frames["rows"]
    own = rows["label"].str.extract(r"Unpooled ([+−][0-9.]+)")[0].str.replace("−", "-").astype(float)
    assert (rows["estimate"].abs() <= own.abs() + 0.05).all() and (rows["estimate"] * own >= -0.5).all() and rows["estimate"].is_monotonic_increasing
    people = pd.concat([study.cohort.table("mentors")["staff_id"], rated_matches(study)["mentor_id"]]).astype(str)
    assert not rows["label"].str.contains("|".join(people.unique())).any()


def test_a_line_per_mentor_never_leaves_the_team(told):
    answer, _, effect = told
    for rule in (Rule(threshold=2), Rule(threshold=10)):
        safe, _ = protect([answer], rule)
        assert safe[0].exhibit("delivery.mentor_effects") is None
        assert safe[0].exhibit("delivery.matching") is not None and safe[0].exhibit("delivery.survival") is not None
    inside = protect([answer], Rule(threshold=0))[0][0].exhibit("delivery.mentor_effects")
    assert inside is not None or not effect


def test_without_their_tables_there_are_gaps_that_name_them():
    cohort = simulated("default", 5, departments=6, staff=300, months=24, waves=(4,), outcomes=True, only=("staff", "spells", "matches"))
    study = delivery_study(cohort)
    unlock = {part.__name__: " ".join(gap.unlock for gap in part(study).gaps) for part in (match_scores, early_ends, mentor_effects)}
    assert "wishes" in unlock["match_scores"] and "score" in unlock["early_ends"] and "feedback" in unlock["mentor_effects"]


def test_without_wishes_professions_are_not_tested_a_second_time():
    """A score of professions alone is the concordance of professions of the chapter on equity, which has its own test."""
    cohort = simulated("null", 7, **{**SIZE, "only": tuple(name for name in TABLES if name != "wishes")})
    made = match_scores(delivery_study(cohort))
    assert not made.results and not made.exhibits and "equity.concordance.profession" in made.gaps[0].reason
    assert made.gaps[0].unlock.startswith("wishes (staff_id, kind, value)")
    # wishes of people who were never matched say nothing of the pairs either
    whole = simulated("null", 7, **SIZE)
    pairs, wishes = delivery_study(whole).mentoring, whole.table("wishes")
    others = replace(whole, tables={**whole.tables, "wishes": wishes[~wishes["staff_id"].isin(pairs["mentee_id"])]})
    assert not match_scores(delivery_study(others)).results


def test_the_figure_holds_every_draw_and_the_difference_that_was_found(told):
    answer, _, effect = told
    figure, found = answer.exhibit("delivery.matching.chance"), answer.result("delivery.matching.score").estimate
    bars = figure.frames["draws_hist"]
    assert bars["count"].sum() == 999 and figure.options["observed"] == found.value
    middle = (bars["bin_low"] + bars["bin_high"]) / 2
    assert abs(np.average(middle, weights=bars["count"])) < 0.5  # chance, in percentage points
    assert (found.value > bars["bin_high"].max()) == effect
    shown = draw(figure)
    assert "permutation test" in shown.caption.lower() and "999" in shown.caption and "logarithmic" not in shown.caption
