"""Shares by calendar period, programmes that stop, and the differences before adoption judged together: as for counts."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from mentorship_eval.errors import UsageError
from mentorship_eval.inference.intervals import critical_value
from tests.did.shares import SHARES, share_panel


def fit(frame, **options):
    return did.binomial_imputation(frame, **{**SHARES, "permutations": 0, **options})


def test_calendar_periods_add_up_and_have_their_own_jackknife():
    frame = share_panel(units=16, periods=14, waves=(6, 9), seed=8)
    result = fit(frame)
    table = result.by_calendar
    assert table["observed"].sum() == result.observed and table["expected"].sum() == pytest.approx(result.expected_total)
    assert list(table["time"]) == list(range(6, 15)) and table["n_controls"].is_monotonic_decreasing
    row, parts = table.iloc[-1], []
    for unit in frame["unit"].unique():
        cells = fit(frame[frame["unit"] != unit], tables=False, jackknife=False, min_controls=1).expected
        last = cells[cells["time"] == 14]
        parts.append(100 * (last["observed"] - last["expected"]).sum() / last["denominator"].sum())
    se = np.sqrt(15 / 16 * ((np.array(parts) - row["difference"]) ** 2).sum())
    assert row["se"] == pytest.approx(se, rel=1e-4)
    assert row["ci_high"] == pytest.approx(row["difference"] + critical_value(0.95, 15) * row["se"], rel=1e-9)
    assert fit(frame, tables=False).by_calendar.empty and fit(frame, tables=False).pre_test is None


def test_a_programme_that_stops_counts_on_or_is_left_out():
    frame = share_panel(units=12, periods=12, waves=(5,), seed=4)
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    frame = frame.assign(end=frame["unit"].map({treated[0]: 7.0}))
    later = frame["period"] > frame["end"]
    plain, on = fit(frame, tables=False), fit(frame, tables=False, active_to="end")
    out = fit(frame, tables=False, active_to="end", after_stop="left_out")
    assert on.difference.value == plain.difference.value
    caution = next(c for c in on.warnings if c.code == "programme_stopped")
    assert caution.data["cells"] == later.sum() and caution.data["difference_other_way"] == pytest.approx(out.difference.value)
    assert out.difference.value == pytest.approx(fit(frame[~later], tables=False).difference.value, abs=1e-9)
    with pytest.raises(UsageError, match="after_stop"):
        fit(frame, after_stop="gone")
    # a stop moves with its date: every reassignment of the two dates is tried
    few = share_panel(units=6, periods=8, waves=(4, 4), seed=5)
    few["end"] = few["unit"].map({few.loc[few["start"].notna(), "unit"].iloc[0]: 5.0})
    test = fit(few, active_to="end", after_stop="left_out", permutations=9999, tables=False).permutation
    assert test.exact and test.possible == 60  # of six units one that stops and three that go on


def test_the_differences_before_adoption_are_judged_together():
    quiet = [fit(share_panel(units=16, periods=12, waves=(7,), seed=seed)).pre_test for seed in range(8)]
    assert all(one.n_estimates >= 5 and 0 < one.p_value <= 1 for one in quiet) and sum(one.p_value < 0.05 for one in quiet) <= 2
    frame = share_panel(units=16, periods=12, waves=(7,), seed=1, share=0.5, records=60)
    odd = (frame["period"] == 3) & frame["start"].notna()
    assert fit(frame.assign(met=frame["met"].where(~odd, frame["looked_at"]))).pre_test.p_value < 0.01
