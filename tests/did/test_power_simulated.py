"""Power against what it must be: the size without effect, rising with the effect, and what a reader would get by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.design.analysis import CellGroups, fitted, jackknife_p, permutation_p
from mentorship_eval.did.panels.panel import build_panel
from mentorship_eval.inference.proportions import wilson
from tests.did.panels import COLUMNS, simulated_panel

SMALL = did.Design(units=14, periods=18, exposure=700, rate=4, waves=((7, 4), (11, 4)), overdispersion=0.1, autocorrelation=0.3)


@pytest.fixture(scope="module")
def found():
    return did.power(design=SMALL, replicates=300, seed=3)


def at(result, ratio):
    return float(result.table.loc[np.isclose(result.table["ratio"], ratio), "power"].iloc[0])


def p_of(frame, **settings):
    """The p-value of the one test as the analysis reports it."""
    return did.poisson_imputation(frame, **COLUMNS, permutations=0, **settings).irr.p_value


def ours(frame, ratios=(1.0,), min_controls=2):
    """p-values of the power engine on the counts of ``frame``, treated counts taken as they are."""
    panel = build_panel(frame, **COLUMNS)
    targets = choose_targets(panel, min_controls=min_controls)
    groups = CellGroups(targets)
    counts = np.array([groups.sums(panel.outcome[targets.target])] * len(ratios))
    blind = replace(panel, outcome=np.where(targets.treated, 0.0, panel.outcome))
    return jackknife_p(blind, targets, fitted(blind, targets), groups, counts)


def test_without_effect_power_is_the_size_of_the_test(found):
    assert found.size == at(found, 1.0)
    low, high = wilson(round(found.size * 300), 300, 0.999)
    assert low <= 0.05 <= high
    row = found.table[found.table["role"] == "size"].iloc[0]
    assert row["ratio"] == 1 and np.isnan(row["wrong_direction"])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(wilson(round(found.size * 300), 300))


def test_power_rises_with_the_distance_from_one(found):
    curve = found.curve
    for side in (curve[curve["ratio"] <= 1][::-1], curve[curve["ratio"] >= 1]):
        power = side["power"].to_numpy()
        assert power[-1] > 0.9 and power[0] < 0.15
        # the ratios share their random numbers: a fall is a matter of single simulations
        assert (np.diff(power) > -0.03).all()
    assert (found.table.loc[found.table["ratio"].isin([0.5, 1.5]), "wrong_direction"] <= 0.01).all()


def test_more_units_more_exposure_and_less_noise_give_more_power():
    few = {"replicates": 80, "ratios": (0.7,)}
    base = at(did.power(design=SMALL, **few), 0.7)
    more_units = replace(SMALL, units=30, waves=((7, 9), (11, 9)))
    more_exposure = replace(SMALL, exposure=4000)
    noisier = replace(SMALL, overdispersion=0.6, autocorrelation=0.7)
    assert at(did.power(design=more_units, **few), 0.7) > base + 0.1
    assert at(did.power(design=more_exposure, **few), 0.7) > base + 0.1
    assert at(did.power(design=noisier, **few), 0.7) < base - 0.1


def test_agrees_with_brute_force_through_the_public_analysis():
    """An own simulation (gamma noise, no autocorrelation) and `poisson_imputation` on every panel."""
    units, periods, ratio, runs = 12, 14, 0.65, 90
    random = np.random.default_rng(11)
    start = np.repeat([6.0] * 4 + [9.0] * 4 + [np.nan] * 4, periods)
    period = np.tile(np.arange(1, periods + 1), units)
    mean = np.where(period >= np.nan_to_num(start, nan=99), ratio, 1.0) * 4.0
    rejected = 0
    for _ in range(runs):
        frame = pd.DataFrame({
            "unit": np.repeat(np.arange(units), periods), "period": period, "start": start, "days": 1000.0,
            "events": random.poisson(mean * random.gamma(5, 0.2, len(mean))),
        })
        rejected += p_of(frame) <= 0.05
    design = did.Design(units=units, periods=periods, exposure=1000, rate=4, waves=((6, 4), (9, 4)), overdispersion=0.2, autocorrelation=0,
        exposure_spread=0, rate_spread=0)
    result = did.power(design=design, ratios=(ratio,), replicates=400)
    share = rejected / runs
    se = np.hypot(np.sqrt(share * (1 - share) / runs), float(result.table["mc_se"].iloc[0]))
    assert 0.2 < share < 0.95
    assert abs(at(result, ratio) - share) < 3.3 * se
    assert abs(result.size - share) > 3.3 * se  # the same comparison can fail


@pytest.mark.parametrize(
    "settings", [{}, {"rate": 0.15, "size": 500.0}, {"units": 8, "waves": (6, 9, 12), "never": 2}, {"overdispersion": 0.8, "log_irr": -1.0}],
    ids=["plain", "sparse", "one control late", "noisy"],
)
def test_the_p_value_is_that_of_the_analysis(settings):
    for seed in range(4):
        frame = simulated_panel(periods=16, seed=seed, **{"waves": (6, 9, 12), **settings})
        for min_controls in (1, 2):
            told = did.poisson_imputation(frame, **COLUMNS, permutations=0, min_controls=min_controls)
            ratio, p = ours(frame, min_controls=min_controls)
            assert np.exp(ratio[0]) == pytest.approx(told.irr.value, rel=1e-9)
            if told.n_treated_units >= 6:
                assert p[0] == pytest.approx(told.irr.p_value, rel=1e-6, nan_ok=True)


def test_a_refit_that_loses_the_link_between_units_and_periods_is_worked_out():
    # unit 0 alone ties the early to the late periods: without it, the others' late cells cannot be projected
    rows = []
    for unit in range(15):
        for period in range(1, 13):
            if unit == 0 or (unit < 5) == (period <= 6):
                start = 10.0 if unit in (5, 6, 7) else 5.0 if unit in (1, 2, 3) else np.nan
                rows.append((unit, period, start, 3 + (unit * 7 + period * 5) % 4, 1000.0))
    frame = pd.DataFrame(rows, columns=["unit", "period", "start", "events", "days"])
    told = did.poisson_imputation(frame, **COLUMNS, permutations=0, min_controls=1)
    ratio, p = ours(frame, min_controls=1)
    assert np.exp(ratio[0]) == pytest.approx(told.irr.value, rel=1e-9)
    assert np.isfinite(told.irr.p_value) and p[0] == pytest.approx(told.irr.p_value, rel=1e-6)


def test_many_ratios_at_once_are_each_alone():
    panel = build_panel(simulated_panel(seed=5, rate=0.4), **COLUMNS)
    targets = choose_targets(panel)
    groups, fit = CellGroups(targets), fitted(panel, targets)
    sums = groups.sums(panel.outcome[targets.target])
    counts = np.array([sums, np.floor(sums / 2), np.where(np.arange(len(sums)) == 0, 1.0, 0.0), np.zeros(len(sums))])
    together = jackknife_p(panel, targets, fit, groups, counts)
    for j in range(4):
        alone = jackknife_p(panel, targets, fit, groups, counts[[j]])
        assert alone[0][0] == together[0][j]
        assert alone[1][0] == pytest.approx(together[1][j], rel=1e-9, nan_ok=True)
    assert together[0][3] == -np.inf and np.isnan(together[1][3])  # no event at all: no test, never a rejection


def test_permutation_p_is_that_of_the_analysis():
    frame = simulated_panel(units=9, periods=14, waves=(6, 9), never=5, log_irr=-0.5, seed=2)
    told = did.poisson_imputation(frame, **COLUMNS, permutations=199, seed=4)
    panel = build_panel(frame, **COLUMNS)
    targets = choose_targets(panel)
    cells = np.where(targets.treated, panel.outcome, 0.0)[None]
    blind = replace(panel, outcome=np.where(targets.treated, 0.0, panel.outcome))
    ratio, p = permutation_p(blind, targets, fitted(blind, targets), cells, anticipation=0, min_controls=2, draws=199, seed=4, alpha=0.99)
    assert np.exp(ratio[0]) == pytest.approx(told.irr.value) and p[0] == pytest.approx(told.permutation_p)


def test_a_permutation_test_that_is_cut_short_decides_alike():
    decided = set()
    for seed in range(6):
        panel = build_panel(simulated_panel(units=14, periods=12, waves=(6, 9), never=9, log_irr=-0.3 * seed, seed=seed), **COLUMNS)
        targets = choose_targets(panel)
        cells = np.where(targets.treated, panel.outcome, 0.0)[None]
        blind = replace(panel, outcome=np.where(targets.treated, 0.0, panel.outcome))
        ends = [
            permutation_p(blind, targets, fitted(blind, targets), cells, anticipation=0, min_controls=2, draws=199, seed=seed, alpha=alpha)[1][0]
            for alpha in (0.05, 0.999)
        ]
        assert (ends[0] <= 0.05) == (ends[1] <= 0.05)
        decided.add(ends[1] <= 0.05)
    assert decided == {True, False}


def test_few_treated_units_are_judged_by_permutation_and_told_so():
    design = did.Design(units=8, periods=12, exposure=2000, rate=4, waves=((5, 2), (8, 1)), overdispersion=0.02)
    result = did.power(design=design, ratios=(0.3,), replicates=40, permutations=99)
    assert result.test == "permutation" and "few_treated" in [caution.code for caution in result.warnings]
    assert list(result.curve["ratio"]) == [0.3, 1.0]
    assert at(result, 0.3) > 0.5 and result.size <= 0.25
    assert result.minimum_detectable["approximation"].isna().all()
    assert "no ratio above 1 was tried" in result.statement()


def test_the_same_seed_gives_the_same_numbers_and_another_does_not():
    told = []
    first = did.power(design=SMALL, replicates=25, progress=lambda done, number: told.append((done, number)))
    second = did.power(design=SMALL, replicates=25)
    pd.testing.assert_frame_equal(first.curve, second.curve)
    pd.testing.assert_frame_equal(first.minimum_detectable, second.minimum_detectable)
    assert told == [(r + 1, 25) for r in range(25)]
    assert not did.power(design=SMALL, replicates=25, seed=1).curve["power"].equals(first.curve["power"])


def test_words_hold_the_size_the_interval_and_what_power_is_not(found):
    text = found.statement()
    assert f"{found.minimum_decrease:.2f} or lower (Monte-Carlo interval" in text and f"{found.minimum_increase:.2f} or higher" in text
    assert f"rejects in {found.size:.1%} of simulations" in text
    assert "Power at the ratio that was observed would only restate its p-value." in text
    assert "300 simulations, seed 3" in text and "overdispersion 0.10 (as stated)" in text
    html = found._repr_html_()
    assert html.count("<tr") == len(found.table) + 1 and "restate" in html


def test_the_textbook_figure_is_near(found):
    rows = found.minimum_detectable.set_index("direction")
    assert rows.loc["below 1", "approximation"] == pytest.approx(rows.loc["below 1", "ratio"], rel=0.12)
    assert rows.loc["below 1", "mc_low"] < rows.loc["below 1", "ratio"] < rows.loc["below 1", "mc_high"] < 1
    assert 1 < rows.loc["above 1", "mc_low"] < rows.loc["above 1", "ratio"] < rows.loc["above 1", "mc_high"]
    tighter = did.power(design=SMALL, replicates=100, seed=3, target=0.5)
    assert found.minimum_decrease < tighter.minimum_decrease < 1 < tighter.minimum_increase < found.minimum_increase
