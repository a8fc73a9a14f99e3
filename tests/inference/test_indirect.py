"""Indirect standardisation: against arithmetic by hand, and refits without each row."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval.errors import EstimationError
from mentorship_eval.inference.indirect import observed_over_expected


def drawn(seed: int = 3, n: int = 600):
    rng = np.random.default_rng(seed)
    row, column, group = rng.integers(0, 6, n), rng.integers(0, 4, n), rng.integers(0, 3, n)
    return (rng.random(n) < 0.1 + 0.08 * row).astype(float), row, column, group


def test_with_one_column_the_expected_are_rates_of_rows_times_people():
    event, row, _, group = drawn()
    made = observed_over_expected(event, row, np.zeros(len(row), int), group)
    rate = np.bincount(row, weights=event) / np.bincount(row)
    by_hand = np.bincount(group, weights=rate[row])
    assert np.allclose(made.expected[0], by_hand) and np.allclose(made.observed[0], np.bincount(group, weights=event))


def test_margins_are_met_and_each_leave_out_is_a_refit():
    event, row, column, group = drawn()
    made = observed_over_expected(event, row, column, group)
    assert np.isclose(made.expected[0].sum(), event.sum())
    columns = observed_over_expected(event, row, column, column)
    assert np.allclose(columns.ratio[0], 1.0)  # fitted margins: no column has more or fewer than expected
    for left in (0, 4):
        keep = row != left
        again = observed_over_expected(event[keep], np.unique(row[keep], return_inverse=True)[1], column[keep], group[keep])
        assert np.allclose(made.expected[1 + left], again.expected[0]) and np.allclose(made.observed[1 + left], again.observed[0])


def test_a_group_that_is_reached_less_within_every_cell_has_that_ratio_whatever_its_cells():
    rng = np.random.default_rng(8)
    row = rng.integers(0, 5, 40_000)
    group = (rng.random(40_000) < 0.1 + 0.15 * row).astype(int)  # more of them where rates are high: a crude ratio is off
    event = (rng.random(40_000) < (0.1 + 0.1 * row) * np.where(group == 1, 0.7, 1.0)).astype(float)
    ratio = observed_over_expected(event, row, np.zeros(len(row), int), group).ratio[0]
    assert ratio[1] / ratio[0] == pytest.approx(0.7, abs=0.05)
    assert event[group == 1].mean() / event[group == 0].mean() > 0.9


def test_without_events_nothing_is_expected():
    with pytest.raises(EstimationError):
        observed_over_expected(np.zeros(4), np.zeros(4, int), np.zeros(4, int), np.array([0, 0, 1, 1]))
