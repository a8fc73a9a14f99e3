"""Input that cannot be answered is refused in words; what is left out is listed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.scores import SCORES, score_panel


def _codes(result) -> set[str]:
    return {caution.code for caution in result.warnings}


@pytest.mark.parametrize(("change", "problem"), [
    ({"control": "never"}, "control is 'never'"),
    ({"base": "fixed"}, "base is 'fixed'"),
    ({"method": "ols"}, "method is 'ols'"),
    ({"variance": "hc1"}, "variance is 'hc1'"),
    ({"multiplier": "webb"}, "multiplier is 'webb'"),
    ({"weighting": "mean"}, "weighting is 'mean'"),
    ({"weighting": "varying"}, "no weights"),
    ({"weighting": "varying", "weights": "days", "covariates": ["x"]}, "weights that are fixed"),
    ({"anticipation": -1}, "anticipation is -1"),
    ({"anticipation": 0.5}, "anticipation is 0.5"),
    ({"bootstrap": 20}, "bootstrap is 20"),
    ({"ci_level": 95}, "ci_level is 95"),
    ({"outcome": "scor"}, "Did you mean 'score'"),
    ({"covariates": ["y"]}, "no column 'y'"),
])
def test_wrong_use(change, problem):
    with pytest.raises(UsageError, match=problem):
        did.callaway_santanna(score_panel(), **{**SCORES, **change})


@pytest.mark.parametrize(("frame", "change", "problem"), [
    (lambda f: f.assign(start=f["start"].fillna(0)), {}, "0 could mean never"),
    (lambda f: f.assign(start=np.nan), {}, "No unit is treated"),
    (lambda f: f.assign(start=20.0), {}, "No unit is treated"),
    (lambda f: f.assign(start=1.0), {}, "Every treated unit adopts in or before"),
    (lambda f: f.assign(start=4.0), {}, "No effect after adoption can be estimated: no control"),
    (lambda f: f[f["start"].notna()], {"control": "never_treated"}, "No unit is never treated"),
    (lambda f: pd.concat([f, f.iloc[[3]]]), {}, "More than one row"),
    (lambda f: f.assign(score=f["score"].mask(f.index == 5)), {}, "'score' is missing"),
    (lambda f: f.assign(score=f["score"].mask(f.index == 5, np.inf)), {}, "Infinite"),
    (lambda f: f.assign(start=f["start"].mask(f.index == 5, 7)), {}, "changes within unit"),
    (lambda f: f.assign(size=-1.0), {"weights": "size"}, "negative"),
    (lambda f: f.assign(size=f["size"].mask(f.index == 5)), {"weights": "size"}, "'size' is missing"),
    (lambda f: f.assign(x=f["x"].mask(f.index == 5)), {"covariates": ["x"]}, "'x' is missing"),
    (lambda f: f.assign(ward=f["ward"].mask(f.index == 5, "W99")), {"cluster": "ward"}, "changes within unit"),
    (lambda f: f.iloc[:0], {}, "no rows"),
    (lambda f: f.assign(x2=f["x"] * 2), {"covariates": ["x", "x2"]}, "No effect after adoption can be estimated"),
    (lambda f: f.assign(apart=f["start"].notna() * 5 + f["x"]), {"covariates": ["apart"], "control": "never_treated"}, "propensity score|overlap"),
])
def test_data_without_an_answer(frame, change, problem):
    with pytest.raises(EstimationError, match=problem):
        did.callaway_santanna(frame(score_panel()), **{**SCORES, **change})


def test_wrong_aggregates():
    result = did.callaway_santanna(score_panel(), **SCORES)
    for kind, options in (("event", {}), ("simple", {"min_e": 0}), ("calendar", {"max_e": 2}), ("group", {"balance_e": 1}),
            ("simple", {"variance": "CR1"})):
        with pytest.raises(UsageError):
            result.aggregate(kind, **options)
    with pytest.raises(EstimationError, match="No effect is left"):
        result.aggregate("dynamic", min_e=50)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.n_units = 3


def test_always_treated_units_are_left_out_and_listed():
    frame = score_panel(effect=1.0)
    names = frame["unit"].unique()[:2]
    early = frame.assign(start=frame["start"].mask(frame["unit"].isin(names), 1.0))
    result = did.callaway_santanna(early, **SCORES)
    assert "always_treated" in _codes(result)
    assert set(result.dropped["unit"]) == set(names)
    alone = did.callaway_santanna(frame[~frame["unit"].isin(names)], **SCORES)
    pd.testing.assert_frame_equal(result.table, alone.table)
    # with anticipation the first group with a period before it starts one period later
    assert "always_treated" in _codes(did.callaway_santanna(score_panel(waves=(2, 5)), **SCORES, anticipation=1))


def test_effects_without_control_are_listed_with_their_reason():
    frame = score_panel(waves=(4, 6))
    frame = frame[frame["start"].notna()]
    result = did.callaway_santanna(frame, **SCORES)
    assert (result.table["time"] < 6).all()
    assert len(result.not_estimated) == 8  # three of the first group, and all of the second from the first adoption on
    assert result.not_estimated["reason"].str.startswith("no control").all()
    assert "not_estimated" in _codes(result)
    assert np.isfinite(result.estimate.value)


def test_missing_rows_are_listed_and_their_effect_is_stated():
    frame = score_panel(effect=1.0)
    gaps = frame.drop(index=frame.index[[3, 20]])
    result = did.callaway_santanna(gaps, **SCORES)
    assert list(result.dropped["reason"]) == ["no row", "no row"]
    caution = next(c for c in result.warnings if c.code == "missing_cells")
    whole = frame[~frame["unit"].isin(frame["unit"].iloc[[3, 20]])]
    assert caution.data["att_without_these_units"] == pytest.approx(did.callaway_santanna(whole, **SCORES).estimate.value)
    assert caution.data["att"] == pytest.approx(result.estimate.value)
    assert caution.data["att"] != pytest.approx(caution.data["att_without_these_units"], abs=1e-6)
    weightless = did.callaway_santanna(frame.assign(size=frame["size"].mask(frame.index.isin([3, 20]), 0.0)), **SCORES, weights="size")
    assert list(weightless.dropped["reason"]) == ["weight 0", "weight 0"]
    assert not len(did.callaway_santanna(frame, **SCORES).dropped)


def test_later_adopters_small_groups_and_single_controls_are_said():
    frame = score_panel(units=12, waves=(4, 6, 30))
    result = did.callaway_santanna(frame, **SCORES)
    assert {"adopts_later", "small_groups"} <= _codes(result)
    # an adopter after the last period is a control like one that never adopts
    never = did.callaway_santanna(frame.assign(start=frame["start"].mask(frame["start"] > 8)), **SCORES, control="never_treated")
    same = did.callaway_santanna(frame, **SCORES, control="never_treated")
    np.testing.assert_allclose(never.table["att"], same.table["att"])
    lone = frame[frame["start"].notna() | (frame["unit"] == frame.loc[frame["start"].isna(), "unit"].iloc[0])]
    alone = did.callaway_santanna(lone[lone["start"] != 30], **SCORES)
    assert "one_control" in _codes(alone)
    single = alone.table[alone.table["n_controls"] == 1]
    assert len(single)
    assert single["ci_low"].isna().all()
    assert single["note"].str.contains("one control unit").all()
    # adoption just after the panel, within its anticipation, is no control
    anticipating = score_panel(units=12, waves=(4, 9))
    with_them = did.callaway_santanna(anticipating, **SCORES, anticipation=1, control="never_treated")
    without = did.callaway_santanna(anticipating[anticipating["start"] != 9], **SCORES, anticipation=1, control="never_treated")
    np.testing.assert_allclose(with_them.table["att"], without.table["att"])


def test_result_reads_well():
    result = did.callaway_santanna(score_panel(units=60, effect=1.0), **SCORES, covariates=["x"], bootstrap=200)
    text = result.statement()
    assert "95 % CI" in text
    assert "in score" in text
    assert "not yet treated, given x (dr)" in text
    assert "Joint test" in text
    for shown in (result._repr_html_(), result.aggregate("dynamic")._repr_html_()):
        assert "<table" in shown
    assert list(result.table.columns[:5]) == ["group", "time", "event_time", "att", "se"]
    assert result.settings["control"] == "not_yet_treated"
    assert result.aggregate("dynamic").estimate.method.startswith("Callaway-Sant'Anna")
