"""Incidents on simulated departments: always a pair, the reporting bound, and what lacks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentorship_eval.questions import answer_chapter
from mentorship_eval.questions.incidents.reporting import reporting_bound
from mentorship_eval.questions.truth import known_truth
from tests.questions.cohorts import medium, small


@pytest.fixture(scope="module")
def answer():
    return answer_chapter("incidents", medium())


@pytest.fixture(scope="module")
def null():
    return answer_chapter("incidents", medium("null"))


@pytest.mark.parametrize("kind", ["harm", "no_harm", "near_miss", "all_incidents"])
def test_each_ratio_covers_its_truth(answer, kind):
    result = answer.result(f"incidents.{kind}")
    assert result.truth == known_truth(medium())[f"incidents.{kind}"]
    assert result.estimate.ci_low < result.truth < result.estimate.ci_high


def test_more_reporting_shows_and_vanishes_when_the_effect_is_set_to_zero(answer, null):
    assert answer.result("incidents.no_harm").estimate.ci_low > 1.0
    quiet = null.result("incidents.no_harm").estimate
    assert quiet.ci_low < 1.0 < quiet.ci_high
    assert null.result("incidents.no_harm").truth == 1.0


def test_harm_is_never_told_without_no_harm_and_the_mixture_is_an_audit(answer):
    roles = {r.id: r.role for r in answer.results}
    assert roles["incidents.harm"] == roles["incidents.no_harm"] == "headline"
    assert roles["incidents.all_incidents"] == "audit"
    assert any(c.code == "reporting_culture" for c in answer.cautions)


def test_the_reporting_bound_is_the_ratio_of_the_two_and_has_its_own_jackknife(answer):
    harm, calm, bound = (answer.result(f"incidents.{name}").estimate for name in ("harm", "no_harm", "reporting_bound"))
    assert bound.value == pytest.approx(harm.value / calm.value, rel=1e-12)
    independent = math.hypot(harm.se, calm.se)
    assert 0 < bound.se < 1.5 * independent
    assert bound.n_clusters == 48


def test_the_joint_jackknife_of_an_outcome_with_itself_has_no_width():
    from mentorship_eval.cohort.panels import department_months
    from mentorship_eval.did import poisson_imputation

    cohort = small()
    start, end = cohort.window
    rows = department_months(
        incidents=cohort.table("incidents"), exposure=cohort.table("exposure"), rollout=cohort.table("rollout"), start=start, end=end
    ).rows
    fit = poisson_imputation(
        rows, count="no_harm", exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=0
    )
    result, _ = reporting_bound(fit, fit)
    assert result.estimate.value == pytest.approx(1.0)
    assert np.isnan(result.estimate.ci_low) or result.estimate.se < 1e-12


def test_exhibits_tell_observed_expected_and_event_study_for_both(answer):
    ids = {e.id for e in answer.exhibits}
    for kind in ("harm", "no_harm"):
        assert {f"incidents.{kind}.{what}" for what in ("trend", "observed", "events", "waves")} <= ids
    rates = answer.exhibit("incidents.harm.trend").frames["rates"]
    assert rates["group"].nunique() == 4 and (rates["rate"] >= 0).all()
    # expected rates exist where the programme is active and nowhere else
    assert rates.loc[rates["group"].str.startswith("Never"), "expected"].isna().all()


def test_a_cohort_without_incidents_says_what_would_unlock_them():
    from dataclasses import replace

    cohort = small()
    bare = replace(cohort, tables={k: v for k, v in cohort.tables.items() if k not in ("incidents", "exposure")})
    told = answer_chapter("incidents", bare)
    assert not told.results
    assert "exposure" in told.gaps[0].unlock and "incidents" in told.gaps[0].unlock


def test_a_targeted_allocation_warns_of_regression_to_the_mean():
    from dataclasses import replace

    cohort = small()
    aimed = cohort.table("rollout").assign(allocation="targeted")
    told = answer_chapter("incidents", replace(cohort, tables={**cohort.tables, "rollout": aimed}))
    assert any(c.code == "regression_to_mean" for c in told.cautions)
