"""Intervals of group-time averages: their size where there is no effect, and when there is none to give."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from tests.did.scores import SCORES, score_panel


def _simple(seed: int, effect: float):
    result = did.callaway_santanna(score_panel(units=30, periods=6, waves=(3, 5), effect=effect, seed=seed), **SCORES)
    return [result.aggregate("simple", variance=variance).estimate for variance in ("analytic", "jackknife")]


def test_no_effect_is_rejected_rarely_and_an_effect_often():
    """Of 120 panels of 30 units without an effect a 5 % test rejects at most 13 (binomial 99.5 %)."""
    quiet = np.array([[e.p_value for e in _simple(seed, 0.0)] for seed in range(120)])
    assert ((quiet < 0.05).sum(axis=0) <= 13).all()
    assert (quiet < 0.5).mean() > 0.35  # and the test is no rubber stamp either
    found = [_simple(seed, 1.0) for seed in range(30)]
    assert sum(e.p_value < 0.05 for pair in found for e in pair) > 40
    assert sum(e.ci_low <= 1 <= e.ci_high for pair in found for e in pair) > 50


def test_band_covers_all_event_times_at_once():
    """Without an effect a pointwise interval of some event time misses 0 far more often than the band does."""
    band = pointwise = 0
    for seed in range(60):
        table = did.callaway_santanna(score_panel(units=60, seed=seed), **SCORES, bootstrap=400, seed=seed).aggregate("dynamic").table
        table = table.dropna(subset=["band_low"])
        band += not ((table["band_low"] <= 0) & (table["band_high"] >= 0)).all()
        pointwise += not ((table["ci_low"] <= 0) & (table["ci_high"] >= 0)).all()
    assert band <= 9
    assert pointwise > 12


def test_pretest_holds_its_level_and_sees_a_trend():
    quiet = [did.callaway_santanna(score_panel(units=90, periods=6, waves=(4,), seed=seed), **SCORES).pretest.p_value for seed in range(60)]
    assert np.mean(np.array(quiet) < 0.05) <= 0.15
    frame = score_panel(units=90, periods=6, waves=(4,), seed=0)
    frame["score"] += 0.8 * frame["period"] * frame["start"].notna()
    found = did.callaway_santanna(frame, **SCORES).pretest
    assert found.p_value < 0.001
    assert found.df == 2
    assert "does not show" in found.statement()
    assert "rejects too often" not in found.statement()
    assert "rejects too often" in did.callaway_santanna(frame[frame["unit"] < "D015"], **SCORES).pretest.statement()


@pytest.mark.parametrize("multiplier", ["rademacher", "mammen"])
def test_bootstrap_repeats_with_its_seed(multiplier):
    frame = score_panel(units=40)
    one, same, other = (did.callaway_santanna(frame, **SCORES, bootstrap=500, seed=seed, multiplier=multiplier) for seed in (3, 3, 4))
    assert one.critical_value == same.critical_value != other.critical_value
    assert one.critical_value > one.aggregate("dynamic").critical_value > 1.96
    assert "band_low" not in did.callaway_santanna(frame, **SCORES).table
    assert np.isnan(did.callaway_santanna(frame, **SCORES).critical_value)


def _few(treated: int):
    frame = score_panel(units=30, waves=(4,), effect=2.0)
    names = frame.loc[frame["start"].notna(), "unit"].unique()
    return frame[frame["start"].isna() | frame["unit"].isin(names[:treated])]


def test_few_treated_units_have_no_interval():
    one, five, six = (did.callaway_santanna(_few(treated), **SCORES) for treated in (1, 5, 6))
    assert np.isnan(one.estimate.se)
    assert np.isfinite(five.estimate.se)
    for result, code in ((one, "one_treated"), (five, "few_treated")):
        assert np.isnan([result.estimate.ci_low, result.estimate.p_value]).all()
        assert code in {caution.code for caution in result.warnings}
        assert result.table["ci_low"].isna().all()
        assert result.aggregate("dynamic").table["ci_low"].isna().all()
        assert "no interval" in result.statement()
        assert "No joint test" in result.statement()
        assert np.isnan(result.pretest.p_value)
    assert np.isfinite([six.estimate.ci_low, six.estimate.p_value]).all()
    assert not {"one_treated", "few_treated"} & {caution.code for caution in six.warnings}
    assert one.table["note"].str.contains("that of its controls alone").all()
    assert five.table["note"].str.contains("fewer than 6").all()


def test_few_treated_clusters_count_as_few_treated():
    frame = score_panel(units=36, waves=(4,), effect=2.0)
    frame["site"] = np.where(frame["start"].notna(), "T" + (frame["unit"].str[-1].astype(int) % 3).astype(str), "C" + frame["unit"].str[-1])
    result = did.callaway_santanna(frame, **SCORES, cluster="site")
    assert "few_treated" in {caution.code for caution in result.warnings}
    assert np.isnan(result.estimate.ci_low)
    assert result.n_clusters == frame["site"].nunique()


def test_jackknife_says_when_a_cluster_rules_or_cannot_be_left_out():
    frame = score_panel(units=24, waves=(4, 6), effect=0.0)
    name = frame.loc[frame["start"] == 4, "unit"].iloc[0]
    frame.loc[(frame["unit"] == name) & (frame["period"] >= 4), "score"] += 100
    found = did.callaway_santanna(frame, **SCORES, variance="jackknife").aggregate("simple")
    assert "dominant_cluster" in {caution.code for caution in found.warnings}
    assert found.shares["cluster"].iloc[0] == name
    assert found.shares["share"].sum() == pytest.approx(1)

    single = frame[(frame["start"] != 6) | (frame["unit"] == frame.loc[frame["start"] == 6, "unit"].iloc[0])]
    result = did.callaway_santanna(single, **SCORES, variance="jackknife")
    row = result.aggregate("group").table.set_index("group").loc[6]
    assert np.isnan(row["se"])
    assert "does not exist without" in row["note"]
    assert result.table.loc[result.table["group"] == 6, "note"].str.contains("does not exist without").all()
    lost = next(c for c in result.aggregate("simple").warnings if c.code == "effects_lost")
    assert lost.data["clusters"] == [single.loc[single["start"] == 6, "unit"].iloc[0]]
    assert "effects_lost" not in {caution.code for caution in found.warnings}


def test_few_units_are_advised_to_use_the_jackknife():
    few, many = (did.callaway_santanna(score_panel(units=units), **SCORES) for units in (24, 30))
    assert "analytic_few_clusters" in {caution.code for caution in few.estimate.warnings}
    assert "analytic_few_clusters" not in {caution.code for caution in few.aggregate("simple", variance="jackknife").warnings}
    assert "analytic_few_clusters" not in {caution.code for caution in many.estimate.warnings}
