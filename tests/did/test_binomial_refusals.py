"""Input that cannot be answered names its rows and the way out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.shares import SHARES, share_panel


def fit(frame, **options):
    return did.binomial_imputation(frame, **{**SHARES, "permutations": 0, **options})


@pytest.fixture
def frame():
    return share_panel(units=8, periods=8, waves=(5, 6), share=0.6, seed=1)


def at(frame, row, **values):
    changed = frame.copy()
    for column, value in values.items():
        changed[column] = changed[column].astype(float)
        changed.loc[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"met": -1}, "'met' is negative"), ({"met": 1.5}, "not the share itself"), ({"met": np.nan}, "is missing"), ({"met": np.inf}, "Infinite"),
        ({"looked_at": 7.5, "met": 2}, "'looked_at' is not a whole number"), ({"looked_at": -2, "met": 0}, "negative"),
        ({"looked_at": 0, "met": 3}, "'looked_at' is 0 or missing"), ({"looked_at": np.nan, "met": 3}, "0 or missing"),
        ({"looked_at": 10, "met": 11}, "'met' is greater than 'looked_at'"), ({"start": 4}, "changes within unit"),
    ],
)
def test_bad_values_name_their_row(frame, values, words):
    with pytest.raises(EstimationError, match=words) as caught:
        fit(at(frame, 13, **values))
    assert 13 in caught.value.rows
    assert caught.value.fix


def test_wrong_use(frame):
    with pytest.raises(UsageError, match="Did you mean 'met'"):
        fit(frame, numerator="mets")
    with pytest.raises(UsageError, match="not a pandas DataFrame"):
        fit([1, 2])
    for options in ({"anticipation": -1}, {"min_controls": 0}, {"ci_level": 95}, {"permutations": -1}):
        with pytest.raises(UsageError):
            fit(frame, **options)
    with pytest.raises(EstimationError, match="More than one row"):
        fit(pd.concat([frame, frame.iloc[[5]]], ignore_index=True))
    with pytest.raises(EstimationError, match="no rows"):
        fit(frame.iloc[:0])


def test_nothing_to_compare(frame):
    with pytest.raises(EstimationError, match="No unit is treated"):
        fit(frame.assign(start=np.nan))
    with pytest.raises(EstimationError, match="No unit has an untreated period"):
        fit(frame.assign(start=1.0))
    with pytest.raises(EstimationError, match="no untreated unit in the period"):
        fit(frame.assign(start=5.0))
    with pytest.raises(EstimationError, match="beds is collinear"):
        fit(frame.assign(beds=frame["unit"].str[1:].astype(float)), covariates=["beds"])


def test_where_nothing_is_expected_there_is_a_difference_and_no_ratio():
    frame = share_panel(units=24, periods=12, waves=(5, 7, 9), share=0.3, seed=1)
    result = fit(frame.assign(met=frame["met"].where(frame["period"] >= frame["start"], 0)))
    assert result.expected_total == 0 and np.isnan(result.ratio.value)
    assert result.difference.value == pytest.approx(100 * result.observed / result.denominator_total)
    assert result.difference.ci_low > 0


def test_without_any_variation_there_is_no_interval(frame):
    result = fit(frame.assign(met=frame["looked_at"]))
    assert result.difference.value == 0 and np.isnan(result.difference.se) and np.isnan(result.difference.ci_low)
    assert result.by_wave["ci_low"].isna().all() and (result.by_wave["note"] != "").all()


def test_few_treated_units_have_no_interval():
    frame = share_panel(units=12, periods=8, waves=(5,), share=0.6, seed=3)
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    few = fit(frame.assign(start=frame["start"].where(frame["unit"].isin(treated[:3]))), permutations=500)
    assert np.isfinite(few.difference.se) and np.isnan(few.difference.ci_low) and np.isfinite(few.permutation_p)
    one = fit(frame.assign(start=frame["start"].where(frame["unit"] == treated[0])), permutations=500)
    assert np.isnan(one.difference.se) and np.isnan(one.permutation_p) and one.placebo_rank[1] == 12
    assert "by distance from 0" in one.statement()
    assert "one_treated" in {caution.code for caution in one.warnings}


def test_thin_controls_gaps_and_empty_cells_are_told():
    frame = share_panel(units=10, periods=10, waves=(4, 6), share=0.6, seed=5)
    never = frame.loc[frame["start"].isna(), "unit"].unique()
    thin = frame[~((frame["period"] == 10) & frame["unit"].isin(never[1:]))]
    quiet = at(thin, thin.index[0], looked_at=0, met=0)
    result = fit(quiet)
    assert set(result.dropped["reason"]) == {"no exposure", "fewer than 2 untreated units in the period (min_controls)"}
    assert {"numerator", "denominator"} <= set(result.dropped.columns)
    codes = {caution.code: caution for caution in result.warnings}
    assert {"thin_controls", "few_controls", "missing_cells"} <= set(codes)
    assert result.all_periods.value != pytest.approx(result.difference.value)
    rest = quiet[~quiet["unit"].isin(never[1:]) & (quiet["period"] < 10)]  # the cells are chosen once: the thin month stays out
    again = fit(rest, min_controls=1).difference.value
    assert codes["missing_cells"].data["difference_without_these_units"] == pytest.approx(again)
