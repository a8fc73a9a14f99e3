"""Placebo test by hand, few treated units, size under no effect and recovery of an effect."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.imputation import impute
from mentorship_eval.did.counts.placebo import arrange
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.panels.panel import build_panel
from mentorship_eval.errors import EstimationError
from tests.did.panels import COLUMNS, simulated_panel


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "permutations": 0, **options})


@pytest.mark.parametrize(("rate", "min_controls", "seed"), [(2.0, 2, 3), (0.7, 1, 8)])
def test_permutation_p_by_brute_force(quick, rate, min_controls, seed):
    """With 0.7 events a cell some assignments have no finite expectation: they count as extreme."""
    frame = simulated_panel(units=6, periods=6, waves=(3, 5), never=2, rate=rate, seed=seed)
    result = fit(frame, permutations=9999, min_controls=min_controls)
    names = sorted(frame["unit"].unique())
    dates = frame.groupby("unit")["start"].first().fillna(-1).reindex(names).to_numpy()
    observed = abs(np.log(result.irr.value))
    every = sorted(set(permutations(dates)))
    extreme = 0
    for order in every:
        start = dict(zip(names, order, strict=True))
        moved = frame.assign(start=frame["unit"].map(start).replace(-1, np.nan))
        try:
            value = abs(np.log(fit(moved, min_controls=min_controls).irr.value))
        except EstimationError:
            value = np.inf
        extreme += value >= observed - 1e-7
    assert result.permutation.exact and result.permutation.draws == len(every) == 90
    assert result.permutation_p == pytest.approx(extreme / 90)
    assert result.smallest_permutation_p == pytest.approx(1 / 90)


def test_blocks_and_clusters_limit_the_assignments():
    frame = simulated_panel(units=8, periods=8, waves=(5,), never=4, seed=2)
    names = sorted(frame["unit"].unique())
    started = frame.groupby("unit")["start"].first().notna()
    treated, never = [n for n in names if started[n]], [n for n in names if not started[n]]
    site = {name: i % 2 for group in (treated, never) for i, name in enumerate(group)}
    assert fit(frame, permutations=500).permutation.possible == 70
    assert fit(frame.assign(site=frame["unit"].map(site)), permutations=500, permute_within="site").permutation.possible == 36
    pair = {name: f"{'t' if group is treated else 'n'}{i // 2}" for group in (treated, never) for i, name in enumerate(group)}
    paired = fit(frame.assign(pair=frame["unit"].map(pair)), permutations=500, cluster="pair")
    assert paired.permutation.possible == 6 and paired.irr.n_clusters == 4
    assert {"few_treated", "few_clusters", "coarse_permutation"} <= {caution.code for caution in paired.warnings}
    mixed = fit(frame.assign(site=frame["unit"].map(site)), permutations=500, cluster="site")
    assert np.isnan(mixed.permutation_p) and "no_permutation" in {caution.code for caution in mixed.warnings}


def test_seed_and_number_of_draws_are_recorded():
    frame = simulated_panel(seed=6)
    one, again, other = (fit(frame, permutations=199, seed=seed) for seed in (7, 7, 8))
    assert one.permutation == again.permutation
    assert one.permutation.seed == 7 and one.permutation.draws == 199 and not one.permutation.exact
    assert one.smallest_permutation_p == pytest.approx(1 / 200)
    assert other.permutation_p != one.permutation_p


def test_permutation_with_covariates(quick):
    frame = simulated_panel(units=8, periods=8, waves=(5,), never=4, seed=5)
    frame["acuity"] = np.random.default_rng(5).normal(size=len(frame))
    result = fit(frame, permutations=99, covariates=["acuity"])
    observed = abs(np.log(result.irr.value))
    names = sorted(frame["unit"].unique())
    started = frame.groupby("unit")["start"].first().reindex(names)
    values = []
    for order in sorted(set(permutations(started.notna().to_numpy())))[:70]:
        moved = dict(zip(names, np.where(order, 5.0, np.nan), strict=True))
        values.append(abs(np.log(fit(frame.assign(start=frame["unit"].map(moved)), covariates=["acuity"]).irr.value)))
    assert result.permutation_p == pytest.approx(np.mean(np.array(values) >= observed - 1e-7))


def test_one_treated_unit_gets_a_rank_only():
    frame = simulated_panel(units=9, periods=14, waves=(8,), never=8, seed=4)
    result = fit(frame, permutations=9999)
    assert np.isnan([result.irr.se, result.irr.ci_low, result.irr.p_value, result.permutation_p, result.rate_difference.ci_low]).all()
    rank, of = result.placebo_rank
    assert of == 9 and 1 <= rank <= 9
    cautions = {caution.code: caution for caution in result.warnings}
    assert result.placebo_statement() in cautions["one_treated"].text and f"ranks {rank} of 9" in cautions["one_treated"].text
    assert cautions["one_treated"].data == {"treated": 1, "rank": rank, "of": 9}
    assert "coarse_permutation" not in cautions, "there is no p-value that could be below anything"
    none = {caution.code: caution.text for caution in fit(frame).warnings}
    assert "no placebo rank" in none["one_treated"] and "coarse_permutation" not in none
    assert "ranks" in result.statement() and "no interval is given" in result.statement()


def test_one_treated_cluster_of_several_units_ranks_among_clusters():
    frame = simulated_panel(units=12, periods=14, waves=(8,), never=9, seed=4)
    order = {name: i for i, name in enumerate(frame.sort_values("start")["unit"].unique())}
    result = fit(frame.assign(site=frame["unit"].map(order) // 3), permutations=9999, cluster="site")
    rank, of = result.placebo_rank
    text = next(caution.text for caution in result.warnings if caution.code == "one_treated")
    assert of == 4 and f"each of 4 clusters had been the treated one, the ratio of the actual one ranks {rank} of 4" in text
    assert "coarse_permutation" not in {caution.code for caution in result.warnings}


def one_cluster_waits():
    """Clusters of three units: a and b adopt at 5 and at 7, c never; from period 7 only c is untreated."""
    frame = simulated_panel(units=9, periods=8, waves=(5,), never=6, seed=12)
    letter = frame["unit"].str[1:].astype(int) // 3
    return frame.assign(site=letter.map({0: "a", 1: "b", 2: "c"}), start=letter.map({0: 5.0, 1: 7.0, 2: np.nan}))


def test_min_controls_counts_clusters():
    frame = one_cluster_waits()
    by_unit, by_site = fit(frame), fit(frame, cluster="site")
    assert by_unit.expected["time"].max() == 8
    assert sorted(by_site.expected["time"].unique()) == [5, 6] and set(by_site.expected["unit"]) == {"D00", "D01", "D02"}
    left_out = by_site.dropped
    assert set(left_out["time"]) == {7, 8} and len(left_out) == 12
    assert set(left_out["reason"]) == {"fewer than 2 untreated clusters in the period (min_controls)"}
    assert "untreated clusters" in next(caution.text for caution in by_site.warnings if caution.code == "thin_controls")
    assert by_site.all_periods.value == pytest.approx(fit(frame, cluster="site", min_controls=1).irr.value) == by_unit.irr.value
    # a cluster whose units have no exposure in a period is no control in it
    empty = frame.assign(days=frame["days"].where(~((frame["site"] == "b") & (frame["period"] == 6)), 0))
    empty["events"] = empty["events"].where(empty["days"] > 0, 0)
    assert set(fit(empty, cluster="site").expected["time"]) == {5}


def test_min_controls_with_a_cluster_for_each_unit_is_that_of_units():
    frame = simulated_panel(units=8, periods=10, waves=(4, 7), never=1, seed=13)
    one, other = fit(frame, permutations=99), fit(frame.assign(own=frame["unit"] + "!"), permutations=99, cluster="own")
    assert one.irr.value == other.irr.value and one.irr.se == other.irr.se and one.permutation_p == other.permutation_p
    assert one.dropped.equals(other.dropped) and len(one.dropped)


def test_placebo_draws_count_clusters_as_the_estimate_does():
    frame = one_cluster_waits()
    result = fit(frame, permutations=99, cluster="site")
    observed, values = abs(np.log(result.irr.value)), []
    for order in permutations([5.0, 7.0, np.nan]):
        moved = frame["site"].map(dict(zip("abc", order, strict=True)))
        values.append(abs(np.log(fit(frame.assign(start=moved), cluster="site").irr.value)))
    assert result.placebo_rank[1] == 6
    assert result.placebo_rank[0] == sum(value >= observed - 1e-7 for value in values)
    data = build_panel(frame, **COLUMNS, cluster="site")
    arrangement = arrange(data, impute(data, choose_targets(data).untreated), anticipation=0, min_controls=2)
    # the labels are the dates in their order: 5, 7, never
    by_draw = arrangement.statistic()(np.array(list(permutations([0, 1, 2]))))
    assert np.abs(by_draw) == pytest.approx(values, abs=1e-7)


def test_few_treated_units_get_the_permutation_only():
    result = fit(simulated_panel(units=12, periods=14, waves=(8,), never=8, seed=4), permutations=9999)
    assert np.isnan([result.irr.ci_low, result.irr.ci_high, result.irr.p_value]).all()
    assert result.irr.se > 0 and 0 < result.permutation_p <= 1 and result.placebo_rank is None
    assert result.permutation.exact and result.permutation.possible == 495
    assert "few_treated" in {caution.code for caution in result.warnings}


def test_dominant_cluster_and_only_control_are_said():
    frame = simulated_panel(units=10, periods=14, waves=(7, 9), never=1, seed=9)
    never = frame["start"].isna()
    big = frame.assign(events=frame["events"].where(~never, frame["events"] * 40), days=frame["days"].where(~never, frame["days"] * 40))
    result = fit(big, min_controls=1)
    cautions = {caution.code: caution for caution in result.warnings}
    assert "only_control" in cautions and cautions["only_control"].data["clusters"] == [frame.loc[never, "unit"].iloc[0]]
    assert result.weights_by_unit["share"].sum() == pytest.approx(1)
    largest = result.weights_by_unit["share"].max()
    assert ("dominant_cluster" in cautions) == (largest > 0.5)


def test_no_treated_events_at_all():
    frame = simulated_panel(seed=2)
    result = fit(frame.assign(events=frame["events"].where(~(frame["period"] >= frame["start"]), 0)), permutations=99)
    assert result.irr.value == 0 and np.isnan(result.irr.se) and np.isnan(result.irr.ci_low)
    assert result.permutation_p == result.smallest_permutation_p
    assert result.rate_difference.value < 0 and np.isfinite(result.rate_difference.ci_low)


def _replicates(number: int, **options: float) -> np.ndarray:
    out = []
    for seed in range(number):
        result = fit(simulated_panel(units=12, periods=16, waves=(6, 9, 12), never=3, rate=2.5, seed=1000 + seed, **options),
            permutations=99)
        out.append((np.log(result.irr.value), result.irr.p_value, result.permutation_p, result.irr.ci_low, result.irr.ci_high))
    return np.array(out)


def test_size_under_no_effect_and_recovery_of_an_effect(quick):
    """Rejections at 5 % within the 99.9 % binomial range of 150 replicates: at most 16."""
    null = _replicates(150)
    assert abs(null[:, 0].mean()) < 3 * null[:, 0].std() / np.sqrt(len(null))
    assert (null[:, 1] < 0.05).sum() <= 16
    assert (null[:, 2] <= 0.05).sum() <= 16
    effect = _replicates(100, log_irr=-0.5)
    error = 3.3 * effect[:, 0].std() / np.sqrt(len(effect))
    assert effect[:, 0].mean() == pytest.approx(-0.5, abs=error)
    assert not abs(null[:100, 0].mean() + 0.5) < error, "the same check must fail when there is no effect"
    assert ((effect[:, 3] < np.exp(-0.5)) & (np.exp(-0.5) < effect[:, 4])).sum() >= 86
    assert (effect[:, 1] < 0.05).sum() > 2.5 * (null[:100, 1] < 0.05).sum()
    assert (effect[:, 2] <= 0.05).sum() > 2.5 * (null[:100, 2] <= 0.05).sum()
