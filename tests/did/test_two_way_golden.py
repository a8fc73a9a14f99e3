"""Two-way fixed effects against R (fixest, clubSandwich) on real data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentorship_eval import did
from tests.shared_data import golden, shared_data

COLUMNS = {
    "mpdta": {"unit": "countyreal", "time": "year", "adopted": "first.treat"},
    "divorce": {"unit": "sid", "time": "year", "adopted": "g"},
}
OUTCOME = {"mpdta": "lemp", "divorce": "rate"}


def load(case):
    frame = pd.read_csv(shared_data(f"{case}/{case}.csv"))
    adopted = COLUMNS[case]["adopted"]
    frame[adopted] = frame[adopted].where(frame[adopted] > 0)
    return frame, COLUMNS[case], golden("did")["R"]


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_linear_cr1_equals_fixest(case):
    frame, columns, r = load(case)
    reference = r[f"fixest|twfe|{case}"]
    estimate = did.twfe(frame, outcome=OUTCOME[case], **columns).estimate
    assert estimate.value == pytest.approx(reference["b"], rel=1e-8)
    assert estimate.se == pytest.approx(reference["se"], rel=1e-8)
    assert estimate.p_value == pytest.approx(reference["p"], rel=1e-8)
    assert estimate.df == reference["tdf"]


def test_cr2_equals_clubsandwich():
    frame, columns, r = load("divorce")
    reference = r["clubSandwich_CR2|divorce"]
    estimate = did.twfe(frame, outcome="rate", variance="CR2", **columns).estimate
    for mine, theirs in ((estimate.value, "b"), (estimate.se, "se"), (estimate.df, "df"), (estimate.p_value, "p")):
        assert mine == pytest.approx(reference[theirs], rel=1e-8)


def test_poisson_equals_fepois():
    frame, columns, r = load("divorce")
    reference = r["fepois|divorce"]
    result = did.twfe(frame, count="suicide", exposure="stpop", **columns)
    assert np.log(result.estimate.value) == pytest.approx(reference["b"], rel=1e-8)
    assert result.estimate.value == pytest.approx(reference["irr"], rel=1e-9)
    assert result.estimate.n == reference["N"]
    assert result.deviance == pytest.approx(reference["dev"], rel=1e-9)
    assert result.log_likelihood == pytest.approx(reference["ll"], rel=1e-9)
    errors = result.standard_errors.set_index("variance")["se"]
    for mine, theirs in (("CR1", "se"), ("iid", "se_iid"), ("HC1", "se_hc1")):
        assert errors[mine] == pytest.approx(reference[theirs], rel=1e-8)
    assert result.estimate.se == errors["CR1"]


@pytest.mark.parametrize("case", ["mpdta", "divorce"])
def test_bacon_equals_bacondecomp(case):
    frame, columns, r = load(case)
    reference = r[f"bacon|{case}"]
    result = did.goodman_bacon(frame, outcome=OUTCOME[case], **columns)
    by_type = result.by_type.set_index("type")
    assert {f"w:{kind}" for kind in by_type.index} == {key for key in reference if key.startswith("w:")}
    for kind, row in by_type.iterrows():
        assert row["weight"] == pytest.approx(reference[f"w:{kind}"], rel=1e-8)
        assert row["estimate"] == pytest.approx(reference[f"est:{kind}"], rel=1e-8)
    assert result.estimate.value == pytest.approx(r[f"fixest|twfe|{case}"]["b"], rel=1e-8)
    assert result.estimate.se == pytest.approx(r[f"fixest|twfe|{case}"]["se"], rel=1e-8)
    assert result.forbidden_share == pytest.approx(reference["w:Later vs Earlier Treated"], rel=1e-8)


def test_on_real_data_the_inferences_agree_roughly():
    """The jackknife is the widest, and one state dominates the weighted analysis: the result says so."""
    frame, columns, _ = load("divorce")
    se = {v: did.twfe(frame, outcome="rate", variance=v, **columns).estimate.se for v in ("CR1", "CR2", "CR3")}
    assert se["CR1"] < se["CR2"] < se["CR3"] < 1.1 * se["CR1"]
    wild = did.twfe(frame, outcome="rate", wild=1999, **columns)
    assert wild.wild.p_value == pytest.approx(wild.estimate.p_value, abs=0.05)
    heavy = did.twfe(frame, outcome="rate", weights="stpop", variance="CR3", **columns)
    caution = next(caution for caution in heavy.warnings if caution.code == "dominant_cluster")
    assert caution.data["cluster"] == 5 and caution.data["share"] > 0.5
