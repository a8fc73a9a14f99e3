"""A ratio of ratios that does not exist without one of the departments has no interval."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.incidents.joint import ratio_of_ratios
from mentorship_eval.questions.incidents.together import _interaction


def fake(lost: bool):
    logs = np.array([0.1, -0.1, 0.2, -0.2, 0.05, -np.inf if lost else 0.0, 0.1, 0.0])
    table = pd.DataFrame({"cluster": list("abcdefgh"), "log_irr": logs, "informative": True})
    return SimpleNamespace(irr=ratio_estimate(0.05, 0.1, scale="rate ratio", df=7, n=8, n_events=9), leave_one_out=table)


@pytest.mark.parametrize("lost", [False, True])
def test_a_refit_that_does_not_exist_leaves_no_interval(lost):
    still = fake(False)
    still.leave_one_out = still.leave_one_out.assign(log_irr=0.0)
    for estimate in (ratio_of_ratios(fake(lost), still, "a ratio"),
            _interaction({"both": fake(lost), "alone": fake(False), "other": fake(False)})):
        assert np.isfinite(estimate.value)
        assert np.isnan([estimate.se, estimate.ci_low, estimate.p_value]).all() == lost
