"""What must hold for any data: invariances, identities, and slow definitions on small samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError

SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=25, deadline=None, derandomize=True)


def sample(seed: int, n: int = 40, grid: int = 12, entry: bool = True) -> pd.DataFrame:
    """Rows with many ties, delayed entry, two covariates, strata, weights and clusters."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, grid // 2, n) * (rng.random(n) < 0.5) if entry else np.zeros(n, dtype=int)
    return pd.DataFrame({
        "start": start.astype(float), "stop": start + rng.integers(1, grid, n).astype(float), "event": (rng.random(n) < 0.6).astype(int),
        "cause": rng.integers(0, 3, n), "arm": rng.integers(0, 2, n), "x": np.round(rng.normal(size=n), 2), "site": rng.integers(0, 3, n),
        "unit": rng.integers(0, 8, n), "w": np.round(rng.uniform(0.3, 3, n), 2),
    })


CALL = {"start": "start", "stop": "stop", "event": "event", "covariates": ["arm", "x"]}


def fitted(data: pd.DataFrame, **call: object) -> survival.CoxResult:
    """A fit, or the example is left aside when the estimate does not exist."""
    try:
        return survival.cox(data, **{**CALL, **call})
    except EstimationError:
        assume(False)
        raise


@given(SEEDS, st.sampled_from(["efron", "breslow"]))
@QUICK
def test_cox_ignores_the_order_of_rows(seed: int, ties: str) -> None:
    data = sample(seed)
    options = {"strata": "site", "cluster": "unit", "weights": "w", "ties": ties, "variance": "cluster"}
    one, other = fitted(data, **options), fitted(data.sample(frac=1, random_state=seed % 1000), **options)
    assert_allclose(one.table["coef"], other.table["coef"], rtol=1e-9, atol=1e-11)
    assert_allclose(one.covariance, other.covariance, rtol=1e-8, atol=1e-12)


def split(data: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every second row cut at a moment inside it; the event stays with the later part."""
    rng = np.random.default_rng(seed)
    long = (data["stop"] - data["start"] > 1) & (rng.random(len(data)) < 0.5)
    early, late = data[long].copy(), data[long].copy()
    moment = early["start"] + np.ceil((early["stop"] - early["start"]) / 2)  # on the grid: at event times too
    moment = np.minimum(moment, early["stop"] - 0.5)
    early["stop"], late["start"] = moment, moment
    early["event"] = 0
    early["cause"] = 0
    return pd.concat([data[~long], early, late], ignore_index=True)


@given(SEEDS)
@QUICK
def test_splitting_a_row_changes_nothing(seed: int) -> None:
    data = sample(seed)
    data["id"] = np.arange(len(data))
    cut = split(data, seed)
    one, other = fitted(data, cluster="id", variance="robust"), fitted(cut, cluster="id", variance="robust")
    for column in ("coef", "se", "robust_se"):
        assert_allclose(one.table[column], other.table[column], rtol=1e-8, atol=1e-10)
    times = np.arange(1, data["stop"].max())
    call = {"start": "start", "stop": "stop"}
    for cluster in (None, "id"):
        a, b = (survival.kaplan_meier(d, **call, event="event", by="arm", cluster=cluster).at(times) for d in (data, cut))
        for column in ("n_risk", "survival", "se"):
            assert_allclose(a[column], b[column], rtol=1e-9, atol=1e-12)
    if data["cause"].any():
        a, b = (survival.aalen_johansen(d, **call, cause="cause", cluster="id").at(times) for d in (data, cut))
        for column in ("cif", "se"):
            assert_allclose(a[column], b[column], rtol=1e-9, atol=1e-12)
    if data["arm"].nunique() == 2:
        a, b = (survival.logrank(d, **call, event="event", by="arm") for d in (data, cut))
        assert_allclose(a.statistic, b.statistic, rtol=1e-9)


@given(SEEDS, st.sampled_from([-3.0, 1000.25, 1e5]))
@QUICK
def test_shifting_all_times_changes_nothing(seed: int, by: float) -> None:
    data = sample(seed)
    moved = data.assign(start=data["start"] + by, stop=data["stop"] + by)
    assert_allclose(fitted(data).table["coef"], fitted(moved).table["coef"], rtol=1e-9, atol=1e-11)
    call = {"start": "start", "stop": "stop", "event": "event"}
    a, b = survival.kaplan_meier(data, **call).table, survival.kaplan_meier(moved, **call).table
    assert_allclose(a["time"] + by, b["time"])
    assert_allclose(a["survival"], b["survival"])


@given(SEEDS)
@QUICK
def test_a_weight_of_two_is_the_row_twice(seed: int) -> None:
    """Exactly so for Breslow; Efron takes the mean weight of tied events, which is not the same thing."""
    data = sample(seed)
    data["w"] = 1 + data["unit"] % 2
    doubled = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    weighted = fitted(data, weights="w", ties="breslow")
    assert_allclose(weighted.table["coef"], fitted(doubled, ties="breslow").table["coef"], rtol=1e-9, atol=1e-11)
    assert_allclose(weighted.table["se"], fitted(doubled, ties="breslow").table["se"], rtol=1e-9)
    call = {"start": "start", "stop": "stop"}
    a = survival.kaplan_meier(data, **call, event="event", weights="w").table
    b = survival.kaplan_meier(doubled, **call, event="event").table
    pd.testing.assert_frame_equal(a, b)
    if data["cause"].any():
        a = survival.aalen_johansen(data, **call, cause="cause", weights="w").table
        assert_allclose(a["cif"], survival.aalen_johansen(doubled, **call, cause="cause").table["cif"])


@given(SEEDS)
@QUICK
def test_weights_of_zero_leave_rows_out(seed: int) -> None:
    data = sample(seed)
    data.loc[data["unit"] == 0, "w"] = 0.0
    assume((data["w"] > 0).any() and data.loc[data["w"] > 0, "event"].any())
    kept = data[data["w"] > 0]
    assert_allclose(fitted(data, weights="w").table["robust_se"], fitted(kept, weights="w").table["robust_se"], rtol=1e-9)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40))
@QUICK
def test_kaplan_meier_without_censoring_is_the_empirical_distribution(times: list[int]) -> None:
    data = pd.DataFrame({"stop": np.array(times, dtype=float), "event": 1})
    table = survival.kaplan_meier(data, stop="stop", event="event").table
    empirical = np.array([(data["stop"] > t).mean() for t in table["time"]])
    assert_allclose(table["survival"], empirical, atol=1e-13)
    inside = empirical > 0  # where Greenwood is the binomial variance
    assert_allclose(table["se"][inside], np.sqrt(empirical * (1 - empirical) / len(times))[inside], rtol=1e-10)


@given(SEEDS, st.booleans())
@QUICK
def test_incidences_and_survival_sum_to_one(seed: int, weighted: bool) -> None:
    data = sample(seed)
    assume(data["cause"].any())
    data["any"] = data["cause"] > 0
    weights = "w" if weighted else None
    curve = survival.aalen_johansen(data, start="start", stop="stop", cause="cause", by="arm", weights=weights)
    overall = survival.kaplan_meier(data, start="start", stop="stop", event="any", by="arm", weights=weights)
    total = curve.table.groupby(["by", "time"])["cif"].sum().to_numpy()
    assert_allclose(total + overall.table["survival"], 1.0, atol=1e-12)
    assert_allclose(curve.event_free["probability"], overall.table["survival"], atol=1e-12)
    assert curve.table["cif"].between(-1e-12, 1 + 1e-12).all()


@given(SEEDS)
@QUICK
def test_logrank_is_the_score_test_without_ties(seed: int) -> None:
    data = sample(seed)
    data["stop"] += np.random.default_rng(seed).permutation(len(data)) / 1000  # no two ends alike
    assume(data["arm"].nunique() == 2)
    result = fitted(data, covariates=["arm"], strata="site", ties="breslow")
    test = survival.logrank(data, start="start", stop="stop", event="event", by="arm", strata="site")
    assert_allclose(test.statistic, result.score_test[0], rtol=1e-9)


@given(SEEDS)
@QUICK
def test_logrank_does_not_depend_on_the_names_of_groups(seed: int) -> None:
    data = sample(seed, n=60)
    call = {"start": "start", "stop": "stop", "event": "event"}
    one = survival.logrank(data, **call, by="site")
    other = survival.logrank(data.assign(site=data["site"].map({0: "z", 1: "a", 2: "m"})), **call, by="site")
    assert_allclose(one.statistic, other.statistic, rtol=1e-9)
    assert_allclose(one.table["observed"].sum(), one.table["expected"].sum())


# ---- slow definitions ---------------------------------------------------------------------------


def slow_loglik(data: pd.DataFrame, beta: np.ndarray, ties: str) -> float:
    total = 0.0
    x = data[["arm", "x"]].to_numpy(dtype=float)
    eta, weight = x @ beta, data["w"].to_numpy()
    for _, group in data.groupby("site"):
        for time in sorted(group.loc[group["event"] == 1, "stop"].unique()):
            at_risk = group.index[(group["start"] < time) & (group["stop"] >= time)]
            dead = group.index[(group["event"] == 1) & (group["stop"] == time)]
            total += weight[dead] @ eta[dead]
            everybody, gone = weight[at_risk] @ np.exp(eta[at_risk]), weight[dead] @ np.exp(eta[dead])
            for step in range(len(dead)):
                share = step / len(dead) if ties == "efron" else 0.0
                total -= weight[dead].mean() * np.log(everybody - share * gone)
    return total


@given(SEEDS, st.sampled_from(["efron", "breslow"]))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_likelihood_score_and_information_against_their_definition(seed: int, ties: str) -> None:
    data = sample(seed)
    result = fitted(data, strata="site", weights="w", ties=ties)
    beta = result.table["coef"].to_numpy()
    assert_allclose(result.loglik, (slow_loglik(data, np.zeros(2), ties), slow_loglik(data, beta, ties)), rtol=1e-10)
    h, unit = 1e-4, np.eye(2)

    def around(*steps: np.ndarray) -> float:
        return slow_loglik(data, beta + h * sum(steps), ties)

    gradient = [(around(u) - around(-u)) / (2 * h) for u in unit]
    assert_allclose(gradient, 0, atol=1e-4)
    hessian = np.array([[(around(u, v) - around(u, -v) - around(-u, v) + around(-u, -v)) / (4 * h * h) for v in unit] for u in unit])
    assert_allclose(result.model_covariance, np.linalg.inv(-hessian), rtol=1e-3, atol=1e-5)


@given(SEEDS)
@settings(max_examples=5, deadline=None, derandomize=True)
def test_sandwich_is_the_sum_of_squared_derivatives_by_weight(seed: int) -> None:
    """With Breslow ties a score residual is exactly the derivative of the estimate by the row's weight."""
    data = sample(seed, n=25)
    result = fitted(data, weights="w", ties="breslow")
    influence = []
    for row in data.index:
        more, less = data.copy(), data.copy()
        more.loc[row, "w"] += 1e-4
        less.loc[row, "w"] -= 1e-4
        difference = fitted(more, weights="w", ties="breslow").table["coef"] - fitted(less, weights="w", ties="breslow").table["coef"]
        influence.append(data["w"][row] * difference.to_numpy() / 2e-4)
    by_hand = np.array(influence).T @ np.array(influence)
    assert_allclose(result.robust_covariance, by_hand, rtol=1e-4, atol=1e-7)


@given(SEEDS)
@settings(max_examples=3, deadline=None, derandomize=True)
def test_curve_variance_is_the_sum_of_squared_derivatives_by_weight(seed: int) -> None:
    data = sample(seed, n=20)
    assume(data["cause"].any())
    times = np.unique(data["stop"])[:-1]
    call = {"start": "start", "stop": "stop", "cause": "cause", "weights": "w"}
    base = survival.aalen_johansen(data, **call).at(times)
    influence = []
    for row in data.index:
        more, less = data.copy(), data.copy()
        more.loc[row, "w"] += 1e-5
        less.loc[row, "w"] -= 1e-5
        difference = survival.aalen_johansen(more, **call).at(times)["cif"] - survival.aalen_johansen(less, **call).at(times)["cif"]
        influence.append(data["w"][row] * difference.to_numpy() / 2e-5)
    assert_allclose(base["se"], np.sqrt((np.array(influence) ** 2).sum(axis=0)), rtol=1e-5, atol=1e-7)


@given(SEEDS)
@QUICK
def test_conditional_curve_is_the_ratio_of_survivals(seed: int) -> None:
    data = sample(seed)
    curve = survival.kaplan_meier(data, start="start", stop="stop", event="event")
    since = 3.0
    before = curve.table.loc[curve.table["time"] < since, "survival"]
    scale = before.iloc[-1] if len(before) else 1.0
    assume(scale > 0)
    times = [4.0, 5.0, 6.0]
    assert_allclose(curve.from_time(since).at(times)["survival"], curve.at(times)["survival"] / scale, rtol=1e-10)


@pytest.mark.parametrize("noise", [1e-12, -1e-11])
def test_times_that_differ_by_rounding_are_ties(noise: float) -> None:
    data = sample(3)
    wobbly = data.assign(stop=data["stop"] + noise * (np.arange(len(data)) % 2), start=data["start"] + noise * (np.arange(len(data)) % 3))
    assert_allclose(fitted(data).table["coef"], fitted(wobbly).table["coef"], rtol=1e-9)
    call = {"start": "start", "stop": "stop", "event": "event"}
    assert_allclose(survival.kaplan_meier(data, **call).table["survival"], survival.kaplan_meier(wobbly, **call).table["survival"])
    for column in ("survival", "n_risk"):
        assert_allclose(survival.kaplan_meier(wobbly, **call).at(5)[column], survival.kaplan_meier(data, **call).at(5)[column])
    below, above = (survival.kaplan_meier(data, **call).at(5 + sign * 1e-12) for sign in (-1, 1))
    assert_allclose(below["n_risk"], above["n_risk"])
