"""The permutation test inverted: against p-values of the data with the effect taken out, and its ends where it has none."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval import did
from mentorship_eval.did.counts.imputation import impute
from mentorship_eval.did.counts.permutation_interval import _Inverted
from mentorship_eval.did.counts.placebo import arrange
from mentorship_eval.did.counts.targets import choose_targets
from mentorship_eval.did.panels.panel import build_panel
from tests.did.panels import COLUMNS, simulated_panel


def fit(frame, **options):
    return did.poisson_imputation(frame, **{**COLUMNS, "tables": False, "permutation_interval": True, **options})


@pytest.fixture(scope="module")
def frame():
    return simulated_panel(units=12, periods=12, waves=(6,), never=6, rate=4, log_irr=-0.3, seed=21)


def test_limits_are_where_the_test_turns(frame):
    result = fit(frame, permutations=499, seed=3)
    found = result.permutation_interval
    assert found.low < result.irr.value < found.high and not found.exact and found.draws == 499 and not found.hull
    panel = build_panel(frame, **COLUMNS)
    arrangement = arrange(panel, impute(panel, choose_targets(panel).untreated), anticipation=0, min_controls=2)
    test = _Inverted(arrangement, float(np.log(result.irr.value)), 499, 3)
    assert test.p(test.extreme(0.0)) == result.permutation_p, "no ratio divides nothing: the plain test"
    for limit, inside in ((found.low, 1.03), (found.high, 1 / 1.03)):
        assert test.p(test.extreme(np.log(limit * inside))) > 0.05
        assert test.p(test.extreme(np.log(limit / inside))) <= 0.05


def test_dividing_treated_events_by_the_ratio_divides_the_limits():
    """Counts without a programme are the same whether a doubling is in the data or in the hypothesis."""
    frame = simulated_panel(units=12, periods=12, waves=(6,), never=6, rate=4, seed=22)
    treated = frame["period"] >= frame["start"]
    one = fit(frame, permutations=199).permutation_interval
    doubled = fit(frame.assign(events=frame["events"] * np.where(treated, 2, 1)), permutations=199).permutation_interval
    assert (doubled.low, doubled.high) == pytest.approx((2 * one.low, 2 * one.high), rel=0.01)


def test_covers_a_constant_ratio_and_not_every_other():
    """Of 24 panels with a ratio of 0.6, at 90 %: 99.9 % of binomial counts lie above 15; 1 is mostly outside."""
    held, one = 0, 0
    for seed in range(24):
        frame = simulated_panel(units=12, periods=12, waves=(6,), never=6, rate=5, log_irr=np.log(0.6), overdispersion=0.02, seed=400 + seed)
        found = fit(frame, permutations=199, ci_level=0.9).permutation_interval
        held += found.low <= 0.6 <= found.high
        one += found.low <= 1 <= found.high
    assert held >= 16
    assert one <= 7


def test_no_end_and_no_interval_are_said():
    few = fit(simulated_panel(units=6, periods=10, waves=(6,), never=4, rate=4, seed=2)).permutation_interval
    assert (few.low, few.high) == (0, np.inf) and "no p-value below" in few.note and few.exact and few.draws == 15
    single = fit(simulated_panel(units=9, periods=10, waves=(6,), never=8, rate=4, seed=2))
    assert np.isnan(single.permutation_interval.low) and "only one" in single.permutation_interval.statement()
    none = fit(simulated_panel(units=9, periods=10, waves=(6,), never=5, rate=4, seed=2), permutations=0).permutation_interval
    assert np.isnan(none.high) and "no permutation" in none.note
    assert fit(simulated_panel(), permutation_interval=False, permutations=19).permutation_interval is None


def test_words(frame):
    result = fit(frame, permutations=199)
    assert "For a constant ratio" in result.statement() and "does not reject" in result.permutation_interval.statement()
