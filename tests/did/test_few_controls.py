"""No interval where the error cannot be told: too few controls, or no estimate without one of the clusters."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from tests.did.linear_panels import COLUMNS as SCORES
from tests.did.linear_panels import score_panel
from tests.did.panels import COLUMNS, simulated_panel

SHARES = {"numerator": "met", "denominator": "seen", "unit": "unit", "time": "period", "adopted": "start"}


def codes(result):
    return {caution.code: caution for caution in result.warnings}


def counts(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 99, "tables": False, **options})


def shares(frame, **options):
    seen = np.full(len(frame), 40)
    return did.binomial_imputation(frame.assign(seen=seen, met=np.minimum(frame["events"] * 4, seen)), **SHARES, permutations=99, **options)


@pytest.mark.parametrize(("controls", "shown"), [(2, False), (5, False), (6, True)])
def test_controls_are_counted_as_treated_ones_are(controls, shown):
    frame = simulated_panel(units=14, periods=10, waves=(6,), never=controls, seed=3)
    scores = score_panel(units=14, periods=10, waves=(6,), never=controls, seed=3)
    for result, estimate in (
        (found := counts(frame, tables=True), found.irr), (found := shares(frame), found.difference),
        (found := did.linear_imputation(scores, **SCORES, permutations=99), found.estimate),
    ):  # fmt: skip
        assert np.isfinite([estimate.ci_low, estimate.p_value]).all() == shown and np.isfinite(estimate.value)
        assert np.isfinite(estimate.se) or controls == 2  # no rate without one of two controls
        assert ("few_controls_no_interval" in codes(result)) != shown and np.isfinite(result.permutation_p)
        for table in (result.event_study, result.by_wave):
            assert table["ci_low"].notna().any() == shown and (table["note"] == "").any() == shown
    assert np.isfinite(counts(frame).rate_difference.ci_low) == shown


def test_later_waves_are_controls_of_earlier_ones_and_a_cluster_is_one_control():
    """Eight departments in four groups, as in the validation: six are untreated while the first wave is treated."""
    staggered = simulated_panel(units=8, periods=30, waves=(10, 16, 22), never=2, seed=4)
    result = counts(staggered, permutations=0)
    assert "few_controls_no_interval" not in codes(result) and np.isfinite(result.irr.ci_low)
    once = simulated_panel(units=20, periods=12, waves=(7,), never=8, seed=4)
    never = sorted(once.loc[once["start"].isna(), "unit"].unique())
    paired = once.assign(site=once["unit"].map({name: f"site {i // 2}" for i, name in enumerate(never)}).fillna(once["unit"]))
    assert np.isfinite(counts(once).irr.ci_low) and np.isnan(counts(paired, cluster="site").irr.ci_low)
    assert codes(counts(paired, cluster="site"))["few_controls_no_interval"].data == {"controls": 4}


def test_all_events_of_one_department_leave_no_interval():
    frame = simulated_panel(units=16, periods=12, waves=(7,), never=8, seed=2)
    after = frame["period"] >= frame["start"]
    one = frame.loc[after, "unit"].iloc[0]
    frame.loc[after & (frame["unit"] != one), "events"] = 0
    result = counts(frame)
    assert result.irr.value > 0 and np.isnan([result.irr.se, result.irr.ci_low, result.irr.p_value]).all()
    assert np.isfinite(result.permutation_p) and codes(result)["no_estimate_without"].data["clusters"] == [one]
    assert "no interval can be given" in codes(result)["no_estimate_without"].text and "dominant_cluster" not in codes(result)


def test_no_event_at_all_is_said_as_such():
    frame = simulated_panel(units=16, periods=12, waves=(7,), never=8, seed=2)
    frame.loc[frame["period"] >= frame["start"], "events"] = 0
    result = counts(frame)
    assert result.irr.value == 0 and result.irr.df is None and result.irr.n_clusters == 16
    assert "no_events_observed" in codes(result) and "no_estimate_without" not in codes(result)


@pytest.mark.parametrize(("controls", "error", "shown"), [(1, False, False), (2, True, False), (5, True, False), (6, True, True)])
def test_group_time_and_interaction_weighted_effects_refuse_few_controls(controls, error, shown):
    frame = score_panel(units=8 + controls, periods=8, waves=(5,), never=controls, seed=6)
    effects = did.callaway_santanna(frame, **SCORES)
    for result in (effects.aggregate("simple"), effects.aggregate("dynamic"), did.sun_abraham(frame, **SCORES)):
        estimate = result.estimate
        assert np.isfinite(estimate.value) and np.isfinite(estimate.se) == error
        assert np.isfinite([estimate.ci_low, estimate.p_value]).all() == shown
        assert ("few_controls_no_interval" in codes(result)) != shown and result.table["ci_low"].notna().any() == shown
    assert effects.table["ci_low"].notna().any() == shown and effects.table["se"].notna().any() == error


def test_controls_of_one_cluster_are_one_control():
    frame = score_panel(units=16, periods=8, waves=(5,), never=8, seed=6)
    site = frame["unit"].where(frame["start"].notna(), "all controls")
    for estimate in (did.callaway_santanna(frame.assign(site=site), **SCORES, cluster="site").estimate,
            did.sun_abraham(frame.assign(site=site), **SCORES, cluster="site").estimate):
        assert np.isnan([estimate.se, estimate.ci_low, estimate.p_value]).all()


def test_placebo_points_ask_for_clusters_of_controls():
    """Just before the second wave adopts only the four units of one site are left to compare with: they are one control, not four."""
    frame = simulated_panel(units=12, periods=12, waves=(5, 8), never=4, seed=5)
    frame["site"] = np.where(frame["start"].isna(), "controls", frame["unit"])
    for cluster, units in (("unit", 8), ("site", 4)):
        study = counts(frame, cluster=cluster, tables=True, permutations=0).event_study.set_index("event_time")
        assert study.loc[-1, "n_units"] == units
