"""What must not matter, and what must."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from tests.did.shares import SHARES, share_panel

SEEDS = st.integers(0, 10_000)


def fit(frame, **options):
    return did.binomial_imputation(frame, **{**SHARES, "permutations": 0, **options})


def small(seed, **options):
    return share_panel(**{"units": 9, "periods": 10, "waves": (5, 7), "share": 0.6, "records": 12, "seed": seed, **options})


@given(SEEDS)
@settings(deadline=None, max_examples=6)
def test_counting_the_other_kind_of_record_turns_the_sign_alone(seed):
    frame = small(seed)
    one, other = fit(frame, permutations=60), fit(frame.assign(met=frame["looked_at"] - frame["met"]), permutations=60)
    a, b = one.difference, other.difference
    assert (b.value, b.se, b.ci_low) == pytest.approx((-a.value, a.se, -a.ci_high), rel=1e-6, abs=1e-7, nan_ok=True)
    assert other.permutation_p == one.permutation_p
    np.testing.assert_allclose(other.event_study["difference"], -one.event_study["difference"], atol=1e-6)


@given(SEEDS, st.integers(2, 50))
@settings(deadline=None, max_examples=6)
def test_copying_every_record_moves_nothing_but_the_surplus(seed, copies):
    frame = small(seed)
    one, other = (
        fit(part, tables=False) for part in (frame, frame.assign(met=frame["met"] * copies, looked_at=frame["looked_at"] * copies))
    )
    for quantity in ("difference", "ratio"):
        a, b = getattr(one, quantity), getattr(other, quantity)
        assert (b.value, b.se) == pytest.approx((a.value, a.se), rel=1e-6, abs=1e-8)
    assert other.surplus.value == pytest.approx(copies * one.surplus.value, rel=1e-6, abs=1e-6)


@given(SEEDS)
@settings(deadline=None, max_examples=6)
def test_order_and_names_of_units_do_not_matter(seed):
    frame = small(seed)
    names = dict(zip(frame["unit"].unique(), np.random.default_rng(seed).permutation(100), strict=False))
    shuffled = frame.assign(unit=frame["unit"].map(names)).sample(frac=1, random_state=seed)
    one, other = fit(frame), fit(shuffled)
    assert (other.difference.value, other.difference.se) == pytest.approx((one.difference.value, one.difference.se), rel=1e-7, abs=1e-9)
    np.testing.assert_allclose(other.event_study[["difference", "se"]], one.event_study[["difference", "se"]], rtol=1e-6, atol=1e-8)


@given(SEEDS)
@settings(deadline=None, max_examples=6)
def test_a_never_treated_unit_at_an_end_moves_nothing_but_the_number_of_controls(seed):
    frame = small(seed)
    extra = frame[frame["unit"] == "D00"].assign(unit="ghost", start=np.nan, met=0)
    one, other = (
        fit(part, min_controls=1, tables=False) for part in (frame, pd.concat([frame, extra], ignore_index=True))
    )
    if one.n_untreated_cells and one.difference.n == other.difference.n:
        assert (other.difference.value, other.difference.se) == pytest.approx((one.difference.value, one.difference.se), rel=1e-7, abs=1e-8)
        assert other.difference.n_clusters == one.difference.n_clusters


@given(SEEDS)
@settings(deadline=None, max_examples=6)
def test_numerators_do_not_choose_the_cells(seed):
    frame = small(seed)
    other = frame.assign(met=np.random.default_rng(seed).binomial(frame["looked_at"], 0.5))
    a, b = fit(frame, tables=False), fit(other, tables=False)
    pd.testing.assert_frame_equal(a.dropped[["unit", "time", "reason"]], b.dropped[["unit", "time", "reason"]])
    pd.testing.assert_frame_equal(a.expected[["unit", "time"]], b.expected[["unit", "time"]])


def test_treated_numerators_do_not_move_the_expected_ones():
    frame = small(3)
    treated = frame["period"] >= frame["start"]
    other = frame.assign(met=frame["met"].where(~treated, frame["looked_at"]))
    np.testing.assert_allclose(fit(other).expected["expected"], fit(frame).expected["expected"], rtol=1e-12)


def test_event_study_adds_up():
    frame = share_panel(periods=18, waves=(7, 10, 13), seed=8)
    result = fit(frame)
    after = result.event_study[result.event_study["phase"] == "after"]
    for table in (after, result.by_wave):
        assert table["observed"].sum() == result.observed and table["denominator"].sum() == result.denominator_total
        assert table["expected"].sum() == pytest.approx(result.expected_total)
        weighted = np.average(table["difference"], weights=table["denominator"])
        assert weighted == pytest.approx(result.difference.value)
    shown = result.event_study[result.event_study["note"] == ""]
    assert len(shown) > 10
    assert (shown["band_low"] < shown["ci_low"]).all() and (shown["band_high"] > shown["ci_high"]).all()
    assert result.event_study.loc[result.event_study["n_units"] < 6, "ci_low"].isna().all()


def test_placebo_periods_are_left_out_of_their_own_fit():
    frame = share_panel(periods=16, waves=(8,), units=24, share=0.5, seed=1)
    since = frame["period"] - frame["start"]
    before = fit(frame).event_study.set_index("event_time")
    jumped = fit(frame.assign(met=np.where(since == -3, frame["looked_at"], frame["met"]))).event_study.set_index("event_time")
    assert jumped.loc[-3, "expected"] == pytest.approx(before.loc[-3, "expected"], rel=1e-8)
    assert jumped.loc[-3, "difference"] > before.loc[-3, "difference"] + 20


def test_anticipation_cells_are_in_neither():
    frame = small(3)
    result = fit(frame, anticipation=2)
    roles = result.cells.set_index(["unit", "time"])["role"]
    for unit, start in frame.dropna().groupby("unit")["start"].first().items():
        assert [roles[unit, start - k] for k in (3, 2, 1, 0)] == ["untreated", "anticipation", "anticipation", "target"]
    changed = frame.assign(met=frame["met"].mask((frame["start"] - frame["period"]) == 1, frame["looked_at"]))
    assert fit(changed, anticipation=2).difference.value == pytest.approx(result.difference.value)
    assert fit(changed).difference.value != pytest.approx(fit(frame).difference.value)


def test_result_reads_well():
    result = fit(share_panel(seed=4), permutations=99)
    assert result.estimate is result.difference and result.difference.unit == "percentage points"
    share = result.observed / result.denominator_total
    expected = result.expected_total / result.denominator_total
    assert result.difference.value == pytest.approx(100 * (share - expected)) and result.ratio.value == pytest.approx(share / expected)
    assert result.ratio.is_ratio and np.isnan(result.ratio.p_value) and np.isnan(result.surplus.p_value)
    sentence = result.statement()
    assert "percentage points" in sentence and "95 % CI" in sentence and "smallest attainable p" in sentence
    assert "<table" in result._repr_html_()
    assert list(result.table["quantity"]) == ["difference of shares", "ratio of shares", "records above expectation",
        "difference of shares, min_controls 1"]
    with pytest.raises(AttributeError):
        result.observed = 1
