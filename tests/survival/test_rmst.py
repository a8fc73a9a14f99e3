"""Restricted mean survival time: against survRM2 and survfit, by definition, and under the null."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from tests.survival.reference import CLOSED_FORM, reference, survival_data
from tests.survival.test_properties import sample, split

SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=20, deadline=None, derandomize=True)
CALL = {"stop": "stop", "event": "event", "by": "arm"}


def compare(result: survival.RestrictedMean, wanted: dict) -> None:
    """Means, difference, ratio and ratio of time lost, each with limits and p."""
    assert result.variance == "greenwood"
    table = result.table.set_index("by")
    other = next(label for label in table.index if label != result.reference)
    for label, arm in ((result.reference, "arm0"), (other, "arm1")):
        assert_allclose(table.loc[label, ["rmst", "se", "ci_low", "ci_high"]].astype(float), wanted[arm], rtol=CLOSED_FORM)
    ours = [[one.value, one.ci_low, one.ci_high, one.p_value] for one in (result.difference, result.ratio, result.lost_ratio)]
    assert_allclose(ours, wanted["unadjusted"], rtol=CLOSED_FORM)
    assert_allclose(table["rmst"] + table["rmtl"], result.tau - result.since)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_lung(which: int) -> None:
    wanted = reference("lung", "rmst_sex")[which]
    compare(survival.rmst(survival_data("lung"), stop="time", event="event", by="sex", tau=wanted["tau"]), wanted)


def test_lung_as_survfit_gives_it() -> None:
    wanted = reference("lung", "rmst_survfit_table")
    table = survival.rmst(survival_data("lung"), stop="time", event="event", by="sex", tau=600).table
    assert_allclose(table["rmst"], wanted["rmean"], rtol=CLOSED_FORM)
    assert_allclose(table["se"], wanted["se"], rtol=CLOSED_FORM)


def test_veteran() -> None:
    wanted = reference("veteran", "rmst")
    compare(survival.rmst(survival_data("veteran"), stop="time", event="status", by="trt2", tau=wanted["tau"]), wanted)


def test_pbc() -> None:
    data = survival_data("pbc").assign(years=lambda frame: frame["time"] / 365.25)
    compare(survival.rmst(data, stop="years", event="death", by="trt", tau=10, reference=2), reference("pbc", "rmst_trt10y"))


def test_weighted_curves_are_those_of_kaplan_meier() -> None:
    data = survival_data("colon_iptw")
    tau = 1825
    result = survival.rmst(data, stop="time", event="status", by="trt", weights="sw", tau=tau)
    assert result.variance == "robust"
    curves = survival.kaplan_meier(data, stop="time", event="status", by="trt", weights="sw")
    assert_allclose(curves.at([365, 1095, 1825])["survival"], reference("colon", "iptw_km")["surv"], rtol=CLOSED_FORM)
    for label, part in curves.table.groupby("by"):
        inside = part[part["time"] < tau]
        times = np.concatenate(([0], inside["time"], [tau]))
        area = np.diff(times) @ np.concatenate(([1], inside["survival"]))
        assert_allclose(result.table.set_index("by").loc[label, "rmst"], area, rtol=1e-12)
    # survfit's table (se(rmean), Greenwood-like for weighted rows) is near: summary(s, rmean=1825)$table
    assert_allclose(result.table["se"], [23.91762405, 33.64446271], rtol=0.03)


def influences(data: pd.DataFrame, step: float = 1e-4, units: pd.Series | None = None, **call: object) -> np.ndarray:
    """(units, groups + 1) derivatives of the means and of the difference with respect to the weights of a unit's rows."""
    units = pd.Series(np.arange(len(data)), index=data.index) if units is None else units
    found = []
    for unit in units.unique():
        ends = []
        for sign in (1, -1):
            moved = data.assign(w=data["w"] * np.where(units == unit, 1 + sign * step, 1))
            result = survival.rmst(moved, **call, weights="w")
            ends.append([*result.table["rmst"], result.difference.value])
        found.append((np.array(ends[0]) - ends[1]) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("entry", [False, True])
def test_the_weighted_variance_is_that_of_the_influences(entry: bool) -> None:
    data = sample(3, n=50, entry=entry)
    call = {**CALL, "tau": 9.5, "since": 1.0, **({"start": "start"} if entry else {})}
    result = survival.rmst(data, **call, weights="w")
    squares = (influences(data, **call) ** 2).sum(axis=0)
    assert_allclose([*result.table["se"], result.difference.se], np.sqrt(squares), rtol=1e-6)
    by_unit = influences(data, units=data["unit"], **call)
    clustered = survival.rmst(data, **call, weights="w", cluster="unit", variance="cluster")
    assert_allclose([*clustered.table["se"], clustered.difference.se], np.sqrt((by_unit**2).sum(axis=0)), rtol=1e-6)
    assert clustered.difference.df == clustered.difference.n_clusters - 1 == data["unit"].nunique() - 1
    # the ratio by the delta method, from the same influences
    means = clustered.table["rmst"].to_numpy()
    assert_allclose(clustered.ratio.se, np.sqrt(((by_unit[:, 1] / means[1] - by_unit[:, 0] / means[0]) ** 2).sum()), rtol=1e-6)


def clustered_data(seed: int = 1, clusters: int = 9, n: int = 180) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = np.concatenate((np.arange(clusters), rng.integers(0, clusters, n - clusters)))
    case = rng.integers(0, 2, n)
    arm = (rng.random(n) < 0.3 + 0.4 * case).astype(int)
    time, end = rng.exponential(10 + 5 * case), rng.uniform(8, 25, n)
    return pd.DataFrame({
        "stop": np.ceil(np.minimum(time, end)), "event": (time <= end).astype(int), "arm": arm, "case": case, "unit": unit,
    })


def test_few_clusters_take_the_jackknife() -> None:
    data = clustered_data()
    tau = survival.largest_tau(data, stop="stop", by="arm")
    result = survival.rmst(data, **CALL, tau=tau, cluster="unit")
    assert result.variance == "jackknife"
    refits = np.array([
        [one.value for one in (again.difference, again.ratio, again.lost_ratio)]
        for again in (survival.rmst(data[data["unit"] != unit], **CALL, tau=tau) for unit in range(9))
    ])
    for k, (one, log) in enumerate(((result.difference, False), (result.ratio, True), (result.lost_ratio, True))):
        away = (np.log(refits[:, k]) - np.log(one.value)) if log else refits[:, k] - one.value
        assert_allclose(one.se, np.sqrt(8 / 9 * (away**2).sum()), rtol=1e-9)
        assert (one.df, one.n_clusters) == (8, 9)
    assert_allclose(result.cluster_shares.sum(), 1)
    assert "jackknife by unit" in result.method


def test_estimated_weights_are_estimated_anew_without_each_cluster() -> None:
    data = clustered_data()
    seen = []

    def reweight(frame: pd.DataFrame) -> np.ndarray:
        seen.append(sorted(frame["unit"].unique()))
        chance = frame.groupby("case")["arm"].transform("mean")
        return np.where(frame["arm"] == 1, 1 / chance, 1 / (1 - chance))

    call = {**CALL, "tau": 12.0}
    result = survival.rmst(data, **call, cluster="unit", reweight=reweight)
    assert len(seen) == 10
    assert {unit for unit in range(9) if seen.count([one for one in range(9) if one != unit]) == 1} == set(range(9))
    full = survival.rmst(data.assign(w=reweight(data)), **call, weights="w")
    assert_allclose(result.difference.value, full.difference.value)
    refits = []
    for unit in range(9):
        rest = data[data["unit"] != unit]
        refits.append(survival.rmst(rest.assign(w=reweight(rest)), **call, weights="w").difference.value)
    assert_allclose(result.difference.se, np.sqrt(8 / 9 * ((np.array(refits) - full.difference.value) ** 2).sum()), rtol=1e-9)
    fixed = survival.rmst(data.assign(w=reweight(data)), **call, weights="w", cluster="unit")
    assert abs(fixed.difference.se / result.difference.se - 1) > 1e-3
    assert "estimated anew" in result.method


def test_clusters_that_tell_nothing_are_not_counted() -> None:
    data = clustered_data()
    idle = data.iloc[:30].assign(stop=0.5, event=0, unit=lambda frame: 100 + np.arange(30) % 3)
    both = pd.concat([data, idle], ignore_index=True)
    one, other = (survival.rmst(frame, **CALL, tau=12, cluster="unit").difference for frame in (data, both))
    assert (one.value, one.se, one.n_clusters) == pytest.approx((other.value, other.se, other.n_clusters))


def test_a_cluster_that_holds_the_follow_up_leaves_no_interval() -> None:
    data = clustered_data()
    data.loc[(data["unit"] != 4) & (data["arm"] == 1), "stop"] = data["stop"].clip(upper=10)
    data.loc[data.index[(data["unit"] == 4) & (data["arm"] == 1)][0], ["stop", "event"]] = [20, 0]
    result = survival.rmst(data, **CALL, tau=12, cluster="unit")
    assert np.isnan(result.difference.se)
    assert np.isnan(result.difference.ci_low)
    assert np.isfinite(result.table.set_index("by").loc[0, "se"])  # the other arm does not depend on it
    assert [caution.data["clusters"] for caution in result.warnings if caution.code == "jackknife_failed"] == [(4,)]


def usable(data: pd.DataFrame, **call: object) -> survival.RestrictedMean:
    try:
        return survival.rmst(data, **{**CALL, "tau": 6.0, **call})
    except EstimationError:
        assume(False)
        raise


@given(SEEDS, st.booleans())
@QUICK
def test_the_difference_is_antisymmetric(seed: int, clustered: bool) -> None:
    data = sample(seed, entry=False)
    assume(data["arm"].nunique() == 2)
    extra = {"cluster": "unit"} if clustered else {}
    one, other = usable(data, **extra), usable(data.assign(arm=1 - data["arm"]), **extra)
    assert_allclose(one.difference.value, -other.difference.value, atol=1e-12)
    assert_allclose(one.difference.ci_low, -other.difference.ci_high, atol=1e-9)
    assert_allclose(one.difference.se, other.difference.se, atol=1e-12)
    assert_allclose(one.ratio.value, 1 / other.ratio.value)
    assert_allclose(one.difference.p_value, other.difference.p_value, atol=1e-9)


@given(SEEDS)
@QUICK
def test_rows_in_any_order_split_or_not(seed: int) -> None:
    data = sample(seed, n=60).assign(id=lambda frame: np.arange(len(frame)))
    extra = {"start": "start", "cluster": "id", "variance": "cluster", "since": 2.0}
    one = usable(data, **extra)
    for other in (data.sample(frac=1, random_state=seed % 1000), split(data, seed)):
        again = usable(other, **extra)
        assert_allclose(again.table[["rmst", "se"]], one.table[["rmst", "se"]], rtol=1e-9, atol=1e-12)
        assert_allclose(again.difference.se, one.difference.se, rtol=1e-9, atol=1e-12)


@given(SEEDS)
@QUICK
def test_a_weight_of_two_is_the_row_twice(seed: int) -> None:
    data = sample(seed, entry=False)
    data["w"] = 1 + data["unit"] % 2
    doubled = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    assert_allclose(usable(data, weights="w").table["rmst"], usable(doubled).table["rmst"])


@given(SEEDS)
@QUICK
def test_one_group_without_censoring_is_the_mean(seed: int) -> None:
    """The mean of min(T, tau) and its standard error, with n in place of n - 1."""
    stop = sample(seed, entry=False)["stop"]
    tau = float(stop.max())
    result = survival.rmst(pd.DataFrame({"stop": stop, "event": 1}), stop="stop", event="event", tau=tau)
    assert_allclose(result.estimate.value, stop.mean())
    assert_allclose(result.estimate.se, stop.std(ddof=0) / np.sqrt(len(stop)), rtol=1e-9)
    assert result.difference is None


def test_from_a_later_time_it_is_conditional() -> None:
    data = survival_data("lung")
    later = data[data["time"] >= 100].assign(rest=lambda frame: frame["time"] - 100)
    one = survival.rmst(data, stop="time", event="event", by="sex", tau=600, since=100)
    other = survival.rmst(later, stop="rest", event="event", by="sex", tau=500)
    assert_allclose(one.table[["n", "n_event", "rmst", "se"]], other.table[["n", "n_event", "rmst", "se"]])


def test_the_reference_is_named_or_sensible() -> None:
    data = survival_data("lung").assign(name=lambda frame: np.where(frame["sex"] == 1, "men", "boys and girls"))
    assert survival.rmst(data, stop="time", event="event", by="name", tau=600).reference == "men"  # more of them
    chosen = survival.rmst(data, stop="time", event="event", by="name", tau=600, reference="boys and girls")
    assert chosen.reference == "boys and girls"
    assert chosen.difference.value < 0
    assert "Difference, men minus boys and girls" in chosen.statement()


def test_three_groups() -> None:
    data = survival_data("veteran")
    result = survival.rmst(data, stop="time", event="status", by="celltype", tau=100)
    assert len(result.table) == 4
    assert len(result.contrasts) == 9
    label, one = next(iter(result.differences.items()))
    pair = data[data["celltype"].isin([label, result.reference])]
    two = survival.rmst(pair, stop="time", event="status", by="celltype", tau=100, reference=result.reference)
    assert_allclose([one.value, one.se], [two.difference.value, two.difference.se])


def test_size_and_truth() -> None:
    """Exponential times in both arms: the mean to tau is known; 400 trials, 99.9 % binomial limits."""
    rng = np.random.default_rng(11)
    rejected = covered = 0
    truth = 10 * (1 - np.exp(-0.8))
    for _ in range(400):
        n = 100
        time, end = rng.exponential(10, n), rng.uniform(6, 20, n)
        data = pd.DataFrame({"stop": np.minimum(time, end), "event": (time <= end).astype(int), "arm": np.arange(n) % 2})
        result = survival.rmst(data, **CALL, tau=min(8.0, survival.largest_tau(data, stop="stop", by="arm", at_risk=1)))
        rejected += result.difference.p_value < 0.05
        low, high = result.table.loc[0, ["ci_low", "ci_high"]]
        covered += low <= truth <= high
    assert 7 <= rejected <= 37, rejected
    assert 360 <= covered <= 394, covered


def test_an_effect_is_found() -> None:
    rng = np.random.default_rng(2)
    arm = np.arange(2000) % 2
    time, end = rng.exponential(10 + 5 * arm), rng.uniform(6, 20, 2000)
    data = pd.DataFrame({"stop": np.minimum(time, end), "event": (time <= end).astype(int), "arm": arm})
    result = survival.rmst(data, **CALL, tau=10)
    truth = 15 * (1 - np.exp(-10 / 15)) - 10 * (1 - np.exp(-1))
    assert abs(result.difference.value - truth) < 3 * result.difference.se
    assert result.difference.p_value < 1e-4


def test_largest_tau() -> None:
    data = pd.DataFrame({"stop": [1, 2, 3, 4, 5, 6, 7, 8], "arm": [0, 1] * 4, "start": [0, 0, 0, 0, 4, 4, 4, 4]})
    assert survival.largest_tau(data, stop="stop", at_risk=3) == 6
    assert survival.largest_tau(data, stop="stop", by="arm", at_risk=2) == 5
    assert survival.largest_tau(data, stop="stop", start="start", at_risk=4) == 5
    with pytest.raises(EstimationError, match="never 10 rows"):
        survival.largest_tau(data, stop="stop", by="arm")
    with pytest.raises(UsageError, match="at_risk is 0"):
        survival.largest_tau(data, stop="stop", at_risk=0)


@pytest.mark.parametrize(("change", "message"), [
    ({"tau": 2000}, r"tau is 2000, but the last time at risk in 1 is 1022. The largest tau that all groups allow is 965"),
    ({"tau": 0}, "tau is 0"),
    ({"tau": np.nan}, "tau is nan"),
    ({"tau": 10, "since": 20}, "tau is 10"),
    ({"variance": "cluster"}, "needs cluster="),
    ({"variance": "bootstrap"}, "no variance 'bootstrap'"),
    ({"variance": "greenwood", "cluster": "ph.ecog"}, "Greenwood"),
    ({"reference": 3}, "no group 3"),
    ({"by": "nobody"}, "No column 'nobody'"),
    ({"event": "time"}, "Event column"),
    ({"weights": "w", "reweight": len}, "Both weights= and reweight="),
    ({"reweight": lambda frame: [1.0]}, "reweight gave"),
    ({"ci_level": 95}, "ci_level is 95"),
])
def test_refusals(change: dict, message: str) -> None:
    data = survival_data("lung").dropna(subset=["ph.ecog"]).assign(w=1.0)
    with pytest.raises((UsageError, EstimationError), match=message):
        survival.rmst(data, **{"stop": "time", "event": "event", "by": "sex", "tau": 600, **change})


def test_delayed_entry_without_anybody_at_risk_is_refused() -> None:
    data = pd.DataFrame({"start": [2, 2, 5, 9, 9], "stop": [6, 7, 8, 12, 13], "event": [1, 0, 0, 1, 0]})
    call = {"start": "start", "stop": "stop", "event": "event"}
    with pytest.raises(EstimationError, match=r"between 0 and 2\. Use since=2"):
        survival.rmst(data, **call, tau=5)
    with pytest.raises(EstimationError, match="between 8 and 9"):
        survival.rmst(data, **call, tau=11, since=2)
    assert_allclose(survival.rmst(data, **call, tau=8, since=2).estimate.value, 4 + 2 * 2 / 3)
    emptied = pd.DataFrame({"start": [0, 0, 4, 3], "stop": [4, 4, 8, 9], "event": [1, 1, 1, 0]})
    with pytest.raises(EstimationError, match=r"falls to 0 at 4, .* Use since="):
        survival.rmst(emptied.iloc[:3], **call, tau=8)
    assert_allclose(survival.rmst(emptied, **call, tau=8).estimate.value, 4 + 4 / 3)
    with pytest.raises(EstimationError, match=r"between 0 and 0\.4\. Use since=1\.2,"):
        survival.rmst(survival_data("early"), start="e", stop="t", event="ev", tau=30)


def test_no_event_in_an_arm_has_no_standard_error() -> None:
    data = pd.DataFrame({"stop": [5, 6, 7, 8, 5, 6, 7, 8], "event": [1, 0, 1, 0, 0, 0, 0, 0], "arm": [0] * 4 + [1] * 4})
    result = survival.rmst(data, **CALL, tau=7)
    assert result.table["rmst"][1] == 7
    assert np.isnan(result.table["ci_low"][1])
    assert np.isnan(result.lost_ratio.ci_low)
    assert [caution.code for caution in result.warnings] == ["no_events"]
    assert result.difference.ci_low < 0.75 < result.difference.ci_high
