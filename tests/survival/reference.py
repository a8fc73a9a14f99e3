"""Comparing our results with reference values made in R."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from tests.shared_data import golden, shared_data

CLOSED_FORM = 1e-8  # closed forms and converged fits
REAL_DATA = 1e-7  # Cox fits of real_data.json, which are printed with 12 digits and R's stopping rule


def reference(*keys: str) -> Any:
    value: Any = golden("survival")
    for key in keys:
        value = value[key]
    return value


def survival_data(name: str) -> pd.DataFrame:
    return pd.read_csv(shared_data(f"survival/{name}.csv"))


def real_case(name: str) -> Any:
    return golden("real_data")["cases"][name]["values"]


def numbers(values: Any) -> np.ndarray:
    """JSON null is NA."""
    return np.array([np.nan if value is None else value for value in np.atleast_1d(np.asarray(values, dtype=object))], dtype=float)


def compare_cox(result: Any, wanted: Mapping[str, Any], rtol: float = CLOSED_FORM, robust: bool | None = None) -> None:
    """Coefficients, both standard errors, log likelihoods, counts and the score test."""
    table = result.table.set_index("term")
    terms = list(wanted["coef"])
    assert list(table.index) == terms
    assert_allclose(table["coef"], list(wanted["coef"].values()), rtol=rtol)
    naive = wanted.get("naive_se")
    if robust is None:
        robust = naive is not None
    if naive:
        assert_allclose(table["se"], list(naive.values()), rtol=rtol)
    assert_allclose(table["robust_se" if robust else "se"], list(wanted["se"].values()), rtol=rtol)
    assert_allclose(result.loglik, wanted["loglik"], rtol=rtol)
    assert result.n == wanted["n"]
    assert result.n_events == wanted["nevent"]
    if "score" in wanted:
        assert_allclose(result.score_test, wanted["score"], rtol=1e-7)
        assert_allclose(result.likelihood_ratio_test, wanted["lrt"], rtol=1e-7)
    assert result.decrement < 1e-10


def compare_ph(result: Any, wanted: Mapping[str, Any]) -> None:
    table = result.ph_test(transform=wanted["transform"]).table
    assert list(table["term"]) == wanted["rows"]
    assert_allclose(table["chisq"], wanted["chisq"], rtol=CLOSED_FORM)
    assert list(table["df"]) == wanted["df"]
    assert_allclose(table["p"], wanted["p"], rtol=CLOSED_FORM)
