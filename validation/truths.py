"""Truths that no formula gives, from large cohorts of the same world: total effects, limits under heterogeneity, restricted means.

Seeds are of their own; each truth carries its Monte-Carlo error (results/truths.csv).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.questions.retention.model_rows import default_cox
from validation.analyses import Followed, default
from validation.cells import HERE
from validation.strained import StrainedWorld, draw_strained
from validation.worlds import MONTH, World, draw

__all__ = ["TRUTHS", "compute", "read_truths"]

SEED, DRAWS, LARGE = 424_242, 24, 40_000
LANDMARK, TAU = round(9 * MONTH), 24 * MONTH


def uptake(world: StrainedWorld, rngs: list[np.random.Generator]) -> tuple[float, ...]:
    """Of those not yet matched at each visit, the share that is matched then."""
    waiting, starts = np.zeros(40), np.zeros(40)
    for rng in rngs:
        visits = draw_strained(replace(world, staff=LARGE), rng).more["visits"]
        waiting += np.bincount(visits["visit"], visits["waiting"], 40)
        starts += np.bincount(visits["visit"], visits["starts"], 40)
    return tuple((starts / np.maximum(waiting, 1))[waiting > 0])


def strained_total(world: StrainedWorld, seed: int) -> tuple[float, float]:
    """Log hazard ratio of the default model when matches start at random, at the shares that are matched at each visit."""
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(DRAWS)]
    chances = uptake(world, rngs)
    logs = []
    for rng in rngs:
        visits = draw_strained(replace(world, staff=LARGE, random_start=chances), rng).more["visits"]
        logs.append(math.log(default_cox(visits, "mentored", ["experience"], "event", "dept_id").estimate.value))
    return float(np.mean(logs)), float(np.std(logs, ddof=1) / math.sqrt(DRAWS))


def strained_odds(world: StrainedWorld, seed: int) -> tuple[float, float]:
    """The same as a log odds ratio per visit, by plain logistic regression (statsmodels)."""
    import statsmodels.api as sm

    logs = []
    chances = uptake(world, [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)])
    for child in np.random.SeedSequence(seed + 1).spawn(6):
        visits = draw_strained(replace(world, staff=LARGE, random_start=chances), np.random.default_rng(child)).more["visits"]
        groups = [pd.get_dummies(visits[name], dtype=float) for name in ("dept_id", "visit")]
        columns = [visits[["mentored", "experience"]].astype(float), groups[0], groups[1].iloc[:, 1:]]
        design = np.column_stack([frame.to_numpy() for frame in columns])
        logs.append(float(sm.GLM(visits["event"].to_numpy(float), design, family=sm.families.Binomial()).fit().params[0]))
    return float(np.mean(logs)), float(np.std(logs, ddof=1) / math.sqrt(len(logs)))


def default_limit(world: World, seed: int) -> tuple[float, float]:
    """Where the default analysis goes in a large cohort of a world without the threat."""
    rngs = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(DRAWS)]
    logs = [default(Followed(draw(replace(world, staff=LARGE), rng))).value for rng in rngs]
    return float(np.mean(logs)), float(np.std(logs, ddof=1) / math.sqrt(DRAWS))


def _restricted_mean(total_before: np.ndarray, total_after: np.ndarray, switch: np.ndarray, later: np.ndarray, begin: float) -> np.ndarray:
    """Expected months employed in (0, TAU] from the landmark, hazards changing with tenure (rows: pieces) and at ``switch``."""
    grid = np.arange(0.0, TAU, MONTH / 4) + MONTH / 8
    step = MONTH / 4
    alive, mean = np.ones(len(switch)), np.zeros(len(switch))
    for middle in grid:
        band = int(middle + begin > 365) + int(middle + begin > 730)
        rate = np.where(later & (middle > switch), total_after[band], total_before[band])
        mean += alive * np.where(rate > 0, -np.expm1(-rate * step) / np.maximum(rate, 1e-12), step)
        alive *= np.exp(-rate * step)
    return mean / MONTH


def restricted_mean_difference(world: World, seed: int) -> tuple[float, float]:
    """Months still employed within 24 of the landmark: everybody mentored by then, less nobody by then (later starts as they come)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS):
        large = replace(world, staff=LARGE)
        cohort = draw(large, rng)
        who = Followed(cohort)
        persons = who.episodes.persons
        here = persons[(persons["entry"] <= LANDMARK) & (persons["stop"] > LANDMARK)]
        dept = here["dept_at_entry"].str.slice(1).astype(int).to_numpy() - 1
        experience = here["experience"].to_numpy(float)
        z = cohort.log_frailty / large.frailty_sd if large.frailty_sd else np.zeros(large.departments)
        odds = large.uptake + large.uptake_experience * experience + large.uptake_frailty * z[dept]
        willing = 1 / (1 + np.exp(-odds))
        waits = math.exp(-LANDMARK / (large.delay * MONTH))
        later = rng.random(len(here)) < willing * waits / (1 - willing + willing * waits)
        switch = rng.exponential(large.delay * MONTH, len(here))
        base = np.asarray(large.hazard)[:, None] / MONTH * np.exp(cohort.log_frailty[dept] + large.experience * experience)
        other = large.other_exits / MONTH
        treated = _restricted_mean(base * large.hazard_ratio + other, base, switch, np.zeros(len(here), bool), LANDMARK)
        control = _restricted_mean(base + other, base * large.hazard_ratio + other, switch, later, LANDMARK)
        found.append(float((treated - control).mean()))
    return float(np.mean(found)), float(np.std(found, ddof=1) / math.sqrt(DRAWS))


TRUTHS: dict[str, Callable[[], tuple[float, float]]] = {
    "strained_total": lambda: strained_total(StrainedWorld(), SEED),
    "strained_odds": lambda: strained_odds(StrainedWorld(), SEED + 3),
    "latent_limit": lambda: default_limit(World(latent_sd=0.8, other_exits=0.01), SEED + 1),
    "rmst_effect": lambda: restricted_mean_difference(World(), SEED + 2),
}


def compute() -> pd.DataFrame:
    """All truths anew, stored beside the results."""
    rows = [{"name": name, "truth": made[0], "error": made[1]} for name, made in ((name, make()) for name, make in TRUTHS.items())]
    frame = pd.DataFrame(rows)
    frame.to_csv(HERE / "results" / "truths.csv", index=False, float_format="%.6f")
    return frame


def read_truths() -> dict[str, tuple[float, float]]:
    frame = pd.read_csv(HERE / "results" / "truths.csv")
    return {key: (truth, error) for key, truth, error in zip(frame["name"], frame["truth"], frame["error"], strict=True)}
