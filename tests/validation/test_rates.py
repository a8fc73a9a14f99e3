"""Panels of counts with a known truth: the worlds say what they claim, and the default analysis finds effect and none, with intervals that hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError
from validation.accept import NOMINAL, binomial_interval, recovers
from validation.analyses import ANALYSES
from validation.cells import HERE, Batch, Cell, read_plan
from validation.rates_analyses import linearised
from validation.rates_fits import Counted, RateFit, in_time_placebo
from validation.rates_watch import parallel_rates, would_say
from validation.rates_worlds import COLUMNS, NEVER, RateDraw, RateWorld, draw_rates
from validation.run import columns_of, replicate
from validation.tables import markdown, summarise

EFFECT = math.log(0.80)
ROUGH = RateWorld(departments=12, effect=0.0, dispersion=0.3, wander=0.4, memory=0.6)


def drawn(world: RateWorld, seed: int, number: int) -> RateDraw:
    return draw_rates(world, np.random.default_rng([seed, number]))


def fits(world: RateWorld, seed: int, number: int) -> list[RateFit]:
    return [RateFit(panel, panel.rows) for panel in (drawn(world, seed, r) for r in range(number))]


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


# ---- what the default analysis is claimed to do ----------------------------------------------


def test_the_default_analysis_finds_the_effect_and_does_not_take_none_for_it():
    """Against the constant 0.80, not against the draws' own truth, so that a world whose effect were set to zero fails."""
    found = mean_and_error([made.value for made in fits(RateWorld(), 51, 40)])
    nothing = mean_and_error([made.value for made in fits(RateWorld(effect=0.0), 52, 40)])
    assert recovers(*found, EFFECT) and not recovers(*found, 0.0)
    assert recovers(*nothing, 0.0) and not recovers(*nothing, EFFECT)


def test_jackknife_intervals_hold_in_noisy_data_where_those_of_poisson_counts_do_not():
    """60 panels with strong overdispersion: the exact 99 % interval of the coverage of CR3 t reaches 95 %; with a Poisson standard error
    in its place it would not. (So few panels say nothing about the floor of 93 %.)
    """
    made = fits(ROUGH, 53, 60)
    held = sum(one.result.irr.ci_low <= 1 <= one.result.irr.ci_high for one in made)
    as_poisson = sum(abs(one.value) < 1.96 * linearised(one)[1] for one in made)
    assert binomial_interval(held, len(made))[1] >= NOMINAL > binomial_interval(as_poisson, len(made))[1]
    spread = np.std([one.value for one in made], ddof=1)
    assert np.mean([one.result.irr.se for one in made]) == pytest.approx(spread, rel=0.25)
    assert np.mean([linearised(one)[1] for one in made]) < 0.65 * spread


def test_the_permutation_test_rejects_an_effect_more_often_than_none():
    seen = [
        sum(Counted(drawn(world, 54, r)).default.result.permutation_p < 0.05 for r in range(12))
        for world in (RateWorld(effect=-0.7), RateWorld(effect=0.0))
    ]  # fmt: skip
    assert seen[0] >= 10 and seen[1] <= 3


def test_choosing_months_by_their_events_makes_a_benefit_out_of_nothing():
    thin = RateWorld(effect=0.0, rate=0.3, waves=(8,) * 4 + (12,) * 4 + (16,) * 4 + (20,) * 4 + (24,) * 3 + (27, 27, 30, 33, NEVER))
    gap = []
    for who in (Counted(drawn(thin, 55, r)) for r in range(25)):
        try:
            gap.append(ANALYSES["rates_months_1"](who).value - ANALYSES["rates_controls_2"](who).value)
        except EstimationError:  # so few events that no ratio exists
            continue
    assert len(gap) >= 20
    gap = np.array(gap)
    assert gap.mean() < -0.1 and gap.mean() < -3 * gap.std(ddof=1) / math.sqrt(len(gap))


def test_departments_chosen_for_bad_months_feign_a_benefit_and_show_in_the_months_before():
    worlds = [RateWorld(effect=0.0, departments=60, allocation="recent"), RateWorld(effect=0.0, departments=60)]
    chosen, by_chance = ([Counted(drawn(world, 56, r)) for r in range(5)] for world in worlds)
    assert np.mean([who.default.value for who in chosen]) < -0.08
    assert sum("~rise_before" in would_say(who, who.default) for who in chosen) >= 4
    assert sum("~rise_before" in would_say(who, who.default) for who in by_chance) <= 1


# ---- the worlds ------------------------------------------------------------------------------


def test_counts_are_those_of_the_means_and_the_effect_is_that_of_the_cells():
    """Sums of counts over sums of true means, treated and not, within 4 Monte-Carlo errors over 60 panels."""
    seen = []
    for r in range(60):
        panel = drawn(RateWorld(), 57, r)
        events = panel.rows["events"].to_numpy().reshape(panel.ratio.shape)
        treated = panel.ratio != 1
        mean = panel.without * panel.ratio
        seen.append([events[cells].sum() / mean[cells].sum() for cells in (treated, ~treated)])
    mean, error = np.mean(seen, axis=0), np.std(seen, axis=0, ddof=1) / math.sqrt(60)
    assert (np.abs(mean - 1) < 4 * error).all() and (error < 0.02).all()


def test_the_true_ratio_is_about_080_and_exactly_1_under_the_null():
    truths = [made.truth for made in fits(RateWorld(), 58, 12)]
    assert np.mean(truths) == pytest.approx(EFFECT, abs=0.03)
    assert {made.truth for made in fits(RateWorld(effect=0.0), 58, 3)} == {0.0}


def test_patient_days_differ_tenfold_and_noise_is_overdispersed_and_autocorrelated():
    panel = drawn(RateWorld(departments=400, effect=0.0, rate=60.0), 59, 0)
    days = panel.rows.groupby("dept_id")["patient_days"].mean()
    assert 8 < days.max() / days.min() < 13
    events = panel.rows["events"].to_numpy().reshape(panel.without.shape)
    relative = events / panel.without - 1
    variance = float((relative**2).mean() - (1 / panel.without).mean())
    wander = math.exp(0.2**2) - 1
    assert variance == pytest.approx((1 + 0.05) * (1 + wander) - 1, rel=0.1)
    assert np.mean(relative[:, 1:] * relative[:, :-1]) == pytest.approx(math.exp(0.2**2 * 0.4) - 1, rel=0.25)


@pytest.mark.parametrize(
    ("allocation", "trait"),
    [("level", lambda panel: -np.log(panel.without / panel.rows["patient_days"].to_numpy().reshape(panel.without.shape))[:, 0]),
     ("improving", lambda panel: (lambda rate: np.log(rate[:, 24] / rate[:, 0]))(panel.without / panel.rows["patient_days"].to_numpy().reshape(
         panel.without.shape))),
     ("worsening", lambda panel: (lambda rate: np.log(rate[:, 0] / rate[:, 24]))(panel.without / panel.rows["patient_days"].to_numpy().reshape(
         panel.without.shape)))],
    ids=["level", "improving", "worsening"],
)  # fmt: skip
def test_timing_follows_what_it_is_said_to_follow(allocation, trait):
    panel = drawn(RateWorld(departments=200, effect=0.0, allocation=allocation, slope_sd=0.01), 60, 0)
    go_live = panel.rows.groupby("dept_id")["go_live"].first().fillna(NEVER).to_numpy()
    assert np.corrcoef(np.argsort(np.argsort(trait(panel))), np.argsort(np.argsort(go_live)))[0, 1] > 0.6


def test_the_worst_of_the_last_six_months_join_first():
    panel = drawn(RateWorld(effect=0.0, allocation="recent"), 61, 0)
    rows = panel.rows
    recent = rows[(rows["month"] >= 4) & (rows["month"] <= 9)].groupby("dept_id")[["events", "patient_days"]].sum()
    worst = (recent["events"] / recent["patient_days"]).nlargest(6).index
    assert set(worst) == set(rows.loc[rows["go_live"] == 10, "dept_id"])


def test_missing_months():
    whole = 24 * 36
    outage, withheld, scattered = (drawn(RateWorld(missing=how), 62, 0).rows for how in ("outage", "withheld", "scattered"))
    assert len(outage) == whole - 8 and len(withheld) == whole - 18 and 0.94 < len(scattered) / whole < 0.995
    full = drawn(RateWorld(), 62, 0).rows
    gone = full.merge(withheld[["dept_id", "month"]], how="left", indicator=True).query("_merge == 'left_only'")
    assert (gone["month"] >= gone["go_live"]).all()
    with pytest.raises(ValueError, match="Unknown kind"):
        drawn(RateWorld(missing="some"), 62, 0)


# ---- the figures -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one() -> Counted:
    return Counted(drawn(RateWorld(), 63, 0))


def test_linearised_errors_are_those_of_the_dense_fit(one):
    """Delta method with dummies of all departments and months, written out."""
    cells = one.default.result.cells
    unit, time = (np.unique(cells[name], return_inverse=True)[1] for name in ("unit", "time"))
    dummies = np.column_stack([np.eye(24)[unit], np.eye(36)[time][:, 1:]])
    fit, target = (cells["role"] == "untreated").to_numpy(), (cells["role"] == "target").to_numpy()
    mean, events = cells["expected"].to_numpy(), cells["observed"].to_numpy()
    bread = np.linalg.inv(dummies[fit].T @ (dummies[fit] * mean[fit, None]))
    gradient = dummies[target].T @ mean[target] / mean[target].sum()
    parts = np.zeros(24)
    np.add.at(parts, unit[target], (events - mean * events[target].sum() / mean[target].sum())[target] / events[target].sum())
    np.add.at(parts, unit[fit], -(dummies[fit] * (events - mean)[fit, None]) @ bread @ gradient)
    expected = math.sqrt(24 / 23 * (parts**2).sum()), math.sqrt(1 / events[target].sum() + gradient @ bread @ gradient)
    assert linearised(one.default) == pytest.approx(expected, rel=1e-8)


def test_parallel_rates_are_those_of_linear_imputation(one):
    rows = one.rows.assign(rate=one.rows["events"] / one.rows["patient_days"])
    fit = did.linear_imputation(rows, outcome="rate", weights="patient_days", unit="dept_id", time="month", adopted="go_live", permutations=0)
    days = one.default.targets[2].sum()
    observed = one.default.result.observed
    assert parallel_rates(one.default) == pytest.approx(math.log(observed / (observed - fit.estimate.value * days)), rel=1e-6)


def test_the_placebo_in_time_leaves_treated_cells_out(one):
    rows = one.rows[one.untreated]
    again = did.poisson_imputation(rows.assign(go_live=rows["go_live"] - 6), **COLUMNS, permutations=0)
    assert in_time_placebo(one, 6).value == again.irr.value
    assert again.observed == rows.loc[rows["month"] >= rows["go_live"] - 6, "events"].sum()


def test_the_interval_of_the_permutation_test_holds_the_truth_or_not(one):
    found = ANALYSES["rates_at_truth"](one)
    assert found.high == math.inf and found.low in (-math.inf, math.inf) and math.isnan(found.p)


def test_no_difference_on_the_rate_without_an_effect():
    who = Counted(drawn(RateWorld(effect=0.0), 64, 0))
    for name in ("rates_linear", "rates_callaway"):
        found = ANALYSES[name](who)
        assert found.truth == 0.0 and found.low < found.value < found.high


# ---- plan and table --------------------------------------------------------------------------


def test_the_plan_holds_the_cells_that_the_rule_asks_for():
    plan = read_plan(HERE / "validate.toml")
    cells = [cell for cell in plan.cells if cell.kind == "rates"]
    headline = {(cell.world["departments"], cell.truth) for cell in cells for batch in cell.batches if batch.table == "rates_headline"}
    assert {(g, t) for g in (60, 24, 12, 8) for t in (0.8, 1.0)} == headline
    for cell in cells:
        world = RateWorld(**{name: tuple(value) if isinstance(value, list) else value for name, value in cell.world.items()})
        assert (world.effect == 0 and world.drift == 0) == (cell.truth == 1.0)
        for batch in cell.batches:
            assert batch.replicates >= (5000 if batch.table == "rates_headline" else 1000 if batch.claimed else 300)


def test_what_the_report_says_is_kept_and_told():
    batch = Batch("t", ("rates_default", "rates_permutation"), 1, ("rates_default",))
    cell = Cell("c", "c", "rates", 65, {"waves": [10, 16, 22]}, (batch,))
    rows = [row for number in range(2) for row in replicate(cell, batch, number)]
    assert [row[:9] for row in rows[:2]] == [row[:9] for row in replicate(cell, batch, 0)]
    frame = pd.DataFrame(rows, columns=columns_of(cell))
    table = summarise(frame, 0.0).assign(cell="c", table="t")
    assert "`control_only` 100" in table["said"].iloc[0] and table["said"].iloc[1] == ""
    text = markdown(table, dict.fromkeys(batch.analyses, "x"), {"c": "cell"}, {}, {})
    assert "report warns" in text and "`control_only` 100" in text
    assert "report warns" not in markdown(table.assign(said=""), dict.fromkeys(batch.analyses, "x"), {"c": "cell"}, {}, {})


def test_draws_do_not_depend_on_what_else_is_asked(one):
    again = drawn(RateWorld(), 63, 0)
    assert again.rows.equals(one.rows) and again.seed == one.drawn.seed
    assert replace(again.world, effect=0.0) != again.world
