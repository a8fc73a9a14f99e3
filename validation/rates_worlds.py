"""Panels of counts with a known truth: departments over months, go-live in waves, one knob for each threat to the analysis.

The untreated count of a cell is Poisson with mean days x rate x gamma noise x exp(autoregressive noise); the treated count is the same
count thinned by the effect (or raised by a further Poisson count), so that what departments were chosen by and what they show later
come from one history. Months count from 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["COLUMNS", "NEVER", "RateDraw", "RateWorld", "draw_rates"]

NEVER = 99
COLUMNS = {"count": "events", "exposure": "patient_days", "unit": "dept_id", "time": "month", "adopted": "go_live"}


@dataclass(frozen=True, kw_only=True)
class RateWorld:
    """Log effects are natural logarithms; rates are per 1,000 patient-days."""

    departments: int = 24
    months: int = 36
    waves: tuple[int, ...] = (10, 16, 22, NEVER)  # first month of the programme, of equal groups of departments
    rate: float = 3.5
    smallest: float = 200.0  # patient-days a month of the smallest departments; the largest have ten times as many
    level_sd: float = 0.35  # of departments' log rates
    secular: float = -0.005  # log rate per month
    season: float = 0.08  # amplitude over the year, log rate
    additive: float = 0.0  # common rise over the window in units of the mean rate, the same for all departments on the scale of the rate
    # noise
    dispersion: float = 0.05  # variance of the gamma factor of a cell
    wander: float = 0.2  # SD of the autoregressive log rate of a department
    memory: float = 0.4  # its correlation from month to month
    # effect: log ratio of the average department in the long run
    effect: float = -0.248
    effect_sd: float = 0.1  # between departments
    effect_slope: float = 0.3  # the first wave has so much more than the average, the last so much less
    effect_delay: float = 3.0  # months in which it grows to 63 %
    # who goes live when: random; level (highest permanent rates first); recent (the worst of the last `look_back` months, at each wave);
    # improving, worsening (departments on such a trend first)
    allocation: str = "random"
    look_back: int = 6
    slope_sd: float = 0.0  # of departments' own trends, log rate per month
    drift: float = 0.0  # of all departments that go live, log rate per month, before go-live and after
    # what is missing: none; scattered (3 % of cells); outage (the same month in a third of departments); withheld (the worst month after go-live)
    missing: str = "none"


@dataclass(frozen=True)
class RateDraw:
    """rows: what an evaluator has (`COLUMNS`), absent cells left out; without, ratio (I, T): true untreated means, apart from the noise, and
    true effects; seed: for the permutations of this replicate."""

    world: RateWorld
    rows: pd.DataFrame
    without: np.ndarray
    ratio: np.ndarray
    seed: int

    def events_without(self, dept: np.ndarray, month: np.ndarray) -> float:
        """Expected events of cells (places in the arrays) without the programme."""
        return float(self.without[dept, month].sum())

    def events_with(self, dept: np.ndarray, month: np.ndarray) -> float:
        return float((self.without * self.ratio)[dept, month].sum())


def _wandering(world: RateWorld, rng: np.random.Generator) -> np.ndarray:
    """exp of a stationary AR(1), mean 1, (I, T)."""
    shocks = rng.normal(size=(world.departments, world.months)) * world.wander
    state = shocks.copy()
    for t in range(1, world.months):
        state[:, t] = world.memory * state[:, t - 1] + math.sqrt(1 - world.memory**2) * shocks[:, t]
    return np.exp(state - world.wander**2 / 2)


def _in_waves(world: RateWorld, rng: np.random.Generator, level: np.ndarray, slope: np.ndarray, events: np.ndarray, days: np.ndarray) -> np.ndarray:
    """First month of the programme for each department."""
    number = world.departments
    months = np.sort(np.resize(world.waves, number))
    if world.allocation == "recent":
        out, waiting = np.full(number, NEVER), rng.permutation(number)
        for month in np.unique(months[months < NEVER]):
            seen = slice(max(month - 1 - world.look_back, 0), month - 1)
            worst = events[waiting, seen].sum(axis=1) / days[waiting, seen].sum(axis=1)
            order = waiting[np.argsort(-worst, kind="stable")]
            size = int((months == month).sum())
            out[order[:size]], waiting = month, order[size:]
        return out
    score = {
        "random": rng.normal(size=number),
        "level": -level + 0.1 * rng.normal(size=number),
        "improving": slope + 0.5 * world.slope_sd * rng.normal(size=number),
        "worsening": -slope + 0.5 * world.slope_sd * rng.normal(size=number),
    }[world.allocation]
    out = np.empty(number, dtype=int)
    out[np.argsort(score, kind="stable")] = months
    return out


def _effects(world: RateWorld, rng: np.random.Generator, go_live: np.ndarray) -> np.ndarray:
    """True rate ratio of each cell (I, T)."""
    own = rng.normal(size=world.departments) * world.effect_sd
    since = np.arange(1, world.months + 1)[None, :] - go_live[:, None]
    if world.effect == 0:
        return np.ones(since.shape)
    waves = np.unique(go_live[go_live < NEVER])
    place = np.searchsorted(waves, np.minimum(go_live, waves[-1])) / max(len(waves) - 1, 1)
    long_run = world.effect * (1 + world.effect_slope * (1 - 2 * place)) + own
    grown = 1 - np.exp(-(np.maximum(since, 0) + 1) / world.effect_delay)
    return np.where(since >= 0, np.exp(long_run[:, None] * grown), 1.0)


def _present(world: RateWorld, rng: np.random.Generator, go_live: np.ndarray, rates: np.ndarray) -> np.ndarray:
    shape = rates.shape
    here = np.ones(shape, dtype=bool)
    if world.missing == "scattered":
        here = rng.random(shape) >= 0.03
    elif world.missing == "outage":
        lost = rng.permutation(world.departments)[: world.departments // 3]
        here[lost, rng.integers(world.months)] = False
    elif world.missing == "withheld":
        treated = np.arange(1, world.months + 1)[None, :] >= go_live[:, None]
        some = treated.any(axis=1)
        here[np.flatnonzero(some), np.where(treated, rates, -1.0).argmax(axis=1)[some]] = False
    elif world.missing != "none":
        raise ValueError(f"Unknown kind of missing months {world.missing!r}.")
    return here


def draw_rates(world: RateWorld, rng: np.random.Generator) -> RateDraw:
    """One panel of ``world``."""
    number, month = world.departments, np.arange(1, world.months + 1)
    size = world.smallest * 10 ** rng.random(number)
    days = np.maximum(np.round(size[:, None] * np.exp(rng.normal(size=(number, world.months)) * 0.08)), 1.0)
    level, slope = rng.normal(size=number) * world.level_sd, rng.normal(size=number) * world.slope_sd
    common = world.secular * month + world.season * np.sin(2 * np.pi * month / 12)
    rates = world.rate * np.exp(level[:, None] + slope[:, None] * month + common)
    rates = rates + world.rate * world.additive * month / world.months
    without = days * rates / 1000
    noise = _wandering(world, rng)
    if world.dispersion:
        noise = noise * rng.gamma(1 / world.dispersion, world.dispersion, noise.shape)
    untreated = rng.poisson(without * noise)
    go_live = _in_waves(world, rng, level, slope, untreated, days)
    ratio = _effects(world, rng, go_live)
    drift = np.exp(world.drift * np.outer(go_live < NEVER, month - month.mean()))
    changed = drift * ratio
    fewer, more = rng.binomial(untreated, np.minimum(changed, 1)), rng.poisson(without * noise * np.maximum(changed - 1, 0))
    events = fewer + more
    here = _present(world, rng, go_live, events / days)
    rows = pd.DataFrame({
        "dept_id": np.repeat([f"D{i:03d}" for i in range(number)], world.months), "month": np.tile(month, number),
        "events": events.ravel(), "patient_days": days.ravel(), "go_live": np.repeat(np.where(go_live < NEVER, go_live, np.nan), world.months),
    })  # fmt: skip
    return RateDraw(world, rows[here.ravel()].reset_index(drop=True), without * drift, ratio, int(rng.integers(2**31)))
