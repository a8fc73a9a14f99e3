"""Careers, collaboration and equity of whole cohorts: in memory as from a folder; truths on the scale of analysis; no answer counts."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest

from mentorship_eval import read_cohort, simulate_cohort
from validation.cells import read_plan
from validation.people_cohorts import PEOPLE_DIFFERENCES, PEOPLE_LABELS, READ, in_memory, people, true_values
from validation.run import replicate
from validation.tables import summarise, verdicts

EVERY = ("careers", "collaboration", "equity")
SMALL = {"departments": 8, "staff": 500, "months": 24, "waves": (6, 10), "ties": (1.0, 1.0), "ties_near": 0.4, "handoffs": (1.0, 1.0)}
STRONG = {"ties_across_ratio": 2.5, "senior": (0.7, 0.2), "quality_alike": 15.0}


@pytest.fixture(scope="module")
def effect():
    return people(31, scenario="default", chapters=EVERY, **SMALL, **STRONG)


@pytest.fixture(scope="module")
def null():
    return people(32, scenario="null", chapters=EVERY, **SMALL)


def test_in_memory_a_cohort_is_what_it_is_when_read_from_its_folder(tmp_path):
    made = simulate_cohort("default", seed=3, outcomes=True, **{**SMALL, "staff": 200})
    kept = {name: made.tables[name] for name in READ}
    replace(made, tables=kept, study={**made.study, "tables": {name: f"{name}.csv" for name in READ}}).write(tmp_path)
    read, here = read_cohort(tmp_path), in_memory(made)
    assert here.study.plan.senior_grades == read.study.plan.senior_grades and here.window == read.window
    for name in READ:
        columns = [column for column in here.table(name) if column in read.table(name)]
        assert len(columns) >= len(made.tables[name].columns) - 1
        ours, theirs = (of.table(name)[columns].astype(object).where(of.table(name)[columns].notna(), None) for of in (here, read))
        pd.testing.assert_frame_equal(ours, theirs)


def test_truths_are_those_of_the_cohort_on_the_scale_of_analysis(effect, null):
    assert effect["collaboration.across_professions"].truth == pytest.approx(math.log(2.5))
    assert effect["careers.senior.gender.male"].truth == pytest.approx(50.0) and effect["equity.dose.gender.male"].truth == 0
    assert "collaboration.share_where_active" not in effect  # no formula gives it where there is an effect
    assert set(null) == set(PEOPLE_LABELS) and all(abs(found.truth) < 1e-12 for found in null.values())
    made = simulate_cohort("default", seed=4, outcomes=True, alike=0.5, **{**SMALL, "staff": 200})
    assert not {name for name in true_values(made) if "concordance" in name}
    assert set(PEOPLE_LABELS) > PEOPLE_DIFFERENCES


def test_an_effect_is_found_and_none_where_there_is_none(effect, null):
    for name in ("collaboration.across_professions", "careers.senior.gender.male", "equity.alike.ratings.gender"):
        there, nothing = effect[name], null[name]
        assert abs(there.value - there.truth) < 3.5 * there.se and there.p < 0.01
        assert abs(nothing.value) < 3.5 * nothing.se and abs(nothing.value - there.truth) > 2 * nothing.se


def test_what_is_not_answered_is_a_row_without_a_figure(effect):
    silent = effect["equity.dose.ethnicity_group.black"]  # fewer than thirty mentees
    assert math.isnan(silent.value) and math.isfinite(silent.truth)
    rows = pd.DataFrame([{"analysis": "x", "value": v, "se": 1.0, "low": v, "high": v, "p": math.nan, "truth": 0.0, "seconds": 1.0}
                         for v in (0.0, math.nan)])  # fmt: skip
    told = summarise(rows, 0.0).iloc[0]
    assert told["replicates"] == 2 and told["answered"] == 1  # an interval without a test is an answer


def test_the_plan_holds_an_effect_and_a_null_with_many_and_few_departments_and_seeds_apart():
    every = read_plan().cells
    cells, equity = ([cell for cell in every if cell.kind == kind] for kind in ("people", "equity"))
    assert [(cell.seed, cell.world) for cell in cells] == [(cell.seed, cell.world) for cell in equity], "the same cohorts"
    assert {(cell.world["departments"], cell.world["scenario"]) for cell in cells} >= {(g, s) for g in (40, 12) for s in ("default", "null")}
    seeds = sorted(cell.seed for cell in cells)
    assert all(b - a > 1000 for a, b in pairwise(seeds))
    asked = []
    for one, other in zip(cells, equity, strict=True):
        asked = [name for cell in (one, other) for name in cell.batches[0].analyses]
        assert min(one.batches[0].replicates, other.batches[0].replicates) >= 1000 and set(asked) <= set(PEOPLE_LABELS)
    assert asked == list(PEOPLE_LABELS)
    for cell in (cells[0], equity[0]):
        small = replace(cell, world={"scenario": "null", **SMALL, "departments": 4, "staff": 80})
        rows = replicate(small, cell.batches[0], 0)
        assert {row[1] for row in rows} == {name for name in PEOPLE_LABELS if name.startswith("equity") == (cell is equity[0])}
        assert {row[0] for row in rows} == {0}


def test_few_replicates_below_the_floor_settle_nothing_and_many_fail():
    row = {"cell": "c", "analysis": "a", "truth": 0.5, "judged": 40, "covered": 36, "tested": 40, "rejected": 4, "replicates": 40}
    key = {("c", "a"): True}
    assert verdicts(pd.DataFrame([row]), key, {("c", "a"): 1000}) == ["not settled"]
    assert verdicts(pd.DataFrame([row]), key, {("c", "a"): 40}) == verdicts(pd.DataFrame([row]), key) == ["**FAILS**"]
    assert verdicts(pd.DataFrame([{**row, "covered": 20}]), key, {("c", "a"): 1000}) == ["**FAILS**"]
