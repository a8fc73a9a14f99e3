"""Breakdown values of the Poisson estimate: exact drifts are found, and what is made again agrees with the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.sensitivity.count_drift import drifted, drifted_throughout, trend_seen
from mentorship_eval.did.sensitivity.count_source import source_of
from mentorship_eval.did.sensitivity.count_study import count_study
from mentorship_eval.errors import UsageError
from tests.did.panels import COLUMNS, simulated_panel


def fitted(frame: pd.DataFrame, **more):
    return did.poisson_imputation(frame, permutations=0, **{**COLUMNS, **more})


@pytest.fixture(scope="module")
def effective():
    frame = simulated_panel(units=24, periods=30, waves=(11, 15, 19), log_irr=-0.4, seed=3)
    fit = fitted(frame)
    return frame, fit, did.breakdown(fit, panel=frame)


def exact(drift_before: float, drift_after: float) -> pd.DataFrame:
    """No effect and next to no noise, with a drift of the treated from the start or from adoption on."""
    frame = simulated_panel(units=20, periods=24, waves=(13, 15, 17), rate=1e6, overdispersion=0, seed=1)
    late = np.where(frame["period"] >= frame["start"], frame["period"] - frame["start"] + 1, 0)
    moved = drift_before * np.where(frame["start"].notna(), frame["period"], 0) + drift_after * late
    return frame.assign(events=np.round(frame["true_mean_untreated"] * np.exp(moved)))


def test_a_drift_from_adoption_on_is_found_to_the_digit():
    frame = exact(0, 0.01)
    found = did.breakdown(fitted(frame), panel=frame)
    assert found.irr.value > 1.05
    assert found.drift_of_estimate == pytest.approx(0.01, rel=1e-3)
    assert found.drift == pytest.approx(0.01, rel=0.02)
    assert found.trend_seen.value == pytest.approx(0, abs=1e-5)
    assert found.largest_step_seen.value == pytest.approx(0, abs=1e-4)


def test_a_drift_that_was_always_there_is_seen_and_turns_the_estimate_it_made():
    frame = exact(-0.01, 0)
    found = did.breakdown(fitted(frame), panel=frame)
    assert found.trend_seen.value == pytest.approx(-0.01, rel=1e-3)
    assert found.drift_throughout == pytest.approx(-0.01, rel=0.02)
    # unit effects sit in the middle of the time before, so that the same slope from adoption on would not do
    assert found.drift_of_estimate < -0.015


def test_without_drift_the_fit_itself_is_found_again(effective):
    frame, fit, _ = effective
    source = source_of(fit, frame)
    study = count_study(source)
    for now in (drifted(study, 0.0, 0.95), drifted_throughout(source, 0.0, 0.95)):
        assert np.exp(now.log_ratio) == pytest.approx(fit.irr.value, rel=1e-7)
        assert now.se == pytest.approx(fit.irr.se, rel=1e-5)
        np.testing.assert_allclose(np.exp([now.low, now.high]), [fit.irr.ci_low, fit.irr.ci_high], rtol=1e-5)
    assert study.df == fit.irr.df


def test_drifts_by_hand(effective):
    frame, fit, found = effective
    cells = fit.expected.merge(frame[["unit", "period", "start"]], left_on=["unit", "time"], right_on=["unit", "period"])
    steps = cells["time"] - cells["start"] + 1
    row = found.curve.iloc[1]
    assert row["ratio"] == pytest.approx(cells["observed"].sum() / (cells["expected"] * np.exp(row["drift"] * steps)).sum(), rel=1e-7)
    at = did.breakdown(fit, panel=frame, drifts=[found.drift, found.drift_of_estimate]).curve
    assert at["ci_high"][0] == pytest.approx(1, abs=1e-6)
    assert at["ratio"][1] == pytest.approx(1, abs=1e-6)
    assert (np.diff(found.curve["ratio"]) < 0).all()


def test_an_effect_has_breakdown_values_on_every_scale(effective):
    _, fit, found = effective
    assert fit.irr.ci_high < 1
    assert found.drift_of_estimate < found.drift < 0
    assert found.drift_throughout < 0
    assert found.trend_seen.low < found.trend_seen.value < found.trend_seen.high
    assert found.relative is not None
    assert found.relative.df == fit.irr.df
    table = found.table.set_index("quantity")["value"]
    assert table["drift that turns the interval"] == found.drift
    assert np.array_equal([table["relative magnitude Mbar"]], [found.mbar], equal_nan=True)
    assert "no base period" in " ".join(map(str, found.warnings))
    assert f"{fit.irr.interval()}" in found.statement()
    assert "<table" in found._repr_html_()


def test_relative_magnitudes_are_of_the_mean_log_ratio_on_the_last_bin(effective):
    frame, fit, found = effective
    bins, study = found.bins, count_study(source_of(fit, frame), width=found.width)
    assert len(bins) == len(study.bins)
    before = study.bins < 0
    weights = study.expected_in_bin[~before] / study.expected_in_bin[~before].sum()
    base = study.violation[0, before][-1]
    assert found.relative.value == pytest.approx(weights @ study.violation[0, ~before] - base)
    # a bin after adoption is observed over expected
    inside = fit.expected.merge(frame[["unit", "period", "start"]], left_on=["unit", "time"], right_on=["unit", "period"])
    since = inside["time"] - inside["start"]
    first = bins[bins["from_event_time"] == 0].iloc[0]
    chosen = inside[(since >= 0) & (since <= first["to_event_time"])]
    assert first["ratio"] == pytest.approx(chosen["observed"].sum() / chosen["expected"].sum(), rel=1e-7)


def test_bins_of_one_period_are_the_event_study(effective):
    frame, fit, _ = effective
    study = count_study(source_of(fit, frame), width=1)
    merged = study.table.merge(fit.event_study, left_on="from_event_time", right_on="event_time", suffixes=("", "_there"))
    assert len(merged) == len(study.bins) > 12
    np.testing.assert_allclose(merged["ratio"], merged["ratio_there"], rtol=1e-6)
    np.testing.assert_allclose((merged["se"] / study.scale)[merged["note"] == ""], merged["se_there"][merged["note"] == ""], rtol=1e-4)


def test_steps_between_bins_are_those_of_the_violation():
    """A jump of the treated's rate five periods before adoption, in units compared with never treated ones alone."""
    frame = simulated_panel(units=20, periods=24, waves=(13,), never=10, rate=1e6, overdispersion=0, seed=1)
    jump = np.where((frame["period"] >= 7) & frame["start"].notna(), 0.2, 0.0)
    frame = frame.assign(events=np.round(frame["true_mean_untreated"] * np.exp(jump)))
    found = did.breakdown(fitted(frame), panel=frame, width=6)
    np.testing.assert_allclose(np.diff(found.bins["violation"])[0], 0.2, atol=0.005)
    # the rate stays where it was: after adoption no further step
    np.testing.assert_allclose(np.diff(found.bins["violation"])[1:], 0, atol=0.005)


def test_when_all_are_treated_a_shared_drift_cannot_be_seen():
    frame = simulated_panel(units=12, periods=24, waves=(9, 13, 17), never=0, log_irr=-0.6, seed=2)
    fit = fitted(frame)
    found = did.breakdown(fit, panel=frame)
    assert trend_seen(source_of(fit, frame), 0.95) is None
    assert found.trend_seen is None
    assert np.isnan(found.drift_throughout)
    assert "common_drift_unseen" in [caution.code for caution in found.warnings]


def test_an_interval_that_contains_one_has_no_breakdown_value():
    frame = simulated_panel(units=16, periods=20, waves=(9, 12), log_irr=0.0, seed=8)
    fit = fitted(frame)
    assert fit.irr.ci_low < 1 < fit.irr.ci_high
    found = did.breakdown(fit, panel=frame)
    assert np.isnan(found.drift) and np.isnan(found.drift_throughout) and np.isnan(found.mbar)
    assert np.isfinite(found.drift_of_estimate)
    assert "contains 1 without any drift" in found.statement()
    # against the last bin before adoption alone the same data do exclude no effect: not a breakdown value of this ratio
    assert found.relative.breakdown > 0
    assert "contains 1 without any violation" in found.mbar_note


def test_few_treated_units_have_the_drift_of_the_estimate_only():
    frame = simulated_panel(units=10, periods=20, waves=(9,), never=6, log_irr=-0.8, seed=2)
    found = did.breakdown(fitted(frame), panel=frame)
    assert np.isnan(found.drift) and found.relative is None
    assert np.isfinite(found.drift_of_estimate)
    assert found.curve["ci_low"].isna().all()
    assert "few_treated" in [caution.code for caution in found.warnings]


def test_settings_of_the_fit_are_kept():
    frame = simulated_panel(units=16, periods=24, waves=(11, 14), log_irr=-0.5, seed=4)
    random = np.random.default_rng(1)
    frame["staffing"] = random.choice(["full", "short", "agency"], len(frame))
    frame["site"] = frame["unit"].str[-1].astype(int)
    fit = fitted(frame, covariates=["staffing"], anticipation=1, cluster="site")
    found = did.breakdown(fit, panel=frame, width=3)
    assert found.drift_of_estimate < 0
    # the last untreated period is two before adoption
    assert sorted(found.bins["to_event_time"][found.bins["to_event_time"] < 0])[-1] == -2


def test_another_panel_is_refused(effective):
    frame, fit, _ = effective
    with pytest.raises(UsageError, match="Give the frame that the fit was made from"):
        did.breakdown(fit, panel=frame.assign(events=frame["events"] + 1))
    with pytest.raises(UsageError, match="width"):
        did.breakdown(fit, panel=frame, width=0)
    shuffled = did.breakdown(fit, panel=frame.sample(frac=1, random_state=1), drifts=[0.0])
    assert shuffled.drift == pytest.approx(did.breakdown(fit, panel=frame).drift, rel=1e-6)
