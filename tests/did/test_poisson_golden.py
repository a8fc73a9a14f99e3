"""Poisson imputation and its jackknife against R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.groups import find_waves
from mentorship_eval.did.counts.imputation import impute
from mentorship_eval.did.counts.replicates import leave_one_out
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.counts.waves import whole
from mentorship_eval.did.panels.panel import build_panel
from tests.shared_data import golden, shared_data

CASES = {
    "divorce": ("divorce/divorce.csv", {"count": "suicide", "exposure": "stpop", "unit": "sid", "time": "year", "adopted": "g"}),
    "medicaid_state": ("medicaid/state_year.csv", {"count": "deaths", "exposure": "population", "unit": "state", "time": "year",
    "adopted": "first_year"}),
    **{
        f"police_{y}": ("police_training/cohort_period.csv", {"count": y, "exposure": "officers", "unit": "first_trained", "time": "period",
        "adopted": "first_trained"})
        for y in ("complaints", "sustained", "force")
    },
}


def _load(case: str) -> tuple[pd.DataFrame, dict[str, str], dict]:
    file, columns = CASES[case]
    frame = pd.read_csv(shared_data(file))
    if case == "divorce":
        frame["g"] = frame["g"].where(frame["g"] > 0)
    return frame, columns, golden("did")["R"][f"poisson_imputation|{case}"]


@pytest.mark.parametrize("case", CASES)
def test_estimate_equals_r(quick, case):
    frame, columns, reference = _load(case)
    result = did.poisson_imputation(frame, **columns, min_controls=1, permutations=0)
    assert np.log(result.irr.value) == pytest.approx(reference["log_irr"], rel=1e-7, abs=1e-12)
    assert result.expected_total == pytest.approx(reference["expected"], rel=1e-9)
    assert result.observed == reference["observed"]
    assert result.exposure_total == reference["exposure"]
    assert result.rate_difference.value == pytest.approx(reference["rate_difference_per_1000"], rel=1e-7)
    assert result.irr.n == reference["treated_cells"]
    assert result.n_untreated_cells == reference["untreated_cells"]
    assert (result.expected["expected"] == 0).sum() == reference["boundary_cells"]
    gone = result.dropped.loc[result.dropped["reason"].str.startswith("no untreated unit"), "time"].unique()
    assert list(gone) == np.atleast_1d(reference["dropped_periods"]).tolist()
    assert result.all_periods.value == pytest.approx(result.irr.value, rel=1e-12)


@pytest.mark.parametrize("case", ["divorce", "medicaid_state"])
def test_jackknife_equals_r(quick, case):
    frame, columns, reference = _load(case)
    result = did.poisson_imputation(frame, **columns, min_controls=1, permutations=0)
    assert result.irr.se == pytest.approx(reference["jackknife"]["se_centred_at_full"], rel=1e-7)
    assert result.irr.n_clusters == reference["jackknife"]["G"]
    assert result.irr.df == reference["jackknife"]["G"] - 1
    without = reference["jackknife"]["leave_one_out"]
    for _, row in result.weights_by_unit.iterrows():
        assert np.log(row["ratio_without"]) == pytest.approx(without[str(row[columns["unit"]])], rel=1e-7, abs=1e-12)


def test_target_cells_are_fixed_in_refits():
    """Applying min_controls again in every refit would give 0.067."""
    frame, columns, _ = _load("police_complaints")
    result = did.poisson_imputation(frame, **columns, permutations=0)
    assert result.irr.se == pytest.approx(0.0807, abs=5e-5)
    assert result.all_periods.value == pytest.approx(0.999931389596187, rel=1e-9)
    codes = {caution.code for caution in result.warnings}
    assert {"thin_controls", "boundary_cells", "singleton_waves", "control_only"} <= codes
    assert set(result.dropped.loc[result.dropped["reason"].str.startswith("fewer than 2"), "time"]) == {71}


def test_batched_refits_equal_refits_from_scratch():
    frame, _, _ = _load("police_sustained")
    data = build_panel(frame, unit="first_trained", time="period", adopted="first_trained", count="sustained", exposure="officers")
    targets = choose_targets(data, min_controls=1)
    fit = impute(data, targets.untreated)
    waves = find_waves(data)
    batched = leave_one_out(data, waves, targets.untreated, targets.target, [whole(waves, targets.target)], fit)[0]
    for g in range(0, len(data.cluster_labels), 5):
        keep = data.cluster != g
        rest = data.keep_units(keep)
        alone = impute(rest, targets.untreated[keep])
        cells = targets.target[keep] & targets.untreated[keep].any(axis=0)[None, :]
        assert batched.expected[g, 0] == pytest.approx(alone.expected[cells].sum(), rel=1e-9)
        assert batched.observed[g, 0] == rest.outcome[cells].sum()
