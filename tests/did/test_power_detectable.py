"""Reading the smallest detectable ratio off a curve, and what power refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from mentorship_eval import did
from mentorship_eval.did.design.detectable import approximate_ratios, minimum_detectable, monotone
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.panels import COLUMNS, simulated_panel

LADDER = np.exp(np.arange(-30, 31) * 0.04)
PAPER = {"units": 12, "periods": 16, "exposure": 800, "rate": 3, "waves": ((6, 4), (9, 4))}


def pooled(values):
    """Pool adjacent violators, one value at a time."""
    blocks = []
    for value in values:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (b, m), (a, k) = blocks.pop(), blocks.pop()
            blocks.append([(a * k + b * m) / (k + m), k + m])
    return np.repeat([value for value, _ in blocks], [size for _, size in blocks])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=6, max_size=6), min_size=1, max_size=4))
def test_monotone_is_isotonic_regression(rows):
    rows = np.array(rows)
    found = monotone(rows)
    for row, fit in zip(rows, found, strict=True):
        assert fit == pytest.approx(pooled(row), abs=1e-9)


def rejections(spread, replicates, seed=0):
    """Two-sided z tests of one estimate per replicate, the same noise at every ratio."""
    noise = np.random.default_rng(seed).normal(0, spread, replicates)
    return np.abs(np.log(LADDER)[None, :] + noise[:, None]) > 1.959964 * spread


def test_the_ratio_at_which_a_known_curve_reaches_its_target_is_found():
    spread = 0.15
    found = minimum_detectable(LADDER[::-1], rejections(spread, 4000)[:, ::-1], 0.8, seed=1).set_index("direction")
    right = (1.959964 + 0.841621) * spread
    for direction, sign in (("below 1", -1), ("above 1", 1)):
        row = found.loc[direction]
        assert np.log(row["ratio"]) * sign == pytest.approx(right, abs=0.02)
        assert row["mc_low"] < np.exp(sign * right) < row["mc_high"]
        assert 0.005 < np.log(row["mc_high"] / row["mc_low"]) < 0.04
        assert row["note"] == ""
    assert ndtr(right / spread - 1.959964) == pytest.approx(0.8, abs=1e-4)


def test_the_monte_carlo_interval_holds_the_truth_about_as_often_as_it_says():
    spread, right, coarse = 0.15, (1.959964 + 0.841621) * 0.15, slice(None, None, 3)
    held = 0
    for seed in range(40):
        row = minimum_detectable(LADDER[coarse], rejections(spread, 150, seed)[:, coarse], 0.8, seed=seed).iloc[0]
        held += row["mc_low"] <= np.exp(-right) <= row["mc_high"]
    assert held >= 33


def test_out_of_reach_is_told_with_the_power_that_there_is():
    found = minimum_detectable(LADDER, rejections(1.0, 500), 0.8, seed=0)
    assert found["ratio"].isna().all() and found["note"].str.contains("the furthest tried, is").all()
    none = minimum_detectable(np.array([0.5, 1.0]), np.zeros((50, 2), dtype=bool), 0.8, seed=0)
    assert "power at 0.5, the furthest tried, is 0%" in none["note"].iloc[0] and "no ratio above 1" in none["note"].iloc[1]
    edge = np.zeros((100, 2), dtype=bool)
    edge[:80, 0] = True  # just there; many resamples are not
    row = minimum_detectable(np.array([0.5, 1.0]), edge, 0.8, seed=0).iloc[0]
    assert row["ratio"] == pytest.approx(0.5) and np.isnan(row["mc_low"]) and row["mc_high"] >= 0.5 and "lies beyond" in row["note"]


def test_the_textbook_figure():
    low, high = approximate_ratios(0.1, 1e9, 0.05, 0.8)
    assert low == pytest.approx(np.exp(-0.2801585), rel=1e-5) and low * high == pytest.approx(1)
    assert np.isnan(approximate_ratios(np.nan, 5, 0.05, 0.8)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"units": 1}, "units is 1"), ({"periods": 1.5}, "periods is 1.5"), ({"exposure": 0}, "exposure is 0"),
        ({"exposure": (1, 2)}, "2 values for 12 units"), ({"rate": -1}, "rate is -1"), ({"rate": float("nan")}, "rate is nan"),
        ({"waves": ()}, "No wave adopts"), ({"waves": ((1, 4),)}, "begins in period 1"), ({"waves": ((17, 4),)}, "begins in period 17"),
        ({"waves": ((6, 13),)}, "13 units of 12"), ({"waves": ((6, 0),)}, "has 0 units"), ({"waves": (6,)}, "not a pair"),
        ({"waves": ((6, 2.5),)}, "not a pair"), ({"overdispersion": -0.1}, "overdispersion is -0.1"),
        ({"autocorrelation": 1}, "autocorrelation is 1"), ({"exposure_spread": 9}, "exposure_spread is 9"),
    ],
)
def test_designs_that_are_none(change, words):
    with pytest.raises(UsageError, match=words) as caught:
        did.Design(**{**PAPER, **change})
    assert caught.value.fix


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ratios": (0.5, 0)}, "ratios holds"), ({"ratios": ("a",)}, "ratios is"), ({"ratios": (np.inf,)}, "ratios holds"),
        ({"target": 0.05}, "target is"), ({"target": 1}, "target is"), ({"alpha": 0.7}, "alpha is"), ({"replicates": 5}, "replicates is 5"),
        ({"permutations": 3}, "permutations is 3"), ({"count": "events"}, "belong to an observed panel"), ({"waves": ((6, 4),)}, "waves belong"),
        ({"overdispersion": -1}, "overdispersion is -1"), ({"design": None}, "either an observed panel or a design"),
    ],
)
def test_wrong_settings(settings, words):
    with pytest.raises(UsageError, match=words) as caught:
        did.power(**{"design": did.Design(**PAPER), **settings})
    assert caught.value.fix


def test_wrong_panels():
    frame = simulated_panel(seed=1)
    with pytest.raises(UsageError, match="lacks exposure, unit, time"):
        did.power(frame, count="events")
    with pytest.raises(UsageError, match="no column 'event'"):
        did.power(frame, **{**COLUMNS, "count": "event"})
    with pytest.raises(UsageError, match="Neither adopted nor waves"):
        did.power(frame, **{key: value for key, value in COLUMNS.items() if key != "adopted"})
    with pytest.raises(UsageError, match="periods is given without waves"):
        did.power(frame, **COLUMNS, periods=12)
    with pytest.raises(EstimationError, match="More than one row"):
        did.power(pd.concat([frame, frame.iloc[:1]]), **COLUMNS)
    with pytest.raises(EstimationError, match="No event was counted"):
        did.power(frame.assign(events=0), **COLUMNS)
    with pytest.raises(EstimationError, match="nobody adopts"):
        did.power(frame.assign(start=np.nan), **COLUMNS)


def test_designs_in_which_nothing_can_be_seen_are_refused_with_the_reason():
    with pytest.raises(EstimationError, match="Only one unit is treated"):
        did.power(design=did.Design(**{**PAPER, "waves": ((6, 1),)}))
    with pytest.raises(EstimationError, match=r"only 6 assignments.*0\.17"):
        did.power(design=did.Design(**{**PAPER, "units": 4, "waves": ((6, 2),)}))
    with pytest.raises(EstimationError, match="no treated cell that can be compared: no untreated unit in the period"):
        did.power(design=did.Design(**{**PAPER, "waves": ((6, 12),)}))
    with pytest.raises(EstimationError, match="None of 20 simulated panels"):
        did.power(design=did.Design(**{**PAPER, "rate": 1e-9}), replicates=20)


def test_cautions_name_what_limits_the_answer():
    thin = did.Design(**{**PAPER, "units": 16, "waves": ((6, 7), (9, 8))})
    codes = [caution.code for caution in did.power(design=thin, replicates=30).warnings]
    assert "left_out" in codes
    rare = did.power(simulated_panel(seed=3, rate=0.05, size=600.0, overdispersion=0), **COLUMNS, replicates=30)
    assert "few_baseline_events" in [caution.code for caution in rare.warnings]
