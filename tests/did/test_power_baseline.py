"""What is taken from an observed panel, and the process that counts are drawn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.design.baseline import estimate_baseline
from mentorship_eval.did.design.noise import noise_factor, standard_noise, thinned
from mentorship_eval.did.design.scenario import observed_scenario, paper_scenario
from mentorship_eval.did.panels.panel import build_panel
from tests.did.panels import COLUMNS

STEADY = np.arange(20.0)


def noisy_panel(seed, *, overdispersion, autocorrelation, units=40, periods=30, mean=5.0, effect=1.0):
    """Counts with log-normal AR(1) noise, written down independently of the engine."""
    random = np.random.default_rng(seed)
    sd = np.sqrt(np.log(1 + overdispersion))
    lag = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    covariance = sd**2 * (autocorrelation**lag if autocorrelation else lag == 0)
    noise = random.multivariate_normal(np.full(periods, -(sd**2) / 2), covariance, size=units) if sd else np.zeros((units, periods))
    start = np.repeat([12.0, 20.0, np.nan, np.nan], units // 4)
    since = np.arange(1, periods + 1)[None, :] - start[:, None]
    size = np.exp(random.normal(0, 0.4, (units, 1))) * np.exp(random.normal(0, 0.1, (1, periods)))
    counts = random.poisson(mean * size * np.exp(noise) * np.where(since >= 0, effect, 1.0))
    return pd.DataFrame({
        "unit": np.repeat(np.arange(units), periods), "period": np.tile(np.arange(1, periods + 1), units), "start": np.repeat(start, periods),
        "events": counts.ravel(), "days": 1000.0,
    })


def baseline_of(frame, seed=0):
    panel = build_panel(frame, **COLUMNS)
    return estimate_baseline(panel, choose_targets(panel, min_controls=1).untreated, seed=seed)


def test_noise_has_the_stated_variance_and_correlation():
    z = standard_noise(np.random.default_rng(1), 40_000, STEADY, 0.6)
    assert z.mean(axis=0) == pytest.approx(0, abs=0.03) and z.std(axis=0) == pytest.approx(1, abs=0.03)
    assert np.corrcoef(z[:, 4], z[:, 5])[0, 1] == pytest.approx(0.6, abs=0.02)
    assert np.corrcoef(z[:, 4], z[:, 7])[0, 1] == pytest.approx(0.6**3, abs=0.02)
    factor = noise_factor(z, 0.3)
    assert factor.mean() == pytest.approx(1, abs=0.01) and factor.var() == pytest.approx(0.3, abs=0.02)
    assert (noise_factor(z, 0.0) == 1).all()


def test_a_gap_in_the_calendar_counts():
    z = standard_noise(np.random.default_rng(1), 40_000, np.array([0.0, 1.0, 4.0]), 0.8)
    assert np.corrcoef(z[:, 1], z[:, 2])[0, 1] == pytest.approx(0.8**3, abs=0.02)


def test_thinned_counts_have_their_own_poisson_law_and_are_nested():
    random = np.random.default_rng(2)
    ratios = np.array([2.0, 1.0, 0.5])
    out = thinned(random, random.poisson(8.0, 50_000), ratios)
    assert (np.diff(out, axis=0) <= 0).all()
    for counts, mean in zip(out, 4 * ratios, strict=True):
        assert counts.mean() == pytest.approx(mean, rel=0.02) and counts.var() == pytest.approx(mean, rel=0.03)


@pytest.mark.parametrize(("overdispersion", "autocorrelation"), [(0.0, 0.0), (0.1, 0.3), (0.3, 0.6)])
def test_overdispersion_and_autocorrelation_are_recovered(overdispersion, autocorrelation):
    found = [baseline_of(noisy_panel(seed, overdispersion=overdispersion, autocorrelation=autocorrelation)) for seed in range(4)]
    mean = np.mean([b.overdispersion for b in found])
    assert mean == pytest.approx(overdispersion, abs=0.03 + 0.15 * overdispersion)
    if overdispersion:
        assert np.mean([b.autocorrelation for b in found]) == pytest.approx(autocorrelation, abs=0.2)
        # what the correction is for: the moments themselves are too small
        assert np.mean([b.raw[0] for b in found]) < mean - 0.01
        spread = np.std([b.overdispersion for b in found], ddof=1)
        assert 0.2 < np.mean([b.overdispersion_se for b in found]) / spread < 5


def test_only_untreated_cells_speak():
    frame = noisy_panel(3, overdispersion=0.1, autocorrelation=0.3)
    other = frame.copy()
    treated = other["period"] >= other["start"]
    other.loc[treated, "events"] *= 7
    first, second = baseline_of(frame), baseline_of(other)
    assert first.overdispersion == second.overdispersion and first.autocorrelation == second.autocorrelation
    assert (first.mean == second.mean).all() and first.events == frame.loc[~treated, "events"].sum()


def test_rates_are_those_of_the_panel_and_units_without_events_are_not_doomed():
    frame = noisy_panel(4, overdispersion=0.0, autocorrelation=0.0, mean=0.3)
    frame.loc[frame["unit"] == 7, "events"] = 0
    panel = build_panel(frame, **COLUMNS)
    untreated = choose_targets(panel, min_controls=1).untreated
    found = baseline_of(frame)
    assert (found.mean * panel.exposure)[untreated].sum() == pytest.approx(panel.outcome[untreated].sum())
    assert (found.mean > 0).all() and found.mean[7].mean() < np.median(found.mean.mean(axis=1))


def test_observed_panel_keeps_its_exposures_dates_and_gaps():
    frame = noisy_panel(5, overdispersion=0.1, autocorrelation=0.0).query("not (unit == 3 and period in (4, 5))")
    scenario = observed_scenario(frame, count="events", exposure="days", unit="unit", time="period", adopted="start", waves=None, periods=None,
        overdispersion=None, autocorrelation=0.5, anticipation=0, seed=0)
    assert not scenario.shuffle and scenario.autocorrelation == 0.5
    assert scenario.panel.exposure[3, 3:5].sum() == 0 and scenario.mean[3, 3:5].sum() == 0 and not scenario.panel.outcome.any()
    assert list(scenario.panel.units) == list(range(1, 41))  # simulated trouble never names a real unit
    result = did.power(frame, **COLUMNS, replicates=30, ratios=(0.8,))
    assert result.design["treated_units"] == 20 and result.design["never"] == 20
    assert "estimated, SE" in result.noise and "untreated cells with" in result.noise
    stated = did.power(frame, **COLUMNS, replicates=30, ratios=(0.8,), overdispersion=0.5, autocorrelation=0)
    assert "overdispersion 0.50 (as stated)" in stated.noise
    assert stated.minimum_decrease < result.minimum_decrease


def test_baseline_months_serve_a_roll_out_that_is_to_come():
    frame = noisy_panel(6, overdispersion=0.1, autocorrelation=0.2)
    frame = frame[frame["period"] <= 11]  # nobody has adopted yet
    columns = {key: value for key, value in COLUMNS.items() if key != "adopted"}
    result = did.power(frame, **columns, waves=((7, 10), (13, 10)), periods=24, replicates=30, ratios=(0.8,))
    assert (result.design["periods"], result.design["treated_units"], result.design["never"], result.design["waves"]) == (24, 20, 20, 2)
    assert result.design["rate"] == pytest.approx(frame["events"].sum() / frame["days"].sum(), rel=0.02)
    assert 0.5 < result.minimum_decrease < 1


def test_a_design_on_paper_has_the_exposure_and_rate_that_were_stated():
    design = did.Design(units=10, periods=12, exposure=900, rate=2, waves=((5, 3),))
    scenario = paper_scenario(design)
    assert design.never == 7 and np.isfinite(scenario.panel.adopted).sum() == 3
    assert scenario.panel.exposure.mean() == pytest.approx(900)
    assert scenario.mean.sum() / scenario.panel.exposure.sum() == pytest.approx(0.002)
    spread = np.log(scenario.panel.exposure[:, 0]).std()
    assert 0.4 < spread < 0.6
    own = did.Design(units=3, periods=4, exposure=(100, 200, 300), rate=5, waves=((2, 1),))
    assert sorted(paper_scenario(own).panel.exposure[:, 0]) == [100, 200, 300]
