"""Surveys with a known truth: the worlds say what they claim, and the default analysis finds an effect and none, with intervals that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from validation.accept import NOMINAL, binomial_interval, recovers
from validation.analyses import ANALYSES, Found
from validation.cells import read_plan
from validation.run import replicate
from validation.survey_analyses import Surveyed
from validation.survey_worlds import SurveyWorld, draw_survey


def made(world: SurveyWorld, seed: int, number: int) -> list[Surveyed]:
    return [Surveyed(draw_survey(world, np.random.default_rng([seed, r]))) for r in range(number)]


def answers(name: str, surveyed: list[Surveyed]) -> list[Found]:
    return [ANALYSES[name](who) for who in surveyed]  # type: ignore[misc]


def mean_and_error(found: list[Found]) -> tuple[float, float]:
    values = [one.value for one in found]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def test_the_world_has_the_correlations_and_answers_that_it_claims():
    rows = draw_survey(SurveyWorld(departments=400, icc=0.10, effect=-4.0), np.random.default_rng(1)).rows
    first = rows[rows["wave"] == 1]
    assert first["whole"].std() == pytest.approx(10.2, abs=0.3) and first["whole"].corr(first["base"]) == pytest.approx(0.55, abs=0.04)
    assert rows.groupby("wave")["y"].apply(lambda y: y.notna().mean()).tolist() == pytest.approx([0.70, 0.60, 0.50], abs=0.02)
    means = first.groupby(["arm", "dept"])["whole"].mean().groupby("arm")
    assert means.mean()[1] - means.mean()[0] == pytest.approx(-4.0, abs=1.0)
    assert first.loc[first["y"].isna(), "base"].mean() > first["base"].mean() + 0.5  # the worse off answer less


def test_the_default_finds_the_effect_and_none_where_there_is_none():
    """Few departments: intervals hold, and those of a model that does not know of departments would not."""
    about = {"departments": 12, "staff": 40.0, "icc": 0.4, "waves": 2}
    effect, null = made(SurveyWorld(effect=-8.0, **about), 71, 16), made(SurveyWorld(effect=0.0, **about), 72, 36)
    found, nothing = answers("survey_unstructured", effect), answers("survey_unstructured", null)
    assert recovers(*mean_and_error(found), -8.0) and not recovers(*mean_and_error(found), 0.0)
    assert recovers(*mean_and_error(nothing), 0.0) and not recovers(*mean_and_error(nothing), -8.0)
    held = sum(one.low <= 0 <= one.high for one in nothing)
    blind = sum(one.low <= 0 <= one.high for one in answers("survey_independent", null))
    assert binomial_interval(held, len(null))[1] >= NOMINAL > binomial_interval(blind, len(null))[1]


def test_answers_missing_in_the_arm_by_their_score_bias_what_takes_them_as_random():
    world = SurveyWorld(departments=16, staff=40.0, effect=0.0, waves=1, response=(0.5,), by_baseline=0.0, by_score_arm=-1.2)
    surveyed = made(world, 73, 6)
    for name in ("survey_ancova", "survey_imputed"):
        assert mean_and_error(answers(name, surveyed))[0] < -1.5
    assert recovers(*mean_and_error(answers("survey_shifted", surveyed)), 0.0, tolerance=0.3)


def test_the_plan_holds_the_cells_that_the_rule_asks_for():
    cells = [cell for cell in read_plan().cells if cell.kind == "surveys"]
    headline = {(c.world["departments"], c.world["effect"], c.world.get("icc", 0.05)) for c in cells if c.batches[0].table == "surveys_headline"}
    assert headline >= {(g, e, 0.05) for g in (24, 12, 8) for e in (-2.5, 0.0)} | {(12, e, icc) for e in (-2.5, 0.0) for icc in (0.02, 0.15)}
    for cell in cells:
        SurveyWorld(**cell.world)
        first = cell.batches[0].table == "surveys_headline" and cell.world["departments"] > 8 and cell.world.get("icc", 0.05) == 0.05
        assert cell.batches[0].replicates >= (5000 if first else 1000)
    light = replace(cells[0].batches[0], analyses=("survey_ancova",))
    first, again, other = (replicate(cells[0], light, number)[0] for number in (3, 3, 4))
    assert first[:9] == again[:9] and first[2] != other[2] and first[7] == -2.5
