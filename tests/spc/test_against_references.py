"""Limits against published charts and against the formulas worked out in R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import spc

NAN = np.nan


def frame(**columns):
    length = len(next(iter(columns.values())))
    return pd.DataFrame({"time": range(1, length + 1), **columns})


def test_individuals_of_loan_costs():
    """Montgomery, Introduction to Statistical Quality Control, 6th ed., example 6.5."""
    cost = [310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304]
    chart = spc.xmr_chart(frame(cost=cost), value="cost", time="time")
    row = chart.table.iloc[0]
    assert row["centre"] == 300.5 and chart.limits["spread"][0] == pytest.approx(7.79, abs=0.005)
    assert (row["upper"], row["lower"]) == pytest.approx((321.22, 279.78), abs=0.01)
    assert chart.moving_range["upper"][0] == pytest.approx(25.45, abs=0.005) and np.isnan(chart.moving_range["value"][0])
    assert chart.signals.empty and (chart.moving_range["signal"] == "").all()


def test_individuals_of_flow_rates():
    """NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2."""
    flow = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    row = spc.xmr_chart(frame(flow=flow), value="flow", time="time").table.iloc[3]
    assert (row["centre"], row["upper"], row["lower"]) == pytest.approx((50.81, 55.8041, 45.8159), abs=6e-5)


def test_errors_of_shipments():
    """Montgomery, example 7.4: u chart, 50 shipments a week."""
    errors = [2, 3, 8, 1, 1, 4, 1, 4, 5, 1, 8, 2, 4, 3, 4, 1, 8, 3, 7, 4]
    chart = spc.u_chart(frame(errors=errors, size=50), count="errors", exposure="size", time="time", per=1, prime=False)
    row = chart.table.iloc[0]
    assert (row["centre"], row["upper"], row["lower"]) == pytest.approx((0.0740, 0.1894, 0.0), abs=6e-5)
    assert chart.kind == "u" and "no_lower_limit" in {caution.code for caution in chart.warnings}


def test_flaws_in_cloth_of_varying_length():
    """Montgomery, example 7.5: u chart with an exposure of its own for each point."""
    flaws = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23]
    units = [10.0, 8.0, 13.0, 10.0, 9.5, 10.0, 12.0, 10.5, 12.0, 12.5]
    table = spc.u_chart(frame(flaws=flaws, units=units), count="flaws", exposure="units", time="time", per=1, prime=False).table
    assert table["centre"].to_numpy() == pytest.approx(1.42, abs=0.005)
    assert table["upper"].to_numpy() == pytest.approx([2.55, 2.68, 2.41, 2.55, 2.58, 2.55, 2.45, 2.52, 2.45, 2.43], abs=0.011)
    assert table["lower"].to_numpy() == pytest.approx([0.29, 0.16, 0.43, 0.29, 0.26, 0.29, 0.39, 0.32, 0.39, 0.41], abs=0.011)


def test_nonconforming_cans():
    """Montgomery, example 7.1: p chart of 30 samples of 50; samples 15 and 23 lie beyond the upper limit."""
    cans = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
    chart = spc.p_chart(frame(cans=cans, size=50), numerator="cans", denominator="size", time="time", prime=False, rules="shewhart")
    row = chart.table.iloc[0]
    assert (row["centre"], row["upper"], row["lower"]) == pytest.approx((0.2313, 0.4102, 0.0524), abs=6e-5)
    assert chart.signals["first"].tolist() == [15, 23] and set(chart.signals["direction"]) == {"high"}
    without = spc.p_chart(
        frame(cans=cans, size=50), numerator="cans", denominator="size", time="time", prime=False, rules="shewhart", exclude=[15, 23]
    )
    row = without.table.iloc[14]
    assert (row["centre"], row["upper"], row["lower"]) == pytest.approx((0.2150, 0.3893, 0.0407), abs=1e-4)
    assert without.limits["n_used"][0] == 28 and not row["used_for_limits"] and row["signal"] == "beyond_limits"


COUNT = [12, 9, 15, 7, 11, 18, 10, 13, NAN, 8, 16, 12, 9, 14, 6, 5, 8, 4, 7, 6, 9, 5, 3, 6]
DAYS = [2100, 1980, 2250, 1890, 2050, 2300, 2010, 2120, 2000, 1950, 2200, 2080, 1990, 2150, 2040, 1970, 2110, 1930, 2060, 2020, 2180, 1990,
        1900, 2070]  # fmt: skip


@pytest.mark.parametrize("how", [{"baseline": 14}, {"go_live": 15}, {"baseline": (None, 14)}, {"baseline": (1, 14)}])
def test_prime_chart_of_rates_with_a_baseline_and_a_gap(how):
    """R, for x = COUNT, n = DAYS, b = 1:14 without the missing one: u <- sum(x[b]) / sum(n[b]); s <- sqrt(u / n);
    z <- (x / n - u) / s; sz <- mean(abs(diff(z[1:14])), na.rm = TRUE) / 1.128; u + 3 * s * sz
    """
    chart = spc.u_chart(frame(x=COUNT, n=DAYS), count="x", exposure="n", time="time", **how)
    table = chart.table
    assert table["centre"].to_numpy() == pytest.approx(5.6889545622, abs=1e-9)
    assert chart.limits["spread"][0] == pytest.approx(1.0883064312, abs=1e-9) and chart.limits["n_used"][0] == 13
    assert table["upper"].to_numpy()[[0, 8, 23]] == pytest.approx([11.06272408, 11.19542973, 11.10152436], abs=1e-7)
    assert table["lower"].to_numpy()[[0, 23]] == pytest.approx([0.31518504, 0.27638476], abs=1e-7)
    assert np.isnan(table["value"][8]) and table["reason"][8] == "no events given" and not table["used_for_limits"][8]


def test_prime_chart_of_proportions():
    """R: p <- sum(x) / sum(n); s <- sqrt(p * (1 - p) / n); z <- (x / n - p) / s; sz <- mean(abs(diff(z))) / 1.128."""
    part = [45, 52, 38, 61, 47, 55, 42, 49, 58, 40, 66, 51, 44, 53]
    whole = [60, 70, 55, 75, 62, 71, 58, 64, 73, 57, 80, 66, 59, 69]
    chart = spc.p_chart(frame(x=part, n=whole), numerator="x", denominator="n", time="time")
    table = chart.table
    assert table["centre"][0] == pytest.approx(0.7627856366, abs=1e-9) and chart.limits["spread"][0] == pytest.approx(0.8958508816, abs=1e-9)
    assert table["upper"].to_numpy()[[0, 10]] == pytest.approx([0.9103743338, 0.8906011977], abs=1e-9)
    assert table["lower"].to_numpy()[[0, 10]] == pytest.approx([0.6151969393, 0.6349700754], abs=1e-9)
    percent = spc.p_chart(frame(x=part, n=whole), numerator="x", denominator="n", time="time", per=100).table
    assert percent["upper"].to_numpy() == pytest.approx(100 * table["upper"].to_numpy())


def test_screened_moving_ranges():
    """R, for Wheeler's 16 values: mr <- abs(diff(x)); am <- mean(mr); ams <- mean(mr[mr < 3.267 * am]); mean(x) + 3 * ams / 1.128."""
    value = [5045, 4350, 4350, 3975, 4290, 4430, 4485, 4285, 3980, 3925, 3645, 3760, 3300, 3685, 3463, 5200]
    plain = spc.xmr_chart(frame(x=value), value="x", time="time")
    screened = spc.xmr_chart(frame(x=value), value="x", time="time", screened=True)
    assert plain.limits["spread"][0] == pytest.approx(355.933333, abs=1e-6) and plain.table["upper"][0] == pytest.approx(5082.131206, abs=1e-6)
    assert screened.limits["spread"][0] == pytest.approx(257.285714, abs=1e-6) and screened.table["upper"][0] == pytest.approx(4819.770517, abs=1e-6)
    assert plain.moving_range["signal"].tolist()[-1] == "beyond_limits"


def test_rare_events():
    """R: mean(g) + 3 * sqrt(mean(g) * (mean(g) + 1)); for t, y <- x^(1 / 3.6), (mean(y) + 3 * mean(abs(diff(y))) / 1.128)^3.6."""
    between = [3, 0, 12, 7, 25, 1, 9, 16, 4, 0, 31, 8, 5, 14, 2]
    table = spc.g_chart(frame(g=between), between="g", time="time").table
    assert (table["centre"][0], table["upper"][0], table["lower"][0]) == pytest.approx((9.13333333, 37.99437975, 0.0), abs=1e-7)
    assert spc.g_chart(frame(g=between), between="g", time="time", centre="median").table["centre"][0] == 7
    hours = [286, 948, 536, 124, 816, 729, 4, 143, 431, 8, 2837, 596, 81, 227, 603, 492, 1199, 1214, 2831, 96]
    table = spc.t_chart(frame(h=hours), between="h", time="time").table
    assert (table["centre"][0], table["upper"][0], table["lower"][0]) == pytest.approx((430.040952, 6937.933488, 0.0), abs=1e-5)
    assert table["value"].tolist() == hours


def test_autocorrelation():
    """R: acf(c(0.2, 0.5, -0.1, 0.4, 1.0, 0.8, -0.3, -0.5, 0.1, 0.7, 0.9, -0.2))$acf[2]."""
    value = [0.2, 0.5, -0.1, 0.4, 1.0, 0.8, -0.3, -0.5, 0.1, 0.7, 0.9, -0.2]
    chart = spc.xmr_chart(frame(x=value), value="x", time="time")
    assert chart.autocorrelation == pytest.approx(0.1748169325, abs=1e-9) and chart.autocorrelation_limit == pytest.approx(1.96 / np.sqrt(12))
