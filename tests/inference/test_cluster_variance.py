"""Small-sample cluster variances against R and against dense algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.cluster_variance import (
    cr1,
    cr2,
    heteroskedastic,
    iid,
    leave_one_out_estimates,
    symmetric_inverse,
)
from mentorship_eval.inference.jackknife import cluster_jackknife


def worked(weighted: bool):
    """The rows of the R calls below: regression of y on x with an intercept and z, six clusters of four."""
    i = np.arange(24)
    g = i // 4
    x, z = np.sin(1.7 * i) + g / 4, np.cos(0.9 * i)
    y = 0.5 * x - 0.2 * z + np.sin(3.1 * i * i) + 0.3 * (g % 3)
    root = np.sqrt(1 + (i % 5) / 4) if weighted else np.ones(24)
    basis = np.column_stack([np.ones(24), z, x]) * root[:, None]
    return basis, y * root, g


def parts(basis, y):
    """Coefficient of the last column, that column without the others, and the residual."""
    coefficients = np.linalg.lstsq(basis, y, rcond=None)[0]
    others, last = basis[:, :-1], basis[:, -1]
    return coefficients[-1], last - others @ np.linalg.lstsq(others, last, rcond=None)[0], y - basis @ coefficients


# R, sandwich 3.0-2: m <- lm(y ~ x + z), and with weights all columns times root weight; sqrt(vcovCL(m, g, type, cadjust)["x", "x"])
# with type "HC1", cadjust TRUE for CR1; "HC2", TRUE for CR2; "HC3", FALSE for CR3; vcovHC(m, "HC1") for HC1
SANDWICH = {
    False: {"b": 0.764486002183614, "CR1": 0.160556316016116, "CR2": 0.15828533906476, "CR3": 0.164694865472745, "HC1": 0.175964674307726},
    True: {"b": 0.772872027987759, "CR1": 0.16498132970778, "CR2": 0.166186680262429, "CR3": 0.176881291813855},
}


@pytest.mark.parametrize("weighted", [False, True])
def test_equal_r(weighted):
    basis, y, g = worked(weighted)
    estimate, x, e = parts(basis, y)
    reference = SANDWICH[weighted]
    assert estimate == pytest.approx(reference["b"], rel=1e-10)
    assert cr1(x, e, g, parameters=3).se == pytest.approx(reference["CR1"], rel=1e-10)
    assert cr2(x, e, g, basis).se == pytest.approx(reference["CR2"], rel=1e-10)
    without = leave_one_out_estimates(estimate, e, g, basis, 2)
    assert cluster_jackknife(estimate, without).se[0] == pytest.approx(reference["CR3"], rel=1e-10)
    if not weighted:
        assert heteroskedastic(x, e, parameters=3).se == pytest.approx(reference["HC1"], rel=1e-10)


def dense_cr2(basis, e, g):
    """Standard error and Satterthwaite degrees of freedom of the last coefficient, from n x n matrices."""
    n = len(e)
    bread = np.linalg.pinv(basis.T @ basis)
    residual_maker = np.eye(n) - basis @ bread @ basis.T
    scores, loads = [], []
    for code in np.unique(g):
        rows = g == code
        values, vectors = np.linalg.eigh(residual_maker[np.ix_(rows, rows)])
        root = np.where(values > 1e-10, 1 / np.sqrt(np.where(values > 1e-10, values, 1)), 0)
        a = vectors @ np.diag(root) @ vectors.T @ basis[rows] @ bread[:, -1]
        scores.append(a @ e[rows])
        loads.append(residual_maker[:, rows] @ a)
    p = np.array(loads) @ np.array(loads).T
    return np.sqrt(np.sum(np.square(scores))), np.trace(p) ** 2 / np.sum(p**2)


def drawn(seed, nested):
    """Columns shared by clusters, effects nested in clusters (dummies of pairs) and a response."""
    random = np.random.default_rng(seed)
    g = np.sort(random.integers(0, 5, 30))
    g = np.unique(np.concatenate([g, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]]), return_inverse=True)[1]
    g.sort()
    shared = np.column_stack([np.ones(len(g)), random.normal(size=(len(g), 2)), random.normal(size=len(g)) + g])
    dummies = (g[:, None] == np.arange(5)).astype(float) if nested else np.zeros((len(g), 0))
    within = shared - dummies @ np.linalg.lstsq(dummies, shared, rcond=None)[0] if nested else shared
    return within, np.column_stack([dummies, shared]), random.normal(size=len(g)), g


@given(st.integers(0, 10_000), st.booleans())
@settings(deadline=None, max_examples=40)
def test_absorbed_equals_dense(seed, nested):
    basis, full, y, g = drawn(seed, nested)
    estimate, x, e = parts(full, y)
    mine = cr2(x, e, g, basis)
    assert (mine.se, mine.df) == pytest.approx(dense_cr2(full, e, g), rel=1e-8)
    assert mine.shares.sum() == pytest.approx(1)
    without = leave_one_out_estimates(estimate, e, g, basis, basis.shape[1] - 1)
    for code in range(5):
        rows = g != code
        assert without[code] == pytest.approx(np.linalg.lstsq(full[rows], y[rows], rcond=None)[0][-1], rel=1e-7, abs=1e-9)
    scores = np.bincount(g, weights=x * e)
    factor = 5 / 4 * (len(y) - 1) / (len(y) - 4)
    assert cr1(x, e, g, parameters=4).se == pytest.approx(np.sqrt(factor * (scores**2).sum()) / (x @ x), rel=1e-10)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_the_choice_of_columns_does_not_matter(seed):
    """Another basis of the same space (one column too many among it) gives the same answer."""
    basis, full, y, g = drawn(seed, True)
    _, x, e = parts(full, y)
    turned = basis @ np.random.default_rng(seed).normal(size=(4, 5))
    one, other = cr2(x, e, g, basis), cr2(x, e, g, turned)
    assert (other.se, other.df) == pytest.approx((one.se, one.df), rel=1e-6)


def test_a_coefficient_that_one_cluster_carries_does_not_exist_without_it():
    basis, _, y, g = drawn(3, False)
    basis[:, -1] = np.where(g == 2, basis[:, -1], 0.0)
    estimate, _x, e = parts(basis, y)
    without = leave_one_out_estimates(estimate, e, g, basis, 3)
    assert np.isnan(without[2]) and np.isfinite(np.delete(without, 2)).all()


def test_a_column_that_one_cluster_carries_does_not_stop_the_others():
    basis, _, y, g = drawn(3, False)
    basis[:, 1] = np.where(g == 2, basis[:, 1], 0.0)
    estimate, x, e = parts(basis, y)
    without = leave_one_out_estimates(estimate, e, g, basis, 3)
    rest = np.delete(basis[g != 2], 1, axis=1)
    assert without[2] == pytest.approx(np.linalg.lstsq(rest, y[g != 2], rcond=None)[0][-1], rel=1e-8)
    assert np.isfinite(cr2(x, e, g, basis).se)


def test_one_cluster_or_too_few_rows_has_no_standard_error():
    basis, y, _ = worked(False)
    _, x, e = parts(basis, y)
    one = np.zeros(24, dtype=int)
    assert np.isnan(cr1(x, e, one, parameters=3).se) and np.isnan(cr2(x, e, one, basis).se)
    assert np.isnan(cr1(x, e, np.arange(24), parameters=24).se)


def test_independent_errors():
    x = np.array([1.0, -2.0, 1.0])
    assert iid(x, 1.5).se == pytest.approx(0.5)
    assert iid(x, 1.5, correction=4.0).se == pytest.approx(1.0)


def test_lengths_must_agree():
    with pytest.raises(UsageError, match="not of one length"):
        cr1(np.ones(3), np.ones(3), np.zeros(2, dtype=int), parameters=1)


def test_generalised_inverse_knows_what_is_determined():
    columns = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 1e-6], [3.0, 3.0, -2e-6], [1.0, 1.0, 5e-6]])
    inverse, rank, determined = symmetric_inverse(columns.T @ columns)
    assert rank == 2 and determined.tolist() == [False, False, True]
    gram = columns.T @ columns
    np.testing.assert_allclose(gram @ inverse @ gram, gram, rtol=1e-9, atol=1e-15)
