"""The worlds say what they claim: rates, exposure and threats come out of the package's own person-time as they were put in."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from validation import weighting  # noqa: F401 (adds its analyses)
from validation.accept import recovers
from validation.analyses import ANALYSES, Followed
from validation.programme import programme_of
from validation.strained import StrainedWorld, draw_strained
from validation.worlds import LAST, World, draw

EFFECT = math.log(0.75)
PROGRAMME = World(departments=12, staff=1500, waves=(10, 16, 22), never=True, hazard_ratio=1.0, experience=0.0, uptake=-9.0)


def followed(world: World, seed: int) -> Followed:
    return Followed(draw(world, np.random.default_rng(seed)))


def errors_of(world, analyses: list[str], number: int, seed: int, drawer=draw) -> list[tuple[float, float]]:
    """Mean log estimate and its Monte-Carlo error over a few cohorts, for each of the analyses."""
    cohorts = [Followed(drawer(world, np.random.default_rng([seed, r]))) for r in range(number)]
    values = np.array([[ANALYSES[name](who).value for name in analyses] for who in cohorts])
    return list(zip(values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(number), strict=True))


@pytest.mark.parametrize(
    "world",
    [World(), World(departments=10, staff=400), World(transfers=0.05), World(rehire=0.5), World(waves=(3, 9), trend=0.02), World(informative=2)],
    ids=["plain", "few", "transfers", "rehires", "roll-out", "informative"],
)
def test_the_package_follows_everybody_that_was_drawn(world):
    who = followed(world, 3)
    assert len(who.episodes.persons) == world.staff == len(who.draw.tables["staff"])
    again = followed(world, 3)
    assert all(again.draw.tables[name].equals(table) for name, table in who.draw.tables.items())


def test_rates_of_leaving_are_those_of_the_world():
    """Leavers per person-month by year of tenure, within 4 standard errors."""
    world = World(staff=12_000, frailty_sd=0.0, experience=0.0, hazard_ratio=1.0)
    rows = followed(world, 11).rows
    start, stop = rows["start"].to_numpy(), rows["stop"].to_numpy()
    for band, (low, high) in enumerate(((0, 365), (365, 730), (730, 1e5))):
        months = np.clip(np.minimum(stop, high) - np.maximum(start, low), 0, None).sum() / 30.4375
        events = int(((rows["event"] == 1) & (stop > low) & (stop <= high)).sum())
        expected = months * world.hazard[band]
        assert abs(events - expected) < 4 * math.sqrt(expected), band


def test_the_default_analysis_recovers_the_truth_and_zero_is_not_taken_for_it():
    world = World(departments=40, staff=1500)
    (effect,) = errors_of(world, ["default"], 20, 21)
    (nothing,) = errors_of(replace(world, hazard_ratio=1.0), ["default"], 20, 22)
    assert recovers(*effect, EFFECT) and not recovers(*effect, 0.0)
    assert recovers(*nothing, 0.0) and not recovers(*nothing, EFFECT)


def test_what_the_default_analysis_is_there_against_is_in_the_data():
    names = ["naive_plain", "truncation_ignored", "no_strata"]
    for name, (mean, error) in zip(names, errors_of(World(departments=40, hazard_ratio=1.0), names, 16, 23), strict=True):
        assert mean < -3 * error, name


def test_departments_without_mentoring_say_nothing():
    estimate = followed(World(informative=8, hazard_ratio=1.0), 5).default_fit.estimate
    assert estimate.n_clusters == 8 and estimate.df == 7


def test_a_trend_confounds_a_roll_out_unless_the_calendar_is_in_the_model():
    without, within = errors_of(World(waves=(6, 12, 18), trend=0.03, hazard_ratio=1.0), ["default", "calendar"], 10, 24)
    assert not recovers(*without, 0.0) and recovers(*within, 0.0)


def test_an_effect_that_starts_late_is_diluted_without_a_lag():
    diluted, lagged = errors_of(World(late_months=9.0, hazard_ratio=0.6), ["default", "lag_9"], 12, 25)
    assert not recovers(*diluted, math.log(0.6)) and recovers(*lagged, math.log(0.6))


def test_transfers_and_rehires_are_in_the_data():
    moved = followed(World(transfers=0.05), 6).draw.tables["spells"]
    assert (moved["leaving_reason"] == "transfer").sum() > 100
    who = followed(World(rehire=0.5), 6)
    assert who.draw.tables["spells"]["staff_id"].duplicated().sum() > 100
    assert "rehires_bridged" in {note.code for note in who.episodes.notes}
    assert who.episodes_of(bridge_gap=0).leavers("voluntary") > who.episodes.leavers("voluntary")


def test_competing_exits_depend_on_mentoring_when_censoring_is_informative():
    calm = followed(World(latent_sd=0.8, other_exits=0.01, staff=6000), 7)
    loud = followed(World(latent_sd=0.8, other_exits=0.01, latent_other=0.8, latent_other_mentored=0.8, other_mentored=0.5, staff=6000), 7)
    assert ANALYSES["other_exits"](loud).p < 1e-6 < ANALYSES["other_exits"](calm).p


# ---- intention to treat --------------------------------------------------------------------


@pytest.mark.parametrize("trend", [0.0, 0.02])
def test_the_truth_of_the_programme_is_its_effect(trend):
    for effect in (0.0, -0.3):
        assert programme_of(followed(replace(PROGRAMME, trend=trend, programme_jump=effect), 8)).truth == pytest.approx(effect, abs=1e-12)
    growing = programme_of(followed(replace(PROGRAMME, trend=trend, programme_growth=-0.04), 8)).truth
    assert -0.04 * 26 < growing < -0.04 * 3


def test_observed_leavers_under_the_programme_are_the_expected_ones():
    """Observed over expected counts of target cells, from the world's own hazards, in a large cohort."""
    world = replace(PROGRAMME, staff=20_000, programme_growth=-0.04, trend=0.02)
    who = followed(world, 9)
    cells = programme_of(who).imputation.cells
    chosen = cells[cells["role"] == "target"]
    dept = chosen["unit"].str.slice(1, 3).astype(int).to_numpy() - 1
    band = chosen["unit"].str.split("|").str[1].map({"0-365": 0, "365-730": 1, "730+": 2}).to_numpy()
    month = chosen["time"].to_numpy(int) - 1
    rate = np.asarray(world.hazard)[band] * 12
    rate = rate * np.exp(who.draw.log_frailty[dept] + 0.02 * month - 0.04 * (month - who.draw.go_live[dept]))
    expected = float((chosen["exposure"].to_numpy() * rate).sum())
    assert abs(chosen["observed"].sum() - expected) < 4 * math.sqrt(expected)


def test_imputation_finds_a_growing_effect_and_none():
    found = [ANALYSES["imputation"](followed(replace(PROGRAMME, programme_growth=-0.04), 60 + r)) for r in range(4)]
    assert all(f.low < f.truth < f.high for f in found)
    assert np.mean([f.value for f in found]) < -0.15
    null = [ANALYSES["imputation"](followed(PROGRAMME, 70 + r)) for r in range(4)]
    assert sum(f.low < 0 < f.high for f in null) >= 3 and abs(np.mean([f.value for f in null])) < 0.35


# ---- time-varying confounding --------------------------------------------------------------


def test_only_weighting_finds_no_effect_where_strain_confounds():
    null = StrainedWorld(staff=3000, hazard_ratio=1.0, strain_mentored=0.0)
    confounded, weighted = errors_of(null, ["default", "strain_weighted"], 6, 26, draw_strained)
    assert confounded[0] > 0.08 and not recovers(*confounded, 0.0)
    assert recovers(*weighted, 0.0)


def test_visits_and_tables_are_one_cohort():
    made = draw_strained(StrainedWorld(), np.random.default_rng(27))
    who, visits = Followed(made), made.more["visits"]
    days = (visits["stop"] - visits["start"]).sum()
    assert who.episodes.person_days == days and who.episodes.leavers("voluntary") == visits["event"].sum()
    assert who.episodes.mentored_days == ((visits["stop"] - visits["start"]) * visits["mentored"]).sum()
    assert visits["stop"].max() <= LAST
