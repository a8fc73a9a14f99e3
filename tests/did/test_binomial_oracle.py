"""Expected shares against a plain GLM, the jackknife against refits by hand, and the boundary against what a limit must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from mentorship_eval.did.shares.batches import expected_shares
from mentorship_eval.did.shares.boundary import FINITE, ONE, UNIDENTIFIED, UNSUPPORTED, ZERO, structure
from mentorship_eval.did.shares.fit import Effects
from mentorship_eval.did.shares.imputation import impute
from mentorship_eval.did.shares.records import build_share_panel
from mentorship_eval.errors import EstimationError
from tests.did.shares import SHARES, share_panel


def fit(frame, **options):
    return did.binomial_imputation(frame, **{**SHARES, "permutations": 0, "min_controls": 1, **options})


def glm(frame: pd.DataFrame, covariates: tuple[str, ...] = ()) -> tuple[float, float, pd.Series]:
    """Difference, log ratio and expected numerators of treated rows by unit and period dummies; periods without a control are left out.

    Units and periods of one kind of record only have that share and leave the fit (their own share is fitted exactly).
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    treated = frame["period"] >= frame["start"]
    used = frame[~treated & (frame["looked_at"] > 0)]
    ends: dict[str, dict] = {}
    live = pd.Series(True, index=frame.index)
    while True:
        before = sum(map(len, ends.values()))
        for by in ("unit", "period"):
            sums = used[live[used.index]].groupby(by)[["met", "looked_at"]].sum()
            for name, row in sums.iterrows():
                if row["met"] in (0, row["looked_at"]):
                    ends.setdefault(by, {})[name] = float(row["met"] > 0)
        live = ~frame["unit"].isin(ends.get("unit", {})) & ~frame["period"].isin(ends.get("period", {}))
        if sum(map(len, ends.values())) == before:
            break
    dummies = pd.concat([pd.get_dummies(frame.loc[live, "unit"], dtype=float), pd.get_dummies(frame.loc[live, "period"], dtype=float).iloc[:, 1:],
        frame.loc[live, list(covariates)]], axis=1)
    rows = used.index[live[used.index]]
    dummies = dummies.loc[:, (dummies.loc[rows] != 0).any()]
    both = np.column_stack([frame.loc[rows, "met"], frame.loc[rows, "looked_at"] - frame.loc[rows, "met"]])
    model = GLM(both, dummies.loc[rows], family=Binomial()).fit(maxiter=200, tol=1e-14)
    share = pd.Series(np.nan, index=frame.index)
    share[live] = 1 / (1 + np.exp(-(dummies @ model.params)))
    for by, levels in ends.items():
        share = share.fillna(frame[by].map(levels))
    cells = treated & frame["period"].isin(used["period"]) & frame["unit"].isin(used["unit"]) & (frame["looked_at"] > 0)
    expected = (share * frame["looked_at"])[cells]
    met, size = frame.loc[cells, "met"].sum(), frame.loc[cells, "looked_at"].sum()
    return 100 * (met - expected.sum()) / size, float(np.log(met / expected.sum())), expected


@pytest.mark.parametrize("seed", range(6))
def test_equals_glm_on_small_panels(seed):
    frame = share_panel(units=8, periods=10, waves=(4, 6, 8), share=0.55, records=10, seed=seed)
    if seed % 2:  # a unit that never meets the criterion before adoption and one that always does
        before = ~(frame["period"] >= frame["start"])
        frame.loc[before & (frame["unit"] == "D03"), "met"] = 0
        frame.loc[before & (frame["unit"] == "D05"), "met"] = frame["looked_at"]
    difference, log_ratio, expected = glm(frame)
    result = fit(frame)
    np.testing.assert_allclose(result.expected["expected"], expected, rtol=1e-8, atol=1e-9)
    assert result.difference.value == pytest.approx(difference, abs=1e-8)
    assert np.log(result.ratio.value) == pytest.approx(log_ratio, rel=1e-8)
    assert result.surplus.value == pytest.approx(result.observed - result.expected_total)


@pytest.mark.parametrize("seed", [11, 12])
def test_equals_glm_with_covariates(seed):
    frame = share_panel(units=8, periods=12, waves=(5, 7, 9), seed=seed)
    random = np.random.default_rng(seed)
    frame["acuity"] = random.normal(5, 2, len(frame))
    frame["ward_type"] = random.choice(["a", "a", "b"], len(frame))
    frame["b"] = (frame["ward_type"] == "b").astype(float)
    result = fit(frame, covariates=["acuity", "ward_type"])
    _, _, expected = glm(frame, ("acuity", "b"))
    np.testing.assert_allclose(result.expected["expected"], expected, rtol=1e-8, atol=1e-9)
    first = result.weights_by_unit.iloc[0]
    assert first["difference_without"] == pytest.approx(glm(frame[frame["unit"] != first["unit"]], ("acuity", "b"))[0], abs=1e-7)


@pytest.mark.parametrize("seed", [1, 2])
def test_jackknife_equals_refits_by_hand(seed):
    """Without each unit in turn: a period whose only control goes leaves that refit."""
    frame = share_panel(units=9, periods=9, waves=(4, 6), records=6, seed=seed)
    never = frame.loc[frame["start"].isna(), "unit"].unique()
    frame = frame[~((frame["period"] == 9) & frame["unit"].isin(never[1:]))]  # period 9 has one control
    result = fit(frame)
    full, log_full, _ = glm(frame)
    by_hand = np.array([glm(frame[frame["unit"] != unit])[:2] for unit in frame["unit"].unique()])
    np.testing.assert_allclose(result.leave_one_out["difference"], by_hand[:, 0], atol=1e-7)
    np.testing.assert_allclose(result.leave_one_out["log_ratio"], by_hand[:, 1], atol=1e-8)
    assert result.difference.se == pytest.approx(np.sqrt(8 / 9 * ((by_hand[:, 0] - full) ** 2).sum()), rel=1e-8)
    assert result.ratio.se == pytest.approx(np.sqrt(8 / 9 * ((by_hand[:, 1] - log_full) ** 2).sum()), rel=1e-8)
    assert result.difference.df == 8 and result.difference.n_clusters == 9


def test_jackknife_over_clusters_of_units():
    frame = share_panel(units=16, periods=8, waves=(3, 5, 7), records=6, seed=4)
    frame["site"] = frame["unit"].str[1:].astype(int) // 2
    result = fit(frame, cluster="site")
    by_hand = np.array([glm(frame[frame["site"] != site])[0] for site in range(8)])
    assert result.difference.se == pytest.approx(np.sqrt(7 / 8 * ((by_hand - glm(frame)[0]) ** 2).sum()), rel=1e-7)
    assert result.difference.df == 7


def test_r_quasibinomial():
    """R 4.2: glm(cbind(y, n - y) ~ 0 + factor(u) + factor(t), quasibinomial, subset = !treated); predict(type = "response") * n."""
    met = [3, 5, 2, 6, 4, 7, 1, 2, 3, 2, 4, 3, 8, 6, 7, 9, 9, 5, 2, 4, 6, 3, 5, 7]
    size = [9, 10, 7, 11, 8, 12, 6, 7, 9, 8, 10, 6, 11, 9, 10, 12, 10, 7, 9, 10, 11, 8, 9, 12]
    frame = pd.DataFrame({"unit": np.repeat(list("ABCD"), 6), "period": np.tile(np.arange(1, 7), 4), "met": met, "looked_at": size,
        "start": np.repeat([np.nan, 4, 5, np.nan], 6)})
    result = fit(frame)
    expected = [2.61228184340384, 3.84874694014365, 2.62394432882474, 8.03248981168847, 5.84704138251781]
    np.testing.assert_allclose(result.expected["expected"], expected, rtol=1e-8)


def test_margins_are_reproduced():
    result = fit(share_panel(seed=3))
    untreated = result.cells[result.cells["role"] == "untreated"]
    for by in ("unit", "time"):
        sums = untreated.groupby(by)[["observed", "expected"]].sum()
        np.testing.assert_allclose(sums["expected"], sums["observed"], rtol=1e-10)


def test_structure_of_the_boundary():
    untreated = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=bool)
    good, bad = np.where(untreated, 2.0, 0.0), np.where(untreated, 1.0, 0.0)
    assert (structure(good, bad, untreated).kind == FINITE).all()
    none, every = good.copy(), bad.copy()
    none[1], every[1] = 0, 0
    assert structure(none, bad, untreated).kind.tolist() == [[FINITE] * 3, [ZERO] * 3, [FINITE] * 3]
    assert structure(good, every, untreated).kind.tolist() == [[FINITE] * 3, [ONE] * 3, [FINITE] * 3]
    # period 3 always, unit 2 never: what they would do together nobody knows
    every = bad.copy()
    every[0, 2] = 0
    kind = structure(none, every, untreated).kind
    assert kind[1, 2] == UNIDENTIFIED and kind[2, 2] == ONE and kind[1, 1] == ZERO


def test_separation_within_the_core():
    """Units 0 and 1 share periods 0, 1; units 2 and 3 periods 2, 3; where the two blocks meet there are failures alone."""
    untreated = np.ones((4, 4), dtype=bool)
    untreated[0, 3] = untreated[3, 0] = False
    good, bad = np.zeros((4, 4)), np.ones((4, 4))
    for block in (slice(0, 2), slice(2, 4)):
        good[block, block] = 1
    good[2:, :2], bad[2:, :2] = 1, 0
    good, bad = good * untreated, bad * untreated
    found = structure(good, bad, untreated)
    assert found.kind[0, 3] == ZERO and found.kind[3, 0] == ONE and found.kind[0, 0] == FINITE
    assert not found.fitted[0, 2] and found.fitted[0, 1] and not found.margins.unit.any()


def test_structure_of_a_disconnected_panel():
    untreated = np.array([[1, 0, 0], [0, 1, 0]], dtype=bool)
    kind = structure(untreated * 1.0, untreated * 2.0, untreated).kind
    assert kind.tolist() == [[FINITE, UNIDENTIFIED, UNSUPPORTED], [UNIDENTIFIED, FINITE, UNSUPPORTED]]


def test_a_unit_at_one_end_in_a_period_at_the_other_is_refused_by_name():
    frame = share_panel(units=6, periods=6, waves=(4,), seed=2)
    before = ~(frame["period"] >= frame["start"])
    unit = frame.loc[frame["start"].notna(), "unit"].iloc[0]
    frame.loc[before & (frame["unit"] == unit), "met"] = 0
    frame.loc[before & (frame["period"] == 5), "met"] = frame["looked_at"]
    with pytest.raises(EstimationError, match=rf"units {unit}; periods 5"):
        fit(frame)


def test_a_unit_at_an_end_stays_and_is_named():
    frame = share_panel(units=12, periods=10, waves=(5, 7), seed=6)
    before = ~(frame["period"] >= frame["start"])
    low, high = frame.loc[frame["start"].notna(), "unit"].unique()[:2]
    frame.loc[before & (frame["unit"] == low), "met"] = 0
    frame.loc[before & (frame["unit"] == high), "met"] = frame["looked_at"]
    result = fit(frame)
    cells = result.expected.set_index("unit")
    assert (cells.loc[low, "expected"] == 0).all() and (cells.loc[high, "expected"] == cells.loc[high, "denominator"]).all()
    cautions = [caution for caution in result.warnings if caution.code == "boundary_cells"]
    assert [caution.data["expected_share"] for caution in cautions] == ["0 %", "100 %"]
    # the limit of shares that come ever closer to the ends, by ever larger denominators
    near = frame.assign(looked_at=frame["looked_at"] * 1_000_000, met=frame["met"] * 1_000_000)
    near.loc[before & (near["unit"] == low), "met"] = 1
    near.loc[before & (near["unit"] == high), "met"] -= 1
    assert result.difference.value == pytest.approx(fit(near).difference.value, abs=1e-3)


def _directions(good: np.ndarray, bad: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Kinds by linear programming: how far the logit of each cell can go along directions in which the likelihood does not fall."""
    from scipy.optimize import linprog

    units, periods = mask.shape
    cell = lambda i, t: np.eye(units)[i].tolist() + np.eye(periods)[t].tolist()  # noqa: E731
    below = [cell(i, t) for i, t in zip(*np.nonzero(mask & (bad > 0)), strict=True)]
    below += [(-np.array(cell(i, t))).tolist() for i, t in zip(*np.nonzero(mask & (good > 0)), strict=True)]
    kind = np.empty(mask.shape, dtype=int)
    for i in range(units):
        for t in range(periods):
            up, down = (
                -linprog(sign * np.array(cell(i, t)), A_ub=below, b_ub=np.zeros(len(below)), bounds=(-1, 1)).fun > 1e-7 for sign in (-1.0, 1.0)
            )
            kind[i, t] = UNIDENTIFIED if up and down else ONE if up else ZERO if down else FINITE
    return kind


@pytest.mark.parametrize("seed", range(40))
def test_boundary_of_sparse_panels_by_linear_programming(seed):
    """Nearly empty panels, where most of the maximum lies on the boundary; and the fit reproduces every margin there too."""
    random = np.random.default_rng(seed)
    mask = random.random((5, 5)) < 0.75
    mask[:, 0] = True
    size = np.where(mask, random.integers(1, 3, mask.shape), 0)
    good = random.binomial(size, random.choice([0.15, 0.5, 0.85]))
    found, exact = structure(good, size - good, mask), _directions(good, size - good, mask)
    known = (exact != UNIDENTIFIED) & (found.kind != UNSUPPORTED)
    assert (found.kind[known] == exact[known]).all()
    # what is open has no share, unless its unit or period is at an end throughout
    ends = (found.margins.unit != 0)[:, None] | (found.margins.period != 0)[None, :]
    assert (found.kind[(exact == UNIDENTIFIED) & ~ends & (found.kind != UNSUPPORTED)] == UNIDENTIFIED).all()
    frame = pd.DataFrame({"unit": np.repeat(list("ABCDE"), 5), "period": np.tile(np.arange(1, 6), 5), "start": np.nan, "met": good.ravel(),
        "looked_at": size.ravel()})
    panel = build_share_panel(frame, numerator="met", denominator="looked_at", unit="unit", time="period", adopted="start")
    expected = np.where(mask, impute(panel, mask).expected, 0.0)
    for axis in (0, 1):
        np.testing.assert_allclose(expected.sum(axis=axis), good.sum(axis=axis), atol=1e-7)
    # the batches give the same, of treated cells too, wherever they call a set settled
    flat = Effects(np.zeros((1, 5)), np.zeros((1, 5)), np.zeros((1, 0)), np.ones(1, dtype=bool))
    (share,), (settled,) = expected_shares(panel, mask[None], found.kind[None] != UNSUPPORTED, flat)
    if settled:
        assert not (found.kind == UNIDENTIFIED).any()
        whole = replace(panel, exposure=np.where(mask, panel.exposure, 1.0))
        alone = impute(whole, mask).expected / whole.exposure
        np.testing.assert_allclose(share[np.isfinite(alone)], alone[np.isfinite(alone)], atol=1e-8)
