"""Interaction-weighted effects against R fixest (sunab), least squares and Poisson."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from tests.did.test_linear_golden import load
from tests.shared_data import golden


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_estimate_and_cr1(case):
    frame, columns = load(case)
    result = did.sun_abraham(frame, **columns)
    reference = golden("did")["R"][f"fixest|sunab_ATT|{case}"]
    assert result.estimate.value == pytest.approx(reference["b"], rel=1e-10)
    assert result.estimate.se == pytest.approx(reference["se"], rel=1e-10)
    assert result.estimate.df == frame[columns["unit"]].nunique() - 1


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_event_study(case):
    frame, columns = load(case)
    study = did.sun_abraham(frame, **columns).event_study
    reference = golden("did")["R"][f"fixest|sunab_es|{case}"]
    assert [f"year::{k}" for k in study["event_time"]] == reference["term"]
    assert study["estimate"].to_numpy() == pytest.approx(np.array(reference["b"]), rel=1e-8, abs=1e-10)
    known = study["se"].notna().to_numpy()
    assert study["se"].to_numpy()[known] == pytest.approx(np.array(reference["se"])[known], rel=1e-8)
    assert (study.loc[~known, "note"] == "one treated unit or cluster: no standard error").all() and (~known).sum() <= 1


def test_counts():
    frame = load("divorce")[0]
    reference = golden("did")["R"]["fepois_sunab_ATT|divorce"]
    result = did.sun_abraham(frame, unit="sid", time="year", adopted="g", count="suicide", exposure="stpop")
    assert np.log(result.estimate.value) == pytest.approx(reference["b"], rel=1e-9)
    assert result.estimate.se == pytest.approx(reference["se"], rel=1e-9)
    assert result.estimate.scale == "rate ratio" and "rate ratio 0.87" in result.statement()
