"""Incidence without each cluster equals refits without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.survival import aalen_johansen
from mentorship_eval.survival.curves.leave_out_incidence import incidence_without_each


@pytest.mark.parametrize("horizon", [5.0, 12.0])
def test_equal_to_refits(horizon):
    rng = np.random.default_rng(2)
    n = 240
    rows = pd.DataFrame({"stop": rng.integers(1, 20, n).astype(float), "cause": rng.choice(["", "match", "left"], n, p=[0.3, 0.5, 0.2]),
                         "place": rng.integers(0, 6, n)})  # fmt: skip
    match, left = ((rows["cause"] == cause).to_numpy(int) for cause in ("match", "left"))
    found = incidence_without_each(rows["stop"].to_numpy(), match, left, rows["place"].to_numpy(), 6, horizon)

    def refit(part: pd.DataFrame) -> float:
        at = aalen_johansen(part, stop="stop", cause="cause").at([horizon])
        return float(at.loc[at["cause"] == "match", "cif"].iloc[0])

    expected = [refit(rows), *(refit(rows[rows["place"] != place]) for place in range(6))]
    assert np.allclose(found, expected)


def test_nobody_followed_that_long_is_no_number():
    one = np.ones(4)
    assert np.isnan(incidence_without_each(one, 0 * one.astype(int), 0 * one.astype(int), np.array([0, 0, 1, 1]), 2, 5.0)).all()


def test_an_early_event_is_not_being_followed_until_everybody_has_had_one():
    stop, event, none, place = np.array([1.0, 2.0, 3.0, 3.0]), np.array([1, 1, 0, 0]), np.zeros(4, int), np.array([0, 0, 1, 1])
    assert np.isnan(incidence_without_each(stop, event, none, place, 2, 5.0)[0])  # two were lost at 3: nobody knows the share at 5
    assert incidence_without_each(stop, event, none, place, 2, 3.0)[0] == 0.5
    everybody = incidence_without_each(stop, np.array([1, 1, 1, 0]), np.array([0, 0, 0, 1]), place, 2, 5.0)
    assert np.allclose(everybody, [0.75, 0.5, 1.0])
