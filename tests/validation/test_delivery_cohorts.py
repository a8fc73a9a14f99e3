"""Delivery of whole cohorts: truths on the scale of analysis, an effect that is found and none where there is none."""

from __future__ import annotations

import math

import pytest

from validation.cells import read_plan
from validation.delivery_cohorts import DELIVERY_DIFFERENCES, DELIVERY_LABELS, delivered
from validation.run import replicate

SMALL = {"departments": 10, "staff": 700, "months": 30, "waves": (6, 10)}
NOTHING = {"events": (0.8, 1.0), "score_ratio": 1.0, "remote_waits": 0.0, "reverse_gain": 0.0, "mentor_gain": 0.0}


@pytest.fixture(scope="module")
def effect():
    return delivered(11, scenario="default", events=(0.8, 2.0), score_ratio=0.5, **SMALL)


@pytest.fixture(scope="module")
def null():
    return delivered(12, scenario="default", **SMALL, **NOTHING)


def test_an_effect_is_found_and_none_where_there_is_none(effect, null):
    assert effect["delivery.events"].truth == pytest.approx(math.log(2)) and null["delivery.events"].truth == 0
    for name in ("delivery.events", "delivery.matching.ends", "delivery.versions.remote"):
        there, nothing = effect[name], null[name]
        assert abs(there.value - there.truth) < 3.5 * there.se and there.p < 0.01
        assert abs(nothing.value - nothing.truth) < 3.5 * nothing.se and abs(nothing.value - there.truth) > 2 * nothing.se


def test_every_cell_names_what_is_answered_and_claims_nothing_of_what_ends_at_100(effect):
    assert set(effect) == set(DELIVERY_LABELS) > DELIVERY_DIFFERENCES
    for cell in (one for one in read_plan().cells if one.kind == "delivery"):
        (batch,) = cell.batches
        assert set(batch.analyses) == set(DELIVERY_LABELS) and set(batch.claimed) == set(DELIVERY_LABELS) - {"delivery.mentor_effects.between"}


def test_the_same_number_gives_the_same_rows():
    cell = next(one for one in read_plan().cells if one.kind == "delivery")
    first, second = ([list(map(repr, row[:6])) for row in replicate(cell, cell.batches[0], 5)] for _ in range(2))
    assert first == second and len(first) == len(DELIVERY_LABELS)
