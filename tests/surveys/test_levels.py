"""The sums of a model with levels of department and person, against the general likelihood they shorten."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentorship_eval.errors import EstimationError
from mentorship_eval.surveys.mixed import levels as rooms
from mentorship_eval.surveys.mixed.fitting import intercept_templates, restricted_fit, unstructured_templates
from mentorship_eval.surveys.mixed.layout import build_layout
from mentorship_eval.surveys.mixed.levels import levels_of
from mentorship_eval.surveys.mixed.likelihood import Likelihood
from tests.surveys.trials import trial


def likelihood_of(data: pd.DataFrame, *, person: bool = True, cluster: bool = True) -> Likelihood:
    people = pd.factorize(data["person"], sort=True)[0] if person else np.arange(len(data))
    turn = data.groupby("person").cumcount().to_numpy() if person else np.zeros(len(data), int)
    layout = build_layout(people, turn, pd.factorize(data["dept"], sort=True)[0] if cluster else None)
    x = np.column_stack([np.ones(len(data)), data["arm"], data["base"] - data["base"].mean(), data["wave"] == 2])
    return Likelihood(layout, x.astype(float), data["y"].to_numpy() - data["y"].mean(), intercept_templates(turn.max() + 1, person=person))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), person=st.booleans(), g=st.floats(0, 30), s=st.floats(0, 30), error=st.floats(0.01, 100))
def test_the_profile_is_that_of_the_general_likelihood(seed, person, g, s, error):
    likelihood = likelihood_of(trial(seed, clusters=6, people=5).dropna(subset="y"), person=person)
    theta = error * np.array([1.0, g, s] if person else [1.0, s])
    assert levels_of(likelihood).profile(g if person else 0.0, s) == pytest.approx(likelihood.profile(theta), rel=1e-11)
    alone = likelihood_of(trial(seed, clusters=6, people=5).dropna(subset="y"), cluster=False)
    assert levels_of(alone).profile(g, 0.0) == pytest.approx(alone.profile(np.array([1.0, g])), rel=1e-11)


@pytest.mark.parametrize("icc", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("person", [True, False])
def test_every_coefficient_without_a_department_is_that_of_a_refit(icc, person, monkeypatch):
    likelihood = likelihood_of(trial(4, clusters=9, people=7, icc=icc, effect=2).dropna(subset="y"), person=person)
    whole = restricted_fit(likelihood, nonnegative=np.ones(likelihood.size, bool))
    theta = whole.at.theta
    begin = (theta[1] / theta[0] if person else 0.0, theta[-1] / theta[0])
    found = levels_of(likelihood).leave_one_out(*begin)
    for code in range(9):
        alone = restricted_fit(likelihood.without(code), nonnegative=np.ones(likelihood.size, bool))
        assert found[code] == pytest.approx(alone.at.beta, abs=2e-6)
    monkeypatch.setattr(rooms, "TOGETHER", 90)  # two at a time
    np.testing.assert_allclose(levels_of(likelihood).leave_one_out(*begin), found, rtol=0, atol=1e-9)


def test_the_slopes_and_the_curvature_are_those_of_the_profile():
    levels = levels_of(likelihood_of(trial(5, clusters=6, people=6, icc=0.1).dropna(subset="y")))
    kept, where = np.ones((1, 6), bool), np.array([0.7, 0.2])
    at = levels._at(where[None], kept)
    for k in range(2):
        step = np.zeros(2)
        step[k] = 1e-5
        up, down = (levels._at((where + sign * step)[None], kept) for sign in (1, -1))
        assert at.slopes[0, k] == pytest.approx((up.deviance[0] - down.deviance[0]) / 2e-5, rel=1e-5)
        np.testing.assert_allclose(at.curvature[0, k], (up.slopes[0] - down.slopes[0]) / 2e-5, rtol=1e-5)


def test_what_does_not_exist_without_a_department_is_nan_and_other_covariances_have_no_levels():
    data = trial(6, clusters=6, people=6).dropna(subset="y")
    only = data.assign(arm=(data["dept"] == data["dept"].iloc[0]).astype(float))
    likelihood = likelihood_of(only)
    found = levels_of(likelihood).leave_one_out(0.5, 0.1)
    assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()
    with pytest.raises(EstimationError):
        restricted_fit(likelihood.without(0), nonnegative=np.ones(3, bool))
    likelihood.templates = unstructured_templates(3)
    assert levels_of(likelihood) is None
