"""Forecasts of monthly totals: calibrated where the model holds, better than naive, and nothing but totals gets in."""

from __future__ import annotations

import numpy as np
import pytest

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.forecasting.monthly import forecast, seasonal_naive, validate


def made(seed, months=48, level=30.0, dispersion=1.0):
    time = np.arange(months)
    mean = level * np.exp(0.004 * time + 0.2 * np.cos(2 * np.pi * time / 12))
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(mean / (dispersion - 1), dispersion - 1) if dispersion > 1 else mean)


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_intervals_hold_months_that_were_held_out_and_the_season_beats_the_naive_forecast(dispersion):
    told = [validate(made(seed, dispersion=dispersion), 6) for seed in range(12)]
    months = sum(each.months for each in told)
    covered = sum(each.coverage * each.months for each in told) / months
    assert 0.90 < covered < 0.99
    assert np.mean([each.error for each in told]) < np.mean([each.naive_error for each in told])


def test_a_forecast_is_the_same_every_time_and_follows_the_season():
    totals = made(1, level=200.0)
    first, second = forecast(totals, 12, seed=4), forecast(totals, 12, seed=4)
    assert (first.low == second.low).all() and (first.low <= first.mean).all() and (first.mean <= first.high).all()
    assert abs(int(first.mean.argmax()) - 0) in (0, 1, 11)  # months 48, 60: the top of the season
    assert (seasonal_naive(totals, 12).mean == totals[-12:]).all()


@pytest.mark.parametrize("bad", [np.array(["S0001"] * 30), np.ones((30, 2)), np.array([1.0, np.nan] * 15), -np.ones(30), np.ones(30, object)])
def test_nothing_but_one_number_a_month_gets_in(bad):
    with pytest.raises(UsageError):
        forecast(bad, 3)


def test_too_short_or_too_empty_is_refused_and_without_held_out_months_there_is_no_validation():
    for totals in (np.ones(12), np.zeros(36)):
        with pytest.raises(EstimationError):
            forecast(totals, 3)
    assert validate(made(1, months=24), 3) is None
