"""Interaction-weighted effects against the saturated regression by brute force, refits, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.linear_panels import COLUMNS, score_panel
from tests.did.panels import COLUMNS as COUNTS
from tests.did.panels import simulated_panel

SEEDS = st.integers(0, 10_000)


@pytest.fixture
def quick(monkeypatch):
    """Without the tables that a test of the main estimate does not look at: they take most of the time."""
    for name in ("_event_study", "_by_wave", "_table"):
        monkeypatch.setattr(f"mentorship_eval.did.scores.interaction.{name}", lambda *_: None)


def fit(frame, **options):
    return did.sun_abraham(frame, **{**COLUMNS, **options})


def saturated(frame, weights=None):
    """Coefficients of all wave-periods but the one before adoption, the design, weighted residuals and root weights."""
    since = frame["period"] - frame["start"]
    cell = (frame["start"].astype(str) + "|" + frame["period"].astype(str)).where(frame["start"].notna() & (since != -1))
    cells = pd.get_dummies(cell, dtype=float)
    root = np.sqrt(frame[weights].to_numpy() if weights else np.ones(len(frame)))
    x = np.column_stack([cells, pd.get_dummies(frame["unit"], dtype=float), pd.get_dummies(frame["period"], dtype=float)]) * root[:, None]
    y = frame["score"].to_numpy() * root
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    return cells, beta, x, y - x @ beta, root


@given(SEEDS, st.sampled_from([0.0, 0.15]), st.sampled_from([None, "weight"]), st.sampled_from([None, "site"]))
@settings(deadline=None, max_examples=25)
def test_equals_the_saturated_regression(seed, missing, weights, cluster):
    frame = score_panel(units=18, periods=6, waves=(3, 5), never=4, effect=1.0, missing=missing, seed=seed)
    result = fit(frame, weights=weights, cluster=cluster)
    cells, beta, x, residual, root = saturated(frame, weights)
    names = [f"{a}|{t}" for a, t in zip(result.table["adopted"], result.table["time"], strict=True)]
    if set(names) != set(cells.columns):
        assert not result.dropped.empty  # a wave that gaps tear apart
        return
    order = [list(cells.columns).index(name) for name in names]
    assert result.table["estimate"].to_numpy() == pytest.approx(beta[order], abs=1e-8)
    held = (cells.to_numpy() * root[:, None] ** 2).sum(axis=0)
    after = np.array([float(name.split("|")[1]) >= float(name.split("|")[0]) for name in cells.columns])
    share = np.where(after, held, 0.0) / held[after].sum()
    assert result.estimate.value == pytest.approx(share @ beta[: len(share)])
    scores = (x * residual[:, None]) @ np.linalg.pinv(x.T @ x)[:, : len(share)] @ share
    group = frame[cluster or "unit"].to_numpy()
    clusters = pd.Series(scores).groupby(group).sum()
    k = len(share) + frame["period"].nunique()
    factor = len(clusters) / (len(clusters) - 1) * (len(frame) - 1) / (len(frame) - k)
    assert result.factor == pytest.approx(factor)
    assert result.estimate.se == pytest.approx(np.sqrt(factor * (clusters**2).sum()), rel=1e-7)


@given(SEEDS, st.sampled_from([0.0, 0.15]), st.sampled_from([None, "weight"]), st.sampled_from([None, "site"]))
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_jackknife_equals_refits(quick, seed, missing, weights, cluster):
    frame = score_panel(units=20, periods=6, waves=(3, 5), never=6, missing=missing, seed=seed)
    result = fit(frame, weights=weights, cluster=cluster, variance="jackknife")
    group = frame[cluster or "unit"]
    without = np.array([fit(frame[group != name], weights=weights, cluster=cluster).estimate.value for name in sorted(group.unique())])
    count = len(without)
    if result.dropped.empty:
        assert result.estimate.se == pytest.approx(np.sqrt((count - 1) / count * ((without - result.estimate.value) ** 2).sum()), rel=1e-6)


@given(SEEDS, st.floats(-5, 5), st.floats(-1, 1))
@settings(deadline=None, max_examples=10)
def test_an_effect_without_noise_is_recovered_whatever_the_levels(seed, effect, growth):
    frame = score_panel(units=12, periods=8, effect=effect, growth=growth, noise=0.0, seed=seed)
    study = fit(frame.sample(frac=1, random_state=seed)).event_study
    wanted = np.where(study["event_time"] >= 0, effect + growth * study["event_time"], 0.0)
    assert study["estimate"].to_numpy() == pytest.approx(wanted, abs=1e-9)
    assert -1 not in set(study["event_time"])


def test_without_never_treated_the_last_wave_is_the_control():
    frame = score_panel(units=12, periods=10, waves=(4, 6, 8), never=0, seed=3)
    result = fit(frame)
    assert "last_wave_control" in {caution.code for caution in result.warnings}
    cut = frame[frame["period"] < 8]
    assert result.estimate.value == pytest.approx(fit(cut.assign(start=cut["start"].where(cut["start"] < 8))).estimate.value)
    assert set(result.dropped["time"]) == {8, 9, 10}
    with pytest.raises(EstimationError, match="no later wave"):
        fit(frame.assign(start=5.0))


def test_always_treated_late_and_missing_reference():
    frame = score_panel(units=14, periods=9, waves=(1, 4, 12), seed=3)
    result = fit(frame)
    assert {"always_treated", "adopts_later"} <= {caution.code for caution in result.warnings}
    assert set(result.by_wave["adopted"]) == {4.0} and set(result.dropped["reason"]) == {"the unit has no untreated period"}
    gap = fit(frame[frame["period"] != 3])
    assert "reference_moved" in {caution.code for caution in gap.warnings} and set(gap.table["reference"]) == {2}
    with pytest.raises(EstimationError, match="No unit is treated"):
        fit(frame.assign(start=np.nan))


def test_few_treated_get_no_interval():
    result = fit(score_panel(units=12, periods=8, waves=(5,), never=8, seed=3))
    assert np.isnan([result.estimate.ci_low, result.estimate.p_value]).all() and np.isfinite(result.estimate.se)
    assert "few_treated" in {caution.code for caution in result.warnings}


def test_wrong_use():
    frame = score_panel(seed=1)
    for options in ({"variance": "CR2"}, {"count": "score"}, {"exposure": "weight"}, {"ci_level": 2}):
        with pytest.raises(UsageError):
            fit(frame, **options)
    counts = {k: v for k, v in COUNTS.items() if k != "exposure"}
    with pytest.raises(UsageError, match="exposure"):
        did.sun_abraham(simulated_panel(seed=1), **counts)
    with pytest.raises(UsageError, match="jackknife"):
        did.sun_abraham(simulated_panel(seed=1), **COUNTS, variance="jackknife")


def test_counts_without_events_are_named_and_large_counts_are_recovered():
    frame = simulated_panel(units=12, periods=8, waves=(4, 6), rate=2_000, overdispersion=0.0, log_irr=-0.3, seed=1)
    result = did.sun_abraham(frame, **COUNTS)
    assert np.log(result.estimate.value) == pytest.approx(-0.3, abs=4 * result.estimate.se)
    silent = frame.assign(events=frame["events"].mask(frame["unit"] == "D00", 0))
    assert "no_events" in {caution.code for caution in did.sun_abraham(silent, **COUNTS).warnings}
    wave = frame["start"].eq(4) & frame["period"].eq(7)
    with pytest.raises(EstimationError, match=r"poisson_imputation") as caught:
        did.sun_abraham(frame.assign(events=frame["events"].mask(wave, 0)), **COUNTS)
    assert "no event at all in 7" in str(caught.value)


def test_result_reads_well():
    result = fit(score_panel(units=24, periods=8, effect=1.0, seed=2))  # six never adopt: fewer have no interval
    assert "95 % CI" in result.statement() and "event time -1" in result.statement()
    assert "<table" in result._repr_html_()
    with pytest.raises(AttributeError):
        result.estimate = None


def test_size_without_an_effect(quick):
    """70 replicates of 16 units under no effect: Monte-Carlo standard error of a 5 % rate is 2.6 points."""
    rejected = {"CR1": 0, "jackknife": 0}
    values = []
    for seed in range(70):
        frame = score_panel(units=16, periods=7, waves=(4, 6), never=6, seed=5_000 + seed)
        for variance in rejected:
            e = fit(frame, variance=variance).estimate
            rejected[variance] += e.p_value <= 0.05
        values.append(e.value)
    assert abs(np.mean(values)) < 3.3 * np.std(values) / np.sqrt(70)
    assert rejected["jackknife"] <= 10
    assert rejected["CR1"] <= 13, "the standard of fixest is smaller than it should be with few units, but not by much"
