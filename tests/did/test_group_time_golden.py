"""Group-time effects, their aggregates, bands and pre-test against R did 2.5.1 (DRDID 1.2.3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from tests.shared_data import golden, shared_data

COLUMNS = {
    "mpdta": {"outcome": "lemp", "unit": "countyreal", "time": "year", "adopted": "first.treat"},
    "divorce": {"outcome": "rate", "unit": "sid", "time": "year", "adopted": "g"},
}
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}
CASES = [(data, control, x) for data in COLUMNS for control in CONTROL for x in ("nox", "x") if (data, x) != ("divorce", "x")]
# R fits the logit by a stopping rule; ours goes on to convergence.
CLOSED, FITTED = 1e-10, 1e-8


def _load(data: str) -> pd.DataFrame:
    frame = pd.read_csv(shared_data(f"{data}/{data}.csv"))
    column = COLUMNS[data]["adopted"]
    frame[column] = frame[column].where(frame[column] > 0)
    return frame


def _fit(data: str, control: str, x: str, **more: object):
    covariates = ["lpop"] if x == "x" else None
    return did.callaway_santanna(_load(data), **COLUMNS[data], control=CONTROL[control], covariates=covariates, **more)


def _numbers(values: object) -> np.ndarray:
    return np.array([np.nan if value in ("NA", None) else value for value in np.atleast_1d(values)], dtype=float)


def _equal(ours: object, theirs: object, rel: float) -> None:
    np.testing.assert_allclose(_numbers(ours), _numbers(theirs), rtol=rel, atol=1e-12)


@pytest.mark.parametrize(("data", "control", "x"), CASES)
def test_every_effect_and_aggregate_equals_r(data, control, x):
    reference, key, rel = golden("did")["R"], f"did|{data}|{control}|{x}", FITTED if x == "x" else CLOSED
    result = _fit(data, control, x)
    expected = reference[f"{key}|gt"]
    assert list(result.table["group"]) == expected["g"]
    assert list(result.table["time"]) == expected["t"]
    _equal(result.table["att"], expected["att"], rel)
    _equal(result.table["se"], expected["se"], rel)
    for kind, name, label in (("dynamic", "es", "e"), ("group", "bygroup", "g"), ("calendar", "bytime", "t")):
        found, expected = result.aggregate(kind), reference[f"{key}|{name}"]
        assert list(found.table.iloc[:, 0]) == expected[label]
        _equal(found.table["att"], expected["att"], rel)
        _equal(found.table["se"], expected["se"], rel)
        _equal(np.sqrt(np.diag(found.covariance)), expected["se"], rel)
    for kind in ("simple", "dynamic", "group", "calendar"):
        estimate = result.aggregate(kind).estimate
        _equal([estimate.value, estimate.se], [reference[key][kind], reference[key][f"{kind}_se"]], rel)
    assert result.estimate.value == result.aggregate("simple").estimate.value


@pytest.mark.parametrize(("data", "control", "x"), CASES)
def test_universal_base_equals_r(data, control, x):
    expected = golden("did")["R"][f"did|{data}|{control}|{x}|es_universal"]
    table = _fit(data, control, x, base="universal").aggregate("dynamic").table
    assert list(table["event_time"]) == expected["e"]
    _equal(table["att"], expected["att"], FITTED if x == "x" else CLOSED)
    _equal(table["se"], expected["se"], FITTED if x == "x" else CLOSED)
    base = table.set_index("event_time").loc[-1]
    assert base["att"] == 0
    assert np.isnan(base["se"])


@pytest.mark.parametrize(("data", "control", "x"), CASES)
def test_bands_and_pretest_equal_r(data, control, x):
    expected = golden("did")["R"][f"did|{data}|{control}|{x}|band"]
    result = _fit(data, control, x, bootstrap=25_000, seed=1)
    dynamic = result.aggregate("dynamic")
    assert result.critical_value == pytest.approx(expected["c_gt"], abs=0.03)
    assert dynamic.critical_value == pytest.approx(expected["c_dyn"], abs=0.03)
    shown = dynamic.table.dropna(subset=["band_low"])
    np.testing.assert_allclose(shown["band_high"] - shown["att"], dynamic.critical_value * shown["se"], rtol=1e-12)
    if expected["W"]:
        assert result.pretest.statistic == pytest.approx(expected["W"][0][0], rel=1e-7)
        assert result.pretest.p_value == pytest.approx(expected["Wpval"][0][0], abs=5.1e-6)  # R rounds it to five decimals
        assert result.pretest.df == 5
    else:
        assert np.isnan(result.pretest.p_value)
        assert "singular" in result.pretest.reason


@pytest.mark.parametrize("control", CONTROL)
@pytest.mark.parametrize("weighting", ["none", "fixed", "varying"])
def test_exposure_weights_equal_r(control, weighting):
    expected = golden("did")["R"][f"did_rate_w|divorce|{control}|{weighting}"]
    more = {} if weighting == "none" else {"weights": "stpop", "weighting": weighting}
    result = _fit("divorce", control, "nox", **more)
    for kind in ("simple", "dynamic"):
        estimate = result.aggregate(kind).estimate
        _equal([estimate.value, estimate.se], [expected[kind], expected[f"{kind}_se"]], CLOSED)
