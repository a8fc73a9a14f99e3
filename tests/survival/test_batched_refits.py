"""Refits without each cluster, side by side, are the fits of the data without that cluster."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from mentorship_eval.survival.hazards import batched_refits
from mentorship_eval.survival.hazards.partial_likelihood import Likelihood
from mentorship_eval.survival.hazards.risk_sets import build_risk_sets


def sample(rows: int = 240, units: int = 9) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    start = rng.integers(0, 6, rows).astype(float)
    return pd.DataFrame({
        "start": start, "stop": start + rng.integers(1, 15, rows), "event": rng.integers(0, 2, rows), "x": rng.normal(size=rows),
        "arm": rng.integers(0, 2, rows), "site": rng.integers(0, 3, rows), "unit": rng.integers(0, units, rows),
        "w": np.round(rng.uniform(0.2, 2, rows), 1),
    })


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("products", [True, False], ids=["products kept", "products made by the way"])
def test_each_refit_is_the_fit_without_that_cluster(ties: str, products: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not products:
        monkeypatch.setattr(batched_refits, "MOST_PRODUCTS", 0)
        monkeypatch.setattr(batched_refits, "ROWS_AT_ONCE", 50)
    monkeypatch.setattr(batched_refits, "AT_ONCE", 1000)  # four clusters in a batch, the last one alone
    data = sample()
    call = {"start": "start", "stop": "stop", "event": "event", "covariates": ["arm", "x"], "strata": "site", "weights": "w", "ties": ties}
    fit = survival.cox(data, cluster="unit", variance="jackknife", **call)
    alone = np.array([survival.cox(data[data["unit"] != unit], **call).table["coef"] for unit in range(9)])
    deviations = alone - fit.table["coef"].to_numpy()
    assert_allclose(fit.covariance, 8 / 9 * deviations.T @ deviations, rtol=1e-8)


def test_a_refit_without_maximum_is_left_to_be_done_by_itself() -> None:
    """All events of one arm are in one unit: without it the hazard ratio has no finite estimate."""
    data = sample()
    data.loc[(data["arm"] == 1) & (data["unit"] != 0), "event"] = 0
    weight = np.ones(len(data))
    sets = build_risk_sets(*(data[name].to_numpy(float) for name in ("start", "stop")), data["event"] == 1, weight.astype(int) * 0, weight)
    x = data.iloc[sets.rows][["x", "arm"]].to_numpy(float).T
    begin = np.zeros((9, 2))
    found = batched_refits.refit_in_batches(sets, x, data["unit"].to_numpy()[sets.rows], np.arange(9), begin, 1e-9)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


def test_the_score_vanishes_at_each_refit() -> None:
    data = sample()
    weight = data["w"].to_numpy()
    strata = data["site"].to_numpy()
    sets = build_risk_sets(*(data[name].to_numpy(float) for name in ("start", "stop")), data["event"] == 1, strata, weight)
    x = data.iloc[sets.rows][["x", "arm"]].to_numpy(float).T
    units = data["unit"].to_numpy()[sets.rows]
    found = batched_refits.refit_in_batches(sets, x, units, np.arange(9), np.full((9, 2), 0.05), 1e-12)
    for unit, coef in enumerate(found):
        without, kept = sets.without(units == unit)
        assert_allclose(Likelihood.at(without, np.ascontiguousarray(x[:, kept]), coef).score(), 0, atol=1e-8)
