"""Cohorts without gaps: every truth is none, what is shared changes no figure, and a gap that is there is found."""

from __future__ import annotations

from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pandas as pd

from mentorship_eval import simulate_cohort
from mentorship_eval.questions.careers.groups import promotion_by_group
from mentorship_eval.questions.careers.steps import career_study
from validation.cells import read_plan
from validation.gap_cohorts import GAP_DIFFERENCES, GAP_LABELS, gaps
from validation.once import asked_once
from validation.people_cohorts import in_memory, people

SMALL = {
    "departments": 12, "staff": 700, "months": 30, "waves": (2, 6, 10), "uptake": 0.7, "uptake_delay": 2.5, "promotion": 0.3,
    "promotion_mentored": 0.3,
}  # fmt: skip


def test_nothing_differs_without_an_effect_and_excess_alone_is_asked_with_one():
    found = gaps(5, scenario="null", **SMALL)
    assert set(found) == set(GAP_LABELS) and all(each.truth == 0 for each in found.values())
    told = [each for each in found.values() if np.isfinite(each.value)]
    assert len(told) >= 7 and all(abs(each.value) < 4 * each.se for each in told)
    with_effect = gaps(6, scenario="default", **SMALL)
    assert {name.split(".")[1] for name in with_effect} == {"reri", "interaction"} and set(GAP_LABELS) > GAP_DIFFERENCES


def test_what_is_made_once_changes_no_figure():
    small = {"departments": 8, "staff": 400, "months": 24, "waves": (6, 10), "handoffs": (1.0, 1.0)}
    shared = people(7, scenario="null", chapters=("careers", "collaboration", "equity"), **small)
    with patch("validation.people_cohorts.asked_once", nullcontext):
        assert repr(people(7, scenario="null", chapters=("careers", "collaboration", "equity"), **small)) == repr(shared)
    shared = gaps(5, scenario="null", **SMALL)
    with patch("validation.gap_cohorts.asked_once", nullcontext):
        assert repr(gaps(5, scenario="null", **SMALL)) == repr(shared)


def test_a_gap_in_promotion_that_is_there_is_found():
    made = simulate_cohort("null", seed=8, outcomes=True, **SMALL)
    steps, staff = made.tables["career_events"], made.tables["staff"]
    men = set(staff.loc[staff["gender"] == "male", "staff_id"])
    rng = np.random.default_rng(1)
    held = (steps["event"] == "promotion") & steps["staff_id"].isin(men) & (rng.random(len(steps)) < 0.6)
    made.tables["career_events"] = steps[~held].reset_index(drop=True)
    with asked_once():
        told = {result.id: result.estimate for result in promotion_by_group(career_study(in_memory(made))).results}
    assert told["careers.promotion.gender.male"].ci_high < 0.9


def test_the_plan_names_what_is_answered():
    cells = [cell for cell in read_plan().cells if cell.kind == "gaps"]
    assert {cell.world["scenario"] for cell in cells} == {"null", "default"}
    assert all(batch.replicates >= 1000 and set(batch.analyses) <= set(GAP_LABELS) for cell in cells for batch in cell.batches)
    assert set(pd.Index(cells[0].batches[0].analyses)) == set(GAP_LABELS)
