"""Concordance: R's values for every Cox reference, its counts of pairs, and brute force over all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.errors import EstimationError
from mentorship_eval.survival.hazards.concordance import pair_sums, sums_below
from tests.survival.reference import CLOSED_FORM, reference
from tests.survival.test_cox_against_r import CASES, data_for
from tests.survival.test_residuals import fitted

GOLDEN = [case for case in CASES if case[0] != "sim0/strata_dept_cluster"]  # made without concordance


@pytest.mark.parametrize(("path", "name", "call"), GOLDEN, ids=[case[0] for case in GOLDEN])
def test_value_and_standard_error(path: str, name: str, call: dict) -> None:
    wanted = reference(*path.split("/"))
    found = survival.cox(data_for(name), **call).concordance().estimate
    assert_allclose([found.value, found.se], [wanted["concordance"], wanted["conc_se"]], rtol=CLOSED_FORM)
    assert found.ci_low < found.value < found.ci_high
    assert np.isnan(found.p_value)


# R: coxph(...)$concordance[1:5], the fits with coxph.control(eps = 1e-14, iter.max = 100)
COUNTS = {
    "heart": [2873, 1646, 0, 16, 0],
    "bladder_wlw": [3768, 1856, 249, 91, 12],
    "rossi_weighted": [65831.7771, 36655.1998, 509.7553, 278.6285, 0.0000],
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_pairs(name: str) -> None:
    assert_allclose(list(fitted(name).concordance().counts.values()), COUNTS[name], rtol=1e-10)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), size=st.integers(3, 40), distinct=st.integers(1, 12), delayed=st.booleans())
def test_pairs_one_by_one(seed: int, size: int, distinct: int, delayed: bool) -> None:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 6, size).astype(float) if delayed else np.full(size, -np.inf)
    stop = np.where(delayed, np.maximum(start, 0), 0) + rng.integers(1, 8, size)
    event, stratum = rng.random(size) < 0.6, rng.integers(0, 3, size)
    weight, rank = rng.uniform(0.2, 3, size), rng.integers(0, distinct, size)
    wanted, counts = np.zeros((3, size)), dict.fromkeys(["concordant", "discordant", "tied_x", "tied_y", "tied_xy"], 0.0)
    for i in np.flatnonzero(event):
        for j in range(size):
            if i == j or stratum[i] != stratum[j]:
                continue
            if event[j] and stop[i] == stop[j]:
                counts["tied_xy" if rank[i] == rank[j] else "tied_y"] += weight[i] * weight[j] / 2
            elif start[j] < stop[i] <= stop[j]:
                kind = 0 if rank[i] > rank[j] else 1 if rank[i] < rank[j] else 2
                wanted[kind, i] += weight[j]
                wanted[kind, j] += weight[i]
                counts[list(counts)[kind]] += weight[i] * weight[j]
    pairs, found = pair_sums(start, stop, event, stratum, weight, rank)
    assert_allclose(pairs, wanted, atol=1e-10)
    assert_allclose(list(found.values()), list(counts.values()), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), size=st.integers(0, 50), distinct=st.integers(1, 70))
def test_sums_below(seed: int, size: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    rank, weight = rng.integers(0, distinct, size), rng.normal(size=size)
    low = rng.integers(0, size + 1, 20)
    high, below = rng.integers(low, size + 1), rng.integers(0, distinct + 3, 20)
    wanted = [weight[a:b][rank[a:b] < r].sum() for a, b, r in zip(low, high, below, strict=True)]
    assert_allclose(sums_below(rank, weight, low, high, below), wanted, atol=1e-12)


def test_the_standard_error_is_the_derivative_by_the_weights() -> None:
    rng = np.random.default_rng(1)
    size = 40
    arrays = (np.full(size, -np.inf), rng.integers(1, 12, size).astype(float), rng.random(size) < 0.6, rng.integers(0, 2, size))
    weight, rank = rng.uniform(0.5, 2, size), rng.integers(0, 9, size)

    def value(weight: np.ndarray) -> float:
        counts = pair_sums(*arrays, weight, rank)[1]
        return (counts["concordant"] + counts["tied_x"] / 2) / (counts["concordant"] + counts["discordant"] + counts["tied_x"])

    pairs, counts = pair_sums(*arrays, weight, rank)
    total = counts["concordant"] + counts["discordant"] + counts["tied_x"]
    analytic = (pairs[0] + pairs[2] / 2 - value(weight) * pairs.sum(axis=0)) / total
    numeric = [(value(weight + step) - value(weight - step)) / 2e-5 for step in 1e-5 * np.eye(size)]
    assert_allclose(analytic, numeric, atol=1e-8)


def test_rounding_makes_no_order() -> None:
    """Equal covariates are a tie, whatever the last digit of the linear predictor."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"stop": rng.integers(1, 30, 600), "event": rng.random(600) < 0.5, "a": rng.integers(0, 2, 600), "b": 0.1})
    data["b"] = rng.choice([0.1, 0.2, 0.3], 600)
    result = survival.cox(data, stop="stop", event="event", covariates=["a", "b"])
    shuffled = survival.cox(data.sample(frac=1, random_state=1), stop="stop", event="event", covariates=["b", "a"])
    assert_allclose(list(result.concordance().counts.values()), list(shuffled.concordance().counts.values()))
    assert result.concordance().counts["tied_x"] > 1000


def test_what_is_said() -> None:
    found = fitted("lung_strata").concordance()
    assert found.statement().startswith("Concordance: 0.619 (95 % CI 0.559 to 0.678), from ")
    assert found.estimate.warnings[0].code == "apparent"
    assert "comparable pairs" in found._repr_html_()
    assert found.table["concordance"][0] == found.estimate.value
    t = survival.cox(data_for("lung_cc"), stop="time", event="event", covariates=["age"], cluster="inst").concordance().estimate
    assert t.df == 17


def test_nobody_to_compare_with() -> None:
    data = pd.DataFrame({"start": [0, 2.0, 0, 2], "stop": [2.0, 4, 2, 4], "event": 1, "x": [1.0, 2, 3, 5], "s": [1, 1, 2, 2]})
    data = pd.concat([data.assign(s=1), data.assign(s=2, x=data["x"] ** 2)])
    result = survival.cox(data, start="start", stop="stop", event="event", covariates=["x"], strata="s")
    with pytest.raises(EstimationError, match="No two rows are comparable"):
        result.concordance()
