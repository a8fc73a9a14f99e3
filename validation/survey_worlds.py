"""Surveys with a known truth: people in departments, a score before and at three waves after, answers missing by what was or would have been said.

The programme is given to half of the departments, at random. A score has SD 10: its variance between departments is ``icc`` of the whole, half of the
rest is a person's own. Everybody in a department of the arm scores ``effect`` higher at every wave, whether or not the answer is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["SurveyDraw", "SurveyWorld", "draw_survey"]

SD = 10.0


@dataclass(frozen=True, kw_only=True)
class SurveyWorld:
    """Log odds are of an answer, per SD of the score."""

    departments: int = 24
    staff: float = 20.0  # mean people asked in a department
    uneven: float = 0.5  # SD of the log of that number
    icc: float = 0.05
    effect: float = -2.5
    waves: int = 3
    response: tuple[float, ...] = (0.70, 0.60, 0.50)
    by_baseline: float = -0.3  # the worse off (a high score is bad) answer less, as their baseline tells: missing at random
    by_score: float = 0.0  # the same by the score that would have been given: not at random, in both arms
    by_score_arm: float = 0.0  # more of it in the arm, which is what biases a comparison


@dataclass(frozen=True)
class SurveyDraw:
    """rows: person, dept, arm, base, wave, whole (what would be answered), y (what was)."""

    world: SurveyWorld
    rows: pd.DataFrame
    seed: int


def draw_survey(world: SurveyWorld, rng: np.random.Generator) -> SurveyDraw:
    sizes = np.maximum(4, np.round(world.staff * np.exp(world.uneven * rng.standard_normal(world.departments) - world.uneven**2 / 2))).astype(int)
    dept = np.repeat(np.arange(world.departments), sizes)
    n = len(dept)
    arm = (rng.permutation(world.departments) % 2)[dept]
    level = SD * np.sqrt(world.icc) * rng.standard_normal(world.departments)[dept]
    spread = SD * np.sqrt((1 - world.icc) / 2)
    person = 25 + level + spread * rng.standard_normal(n)
    base = person + spread * rng.standard_normal(n)
    parts = []
    for wave in range(world.waves):
        whole = person + world.effect * arm + spread * rng.standard_normal(n)
        share = world.response[min(wave, len(world.response) - 1)]
        odds = np.log(share / (1 - share)) + world.by_baseline * (base - 25) / SD + (world.by_score + world.by_score_arm * arm) * (whole - 25) / SD
        there = rng.random(n) < 1 / (1 + np.exp(-odds))
        parts.append(pd.DataFrame({"person": np.arange(n), "dept": dept, "arm": arm, "base": base, "wave": wave + 1, "whole": whole,
                                   "y": np.where(there, whole, np.nan)}))  # fmt: skip
    return SurveyDraw(world, pd.concat(parts, ignore_index=True), int(rng.integers(2**31)))
