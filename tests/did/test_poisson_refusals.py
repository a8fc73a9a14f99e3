"""Input that cannot be answered names its rows and the way out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.panels import COLUMNS, simulated_panel


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


@pytest.fixture
def frame():
    return simulated_panel(units=8, periods=8, waves=(5, 6), seed=1)


def at(frame, row, **values):
    changed = frame.copy()
    for column, value in values.items():
        changed[column] = changed[column].astype(float)
        changed.loc[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"events": -1}, "negative"), ({"events": 1.5}, "linear_imputation"), ({"events": np.nan}, "Write 0 where nothing happened"),
        ({"events": np.inf}, "Infinite"),
        ({"days": -2}, "negative"), ({"days": 0, "events": 3}, "'days' is 0 or missing"), ({"days": np.nan, "events": 3},
        "0 or missing"),
        ({"start": 4}, "changes within unit"), ({"period": np.nan}, "missing"),
    ],
)
def test_bad_values_name_their_row(frame, values, words):
    with pytest.raises(EstimationError, match=words) as caught:
        fit(at(frame, 13, **values))
    assert 13 in caught.value.rows
    assert caught.value.fix


def test_duplicates(frame):
    with pytest.raises(EstimationError, match="More than one row") as caught:
        fit(pd.concat([frame, frame.iloc[[5]]], ignore_index=True))
    assert caught.value.rows == (5, len(frame))


def test_adoption_zero_gets_a_hint(frame):
    with pytest.raises(EstimationError, match="Leave it missing"):
        fit(frame.assign(start=frame["start"].fillna(0)))


def test_adoption_in_another_type(frame):
    with pytest.raises(EstimationError, match="not of one type"):
        fit(frame.assign(start="May"))
    dated = frame.assign(period=pd.to_datetime("2024-01-01") + pd.to_timedelta(31 * frame["period"], unit="D"))
    with pytest.raises(EstimationError, match="not of one type"):
        fit(dated)


def test_adoption_within_a_month_is_off_the_grid(frame):
    months = pd.date_range("2024-01-01", periods=8, freq="MS")
    dated = frame.assign(period=[months[p - 1] for p in frame["period"]])
    dated["start"] = [pd.NaT if np.isnan(s) else months[int(s) - 1] + pd.Timedelta(days=9) for s in frame["start"]]
    with pytest.raises(EstimationError, match="not one of the periods"):
        fit(dated)


def test_wrong_use(frame):
    with pytest.raises(UsageError, match="Did you mean 'events'"):
        fit(frame, count="event")
    with pytest.raises(UsageError, match="not a pandas DataFrame"):
        fit([1, 2])
    for options in ({"anticipation": -1}, {"min_controls": 0}, {"per": 0}, {"ci_level": 95}, {"permutations": -1}):
        with pytest.raises(UsageError):
            fit(frame, **options)
    with pytest.raises(EstimationError, match="no rows"):
        fit(frame.iloc[:0])


def test_nothing_to_compare(frame):
    with pytest.raises(EstimationError, match="No unit is treated"):
        fit(frame.assign(start=np.nan))
    with pytest.raises(EstimationError, match="No unit has an untreated period"):
        fit(frame.assign(start=1.0))
    with pytest.raises(EstimationError, match="no untreated unit in the period"):
        fit(frame.assign(start=5.0))
    with pytest.raises(EstimationError, match="No event was counted in any untreated cell"):
        fit(frame.assign(events=frame["events"].where(frame["period"] >= frame["start"], 0)))
    treated = frame["start"].notna()
    with pytest.raises(EstimationError, match="No event is expected in any target cell"):
        fit(frame.assign(events=frame["events"].mask(treated & (frame["period"] < frame["start"]), 0)))


def test_collinear_or_incomplete_covariates(frame):
    with pytest.raises(EstimationError, match="beds"):
        fit(frame.assign(beds=frame["unit"].str[1:].astype(float)), covariates=["beds"])
    random = np.random.default_rng(0).normal(size=len(frame))
    with pytest.raises(EstimationError, match="twin is collinear"):
        fit(frame.assign(acuity=random, twin=2 * random), covariates=["acuity", "twin"])
    with pytest.raises(EstimationError, match="missing in rows 3"):
        fit(at(frame.assign(acuity=random), 3, acuity=np.nan), covariates=["acuity"])
    with pytest.raises(EstimationError, match="same value everywhere"):
        fit(frame.assign(acuity=1.0), covariates="acuity")


def test_what_is_left_out_is_listed(frame):
    quiet = at(frame, 13, days=0, events=0)
    result = fit(quiet)
    assert result.dropped[["unit", "time", "reason"]].to_numpy().tolist() == [["D01", 6, "no exposure"]]
    early = frame["unit"].eq(frame.loc[frame["start"].notna(), "unit"].iloc[0])
    result = fit(frame.assign(start=frame["start"].mask(early, 1.0)))
    assert set(result.dropped["reason"]) == {"the unit has no untreated period"} and len(result.dropped) == 8
    assert "always_treated" in {caution.code for caution in result.warnings}


def test_adoption_after_the_end_is_not_yet_treated(frame):
    never = frame["start"].isna()
    late, result = fit(frame.assign(start=frame["start"].mask(never, 30.0))), fit(frame)
    assert late.irr.value == pytest.approx(result.irr.value)
    assert "adopts_later" in {caution.code for caution in late.warnings}


def test_gaps_are_listed_with_their_effect(frame):
    result = fit(frame.drop(index=[2, 21]))
    caution = next(caution for caution in result.warnings if caution.code == "missing_cells")
    assert caution.data["cells"] == ["D00 in 3", "D02 in 6"]
    rest = fit(frame[~frame["unit"].isin(["D00", "D02"])])
    assert rest.irr.n + result.expected["unit"].isin(["D00", "D02"]).sum() == result.irr.n
    assert caution.data["ratio_without_these_units"] == pytest.approx(rest.irr.value)
    assert "instead of" in caution.text
