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
