"""Retention on simulated staff: the truth is recovered, the naive design is shown wrong, the null stays null."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentorship_eval import simulate_cohort
from mentorship_eval.cohort.person_time.episodes import mentorship_episodes
from mentorship_eval.estimate import format_number
from mentorship_eval.evidence.claims import claim_check, verdict
from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.covariates import with_covariates
from mentorship_eval.survival import cox
from tests.questions.cohorts import medium, small


@pytest.fixture(scope="module")
def answer():
    return answer_chapter("retention", medium())


@pytest.fixture(scope="module")
def null():
    return answer_chapter("retention", medium("null"))


def over_seeds(hazard_ratio: float, seeds: range) -> np.ndarray:
    """Standardised errors of the default analysis against its truth, and estimates of the log hazard ratio."""
    out = []
    for seed in seeds:
        made = simulate_cohort(departments=24, staff=3600, seed=seed, hazard_ratio=hazard_ratio, hazard_ratio_after=hazard_ratio)
        tables = {name: made.tables[name] for name in ("staff", "spells", "matches", "rollout")}
        rows, _ = with_covariates(
            mentorship_episodes(**tables, start="2022-01-01", end="2024-12-31").rows, ["profession", "newly_qualified"]
        )
        rows["event"] = (rows["cause"] == "voluntary").astype(int)
        fit = cox(
            rows,
            start="start",
            stop="stop",
            event="event",
            covariates=["mentored", "profession", "newly_qualified", "period"],
            strata="dept_id",
            cluster="dept_at_entry",
            variance="cluster",
        )
        out.append((fit.table["coef"][0] - math.log(hazard_ratio), fit.estimate.se, fit.table["coef"][0]))
    return np.array(out)


def test_over_seeds_a_strong_effect_is_recovered_and_no_effect_gives_none():
    """Eight seeds each: the mean error is within three Monte-Carlo errors of 0, and the two truths are told apart."""
    strong, none = over_seeds(0.5, range(60, 68)), over_seeds(1.0, range(60, 68))
    for runs in (strong, none):
        assert abs(runs[:, 0].mean()) < 3 * runs[:, 1].mean() / math.sqrt(len(runs))
        assert (np.abs(runs[:, 0]) < 2.1 * runs[:, 1]).sum() >= 6
    assert strong[:, 2].mean() < none[:, 2].mean() - 0.35


def log_interval(estimate):
    return math.log(estimate.ci_low), math.log(estimate.ci_high)


def test_the_estimate_is_near_the_truth_of_its_own_estimand(answer):
    result = answer.result("retention.being_mentored")
    assert result.truth == pytest.approx(0.8, abs=0.03)
    assert abs(math.log(result.estimate.value) - math.log(result.truth)) < 3 * result.estimate.se


def test_without_an_effect_the_estimate_is_near_one(null):
    result = null.result("retention.being_mentored")
    assert result.truth == 1.0
    assert abs(math.log(result.estimate.value)) < 3 * result.estimate.se


def test_the_audit_shows_what_immortal_time_does_even_without_an_effect(null):
    correct, naive = null.result("retention.being_mentored").estimate, null.result("retention.naive_hire").estimate
    assert naive.ci_high < 0.7 < correct.value
    assert null.result("retention.naive_hire").role == "audit"
    audit = null.exhibit("retention.audit")
    assert audit.options["misclassified_days"] > 0
    assert audit.frames["rows"]["estimate"].tolist()[-1] == correct.value


def test_the_programme_estimand_recovers_its_own_truth(answer):
    result = answer.result("retention.programme_active")
    low, high = log_interval(result.estimate)
    assert low < math.log(result.truth) < high
    assert result.estimate.scale == "rate ratio" and result.estimate.n_clusters <= 48


def test_people_are_counted_and_not_rows(answer):
    cohort = medium()
    estimate = answer.result("retention.being_mentored").estimate
    assert estimate.n == cohort.table("staff")["staff_id"].nunique() - int(answer.exhibit("retention.flow").frames["flow"]["removed"].sum())
    spells = cohort.table("spells")
    exits = (
        spells[spells["leaving_reason"].notna() & (spells["leaving_reason"] != "transfer")].groupby("staff_id")["leaving_reason"].first()
    )
    assert estimate.n_events == int((exits == "voluntary").sum())


def test_every_cause_has_a_hazard_ratio_or_a_reason(answer):
    causes = {r.id for r in answer.results if r.id.startswith("retention.cause.")}
    unanswered = [gap.question for gap in answer.gaps if "leaving by" in gap.question]
    assert len(causes) + len(unanswered) == 2  # retirement and end of contract; transfers stay in the organisation


def test_curves_by_mentorship_start_at_a_landmark_that_is_said(answer):
    caution = next(c for c in answer.cautions if c.code == "landmark")
    assert 0 < caution.data["share_later"] < 1
    curve = answer.exhibit("retention.landmark.plain").frames["curve"]
    assert set(curve["by"]) == {"Mentored", "Not mentored"}
    start = curve[curve["time"] == 0]
    assert np.allclose(start["estimate"], 1.0)
    at_risk = answer.exhibit("retention.landmark.plain").frames["at_risk"]
    assert (at_risk[at_risk["time"] == 0]["n_risk"] > 0).all()


def test_incidences_and_staying_add_up(answer):
    cif = answer.exhibit("retention.cif").frames["curve"]
    left = cif[np.isclose(cif["time"], 12)]["estimate"].sum()
    stayed = answer.result("retention.still_employed.12").estimate
    assert left + stayed.value == pytest.approx(1.0, abs=1e-6)
    assert stayed.ci_low < stayed.value < stayed.ci_high


def test_a_small_cohort_is_answered_with_cautions_and_not_with_an_error():
    told = answer_chapter("retention", small())
    assert told.results or told.gaps
    assert told.exhibit("retention.cif") is not None


def test_without_a_rollout_the_programme_question_says_which_table_would_unlock_it():
    from dataclasses import replace

    cohort = small()
    bare = replace(cohort, tables={name: table for name, table in cohort.tables.items() if name != "rollout"})
    told = answer_chapter("retention", bare)
    assert told.result("retention.programme_active") is None
    assert any("rollout" in gap.unlock for gap in told.gaps)


def test_the_claim_of_a_quarter_is_held_against_the_estimate_and_against_none(answer, null):
    for one, told in ((answer, True), (null, False)):
        frame = claim_check(one, 25).frames["rows"]
        ratio = frame[frame["told"] == "retention.being_mentored"].iloc[0]
        estimate = one.result("retention.being_mentored").estimate
        assert ratio["found"].startswith(f"{format_number(estimate.value)} ({format_number(estimate.ci_low)} to")
        assert ratio["judged"] == verdict(float(ratio["claim"]), estimate) and frame["judged"].iloc[0].startswith("impossible")
        assert ("no effect lies outside" in ratio["judged"] or "more than" in ratio["judged"]) == told
