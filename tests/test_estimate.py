"""Estimates and how they are said; intervals from standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mentorship_eval.errors import UsageError, listing
from mentorship_eval.estimate import Caution, Estimate, format_money, format_number, format_p
from mentorship_eval.inference.intervals import critical_value, difference_estimate, ratio_estimate, two_sided_p
from mentorship_eval.inference.jackknife import cluster_jackknife


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.754, 2, "0.75"), (-1.5, 2, "−1.50"), (1234567.0, 0, "1,234,567"), (0.0004, 2, "0.0004"), (0.0, 2, "0.00"), (math.inf, 2, "∞"),
     (math.nan, 2, "not estimable")],
)  # fmt: skip
def test_numbers_are_written_with_real_signs_and_are_not_rounded_away(value, digits, text):
    assert format_number(value, digits).rstrip("0") == text.rstrip("0")


@pytest.mark.parametrize(
    ("value", "text"), [(685886.78, "686,000"), (-750401.4, "−750,000"), (2855396.5, "2,860,000"), (123.4, "123"), (24.35, "24.35"),
                        (999.6, "1,000"), (0.0, "0.00"), (math.nan, "not estimable"), (math.inf, "∞")],
)  # fmt: skip
def test_amounts_of_money_are_told_to_three_significant_figures(value, text):
    assert format_money(value) == text
    for scale in ("net benefit", "cost"):
        told = Estimate(value=value, ci_low=-12345.6, ci_high=98765.4, scale=scale)
        assert told.interval(2) == f"{text} (95 % CI −12,300 to 98,800)" and told.value is value
    assert Estimate(value=1234.56, scale="difference").interval() == "1,234.56"


def test_p_values_follow_the_reporting_guidelines():
    assert format_p(0.0004) == "p < 0.001" and format_p(0.19163) == "p = 0.192" and format_p(math.nan) == "p not available"


@pytest.mark.parametrize("df", [None, 1, 7, 39.0])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_critical_values_and_p_equal_scipy(df, level):
    law = stats.norm() if df is None else stats.t(df)
    assert critical_value(level, df) == pytest.approx(law.ppf(0.5 + level / 2), rel=1e-10)
    assert two_sided_p(1.7, df) == pytest.approx(2 * law.sf(1.7), rel=1e-10)


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(UsageError, match="95"):
        critical_value(95)


@given(st.floats(-3, 3), st.floats(0.01, 2), st.integers(1, 200))
def test_a_ratio_is_the_exponential_of_its_difference(value, se, df):
    ratio = ratio_estimate(value, se, scale="rate ratio", df=df)
    plain = difference_estimate(value, se, df=df)
    assert math.isclose(math.log(ratio.value), plain.value, abs_tol=1e-9)
    assert ratio.p_value == plain.p_value and ratio.se == plain.se
    if ratio.ci_high < math.inf and ratio.ci_low > 0:
        assert math.isclose(math.log(ratio.ci_high), plain.ci_high, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("se", [math.nan, 0.0, -1.0, math.inf])
def test_without_a_standard_error_there_is_no_interval_and_no_p(se):
    estimate = ratio_estimate(0.1, se, scale="hazard ratio")
    assert math.isnan(estimate.ci_low) and math.isnan(estimate.p_value)
    assert "no interval is given" in estimate.statement()


def test_a_statement_has_its_interval_and_no_verdict():
    text = ratio_estimate(math.log(0.75), 0.05, scale="hazard ratio", estimand="hazard of leaving").statement()
    assert text.startswith("Hazard of leaving: hazard ratio 0.75 (95 % CI 0.68 to 0.83); p < 0.001")
    assert "significant" not in text


def test_html_is_escaped():
    estimate = Estimate(value=1.0, estimand="<b>x</b>").warn(Caution("a", "1 < 2"))
    assert "<b>" not in estimate._repr_html_() and "1 &lt; 2" in estimate._repr_html_()


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    without = np.array([np.delete(values, i).mean() for i in range(5)])
    found = cluster_jackknife(values.mean(), without)
    assert found.se[0] == pytest.approx(values.std(ddof=1) / math.sqrt(5), rel=1e-12)
    assert found.df == 4 and found.shares.sum() == pytest.approx(1)


def test_a_left_out_estimate_that_does_not_exist_is_counted_out_and_named():
    found = cluster_jackknife(1.0, np.array([1.1, np.nan, 0.9]))
    assert found.failed == (1,) and found.n_clusters == 2
    assert np.isnan(cluster_jackknife(1.0, np.array([1.1])).se[0])


def test_lists_in_messages_are_short():
    assert listing(range(3)) == "0, 1, 2" and listing(range(1200)) == "0, 1, 2, 3, 4 and 1,195 more"
