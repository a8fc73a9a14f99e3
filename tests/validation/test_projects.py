"""Projects with a known truth: the world says what it claims; the default finds an effect and none; leaving taken for censoring would mislead."""

from __future__ import annotations

import numpy as np
import pytest

from validation.accept import recovers
from validation.analyses import ANALYSES
from validation.cells import read_plan
from validation.project_analyses import Begun
from validation.project_worlds import ProjectWorld, draw_projects
from validation.run import replicate


def made(world, seed, number):
    return [Begun(draw_projects(world, np.random.default_rng([seed, r]))) for r in range(number)]


def mean_and_error(name, draws):
    values = [ANALYSES[name](who).value for who in draws]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def test_the_world_has_the_rates_and_leavers_that_it_claims():
    world = ProjectWorld(departments=400, ratio=2.0, leaving=0.5, department_sd=0.0)
    drawn = draw_projects(world, np.random.default_rng(3))
    rows = drawn.calendar.assign(years=lambda r: (r["stop"] - r["start"]) / 365.25)
    by = rows.groupby("mentored")[["event", "left", "years"]].sum()
    assert (by["event"] / by["years"]).tolist() == pytest.approx([0.3, 0.6], rel=0.05)
    assert (by["left"] / by["years"]).tolist() == pytest.approx([0.5, 0.5], rel=0.05)
    arms = drawn.fixed.groupby("mentored")
    means = arms["event"].sum() / arms["staff_id"].nunique()
    assert means[1] - means[0] == pytest.approx(drawn.mean_difference, abs=0.02)
    assert (drawn.fixed.groupby("staff_id")["mentored"].nunique() == 1).all() and drawn.fixed["stop"].max() == 365


def test_the_default_finds_the_effect_and_none_where_there_is_none():
    effect, null = made(ProjectWorld(departments=12), 81, 15), made(ProjectWorld(departments=12, ratio=1.0), 82, 15)
    assert recovers(*mean_and_error("projects_default", effect), np.log(1.6)) and not recovers(*mean_and_error("projects_default", effect), 0.0)
    assert recovers(*mean_and_error("projects_default", null), 0.0)


def test_who_stays_longer_begins_more_and_censoring_would_hide_it():
    stay = made(ProjectWorld(departments=30, ratio=1.0, leaving=1.2, leaving_mentored=0.2), 83, 15)
    truth = stay[0].drawn.mean_difference
    assert truth > 0.08
    found, hidden = mean_and_error("projects_mean", stay), mean_and_error("projects_mean_staying", stay)
    assert recovers(*found, truth) and not recovers(*found, 0.0)
    assert not recovers(*hidden, truth)


def test_the_cells_of_the_plan_run():
    plan = read_plan()
    for name in ("projects_effect_12", "projects_mean_stay_12"):
        cell = plan.cell(name)
        rows = replicate(cell, cell.batches[0], 0, offset=900_000)
        assert [row[1] for row in rows] == list(cell.batches[0].analyses) and not any(row[8] for row in rows)
