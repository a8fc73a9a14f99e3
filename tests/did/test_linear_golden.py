"""Linear imputation against exact least squares and R didimputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from tests.shared_data import golden, shared_data


def load(case: str) -> tuple[pd.DataFrame, dict[str, str]]:
    if case == "mpdta":
        frame = pd.read_csv(shared_data("mpdta/mpdta.csv"))
        frame["g"] = frame["first.treat"].where(frame["first.treat"] > 0)
        return frame, {"outcome": "lemp", "unit": "countyreal", "time": "year", "adopted": "g"}
    frame = pd.read_csv(shared_data("divorce/divorce.csv"))
    frame["g"] = frame["g"].where(frame["g"] > 0)
    frame["per_million"] = frame["suicide"] / frame["stpop"] * 1e6
    return frame, {"outcome": "per_million", "unit": "sid", "time": "year", "adopted": "g"}


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_estimate_is_the_least_squares_optimum(case):
    frame, columns = load(case)
    result = did.linear_imputation(frame, **columns, min_controls=1, permutations=0)
    assert result.estimate.value == pytest.approx(golden("did")["R"][f"bjs_exact|{case}"]["b"], rel=1e-11)


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_conservative_standard_error(case):
    """didimputation's estimates are 6.6e-8 and 2.2e-7 off the optimum, so that its standard errors deserve no more than 1e-8."""
    frame, columns = load(case)
    result = did.linear_imputation(frame, **columns, min_controls=1, permutations=0, variance="bjs")
    reference = golden("did")["R"][f"didimputation|{case}"]
    assert result.estimate.se == pytest.approx(reference["se"], rel=1e-8)
    assert result.estimate.value == pytest.approx(reference["b"], rel=5e-7)
    assert ("no_spread_within_wave" in {caution.code for caution in result.warnings}) == (case == "divorce")


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_jackknife_of_real_data_equals_refits(case):
    frame, columns = load(case)
    result = did.linear_imputation(frame, **columns, min_controls=1, permutations=0)
    without = result.leave_one_out.set_index("cluster")["estimate"]
    for name in without.index[:: max(1, len(without) // 6)]:
        rest = did.linear_imputation(frame[frame[columns["unit"]] != name], **columns, min_controls=1, permutations=0)
        assert without[name] == pytest.approx(rest.estimate.value, rel=1e-9)
    count = len(without)
    assert result.estimate.se == pytest.approx(np.sqrt((count - 1) / count * ((without - result.estimate.value) ** 2).sum()))
    assert result.estimate.df == count - 1 and result.estimate.n_clusters == count
