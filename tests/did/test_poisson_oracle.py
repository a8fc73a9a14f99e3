"""Expected counts against a plain GLM, and the boundary against what a limit must be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.support import FINITE, INFINITE, UNIDENTIFIED, UNSUPPORTED, ZERO, structure
from mentorship_eval.errors import EstimationError
from tests.did.panels import COLUMNS, simulated_panel


def glm_expected(frame: pd.DataFrame, covariates: list[str]) -> pd.Series:
    """Expected counts of treated rows by unit and period dummies; 0 for units or periods without untreated events."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    treated = frame["period"] >= frame["start"]
    untreated = frame[~treated]
    live_unit = untreated.groupby("unit")["events"].sum().loc[lambda s: s > 0].index
    live_period = untreated.groupby("period")["events"].sum().loc[lambda s: s > 0].index
    live = frame["unit"].isin(live_unit) & frame["period"].isin(live_period)
    dummies = pd.concat([pd.get_dummies(frame.loc[live, "unit"], dtype=float), pd.get_dummies(frame.loc[live, "period"],
        dtype=float).iloc[:, 1:], frame.loc[live, covariates]], axis=1)
    use = ~treated[live]
    model = GLM(frame.loc[live, "events"][use], dummies[use], family=Poisson(), offset=np.log(frame.loc[live, "days"][use]))
    fit = model.fit(maxiter=300, tol=1e-14, tol_criterion="deviance")
    expected = pd.Series(0.0, index=frame.index[treated])
    rows = treated[live].index[treated[live]]
    expected[rows] = frame.loc[rows, "days"] * np.exp(dummies.loc[rows] @ fit.params)
    return expected


@pytest.mark.parametrize("seed", range(5))
def test_equals_glm_on_small_panels(seed):
    frame = simulated_panel(units=8, periods=10, waves=(4, 6, 8), rate=[3.0, 1.2, 0.8][seed % 3], seed=seed)
    if seed % 2:  # a unit and a period without untreated events
        frame.loc[(frame["unit"] == "D03") & ~(frame["period"] >= frame["start"]), "events"] = 0
        frame.loc[(frame["period"] == 9) & ~(frame["period"] >= frame["start"]), "events"] = 0
    result = did.poisson_imputation(frame, **COLUMNS, min_controls=1, permutations=0)
    expected = glm_expected(frame, [])
    ours = result.expected["expected"].to_numpy()
    np.testing.assert_allclose(ours, expected.loc[frame["period"] >= frame["start"]], rtol=1e-7, atol=1e-9)
    assert result.expected_total == pytest.approx(expected.sum(), rel=1e-8)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_equals_glm_with_covariates(seed):
    frame = simulated_panel(units=8, periods=12, waves=(5, 7, 9), rate=3, seed=seed)
    random = np.random.default_rng(seed)
    frame["acuity"] = random.normal(5, 2, len(frame))
    frame["ward_type"] = random.choice(["a", "a", "b"], len(frame))
    frame["b"] = (frame["ward_type"] == "b").astype(float)
    result = did.poisson_imputation(frame, **COLUMNS, covariates=["acuity", "ward_type"], min_controls=1, permutations=0)
    expected = glm_expected(frame, ["acuity", "b"])
    np.testing.assert_allclose(result.expected["expected"].to_numpy(), expected, rtol=1e-7, atol=1e-9)
    # and the jackknife refits with covariates: one of them by hand
    first = result.weights_by_unit.iloc[0]
    rest = frame[frame["unit"] != first["unit"]]
    by_hand = rest.loc[rest["period"] >= rest["start"], "events"].sum() / glm_expected(rest, ["acuity", "b"]).sum()
    assert first["ratio_without"] == pytest.approx(by_hand, rel=1e-7)


def test_margins_are_reproduced():
    result = did.poisson_imputation(simulated_panel(seed=3), **COLUMNS, permutations=0)
    untreated = result.cells[result.cells["role"] == "untreated"]
    for by in ("unit", "time"):
        sums = untreated.groupby(by)[["observed", "expected"]].sum()
        np.testing.assert_allclose(sums["expected"], sums["observed"], rtol=1e-10)


def test_structure_of_the_boundary():
    untreated = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=bool)
    events = np.array([[2.0, 1, 1], [1, 2, 0], [1, 0, 0]])
    assert structure(events, untreated).simple
    assert (structure(events, untreated).kind == FINITE).all()
    # unit 0 has events only where it is the only control: its earlier cells sink to 0 and period 2 runs away
    events[0, :2] = 0
    found = structure(events, untreated)
    assert not found.simple
    assert found.kind[1, 2] == found.kind[2, 2] == INFINITE
    assert found.kind[0, 0] == ZERO and not found.fitted[0, 0]
    assert found.kind[2, 1] == FINITE


def test_structure_of_a_disconnected_panel():
    untreated = np.array([[1, 0, 0], [0, 1, 0]], dtype=bool)
    kind = structure(np.ones((2, 3)), untreated).kind
    assert kind.tolist() == [[FINITE, UNIDENTIFIED, UNSUPPORTED], [UNIDENTIFIED, FINITE, UNSUPPORTED]]


def test_infinite_expectation_is_refused_by_name():
    frame = pd.DataFrame({"unit": np.repeat(["A", "B", "C"], 3), "period": np.tile([1, 2, 3], 3), "days": 100.0})
    frame["start"] = np.repeat([np.nan, 3, 2], 3)
    frame["events"] = [0, 0, 4, 3, 2, 1, 2, 2, 2]
    with pytest.raises(EstimationError, match=r"units B, C; periods 3"):
        did.poisson_imputation(frame, **COLUMNS, min_controls=1, permutations=0)


def test_cells_that_are_not_linked_are_listed():
    linked = pd.DataFrame({"unit": np.repeat(["A", "B", "C"], 4), "period": np.tile([1, 2, 3, 4], 3), "days": 100.0,
        "start": np.repeat([np.nan, 3, np.nan], 4)})
    linked["events"] = [3, 2, 4, 3, 2, 3, 1, 2, 3, 3, 2, 4]
    # D and E share no untreated period with the others: their level and that of 1-4 cannot be compared
    apart = pd.DataFrame({"unit": ["D", "D", "D", "E", "E"], "period": [5, 6, 4, 5, 6], "days": 100.0, "start": [4, 4, 4, np.nan, np.nan],
        "events": [1, 2, 2, 3, 1]})
    apart.loc[apart["unit"] == "D", "start"] = 6
    apart = apart[~((apart["unit"] == "D") & (apart["period"] == 4))]
    frame = pd.concat([linked, apart], ignore_index=True)
    extra = pd.DataFrame({"unit": ["B"], "period": [5], "days": [100.0], "start": [3.0], "events": [2]})
    result = did.poisson_imputation(pd.concat([frame, extra], ignore_index=True), **COLUMNS, min_controls=1, permutations=0)
    gone = result.dropped[result.dropped["reason"].str.contains("not linked")]
    assert gone[["unit", "time"]].to_numpy().tolist() == [["B", 5]]
    assert "not_linked" in {caution.code for caution in result.warnings}
