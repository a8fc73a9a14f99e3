"""Costs of whole cohorts: the net benefit at sure prices is that of the leavers avoided, and the truth is the cohort's own."""

from __future__ import annotations

import pytest

from validation.cells import read_plan
from validation.cost_cohorts import COST_LABELS, costed


def test_the_net_benefit_is_made_of_the_leavers_avoided_and_nothing_else():
    found = costed(5, scenario="default", departments=10, staff=600, months=24, waves=(6, 10), hazard_ratio=0.3, hazard_ratio_after=0.3)
    avoided, net = found["economics.leavers_avoided"], found["economics.net_benefit"]
    assert net.value == pytest.approx(avoided.value) and avoided.truth == net.truth > 5
    # the draws of the net benefit have a Monte-Carlo error, the interval of the leavers has none
    assert net.high - net.low == pytest.approx(avoided.high - avoided.low, rel=0.15)
    assert costed(5, scenario="null", departments=10, staff=600, months=24, waves=(6, 10))["economics.net_benefit"].truth == 0


def test_the_cells_name_what_is_answered():
    cells = [cell for cell in read_plan().cells if cell.kind == "costs"]
    assert len(cells) == 4 and all(set(cell.batches[0].analyses) == set(COST_LABELS) for cell in cells)
