"""What intervals rest on: informative clusters, cautions, size under the null, and how results read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import survival
from mentorship_eval.errors import UsageError


def departments(seed: int, clusters: int, effect: float, size: int = 20, with_contrast: int | None = None) -> pd.DataFrame:
    """Staff in departments of different hazard, where only the first ``with_contrast`` mix both arms."""
    rng = np.random.default_rng(seed)
    dept = np.repeat(np.arange(clusters), size)
    arm = rng.integers(0, 2, len(dept))
    if with_contrast is not None:
        arm = np.where(dept < with_contrast, arm, 0)
    hazard = np.exp(rng.normal(0, 0.5, clusters)[dept] + effect * arm)
    time = rng.exponential(1 / hazard)
    return pd.DataFrame({"stop": np.minimum(time, 2.0), "event": time < 2.0, "arm": arm, "dept": dept, "x": rng.normal(size=len(dept))})


CALL = {"stop": "stop", "event": "event", "covariates": ["arm"], "strata": "dept", "cluster": "dept"}


def test_only_clusters_with_contrast_count() -> None:
    result = survival.cox(departments(1, 40, 0.0, with_contrast=6), **CALL)
    assert result.n_clusters == result.estimate.n_clusters == 6
    assert result.estimate.df == 5
    assert result.variance == "jackknife"
    assert "few_clusters" in [caution.code for caution in result.warnings]
    assert "Only 6 clusters" in result.estimate.warnings[0].text
    both = survival.cox(departments(1, 40, 0.0, with_contrast=6), **{**CALL, "covariates": ["arm", "x"]})
    assert both.estimate.df == 5
    assert both.estimates["x"].df == 39


def test_a_cluster_without_contrast_changes_nothing() -> None:
    data = departments(2, 12, 0.3, with_contrast=9)
    all_of_them, informative = survival.cox(data, **CALL), survival.cox(data[data["dept"] < 9], **CALL)
    np.testing.assert_allclose(all_of_them.table["interval_se"], informative.table["interval_se"], rtol=1e-8)
    assert all_of_them.estimate.df == informative.estimate.df == 8


def test_sandwich_from_thirty_informative_clusters_on() -> None:
    assert survival.cox(departments(3, 35, 0.0), **CALL).variance == "cluster"
    assert survival.cox(departments(3, 29, 0.0), **CALL).variance == "jackknife"


def test_a_cluster_that_holds_all_events_of_an_arm_is_reported() -> None:
    data = departments(4, 10, 0.0)
    data["event"] &= (data["arm"] == 0) | (data["dept"] == 0)
    result = survival.cox(data, **{**CALL, "strata": None})
    assert "jackknife_failed" in [caution.code for caution in result.warnings]
    assert result.estimate.df == 8
    assert np.isfinite(result.estimate.value)
    assert np.isnan([result.estimate.se, result.estimate.ci_low, result.estimate.ci_high, result.estimate.p_value]).all()
    assert np.isnan(result.table[["ci_low", "ci_high", "p", "interval_se"]].to_numpy(dtype=float)).all()


def with_quarter(seed: int) -> pd.DataFrame:
    """Ten departments; of those in the late quarter only members of department 0 have an event."""
    data = departments(seed, 10, 0.4, size=30)
    data["late"] = np.random.default_rng(seed + 1).integers(0, 2, len(data))
    data["event"] &= (data["late"] == 0) | (data["dept"] == 0)
    return data


def by_hand(data: pd.DataFrame, without_0: pd.DataFrame, covariates: list[str]) -> float:
    """CR3 standard error of arm, where leaving out department 0 means fitting arm alone on ``without_0``."""
    call = {"stop": "stop", "event": "event"}
    full = survival.cox(data, **call, covariates=covariates).table["coef"][0]
    left = [survival.cox(data[data["dept"] != d], **call, covariates=covariates).table["coef"][0] for d in range(1, 10)]
    left.append(survival.cox(without_0, **call, covariates=["arm"]).table["coef"][0])
    return float(np.sqrt(9 / 10 * ((np.array(left) - full) ** 2).sum()))


def test_a_nuisance_term_that_is_lost_without_a_cluster_leaves_the_others_their_interval() -> None:
    """In the limit of a quarter without events its rows weigh nothing in any risk set: as if they were not there."""
    data = with_quarter(20)
    result = survival.cox(data, stop="stop", event="event", covariates=["arm", "late"], cluster="dept")
    assert result.variance == "jackknife"
    expected = by_hand(data, data[(data["dept"] != 0) & (data["late"] == 0)], ["arm", "late"])
    assert result.table["interval_se"][0] == pytest.approx(expected, rel=1e-5)
    assert result.estimate.df == 9
    assert np.isfinite([result.estimate.ci_low, result.estimate.p_value]).all()
    late = result.estimates["late"]
    assert np.isnan([late.se, late.ci_low, late.p_value]).all()
    codes = {caution.code: caution for caution in result.warnings}
    assert "jackknife_failed" not in codes
    assert codes["jackknife_nuisance"].data == {"terms": ("late",), "clusters": (0,)}
    assert {caution.code for caution in late.warnings} >= {"jackknife_failed"}


def test_a_nuisance_term_without_information_is_left_out_of_that_refit() -> None:
    data = departments(21, 10, 0.4, size=30)
    data["pilot"] = np.where(data["dept"] == 0, np.arange(len(data)) % 2, 0)
    result = survival.cox(data, stop="stop", event="event", covariates=["arm", "pilot"], cluster="dept")
    assert result.table["interval_se"][0] == pytest.approx(by_hand(data, data[data["dept"] != 0], ["arm", "pilot"]), rel=1e-5)
    assert np.isnan(result.estimates["pilot"].ci_low)


def test_terms_that_are_only_told_apart_by_one_cluster_have_no_interval() -> None:
    data = departments(22, 10, 0.4, size=30)
    data["twin"] = np.where(data["dept"] == 0, np.arange(len(data)) % 2, data["arm"])
    same = survival.cox(data, stop="stop", event="event", covariates=["x", "arm", "twin"], cluster="dept")
    assert np.isfinite(same.estimates["x"].ci_low)
    assert np.isnan([same.estimates["arm"].ci_low, same.estimates["twin"].ci_low]).all()
    # arm and arm + late run away together, in opposite directions, where late alone would
    data = with_quarter(20)
    data["both"] = data["arm"] + data["late"]
    joint = survival.cox(data, stop="stop", event="event", covariates=["x", "arm", "both"], cluster="dept")
    assert np.isfinite(joint.estimates["x"].ci_low)
    assert np.isnan([joint.estimates["arm"].ci_low, joint.estimates["both"].ci_low]).all()


def test_one_pilot_ward_has_no_interval() -> None:
    """All contrast in one department: without it nobody is exposed, and a narrow interval would be made up."""
    data = departments(23, 9, -0.5, size=40)
    data["arm"] = np.where(data["dept"] == 4, data["arm"], 0)
    result = survival.cox(data, stop="stop", event="event", covariates=["arm", "x"], cluster="dept")
    assert np.isnan([result.estimate.se, result.estimate.ci_low, result.estimate.ci_high, result.estimate.p_value]).all()
    caution = next(caution for caution in result.warnings if caution.code == "jackknife_failed")
    assert caution.data == {"term": "arm", "clusters": (4,)}
    assert np.isfinite(result.estimates["x"].ci_low)
    assert "jackknife_failed" not in [caution.code for caution in result.estimates["x"].warnings]


def test_few_events_are_said() -> None:
    data = departments(5, 3, 0.0, size=10)
    result = survival.cox(data.head(20), stop="stop", event="event", covariates=["arm", "x"])
    assert "few_events" in [caution.code for caution in result.warnings]


@pytest.mark.parametrize(("effect", "low", "high"), [(0.0, 0.005, 0.13), (1.0, 0.80, 1.0)], ids=["null", "effect"])
def test_size_and_power_of_the_jackknife(effect: float, low: float, high: float) -> None:
    """120 samples of 10 departments: 5 % rejections without an effect (99.9 % binomial limits), most with one."""
    p = [survival.cox(departments(1000 + seed, 10, effect), **CALL).estimate.p_value for seed in range(120)]
    assert low <= np.mean(np.array(p) < 0.05) <= high


def test_model_based_intervals_are_normal_without_clusters() -> None:
    result = survival.cox(departments(6, 20, 0.0), stop="stop", event="event", covariates=["arm"], strata="dept")
    assert result.variance == "model"
    assert result.estimate.df is None
    assert result.n_clusters is None
    assert np.isnan(result.table["robust_se"]).all()


def test_one_cluster_gives_a_curve_but_no_interval() -> None:
    data = departments(6, 1, 0.0)
    curve = survival.kaplan_meier(data, stop="stop", event="event", cluster="dept").at(1.0).iloc[0]
    assert 0 < curve["survival"] < 1
    assert np.isnan([curve["se"], curve["ci_low"], curve["ci_high"]]).all()
    assert "fewer than two independent clusters" in curve["reason"]


def test_weights_bring_the_row_sandwich() -> None:
    data = departments(7, 10, 0.0)
    data["w"] = 1.5
    result = survival.cox(data, stop="stop", event="event", covariates=["arm"], weights="w")
    assert result.variance == "robust"
    plain = survival.cox(data, stop="stop", event="event", covariates=["arm"], variance="robust")
    np.testing.assert_allclose(result.table["robust_se"], plain.table["robust_se"], rtol=1e-9)  # scale-free, unlike the model's


def test_proportional_hazards_test_finds_what_is_there() -> None:
    rng = np.random.default_rng(8)
    n = 2000
    arm = rng.integers(0, 2, n)
    crossing = np.where(arm == 1, rng.weibull(2.0, n), rng.weibull(0.7, n))
    proportional = rng.exponential(np.where(arm == 1, 0.5, 1.0))
    call = {"stop": "stop", "event": "event", "covariates": ["arm"]}
    found = survival.cox(pd.DataFrame({"stop": crossing, "event": 1, "arm": arm}), **call).ph_test()
    nothing = survival.cox(pd.DataFrame({"stop": proportional, "event": 1, "arm": arm}), **call).ph_test()
    assert found.table["p"].iloc[-1] < 1e-6
    assert nothing.table["p"].iloc[-1] > 0.001
    assert list(found.table["term"]) == ["arm", "GLOBAL"]
    with pytest.raises(UsageError, match="'cubic'"):
        survival.cox(pd.DataFrame({"stop": crossing, "event": 1, "arm": arm}), **call).ph_test(transform="cubic")


def test_results_read_well() -> None:
    data = departments(9, 12, 0.4)
    result = survival.cox(data, **CALL)
    sentence = result.statement()
    assert sentence.startswith("Hazard ratio of arm: ")
    assert "95 % CI" in sentence
    assert "CR3" in sentence
    assert "<table" in result._repr_html_()
    assert list(result.table.columns[:8]) == ["term", "coef", "se", "robust_se", "hr", "ci_low", "ci_high", "p"]
    assert "interval" in result.estimate.statement() or "CI" in result.estimate.statement()
    curve = survival.kaplan_meier(data, stop="stop", event="event", by="arm")
    assert list(curve.table.columns) == ["by", "time", "n_risk", "n_event", "n_censor", "survival", "se", "ci_low", "ci_high"]
    assert "Median survival time, 1" in curve.statement()
    assert "<table" in curve._repr_html_()
    incidence = survival.aalen_johansen(data.assign(cause=data["event"] * (1 + data["arm"])), stop="stop", cause="cause")
    assert list(incidence.table.columns) == ["by", "cause", "time", "n_risk", "n_event", "cif", "se", "ci_low", "ci_high"]
    assert "Cumulative incidence of 1" in incidence.statement()
    test = survival.logrank(data, stop="stop", event="event", by="arm")
    assert "1 degree of freedom" in test.statement()
    assert "<table" in test._repr_html_()


def test_results_cannot_be_changed_by_accident() -> None:
    result = survival.cox(departments(9, 12, 0.4), **CALL)
    with pytest.raises(AttributeError):
        result.n = 3


def test_prediction_is_one_before_anything_and_unknown_after_follow_up() -> None:
    data = departments(10, 3, 0.5, size=60)
    data["dept"] = data["dept"].astype(str)
    result = survival.cox(data, stop="stop", event="event", covariates=["arm"], strata="dept")
    table = result.survival_at({"arm": 1}, [0.0, 1.0, 99.0], stratum="1")
    assert table["survival"][0] == 1.0
    assert 0 < table["survival"][1] < 1
    assert np.isnan(table["survival"][2])
    assert "beyond follow-up" in table["reason"][2]
    with pytest.raises(UsageError, match="stratum="):
        result.survival_at({"arm": 1}, [1.0])
    with pytest.raises(UsageError, match="'arm'"):
        result.survival_at({"x": 1}, [1.0], stratum="1")


def test_prediction_respects_delayed_entry() -> None:
    """With everybody at covariate 0 half of the time, the prediction follows the delayed-entry Kaplan-Meier."""
    rng = np.random.default_rng(11)
    n = 3000
    birth = rng.uniform(0, 2, n)
    time = rng.exponential(2.0, n)
    seen = time > birth
    data = pd.DataFrame({"start": birth[seen], "stop": time[seen], "event": 1, "x": rng.normal(size=seen.sum()) * 1e-3})
    result = survival.cox(data, start="start", stop="stop", event="event", covariates=["x"])
    late = survival.kaplan_meier(data, start="start", stop="stop", event="event").at([2.0, 4.0])["survival"].to_numpy()
    ours = result.survival_at({"x": 0.0}, [2.0, 4.0])["survival"].to_numpy()
    np.testing.assert_allclose(ours, late, rtol=0.05)
    assert result.baseline()["cumulative_hazard"].is_monotonic_increasing
