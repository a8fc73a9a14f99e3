"""E-values against the published formulas, what must hold of any, and what has none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import Estimate
from mentorship_eval.inference.evalue import e_value, to_risk_ratio
from tests.shared_data import golden

RATIOS = st.floats(0.02, 50)


def test_reference_values() -> None:
    wanted = golden("survival")["evalue"]
    for common, kind in ((False, "rare"), (True, "common")):
        found = e_value(0.75, ci_low=0.6, ci_high=0.9, scale="hr", common=common)
        assert found.value == pytest.approx(wanted[f"hr075_{kind}"], rel=1e-12)
        assert found.ci_value == pytest.approx(wanted[f"hr075_ci090_{kind}"], rel=1e-12)
    assert e_value(0.5, scale="hr", common=True).value == pytest.approx(wanted["hr_0.5_common"], rel=1e-12)


def test_published_examples() -> None:
    """Maternal milk and respiratory death, risk ratio 3.9 (1.8 to 8.7): 7.2 and 3.0 (VanderWeele & Ding 2017)."""
    found = e_value(3.9, ci_low=1.8, ci_high=8.7, scale="rr")
    assert found.value == pytest.approx(3.9 + math.sqrt(3.9 * 2.9))
    assert found.value == pytest.approx(7.2, abs=0.1)  # printed without its second decimal
    assert round(found.ci_value, 1) == 3.0
    assert found.limit == "low"


@given(RATIOS, st.sampled_from(["hr", "rr", "or"]), st.booleans())
def test_a_ratio_and_its_inverse_are_alike(ratio: float, scale: str, common: bool) -> None:
    one, other = (e_value(value, scale=scale, common=common).value for value in (ratio, 1 / ratio))
    assert one == pytest.approx(other, rel=1e-9)
    assert one >= 1


@given(RATIOS, RATIOS)
def test_further_from_one_needs_more(a: float, b: float) -> None:
    near, far = sorted((a, b), key=lambda value: abs(math.log(value)))
    for scale, common in (("hr", True), ("hr", False), ("or", True), ("rr", None)):
        assert e_value(near, scale=scale, common=common).value <= e_value(far, scale=scale, common=common).value * (1 + 1e-12)


@given(RATIOS)
def test_a_confounder_of_that_strength_explains_it_away(ratio: float) -> None:
    """The bounding factor of two associations of the size of the E-value is the ratio itself (Ding & VanderWeele 2016)."""
    strength = e_value(ratio, scale="rr").value
    assert strength**2 / (2 * strength - 1) == pytest.approx(max(ratio, 1 / ratio), rel=1e-9)


def test_common_outcomes_lie_nearer_to_one() -> None:
    for scale in ("hr", "or"):
        for ratio in (0.3, 0.8, 1.4, 6.0):
            assert abs(math.log(to_risk_ratio(ratio, scale, True))) < abs(math.log(ratio))
    assert to_risk_ratio(0.64, "or", True) == pytest.approx(0.8)
    assert to_risk_ratio(1.0, "hr", True) == pytest.approx(1.0)


def test_an_interval_that_holds_one() -> None:
    for low, high in ((0.6, 1.1), (0.6, 1.0)):
        found = e_value(0.75, ci_low=low, ci_high=high, scale="rr")
        assert found.ci_value == 1
        assert "holds 1" in found.statement()
    assert e_value(1.0, ci_low=0.8, ci_high=1.2, scale="rr").value == 1
    assert math.isnan(e_value(0.75, scale="rr").ci_value)
    assert math.isinf(e_value(0.0, scale="rr").value)


def test_an_estimate_brings_its_limits() -> None:
    one = Estimate(value=0.75, ci_low=0.6, ci_high=0.9, scale="hazard ratio")
    found = e_value(one, common=True)
    assert found == e_value(0.75, ci_low=0.6, ci_high=0.9, scale="hr", common=True)
    assert found.table["quantity"].tolist() == ["estimate", "confidence limit"]
    assert found.table["ratio"].tolist() == [0.75, 0.9]
    assert "hazard ratio of 0.75" in found.statement()
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(("ratio", "call", "says"), [
    (0.7, {}, "no scale None"), (0.7, {"scale": "smd"}, "'smd'"), (0.7, {"scale": "hr"}, "common"), (-0.3, {"scale": "rr"}, "at least 0"),
    (0.7, {"scale": "rr", "ci_low": 0.8, "ci_high": 0.9}, "does not hold"), (0.7, {"scale": "rr", "ci_low": -0.1, "ci_high": 0.9}, "at least 0"),
    (Estimate(value=-1.0, scale="difference"), {}, "needs a ratio"),
])
def test_refused(ratio: float | Estimate, call: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        e_value(ratio, **call)
