"""Permutations against refits by hand; coverage and size on small simulations."""

from __future__ import annotations

from itertools import permutations as orders

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from tests.did.shares import SHARES, share_panel, true_difference


def fit(frame, **options):
    return did.binomial_imputation(frame, **{**SHARES, "tables": False, **options})


def test_permutation_p_by_hand():
    """All assignments of a small panel, each refitted through the front door."""
    frame = share_panel(units=6, periods=6, waves=(3, 5), share=0.6, records=8, seed=2)
    result = fit(frame, permutations=10_000)
    starts = frame.groupby("unit")["start"].first()
    found = []
    for order in set(orders(starts.fillna(-1))):
        again = frame["unit"].map(dict(zip(starts.index, order, strict=True))).replace(-1, np.nan)
        found.append(fit(frame.assign(start=again), permutations=0, jackknife=False).difference.value)
    assert result.permutation.exact and result.permutation.draws == len(found) == 90
    extreme = np.mean(np.abs(found) >= abs(result.difference.value) - 1e-7)
    assert result.permutation_p == pytest.approx(extreme)


def test_permutation_by_hand_with_units_at_an_end_and_anticipation():
    frame = share_panel(units=5, periods=6, waves=(3,), share=0.6, records=8, seed=4)
    frame = frame.assign(start=frame["unit"].map({"D00": 3.0, "D01": 4.0}))
    frame.loc[frame["unit"] == "D04", "met"] = frame["looked_at"]
    result = fit(frame, permutations=1_000, anticipation=1)
    starts = frame.groupby("unit")["start"].first()
    found = []
    for order in set(orders(starts.fillna(-1))):
        again = frame["unit"].map(dict(zip(starts.index, order, strict=True))).replace(-1, np.nan)
        found.append(fit(frame.assign(start=again), permutations=0, jackknife=False, anticipation=1).difference.value)
    assert result.permutation.draws == len(found) == 20
    assert result.permutation_p == pytest.approx(np.mean(np.abs(found) >= abs(result.difference.value) - 1e-7))


def test_permutations_do_not_depend_on_how_they_are_batched(monkeypatch):
    frame = share_panel(units=12, periods=8, waves=(4, 6), share=0.9, records=5, seed=2)
    one = fit(frame, permutations=200)
    monkeypatch.setattr("mentorship_eval.did.shares.placebo.CELLS_AT_ONCE", 500)
    assert fit(frame, permutations=200).permutation_p == one.permutation_p


def test_blocks_are_kept():
    frame = share_panel(units=8, periods=6, waves=(4,), share=0.6, seed=3)
    frame["site"] = frame["unit"].isin(frame["unit"].unique()[:4])
    result = fit(frame, permutations=10_000, permute_within="site")
    from math import comb

    treated = frame.drop_duplicates("unit").groupby("site")["start"].count()
    assert result.permutation.possible == np.prod([comb(4, int(k)) for k in treated])


@pytest.mark.parametrize("effect", [0.0, 0.6])
def test_intervals_hold_and_the_test_keeps_its_size(effect):
    """24 units x 24 months, beta-binomial with an intraclass correlation of 0.1; 60 panels: three Monte-Carlo errors are 8.4 points."""
    covered = rejected = 0
    errors = []
    for seed in range(60):
        frame = share_panel(log_odds=effect, seed=5_000 + seed)
        estimate = fit(frame, permutations=0).difference
        truth = true_difference(frame)
        errors.append(estimate.value - truth)
        covered += estimate.ci_low <= truth <= estimate.ci_high
        rejected += estimate.p_value < 0.05
    assert covered >= 52
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(60) + 0.1
    if effect:
        assert rejected > 30
    else:
        assert rejected <= 8 and rejected == 60 - covered


def test_overdispersion_widens_the_interval():
    """The jackknife, unlike the binomial variance, sees that records of a month belong together."""
    calm, wild = (np.median([fit(share_panel(overdispersion=rho, seed=s), permutations=0).difference.se for s in range(8)]) for rho in (0.0, 0.4))
    assert wild > 1.5 * calm


def test_a_refit_that_the_batches_cannot_settle_is_worked_out_alone():
    """One unit holds all failures of a period: without it that period is at 100 %, and a unit that is at 0 has no expected share there."""
    frame = share_panel(units=8, periods=6, waves=(4,), share=0.5, records=6, seed=9)
    before = ~(frame["period"] >= frame["start"])
    treated = frame.loc[frame["start"].notna(), "unit"].unique()
    never = frame.loc[frame["start"].isna(), "unit"].unique()
    frame["looked_at"] = np.maximum(frame["looked_at"], 2)
    frame["met"] = np.minimum(frame["met"], frame["looked_at"])
    frame.loc[before & (frame["unit"] == treated[0]), "met"] = 0
    last = before & (frame["period"] == 6)
    frame.loc[last, "met"] = frame["looked_at"]
    frame.loc[last & (frame["unit"] == never[0]), "met"] = 1
    result = fit(frame, permutations=0)
    loo = result.leave_one_out.set_index("cluster")["difference"]
    assert np.isnan(loo[never[0]]) and loo.drop(never[0]).notna().all()
    caution = next(c for c in result.warnings if c.code == "no_estimate_without")
    assert caution.data["clusters"] == [never[0]]
    rest = fit(frame[frame["unit"] != treated[0]], permutations=0, jackknife=False).difference.value
    assert loo[treated[0]] == pytest.approx(rest, abs=1e-7)


def test_dates_and_numbers_agree():
    frame = share_panel(units=9, periods=10, waves=(5, 7), share=0.6, seed=5)
    grid = pd.date_range("2022-11-01", periods=10, freq="MS")
    dated = frame.assign(period=[grid[p - 1] for p in frame["period"]], start=[pd.NaT if np.isnan(s) else grid[int(s) - 1] for s in frame["start"]])
    one, other = fit(frame, permutations=0), fit(dated, permutations=0)
    assert (other.difference.value, other.difference.se) == pytest.approx((one.difference.value, one.difference.se))
