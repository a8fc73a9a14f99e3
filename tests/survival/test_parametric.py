"""Accelerated failure time models against survreg, against scipy's distributions, and where there is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.survival.parametric_models import accelerated
from tests.survival.reference import reference, survival_data

ITERATIVE = 1e-5  # survreg stops early
NAMES = ["weibull", "lognormal", "loglogistic"]
CASES = [
    *(("lung", f"aft_{name}", "lung_cc", name, "time", "event", ["age", "sex", "ph.ecog"], None) for name in NAMES),
    ("lung", "aft_weibull_cluster", "lung_cc", "weibull", "time", "event", ["age", "sex", "ph.ecog"], "inst"),
    ("veteran", "aft_weibull", "veteran", "weibull", "time", "status", ["trt2", "age", "karno"], None),
    ("rossi", "aft_weibull", "rossi", "weibull", "week", "arrest", ["fin", "age", "prio"], None),
]


@pytest.mark.parametrize(("data", "entry", "file", "name", "stop", "event", "covariates", "cluster"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_survreg(data: str, entry: str, file: str, name: str, stop: str, event: str, covariates: list[str], cluster: str | None) -> None:
    fit = survival.parametric(survival_data(file), stop=stop, event=event, covariates=covariates, distribution=name, cluster=cluster)
    wanted = reference(data, entry)
    table = fit.table.set_index("term")
    assert list(table.index) == [*wanted["coef"], "log(scale)"]
    assert_allclose(table["coef"].iloc[:-1], list(wanted["coef"].values()), rtol=ITERATIVE)
    assert_allclose(fit.scale, wanted["scale"], rtol=ITERATIVE)
    assert_allclose(fit.loglik, wanted["loglik"], rtol=ITERATIVE)
    assert_allclose(table["robust_se" if cluster else "se"], list(wanted["se"].values()), rtol=ITERATIVE)
    assert fit.score_norm < 1e-6
    first = covariates[0]
    assert_allclose(fit.estimate.value, np.exp(wanted["coef"][first]), rtol=ITERATIVE)
    assert fit.estimate.scale == "time ratio"
    assert fit.estimate.df == (None if cluster is None else fit.n_clusters - 1)


@contextmanager
def lifelines_failing() -> Iterator[None]:
    """Our own Newton's method begins at the mean, as it does where lifelines does not converge (and in a tenth of the time)."""
    with mock.patch.object(accelerated, "_lifelines", lambda *_: None):
        yield


def log_likelihood(fit: survival.ParametricResult, theta: np.ndarray, data: pd.DataFrame, terms: list[str]) -> float:
    """By scipy's distributions of time itself: log f or log S at the end, less log S at the beginning."""
    place, scale = theta[0] + data[terms].to_numpy(float) @ theta[1:-1], np.exp(theta[-1])
    law = {
        "weibull": lambda: stats.weibull_min(1 / scale, scale=np.exp(place)), "lognormal": lambda: stats.lognorm(scale, scale=np.exp(place)),
        "loglogistic": lambda: stats.fisk(1 / scale, scale=np.exp(place)),
    }[fit.distribution]()
    end = np.where(data["event"] == 1, law.logpdf(data["stop"]), law.logsf(data["stop"]))
    return float(np.sum(end - law.logsf(data["start"])))


@pytest.mark.parametrize("name", NAMES)
def test_delayed_entry_maximises_the_truncated_likelihood(name: str) -> None:
    data = survival_data("rossi_entry").rename(columns={"entry": "start", "week": "stop", "arrest": "event"})
    terms = ["fin", "age", "prio"]
    fit = survival.parametric(data, start="start", stop="stop", event="event", covariates=terms, distribution=name)
    theta = fit.table["coef"].to_numpy()
    assert_allclose(fit.loglik[1], log_likelihood(fit, theta, data, terms), rtol=1e-10)
    step = 1e-4
    se = fit.table["se"].to_numpy()
    moved = [[log_likelihood(fit, theta + sign * step * se * unit, data, terms) for sign in (-1, 1)] for unit in np.eye(len(theta))]
    slope = np.array([(high - low) / (2 * step) for low, high in moved])
    assert_allclose(slope, 0, atol=1e-4)  # per standard error
    without = survival.parametric(data, stop="stop", event="event", covariates=terms, distribution=name)
    assert not np.allclose(without.table["coef"], theta, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_lifelines_gives_nearly_the_same(name: str) -> None:
    """With delayed entry; its optimiser stops within a thousandth."""
    data = survival_data("rossi_entry")
    x = data[["fin", "age", "prio"]].to_numpy(float)
    event = data["arrest"].to_numpy(bool)
    start, stop = data["entry"].to_numpy(float), data["week"].to_numpy(float)
    theirs = accelerated._lifelines(x, start, stop, event, name)
    with lifelines_failing():
        ours = accelerated.fit_accelerated(x, start, stop, event, name)
    assert theirs is not None
    assert_allclose(theirs, ours.theta, rtol=2e-3)


def people(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=n), rng.integers(0, 2, n)
    time, end = np.exp(1 + 0.4 * arm - 0.3 * x + 0.7 * np.log(rng.exponential(size=n))), rng.uniform(1, 12, n)
    return pd.DataFrame({"x": x, "arm": arm, "stop": np.minimum(time, end), "event": (time <= end).astype(int), "unit": rng.integers(0, 40, n),
                         "kind": rng.choice(["a", "b"], n)}, index=[f"r{i}" for i in range(n)])


CALL = {"stop": "stop", "event": "event", "covariates": ["arm", "x"]}


@pytest.mark.parametrize("name", NAMES)
def test_where_lifelines_fails_the_estimate_is_the_same(name: str) -> None:
    one = survival.parametric(people(5), **CALL, distribution=name)
    with lifelines_failing():
        other = survival.parametric(people(5), **CALL, distribution=name)
    assert_allclose(one.table["coef"], other.table["coef"], rtol=1e-8)


@given(st.integers(0, 10_000), st.sampled_from(NAMES))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_unit_of_time_and_order_of_rows_do_not_matter(seed: int, name: str) -> None:
    data = people(seed)
    with lifelines_failing():
        one = survival.parametric(data, **CALL, distribution=name, cluster="unit")
        other = survival.parametric(data.assign(stop=data["stop"] * 365).sample(frac=1, random_state=1), **CALL, distribution=name, cluster="unit")
    assert_allclose(one.table["coef"].iloc[1:], other.table["coef"].iloc[1:], rtol=1e-7, atol=1e-9)
    assert_allclose(one.table["robust_se"].iloc[1:], other.table["robust_se"].iloc[1:], rtol=1e-7)
    assert_allclose(other.table["coef"].iloc[0] - one.table["coef"].iloc[0], np.log(365), rtol=1e-7)
    curve = one.survival_at({"arm": 1, "x": 0.0}, [0, 1, 2, 30])["survival"].to_numpy()
    assert curve[0] == 1
    assert (np.diff(curve) < 0).all()


def test_weibull_time_and_hazard_ratios_are_one_model() -> None:
    fit = survival.parametric(people(1, 4000), **CALL)
    table = fit.table.set_index("term")
    assert_allclose(table.loc["arm", "hazard_ratio"], np.exp(-table.loc["arm", "coef"] / fit.scale))
    cox = survival.cox(people(1, 4000), **CALL)
    assert_allclose(np.log(table.loc["arm", "hazard_ratio"]), cox.table["coef"][0], atol=0.03)
    assert abs(table.loc["arm", "coef"] - 0.4) < 3 * table.loc["arm", "se"]


def test_a_null_is_covered() -> None:
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = people(seed, 60).assign(arm=rng.integers(0, 2, 60))
        with lifelines_failing():
            one = survival.parametric(data, **CALL, distribution="loglogistic").estimate
        inside.append(one.ci_low < 1 < one.ci_high)
    assert sum(inside) >= 33  # 38 expected; below with probability 0.001


BAD = [
    ("unknown distribution", {"distribution": "gamma"}, {}, UsageError, "'gamma'"),
    ("no covariates", {"covariates": []}, {}, UsageError, "No covariates"),
    ("no events", {}, {"event": 0}, EstimationError, "No events"),
    ("time 0", {}, {"stop": ("r3", 0.0)}, EstimationError, "not positive in rows r3"),
    ("collinear", {"covariates": ["x", "y"]}, {}, EstimationError, "collinear"),
    ("missing", {}, {"x": ("r5", np.nan)}, EstimationError, "r5"),
    ("an arm without events", {}, {"event": "by arm"}, EstimationError, "nobody with arm = 1"),
]


@pytest.mark.parametrize(("name", "call", "change", "error", "says"), BAD, ids=[one[0] for one in BAD])
def test_refused(name: str, call: dict, change: dict, error: type, says: str) -> None:
    data = people(2)
    data["y"] = 1 - data["x"]
    for column, value in change.items():
        if isinstance(value, tuple):
            data.loc[value[0], column] = value[1]
        else:
            data[column] = np.where(data["arm"] == 1, 0, 1) if value == "by arm" else value
    with pytest.raises(error) as caught:
        survival.parametric(data, **{**CALL, **call})
    assert says in str(caught.value)


def test_results_can_be_read() -> None:
    fit = survival.parametric(people(3), stop="stop", event="event", covariates={"kind": "a"}, cluster="unit")
    assert fit.statement().startswith("Time ratio of kind[b]: ")
    assert "<table" in fit._repr_html_()
    few = survival.parametric(people(3).assign(unit=lambda d: d["x"].gt(0).astype(int)), **CALL, cluster="unit")
    assert [one.code for one in few.warnings] == ["few_clusters"]
    with pytest.raises(UsageError, match="negative"):
        fit.survival_at({"kind": "a"}, [-1.0])
