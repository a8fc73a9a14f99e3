"""Input that cannot be answered is refused with what to do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mentorship_eval import did
from mentorship_eval.errors import EstimationError, UsageError
from tests.did.event_studies import stationary

BETA, SIGMA = np.array([0.1, -0.1, 1.0, 1.2]), stationary(4, 0.2)


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"pre": [-4, -2], "post": [0, 1]}, EstimationError, "do not follow one another"),
    ({"pre": [-3, -2], "post": [1, 2]}, EstimationError, "do not follow one another"),
    ({"pre": [-2, -1], "post": [0, 1]}, EstimationError, "base period"),
    ({"pre": [-2, -3], "post": [0, 1]}, EstimationError, "do not follow one another"),
    ({"pre": [-3, -2], "post": 2}, UsageError, "One of pre and post"),
    ({"pre": 0, "post": 4}, EstimationError, "At least one of each"),
    ({"pre": 2, "post": 3}, UsageError, "shape"),
    ({"weights": [1.0]}, UsageError, "weights"),
    ({"weights": [0.0, 0.0]}, UsageError, "weights"),
    ({"weights": [np.nan, 1.0]}, UsageError, "weights"),
    ({"restriction": "monotone"}, UsageError, "relative_magnitude, smoothness"),
    ({"method": "fixed_length"}, UsageError, "hybrid, conditional"),
    ({"at": []}, UsageError, "0 or more"),
    ({"at": [-1.0]}, UsageError, "0 or more"),
    ({"at": [np.inf]}, UsageError, "0 or more"),
    ({"ci_level": 1.5}, UsageError, "ci_level"),
    ({"df": 0}, UsageError, "df"),
])
def test_arguments(change, error, words):
    with pytest.raises(error, match=words):
        did.honest_bounds(BETA, SIGMA, **{"pre": 2, "post": 2, **change})


def test_covariances():
    with pytest.raises(UsageError, match="shape"):
        did.honest_bounds(BETA, SIGMA[:3], pre=2, post=2)
    with pytest.raises(UsageError, match="symmetric"):
        did.honest_bounds(BETA, np.triu(SIGMA), pre=2, post=2)
    broken = SIGMA.copy()
    broken[1, 1] = np.nan
    with pytest.raises(EstimationError, match="missing at positions") as caught:
        did.honest_bounds(BETA, broken, pre=2, post=2)
    assert caught.value.rows == (1,)
    with pytest.raises(EstimationError, match="singular"):
        did.honest_bounds(BETA, np.ones((4, 4)), pre=2, post=2)
    with pytest.raises(EstimationError, match="singular"):
        did.honest_bounds(BETA, np.diag([0.0, 1, 1, 1]), pre=2, post=2)
    with pytest.raises(EstimationError, match="singular"):
        did.honest_bounds(BETA, np.array(SIGMA) * np.where(np.eye(4) > 0, 1, 5), pre=2, post=2)


def test_smoothness_needs_a_grid_when_no_change_of_slope_was_seen():
    with pytest.raises(UsageError, match="at="):
        did.honest_bounds(BETA[1:], SIGMA[1:, 1:], pre=1, post=2, restriction="smoothness")
    assert len(did.honest_bounds(BETA[1:], SIGMA[1:, 1:], pre=1, post=2, restriction="smoothness", at=[0.1]).table) == 1


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from mentorship_eval.did import honest_bounds, breakdown, synthetic_did; "
        "print([m for m in ('scipy.stats', 'scipy.optimize') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
