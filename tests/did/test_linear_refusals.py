"""Input that cannot be answered names its rows and the way out; what is left out is listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.linear_panels import COLUMNS, score_panel


def fit(frame, **options):
    return did.linear_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


def codes(result):
    return {caution.code: caution for caution in result.warnings}


@pytest.fixture
def frame():
    return score_panel(units=8, periods=8, waves=(5, 6), seed=1)


@pytest.mark.parametrize("engine", [fit, lambda frame, **options: did.sun_abraham(frame, **{**COLUMNS, **options})])
@pytest.mark.parametrize(("values", "words"), [
    ({"score": np.nan}, "'score' is missing"), ({"score": np.inf}, "Infinite"), ({"start": 4}, "changes within unit"),
    ({"period": np.nan}, "missing"), ({"weight": -1.0}, "negative"), ({"weight": np.nan}, "'weight' is missing"),
])
def test_bad_values_name_their_row(frame, engine, values, words):
    changed = frame.astype(dict.fromkeys(values, float))
    for column, value in values.items():
        changed.loc[13, column] = value
    with pytest.raises(EstimationError, match=words) as caught:
        engine(changed, weights="weight")
    assert 13 in caught.value.rows and caught.value.fix


def test_wrong_use(frame):
    with pytest.raises(UsageError, match="Did you mean 'score'"):
        fit(frame, outcome="scor")
    wrong = ({"anticipation": -1}, {"min_controls": 0}, {"variance": "CR9"}, {"ci_level": 95}, {"permutations": -1}, {"pretrend_periods": 0})
    for options in wrong:
        with pytest.raises(UsageError):
            fit(frame, **options)
    with pytest.raises(EstimationError, match="Give fewer pretrend_periods"):
        fit(frame, pretrend_periods=7)


def test_nothing_to_compare(frame):
    with pytest.raises(EstimationError, match="No unit is treated"):
        fit(frame.assign(start=np.nan))
    with pytest.raises(EstimationError, match="No unit has an untreated period"):
        fit(frame.assign(start=1.0))
    with pytest.raises(EstimationError, match="no untreated unit in the period"):
        fit(frame.assign(start=5.0))
    with pytest.raises(EstimationError, match="Leave it missing"):
        fit(frame.assign(start=frame["start"].fillna(0)))


def test_unlinked_cells_are_left_out():
    """Units 0-3 are untreated in periods 1-4 only, units 4-7 in 5-8 only: nothing ties the two halves together."""
    frame = score_panel(units=8, periods=8, waves=(3,), never=8, seed=2)
    early = frame["unit"].str[1:].astype(int) < 4
    first = frame["unit"] == "D00"
    frame = frame.assign(start=np.where(first, 4.0, np.nan))[first | (early == (frame["period"] <= 4))]
    result = fit(frame, min_controls=1)
    assert result.estimate.n == 1
    assert (result.dropped["reason"] == "unit and period are not linked through untreated cells").sum() == 4
    assert codes(result)["not_linked"].data == {"cells": 4}


def test_thin_controls_and_what_they_change():
    frame = score_panel(units=8, periods=8, waves=(4, 7), never=1, seed=1)
    result, every = fit(frame), fit(frame, min_controls=1)
    caution = codes(result)["thin_controls"]
    assert "without looking at outcomes" in caution.text and caution.data["periods"] == [7, 8]
    assert result.all_periods.value == pytest.approx(every.estimate.value)
    assert result.estimate.n < every.estimate.n and codes(result)["control_only"].data["units"]
    assert set(result.dropped["reason"]) == {"fewer than 2 untreated units in the period (min_controls)"}


def test_weight_zero_always_treated_and_late_adopters_are_listed(frame):
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    changed = frame.assign(start=frame["start"].mask(frame["unit"] == treated[0], 1.0).fillna(30.0))
    changed.loc[changed.index[changed["unit"] == treated[1]][:2], "weight"] = 0.0
    result = fit(changed, weights="weight")
    reasons = result.dropped["reason"].value_counts()
    assert reasons["weight 0"] == 2 and reasons["the unit has no untreated period"] == 8
    assert {"always_treated", "adopts_later"} <= set(codes(result))
    rest = changed[(changed["unit"] != treated[0]) & (changed["weight"] > 0)]
    assert fit(rest, weights="weight").estimate.value == pytest.approx(result.estimate.value)


def test_gaps_are_listed_with_their_effect(frame):
    gap = fit(frame.drop(index=[2, 21]))
    caution = codes(gap)["missing_cells"]
    assert caution.data["cells"] == ["D00 in 3", "D02 in 6"]
    rest = fit(frame[~frame["unit"].isin(["D00", "D02"])])
    assert caution.data["estimate_without_these_units"] == pytest.approx(rest.estimate.value)


def test_collinear_covariates(frame):
    with pytest.raises(EstimationError, match="beds"):
        fit(frame.assign(beds=frame["unit"].str[1:].astype(float)), covariates=["beds"])
    with pytest.raises(EstimationError, match="twin is collinear"):
        fit(frame.assign(twin=2 * frame["acuity"]), covariates=["acuity", "twin"])


def test_anticipation_cells_are_in_neither(frame):
    changed = frame.assign(score=frame["score"] + 50 * ((frame["start"] - frame["period"]) == 1))
    assert fit(changed, anticipation=1).estimate.value == pytest.approx(fit(frame, anticipation=1).estimate.value)
    assert fit(changed).estimate.value != pytest.approx(fit(frame).estimate.value)
    study = fit(changed, anticipation=1).event_study.set_index("event_time")
    assert study.loc[-1, "phase"] == "anticipation" and study.loc[-1, "estimate"] > 40 and -2 in study.index


def test_dates_and_numbers_agree(frame):
    months = pd.date_range("2022-11-01", periods=8, freq="MS")
    dated = frame.assign(period=[months[p - 1] for p in frame["period"]],
        start=[pd.NaT if np.isnan(s) else months[int(s) - 1] for s in frame["start"]])
    one, other = fit(frame), fit(dated)
    assert other.estimate.value == pytest.approx(one.estimate.value)
    assert list(other.by_wave["adopted"]) == [months[4], months[5]]
    assert did.sun_abraham(dated, **COLUMNS).estimate.value == pytest.approx(did.sun_abraham(frame, **COLUMNS).estimate.value)


def test_result_reads_well():
    result = did.linear_imputation(score_panel(units=14, seed=4), **COLUMNS, permutations=99)
    sentence = result.statement()
    assert "95 % CI" in sentence and "Placebo test" in sentence and "less that expected without treatment" in sentence
    assert "<table" in result._repr_html_() and "<p>" in result.pretrend._repr_html_()
    assert list(result.table["quantity"]) == ["mean effect", "mean effect, min_controls 1"]
    assert "no line should join them" in result.event_study_compared_with
    shown = result.event_study[result.event_study["note"] == ""]
    assert (shown["band_low"] < shown["ci_low"]).all() and (shown["band_high"] > shown["ci_high"]).all()
    with pytest.raises(AttributeError):
        result.estimate = None


def test_no_placebo_test_of_large_panels_unless_asked():
    result = did.linear_imputation(score_panel(units=700, periods=40, waves=(20,), seed=1), **COLUMNS)
    assert not result.permutation.draws and "25,000 unit-periods" in codes(result)["no_permutation"].text
