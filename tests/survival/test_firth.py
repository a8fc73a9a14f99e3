"""Firth's penalised partial likelihood against its definition, written out naively and maximised numerically."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize, minimize_scalar
from scipy.special import chdtri

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from tests.survival.reference import survival_data

CALL = {"stop": "stop", "event": "event", "covariates": ["arm", "x"], "penalty": "firth"}


def people(seed: int = 1, size: int = 60, separated: bool = True) -> pd.DataFrame:
    """A small programme with tied times, late entries and, if ``separated``, no event in its arm."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({
        "stop": rng.integers(2, 15, size).astype(float), "event": (rng.random(size) < 0.5).astype(int),
        "arm": (np.arange(size) < 0.3 * size).astype(int), "x": 100 + 30 * rng.normal(size=size), "ward": rng.integers(0, 3, size),
    })
    data["start"] = np.maximum(data["stop"] - rng.integers(1, 20, size), 0.0)
    data.loc[data["start"] == data["stop"], "start"] -= 0.5
    if separated:
        data.loc[data["arm"] == 1, "event"] = 0
    return data


def penalised(data: pd.DataFrame, coef: np.ndarray, terms: list[str], ties: str = "efron", start: str | None = None, strata: str | None = None):
    """l(b) + log det I(b) / 2, event time by event time, as one would write it down."""
    x = data[terms].to_numpy(float)
    eta = x @ coef
    begin = data[start].to_numpy() if start else np.full(len(data), -np.inf)
    stop, event = data["stop"].to_numpy(), data["event"].to_numpy() == 1
    stratum = data[strata].to_numpy() if strata else np.zeros(len(data))
    loglik, information = 0.0, np.zeros((len(terms),) * 2)
    for s in np.unique(stratum):
        for t in np.unique(stop[event & (stratum == s)]):
            risk = (begin < t) & (t <= stop) & (stratum == s)
            dead = risk & event & (stop == t)
            loglik += eta[dead].sum()
            for step in range(dead.sum()):
                weight = np.exp(eta) * risk
                if ties == "efron":
                    weight = weight * np.where(dead, 1 - step / dead.sum(), 1.0)
                mean = weight @ x / weight.sum()
                information += ((x - mean).T * weight) @ (x - mean) / weight.sum()
                loglik -= np.log(weight.sum())
    return loglik + np.linalg.slogdet(information)[1] / 2, information


CONFIGURATIONS = [{}, {"ties": "breslow"}, {"start": "start"}, {"strata": "ward"}, {"start": "start", "strata": "ward", "ties": "efron"}]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("separated", [True, False])
def test_estimate_limits_and_p_values_by_definition(configuration: dict, separated: bool) -> None:
    data = people(separated=separated)
    result = survival.cox(data, **CALL, **configuration)
    terms, coef = ["arm", "x"], result.table["coef"].to_numpy()
    unit = np.array([1.0, 30.0])

    def value(scaled: np.ndarray) -> float:
        return -penalised(data, scaled / unit, terms, **configuration)[0]

    brute = minimize(value, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-13, "maxiter": 4000})
    assert_allclose(coef * unit, brute.x, atol=2e-6)
    top, information = penalised(data, coef, terms, **configuration)
    assert top >= -brute.fun - 1e-10
    assert_allclose(result.loglik, [penalised(data, np.zeros(2), terms, **configuration)[0], top], rtol=1e-10)
    assert_allclose(result.table["se"], np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-8)
    # numeric derivative of the penalised likelihood at the estimate
    for j, step in enumerate(1e-4 / unit):
        move = np.eye(2)[j] * step
        slope = (penalised(data, coef + move, terms, **configuration)[0] - penalised(data, coef - move, terms, **configuration)[0]) / 2e-4
        assert abs(slope) < 1e-6

    def profile(j: int, fixed: float) -> float:
        def other(free: float) -> float:
            point = np.empty(2)
            point[j], point[1 - j] = fixed, free / unit[1 - j]
            return -penalised(data, point, terms, **configuration)[0]

        begin = coef[1 - j] * unit[1 - j]
        return minimize_scalar(other, bracket=(begin - 0.2, begin + 0.2), tol=1e-8).fun

    for j, row in enumerate(result.table.itertuples()):
        for limit in (row.ci_low, row.ci_high):
            assert_allclose(2 * (top + profile(j, np.log(limit))), chdtri(1, 0.05), atol=1e-6)
        assert row.ci_low < row.hr < row.ci_high
        assert_allclose(chdtri(1, row.p), 2 * (top + profile(j, 0.0)), atol=1e-6)


def test_what_is_said() -> None:
    result = survival.cox(people(), **CALL)
    assert result.variance == "profile"
    assert "Firth penalty" in result.method and "profile penalised-likelihood" in result.method
    assert [caution.code for caution in result.warnings] == ["separation"]
    assert result.warnings[0].data["term"] == "arm"
    assert result.estimate.p_value == result.table["p"][0]
    assert result.estimate.ci_high == result.table["ci_high"][0] < 1
    assert not survival.cox(people(separated=False), **CALL).warnings


def test_the_refusal_names_the_way_out() -> None:
    data = people()
    with pytest.raises(EstimationError, match=r"'arm' has no finite estimate.*penalty='firth'"):
        survival.cox(data, **{**CALL, "penalty": None})


def test_what_the_penalty_declines() -> None:
    data = people().assign(w=1.5)
    with pytest.raises(UsageError, match="cannot be combined with cluster="):
        survival.cox(data, **CALL, cluster="ward")
    with pytest.raises(UsageError, match="cannot be combined with weights="):
        survival.cox(data, **CALL, weights="w")
    with pytest.raises(UsageError, match="profile intervals, not variance='robust'"):
        survival.cox(data, **CALL, variance="robust")
    with pytest.raises(UsageError, match="no penalty 'ridge'"):
        survival.cox(data, **{**CALL, "penalty": "ridge"})
    with pytest.raises(EstimationError, match="collinear"):
        survival.cox(data.assign(y=2 * data["x"] + 1), **{**CALL, "covariates": ["arm", "x", "y"]})


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-1e4, 1e4), factor=st.floats(1e-3, 1e3), level=st.sampled_from([0.5, 0.9, 0.99]))
def test_scale_does_not_matter(seed: int, shift: float, factor: float, level: float) -> None:
    """The penalty is that of Jeffreys' prior: it does not depend on the units, and neither do limits and p."""
    data = people(seed, 40)
    call = {**CALL, "ci_level": level}
    plain = survival.cox(data, **call).table
    moved = survival.cox(data.assign(x=shift + factor * data["x"]), **call).table
    assert_allclose(moved["coef"] * [1, factor], plain["coef"], rtol=1e-5, atol=1e-6)
    assert_allclose(moved["p"], plain["p"], rtol=1e-5, atol=1e-9)
    assert_allclose(np.log(moved["ci_low"]) * [1, factor], np.log(plain["ci_low"]), rtol=1e-5, atol=1e-5)


def test_levels_nest() -> None:
    data = people(4)
    limits = [survival.cox(data, **CALL, ci_level=level).estimate for level in (0.5, 0.8, 0.95, 0.99)]
    assert all(wide.ci_low < narrow.ci_low and narrow.ci_high < wide.ci_high for narrow, wide in pairwise(limits))


def test_with_many_events_the_penalty_hardly_matters() -> None:
    data = survival_data("rotterdam")
    call = {"stop": "rfstime", "event": "rfs", "covariates": ["age", "grade", "nodes", "hormon", "chemo", "meno"]}
    plain, firth = survival.cox(data, **call).table, survival.cox(data, **call, penalty="firth").table
    assert_allclose(firth["coef"], plain["coef"], atol=0.02 * plain["se"].max())
    assert_allclose(np.log(firth["ci_low"]), np.log(plain["ci_low"]), atol=0.005)
    assert_allclose(firth["p"], plain["p"], atol=0.005)


def test_small_samples_are_less_biased() -> None:
    """Twenty exponential times, hazard ratio 3: plain estimates lie too far out, penalised ones do not."""
    rng = np.random.default_rng(7)
    plain, firth = [], []
    for _ in range(80):
        arm = np.repeat([0, 1], 10)
        data = pd.DataFrame({"stop": rng.exponential(1 / 3.0**arm), "event": 1, "arm": arm})
        call = {"stop": "stop", "event": "event", "covariates": ["arm"]}
        try:
            plain.append(survival.cox(data, **call).table["coef"][0])
        except EstimationError:
            continue
        firth.append(survival.cox(data, **call, penalty="firth").table["coef"][0])
    assert abs(np.mean(firth) - np.log(3)) < abs(np.mean(plain) - np.log(3))


def test_a_covariate_that_orders_the_events_is_refused_by_name() -> None:
    data = people(separated=False).sort_values("stop").assign(stop=lambda frame: np.arange(1.0, len(frame) + 1), start=0.0)
    data["x"] = -data["stop"]
    with pytest.raises(EstimationError, match=r"'x'.*penalty='firth'"):
        survival.cox(data, **{**CALL, "penalty": None})
    many = pd.concat([data.assign(stop=data["stop"] + 60 * k, x=data["x"] - 60 * k) for k in range(10)])
    with pytest.raises(EstimationError, match="follows the order of the events"):
        survival.cox(many, **{**CALL, "covariates": ["x"]})


@pytest.mark.parametrize(("factor", "shift"), [(1e12, 1e14), (1e-12, 0.0), (1.0, 1e8), (1e-3, -1e5)])
def test_units_of_any_size_converge(factor: float, shift: float) -> None:
    data = people(2, 120, separated=False)
    moved = data.assign(x=data["x"] * factor + shift)
    for penalty in (None, "firth"):
        plain, other = (survival.cox(frame, **{**CALL, "penalty": penalty}) for frame in (data, moved))
        assert other.decrement < 1e-10
        assert_allclose(other.table["coef"][1] * factor, plain.table["coef"][1], rtol=1e-4)
        assert_allclose(other.table["se"][1] * factor, plain.table["se"][1], rtol=1e-5)


def test_near_separation_is_an_estimate_not_a_refusal() -> None:
    data = people(3, 200)
    data.loc[data.index[3], ["event", "stop", "start"]] = [1, 5.0, 0.0]
    plain, firth = (survival.cox(data, **{**CALL, "penalty": penalty}) for penalty in (None, "firth"))
    assert plain.decrement < 1e-10
    assert plain.table["coef"][0] < firth.table["coef"][0] < 0
    assert not [caution for caution in firth.warnings if caution.code == "separation"]


def test_two_levels_without_an_event() -> None:
    data = people(separated=False).assign(kind=lambda frame: np.where(frame["arm"] == 1, "b", "a"))
    data.loc[:5, "kind"] = "c"
    data.loc[data["kind"] != "a", "event"] = 0
    table = survival.cox(data, stop="stop", event="event", covariates=["kind"], penalty="firth").table
    assert list(table["term"]) == ["kind[b]", "kind[c]"]
    assert np.isfinite(table[["coef", "se", "ci_low", "ci_high", "p"]].to_numpy()).all()
    assert (table["hr"] < 1).all()
