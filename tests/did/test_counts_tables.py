"""Calendar periods, weights, the joint look at the periods before adoption, and the cautions about few controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mentorship_eval import did
from mentorship_eval.did.counts.drift import Drift
from mentorship_eval.did.counts.pre_trend import pre_trend
from mentorship_eval.did.counts.ratios import RatioRows
from mentorship_eval.inference.intervals import critical_value
from tests.did.panels import COLUMNS, simulated_panel


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


def codes(result):
    return {caution.code: caution for caution in result.warnings}


def test_calendar_periods_add_up_and_have_their_own_jackknife():
    frame = simulated_panel(units=24, periods=18, waves=(7, 10, 13), seed=8)
    result = fit(frame)
    table = result.by_calendar
    assert table["observed"].sum() == result.observed and table["expected"].sum() == pytest.approx(result.expected_total)
    assert list(table["time"]) == list(range(7, 19)) and table["n_controls"].is_monotonic_decreasing
    row = table.iloc[-1]
    own = result.cells[(result.cells["role"] == "target") & (result.cells["time"] == 18)]
    assert (row["observed"], row["expected"]) == pytest.approx((own["observed"].sum(), own["expected"].sum()))
    parts = []
    for unit in frame["unit"].unique():  # each left out by hand
        rest = fit(frame[frame["unit"] != unit], tables=False, jackknife=False, min_controls=1).cells
        last = rest[(rest["role"] == "target") & (rest["time"] == 18)]
        parts.append(np.log(last["observed"].sum() / last["expected"].sum()))
    se = np.sqrt(23 / 24 * ((np.array(parts) - np.log(row["ratio"])) ** 2).sum())
    assert row["se"] == pytest.approx(se, rel=1e-7)
    assert row["ci_high"] == pytest.approx(row["ratio"] * np.exp(critical_value(0.95, 23) * se), rel=1e-7)
    few = table[table["n_units"] < 6]
    assert few["ci_low"].isna().all() and (few["note"] != "").all()


def test_weights_add_up_and_the_ratio_is_their_mean():
    frame = simulated_panel(units=14, periods=16, waves=(6, 10), seed=3)
    result = fit(frame, tables=False)
    weights = result.weights_by_unit
    assert weights["share"].sum() == pytest.approx(1) and weights["expected_share"].sum() == pytest.approx(1)
    assert (weights.loc[~weights["treated"], "expected_share"] == 0).all() and (weights.loc[weights["treated"], "expected_share"] > 0).all()
    own = result.expected.groupby("unit")[["observed", "expected"]].sum()
    by_unit = weights.set_index("unit")["expected_share"].reindex(own.index)
    assert (by_unit * own["observed"] / own["expected"]).sum() == pytest.approx(result.irr.value)
    deviations = np.log(weights["ratio_without"]) - np.log(result.irr.value)
    np.testing.assert_allclose(weights["share"], deviations**2 / (deviations**2).sum(), rtol=1e-8)
    assert result.irr.se == pytest.approx(np.sqrt(13 / 14 * (deviations**2).sum()), rel=1e-9)


def rows_of(deviations, ratio):
    se = np.sqrt((len(deviations) - 1) / len(deviations) * (deviations**2).sum(axis=0))
    return RatioRows(ratio, se, ratio, ratio, np.full(len(se), "", dtype=object), deviations)


def drift_of(se):
    return Drift(0.0, se, -1.96 * se, 1.96 * se, np.zeros(2), (-4.0, -1.0))


def test_joint_test_of_uncorrelated_periods_is_that_of_the_largest_of_them():
    """Against the closed form for independent t-like maxima with many degrees of freedom."""
    deviations = np.kron(np.eye(4), np.tile([[0.1], [-0.1]], (200, 1)))
    shares = np.full(deviations.shape, 1 / len(deviations))
    se = float(rows_of(deviations, np.ones(4)).se[0])
    ratio = np.exp(np.array([2.2, 0.3, -0.1, 1.0]) * se)
    found = pre_trend(rows_of(deviations, ratio), shares, drift_of(0.01), 3.0, 1_000_000, 0.95)
    assert found.statistic == pytest.approx(2.2)
    # sums of equal signs lie on a lattice: 2.2 standard errors are a little more likely than of a normal
    assert found.p_value == pytest.approx(1 - (1 - 0.0278) ** 4, abs=0.02)
    # the smallest drift has a closed form: (z of the interval + z of the power) standard errors
    assert found.detectable == pytest.approx((1.96 + 0.842) * 0.01, rel=1e-3)
    assert found.feigned_ratio == pytest.approx(np.exp(3 * found.detectable))


def test_the_drift_before_adoption_is_the_slope_of_a_fit_with_one_and_its_error_that_of_refits():
    frame = drifting(0.02, 3)
    frame = frame.assign(since=(frame["period"] - frame["start"]).fillna(0))
    found = fit(frame).pre_trend

    def slope(rows):
        before = rows[~(rows["period"] >= rows["start"])]
        dummies = pd.get_dummies(before[["unit", "period"]].astype(str), drop_first=True, dtype=float).assign(one=1.0, since=before["since"])
        return sm.GLM(before["events"], dummies, family=sm.families.Poisson(), offset=np.log(before["days"])).fit().params["since"]

    whole = slope(frame)
    alone = np.array([slope(frame[frame["unit"] != unit]) for unit in frame["unit"].unique()])
    assert found.trend == pytest.approx(whole, abs=1e-6)
    se = np.sqrt(23 / 24 * ((alone - whole) ** 2).sum())
    assert (found.trend_high - found.trend_low) / 2 == pytest.approx(critical_value(0.95, 23) * se, rel=0.02), "one step of each refit"


def drifting(trend, seed, **options):
    frame = simulated_panel(units=24, periods=14, waves=(8, 10), never=8, rate=60, seed=seed, **options)
    since = (frame["period"] - frame["start"]).fillna(0)
    return frame.assign(events=np.random.default_rng(seed).poisson(frame["true_mean_untreated"] * np.exp(trend * since)))


def test_the_drift_that_is_said_to_be_found_is_found_and_what_it_feigns_is_seen():
    quiet = [fit(drifting(0.0, seed)).pre_trend for seed in range(16)]
    trend, feigned = np.mean([q.detectable for q in quiet]), np.mean([np.log(q.feigned_ratio) for q in quiet])
    assert 0.002 < trend < 0.1 < feigned and min(q.n_periods for q in quiet) > 5
    assert sum(q.p_value <= 0.05 for q in quiet) <= 4
    assert sum(not q.trend_low <= 0 <= q.trend_high for q in quiet) <= 4
    loud = [fit(drifting(trend, 100 + seed)) for seed in range(16)]
    assert 7 <= sum(r.pre_trend.trend_low > 0 for r in loud) <= 16, "80 % of 16, within 99.9 %"
    logs, slopes = [np.log(r.irr.value) for r in loud], [r.pre_trend.trend for r in loud]
    assert np.mean(logs) == pytest.approx(feigned, abs=4 * np.std(logs) / np.sqrt(16))
    assert np.mean(slopes) == pytest.approx(trend, abs=4 * np.std(slopes) / np.sqrt(16))
    assert sum(r.pre_trend.trend_low <= trend <= r.pre_trend.trend_high for r in loud) >= 11


def test_pre_trend_words():
    result = fit(drifting(0.0, 1))
    text = result.pre_trend.statement()
    assert "power of about 80%" in text and "only fails to show" in text and "passed" not in text
    all_adopt = simulated_panel(units=18, periods=14, waves=(6, 9, 12), never=0, seed=5)
    assert "cannot be told" in fit(all_adopt).pre_trend.statement() and np.isnan(fit(all_adopt).pre_trend.detectable)
    few = fit(simulated_panel(units=8, periods=10, waves=(6,), never=5, seed=5)).pre_trend
    assert few.n_periods == 0 and "No joint test" in few.statement()
    assert fit(simulated_panel(seed=5), tables=False).pre_trend is None


def test_bands_hold_with_more_clusters_than_points_as_with_fewer():
    study = fit(simulated_panel(units=40, periods=8, waves=(5,), never=20, seed=5)).event_study
    shown = study[study["note"] == ""]
    assert len(shown) >= 6 and (shown["band_low"] < shown["ci_low"]).all() and (shown["band_high"] > shown["ci_high"]).all()
    width = np.log(shown["band_high"] / shown["band_low"]) / shown["se"] / 2
    assert width.std() < 1e-8 and critical_value(0.95, 39) < width.iloc[0] < critical_value(1 - 0.05 / len(shown), 39)


def test_shrinking_controls_are_told_with_the_ratio_without_those_periods():
    frame = simulated_panel(units=14, periods=16, waves=(6, 9, 13), never=3, seed=9)
    result = fit(frame, tables=False)
    caution = codes(result)["few_controls"]
    late = result.expected["time"].isin(caution.data["periods"])
    rest = result.expected[~late]
    assert caution.data["periods"] == [13, 14, 15, 16] and caution.data["fewest"] == 3
    assert caution.data["ratio_without"] == pytest.approx(rest["observed"].sum() / rest["expected"].sum())
    assert caution.data["share"] == pytest.approx(result.expected.loc[late, "expected"].sum() / result.expected_total)
    assert "few_controls" not in codes(fit(simulated_panel(units=20, periods=12, waves=(6,), never=8, seed=1), tables=False))


def test_a_cluster_that_holds_a_whole_wave_is_told():
    frame = simulated_panel(units=10, periods=14, waves=(7, 9), never=4, seed=9)
    alone = frame.loc[frame["start"] == 7, "unit"].unique()
    one = frame.assign(start=frame["start"].where(~frame["unit"].isin(alone[1:]), 9))
    told = codes(fit(one, tables=False))
    assert told["whole_wave"].data["clusters"] == [alone[0]] and "% of the variance" in told["whole_wave"].text
    assert "singleton_waves" not in told
    # both waves held by one site each: no wave is a single unit, and yet each stands on one cluster
    site = frame["start"].map({7: "a", 9: "b"}).fillna(frame["unit"])
    told = codes(fit(frame.assign(site=site), cluster="site", tables=False))
    assert told["whole_wave"].data["clusters"] == ["a", "b"] and "singleton_waves" not in told
    every = frame.assign(start=frame["unit"].map({name: 5 + i for i, name in enumerate(sorted(frame["unit"].unique())[:6])}))
    told = codes(fit(every, tables=False))
    assert "singleton_waves" in told and "whole_wave" not in told


def test_without_jackknife_or_tables_the_ratios_are_the_same():
    frame = simulated_panel(seed=6)
    full, bare = fit(frame), fit(frame, jackknife=False, tables=False)
    assert (bare.irr.value, bare.rate_difference.value, bare.events_avoided.value) == (
        full.irr.value, full.rate_difference.value, full.events_avoided.value
    )
    assert np.isnan([bare.irr.se, bare.irr.ci_low, bare.irr.p_value, bare.events_avoided.ci_low]).all() and bare.irr.df is None
    assert "jackknife" not in bare.irr.method and "no interval is given" in bare.statement()
    assert bare.event_study.empty and bare.by_wave.empty and bare.by_calendar.empty
    shown = fit(frame, jackknife=False)
    pd.testing.assert_series_equal(shown.event_study["ratio"], full.event_study["ratio"])
    assert shown.event_study["ci_low"].isna().all() and shown.by_calendar["se"].isna().all()
    assert not {"few_clusters", "no_estimate_without"} & set(codes(bare))
