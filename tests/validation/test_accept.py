"""The rule that accepts a claim: exact binomial limits, Bonferroni, the floor, and both ways to be wrong."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.accept import binomial_interval, judge_coverage, judge_size, recovers
from validation.tables import SUMMARY, markdown, summarise, verdicts


# R: binom.test(x, n, conf.level = 1 - 0.01 / claims)$conf.int
@pytest.mark.parametrize(
    ("x", "n", "claims", "low", "high"),
    [
        (4900, 5000, 6, 0.972980881536, 0.985661990222),
        (4725, 5000, 6, 0.934134709832, 0.954616981740),
        (108, 1000, 1, 0.0841400892308, 0.1356801455255),
        (0, 200, 1, 0.0, 0.0261437629835),
        (200, 200, 1, 0.973856237016, 1.0),
    ],
)
def test_limits_are_those_of_r(x, n, claims, low, high):
    assert binomial_interval(x, n, claims) == pytest.approx((low, high), abs=1e-10)


@pytest.mark.parametrize(("x", "n", "claims"), [(-1, 10, 1), (11, 10, 1), (0, 0, 1), (1, 2, 0)])
def test_what_is_no_count_is_refused(x, n, claims):
    with pytest.raises(ValueError, match="no binomial count"):
        binomial_interval(x, n, claims)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), claims=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_more_claims_make_the_interval_wider(n, share, claims):
    x = round(share * n)
    low, high = binomial_interval(x, n, claims)
    wider_low, wider_high = binomial_interval(x, n, claims + 1)
    assert low <= x / n <= high and wider_low <= low and high <= wider_high


@pytest.mark.parametrize(
    ("covered", "n", "claims", "verdict"),
    [
        (4750, 5000, 6, "holds"),
        (4660, 5000, 6, "FAILS"),  # 93.2 %, above the floor, but its interval ends at 94.2 %
        (929, 1000, 60, "FAILS"),  # below the floor, though so many claims would let it pass
        (934, 1000, 1, "holds"),
        (4850, 5000, 6, "over-covers"),
        (0, 200, 6, "FAILS"),
    ],
)
def test_coverage(covered, n, claims, verdict):
    assert judge_coverage(covered, n, claims) == verdict


@pytest.mark.parametrize(
    ("rejected", "n", "claims", "verdict"),
    [(50, 1000, 6, "holds"), (108, 1000, 6, "FAILS"), (70, 1000, 1, "FAILS"), (70, 1000, 20, "holds"), (10, 1000, 6, "conservative")],
)
def test_size(rejected, n, claims, verdict):
    assert judge_size(rejected, n, claims) == verdict


def test_a_truth_is_recovered_or_not():
    assert recovers(math.log(0.74), 0.01, math.log(0.75))
    assert not recovers(0.0, 0.01, math.log(0.75)), "an effect of zero is not the effect that was claimed"
    assert not recovers(math.nan, 0.01, 0.0)


# ---- from replicates to the table ----------------------------------------------------------


def replicates(rng: np.random.Generator, mean: float, se: float, number: int, truth: float = math.nan) -> pd.DataFrame:
    value = rng.normal(mean, se, number)
    p = 2 * (1 - np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))(np.abs(value / se)))
    return pd.DataFrame({"replicate": range(number), "analysis": "default", "value": value, "se": se, "low": value - 1.96 * se,
                         "high": value + 1.96 * se, "p": p, "truth": truth, "problem": "", "seconds": 0.1})  # fmt: skip


def summary(frame: pd.DataFrame, truth: float, cell: str = "a") -> pd.DataFrame:
    return summarise(frame, truth).assign(cell=cell, table="t")[SUMMARY]


def test_a_sound_analysis_holds_and_a_biased_one_fails():
    rng = np.random.default_rng(1)
    sound, biased = replicates(rng, 0.0, 0.1, 2000), replicates(rng, -0.2, 0.1, 2000)
    table = pd.concat([summary(sound, 0.0), summary(biased, 0.0, "b")], ignore_index=True)
    assert verdicts(table, {("a", "default"): True, ("b", "default"): True}) == ["holds", "**FAILS**"]
    assert verdicts(table, {}) == ["holds", "FAILS"]


def test_the_claim_that_an_effect_is_covered_fails_when_the_effect_is_zero():
    rng = np.random.default_rng(2)
    effect, nothing = (summary(replicates(rng, mean, 0.1, 1000), math.log(0.75)) for mean in (math.log(0.75), 0.0))
    assert verdicts(effect, {}) == ["holds"]
    assert verdicts(nothing, {}) == ["FAILS"]


def test_each_replicate_is_held_against_its_own_truth():
    rng = np.random.default_rng(3)
    frame = replicates(rng, 0.0, 0.1, 1000)
    own = rng.normal(0, 1, 1000)
    frame[["value", "low", "high"]] = frame[["value", "low", "high"]].add(own, axis=0)
    row = summary(frame.assign(truth=own), 99.0).iloc[0]
    assert abs(row["mean"] - row["truth"]) < 0.01 and row["sd"] == pytest.approx(0.1, abs=0.01)
    assert row["covered"] / row["judged"] == pytest.approx(0.95, abs=0.03)


def test_refusals_are_counted_and_not_replaced():
    frame = replicates(np.random.default_rng(4), 0.0, 0.1, 100)
    frame.loc[:9, ["value", "se", "low", "high", "p"]] = np.nan
    row = summary(frame, 0.0).iloc[0]
    assert (row["replicates"], row["answered"], row["judged"], row["tested"]) == (100, 90, 90, 90)
    text = markdown(summary(frame, 0.0), {"default": "the default"}, {"a": "cell"}, {}, {("a", "default"): 1000})
    assert "100 of 1,000 (10 without an interval or test)" in text


def test_failing_rows_stay_in_the_table():
    rng = np.random.default_rng(5)
    table = pd.concat([summary(replicates(rng, -0.3, 0.1, 500), 0.0), summary(replicates(rng, 0.0, 0.1, 500), 0.0, "b")], ignore_index=True)
    text = markdown(table, {"default": "the default"}, {"a": "broken", "b": "sound"}, {("a", "default"): True}, {})
    assert "| broken | the default | yes |" in text and "**FAILS**" in text and "| sound |" in text


def test_a_ratio_is_told_as_a_ratio_and_a_difference_as_it_is():
    frame = replicates(np.random.default_rng(6), math.log(0.75), 0.1, 400)
    assert " 0.750 |" in markdown(summary(frame, math.log(0.75)), {"default": "d"}, {"a": "c"}, {}, {})
    months = markdown(summary(frame.assign(value=frame["value"] + 1), 0.9), {"default": "d"}, {"a": "c"}, {}, {}, frozenset({"default"}))
    assert " 0.900 |" in months
