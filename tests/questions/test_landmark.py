"""From the landmark: the numbers of the report beside the same numbers made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mentorship_eval.questions.exhibits import DAYS_PER_MONTH
from mentorship_eval.questions.retention.from_landmark.landmark import AtLandmark, at_landmark, from_landmark
from mentorship_eval.questions.retention.from_landmark.landmark_adjusted import adjusted_from_landmark
from mentorship_eval.questions.retention.from_landmark.landmark_weighted import weighted_from_landmark
from mentorship_eval.questions.retention.prepared import Prepared, prepare
from mentorship_eval.questions.retention.robustness.structural import structural
from mentorship_eval.questions.section import Section
from tests.questions.cohorts import medium, simulated, small


@pytest.fixture(scope="module")
def study() -> Prepared:
    return prepare(simulated(departments=16, staff=1600, months=36))


@pytest.fixture(scope="module")
def at(study) -> AtLandmark:
    found = at_landmark(study)
    assert isinstance(found, AtLandmark)
    return found


@pytest.fixture(scope="module")
def weighted(study, at) -> Section:
    return weighted_from_landmark(study, at)


def kaplan_meier_area(time: np.ndarray, left: np.ndarray, weight: np.ndarray, tau: float) -> float:
    """Step by step, as on paper."""
    survival, area, before = 1.0, 0.0, 0.0
    for moment in np.unique(time[(left == 1) & (time <= tau)]):
        area += survival * (moment - before)
        before = moment
        survival *= 1 - weight[(time == moment) & (left == 1)].sum() / weight[time >= moment].sum()
    return area + survival * (tau - before)


def by_id(section: Section, result_id: str):
    return next(result for result in section.results if result.id == result_id)


def exhibit(section: Section, exhibit_id: str):
    return next(one for one in section.exhibits if one.id == exhibit_id)


def test_who_is_at_the_landmark(study, at):
    persons = study.episodes.persons.set_index("staff_id")
    for row in at.rows.itertuples():
        person = persons.loc[row.staff_id]
        assert person["entry"] <= at.days < person["stop"]
        assert row.stop == pytest.approx(person["stop"] - at.days)
        assert row.mentored == int(person["mentored_from"] <= at.days)
        assert row.exit == int(person["cause"] != "")
        assert row.event == int(person["cause"] == "voluntary")


def test_comparable_people_work_where_both_arms_are(at):
    arms = at.comparable.groupby("dept_id")["mentored"].nunique()
    assert (arms == 2).all()
    others = at.rows[~at.rows["staff_id"].isin(at.comparable["staff_id"])]
    assert (others.groupby("dept_id")["mentored"].nunique() == 1).all()


def test_the_unweighted_difference_of_mean_time_is_that_of_two_areas(study, at, weighted):
    rows = at.comparable
    time, left, arm = (rows[name].to_numpy(float) for name in ("stop", "exit", "mentored"))
    tau = min(np.sort(time[arm == value])[-10] for value in (0, 1))
    tau = min(tau, 24 * DAYS_PER_MONTH)
    areas = [kaplan_meier_area(time[arm == value], left[arm == value], np.ones(int((arm == value).sum())), tau) for value in (0, 1)]
    found = by_id(weighted, "retention.landmark.rmst.unweighted").estimate
    assert found.value == pytest.approx((areas[1] - areas[0]) / DAYS_PER_MONTH, rel=1e-9)
    assert found.unit == "months"
    assert found.ci_low < found.value < found.ci_high


def test_weights_make_covariates_and_departments_alike(study, at, weighted):
    love = exhibit(weighted, "retention.landmark.balance").frames["rows"]
    assert love["after"].abs().max() < love["before"].abs().max()
    assert (love["n"] > 0).all()
    # within every department the weighted arms add up to about as much as everybody in it: the arms have the same mix of departments
    from mentorship_eval.survival import propensity_weights

    rows = at.comparable
    made = propensity_weights(rows, treatment="mentored", covariates=list(at.covariates), strata="dept_id", stabilised="overall", clip=None)
    mix = made.weights.groupby([rows["mentored"], rows["dept_id"]]).sum().unstack(0)
    shares = mix / mix.sum()
    assert np.abs(shares[1] - shares[0]).max() < 0.03
    plain = rows.groupby(["mentored", "dept_id"]).size().unstack(0)
    assert np.abs(shares[1] - shares[0]).max() < 0.5 * np.abs(plain[1] / plain[1].sum() - plain[0] / plain[0].sum()).max()


def test_histograms_hold_everybody_once(at, weighted):
    for name in ("retention.landmark.overlap", "retention.landmark.weights"):
        one = exhibit(weighted, name)
        assert one.frames["rows"].groupby("arm")["count"].sum().to_dict() == at.comparable["arm"].value_counts().to_dict()
        assert one.counted["rows"].within == "arm", "a single withheld bin could be had from the total"


def test_weighted_curves_count_people_not_weights(at, weighted):
    risk = exhibit(weighted, "retention.landmark.curves").frames["at_risk"]
    first = risk[risk["time"] == 0].set_index("by")["n_risk"]
    assert first.to_dict() == at.comparable["arm"].value_counts().to_dict()


def test_adjusted_curves_begin_at_one_and_differ_as_said(study, at):
    section = adjusted_from_landmark(study, at)
    curve = exhibit(section, "retention.landmark.adjusted").frames["curve"]
    assert curve.loc[curve["time"] == 0, "estimate"].tolist() == [1.0, 1.0]
    at_six = curve[curve["time"] == 6].set_index("by")["estimate"]
    found = by_id(section, "retention.landmark.adjusted.6").estimate
    assert found.value == pytest.approx(100 * (at_six["Mentored"] - at_six["Not mentored"]), abs=1e-9)
    assert found.unit == "percentage points"


def test_fine_gray_stands_beside_the_cause_specific_ratio(study, at):
    section = from_landmark(study, at)
    cause, sub = (by_id(section, name).estimate for name in ("retention.landmark", "retention.landmark.subdistribution"))
    assert cause.n == sub.n == len(at.rows)
    assert cause.n_events == sub.n_events == at.rows["event"].sum()
    assert sub.value != cause.value


def test_the_structural_model_is_of_staff_who_could_be_mentored(study):
    section = structural(study)
    found = by_id(section, "retention.sensitivity.marginal_structural").estimate
    rows = study.rows[(study.rows["programme_active"] == 1) | (study.rows["mentored"] == 1)]
    assert found.n == rows["staff_id"].nunique()
    assert found.n_events == rows["event"].sum() < study.leavers


def test_the_structural_model_recovers_the_truth_and_the_null():
    for scenario, truth in (("default", 0.80), ("null", 1.0)):
        section = structural(prepare(medium(scenario, 12)))
        found = by_id(section, "retention.sensitivity.marginal_structural").estimate
        assert abs(np.log(found.value) - np.log(truth)) < 3 * found.se
        if scenario == "null":
            assert found.ci_low < 1 < found.ci_high


def test_everybody_in_one_arm_is_said(study):
    everybody = study.episodes.persons.assign(mentored_from=0.0)
    found = at_landmark(replace(study, episodes=replace(study.episodes, persons=everybody)))
    assert isinstance(found, Section)
    assert "in one arm" in found.gaps[0].reason


def test_no_department_with_both_arms_is_said(study, at):
    apart = at.rows.assign(dept_id=np.where(at.rows["mentored"] == 1, "A", "B"))
    told = weighted_from_landmark(study, replace(at, rows=apart))
    assert not told.results
    assert "No department has both" in told.gaps[0].reason
    told = adjusted_from_landmark(study, replace(at, rows=apart))
    assert "No department has both" in told.gaps[0].reason


def test_without_covariates_there_is_nothing_to_weight_by(study, at):
    told = weighted_from_landmark(study, replace(at, covariates=()))
    assert "No baseline covariate varies" in told.gaps[0].reason


def test_nobody_leaves_after_the_landmark(study, at):
    stay = replace(at, rows=at.rows.assign(exit=0, event=0, ended="", cause=""))
    assert "somebody left" in adjusted_from_landmark(study, stay).gaps[0].reason


def test_a_rare_category_leads_to_overlap_weights_and_says_so():
    study = prepare(small())
    found = at_landmark(study)
    told = weighted_from_landmark(study, found)
    assert "overlap_weights" in [caution.code for caution in told.cautions]
    assert any("overlap weights" in result.label for result in told.results) or told.gaps
